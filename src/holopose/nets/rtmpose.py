"""Owns RTMPose: a CSPNeXt backbone and a head that classifies each keypoint's x and y on half-pixel bins.

Jiang et al., 2023: RTMPose; Lyu et al., 2022: RTMDet (CSPNeXt); Li et al., 2022: SimCC; Hua et al., 2022: Transformer
Quality in Linear Time (the gated attention unit). Tensors are named as by mmpose 1.x; DWPose's networks are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from holopose.errors import ConfigError
from holopose.nets.names import Table

__all__ = ["SIZES", "RtmPose"]

SIZES: Mapping[str, tuple[float, float]] = {
    "t": (0.167, 0.375),
    "s": (0.33, 0.5),
    "m": (0.67, 0.75),
    "l": (1.0, 1.0),
    "x": (1.33, 1.25),
}
"""Depth and width of each size, as multiples of those of l."""

STAGES = ((64, 128, 3, True), (128, 256, 6, True), (256, 512, 6, True), (512, 1024, 3, False))
"""Channels in and out, blocks, and whether blocks add their input, of size l."""

STRIDE_PX = 32
BINS_PER_PX = 2


class RtmPose(nn.Module):
    """Crops in, scores of half-pixel bins along x and y out.

    Args:
        size: One of `SIZES`, or (depth, width).
        keypoints: Number of keypoints.
        input_hw: Height and width of the crops, px, both divisible by 32.

    Raises:
        ConfigError: a setting makes no sense.
    """

    RENAMES: ClassVar[tuple[Table, ...]] = ((), ((r"^data_preprocessor\..*$", ""),))

    def __init__(
        self, size: str | tuple[float, float] = "m", *, keypoints: int = 17, input_hw: tuple[int, int] = (256, 192)
    ) -> None:
        super().__init__()
        if isinstance(size, str) and size not in SIZES:
            raise ConfigError(f"RTMPose size: expected one of {', '.join(SIZES)}, got {size!r}")
        if any(side % STRIDE_PX for side in input_hw):
            raise ConfigError(
                f"RTMPose input: expected height and width divisible by {STRIDE_PX}, got {tuple(input_hw)}"
            )
        depth, width = SIZES[size] if isinstance(size, str) else size
        self.backbone = _Backbone(depth, width)
        self.head = _Head(int(STAGES[-1][1] * width), keypoints, input_hw)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Bins along x (N, K, 2 W) and y (N, K, 2 H) of crops (N, 3, H, W), RGB with ImageNet's mean and deviation."""
        along_x, along_y = self.head(self.backbone(images))
        return along_x, along_y


class _Backbone(nn.Sequential):
    """CSPNeXt: stem, then four stages of half the size each."""

    def __init__(self, depth: float, width: float) -> None:
        super().__init__()
        first = int(STAGES[0][0] * width // 2)
        self.stem = nn.Sequential(
            _Convolution(3, first, 3, stride=2), _Convolution(first, first, 3), _Convolution(first, 2 * first, 3)
        )
        for number, (before, after, blocks, adds) in enumerate(STAGES, start=1):
            channels = int(after * width)
            parts: list[nn.Module] = [_Convolution(int(before * width), channels, 3, stride=2)]
            if number == len(STAGES):
                parts.append(_Pyramid(channels))
            parts.append(_CrossStage(channels, max(round(blocks * depth), 1), adds))
            self.add_module(f"stage{number}", nn.Sequential(*parts))


class _Convolution(nn.Module):
    """Convolution, batch normalisation, SiLU."""

    def __init__(self, before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(self.bn(self.conv(x)))


class _Pyramid(nn.Module):
    """Maxima over windows of several sizes beside the features themselves."""

    def __init__(self, channels: int, windows: tuple[int, ...] = (5, 9, 13)) -> None:
        super().__init__()
        self.windows = windows
        self.conv1 = _Convolution(channels, channels // 2, 1)
        self.conv2 = _Convolution(channels // 2 * (len(windows) + 1), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        maxima = [functional.max_pool2d(x, side, stride=1, padding=side // 2) for side in self.windows]
        return self.conv2(torch.cat([x, *maxima], dim=1))


class _CrossStage(nn.Module):
    """Half of the features go through the blocks, the others around them; channels are then weighed."""

    def __init__(self, channels: int, blocks: int, adds: bool) -> None:
        super().__init__()
        half = channels // 2
        self.main_conv = _Convolution(channels, half, 1)
        self.short_conv = _Convolution(channels, half, 1)
        self.final_conv = _Convolution(2 * half, channels, 1)
        self.blocks = nn.Sequential(*(_Block(half, adds) for _ in range(blocks)))
        self.attention = nn.Module()
        self.attention.fc = nn.Conv2d(2 * half, 2 * half, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.blocks(self.main_conv(x)), self.short_conv(x)], dim=1)
        weights = functional.hardsigmoid(self.attention.fc(functional.adaptive_avg_pool2d(x, 1)))
        return self.final_conv(x * weights)


class _Block(nn.Module):
    """A 3x3 convolution and a separable 5x5 one."""

    def __init__(self, channels: int, adds: bool) -> None:
        super().__init__()
        self.adds = adds
        self.conv1 = _Convolution(channels, channels, 3)
        self.conv2 = nn.Sequential()
        self.conv2.depthwise_conv = _Convolution(channels, channels, 5, groups=channels)
        self.conv2.pointwise_conv = _Convolution(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        return x + y if self.adds else y


class _Head(nn.Module):
    def __init__(self, channels: int, keypoints: int, input_hw: tuple[int, int], hidden: int = 256) -> None:
        super().__init__()
        cells = (input_hw[0] // STRIDE_PX) * (input_hw[1] // STRIDE_PX)
        self.final_layer = nn.Conv2d(channels, keypoints, 7, padding=3)
        self.mlp = nn.Sequential(_ScaleNorm(cells), nn.Linear(cells, hidden, bias=False))
        self.gau = _GatedAttention(hidden)
        self.cls_x = nn.Linear(hidden, input_hw[1] * BINS_PER_PX, bias=False)
        self.cls_y = nn.Linear(hidden, input_hw[0] * BINS_PER_PX, bias=False)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.gau(self.mlp(self.final_layer(features).flatten(2)))  # (N, K, hidden)
        return self.cls_x(tokens), self.cls_y(tokens)


class _ScaleNorm(nn.Module):
    """To unit root mean square, times one learned number."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1))
        self.scale = width**-0.5

    def forward(self, x: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * self.scale
        return x / norm.clamp(min=1e-5) * self.g


class _GatedAttention(nn.Module):
    """Attention of the keypoints to each other, gated; its weights are squared instead of softmax."""

    def __init__(self, width: int, expansion: int = 2, shared: int = 128) -> None:
        super().__init__()
        self.parts = (width * expansion, width * expansion, shared)
        self.uv = nn.Linear(width, sum(self.parts), bias=False)
        self.o = nn.Linear(width * expansion, width, bias=False)
        self.gamma = nn.Parameter(torch.rand(2, shared))
        self.beta = nn.Parameter(torch.rand(2, shared))
        self.ln = _ScaleNorm(width)
        self.res_scale = nn.Module()
        self.res_scale.scale = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        gate, values, base = functional.silu(self.uv(self.ln(tokens))).split(self.parts, dim=2)
        queries, keys = (base * self.gamma[i] + self.beta[i] for i in range(2))
        affinity = queries @ keys.transpose(1, 2) / self.parts[2] ** 0.5
        mixed = self.o(gate * (affinity.relu().square() @ values))
        return tokens * self.res_scale.scale + mixed
