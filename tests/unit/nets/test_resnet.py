from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from holopose.errors import ConfigError  # noqa: E402
from holopose.nets.resnet import DEPTHS, BasicBlock, Bottleneck, ResNet, SqueezeExcite  # noqa: E402
from seeded_nets import manifest, seed_by_name, seeded_input  # noqa: E402


def test_names_are_torchvisions() -> None:
    torchvision = {"conv1.weight": [64, 3, 7, 7], "layer1.0.downsample.0.weight": [256, 64, 1, 1]}
    torchvision |= {"layer4.2.conv2.weight": [512, 512, 3, 3], "layer3.5.bn3.running_mean": [1024]}
    tensors = manifest(ResNet)
    assert torchvision.items() <= tensors.items()
    assert not [name for name in tensors if ".se." in name]


@pytest.mark.parametrize("depth", DEPTHS)
def test_depth_counts_layers(depth: int) -> None:
    convolutions = [name for name, shape in manifest(lambda: ResNet(depth)).items() if len(shape) == 4]
    assert len([name for name in convolutions if "downsample" not in name]) == depth - 1  # the last was for classes


def test_unknown_depths_are_refused() -> None:
    with pytest.raises(ConfigError, match="50, 101, 152, got 34"):
        ResNet(34)


def test_maps_are_a_32nd_of_the_picture() -> None:
    with torch.inference_mode():
        maps = seed_by_name(ResNet(50, squeeze=True))(torch.from_numpy(seeded_input((2, 3, 64, 96))))
    assert maps.shape == (2, 2048, 2, 3)
    assert bool((maps >= 0).all())


@pytest.mark.parametrize("block", [BasicBlock(8, 8), BasicBlock(8, 16, 2), Bottleneck(8, 4), Bottleneck(16, 4)])
def test_a_block_without_weights_is_its_shortcut(block: torch.nn.Module) -> None:
    block.eval()
    last = block.bn3 if isinstance(block, Bottleneck) else block.bn2
    torch.nn.init.zeros_(last.weight)
    x = torch.from_numpy(seeded_input((1, block.conv1.in_channels, 6, 6)))
    with torch.inference_mode():
        assert torch.equal(block(x), torch.relu(block.downsample(x)))


def test_squeeze_and_excitation_scales_each_channel_alike() -> None:
    block = seed_by_name(SqueezeExcite(6))
    x = torch.from_numpy(seeded_input((2, 6, 4, 5)))
    with torch.inference_mode():
        scale = block(x) / x
    assert torch.allclose(scale, scale[:, :, :1, :1].expand_as(scale), rtol=1e-5)
    assert 0 < float(scale.min()) < float(scale.max()) < 1
