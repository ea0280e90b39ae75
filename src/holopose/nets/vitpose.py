"""Owns ViTPose: a plain vision transformer with a small head that draws one heatmap per keypoint.

Xu et al., 2022: ViTPose; 2023: ViTPose++ (whose experts become part of a dense network here). Tensors are named as by
Hugging Face's `VitPoseForPoseEstimation`; `convert` brings those of the authors' own files into that form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from holopose.errors import ConfigError, ModelError

__all__ = ["DATASETS", "SIZES", "ViTPose"]

SIZES: Mapping[str, tuple[int, int, int]] = {
    "small": (384, 12, 12),
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
    "huge": (1280, 32, 16),
}
"""Width, layers and attention heads of the published sizes."""

DATASETS = ("coco", "aic", "mpii", "ap10k", "apt36k", "wholebody")
"""What ViTPose++ was trained on at once: each has its expert in every layer, and its head."""

PATCH_PX = 16


class ViTPose(nn.Module):
    """Crops in, heatmaps of a quarter of their size out.

    Args:
        size: One of `SIZES`, or its (width, layers, heads).
        keypoints: Number of heatmaps.
        head: ``classic`` (two deconvolutions) or ``simple`` (bilinear upsampling, one convolution).
        dataset: Which expert and head of a ViTPose++ file to take (`DATASETS`); nothing else depends on it.
        input_hw: Height and width of the crops, px.
        mlp_ratio: Width of the hidden layer as a multiple of the width.
        norm_eps: Added to variances: 1e-6 in the authors' code, 1e-12 in Hugging Face's.

    Raises:
        ConfigError: a setting makes no sense.
    """

    def __init__(
        self,
        size: str | tuple[int, int, int] = "base",
        *,
        keypoints: int = 17,
        head: str = "classic",
        dataset: str = "coco",
        input_hw: tuple[int, int] = (256, 192),
        mlp_ratio: int = 4,
        norm_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        if isinstance(size, str) and size not in SIZES:
            raise ConfigError(f"ViTPose size: expected one of {', '.join(SIZES)}, got {size!r}")
        if dataset not in DATASETS:
            raise ConfigError(f"ViTPose dataset: expected one of {', '.join(DATASETS)}, got {dataset!r}")
        if head not in ("classic", "simple"):
            raise ConfigError(f"ViTPose head: expected classic or simple, got {head!r}")
        if any(side % PATCH_PX for side in input_hw):
            raise ConfigError(
                f"ViTPose input: expected height and width divisible by {PATCH_PX}, got {tuple(input_hw)}"
            )
        shape = SIZES[size] if isinstance(size, str) else size
        width = shape[0]
        self.keypoints = keypoints
        self.dataset = dataset
        self.backbone = _Backbone(shape, mlp_ratio, input_hw, norm_eps)
        self.head = _ClassicHead(width, keypoints) if head == "classic" else _SimpleHead(width, keypoints)

    def forward(self, images: Tensor) -> Tensor:
        """Heatmaps (N, K, H / 4, W / 4) of crops (N, 3, H, W), RGB with ImageNet's mean and deviation."""
        heatmaps: Tensor = self.head(self.backbone(images))
        return heatmaps

    def convert(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of any published file, as this network's own.

        Known are Hugging Face's names and those of the authors (``backbone.blocks...``, ``keypoint_head...``), dense
        or with experts. In a layer with experts the last features come from the expert, the others from ``fc2``, both
        linear in the same hidden features: so the expert's rows stacked under those of ``fc2`` are that layer, dense.

        Raises:
            ModelError: the file has no expert or no head for this network's data set and keypoints.
        """
        renamed = {_hugging_face_name(name): tensor for name, tensor in tensors.items() if name not in _UNUSED}
        experts = {name: t for name, t in renamed.items() if _EXPERT.search(name)}
        heads = {name: t for name, t in renamed.items() if name.startswith("associate_keypoint_heads.")}
        dense = {name: t for name, t in renamed.items() if name not in experts and name not in heads}
        if heads and self.dataset != "coco":
            dense = {name: t for name, t in dense.items() if not name.startswith("head.")} | self._choose_head(heads)
        elif experts:
            self._check_own_head(dense)
        if experts:
            self._stack_expert(dense, experts)
        return _split_queries(dense)

    def _choose_head(self, heads: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The head of this network's data set; ViTPose++ files may pad its last layer to the largest one's rows."""
        prefix = f"associate_keypoint_heads.{DATASETS.index(self.dataset) - 1}."
        chosen = {_head_name(name.removeprefix(prefix)): t for name, t in heads.items() if name.startswith(prefix)}
        if not chosen:
            raise ModelError(f"the file has no head {prefix.rstrip('.')}, which is the one for {self.dataset}")
        for name in ("head.conv.weight", "head.conv.bias"):
            if name in chosen:
                chosen[name] = chosen[name][: self.keypoints]
        return chosen

    def _check_own_head(self, dense: Mapping[str, Tensor]) -> None:
        rows = len(dense["head.conv.bias"]) if "head.conv.bias" in dense else self.keypoints
        if rows != self.keypoints:
            raise ModelError(
                f"the file has experts but only one head, of {rows} keypoints; expected {self.keypoints}: Hugging "
                "Face's vitpose-plus files have lost the other heads, take the authors' vitpose+_SIZE.pth instead"
            )

    def _stack_expert(self, dense: dict[str, Tensor], experts: Mapping[str, Tensor]) -> None:
        number = DATASETS.index(self.dataset)
        for layer in range(len(self.backbone.encoder.layer)):
            for kind in ("weight", "bias"):
                mlp = f"backbone.encoder.layer.{layer}.mlp"
                shared, own = f"{mlp}.fc2.{kind}", f"{mlp}.experts.{number}.{kind}"
                if shared not in dense or own not in experts:
                    raise ModelError(f"the file has no {shared if shared not in dense else own}: not of this size")
                dense[shared] = torch.cat([dense[shared], experts[own]])


_UNUSED = frozenset({"backbone.cls_token"})  # of the pre-training; nothing reads it
_EXPERT = re.compile(r"\.mlp\.experts\.\d+\.")
_NAMES = (
    (re.compile(r"^backbone\.patch_embed\.proj\."), "backbone.embeddings.patch_embeddings.projection."),
    (re.compile(r"^backbone\.pos_embed$"), "backbone.embeddings.position_embeddings"),
    (re.compile(r"^backbone\.blocks\.(\d+)\."), r"backbone.encoder.layer.\1."),
    (re.compile(r"^backbone\.last_norm\."), "backbone.layernorm."),
    (re.compile(r"\.norm1\."), ".layernorm_before."),
    (re.compile(r"\.norm2\."), ".layernorm_after."),
    (re.compile(r"\.attn\.proj\."), ".attention.output.dense."),
    (re.compile(r"\.mlp\.experts\.experts\."), ".mlp.experts."),
)
_HEAD_NAMES = {
    "deconv_layers.0": "deconv1",
    "deconv_layers.1": "batchnorm1",
    "deconv_layers.3": "deconv2",
    "deconv_layers.4": "batchnorm2",
    "final_layer": "conv",
}


def _hugging_face_name(name: str) -> str:
    if name.startswith("keypoint_head."):
        return _head_name(name.removeprefix("keypoint_head."))
    if name.startswith("backbone."):
        for pattern, replacement in _NAMES:
            name = pattern.sub(replacement, name)
    return name


def _head_name(name: str) -> str:
    """``final_layer.bias`` -> head.conv.bias."""
    layer, _, kind = name.rpartition(".")
    return f"head.{_HEAD_NAMES.get(layer, layer)}.{kind}"


def _split_queries(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Queries, keys and values of one matrix, as three."""
    split: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        stem, found, kind = name.partition(".attn.qkv.")
        if found:
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            split |= {f"{stem}.attention.attention.{part}.{kind}": rows for part, rows in parts}
        else:
            split[name] = tensor
    return split


class _Backbone(nn.Module):
    def __init__(self, shape: tuple[int, int, int], mlp_ratio: int, input_hw: tuple[int, int], norm_eps: float) -> None:
        super().__init__()
        width, layers, heads = shape
        self.rows, self.columns = (side // PATCH_PX for side in input_hw)
        self.embeddings = _Embeddings(width, self.rows * self.columns)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(_Layer(width, heads, width * mlp_ratio, norm_eps) for _ in range(layers))
        self.layernorm = nn.LayerNorm(width, eps=norm_eps)

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, width, rows, columns)."""
        tokens = self.embeddings(images)
        for layer in self.encoder.layer:
            tokens = layer(tokens)
        tokens = self.layernorm(tokens)
        return tokens.transpose(1, 2).unflatten(2, (self.rows, self.columns)).contiguous()


class _Embeddings(nn.Module):
    """Overlapping patches; each gets its own position and, as there is no class token, that one's position too."""

    def __init__(self, width: int, patches: int) -> None:
        super().__init__()
        self.position_embeddings = nn.Parameter(torch.zeros(1, patches + 1, width))
        self.patch_embeddings = nn.Module()
        self.patch_embeddings.projection = nn.Conv2d(3, width, PATCH_PX, stride=PATCH_PX, padding=2)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patch_embeddings.projection(images).flatten(2).transpose(1, 2)
        return patches + self.position_embeddings[:, 1:] + self.position_embeddings[:, :1]


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, norm_eps: float) -> None:
        super().__init__()
        self.attention = _Attention(width, heads)
        self.mlp = _Mlp(width, hidden)
        self.layernorm_before = nn.LayerNorm(width, eps=norm_eps)
        self.layernorm_after = nn.LayerNorm(width, eps=norm_eps)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.layernorm_before(tokens))
        return tokens + self.mlp(self.layernorm_after(tokens))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = (
            self.attention[name](tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        dense: Tensor = self.output["dense"](mixed.transpose(1, 2).flatten(2))
        return dense


class _Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(tokens)))


class _ClassicHead(nn.Module):
    def __init__(self, width: int, keypoints: int, hidden: int = 256) -> None:
        super().__init__()
        self.deconv1 = nn.ConvTranspose2d(width, hidden, 4, stride=2, padding=1, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(hidden)
        self.deconv2 = nn.ConvTranspose2d(hidden, hidden, 4, stride=2, padding=1, bias=False)
        self.batchnorm2 = nn.BatchNorm2d(hidden)
        self.conv = nn.Conv2d(hidden, keypoints, 1)

    def forward(self, features: Tensor) -> Tensor:
        features = functional.relu(self.batchnorm1(self.deconv1(features)))
        features = functional.relu(self.batchnorm2(self.deconv2(features)))
        return self.conv(features)


class _SimpleHead(nn.Module):
    def __init__(self, width: int, keypoints: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, keypoints, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        large = functional.interpolate(functional.relu(features), scale_factor=4, mode="bilinear", align_corners=False)
        return self.conv(large)
