"""Owns residual blocks and the ResNet trunk that pose networks are built on.

Deep Residual Learning for Image Recognition (He et al., 2016), with the stride in the 3 by 3 convolution; optionally
with squeeze and excitation (Hu et al., 2018) in the first block of every stage, as FastPose has it.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from holopose.errors import ConfigError

__all__ = ["DEPTHS", "BasicBlock", "Bottleneck", "ResNet", "chain"]

DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Bottlenecks per stage."""


def shortcut(channels: int, width: int, stride: int) -> nn.Sequential:
    """What makes a block's input fit to be added to its output."""
    return nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))


class BasicBlock(nn.Module):
    """Two 3 by 3 convolutions around a shortcut."""

    growth = 1

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels, width, stride) if stride > 1 or channels != width else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class SqueezeExcite(nn.Module):
    """Scales channels by what all of them say about the whole map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels), nn.ReLU(inplace=True), nn.Linear(channels, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, every channel times a number in [0, 1]."""
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class Bottleneck(nn.Module):
    """Narrow, 3 by 3, wide: the block of ResNet-50 and deeper."""

    growth = 4

    def __init__(self, channels: int, width: int, stride: int = 1, *, squeeze: bool = False) -> None:
        super().__init__()
        out = width * self.growth
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.se = SqueezeExcite(out) if squeeze else nn.Identity()
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels, out, stride) if stride > 1 or channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 4 · width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.se(self.bn3(self.conv3(y))) + self.downsample(x))


def chain(kind: type[BasicBlock | Bottleneck], channels: int, width: int, count: int) -> nn.Sequential:
    """`count` blocks at one size."""
    out = width * kind.growth
    return nn.Sequential(kind(channels, width), *(kind(out, width) for _ in range(count - 1)))


class ResNet(nn.Module):
    """The trunk: (N, 3, H, W) -> (N, 2048, H / 32, W / 32).

    Args:
        depth: 50, 101 or 152.
        squeeze: Squeeze and excitation in the first block of every stage.

    Raises:
        ConfigError: another depth.
    """

    width = 2048

    def __init__(self, depth: int = 50, *, squeeze: bool = False) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise ConfigError(f"depth: expected {', '.join(map(str, DEPTHS))}, got {depth!r}")
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1, self.layer2, self.layer3, self.layer4 = _stages(DEPTHS[depth], squeeze)

    def features(self, x: Tensor) -> Tensor:
        """What the last stage gives."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, x: Tensor) -> Tensor:
        """What the last stage gives."""
        return self.features(x)


def _stages(counts: Sequence[int], squeeze: bool) -> list[nn.Sequential]:
    stages = []
    channels = 64
    for number, count in enumerate(counts):
        width = 64 << number
        first = Bottleneck(channels, width, 2 if number else 1, squeeze=squeeze)
        channels = width * Bottleneck.growth
        stages.append(nn.Sequential(first, *(Bottleneck(channels, width) for _ in range(count - 1))))
    return stages
