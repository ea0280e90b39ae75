"""Where an optional package is not installed: everything else works, and what needs it says how to install it."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from holopose.errors import ModelError
from holopose.models.blaze.network import SPECS
from holopose.zoo import cache
from holopose.zoo.catalog import BLAZE, MODELS
from without_packages import Done, run_without

EXTRAS = (
    "torch,torchvision,safetensors,onnx,onnxscript,onnxruntime,diffusers,transformers,accelerate,faster_coco_eval,"
    "pi_heif,polars"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no network."""
    for name in os.environ:
        if name.startswith("HOLOPOSE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    path.write_bytes(cv2.imencode(".png", np.full((90, 120, 3), 128, np.uint8))[1].tobytes())
    return path


def put(model: str, content: bytes = b"not looked at") -> None:
    """Files of a model whose hashes nobody publishes: what lies there holds."""
    for card in MODELS[model]:
        path = cache.target(card)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def says(done: Done, code: int, *words: str) -> None:
    """One line that names what to install, and the right exit code."""
    assert done.code == code, done.err
    assert len(done.err.splitlines()) == 1, done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


def test_holopose_as_it_comes_needs_none_of_them(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        here = all(cache.find(card) for card in BLAZE if card.name in SPECS)
    except ModelError as error:
        pytest.skip(str(error))
    if not here:
        pytest.skip("the blaze files are not on this machine: holopose models pull")
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    run = ["run", picture, "--quiet", "-o"]
    lines = [
        [*run, tmp_path / "blaze"],
        [*run, tmp_path / "whole", "--detector", "none"],
        ["models", "list"],
        ["models", "table"],
        ["eval", "--help"],
        ["models", "convert", "--help"],
    ]
    for line, done in zip(lines, run_without(EXTRAS, *lines), strict=True):
        assert (done.code, done.err) == (0, ""), line
    assert sorted(path.name for path in (tmp_path / "blaze").iterdir()) == [
        *("grey.csv", "grey.json", "grey.overlay.png", "holopose-run.jsonl")
    ]


# Tensors -------------------------------------------------------------------------------------------------------------

BY_TORCH = {  # a model for every kind of network, none of whose files has a published hash
    "hrnet-w32-body17-256": True,
    "simplebaseline-r50-body17-256": True,
    "fastpose-r50-wholebody-combined": True,
    "vitpose-plus-small-wholebody": True,
    "vitpose-plus-base-body17": True,
    "sdpose-body17": True,
    "openpose-hand": True,
    "openpose-body25": False,
    "openpose-body18": False,
    "openpose-body25-hands": False,
    "higherhrnet-w32-512": False,
}
"""Whether it takes boxes."""


def test_a_model_of_every_kind_of_network_is_among_these() -> None:
    kinds = {card.net: card.model for cards in MODELS.values() for card in cards if card.net is not None}
    looked_at = {MODELS[name][0].net for name in BY_TORCH}
    assert {model for net, model in kinds.items() if net not in looked_at} <= {"keypoint-rcnn"}


def test_networks_of_tensors_need_torch(home: Path, picture: Path, tmp_path: Path) -> None:
    lines: list[list[object]] = []
    for name, boxes in BY_TORCH.items():
        put(name)
        box = ["--box", "10,10,60,80"] if boxes else []
        lines.append(["run", picture, "--model", name, *box, "-o", tmp_path / "out"])
    lines.append(["models", "convert", "hrnet-w32-body17-256", "--to", "onnx", "--picture", picture])
    for line, done in zip(lines, run_without("torch", *lines), strict=True):
        assert "torch" in done.err, line
        says(done, 4, "needs torch", 'pip install "holopose[torch]"')
    assert not (tmp_path / "out").exists()


def test_ones_own_tensors_are_taken_without_torch_and_run_with_it(home: Path, picture: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    path.write_bytes(b"PK\x03\x04 tensors")
    add = ["models", "add", "mine", "--from", path, "--like", "hrnet-w48-wholebody-dark"]
    run = ["run", picture, "--model", "mine", "--box", "10,10,60,80", "-o", tmp_path / "out"]
    added, ran = run_without("torch", add, run)
    assert (added.code, added.err) == (0, "")
    assert "checked at first use: torch is not installed here" in added.out
    says(ran, 4, "mine needs torch", 'pip install "holopose[torch]"')


def test_the_runtime_torch_needs_torch(home: Path, picture: Path, tmp_path: Path) -> None:
    put("fastpose-r50-body17")
    model = ["--model", "fastpose-r50-body17", "--box", "10,10,60,80"]
    [done] = run_without("torch", ["run", picture, *model, "--runtime", "torch", "-o", tmp_path / "out"])
    says(done, 4, 'pip install "holopose[torch]"')


def test_safetensors_need_safetensors(home: Path, picture: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="without torch nothing gets so far")
    put("vitpose-plus-small-body17", (2).to_bytes(8, "little") + b"{}")
    model = ["--model", "vitpose-plus-small-body17", "--box", "10,10,60,80"]
    [done] = run_without("safetensors", ["run", picture, *model, "-o", tmp_path / "out"])
    says(done, 3, "needs safetensors", 'pip install "holopose[torch]"')


def test_sdpose_needs_diffusers(home: Path, picture: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="without torch nothing gets so far")
    put("sdpose-wholebody")
    run = ["run", picture, "--model", "sdpose-wholebody", "--box", "10,10,60,80", "-o", tmp_path / "out"]
    [done] = run_without("diffusers", run)
    says(done, 4, "needs diffusers", 'pip install "holopose[sdpose]"')


def test_keypoint_rcnn_needs_the_users_own_torchvision(home: Path, picture: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="without torch nothing gets so far")
    path = tmp_path / "mine.pth"
    path.write_bytes(b"PK\x03\x04 tensors")
    add = ["models", "add", "mine", "--from", path, "--like", "keypoint-rcnn"]
    added, ran = run_without("torchvision", add, ["run", picture, "--model", "mine", "-o", tmp_path / "out"])
    assert (added.code, added.err) == (0, "")
    says(ran, 4, "torchvision, which does not load", "the one that belongs to your torch")


# Networks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("device", "extra"), [("cpu", "onnx"), ("cuda", "cuda"), ("tensorrt", "cuda")])
def test_the_runtime_onnxruntime_needs_onnxruntime(
    home: Path, picture: Path, tmp_path: Path, device: str, extra: str
) -> None:
    """Asked for by name, or by a device that is its own."""
    put("rtmo-s")
    runtime = ["--runtime", "onnxruntime"] if device == "cpu" else []
    run = ["run", picture, "--model", "rtmo-s", *runtime, "--device", device, "-o", tmp_path / "out"]
    [done] = run_without("onnxruntime", run)
    says(
        done,
        4,
        "ONNX Runtime does not load",
        f'pip install "holopose[{extra}]"' if extra == "onnx" else '"holopose[cuda]"',
    )


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_conversion_needs_onnx(home: Path, picture: Path, package: str) -> None:
    torch = pytest.importorskip("torch", reason="without torch nothing gets so far")
    from holopose.nets.vitpose import ViTPose

    [card] = MODELS["vitpose-plus-small-body17"]
    with torch.device("meta"):
        tensors = ViTPose(**card.net_settings).state_dict()
    path = cache.target(card)
    path.parent.mkdir(parents=True)
    torch.save({name: torch.zeros(one.shape, dtype=one.dtype) for name, one in tensors.items()}, path)
    convert = ["models", "convert", card.model, "--to", "onnx", "--picture", picture]
    [done] = run_without(package, convert)
    says(done, 4, f"conversion needs {package}", 'pip install "holopose[convert]"')


# Judging -------------------------------------------------------------------------------------------------------------


def test_evaluation_needs_faster_coco_eval(home: Path, shared: Path) -> None:
    folder = shared / "data" / "coco_wholebody"
    judge = ["eval", folder / "example_gt.json", "--predictions", folder / "example_pred.json"]
    [done] = run_without("faster_coco_eval", judge)
    says(done, 4, "faster-coco-eval", 'pip install "holopose[eval]"')
