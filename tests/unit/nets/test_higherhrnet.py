from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from holopose.nets.higherhrnet import HigherHRNet  # noqa: E402
from seeded_nets import manifest, seed_by_name, seeded_input  # noqa: E402


def test_two_sizes_of_heatmaps_and_tags_with_the_smaller() -> None:
    net = seed_by_name(HigherHRNet(14))
    with torch.inference_mode():
        small, large = net(torch.from_numpy(seeded_input((2, 3, 64, 96))))
    assert small.shape == (2, 28, 16, 24)
    assert large.shape == (2, 14, 32, 48)


def test_the_wide_one_has_wide_heads() -> None:
    tensors = manifest(lambda: HigherHRNet(17, width=48))
    assert tensors["deconv_layers.0.0.0.weight"] == [48 + 34, 48, 4, 4]
    assert tensors["final_layers.1.weight"] == [17, 48, 1, 1]
