"""Writes pillow-resize.json: Pillow's BILINEAR and NEAREST on pictures from a formula. Run: python3 pillow_resize.py > pillow-resize.json

Byte i of a picture called s is floor(256 * u(s, i)), with u as in the other golden files: MurmurHash3's mixer over i + FNV-1a(s).
"""
import json
import numpy as np
import PIL
from PIL import Image

MASK = 0xFFFFFFFF


def fnv1a(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & MASK
    return h


def noise(text, count):
    x = (np.arange(count, dtype=np.uint64) + fnv1a(text)) & MASK
    x ^= x >> np.uint64(16)
    x = (x * 0x85EBCA6B) & MASK
    x ^= x >> np.uint64(13)
    x = (x * 0xC2B2AE35) & MASK
    x ^= x >> np.uint64(16)
    return np.floor(256 * (x / 2**32)).astype(np.uint8)


def case(name, height, width, to_height, to_width):
    rgb = Image.fromarray(noise(name, height * width * 3).reshape(height, width, 3))
    ids = Image.fromarray(noise(name, height * width).reshape(height, width))
    bilinear = np.asarray(rgb.resize((to_width, to_height), Image.BILINEAR))
    nearest = np.asarray(ids.resize((to_width, to_height), Image.NEAREST))
    return {
        "name": name,
        "from": {"height": height, "width": width},
        "to": {"height": to_height, "width": to_width},
        "bilinear": bilinear.tobytes().hex(),
        "nearest": nearest.tobytes().hex(),
    }


sizes = [(7, 12, 5, 4), (7, 12, 19, 30), (23, 17, 23, 6), (23, 17, 8, 17), (1, 9, 4, 3), (9, 1, 2, 5), (31, 50, 3, 3), (45, 60, 32, 32), (6, 10, 12, 15)]
cases = [case(f"{h}x{w}-{a}x{b}", h, w, a, b) for h, w, a, b in sizes]
print(json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=1))
