from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from holopose.nets.fastpose import FastPose  # noqa: E402
from seeded_nets import manifest, seed_by_name, seeded_input  # noqa: E402


def test_heatmaps_are_a_quarter_of_the_picture() -> None:
    net = seed_by_name(FastPose(26))
    with torch.inference_mode():
        assert net(torch.from_numpy(seeded_input((2, 3, 64, 96)))).shape == (2, 26, 16, 24)


def test_the_first_block_of_every_stage_squeezes() -> None:
    names = {name.rpartition(".se.")[0] for name in manifest(lambda: FastPose(17, depth=152)) if ".se." in name}
    assert names == {f"preact.layer{stage}.0" for stage in (1, 2, 3, 4)}
