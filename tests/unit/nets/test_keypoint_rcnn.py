"""Keypoint R-CNN's module around a stand-in for torchvision, which tests do not have; and what is said without it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holopose.errors import BackendError, ModelError  # noqa: E402
from holopose.models.keypoint_rcnn import KeypointRcnn  # noqa: E402
from holopose.nets.checkpoints import load_into  # noqa: E402
from holopose.nets.keypoint_rcnn import KeypointRcnnNet, load_detection  # noqa: E402
from holopose.runtimes.torch import TorchRuntime  # noqa: E402
from holopose.types import Frame  # noqa: E402

OUTPUTS = ("boxes", "labels", "scores", "keypoints", "keypoints_scores")


class FrozenBatchNorm2d(torch.nn.Module):
    """As torchvision's: buffers only, and an epsilon that the published tensors do not want."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.eps = 1e-5
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.ones(channels))


def nested(convolution: torch.nn.Module) -> torch.nn.Sequential:
    return torch.nn.Sequential(convolution)


class StandIn(torch.nn.Module):
    """A network with a few of Keypoint R-CNN's tensors, under the names that torchvision 0.13 and later has."""

    def __init__(self, backbone: torch.nn.Module, *, num_classes: int, num_keypoints: int) -> None:
        super().__init__()
        assert num_classes == 2
        self.backbone = backbone
        head = torch.nn.Module()
        head.conv = nested(nested(torch.nn.Conv2d(4, 4, 3)))
        self.rpn = torch.nn.Module()
        self.rpn.head = head
        self.num_keypoints = num_keypoints

    def forward(self, images: list[Any]) -> list[dict[str, Any]]:
        assert isinstance(images, list)
        answers = []
        for image in images:
            width = image.shape[2]
            spot = image.mean(dim=0).argmax()  # one person, where the picture is brightest
            x, y = float(spot % width), float(spot // width)
            place = torch.tensor([x, y, 1.0]).repeat(1, self.num_keypoints, 1)
            answers.append(
                {
                    "boxes": torch.tensor([[x - 3, y - 3, x + 3, y + 3]]),
                    "labels": torch.tensor([1]),
                    "scores": torch.tensor([0.75]),
                    "keypoints": place,
                    "keypoints_scores": torch.zeros(1, self.num_keypoints),
                }
            )
        return answers


def resnet_fpn_backbone(*, backbone_name: str, weights: None) -> torch.nn.Module:
    assert backbone_name == "resnet50"
    backbone, body, fpn = torch.nn.Module(), torch.nn.Module(), torch.nn.Module()
    body.conv1, body.bn1 = torch.nn.Conv2d(3, 4, 7, bias=False), FrozenBatchNorm2d(4)
    fpn.inner_blocks = torch.nn.ModuleList(nested(torch.nn.Conv2d(4, 4, 1)) for _ in range(4))
    fpn.layer_blocks = torch.nn.ModuleList(nested(torch.nn.Conv2d(4, 4, 3)) for _ in range(4))
    backbone.body, backbone.fpn = body, fpn
    return backbone


DETECTION = SimpleNamespace(
    KeypointRCNN=StandIn, backbone_utils=SimpleNamespace(resnet_fpn_backbone=resnet_fpn_backbone)
)


def published(net: KeypointRcnnNet) -> dict[str, Any]:
    """Tensors under the names of torchvision's published file, which is older than its code."""
    tensors = {}
    for name, tensor in net.model.state_dict().items():
        old = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        for block in ("inner_blocks", "layer_blocks"):
            for level in range(4):
                old = old.replace(f"{block}.{level}.0.", f"{block}.{level}.")
        tensors[old] = torch.rand_like(tensor)
    return tensors


def test_the_published_file_s_older_names_are_read(tmp_path: Path) -> None:
    net = KeypointRcnnNet(detection=DETECTION)
    tensors = published(net)
    assert "backbone.fpn.inner_blocks.2.weight" in tensors
    assert "rpn.head.conv.bias" in tensors
    torch.save(tensors, tmp_path / "published.pth")
    load_into(net, tmp_path / "published.pth", prefix="model.")
    state = net.model.state_dict()
    torch.testing.assert_close(
        state["backbone.fpn.inner_blocks.2.0.weight"], tensors["backbone.fpn.inner_blocks.2.weight"]
    )
    torch.testing.assert_close(state["rpn.head.conv.0.0.bias"], tensors["rpn.head.conv.bias"])
    torch.testing.assert_close(state["backbone.body.bn1.running_var"], tensors["backbone.body.bn1.running_var"])


def test_today_s_names_are_read_and_a_missing_tensor_is_named(tmp_path: Path) -> None:
    net = KeypointRcnnNet(detection=DETECTION)
    tensors = dict(net.model.state_dict())
    torch.save(tensors, tmp_path / "own.pth")
    load_into(net, tmp_path / "own.pth", prefix="model.")
    del tensors["backbone.body.conv1.weight"]
    torch.save(tensors, tmp_path / "short.pth")
    with pytest.raises(ModelError, match=r"1 missing: model.backbone.body.conv1.weight"):
        load_into(net, tmp_path / "short.pth", prefix="model.")


def test_frozen_normalization_has_no_epsilon() -> None:
    net = KeypointRcnnNet(detection=DETECTION)
    assert [module.eps for module in net.modules() if isinstance(module, FrozenBatchNorm2d)] == [0.0]


def test_a_picture_becomes_people_through_torch() -> None:
    runtime = TorchRuntime(KeypointRcnnNet(detection=DETECTION), outputs=OUTPUTS)
    image = np.zeros((40, 60, 3), np.uint8)
    image[25, 33] = 255
    (poses,) = KeypointRcnn(runtime).estimate([Frame(image)])
    assert poses.boxes.xyxy.tolist() == [[30, 22, 36, 28]]
    assert poses.xy.tolist() == [[[33, 25]] * 17]
    assert (poses.score == 0.5).all()


def test_pictures_come_one_at_a_time() -> None:
    with pytest.raises(ValueError, match="expected one picture at a time, got 2"):
        KeypointRcnnNet(detection=DETECTION)(torch.zeros(2, 3, 8, 8))


@pytest.mark.parametrize(
    "breaks",
    [
        lambda name: (_ for _ in ()).throw(ModuleNotFoundError("No module named 'torchvision'")),
        lambda name: (_ for _ in ()).throw(RuntimeError("operator torchvision::nms does not exist\nmore")),
    ],
    ids=["missing", "of another torch"],
)
def test_torchvision_that_does_not_load_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, breaks: Callable[[str], ModuleType]
) -> None:
    monkeypatch.setattr(importlib, "import_module", breaks)
    with pytest.raises(BackendError) as caught:
        KeypointRcnnNet()
    message = str(caught.value)
    assert "run by your own torchvision, which does not load (" in message
    assert "torchvision" in message.split("(")[1]
    assert "https://pytorch.org/get-started/locally" in message
    assert "\n" not in message


def test_the_user_s_torchvision_is_the_one_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torchvision", "torchvision.models", "torchvision.models.detection"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    assert load_detection() is sys.modules["torchvision.models.detection"]
