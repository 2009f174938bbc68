"""What every work in PyTorch has."""
import torch
import torchvision

import golden
from work import Work

# The label that counts nowhere: the last of 20 drawn.
IGNORE = 19


class TorchWork(Work):
    version = f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}"

    def __init__(self, order):
        super().__init__(order)
        torch.set_num_threads(order["threads"])
        self.device = order["device"]
        self.shape = (order["batch"], order["height"], order["width"])

    def settle(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def low(self):
        """Mixed precision, where it is asked for."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.order["dtype"] == "bfloat16")

    def image(self):
        batch, height, width = self.shape
        return golden.picture("image", (batch, 3, height, width), -2, 2).to(self.device)

    def labels(self):
        batch, height, width = self.shape
        return golden.labels("target", height, width, block=16, classes=20, batch=batch).to(self.device)


def array(tensor):
    return tensor.detach().float().cpu().contiguous().numpy()


def gradient_norms(module):
    return {name: p.grad.double().norm().item() for name, p in module.named_parameters() if p.grad is not None}
