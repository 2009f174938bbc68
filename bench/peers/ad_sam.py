"""AD-SAM (arXiv 2510.27047) with its authors' decoder, in plain PyTorch: what this project is measured against.

SAM's embedding is given; ResNet-50 is torchvision's, its BatchNorm statistics frozen; deformable convolution is
torchvision.ops.deform_conv2d. State-dict names are the authors', so the same formula fills both sides.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet50
from torchvision.ops import deform_conv2d


def resized(x: Tensor, size) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class DeformableConv(nn.Module):
    """Modulated deformable 3×3 convolution; offsets and modulation are convolutions of the input."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.offset_conv = nn.Conv2d(in_channels, 18, 3, padding=1)
        self.mask_conv = nn.Conv2d(in_channels, 9, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.sigmoid(self.mask_conv(x))
        return deform_conv2d(x, self.offset_conv(x), self.conv.weight, self.conv.bias, padding=1, mask=mask)


class ChannelAttention(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // 16, bias=False), nn.ReLU(), nn.Linear(channels // 16, channels, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.sigmoid(self.fc(x.mean(dim=(2, 3))) + self.fc(x.amax(dim=(2, 3))))
        return x * weight[:, :, None, None]


class Fusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet_conv = nn.Conv2d(2048, 256, 1)
        self.fusion_conv = DeformableConv(512, 256)
        self.channel_attention = ChannelAttention(256)
        self.norm = nn.GroupNorm(8, 256)

    def forward(self, sam: Tensor, layer4: Tensor) -> Tensor:
        local = self.resnet_conv(resized(layer4, sam.shape[-2:]))
        fused = self.norm(self.fusion_conv(torch.cat([sam, local], dim=1)))
        return F.gelu(self.channel_attention(fused))


class Stage(nn.Module):
    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, upsample: bool):
        super().__init__()
        quarter = skip_channels // 4
        self.upsample = upsample
        self.skip_conv = nn.Sequential(nn.Conv2d(skip_channels, quarter, 1), nn.GroupNorm(8, quarter), nn.GELU())
        self.conv = nn.Sequential(
            DeformableConv(in_channels + quarter, out_channels),
            nn.GroupNorm(8, out_channels),
            nn.GELU(),
            DeformableConv(out_channels, out_channels),
            nn.GroupNorm(8, out_channels),
            nn.GELU(),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        if self.upsample:
            x = resized(x, (2 * x.shape[-2], 2 * x.shape[-1]))
        return self.conv(torch.cat([x, self.skip_conv(resized(skip, x.shape[-2:]))], dim=1))


class ResNetEncoder(nn.Module):
    """torchvision's ResNet-50 without its classifier, giving the maps at strides 4, 8, 16 and 32."""

    def __init__(self):
        super().__init__()
        whole = resnet50(weights=None)
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            setattr(self, name, getattr(whole, name))

    def train(self, mode: bool = True):
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.training = False  # the running statistics stay, scale and shift are trained
        return self

    def forward(self, x: Tensor):
        layer1 = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(x)))))
        layer2 = self.layer2(layer1)
        layer3 = self.layer3(layer2)
        return layer1, layer2, layer3, self.layer4(layer3)


class AdSam(nn.Module):
    def __init__(self, num_classes: int = 19):
        super().__init__()
        self.resnet_encoder = ResNetEncoder()
        self.fusion_layers = nn.ModuleList([Fusion()])
        self.up1 = Stage(256, 1024, 128, upsample=True)
        self.up2 = Stage(128, 512, 64, upsample=True)
        self.up3 = Stage(64, 256, 32, upsample=False)
        self.classifier = nn.Sequential(
            nn.Conv2d(32, 32, 3, padding=1), nn.GroupNorm(8, 32), nn.GELU(), nn.Conv2d(32, num_classes, 1)
        )

    def forward(self, image: Tensor, sam_embedding: Tensor) -> Tensor:
        """[B, 3, H, W] and [B, 256, H/16, W/16] to logits [B, num_classes, H, W]."""
        layer1, layer2, layer3, layer4 = self.resnet_encoder(image)
        x = self.fusion_layers[0](sam_embedding, layer4)
        x = self.up1(x, layer3)
        x = self.up2(x, layer2)
        x = self.up3(x, layer1)
        return resized(self.classifier(x), image.shape[-2:])

    def groups(self, lr: float):
        """Parameter groups of the optimiser: ResNet at a tenth of the learning rate."""
        resnet = list(self.resnet_encoder.parameters())
        own = {id(p) for p in resnet}
        return [{"params": [p for p in self.parameters() if id(p) not in own], "lr": lr}, {"params": resnet, "lr": lr / 10}]
