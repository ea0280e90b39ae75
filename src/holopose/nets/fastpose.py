"""Owns FastPose: an SE-ResNet whose maps grow by moving channels into space (Fang et al., 2022: AlphaPose)."""

from __future__ import annotations

from torch import Tensor, nn

from holopose.nets.resnet import ResNet

__all__ = ["FastPose"]


class DenseUpsample(nn.Module):
    """Dense upsampling convolution (Wang et al., 2018): (N, channels, H, W) -> (N, width / 4, 2 H, 2 W)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.pixel_shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """Twice the height and width."""
        return self.pixel_shuffle(self.relu(self.bn(self.conv(x))))


class FastPose(nn.Module):
    """(N, 3, H, W) -> heatmaps (N, maps, H / 4, W / 4); tensors named as AlphaPose's, without deformable convolutions.

    Args:
        maps: Number of keypoints: 17, 133 and 136 are published.
        depth: Of the ResNet: 50, 101 or 152.

    Raises:
        ConfigError: another depth.
    """

    def __init__(self, maps: int = 17, *, depth: int = 50) -> None:
        super().__init__()
        self.preact = ResNet(depth, squeeze=True)
        self.suffle1 = nn.PixelShuffle(2)
        self.duc1 = DenseUpsample(512, 1024)
        self.duc2 = DenseUpsample(256, 512)
        self.conv_out = nn.Conv2d(128, maps, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Heatmaps."""
        return self.conv_out(self.duc2(self.duc1(self.suffle1(self.preact(x)))))
