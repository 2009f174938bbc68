"""Golden numbers of the layers: python3 make_nn.py, with PyTorch 1.13. Writes nn.json.

Each layer is built after torch.manual_seed(7), so that its first weights are golden too; norms then get weights that are not 1 and 0.
The loss is the sum of output * cotangent with a random cotangent. Batch 3, maps of 4 x 5, channels that are neither.
"""

import torch
from torch import nn
from torch.nn import functional as F

import record


class LayerNorm2d(nn.Module):
    """SAM's formula (segment_anything/modeling/common.py), written out."""

    def __init__(self, channels, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = ((x - mean) ** 2).mean(1, keepdim=True)
        normal = (x - mean) / torch.sqrt(variance + self.eps)
        return self.weight[:, None, None] * normal + self.bias[:, None, None]


class Frozen(nn.BatchNorm2d):
    """Running statistics also while training."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, self.momentum, self.eps)


MAP = (3, 4, 4, 5)
layers = {
    "Linear": (lambda: nn.Linear(5, 3), (3, 2, 5)),
    "Linear without bias": (lambda: nn.Linear(5, 3, bias=False), (3, 5)),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3), MAP),
    "Conv2d strided, not square": (lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), bias=False), MAP),
    "Conv2d in groups": (lambda: nn.Conv2d(4, 6, 3, padding=1, groups=2), MAP),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 2, stride=2), MAP),
    "ConvTranspose2d in groups": (
        lambda: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), groups=2, bias=False),
        MAP,
    ),
    "LayerNorm": (lambda: nn.LayerNorm(5), MAP),
    "LayerNorm over two dimensions": (lambda: nn.LayerNorm((4, 5), eps=1e-3), MAP),
    "LayerNorm2d": (lambda: LayerNorm2d(4), MAP),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4, eps=1e-4), MAP),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, eps=1e-4, momentum=0.3), MAP),
    "BatchNorm2d evaluated": (lambda: nn.BatchNorm2d(4).eval(), MAP),
    "BatchNorm2d frozen": (lambda: Frozen(4), MAP),
    "Embedding": (lambda: nn.Embedding(6, 4, padding_idx=2), "indices"),
    "ReLU": (nn.ReLU, MAP),
    "GELU": (nn.GELU, MAP),
    "GELU by tanh": (lambda: nn.GELU(approximate="tanh"), MAP),
    "SiLU": (nn.SiLU, MAP),
    "Sigmoid": (nn.Sigmoid, MAP),
    "Tanh": (nn.Tanh, MAP),
    "Hardswish": (nn.Hardswish, MAP),
    "Softmax": (lambda: nn.Softmax(dim=1), MAP),
    "Dropout": (lambda: nn.Dropout(0.3), MAP),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, stride=2, padding=1), MAP),
    "MaxPool2d, ceil": (lambda: nn.MaxPool2d((2, 3), dilation=(1, 2), ceil_mode=True), MAP),
    "AvgPool2d": (lambda: nn.AvgPool2d((2, 3), stride=(2, 1), padding=(1, 1)), MAP),
    "AvgPool2d without padding": (lambda: nn.AvgPool2d(3, padding=1, ceil_mode=True, count_include_pad=False), MAP),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((2, 3)), MAP),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((3, 2)), MAP),
    "Flatten": (nn.Flatten, MAP),
    "Upsample": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), MAP),
    "Sequential": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), nn.Sequential(nn.ReLU(), nn.Conv2d(6, 2, 1)), nn.Identity()
        ),
        MAP,
    ),
}


def layer_case(make, shape):
    torch.manual_seed(7)
    layer = make()
    first = record.tensors(layer.state_dict())
    with torch.no_grad():
        for module in layer.modules():
            if isinstance(module, (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d, LayerNorm2d)):
                module.weight.add_(torch.randn_like(module.weight), alpha=0.3)
                module.bias.add_(torch.randn_like(module.bias), alpha=0.3)
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
    state = record.tensors(layer.state_dict())
    if shape == "indices":
        x = torch.tensor([[0, 5, 2], [2, 1, 0]])
    else:
        x = torch.randn(shape).requires_grad_()
    torch.manual_seed(9)
    output = layer(x)
    cotangent = torch.randn_like(output)
    (output * cotangent).sum().backward()
    case = {
        "first": first,
        "state": state,
        "input": record.tensor(x),
        "output": record.tensor(output),
        "cotangent": record.tensor(cotangent),
        "gradients": {name: record.tensor(p.grad) for name, p in layer.named_parameters()},
        "after": record.tensors(dict(layer.named_buffers())),
    }
    if x.requires_grad:
        case["inputGradient"] = record.tensor(x.grad)
    return case


def interpolate_case(**options):
    torch.manual_seed(3)
    x = torch.randn(3, 2, 5, 7).requires_grad_()
    output = F.interpolate(x, **options)
    cotangent = torch.randn_like(output)
    (output * cotangent).sum().backward()
    return {"input": record.tensor(x), "output": record.tensor(output), "cotangent": record.tensor(cotangent), "inputGradient": record.tensor(x.grad)}


interpolations = {
    "nearest to a size": dict(size=(8, 3), mode="nearest"),
    "nearest by a factor": dict(scale_factor=1.7, mode="nearest"),
    "bilinear to a size": dict(size=(8, 3), mode="bilinear"),
    "bilinear by a factor": dict(scale_factor=(1.7, 0.6), mode="bilinear"),
    "bilinear, corners aligned": dict(size=(9, 4), mode="bilinear", align_corners=True),
    "bilinear, antialiased": dict(size=(3, 4), mode="bilinear", antialias=True),
    "bicubic to a size": dict(size=(8, 11), mode="bicubic"),
    "bicubic, antialiased": dict(size=(3, 4), mode="bicubic", antialias=True),
}


def cross_entropy_case(**options):
    torch.manual_seed(4)
    logits = torch.randn(3, 5, 4, 6).requires_grad_()
    target = torch.randint(0, 5, (3, 4, 6))
    target[0, 1] = 255
    loss = F.cross_entropy(logits, target, ignore_index=255, **options)
    loss.sum().backward()
    return {"logits": record.tensor(logits), "target": record.tensor(target), "loss": record.tensor(loss), "gradient": record.tensor(logits.grad)}


WEIGHT = torch.tensor([0.5, 1.0, 2.0, 0.25, 3.0])
cross_entropies = {
    "mean": dict(),
    "none": dict(reduction="none"),
    "sum, weighted": dict(reduction="sum", weight=WEIGHT),
    "mean, weighted": dict(weight=WEIGHT),
    "mean, smoothed": dict(label_smoothing=0.1),
}


def pad_case(sides, **options):
    torch.manual_seed(5)
    x = torch.randn(3, 2, 5, 7)
    return {"input": record.tensor(x), "output": record.tensor(F.pad(x, sides, **options))}


def init_case(fill, shape=(6, 4, 3, 2)):
    torch.manual_seed(11)
    return record.tensor(fill(torch.empty(shape)))


inits = {
    "uniform": lambda t: nn.init.uniform_(t, -0.2, 0.7),
    "normal": lambda t: nn.init.normal_(t, 0.5, 0.02),
    "truncNormal": lambda t: nn.init.trunc_normal_(t, std=0.02),
    "truncNormal, cut close": lambda t: nn.init.trunc_normal_(t, mean=0.1, std=1, a=-0.5, b=0.9),
    "kaimingUniform": lambda t: nn.init.kaiming_uniform_(t),
    "kaimingUniform, leaky": lambda t: nn.init.kaiming_uniform_(t, a=0.2, mode="fan_out"),
    "kaimingNormal": lambda t: nn.init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"),
    "xavierUniform": lambda t: nn.init.xavier_uniform_(t, gain=5 / 3),
    "xavierNormal": lambda t: nn.init.xavier_normal_(t),
}

record.write(
    "nn.json",
    {
        "torch": torch.__version__,
        "layers": {name: layer_case(make, shape) for name, (make, shape) in layers.items()},
        "interpolations": {name: interpolate_case(**options) for name, options in interpolations.items()},
        "crossEntropies": {name: cross_entropy_case(**options) for name, options in cross_entropies.items()},
        "pads": {
            "constant": pad_case((1, 2, 0, 3), value=0.5),
            "reflect": pad_case((3, 1, 2, 0), mode="reflect"),
            "cut": pad_case((-1, 2, 0, -2)),
        },
        "inits": {name: init_case(fill) for name, fill in inits.items()},
    },
)
