"""The peer's side of the benchmark: builds the network, then does one piece of work a line on stdin.

    measure.py '{"work": "forward" | "step", "size": 512, "threads": 2}'

`run` does the work once and answers {"seconds", "loss"}; `output PATH` writes the last logits (float32, row-major) or, for a
step, answers the norm of every gradient; the end of stdin ends the process. Answers are JSON, one a line.
"""
import json
import sys
import time

import torch
import torchvision

import golden
from ad_sam import AdSam
from hybrid_loss import hybrid

IGNORE = 19


class Work:
    def __init__(self, size: int):
        self.image = golden.picture("image", (1, 3, size, size), -2, 2)
        self.sam_embedding = golden.picture("sam_embedding", (1, 256, size // 16, size // 16), -1, 1)
        self.network = golden.fill(AdSam())


class Forward(Work):
    def __init__(self, size: int):
        super().__init__(size)
        self.network.eval()

    def run(self):
        with torch.no_grad():
            self.logits = self.network(self.image, self.sam_embedding)

    def output(self, path: str):
        self.logits.numpy().tofile(path)
        return {}


class Step(Work):
    def __init__(self, size: int):
        super().__init__(size)
        self.network.train()
        self.labels = golden.labels("target", size, size, block=16, classes=20)
        self.optimiser = torch.optim.AdamW(self.network.groups(2e-4), weight_decay=5e-4)

    def run(self):
        self.optimiser.zero_grad(set_to_none=True)
        loss = hybrid(self.network(self.image, self.sam_embedding), self.labels, IGNORE)
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def output(self, _path: str):
        return {"norms": {name: p.grad.double().norm().item() for name, p in self.network.named_parameters()}}


def answer(**record):
    print(json.dumps(record), flush=True)


def main():
    order = json.loads(sys.argv[1])
    torch.set_num_threads(order["threads"])
    work = {"forward": Forward, "step": Step}[order["work"]](order["size"])
    answer(version=f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}")
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "run":
            started = time.perf_counter()
            loss = work.run()
            answer(seconds=time.perf_counter() - started, loss=loss)
        else:
            answer(**work.output(path))


if __name__ == "__main__":
    main()
