"""Owns SimpleBaseline: a ResNet and three transposed convolutions give heatmaps (Xiao et al., 2018)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from holopose.errors import ConfigError
from holopose.nets.names import MMPOSE
from holopose.nets.resnet import ResNet

__all__ = ["SimpleBaseline"]

_EDGES = {4: (1, 0), 3: (1, 1), 2: (0, 0)}
"""Kernel of a transposed convolution -> padding and output padding that make it double the size exactly."""


class SimpleBaseline(ResNet):
    """(N, 3, H, W) -> heatmaps (N, maps, H / 4, W / 4); tensors named as in microsoft/human-pose-estimation.pytorch.

    Args:
        maps: Number of keypoints.
        depth: Of the ResNet: 50, 101 or 152.
        kernels: Sizes of the transposed convolutions, 2, 3 or 4 each.

    Raises:
        ConfigError: another depth or kernel.
    """

    RENAMES = (MMPOSE,)

    def __init__(self, maps: int = 17, *, depth: int = 50, kernels: Sequence[int] = (4, 4, 4)) -> None:
        super().__init__(depth)
        if not set(kernels) <= set(_EDGES):
            raise ConfigError(f"kernels: expected {', '.join(map(str, _EDGES))} each, got {list(kernels)}")
        layers: list[nn.Module] = []
        channels = self.width
        for kernel in kernels:
            layers += [
                nn.ConvTranspose2d(channels, 256, kernel, 2, *_EDGES[kernel], bias=False),
                nn.BatchNorm2d(256),
                nn.ReLU(inplace=True),
            ]
            channels = 256
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(channels, maps, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Heatmaps."""
        return self.final_layer(self.deconv_layers(self.features(x)))
