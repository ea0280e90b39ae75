"""From a checkpoint to poses: cards, networks, reading of files, torch and the families together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holopose.nets.checkpoints import load_into  # noqa: E402
from holopose.runtimes.torch import TorchRuntime  # noqa: E402
from holopose.types import Boxes, Frame  # noqa: E402
from holopose.zoo.cards import Card  # noqa: E402
from holopose.zoo.catalog.fastpose import FASTPOSE  # noqa: E402
from holopose.zoo.catalog.higherhrnet import HIGHERHRNET  # noqa: E402
from holopose.zoo.catalog.hrnet import HRNET  # noqa: E402
from holopose.zoo.catalog.openpose import OPENPOSE  # noqa: E402
from holopose.zoo.catalog.simplebaseline import SIMPLEBASELINE  # noqa: E402
from seeded_nets import seed_by_name  # noqa: E402

CARDS = [*HRNET, *SIMPLEBASELINE, *FASTPOSE, *OPENPOSE, *HIGHERHRNET]
CARDS = [card for card in CARDS if not card.model.endswith("-hands")]  # two of these networks together
NETWORKS = {(card.net, *card.net_settings.values()): card for card in CARDS}
"""One card for each network: others differ in size or decoder."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(height: int = 120, width: int = 160) -> Frame:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Frame(pixels, 0, 0.0)


@pytest.mark.parametrize("card", NETWORKS.values(), ids=lambda card: card.name)
def test_networks_of_cards_give_a_map_per_keypoint(card: Card) -> None:
    count = len(card.skeleton.keypoints)
    with torch.device("meta"):
        answer = card.net(**card.net_settings).eval()(torch.zeros(1, 3, 64, 64))
    maps = answer if isinstance(answer, tuple) else (answer,)
    assert len(maps) == len(card.outputs)
    background = card.name.startswith("openpose-body")
    wanted = {"heatmaps": [count + background], "fields": [38, 52], "heatmaps_and_tags": [2 * count]}
    assert all(one.shape[1] in wanted[name] for name, one in zip(card.outputs, maps, strict=True))


@pytest.mark.parametrize(
    "name",
    ["hrnet-w32-body17-256", "simplebaseline-r50-body17-256", "fastpose-r50-wholebody-combined"],
)
def test_boxes_become_poses(name: str, tmp_path: Path) -> None:
    card = next(card for card in CARDS if card.name == name)
    torch.save({"state_dict": seed_by_name(card.net(**card.net_settings)).state_dict()}, tmp_path / card.filename)
    with torch.device("meta"):
        module = card.net(**card.net_settings)
    load_into(module, tmp_path / card.filename)
    runtime = TorchRuntime(module, outputs=card.outputs)
    model = card.family()(runtime, skeleton=card.skeleton, **card.settings)
    boxes = Boxes(np.array([[10, 10, 60, 110], [70, 5, 150, 115]], np.float32), np.array([0.9, 0.8], np.float32))
    nobody = Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    both, empty = model.locate([picture(), picture()], [boxes, nobody])
    assert both.xy.shape == (2, len(card.skeleton.keypoints), 2)
    assert (both.score >= 0).all()
    assert (both.score <= 1).all()
    assert len(empty.xy) == 0


@pytest.mark.parametrize("name", ["openpose-body25", "openpose-body18", "higherhrnet-w32-512"])
def test_pictures_become_poses(name: str) -> None:
    card = next(card for card in CARDS if card.name == name)
    runtime = TorchRuntime(seed_by_name(card.net(**card.net_settings)), outputs=card.outputs)
    small = {"input_size": 64} if "input_size" in card.settings else {"input_height": 64}
    model = card.family()(runtime, skeleton=card.skeleton, **card.settings | small)
    (poses,) = model.estimate([picture()])
    assert poses.skeleton is card.skeleton
    assert poses.xy.shape[1:] == (len(card.skeleton.keypoints), 2)
    assert (poses.score <= 1).all()
