from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from holopose.errors import ConfigError  # noqa: E402
from holopose.nets.hrnet import Exchange, HRNet  # noqa: E402
from seeded_nets import manifest, seed_by_name, seeded_input  # noqa: E402


def test_heatmaps_are_a_quarter_of_the_picture() -> None:
    net = seed_by_name(HRNet(21))
    x = torch.from_numpy(seeded_input((2, 3, 64, 96)))
    with torch.inference_mode():
        both = net(x)
        assert both.shape == (2, 21, 16, 24)
        assert torch.allclose(net(x[1:]), both[1:], rtol=1e-4, atol=1e-4 * float(both.abs().max()))


def test_widths() -> None:
    assert manifest(lambda: HRNet(133, width=48))["final_layer.weight"] == [133, 48, 1, 1]
    assert manifest(lambda: HRNet(width=32))["stage4.0.branches.3.3.bn2.weight"] == [256]
    with pytest.raises(ConfigError, match="32 or 48, got 18"):
        HRNet(width=18)


def test_every_branch_hears_all_others() -> None:
    module = seed_by_name(Exchange([4, 8, 16], 3))
    maps = [torch.from_numpy(seeded_input((1, 4 << i, 16 >> i, 8 >> i), i)) for i in range(3)]
    with torch.inference_mode():
        before = module(maps)
        for changed in range(3):
            louder = [x + 1 if i == changed else x for i, x in enumerate(maps)]
            after = module(louder)
            assert [x.shape for x in after] == [x.shape for x in maps]
            assert not any(torch.allclose(x, y) for x, y in zip(before, after, strict=True))
    assert len(module.fuse_layers) == 3
    assert len(Exchange([4, 8, 16], 1)(maps)) == 1
