"""The peer of the evaluation metric: one confusion matrix through NumPy's bincount.

    metric.py '{"work": "metric", "height": 1024, "width": 2048, "classes": 19, "threads": 2, "dtype": "uint8" | "int64"}'

A run counts one picture's predictions against its labels (classes are ignored where the label is 255) and answers {"seconds",
"loss": null}; `output PATH` writes the last matrix: int64 [classes, classes], [label, prediction]. The end of stdin ends the
process. Labels and predictions lie in memory as `dtype`: by the formula of golden.py, blocks of 32 pixels of which one in twenty
is ignored, predicted rightly but where blocks of 8 differ.
"""
import json
import sys
import time

import numpy as np

import golden

IGNORED = 255


def make_labels(height: int, width: int, classes: int) -> np.ndarray:
    ids = golden.labels("metric_label", height, width, block=32, classes=classes + 1)[0].numpy()
    return np.where(ids == classes, IGNORED, ids)


def make_predictions(labels: np.ndarray, classes: int) -> np.ndarray:
    """The label, but in one block of four, and where the label is ignored, another class."""
    other = golden.labels("metric_prediction", *labels.shape, block=8, classes=4 * classes)[0].numpy()
    return np.where((other < classes) | (labels == IGNORED), other % classes, labels)


class Metric:
    def __init__(self, order: dict):
        self.classes = order.get("classes", 19)
        labels = make_labels(order["height"], order["width"], self.classes)
        predictions = make_predictions(labels, self.classes)
        dtype = np.dtype(order.get("dtype", "uint8"))
        self.labels, self.predictions = labels.astype(dtype), predictions.astype(dtype)

    def run(self):
        valid = self.labels != IGNORED
        cells = self.classes * self.labels[valid].astype(np.int64) + self.predictions[valid]
        counts = np.bincount(cells, minlength=self.classes**2)
        self.matrix = counts.reshape(self.classes, self.classes)

    def output(self, path: str):
        self.matrix.astype(np.int64).tofile(path)


def answer(**record):
    print(json.dumps(record), flush=True)


def main():
    work = Metric(json.loads(sys.argv[1]))
    answer(version=f"NumPy {np.__version__}")
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "run":
            started = time.perf_counter()
            work.run()
            answer(seconds=time.perf_counter() - started, loss=None)
        else:
            work.output(path)
            answer()


if __name__ == "__main__":
    main()
