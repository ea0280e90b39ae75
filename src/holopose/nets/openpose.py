"""Owns OpenPose's networks for bodies and hands, with the layer names of its Caffe files and of their PyTorch ports.

Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields (Cao et al., 2017), its journal version (Cao et al.,
2019: fields first, dense blocks, PReLU) and Hand Keypoint Detection in Single Images (Simon et al., 2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from holopose.nets.names import CAFFE

__all__ = ["OpenPoseBody18", "OpenPoseBody25", "OpenPoseHand"]

Layer = tuple[str, int, int, int]
"""Name, channels in, channels out, size of the kernel."""

_VGG: tuple[Layer, ...] = (
    ("conv1_1", 3, 64, 3),
    ("conv1_2", 64, 64, 3),
    ("conv2_1", 64, 128, 3),
    ("conv2_2", 128, 128, 3),
    ("conv3_1", 128, 256, 3),
    ("conv3_2", 256, 256, 3),
    ("conv3_3", 256, 256, 3),
    ("conv3_4", 256, 256, 3),
    ("conv4_1", 256, 512, 3),
    ("conv4_2", 512, 512, 3),
)
"""The first layers of VGG-19, which all three begin with."""

_POOLED = ("conv1_2", "conv2_2", "conv3_4")
"""After these the maps are halved."""


def convolutions(layers: Iterable[Layer], *, linear: Sequence[str] = (), leaky: Sequence[str] = ()) -> nn.Sequential:
    """Convolutions under their names, each followed by ReLU.

    Args:
        layers: In order.
        linear: Those that nothing follows.
        leaky: Those that a PReLU with weights of its own follows.
    """
    chain = nn.Sequential()
    for name, channels, width, kernel in layers:
        chain.add_module(name, nn.Conv2d(channels, width, kernel, 1, kernel // 2))
        if name in leaky:
            chain.add_module(name.replace("conv", "prelu"), nn.PReLU(width))
        elif name not in linear:
            chain.add_module(f"relu_{name}", nn.ReLU(inplace=True))
        if name in _POOLED:
            chain.add_module(f"pool_{name}", nn.MaxPool2d(2, 2))
    return chain


def _stage(number: int, branch: str, channels: int, maps: int) -> list[Layer]:
    """Five 7 by 7 convolutions and two 1 by 1: one stage of the networks of 2017."""
    end = f"_stage{number}{branch}"
    wide = [(f"Mconv{i}{end}", channels if i == 1 else 128, 128, 7) for i in range(1, 6)]
    return [*wide, (f"Mconv6{end}", 128, 128, 1), (f"Mconv7{end}", 128, maps, 1)]


class OpenPoseBody18(nn.Module):
    """(N, 3, H, W) -> fields (N, 38, H / 8, W / 8), heatmaps (N, 19, H / 8, W / 8), the last one the background.

    As in the PyTorch port, negative values of the last heatmaps are cut off. Takes the port's files whether their names
    begin with the module's or with the Caffe layer's.
    """

    RENAMES = (
        (
            *CAFFE,
            (r"^conv[1-4]_", r"model0.\g<0>"),
            (r"^conv5.*_L(\d)\.", r"model1_\1.\g<0>"),
            (r"^Mconv\d_stage(\d)_L(\d)\.", r"model\1_\2.\g<0>"),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        trunk = [*_VGG, ("conv4_3_CPM", 512, 256, 3), ("conv4_4_CPM", 256, 128, 3)]
        self.model0 = convolutions(trunk)
        for branch, maps in ((1, 38), (2, 19)):
            names = [f"conv5_{i}_CPM_L{branch}" for i in range(1, 6)]
            first = [*((name, 128, 128, 3) for name in names[:3]), (names[3], 128, 512, 1), (names[4], 512, maps, 1)]
            self.add_module(f"model1_{branch}", convolutions(first, linear=names[4:]))
            for number in range(2, 7):
                layers = _stage(number, f"_L{branch}", 128 + 38 + 19, maps)
                last = [] if (number, branch) == (6, 2) else [layers[-1][0]]
                self.add_module(f"model{number}_{branch}", convolutions(layers, linear=last))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Fields and heatmaps of the sixth stage."""
        features = x = self.model0(x)
        for number in range(1, 7):
            fields = self.get_submodule(f"model{number}_1")(x)
            heatmaps = self.get_submodule(f"model{number}_2")(x)
            x = torch.cat([fields, heatmaps, features], 1)
        return fields, heatmaps


