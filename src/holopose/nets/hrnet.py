"""Owns HRNet: branches of several sizes side by side that keep talking to each other (Sun et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from holopose.errors import ConfigError
from holopose.nets.names import MMPOSE
from holopose.nets.resnet import BasicBlock, Bottleneck, chain

__all__ = ["HRNet", "HRNetTrunk"]

WIDTHS = (32, 48)
_MODULES = (1, 4, 3)
"""Modules of stages 2, 3 and 4, which have 2, 3 and 4 branches."""


def step(channels: int, width: int, *, stride: int = 2, relu: bool = True) -> nn.Sequential:
    """A 3 by 3 convolution and what follows it."""
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


def transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """From the branches of one stage to those of the next: new ones are half the size of the last one there is."""
    ways: list[nn.Module] = []
    for number, width in enumerate(after):
        if number < len(before):
            ways.append(nn.Identity() if before[number] == width else step(before[number], width, stride=1))
        else:
            ways.append(nn.Sequential(step(before[-1], width)))
    return nn.ModuleList(ways)


class Exchange(nn.Module):
    """A module of a stage: four blocks on every branch, then every branch gets the sum of all.

    Args:
        widths: Channels of the branches, the largest map first; each map is half as large as the one before.
        outputs: How many of the branches are wanted, counted from the first.
    """

    def __init__(self, widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(chain(BasicBlock, width, width, 4) for width in widths)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(self._way(widths, source, target) for source in range(len(widths)))
            for target in range(outputs)
        )
        self.relu = nn.ReLU(inplace=False)

    @staticmethod
    def _way(widths: Sequence[int], source: int, target: int) -> nn.Module:
        if source == target:
            return nn.Identity()
        if source > target:
            return nn.Sequential(
                nn.Conv2d(widths[source], widths[target], 1, bias=False),
                nn.BatchNorm2d(widths[target]),
                nn.Upsample(scale_factor=2 ** (source - target), mode="nearest"),
            )
        narrow = [step(widths[source], widths[source]) for _ in range(target - source - 1)]
        return nn.Sequential(*narrow, step(widths[source], widths[target], relu=False))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """The branches' maps, largest first -> those wanted."""
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        sums = []
        for ways in self.fuse_layers:
            total = ways[0](maps[0])
            for way, x in zip(list(ways)[1:], maps[1:], strict=True):
                total = total + way(x)
            sums.append(self.relu(total))
        return sums


class HRNetTrunk(nn.Module):
    """All of HRNet but its last layer.

    Args:
        width: Channels of the largest branch, 32 or 48.

    Raises:
        ConfigError: another width.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        if width not in WIDTHS:
            raise ConfigError(f"width: expected {' or '.join(map(str, WIDTHS))}, got {width!r}")
        widths = [width << number for number in range(4)]
        self.conv1 = nn.Conv2d(3, 64, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = chain(Bottleneck, 64, 64, 4)
        self.transition1 = transition([256], widths[:2])
        self.stage2 = self._stage(widths[:2], _MODULES[0])
        self.transition2 = transition(widths[:2], widths[:3])
        self.stage3 = self._stage(widths[:3], _MODULES[1])
        self.transition3 = transition(widths[:3], widths)
        self.stage4 = self._stage(widths, _MODULES[2], outputs=1)

    @staticmethod
    def _stage(widths: Sequence[int], modules: int, outputs: int | None = None) -> nn.Sequential:
        full = len(widths)
        return nn.Sequential(
            *(Exchange(widths, full) for _ in range(modules - 1)),
            Exchange(widths, full if outputs is None else outputs),
        )

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> the largest branch (N, width, H / 4, W / 4)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        maps = [self.layer1(x)]
        for ways, stage in (
            (self.transition1, self.stage2),
            (self.transition2, self.stage3),
            (self.transition3, self.stage4),
        ):
            maps = stage([way(maps[min(number, len(maps) - 1)]) for number, way in enumerate(ways)])
        return maps[0]


class HRNet(HRNetTrunk):
    """(N, 3, H, W) -> heatmaps (N, maps, H / 4, W / 4); tensors named as in deep-high-resolution-net.pytorch.

    Args:
        maps: Number of keypoints.
        width: Channels of the largest branch, 32 or 48.

    Raises:
        ConfigError: another width.
    """

    RENAMES = (MMPOSE,)

    def __init__(self, maps: int = 17, *, width: int = 32) -> None:
        super().__init__(width)
        self.final_layer = nn.Conv2d(width, maps, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Heatmaps."""
        return self.final_layer(self.features(x))
