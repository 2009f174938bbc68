"""golden.ts's formula in NumPy: values of weights and inputs by their names, for the scripts that write golden files."""

import math

import numpy as np
import torch


def u(name, count):
    start = 0x811C9DC5
    for byte in name.encode():
        start = ((start ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) + start).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**32


def fill(module):
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        v = u(name, tensor.numel())
        last = name.split(".")[-1]
        if last == "running_var":
            v = 0.75 + 0.5 * v
        elif last == "running_mean":
            v = 0.1 * (2 * v - 1)
        elif tensor.dim() >= 2:
            v = (2 * v - 1) * math.sqrt(3 / (tensor.numel() / tensor.shape[0]))
        elif last == "weight":
            v = 1 + 0.1 * (2 * v - 1)
        else:
            v = 0.1 * (2 * v - 1)
        tensor.copy_(torch.from_numpy(v.astype(np.float32)).reshape(tensor.shape))


def values(name, shape, lo, hi):
    return torch.from_numpy((lo + (hi - lo) * u("input:" + name, math.prod(shape))).astype(np.float32)).reshape(shape)
