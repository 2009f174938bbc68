"""Whole networks: AD-SAM, its backbone, SAM's image encoders."""
import torch

import golden
from ad_sam import AdSam, ResNetEncoder
from hybrid_loss import hybrid
from sam_encoder import export_onnx, models
from torch_work import IGNORE, TorchWork, array, gradient_norms


class AdSamForward(TorchWork):
    def __init__(self, order):
        super().__init__(order)
        batch, height, width = self.shape
        self.network = golden.fill(AdSam()).to(self.device).eval()
        self.inputs = self.image(), golden.picture("sam_embedding", (batch, 256, height // 16, width // 16), -1, 1).to(self.device)

    def run(self):
        with self.phase("total"), torch.no_grad(), self.low():
            self.logits = self.network(*self.inputs)

    def output(self):
        return {"logits": array(self.logits)}, {}


class AdSamStep(AdSamForward):
    def __init__(self, order):
        super().__init__(order)
        self.network.train()
        self.target = self.labels()
        self.optimiser = torch.optim.AdamW(self.network.groups(2e-4), weight_decay=5e-4)

    def run(self):
        with self.phase("total"):
            self.optimiser.zero_grad(set_to_none=True)
            with self.low():
                logits = self.network(*self.inputs)
            loss = hybrid(logits.float(), self.target, IGNORE)
            loss.backward()
            self.optimiser.step()
            return {"loss": loss.item()}

    def output(self):
        return {}, gradient_norms(self.network)


class Backbone(TorchWork):
    """torchvision's ResNet-50 with frozen statistics: the scalar is the sum over its four maps of their mean square."""

    def __init__(self, order):
        super().__init__(order)
        self.network = golden.fill(ResNetEncoder()).to(self.device).train()
        self.picture = self.image()

    def run(self):
        with self.phase("total"):
            for parameter in self.network.parameters():
                parameter.grad = None
            with self.low():
                maps = self.network(self.picture)
            loss = sum(one.float().square().mean() for one in maps)
            loss.backward()
            return {"loss": loss.item()}

    def output(self):
        return {}, gradient_norms(self.network)


class SamEncoder(TorchWork):
    def __init__(self, order):
        super().__init__(order)
        self.network = golden.fill(models[order["encoder"]]()).to(self.device).eval().requires_grad_(False)
        self.picture = self.image()

    def run(self):
        with self.phase("total"), torch.no_grad(), self.low():
            self.embedding = self.network(self.picture)

    def output(self):
        return {"embedding": array(self.embedding)}, {}

    def onnx(self, path: str):
        export_onnx(self.network, self.picture, path)
