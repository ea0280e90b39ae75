"""Owns HigherHRNet: HRNet with a second, larger set of heatmaps and a tag per keypoint (Cheng et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holopose.nets.hrnet import HRNetTrunk
from holopose.nets.names import MMPOSE
from holopose.nets.resnet import BasicBlock, chain

__all__ = ["HigherHRNet"]


class HigherHRNet(HRNetTrunk):
    """Everybody at once; tensors named as in HigherHRNet-Human-Pose-Estimation.

    Args:
        maps: Number of keypoints.
        width: Channels of the largest branch, 32 or 48.

    Raises:
        ConfigError: another width.
    """

    RENAMES = (MMPOSE,)

    def __init__(self, maps: int = 17, *, width: int = 32) -> None:
        super().__init__(width)
        self.final_layers = nn.ModuleList([nn.Conv2d(width, 2 * maps, 1), nn.Conv2d(width, maps, 1)])
        double = nn.Sequential(
            nn.ConvTranspose2d(width + 2 * maps, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        refine = [chain(BasicBlock, width, width, 1) for _ in range(4)]
        self.deconv_layers = nn.ModuleList([nn.Sequential(double, *refine)])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> heatmaps and then tags (N, 2 · maps, H / 4, W / 4), heatmaps (N, maps, H / 2, W / 2)."""
        x = self.features(x)
        small = self.final_layers[0](x)
        x = self.deconv_layers[0](torch.cat([x, small], 1))
        return small, self.final_layers[1](x)
