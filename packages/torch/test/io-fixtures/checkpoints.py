"""PyTorch's side of the checkpoint tests.

    python3 checkpoints.py write FILE         torch.save of the standard checkpoint below
    python3 checkpoints.py describe FILE      what torch.load reads, as JSON on stdout
    python3 checkpoints.py describe-safe FILE the same with weights_only=True

`torch-1.13.pth` and `torch-1.13.json` beside this file were made with Debian's torch 1.13.1:

    python3 checkpoints.py write torch-1.13.pth && python3 checkpoints.py describe torch-1.13.pth > torch-1.13.json
"""

import json
import struct
import sys
from collections import OrderedDict

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


def describe(value, storages):
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


if __name__ == "__main__":
    command, path = sys.argv[1:]
    if command == "write":
        torch.save(standard_checkpoint(), path)
    else:
        print(json.dumps(describe(torch.load(path, weights_only=command == "describe-safe"), {}), ensure_ascii=False))
