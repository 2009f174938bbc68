"""
Writes deeplabv3-training.json: torchvision's DeepLabV3 with ResNet-50, two pictures that are not square: names and shapes, and the gradient
norm of every parameter, with BatchNorm's running statistics and with the batch's own, which then change the running ones. The scalar is
sum((out + 0.4 aux) * cotangent); dropout is off. Computed in float64 from the float32 weights and inputs of golden.ts's formula: of two
pictures, the pooled branch normalises two values a channel, and in float32 torchvision's own gradients are off by up to 0.6 %. Run by hand
where torch and torchvision are installed (1.13 and 0.14 made the file):

    python3 packages/adsam/test/golden/deeplabv3.py
"""

import json
import os

import torch
from formula import fill, values
from torchvision.models.segmentation import deeplabv3_resnet50

SHAPE = (2, 3, 72, 120)  # maps of 9x15: one dilation of the pyramid reaches along one axis, the others along none

network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=19, aux_loss=True)
shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
with torch.no_grad():
    fill(network)
network.double()
image = values("image", SHAPE, -2, 2).double()
cotangent = values("cotangent", (2, 19, 72, 120), -1, 1).double()


def gradients(training):
    network.train(training)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    network.zero_grad(set_to_none=True)
    result = network(image)
    ((result["out"] + 0.4 * result["aux"]) * cotangent).sum().backward()
    return {name: parameter.grad.norm().item() for name, parameter in network.named_parameters()}


still, learning = gradients(False), gradients(True)
state = network.state_dict()
written = {
    "inputs": {"image": {"shape": SHAPE, "lo": -2, "hi": 2}},
    "shapes": shapes,
    "gradL2": {"still": still, "learning": learning},
    "runningL2": {name: tensor.norm().item() for name, tensor in state.items() if "running_" in name},
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "deeplabv3-training.json"), "w") as file:
    json.dump(written, file, separators=(",", ":"))
    file.write("\n")
