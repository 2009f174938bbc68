"""
Writes mobile-sam-small.json: what a plain PyTorch network built as MobileSAM's image encoder gives for two pictures that are not
square: names and shapes, the embedding, gradient norms, and one step of BatchNorm in training. Weights and inputs are golden.ts's
formula. Run by hand where torch and numpy are installed (1.13 made the file):

    python3 packages/adsam/test/golden/mobile_sam.py [mobile-sam-encoder.json]

Given mobile-sam-encoder.json, the reference's own numbers at 1024x1024, it first checks itself against them.
"""

import json
import math
import os
import sys

import torch
import torch.nn.functional as F
from formula import fill, values
from torch import nn

DIMS, DEPTHS, HEADS, WINDOWS, OUT = (64, 128, 160, 320), (2, 2, 6, 2), (2, 4, 5, 10), (7, 7, 14, 7), 256
HERE = os.path.dirname(os.path.abspath(__file__))


def summary(tensor, samples=48):
    flat = tensor.detach().double().reshape(-1)
    where = sorted({int(i) for i in u("samples", samples) * flat.numel()})
    return {
        "shape": list(tensor.shape),
        "mean": flat.mean().item(),
        "std": flat.std(unbiased=False).item(),
        "absmax": flat.abs().max().item(),
        "samples": [[i, flat[i].item()] for i in where],
    }


def conv_bn(inside, outside, kernel=1, stride=1, groups=1):
    both = nn.Sequential()
    both.add_module("c", nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False))
    both.add_module("bn", nn.BatchNorm2d(outside))
    return both


class PatchEmbed(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.seq = nn.Sequential(conv_bn(3, dim // 2, 3, 2), nn.GELU(), conv_bn(dim // 2, dim, 3, 2))

    def forward(self, x):
        return self.seq(x)


class Three(nn.Module):
    """A first-stage block (a sum at its end), or the way to the next stage."""

    def __init__(self, dim, hidden, out, stride, residual):
        super().__init__()
        self.conv1 = conv_bn(dim, hidden)
        self.conv2 = conv_bn(hidden, hidden, 3, stride, hidden)
        self.conv3 = conv_bn(hidden, out)
        self.residual = residual

    def forward(self, x):
        y = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return F.gelu(x + y) if self.residual else y


class Attention(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.attention_biases = nn.Parameter(torch.zeros(heads, window**2))
        self.norm, self.qkv, self.proj = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.heads = heads
        places = [(y, x) for y in range(window) for x in range(window)]
        self.index = torch.tensor([[abs(a[0] - b[0]) * window + abs(a[1] - b[1]) for b in places] for a in places])

    def forward(self, x):  # [windows, tokens, channels]
        g, n, c = x.shape
        d = c // self.heads
        q, k, v = self.qkv(self.norm(x)).view(g, n, self.heads, 3 * d).transpose(1, 2).split(d, dim=-1)
        logits = q @ k.transpose(-1, -2) / math.sqrt(d) + self.attention_biases[:, self.index]
        return self.proj((logits.softmax(-1) @ v).transpose(1, 2).reshape(g, n, c))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm, self.fc1, self.fc2 = nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class Block(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.attn, self.mlp, self.window = Attention(dim, heads, window), Mlp(dim), window
        self.local_conv = conv_bn(dim, dim, 3, 1, dim)

    def forward(self, x):
        _, c, h, w = x.shape
        s = self.window
        padded = F.pad(x, (0, -w % s, 0, -h % s))
        mixed = torch.zeros_like(padded)
        for top in range(0, padded.shape[2], s):  # one window after the other, all pictures at once
            for left in range(0, padded.shape[3], s):
                part = padded[:, :, top : top + s, left : left + s]
                tokens = self.attn(part.flatten(2).transpose(1, 2))
                mixed[:, :, top : top + s, left : left + s] = tokens.transpose(1, 2).reshape(part.shape)
        x = self.local_conv(x + mixed[:, :, :h, :w])
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Stage(nn.Module):
    def __init__(self, blocks, downsample):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.downsample(x) if self.downsample else x


class LayerNorm2d(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        centred = x - x.mean(1, keepdim=True)
        normal = centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)
        return self.weight[:, None, None] * normal + self.bias[:, None, None]


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_embed = PatchEmbed(DIMS[0])
        stages = []
        for i, dim in enumerate(DIMS):
            make = (lambda: Three(dim, 4 * dim, dim, 1, True)) if i == 0 else (lambda: Block(dim, HEADS[i], WINDOWS[i]))
            blocks = [make() for _ in range(DEPTHS[i])]
            after = Three(dim, DIMS[i + 1], DIMS[i + 1], 1 if i == 2 else 2, False) if i < 3 else None
            stages.append(Stage(blocks, after))
        self.layers = nn.ModuleList(stages)
        self.norm_head, self.head = nn.LayerNorm(DIMS[3]), nn.Linear(DIMS[3], 1000)
        last = nn.Conv2d(OUT, OUT, 3, padding=1, bias=False)
        self.neck = nn.Sequential(nn.Conv2d(DIMS[3], OUT, 1, bias=False), LayerNorm2d(OUT), last, LayerNorm2d(OUT))

    def forward(self, x):
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        return self.neck(x)


encoder = Encoder().eval()
with torch.no_grad():
    fill(encoder)
if len(sys.argv) > 1:
    with open(sys.argv[1]) as file:
        golden = json.load(file)
    with torch.no_grad():
        found = encoder(values("image", (1, 3, 1024, 1024), -2, 2)).reshape(-1)
    worst = max(abs(found[i].item() - value) for i, value in golden["embedding"]["samples"])
    print("worst difference from the reference:", worst)
    assert worst <= 1e-4 * golden["embedding"]["absmax"]

image = values("image", (2, 3, 128, 192), -2, 2).requires_grad_()
embedding = encoder(image)
(embedding * values("cotangent", embedding.shape, -1, 1)).sum().backward()
result = {
    "shapes": {name: list(tensor.shape) for name, tensor in encoder.state_dict().items()},
    "inputs": {"image": {"shape": list(image.shape), "lo": -2, "hi": 2}},
    "embedding": summary(embedding),
    "gradL2": {n: p.grad.double().norm().item() for n, p in encoder.named_parameters() if p.grad is not None},
    "gradInputL2": image.grad.double().norm().item(),
}
with torch.no_grad():
    wide = values("wide", (1, 3, 224, 448), -2, 2)  # whole windows in every stage: nothing is filled up
    result["inputs"]["wide"] = {"shape": list(wide.shape), "lo": -2, "hi": 2}
    result["wideEmbedding"] = summary(encoder(wide))
    result["trainingEmbedding"] = summary(encoder.train()(image))
    bn = encoder.layers[3].blocks[1].local_conv.bn
    result["runningAfterTraining"] = {"mean": summary(bn.running_mean), "var": summary(bn.running_var)}
with open(os.path.join(HERE, "mobile-sam-small.json"), "w") as file:
    json.dump(result, file, separators=(",", ":"))
    file.write("\n")
