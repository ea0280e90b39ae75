"""The card of torchvision's Keypoint R-CNN."""

from __future__ import annotations

from holopose.models.keypoint_rcnn import KeypointRcnn
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17
from holopose.zoo.catalog import MODELS
from holopose.zoo.catalog.torchvision import TORCHVISION


def test_the_file_is_torchvision_s_own_by_its_published_digits() -> None:
    (card,) = TORCHVISION
    assert MODELS[card.model] == TORCHVISION
    (place,) = card.urls
    assert place.address == f"https://download.pytorch.org/models/{card.filename}"
    assert card.filename.endswith(f"-{card.sha256}.pth")


def test_the_card_builds_the_family_on_the_module_s_outputs() -> None:
    (card,) = TORCHVISION
    estimator = card.family()(FakeRuntime(dict, outputs=card.outputs), skeleton=card.skeleton, **card.settings)
    assert isinstance(estimator, KeypointRcnn)
    assert estimator.skeleton == COCO17
    assert card.prefix == "model."
