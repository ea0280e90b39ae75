"""Every network against the tensors of the published checkpoints, and against what they compute with known weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from holopose.nets.fastpose import FastPose  # noqa: E402
from holopose.nets.higherhrnet import HigherHRNet  # noqa: E402
from holopose.nets.hrnet import HRNet  # noqa: E402
from holopose.nets.openpose import OpenPoseBody18, OpenPoseHand  # noqa: E402
from holopose.nets.simplebaseline import SimpleBaseline  # noqa: E402
from seeded_nets import manifest, relative_errors, seed_by_name, seeded_input  # noqa: E402

NETWORKS: dict[str, Callable[[], torch.nn.Module]] = {
    "hrnet_w48_wholebody133_384x288": lambda: HRNet(133, width=48),
    "hrnet_w32_coco17_256x192": HRNet,
    "simplebaseline_resnet50_coco17_256x192": SimpleBaseline,
    "simplebaseline_resnet101_coco17_256x192": lambda: SimpleBaseline(depth=101),
    "simplebaseline_resnet152_coco17_256x192": lambda: SimpleBaseline(depth=152),
    "higherhrnet_w32_coco17_512": HigherHRNet,
    "openpose_body_coco18_368": OpenPoseBody18,
    "openpose_hand22_368": OpenPoseHand,
    "fastpose_resnet50_17_256x192": FastPose,
    "fastpose_resnet50_133_256x192": lambda: FastPose(133),
    "fastpose_resnet50_136_256x192": lambda: FastPose(136),
}
"""All but SDPose's, which has tests of its own."""

RUN = (
    "hrnet_w48_wholebody133_384x288",
    "simplebaseline_resnet50_coco17_256x192",
    "simplebaseline_resnet152_coco17_256x192",
    "higherhrnet_w32_coco17_512",
    "openpose_body_coco18_368",
    "fastpose_resnet50_17_256x192",
    "fastpose_resnet50_133_256x192",
)


def read(shared: Path, name: str) -> dict[str, Any]:
    entries = json.loads((shared / "reference" / name).read_text(encoding="utf-8"))
    return {key: value for key, value in entries.items() if not key.startswith("sdpose")}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_nothing_is_left_out(shared: Path) -> None:
    assert set(read(shared, "network_manifests.json")) == set(NETWORKS)
    assert set(read(shared, "network_outputs.json")) == set(RUN)


@pytest.mark.parametrize("name", NETWORKS)
def test_tensors_are_those_of_the_checkpoint(name: str, shared: Path) -> None:
    assert manifest(NETWORKS[name]) == read(shared, "network_manifests.json")[name]


@pytest.mark.parametrize("name", RUN)
def test_outputs_are_those_of_the_published_code(name: str, shared: Path) -> None:
    expected = read(shared, "network_outputs.json")[name]
    net = seed_by_name(NETWORKS[name]())
    assert sum(parameter.numel() for parameter in net.parameters()) == expected["parameters"]
    with torch.inference_mode():
        outputs = net(*(torch.from_numpy(seeded_input(shape, i)) for i, shape in enumerate(expected["inputs"])))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert max(relative_errors(outputs, expected["outputs"])) < 1e-4
