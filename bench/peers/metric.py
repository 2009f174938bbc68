"""The confusion matrix as NumPy users count it: a bincount over label · classes + prediction."""
import numpy as np

from formula import label_blocks
from work import Work

CLASSES, IGNORE = 19, 19
# Counted a turn: one takes milliseconds.
PICTURES = 10


class Metric(Work):
    version = f"NumPy {np.__version__}"

    def __init__(self, order):
        super().__init__(order)
        size = order["height"], order["width"]
        self.prediction = label_blocks("prediction", *size, block=16, classes=CLASSES)[0].astype(np.uint8)
        self.label = label_blocks("target", *size, block=16, classes=CLASSES + 1)[0].astype(np.uint8)

    def run(self):
        matrix = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        with self.phase("total", 1 / PICTURES):
            for _ in range(PICTURES):
                valid = self.label != IGNORE
                cell = CLASSES * self.label[valid].astype(np.int64) + self.prediction[valid]
                matrix += np.bincount(cell, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
        self.matrix = matrix

    def output(self):
        return {"counts": self.matrix}, {}
