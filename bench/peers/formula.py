"""Numbers by the formula of packages/adsam/src/bench/formula.ts, in NumPy, so that both sides of a comparison hold the same.

    fnv1a(s)   h = 0x811c9dc5; for each UTF-8 byte b: h = (h ^ b) * 0x01000193
    mix(x)     x ^= x >> 16; x *= 0x85ebca6b; x ^= x >> 13; x *= 0xc2b2ae35; x ^= x >> 16
    u(s, i)    mix(i + fnv1a(s)) / 2^32                    unsigned 32-bit integers that wrap
"""
import numpy as np


def fnv1a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def u(name: str, count: int) -> np.ndarray:
    """The first `count` of the sequence called `name`: float64 in [0, 1)."""
    x = np.arange(count, dtype=np.uint32) + np.uint32(fnv1a(name))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x / 2.0**32


def label_blocks(name: str, height: int, width: int, block: int, classes: int, batch: int = 1) -> np.ndarray:
    """int64 [batch, height, width] in blocks of block × block pixels, ids 0 … classes - 1."""
    rows, columns = -(-height // block), -(-width // block)
    cells = np.floor(classes * u(f"label:{name}", batch * rows * columns)).astype(np.int64).reshape(batch, rows, columns)
    whole = cells.repeat(block, axis=1).repeat(block, axis=2)[:, :height, :width]
    return np.ascontiguousarray(whole)
