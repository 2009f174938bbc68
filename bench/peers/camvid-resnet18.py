"""The study's mark to beat: a plain ResNet-18 with a feature pyramid, from random weights, on CamVid, for some minutes.

    python3 bench/peers/camvid-resnet18.py --data /data/camvid --minutes 20 [--val-every 5] [--out FILE]

Writes a JSON line for every validation: { minutes, epoch, step, lr, loss, mIoU, iou: one for each of 11 classes, null where
neither labels nor predictions have it }. The clock begins with training: validations are within the budget, reading the pictures is
not. Needs PyTorch, torchvision, NumPy and PIL.
"""
import argparse
import json
import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.nn import functional as F

CLASSES, IGNORE = 11, 11
CROP = 256, 320  # height, width
BATCH = 6
SCALES = 0.6, 1.6
BRIGHTNESS = 0.3  # the picture times 0.7 to 1.3
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


class FeaturePyramid(nn.Module):
    """ResNet-18's four stages through 1×1 convolutions to `dim` channels, summed from the coarsest up, 3×3, classifier."""

    def __init__(self, dim=128):
        super().__init__()
        self.resnet = torchvision.models.resnet18(weights=None)
        del self.resnet.fc
        self.laterals = nn.ModuleList(nn.Conv2d(channels, dim, 1) for channels in (64, 128, 256, 512))
        mix = nn.Conv2d(dim, dim, 3, padding=1, bias=False)
        self.mix = nn.Sequential(mix, nn.BatchNorm2d(dim), nn.ReLU(inplace=True))
        self.classifier = nn.Conv2d(dim, CLASSES, 1)

    def forward(self, image):
        """float32 [B, 3, H, W] -> logits [B, 11, H, W]."""
        net = self.resnet
        x = net.maxpool(net.relu(net.bn1(net.conv1(image))))
        stages = []
        for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = stage(x)
            stages.append(x)
        top = self.laterals[3](stages[3])
        for lateral, stage in zip(reversed(self.laterals[:3]), reversed(stages[:3])):
            side = lateral(stage)
            top = side + F.interpolate(top, size=side.shape[2:], mode="bilinear", align_corners=False)
        logits = self.classifier(self.mix(top))  # [B, 11, H/4, W/4]
        return F.interpolate(logits, size=image.shape[2:], mode="bilinear", align_corners=False)


def read_pairs(root: Path, split: str, limit=None, seed=0):
    """[(RGB picture, label ids)], both PIL, by name; `limit` of them where given, each set within the next of its seed."""
    folder = root / split
    files = sorted(folder.glob("*.png"))
    if not files:
        sys.exit(f"{folder} has no *.png. Expected CamVid in SegNet's form: train, trainannot, val, valannot. --data names it.")
    if limit is not None:
        files = sorted(random.Random(seed).sample(files, len(files))[:limit])
    pairs = []
    for file in files:
        label = root / f"{split}annot" / file.name
        if not label.is_file():
            sys.exit(f"{file} has no label: {label} is not there.")
        picture, ids = Image.open(file).convert("RGB"), Image.open(label).convert("L")
        if picture.size != ids.size:
            sys.exit(f"{label} has {ids.size} pixels, its picture {picture.size}; expected one size for both.")
        pairs.append((picture, ids))
    return pairs


def normalised(picture):
    """float32 [3, H, W] of uint8 [H, W, 3] or of its values times a brightness."""
    return (torch.from_numpy(np.ascontiguousarray(picture, dtype=np.float32)).permute(2, 0, 1) / 255 - MEAN) / STD


def augmented(picture, label, draw: random.Random):
    """A random place at a random scale, brighter or darker, mirrored by chance: float32 [3, 256, 320], int64 [256, 320].
    A picture smaller than the crop stands somewhere in it, among the mean colour and ignored labels."""
    scale = draw.uniform(*SCALES)
    box, place = [], []  # of each axis, x first: where the crop lies in the picture, and in the crop
    for crop, size in zip(reversed(CROP), picture.size):
        scaled = round(size * scale)
        spare = scaled - crop
        offset = draw.randint(min(spare, 0), max(spare, 0))  # of the crop within the scaled picture
        begin, end = max(offset, 0), min(offset + crop, scaled)
        box.append((begin * size / scaled, end * size / scaled))
        place.append((begin - offset, end - offset))
    (left, right), (top, bottom) = box
    (x0, x1), (y0, y1) = place
    size = x1 - x0, y1 - y0
    pixels = np.asarray(picture.resize(size, Image.BILINEAR, box=(left, top, right, bottom)), dtype=np.float32)
    ids = np.asarray(label.resize(size, Image.NEAREST, box=(left, top, right, bottom)))
    image = torch.zeros(3, *CROP)
    target = torch.full(CROP, IGNORE, dtype=torch.int64)
    bright = np.clip(pixels * (1 + draw.uniform(-BRIGHTNESS, BRIGHTNESS)), 0, 255)
    image[:, y0:y1, x0:x1] = normalised(bright)
    target[y0:y1, x0:x1] = torch.from_numpy(ids.astype(np.int64))
    if draw.random() < 0.5:
        image, target = image.flip(2), target.flip(1)
    return image, target


