"""Weights, inputs and labels of the formula (formula.py) as tensors and in modules."""
import math

import numpy as np
import torch

from formula import label_blocks, u


def values(name: str, shape, lo: float, span: float) -> torch.Tensor:
    count = math.prod(shape)
    return torch.from_numpy((lo + span * u(name, count)).astype(np.float32)).reshape(tuple(shape))


def parameter(name: str, shape) -> torch.Tensor:
    """A parameter or floating-point buffer by its state-dict name."""
    last = name.rsplit(".", 1)[-1]
    if last == "running_var":
        return values(name, shape, 0.75, 0.5)
    if last in ("running_mean", "pos_embed"):
        return values(name, shape, -0.1, 0.2)
    if len(shape) >= 2:
        bound = math.sqrt(3 / (math.prod(shape) / shape[0]))
        return values(name, shape, -bound, 2 * bound)
    if last == "weight":
        return values(name, shape, 0.9, 0.2)
    return values(name, shape, -0.1, 0.2)


def fill(module: torch.nn.Module) -> torch.nn.Module:
    """Fills every parameter and floating-point buffer of a module."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(parameter(name, tensor.shape))
    return module


def picture(name: str, shape, lo: float, hi: float) -> torch.Tensor:
    """The input called `name`, between `lo` and `hi`."""
    return values(f"input:{name}", shape, lo, hi - lo)


def labels(name: str, height: int, width: int, block: int, classes: int, batch: int = 1) -> torch.Tensor:
    """int64 [batch, height, width] in blocks of block × block pixels, ids 0 … classes - 1."""
    return torch.from_numpy(label_blocks(name, height, width, block, classes, batch))