class OpenPoseHand(nn.Module):
    """(N, 3, H, W) around one hand -> heatmaps (N, 22, H / 8, W / 8), the last one the background.

    Args:
        background: Give the background's map too.
    """

    RENAMES = (
        (
            *CAFFE,
            (r"^conv[1-5]_", r"model1_0.\g<0>"),
            (r"^conv6_", r"model1_1.\g<0>"),
            (r"^Mconv\d_stage(\d)\.", r"model\1.\g<0>"),
        ),
    )

    def __init__(self, *, background: bool = True) -> None:
        super().__init__()
        self.background = background
        trunk = [("conv4_3", 512, 512, 3), ("conv4_4", 512, 512, 3), ("conv5_1", 512, 512, 3), ("conv5_2", 512, 512, 3)]
        self.model1_0 = convolutions([*_VGG, *trunk, ("conv5_3_CPM", 512, 128, 3)])
        self.model1_1 = convolutions(
            [("conv6_1_CPM", 128, 512, 1), ("conv6_2_CPM", 512, 22, 1)], linear=["conv6_2_CPM"]
        )
        for number in range(2, 7):
            layers = _stage(number, "", 128 + 22, 22)
            self.add_module(f"model{number}", convolutions(layers, linear=[layers[-1][0]]))

    def forward(self, x: Tensor) -> Tensor:
        """Heatmaps of the sixth stage."""
        features = self.model1_0(x)
        maps = self.model1_1(features)
        for number in range(2, 7):
            maps = self.get_submodule(f"model{number}")(torch.cat([maps, features], 1))
        return maps if self.background else maps[:, :-1]


class DenseStage(nn.Module):
    """A stage of the network of 2019: five blocks of three convolutions that hand on all three outputs, two 1 by 1.

    Args:
        number: Of the stage, in its layers' names.
        branch: 1 = heatmaps, 2 = fields; in its layers' names.
        channels: Of its input.
        width: Of the convolutions inside.
        middle: Of the last one but one.
        maps: Of its output.
    """

    def __init__(self, number: int, branch: int, channels: int, *, width: int, middle: int, maps: int) -> None:
        super().__init__()
        end = f"_stage{number}_L{branch}"
        self._blocks = []
        for block in range(1, 6):
            names = [f"conv{block}{end}_{i}" for i in range(3)]
            self._blocks.append(names)
            for i, name in enumerate(names):
                into = width if i else channels if block == 1 else 3 * width
                self.add_module(f"M{name}", nn.Conv2d(into, width, 3, 1, 1))
                self.add_module(f"M{name}".replace("conv", "prelu"), nn.PReLU(width))
        self._last = [f"Mconv6{end}", f"Mprelu6{end}", f"Mconv7{end}"]
        for name, layer in zip(
            self._last, (nn.Conv2d(3 * width, middle, 1), nn.PReLU(middle), nn.Conv2d(middle, maps, 1)), strict=True
        ):
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the same height and width."""
        for names in self._blocks:
            outs = []
            for name in names:
                conv = f"M{name}"
                x = self.get_submodule(conv.replace("conv", "prelu"))(self.get_submodule(conv)(x))
                outs.append(x)
            x = torch.cat(outs, 1)
        for name in self._last:
            x = self.get_submodule(name)(x)
        return x


class OpenPoseBody25(nn.Module):
    """(N, 3, H, W) -> fields (N, 52, H / 8, W / 8), heatmaps (N, 26, H / 8, W / 8), the last one the background.

    Takes files of the PyTorch ports, which keep the Caffe layers' names under prefixes of their own.
    """

    RENAMES = (
        (*CAFFE, (r"^(conv|prelu)\d", r"model0.\g<0>"), (r"^M(conv|prelu)\d_stage(\d)_L(\d)", r"stage\2_L\3.\g<0>")),
    )

    def __init__(self) -> None:
        super().__init__()
        trunk = [*_VGG, ("conv4_3_CPM", 512, 256, 3), ("conv4_4_CPM", 256, 128, 3)]
        self.model0 = convolutions(trunk, leaky=("conv4_2", "conv4_3_CPM", "conv4_4_CPM"))
        self.stage0_L2 = DenseStage(0, 2, 128, width=96, middle=256, maps=52)
        for number in (1, 2, 3):
            self.add_module(f"stage{number}_L2", DenseStage(number, 2, 128 + 52, width=128, middle=512, maps=52))
        self.stage0_L1 = DenseStage(0, 1, 128 + 52, width=96, middle=256, maps=26)
        self.stage1_L1 = DenseStage(1, 1, 128 + 26 + 52, width=128, middle=512, maps=26)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Fields of their fourth stage, and the heatmaps of the second one that follows from them."""
        features = self.model0(x)
        fields = self.stage0_L2(features)
        for number in (1, 2, 3):
            fields = self.get_submodule(f"stage{number}_L2")(torch.cat([features, fields], 1))
        heatmaps = self.stage0_L1(torch.cat([features, fields], 1))
        return fields, self.stage1_L1(torch.cat([features, heatmaps, fields], 1))
