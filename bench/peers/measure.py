"""A peer's side of the benchmark: builds one piece of work, then does it when asked, a command a line on stdin.

    measure.py '{"work": "ad-sam-forward", "batch": 1, "height": 512, "width": 512, "threads": 2, "device": "cpu", "dtype": "float32"}'

`run` does the work once and answers {"seconds": {phase: s}, "numbers"}; `output PATH` writes what came out, float32, one array behind
another, and answers {"arrays": [[name, length]], "numbers"}; `onnx PATH` writes a network for ONNX Runtime; the end of stdin ends the
process. Answers are JSON, one a line. The other end is packages/adsam/src/bench/sides/side.ts.
"""
import importlib
import json
import sys

# Module and class of each work; a module is imported when its work is asked for, so that NumPy's side does not hold PyTorch.
WORKS = {
    "ad-sam-forward": ("networks", "AdSamForward"),
    "ad-sam-step": ("networks", "AdSamStep"),
    "sam-encoder": ("networks", "SamEncoder"),
    "backbone": ("networks", "Backbone"),
    "deform-conv": ("operators", "DeformConv"),
    "hybrid-loss": ("operators", "HybridLoss"),
    "pictures": ("pictures", "Pictures"),
    "metric": ("metric", "Metric"),
}


def answer(**record):
    print(json.dumps(record), flush=True)


def written(work, path: str):
    """Writes what came out and lets go of it: it is not the work's memory, which is measured afterwards."""
    arrays, numbers = work.output()
    with open(path, "wb") as file:
        for array in arrays.values():
            array.astype("float32", copy=False).tofile(file)
    return {"arrays": [[name, array.size] for name, array in arrays.items()], "numbers": numbers}


def main():
    order = json.loads(sys.argv[1])
    module, name = WORKS[order["work"]]
    work = getattr(importlib.import_module(module), name)(order)
    answer(version=work.version)
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "run":
            work.seconds = {}
            numbers = work.run()
            answer(seconds=work.seconds, numbers=numbers or {})
        elif command == "onnx":
            work.onnx(path)
            answer()
        else:
            answer(**written(work, path))
    work.end()


if __name__ == "__main__":
    main()
