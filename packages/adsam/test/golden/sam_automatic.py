"""Prints sam-automatic.json: what pycocotools and OpenCV say of masks made by a formula.

    pip install numpy pycocotools opencv-python-headless
    python sam_automatic.py > sam-automatic.json

A mask [height, width] is made of blocks of block x block pixels, cropped at the right and lower edge; block number i (row by row) is set where
u("mask:<name>", i) < share, with u() as in golden.ts.
"""

import json
from importlib.metadata import version

import cv2
import numpy as np
from pycocotools import mask as coco

MASKS = [
    {"name": "one pixel", "height": 1, "width": 1, "block": 1, "share": 2},
    {"name": "empty", "height": 5, "width": 8, "block": 1, "share": 0},
    {"name": "full", "height": 7, "width": 4, "block": 1, "share": 2},
    {"name": "row", "height": 1, "width": 40, "block": 1, "share": 0.5},
    {"name": "column", "height": 40, "width": 1, "block": 1, "share": 0.5},
    {"name": "noise", "height": 23, "width": 37, "block": 1, "share": 0.5},
    {"name": "dense noise", "height": 31, "width": 18, "block": 1, "share": 0.8},
    {"name": "sparse noise", "height": 29, "width": 50, "block": 1, "share": 0.1},
    {"name": "pairs", "height": 33, "width": 41, "block": 2, "share": 0.3},
    {"name": "blocks", "height": 61, "width": 83, "block": 5, "share": 0.35},
    {"name": "large blocks", "height": 480, "width": 640, "block": 64, "share": 0.3},
    {"name": "street", "height": 1024, "width": 2048, "block": 200, "share": 0.4},
]
MIN_AREAS = [1, 2, 3, 8, 60, 100000]


def fnv1a(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def u(name, count):
    x = np.arange(count, dtype=np.uint64) + fnv1a(name) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ x >> shift) * factor & 0xFFFFFFFF
    return (x ^ x >> 16) / 2.0**32


def make(name, height, width, block, share):
    rows, columns = -(-height // block), -(-width // block)
    cells = u("mask:" + name, rows * columns).reshape(rows, columns) < share
    return cells.repeat(block, 0).repeat(block, 1)[:height, :width]


def encode(mask):
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))


def without_small(mask, least, mode):
    """Segment Anything's rule, from the labels and areas that OpenCV gives."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (mask if mode == "islands" else ~mask).astype(np.uint8), connectivity=8
    )
    areas = dict(enumerate(stats[1:, cv2.CC_STAT_AREA], start=1))
    small = [label for label in areas if areas[label] < least]
    if not small:
        return mask, False
    if mode == "holes":
        return mask | np.isin(labels, small), True
    kept = [label for label in areas if label not in small]
    return np.isin(labels, kept or [max(areas, key=areas.get)]), True


masks = []
for spec in MASKS:
    mask = make(**spec)
    rle = encode(mask)
    regions = []
    for mode in ("holes", "islands"):
        for least in MIN_AREAS:
            cleaned, changed = without_small(mask, least, mode)
            text = encode(cleaned)["counts"].decode()
            regions.append({"mode": mode, "minArea": least, "changed": changed, **({"counts": text} if changed else {})})
    box = [int(side) for side in coco.toBbox(rle)]
    masks.append({**spec, "counts": rle["counts"].decode(), "area": int(coco.area(rle)), "box": box, "regions": regions})

print(json.dumps({"opencv": cv2.__version__, "pycocotools": version("pycocotools"), "masks": masks}, indent=1))
