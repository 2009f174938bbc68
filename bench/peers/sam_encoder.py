"""SAM's image encoder (Kirillov et al. 2023, §A) as segment-anything computes it, in plain PyTorch: what this project's is measured against.

Windows are cut by padding and copying, the relative positions are added as a whole [heads, N, N] bias to materialised logits.
State-dict names and constructor arguments are segment-anything's, so released checkpoints and the golden formula fill both sides.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm2d(nn.Module):
    """Normalisation over the channels of [B, C, H, W]."""

    def __init__(self, channels: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(1, keepdim=True)
        deviation = torch.sqrt(centred.pow(2).mean(1, keepdim=True) + self.eps)
        return self.weight[:, None, None] * (centred / deviation) + self.bias[:, None, None]


class MLPBlock(nn.Module):
    def __init__(self, dim: int, hidden_dim: int):
        super().__init__()
        self.lin1 = nn.Linear(dim, hidden_dim)
        self.lin2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin2(F.gelu(self.lin1(x)))


def relative_positions(size: int, table: Tensor) -> Tensor:
    """[size, size, D]: the table's row for each pair of query and key position."""
    wanted = 2 * size - 1
    if table.shape[0] != wanted:
        table = F.interpolate(table.t()[None], size=wanted, mode="linear")[0].t()
    place = torch.arange(size)
    return table[place[:, None] - place[None, :] + size - 1]


class Attention(nn.Module):
    def __init__(self, dim: int, num_heads: int, qkv_bias: bool, use_rel_pos: bool, input_size):
        super().__init__()
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.use_rel_pos = use_rel_pos
        if use_rel_pos:
            height, width = input_size
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * height - 1, dim // num_heads))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * width - 1, dim // num_heads))

    def forward(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        n = h * w
        qkv = self.qkv(x).reshape(b, n, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, b * self.num_heads, n, -1).unbind(0)
        logits = (q * self.scale) @ k.transpose(-2, -1)
        if self.use_rel_pos:
            logits = self.with_relative_positions(logits, q, h, w)
        mixed = (logits.softmax(dim=-1) @ v).view(b, self.num_heads, h, w, -1)
        return self.proj(mixed.permute(0, 2, 3, 1, 4).reshape(b, h, w, c))

    def with_relative_positions(self, logits: Tensor, q: Tensor, h: int, w: int) -> Tensor:
        heads, n, dim = q.shape
        queries = q.reshape(heads, h, w, dim)
        rows = torch.einsum("bhwc,hkc->bhwk", queries, relative_positions(h, self.rel_pos_h))
        columns = torch.einsum("bhwc,wkc->bhwk", queries, relative_positions(w, self.rel_pos_w))
        whole = logits.view(heads, h, w, h, w) + rows[:, :, :, :, None] + columns[:, :, :, None, :]
        return whole.view(heads, n, n)


class Block(nn.Module):
    def __init__(self, dim, num_heads, mlp_ratio, qkv_bias, use_rel_pos, window_size, input_size):
        super().__init__()
        self.window_size = window_size
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        attended = input_size if window_size == 0 else (window_size, window_size)
        self.attn = Attention(dim, num_heads, qkv_bias, use_rel_pos, attended)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLPBlock(dim, int(dim * mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        attended = self.norm1(x)
        attended = self.attn(attended) if self.window_size == 0 else self.attend_in_windows(attended)
        x = x + attended
        return x + self.mlp(self.norm2(x))

    def attend_in_windows(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        size = self.window_size
        bottom, right = -h % size, -w % size
        if bottom > 0 or right > 0:
            x = F.pad(x, (0, 0, 0, right, 0, bottom))
        down, across = (h + bottom) // size, (w + right) // size
        windows = x.view(b, down, size, across, size, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, size, size, c)
        x = self.attn(windows).view(b, down, across, size, size, c).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(b, h + bottom, w + right, c)
        return x[:, :h, :w].contiguous() if bottom > 0 or right > 0 else x


class PatchEmbed(nn.Module):
    def __init__(self, patch_size: int, in_chans: int, embed_dim: int):
        super().__init__()
        self.proj = nn.Conv2d(in_chans, embed_dim, patch_size, stride=patch_size)

    def forward(self, image: Tensor) -> Tensor:
        return self.proj(image).permute(0, 2, 3, 1)


class ImageEncoderViT(nn.Module):
    """[B, 3, img_size, img_size] to [B, out_chans, img_size / patch_size, img_size / patch_size]."""

    def __init__(
        self,
        img_size: int = 1024,
        patch_size: int = 16,
        in_chans: int = 3,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4.0,
        out_chans: int = 256,
        qkv_bias: bool = True,
        use_rel_pos: bool = True,
        window_size: int = 14,
        global_attn_indexes=(),
    ):
        super().__init__()
        side = img_size // patch_size
        self.img_size = img_size
        self.patch_embed = PatchEmbed(patch_size, in_chans, embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, side, side, embed_dim))
        self.blocks = nn.ModuleList(
            Block(
                embed_dim,
                num_heads,
                mlp_ratio,
                qkv_bias,
                use_rel_pos,
                0 if i in global_attn_indexes else window_size,
                (side, side),
            )
            for i in range(depth)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(embed_dim, out_chans, 1, bias=False),
            LayerNorm2d(out_chans),
            nn.Conv2d(out_chans, out_chans, 3, padding=1, bias=False),
            LayerNorm2d(out_chans),
        )

    def forward(self, image: Tensor) -> Tensor:
        x = self.patch_embed(image) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))


def vit_b() -> ImageEncoderViT:
    return ImageEncoderViT(embed_dim=768, depth=12, num_heads=12, global_attn_indexes=(2, 5, 8, 11))


def vit_l() -> ImageEncoderViT:
    return ImageEncoderViT(embed_dim=1024, depth=24, num_heads=16, global_attn_indexes=(5, 11, 17, 23))


def vit_h() -> ImageEncoderViT:
    return ImageEncoderViT(embed_dim=1280, depth=32, num_heads=16, global_attn_indexes=(7, 15, 23, 31))


def tiny() -> ImageEncoderViT:
    """The encoder of golden/sam-image-encoder-tiny.json: windows of 4 over a grid of 10."""
    return ImageEncoderViT(
        img_size=160, embed_dim=64, depth=4, num_heads=4, out_chans=32, window_size=4, global_attn_indexes=(1, 3)
    )


models = {"sam-vit-b": vit_b, "sam-vit-l": vit_l, "sam-vit-h": vit_h, "tiny": tiny}


def export_onnx(network: nn.Module, image: Tensor, path: str) -> None:
    """Writes the network for ONNX Runtime: input `image`, output `embedding`, weights inside the file (below 2 GB) or beside it."""
    torch.onnx.export(network, image, path, input_names=["image"], output_names=["embedding"], opset_version=16)
