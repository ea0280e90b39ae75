"""People's own networks answer made-up pictures before they become a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import ModelError
from holopose.zoo.cards import Card
from holopose.zoo.catalog import MODELS
from holopose.zoo.trial import try_out

pytest.importorskip("onnx", reason="the networks of these tests are made with onnx")
from onnx_samples import answering, convolution

BODY = {"heat": (26, 6, 8), "fields": (52, 6, 8)}


def network_card(like: str, **settings: Any) -> Card:
    """The card of a network file that is like a model."""
    card = MODELS[like][0]
    return replace(card, name="mine", net=None, settings={**card.settings, **settings})


def trial(path: Path, like: str, **settings: Any) -> str:
    return try_out([network_card(like, **settings)], {"mine": path}, like)


@pytest.mark.parametrize(
    ("like", "outputs"),
    [
        ("yolox-nano", {"rows": (3549, 85)}),
        ("yolox-nano", {"dets": (7, 5), "labels": (7,)}),
        ("yolo11n", {"rows": (84, 8400)}),
        ("yolo11n-pose", {"rows": (56, 8400)}),
        ("rtmo-s", {"dets": (4, 5), "keypoints": (4, 17, 3)}),
        ("rtmpose-m-body17", {"x": (17, 384), "y": (17, 512)}),
        ("hrnet-w32-body17-256", {"maps": (17, 64, 48)}),
        ("openpose-body25", BODY),
        ("higherhrnet-w32-512", {"first": (34, 8, 8), "second": (17, 16, 16)}),
    ],
)
def test_networks_of_each_kind(tmp_path: Path, like: str, outputs: Any) -> None:
    told = trial(answering(tmp_path / "net.onnx", outputs), like)
    assert told == f"opens (1 in, {len(outputs)} out) and answers a made-up picture"


@pytest.mark.parametrize(
    ("like", "outputs", "words"),
    [
        (
            "yolox-nano",
            {"rows": (100, 85)},
            r"expected an output of 3549 rows and more than 5 columns, got \(100, 85\)",
        ),
        ("yolo11n-pose", {"rows": (3549, 85)}, r"expected an output of \(56, cells\)"),
        ("rtmo-s", {"dets": (4, 5), "keypoints": (4, 26, 3)}, "expected 17 keypoints"),
        ("rtmpose-m-body17", {"x": (17, 300), "y": (17, 512)}, r"expected \(1, 17, 384\)"),
        ("hrnet-w32-body17-256", {"maps": (21, 64, 48)}, "expected 1 times 17 heatmaps"),
        ("openpose-body25", {"rows": (3549, 85)}, "expected outputs of 26 and 52 maps"),
        ("higherhrnet-w32-512", {"maps": (17, 8, 8)}, "expected one output of 34 maps"),
        ("rtmo-s", {"dets": (), "keypoints": ()}, "does not answer like rtmo-s"),
    ],
)
def test_what_answers_otherwise_is_told_in_one_line(tmp_path: Path, like: str, outputs: Any, words: str) -> None:
    path = answering(tmp_path / "net.onnx", outputs)
    with pytest.raises(ModelError, match=words) as caught:
        trial(path, like)
    assert str(caught.value).startswith(f"{path}: does not answer like {like}: ")
    assert "\n" not in str(caught.value)


def test_one_size_is_too_few_where_pictures_have_many(tmp_path: Path) -> None:
    fixed = answering(tmp_path / "fixed.onnx", BODY, (1, 3, 368, 656))
    words = r"does not run like openpose-body25, which gives its network pictures of many sizes: .*1,3,368,656"
    with pytest.raises(ModelError, match=words) as caught:
        trial(fixed, "openpose-body25")
    assert "\n" not in str(caught.value)
    assert "answers" in trial(fixed, "openpose-body25", input_width=656)
    wide = answering(tmp_path / "wide.onnx", BODY, (1, 3, 368, 496))  # that of the wide picture
    with pytest.raises(ModelError, match="pictures of many sizes"):
        trial(wide, "openpose-body25")


def test_a_detector_is_no_pose_model(shared: Path) -> None:
    weights = shared / "data" / "models" / "yolox_nano.onnx"
    assert "answers" in trial(weights, "yolox-nano")
    with pytest.raises(ModelError, match="does not run like openpose-body25"):
        trial(weights, "openpose-body25")


def test_all_networks_of_a_model_are_opened(tmp_path: Path) -> None:
    body = network_card("openpose-body25-hands")
    hand = replace(MODELS["openpose-body25-hands"][1], name="hand", net=None)
    paths = {"mine": answering(tmp_path / "a.onnx", BODY), "hand": convolution(tmp_path / "b.onnx")}
    told = try_out([body, hand], paths, "openpose-body25-hands")
    assert told == "opens (1 in, 2 out, 1 in, 2 out) and answers a made-up picture"
    paths["hand"].write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"b\.onnx: expected an ONNX network"):
        try_out([body, hand], paths, "openpose-body25-hands")
