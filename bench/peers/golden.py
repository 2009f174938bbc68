"""Weights, inputs and labels by the formula of packages/adsam/test/golden.ts, so that both sides hold the same numbers.

    fnv1a(s)   h = 0x811c9dc5; for each UTF-8 byte b: h = (h ^ b) * 0x01000193
    mix(x)     x ^= x >> 16; x *= 0x85ebca6b; x ^= x >> 13; x *= 0xc2b2ae35; x ^= x >> 16
    u(s, i)    mix(i + fnv1a(s)) / 2^32                    unsigned 32-bit integers that wrap
"""
import math

import numpy as np
import torch


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


def values(name: str, shape, lo: float, span: float) -> torch.Tensor:
    count = math.prod(shape)
    return torch.from_numpy((lo + span * u(name, count)).astype(np.float32)).reshape(tuple(shape))


def parameter(name: str, shape) -> torch.Tensor:
    """A parameter or floating-point buffer by its state-dict name."""
    last = name.rsplit(".", 1)[-1]
    if last == "running_var":
        return values(name, shape, 0.75, 0.5)
    if last in ("running_mean", "pos_embed"):
        return values(name, shape, -0.1, 0.2)
    if len(shape) >= 2:
        bound = math.sqrt(3 / (math.prod(shape) / shape[0]))
        return values(name, shape, -bound, 2 * bound)
    if last == "weight":
        return values(name, shape, 0.9, 0.2)
    return values(name, shape, -0.1, 0.2)


def fill(module: torch.nn.Module) -> torch.nn.Module:
    """Fills every parameter and floating-point buffer of a module."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(parameter(name, tensor.shape))
    return module


def picture(name: str, shape, lo: float, hi: float) -> torch.Tensor:
    """The input called `name`, between `lo` and `hi`."""
    return values(f"input:{name}", shape, lo, hi - lo)


def labels(name: str, height: int, width: int, block: int, classes: int) -> torch.Tensor:
    """int64 [1, height, width] in blocks of block × block pixels, ids 0 … classes - 1."""
    rows, columns = -(-height // block), -(-width // block)
    cells = np.floor(classes * u(f"label:{name}", rows * columns)).astype(np.int64).reshape(rows, columns)
    whole = cells.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    return torch.from_numpy(np.ascontiguousarray(whole))[None]
