"""Parts of AD-SAM by themselves: torchvision's deformable convolution, the authors' loss."""
import math

import torch
from torchvision.ops import deform_conv2d

import golden
from hybrid_loss import hybrid
from torch_work import IGNORE, TorchWork, array


class DeformConv(TorchWork):
    """Modulated deformable 3×3 convolution, the operator alone, places up to two pixels away."""

    def __init__(self, order):
        super().__init__(order)
        inner, outer = order["channels"]
        batch, height, width = self.shape
        bound = math.sqrt(3 / (9 * inner))
        self.backward = order.get("backward", False)
        self.tensors = {
            "input": golden.picture("input", (batch, inner, height, width), -1, 1),
            "weight": golden.picture("weight", (outer, inner, 3, 3), -bound, bound),
            "offset": golden.picture("offset", (batch, 18, height, width), -2, 2),
            "mask": golden.picture("mask", (batch, 9, height, width), 0, 1),
            "bias": golden.picture("bias", (outer,), -1, 1),
        }
        self.tensors = {name: one.to(self.device).requires_grad_(self.backward) for name, one in self.tensors.items()}
        self.cotangent = golden.picture("cotangent", (batch, outer, height, width), -1, 1).to(self.device)

    def forward(self):
        t = self.tensors
        return deform_conv2d(t["input"], t["offset"], t["weight"], t["bias"], padding=1, mask=t["mask"])

    def run(self):
        for tensor in self.tensors.values():
            tensor.grad = None
        if not self.backward:
            with self.phase("forward"), torch.no_grad():
                self.result = self.forward()
            return
        with self.phase("forward"):
            self.result = self.forward()
        with self.phase("backward"):
            self.result.backward(self.cotangent)

    def output(self):
        gradients = {f"gradient of {name}": array(one.grad) for name, one in self.tensors.items() if one.grad is not None}
        return {"result": array(self.result), **gradients}, {}


class HybridLoss(TorchWork):
    def __init__(self, order):
        super().__init__(order)
        batch, height, width = self.shape
        self.logits = golden.picture("logits", (batch, 19, height, width), -4, 4).to(self.device).requires_grad_()
        self.target = self.labels()

    def run(self):
        with self.phase("total"):
            self.logits.grad = None
            loss = hybrid(self.logits, self.target, IGNORE)
            loss.backward()
            return {"loss": loss.item()}

    def output(self):
        return {"gradient": array(self.logits.grad)}, {}