def class_weights(pairs):
    """1 / ln(1.02 + share of the class among counted pixels), ENet's (arXiv 1606.02147, section 5.2)."""
    counts = sum(np.bincount(np.asarray(label).ravel(), minlength=256)[:CLASSES] for _, label in pairs)
    return torch.tensor(1 / np.log(1.02 + counts / counts.sum()), dtype=torch.float32)


@torch.no_grad()
def validate(network, pairs, batch=4):
    """(mean over the classes that occur, IoU by class) of whole pictures, at their labels' size."""
    network.eval()
    matrix = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    for i in range(0, len(pairs), batch):
        images = torch.stack([normalised(np.asarray(picture)) for picture, _ in pairs[i : i + batch]])
        guesses = network(images.contiguous(memory_format=torch.channels_last)).argmax(1).numpy()
        labels = np.stack([np.asarray(label) for _, label in pairs[i : i + batch]]).astype(np.int64)
        counted = labels < CLASSES
        cells = labels[counted] * CLASSES + guesses[counted]
        matrix += np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    network.train()
    hits = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - hits
    iou = [round(int(h) / int(u), 6) if u else None for h, u in zip(hits, union)]
    present = [value for value in iou if value is not None]
    return round(sum(present) / len(present), 6), iou


def endless_batches(pairs, draw: random.Random):
    """(epoch, images [6, 3, 256, 320], labels [6, 256, 320]): every picture once an epoch, batches running on into the next."""
    epoch, order = 0, []
    while True:
        chosen = []
        while len(chosen) < BATCH:
            if not order:
                order = draw.sample(range(len(pairs)), len(pairs))
                epoch += 1
            chosen.append(augmented(*pairs[order.pop()], draw))
        images, labels = zip(*chosen)
        yield epoch, torch.stack(images).contiguous(memory_format=torch.channels_last), torch.stack(labels)


def seconds_of_validation(network, pairs, sample=8):
    """A guess from a few pictures, until one was measured."""
    began = time.monotonic()
    validate(network, pairs[:sample])
    return (time.monotonic() - began) * len(pairs) / len(pairs[:sample])


def train(options, write):
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    pairs, held = read_pairs(options.data, "train", options.limit_train, options.seed), read_pairs(options.data, "val")
    network = FeaturePyramid().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    weights = class_weights(pairs)
    budget, every = options.minutes * 60, options.val_every * 60
    validation = seconds_of_validation(network, held)
    started = time.monotonic()
    due, step = every, 0
    for epoch, images, labels in endless_batches(pairs, random.Random(options.seed)):
        elapsed = time.monotonic() - started
        rate = options.lr * 0.5 * (1 + math.cos(math.pi * min(elapsed / budget, 1)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = F.cross_entropy(network(images), labels, weight=weights, ignore_index=IGNORE)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step += 1
        # The last validation ends with the budget, as far as the one before tells how long it takes.
        elapsed = time.monotonic() - started
        ended = elapsed + validation >= budget
        if not ended and elapsed < due:
            continue
        began = time.monotonic()
        mean, iou = validate(network, held)
        now = time.monotonic()
        validation = now - began
        due = now - started + every
        minutes = round((now - started) / 60, 3)
        state = {"minutes": minutes, "epoch": epoch, "step": step, "lr": round(rate, 8), "loss": round(loss.item(), 4)}
        write({**state, "mIoU": mean, "iou": iou})
        if ended:
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CamVid in SegNet's form")
    parser.add_argument("--minutes", type=float, default=20, help="the budget, over which the learning rate falls to 0 (20)")
    parser.add_argument("--val-every", type=float, default=5, help="minutes from one validation to the next (5)")
    parser.add_argument("--limit-train", type=int, help="so many training pictures, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a file of the same lines")
    options = parser.parse_args()
    for name in ("minutes", "val_every", "limit_train", "threads"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            parser.error(f"--{name.replace('_', '-')} is {value}; expected more than 0")
    file = options.out.open("w") if options.out else None

    def write(row):
        for stream in (sys.stdout, file):
            if stream:
                print(json.dumps(row), file=stream, flush=True)

    train(options, write)


if __name__ == "__main__":
    main()
