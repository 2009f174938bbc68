"""PyTorch's side of the checkpoint tests.

    python3 checkpoints.py write FILE [FORM] [WHAT]   torch.save of a checkpoint below (standard, training), by default the first
    python3 checkpoints.py describe FILE              what torch.load reads, as JSON on stdout
    python3 checkpoints.py describe-safe FILE         the same with weights_only=True

    python3 checkpoints.py write-all FOLDER           every checkpoint in every form, and what torch.load reads of each as JSON on stdout

FORM is "zip" or "legacy" (torch.save before 1.6), with the pickle's protocol behind it where it is not 2 ("legacy-4"), and "cuda" behind
that where every storage shall claim to have been on a GPU ("zip-2-cuda").

The files beside this one were made with Debian's torch 1.13.1:

    python3 checkpoints.py write torch-1.13.pth && python3 checkpoints.py describe torch-1.13.pth > torch-1.13.json
    python3 checkpoints.py write torch-1.13-legacy.pth legacy          # described by the same torch-1.13.json
    python3 checkpoints.py write training-1.13.pth zip training && python3 checkpoints.py describe training-1.13.pth > training-1.13.json
"""

import argparse
import json
import pathlib
import struct
import sys
from collections import Counter, OrderedDict

import numpy
import torch


def standard_checkpoint():
    torch.manual_seed(7)
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2.0e-4)
    model(torch.randn(2, 2, 5, 4)).sum().backward()
    optimizer.step()
    return {
        "dtypes": {
            str(dtype).replace("torch.", ""): torch.tensor([[0, 1, 7], [0, 100, 0]]).to(dtype)
            for dtype in [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
                          torch.uint8, torch.bool]
        },
        "scalar": torch.tensor(-1.5),
        "empty": torch.zeros(0, 3),
        "shared": [base, base.t(), base[1:3, ::2], base[2, 4]],
        "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
        "channels last": torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(torch.tensor([[0.25]])),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "values": OrderedDict(none=None, yes=True, no=False, small=-1, wide=2**31, long=-(2**53) + 1, longer=2**70, float=0.1, infinite=float("inf"),
                              text="Straße", bytes=b"\x00\xffab", size=torch.Size([2, 3]), nested=[(), [], {}, ((1,), 2, 3, 4)]),
        3: "an integer key",
    }


def training_checkpoint():
    """What training scripts save beside their weights."""
    torch.manual_seed(8)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 5, 5])
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    schedule.step()
    numbers = numpy.arange(6).reshape(2, 3)
    return {
        "epoch": 12,
        "best_miou": numpy.float64(78.25),
        "scores": [kind(3) for kind in (numpy.float32, numpy.float16, numpy.int64, numpy.int32, numpy.int16, numpy.int8, numpy.uint8, numpy.uint16, numpy.uint32,
                                        numpy.uint64, numpy.bool_)] + [numpy.float16(-0.0999), numpy.float16("inf"), numpy.float16(6e-8), numpy.uint64(2**64 - 1)],
        "arrays": [numbers.astype(kind) for kind in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "u2", "u4", "?")],
        "column order": numpy.asfortranarray(numbers.astype("f4")),
        "numpy generator": numpy.random.RandomState(5).get_state(),
        "torch generator": torch.random.get_rng_state()[:16].clone(),
        "args": argparse.Namespace(lr=0.1, crop=(768, 768), name="paper", inner=argparse.Namespace(on=True), nothing=None),
        "folder": pathlib.PosixPath("/data/cityscapes"),
        "seen": Counter(["a", "b", "a"]),
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": schedule.state_dict(),
        "losses": [0.5, 0.25, 1],
    }


kept = []  # tensors made here only: freed, their memory would be taken for another's


def describe(value, storages):
    if isinstance(value, argparse.Namespace):
        return describe(vars(value), storages)
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if isinstance(value, numpy.generic):
        return describe(value.item(), storages)
    if isinstance(value, numpy.ndarray):
        wider = {"uint16": "int32", "uint32": "int64"}.get(str(value.dtype))
        kept.append(torch.as_tensor(value if wider is None else value.astype(wider)))
        return describe(kept[-1], storages)
    if isinstance(value, torch.Tensor):
        data = value.detach()
        key = data.storage()._cdata if data.numel() else None
        return {
            "tensor": str(value.dtype).replace("torch.", ""),
            "shape": list(value.shape),
            "stride": list(value.stride()),
            "storage": None if key is None else storages.setdefault(key, len(storages)),
            "parameter": isinstance(value, torch.nn.Parameter),
            "bytes": bytes(data.contiguous().flatten().view(torch.uint8).tolist()).hex() if data.dtype != torch.bool
            else bytes(data.contiguous().flatten().to(torch.uint8).tolist()).hex(),
        }
    if isinstance(value, dict):
        return {"dict": [[describe(key, storages), describe(item, storages)] for key, item in value.items()]}
    if isinstance(value, list):
        return {"list": [describe(item, storages) for item in value]}
    if isinstance(value, tuple):
        return {"tuple": [describe(item, storages) for item in value]}
    if isinstance(value, bytes):
        return {"raw": value.hex()}
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and abs(value) >= 2**53:
        return {"integer": str(value)}
    return {"number": struct.pack(">d", value).hex()}


def write(path, form="zip", what="standard"):
    kind, protocol, location = [*form.split("-"), "2", ""][:3] if form.count("-") == 0 else [*form.split("-"), ""][:3]
    torch.serialization.location_tag = lambda storage: "cuda:0" if location == "cuda" else "cpu"
    checkpoint = {"standard": standard_checkpoint, "training": training_checkpoint}[what]()
    torch.save(checkpoint, path, pickle_protocol=int(protocol), _use_new_zipfile_serialization=kind == "zip")


FORMS = ("zip-2", "zip-4", "zip-5", "zip-2-cuda", "legacy-2", "legacy-3", "legacy-4", "legacy-5", "legacy-2-cuda")


def write_all(folder):
    described = {}
    for form in FORMS:
        for what in ("standard", "training"):
            name = f"{form}-{what}.pth"
            write(f"{folder}/{name}", form, what)
            described[name] = describe(torch.load(f"{folder}/{name}", map_location="cpu"), {})
    return described


if __name__ == "__main__":
    command, path, *options = sys.argv[1:]
    if command == "write":
        write(path, *options)
    elif command == "write-all":
        print(json.dumps(write_all(path), ensure_ascii=False))
    else:
        loaded = torch.load(path, map_location="cpu", weights_only=command == "describe-safe")
        print(json.dumps(describe(loaded, {}), ensure_ascii=False))
