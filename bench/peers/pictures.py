"""The peer of the picture pipeline: PIL and NumPy, one worker process a core, batches handed over in shared memory.

    pictures.py '{"work": "pictures", "root": "CITYSCAPES", "split": "train", "size": 1024, "threads": 2,
                  "mirror": true, "repeat": 1}'

A run prepares every picture of the split `repeat` times and answers {"seconds", "loss": null, "pictures"}; `output PATH` writes
the first picture as it went to the network: float32 [3, size, size], then its label, uint8 [size, size]. The end of stdin ends
the process. A picture's way: decode, bilinear resize to a square, mirror, ImageNet's mean and deviation in float32, channels
first; a label's: decode, ids to train ids (an id that is none is refused), nearest resize, mirror.
"""
import json
import sys
import time
from multiprocessing import Process, Queue, RawArray
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
CLASS_IDS = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
IGNORED, UNKNOWN = 255, 254
SLOTS_A_WORKER = 2


def train_id_table() -> np.ndarray:
    table = np.full(256, UNKNOWN, np.uint8)
    table[:34] = IGNORED
    table[CLASS_IDS] = np.arange(len(CLASS_IDS))
    return table


TABLE = train_id_table()


class Slot:
    """Room for one prepared picture and its label that both processes see."""

    def __init__(self, size: int):
        self.size = size
        self.floats, self.bytes = RawArray("f", 3 * size * size), RawArray("B", size * size)

    def image(self) -> np.ndarray:
        return np.frombuffer(self.floats, np.float32).reshape(3, self.size, self.size)

    def label(self) -> np.ndarray:
        return np.frombuffer(self.bytes, np.uint8).reshape(self.size, self.size)


def prepare(picture_file: str, label_file: str, mirror: bool, slot: Slot):
    square = (slot.size, slot.size)
    with Image.open(picture_file) as file:
        picture = file.convert("RGB").resize(square, Image.BILINEAR)
    with Image.open(label_file) as file:
        ids = np.asarray(file)
    train_ids = TABLE[ids]
    if (train_ids == UNKNOWN).any():
        raise ValueError(f"{label_file}: unknown ids {np.unique(ids[train_ids == UNKNOWN])}")
    label = Image.fromarray(train_ids).resize(square, Image.NEAREST)
    if mirror:
        picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        label = label.transpose(Image.FLIP_LEFT_RIGHT)
    rgb, image = np.asarray(picture), slot.image()
    for channel in range(3):  # in place, a plane at a time: half the time of the whole array at once
        np.divide(rgb[..., channel], np.float32(255), out=image[channel])
        image[channel] -= MEAN[channel]
        image[channel] /= STD[channel]
    slot.label()[:] = np.asarray(label)


def serve(slots: list, orders: Queue, done: Queue):
    """A worker's life: prepares what it is told into the slot it is told, until told None."""
    for place, sample, mirror in iter(orders.get, None):
        try:
            prepare(*sample, mirror, slots[place])
            done.put((place, None))
        except Exception as error:  # the parent must hear of it, or it waits for ever
            done.put((place, repr(error)))


class Pictures:
    def __init__(self, order: dict):
        self.mirror, self.repeat = order.get("mirror", True), order.get("repeat", 1)
        self.samples = pairs(Path(order["root"]), order.get("split", "train"))
        self.slots = [Slot(order["size"]) for _ in range(SLOTS_A_WORKER * order["threads"])]
        self.orders, self.done = Queue(), Queue()
        for _ in range(order["threads"]):
            Process(target=serve, args=(self.slots, self.orders, self.done), daemon=True).start()

    def run(self) -> int:
        todo = self.samples * self.repeat
        ahead = min(len(self.slots), len(todo))
        for place in range(ahead):
            self.orders.put((place, todo[place], self.mirror))
        for following in range(ahead, len(todo) + ahead):
            place = self.finished()
            self.consume(self.slots[place])
            if following < len(todo):
                self.orders.put((place, todo[following], self.mirror))
        return len(todo)

    def finished(self) -> int:
        place, error = self.done.get()
        if error is not None:
            raise RuntimeError(error)
        return place

    @staticmethod
    def consume(slot: Slot):
        """What a network would take over; one number of each is enough to see that it is there."""
        return float(slot.image()[0, 0, 0]) + int(slot.label()[0, 0])

    def output(self, path: str):
        self.orders.put((0, self.samples[0], self.mirror))
        slot = self.slots[self.finished()]
        with open(path, "wb") as file:
            file.write(slot.image().tobytes())
            file.write(slot.label().tobytes())


def pairs(root: Path, split: str) -> list:
    """(picture, label) of a split in Cityscapes' layout, in the order of their names."""
    found = []
    for picture in sorted((root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png")):
        name = picture.name.replace("_leftImg8bit.png", "_gtFine_labelIds.png")
        found.append((str(picture), str(root / "gtFine" / split / picture.parent.name / name)))
    if not found:
        raise SystemExit(f"no pictures under {root / 'leftImg8bit' / split}")
    return found


def answer(**record):
    print(json.dumps(record), flush=True)


def main():
    work = Pictures(json.loads(sys.argv[1]))
    answer(version=f"Pillow {PIL.__version__}, NumPy {np.__version__}")
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "run":
            started = time.perf_counter()
            pictures = work.run()
            answer(seconds=time.perf_counter() - started, loss=None, pictures=pictures)
        else:
            work.output(path)
            answer()


if __name__ == "__main__":
    main()
