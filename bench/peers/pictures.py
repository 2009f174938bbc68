"""Training pictures the way PIL and NumPy do it: a pool of processes, each with one picture in hand, results in shared memory."""
import ctypes
import multiprocessing
import os
import random
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from work import Work

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)

# Cityscapes' label ids to train ids; all others are ignored.
TRAIN_IDS = np.full(256, 255, dtype=np.uint8)
TRAIN_IDS[[7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]] = np.arange(19)

shared = {}


def prepare(picture_path: Path, label_path: Path, size: int, mirrored: bool):
    """float32 [3, size, size], normalised as torchvision's ToTensor and Normalize, and uint8 [size, size]."""
    with Image.open(picture_path) as file:
        picture = np.asarray(file.convert("RGB").resize((size, size), Image.BILINEAR))
    with Image.open(label_path) as file:
        label = np.asarray(Image.fromarray(TRAIN_IDS[np.asarray(file)]).resize((size, size), Image.NEAREST))
    if mirrored:
        picture, label = picture[:, ::-1], label[:, ::-1]
    values = (picture.astype(np.float32) / np.float32(255) - MEAN) / STD
    return np.ascontiguousarray(values.transpose(2, 0, 1)), np.ascontiguousarray(label)


def begin(pictures, labels, size):
    shared.update(pictures=pictures, labels=labels, size=size)


def job(task):
    slot, seed, picture_path, label_path = task
    size = shared["size"]
    picture, label = prepare(picture_path, label_path, size, random.Random(seed).random() < 0.5)
    np.frombuffer(shared["pictures"], dtype=np.float32).reshape(-1, 3, size, size)[slot] = picture
    np.frombuffer(shared["labels"], dtype=np.uint8).reshape(-1, size, size)[slot] = label
    return slot


class Pictures(Work):
    version = f"PIL {PIL.__version__}, NumPy {np.__version__}"

    def __init__(self, order):
        super().__init__(order)
        self.size, root = order["resized"], Path(order["folder"])
        self.files = []
        for picture in sorted((root / "leftImg8bit" / "train").rglob("*_leftImg8bit.png")):
            name = picture.name.replace("_leftImg8bit", "_gtFine_labelIds")
            self.files.append((picture, root / "gtFine" / "train" / picture.parent.name / name))
        cells = len(self.files) * self.size**2
        memory = multiprocessing.RawArray(ctypes.c_float, 3 * cells), multiprocessing.RawArray(ctypes.c_uint8, cells)
        self.epoch = 0
        self.pool = multiprocessing.get_context("fork").Pool(order["threads"], begin, (*memory, self.size))

    def run(self):
        self.epoch += 1
        tasks = [(slot, self.epoch * len(self.files) + slot, *paths) for slot, paths in enumerate(self.files)]
        random.Random(self.epoch).shuffle(tasks)
        with self.phase("total", 1 / len(tasks)):
            for _ in self.pool.imap_unordered(job, tasks):
                pass

    def output(self):
        picture, label = prepare(*self.files[0], self.size, mirrored=True)
        return {"picture": picture, "label": label}, {}

    def end(self):
        self.pool.terminate()
        os._exit(0)
