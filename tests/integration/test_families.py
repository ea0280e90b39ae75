"""Networks of other makers, the whole way through the command line: added, run, converted, refused; nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.cli import main
from holopose.errors import ModelError
from holopose.io.images import read_image
from holopose.models.blaze.network import SPECS
from holopose.zoo import cache
from holopose.zoo.catalog import BLAZE
from without_packages import run_without

Run = Callable[..., tuple[int, str, str]]
BOXES = ("280,50,490,390", "100,60,300,400")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty cache that sees the blaze files of the real one, and no network."""
    needed = [card for card in BLAZE if card.name in SPECS]
    try:
        paths = [cache.find(card) for card in needed]
    except ModelError as error:
        pytest.skip(str(error))
    if None in paths:
        pytest.skip("the blaze files are not on this machine: holopose models pull")
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOLOPOSE_MODEL_DIR", str(paths[0].parent))  # type: ignore[union-attr]
        patch.setenv("HOLOPOSE_HOME", str(folder))
        patch.setenv("HOLOPOSE_OFFLINE", "1")
        yield folder


@pytest.fixture
def holopose(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return call


@pytest.fixture
def picture(shared: Path) -> Path:
    """Somebody on skis: one person, 640 x 425."""
    return shared / "data" / "images" / "000000000785.jpg"


@pytest.fixture(scope="module")
def yolox(shared: Path) -> Path:
    return shared / "data" / "models" / "yolox_nano.onnx"


def people(holopose: Run, out: Path, picture: Path, *arguments: object) -> dict[str, Any]:
    """What the result file of a picture says; the run must go well."""
    code, _, err = holopose("run", picture, *arguments, "--save", "json", "-o", out, "--quiet")
    assert (code, err) == (0, "")
    return json.loads((out / f"{picture.stem}.json").read_text(encoding="utf-8"))


def keypoints(result: dict[str, Any]) -> np.ndarray:  # type: ignore[type-arg]
    """(N, K, 3) x, y, score of everybody in a picture's result, NaN where missing."""
    [frame] = result["frames"]
    rows = [[point or (np.nan, np.nan, 0) for point in person["keypoints"]] for person in frame["people"]]
    return np.array(rows, float)


def refused(answer: tuple[int, str, str], code: int, *words: str) -> None:
    """The exit code is right, and one line says why."""
    assert answer[0] == code, answer[2]
    lines = answer[2].strip().splitlines()
    assert len(lines) == 1, answer[2]
    assert lines[0].startswith("holopose: ")
    for word in words:
        assert word in lines[0]


# A detector ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def my_yolox(home: Path, yolox: Path) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["models", "add", "my-yolox", "--from", str(yolox), "--like", "yolox-nano"])
    assert not ended.value.code
    return "my-yolox"


def test_a_detector_of_ones_own_finds_people_for_blaze(
    holopose: Run, my_yolox: str, shared: Path, tmp_path: Path
) -> None:
    reference = json.loads((shared / "reference" / "yolox_nano_people.json").read_text(encoding="utf-8"))
    names = ("000000000785.jpg", "000000040083.jpg")
    pictures = [shared / "data" / "images" / name for name in names]
    run = ("--detector", my_yolox, "--runtime", "auto", "--save", "json", "-o", tmp_path)
    code, out, _ = holopose("run", *pictures, *run)
    assert code == 0
    assert "1 person" in out
    assert "2 people" in out
    for name in names:
        result = json.loads((tmp_path / name).with_suffix(".json").read_text(encoding="utf-8"))
        [frame] = result["frames"]
        boxes = np.array([person["box"] for person in frame["people"]])
        expected = np.array(reference[name])[:, :4]
        assert boxes.shape == expected.shape
        far = np.abs(boxes[:, None] - expected[None]).max(axis=2)
        assert far.min(axis=1).max() < 1, "the people of the reference"
        assert sorted(far.argmin(axis=1).tolist()) == list(range(len(expected)))
        assert result["skeleton"]["name"] == "wholebody133"
        assert result["model"]["name"] == "blaze"
        assert result["model"]["options"]["detector"] == my_yolox
        truth = annotated(shared, name)
        for points in keypoints(result)[:, :17]:
            assert min(offset(points, person) for person in truth) < 0.1


def annotated(shared: Path, name: str) -> list[np.ndarray]:  # type: ignore[type-arg]
    """The 17 annotated keypoints (17, 3) of everybody in a picture who has some."""
    told = json.loads((shared / "data" / "coco_wholebody" / "annotations.json").read_text(encoding="utf-8"))
    [number] = [image["id"] for image in told["images"] if image["file_name"] == name]
    rows = [one["keypoints"] for one in told["annotations"] if one["image_id"] == number and one["num_keypoints"]]
    return [np.array(row, float).reshape(-1, 3)[:17] for row in rows]


def offset(points: np.ndarray, truth: np.ndarray) -> float:  # type: ignore[type-arg]
    """Median distance of the annotated keypoints as a share of the person's size."""
    known = (truth[:, 2] > 0) & (points[:, 2] > 0)
    far = np.linalg.norm(points[known, :2] - truth[known, :2], axis=1)
    return float(np.median(far) / np.ptp(truth[known, :2], axis=0).max())


# A top-down model ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every tensor of a SimpleBaseline on ResNet-50, named as mmpose 0.x names and wraps them; seeded."""
    torch = pytest.importorskip("torch", reason="the checkpoint of these tests is made by torch")
    from holopose.nets.simplebaseline import SimpleBaseline
    from seeded_nets import seed_by_name

    def published(name: str) -> str:
        return f"keypoint_head.{name}" if name.startswith(("deconv", "final")) else f"backbone.{name}"

    tensors = seed_by_name(SimpleBaseline(maps=17, depth=50)).state_dict()
    path = tmp_path_factory.mktemp("published") / "res50_coco_256x192-00000000_20200709.pth"
    torch.save({"meta": {"epoch": 210}, "state_dict": {published(n): t for n, t in tensors.items()}}, path)
    return path


@pytest.fixture(scope="module")
def my_baseline(home: Path, checkpoint: Path) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["models", "add", "my-r50", "--from", str(checkpoint), "--like", "simplebaseline-r50-body17-256"])
    assert not ended.value.code
    return "my-r50"


def test_a_checkpoint_gives_keypoints_and_the_same_ones_when_converted(
    holopose: Run, my_baseline: str, picture: Path, tmp_path: Path
) -> None:
    boxes = [word for box in BOXES for word in ("--box", box)]
    run = ("--model", my_baseline, *boxes, "--pose-nms", "none")
    as_tensors = people(holopose, tmp_path / "torch", picture, *run)
    assert as_tensors["skeleton"]["name"] == "coco17"
    assert as_tensors["model"]["name"] == my_baseline
    assert as_tensors["runtime"]["name"] == "torch"
    before = keypoints(as_tensors)
    assert before.shape == (2, 17, 3)
    assert ((before[..., 2] > 0) & (before[..., 2] <= 1)).all()

    pytest.importorskip("onnxscript", reason="torch's exporter needs onnxscript")
    code, out, err = holopose("models", "convert", my_baseline, "--to", "onnx", "--picture", picture)
    assert (code, err) == (0, "")
    assert "torch against ONNX on OpenVINO" in out

    as_onnx = people(holopose, tmp_path / "onnx", picture, *run)
    assert as_onnx["runtime"]["name"] == "OpenVINO"
    after = keypoints(as_onnx)
    assert np.abs(after[..., :2] - before[..., :2]).max() < 0.5
    np.testing.assert_allclose(after[..., 2], before[..., 2], atol=1e-3)
    still_torch = people(holopose, tmp_path / "asked", picture, *run, "--runtime", "torch")
    assert still_torch["runtime"]["name"] == "torch"
    [done] = run_without("torch", ["run", picture, *run, "--save", "json", "-o", tmp_path / "without", "--quiet"])
    assert (done.code, done.err) == (0, "")
    without = json.loads((tmp_path / "without" / f"{picture.stem}.json").read_text(encoding="utf-8"))
    np.testing.assert_array_equal(keypoints(without), after)


def test_boxes_of_a_file_and_flipped_views(holopose: Run, my_baseline: str, picture: Path, tmp_path: Path) -> None:
    """The same person by --box and by --boxes; in another layout; seen mirrored too."""
    x1, y1, x2, y2 = map(float, BOXES[0].split(","))
    rows = [{"image_id": 785, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": 1.0}]
    (tmp_path / "boxes.json").write_text(json.dumps(rows), encoding="utf-8")
    run = ("--model", my_baseline)
    by_box = people(holopose, tmp_path / "box", picture, *run, "--box", BOXES[0])
    by_file = people(holopose, tmp_path / "file", picture, *run, "--boxes", tmp_path / "boxes.json")
    np.testing.assert_array_equal(keypoints(by_box), keypoints(by_file))
    flipped = people(holopose, tmp_path / "flip", picture, *run, "--box", BOXES[0], "--flip", "--layout", "openpose18")
    assert flipped["skeleton"]["name"] == "openpose18"
    assert keypoints(flipped).shape == (1, 18, 3)
    assert flipped["model"]["options"]["flip"] is True


def test_the_whole_picture_only_when_asked_for(holopose: Run, my_yolox: str, shared: Path, tmp_path: Path) -> None:
    empty = shared / "data" / "no_people" / "0465.png"
    nobody = people(holopose, tmp_path / "found", empty, "--detector", my_yolox)
    assert nobody["frames"][0]["people"] == []
    asked = people(holopose, tmp_path / "asked", empty, "--detector", "none")
    [person] = asked["frames"][0]["people"]
    width, height = read_image(empty).size_wh
    assert person["box"] == [0, 0, width, height]


# What is refused, in one line ----------------------------------------------------------------------------------------


def test_tensors_of_another_network_are_named(holopose: Run, home: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the checkpoint of this test is made by torch")
    path = tmp_path / "other.pth"
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7), "head.query": torch.zeros(2, 2)}, path)
    answer = holopose("models", "add", "other", "--from", path, "--like", "simplebaseline-r50-body17-256")
    words = (
        "are not the",
        "tensors of SimpleBaseline",
        "missing: bn1.weight [64]",
        "1 not expected: head.query [2, 2]",
    )
    refused(answer, 3, *words)
    assert not (home / "models" / "added" / "other").exists()


def test_a_network_of_another_kind_is_told(holopose: Run, home: Path, yolox: Path, tmp_path: Path) -> None:
    wrong_size = holopose("models", "add", "other", "--from", yolox, "--like", "rtmpose-m-body17")
    refused(wrong_size, 3, "takes items of shape 3 x 416 x 416, got 3 x 256 x 192")
    wrong_kind = holopose(
        "models", "add", "other", "--from", yolox, "--like", "rtmpose-m-body17", "--set", "input_hw=(416, 416)"
    )
    refused(wrong_kind, 3, "SimCC: expected outputs along x and along y, got output")
    assert not (home / "models" / "added" / "other").exists()


@pytest.mark.parametrize(
    ("like", "words"),
    [
        ("yolo11n-pose", ("does not answer like yolo11n-pose", "YOLO at 416x416", "got (3549, 85)")),
        ("openpose-body25", ("does not run like openpose-body25", "pictures of many sizes", "[1,3,416,416]")),
    ],
)
def test_a_network_that_answers_something_else_is_not_added(
    holopose: Run, home: Path, yolox: Path, like: str, words: tuple[str, ...]
) -> None:
    size = ["--set", "input_hw=(416, 416)"] if like.startswith("yolo") else []
    answer = holopose("models", "add", "odd", "--from", yolox, "--like", like, *size)
    refused(answer, 3, str(yolox), *words)
    assert not (home / "models" / "added" / "odd").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model", "yolox-nano"], (2, "finds people, not keypoints", "--detector yolox-nano")),
        (["--detector", "rtmo-s"], (2, "rtmo-s does not find people by boxes")),
        (["--model", "rtmpose-m-body18"], (2, "no model is called 'rtmpose-m-body18'", "'rtmpose-m-body17'")),
        (["--detector", "yolox-nan"], (2, "no model is called 'yolox-nan'", "'yolox-nano'")),
        (["--flip"], (2, "flip: the model blaze has no such setting")),
        (["--model", "rtmo-s", "--flip"], (2, "flip: rtmo-s has no such setting")),
        (["--model", "rtmo-s", "--detector", "none"], (2, "rtmo-s sees all people at once and takes no boxes")),
        (["--model", "rtmo-s", "--adjust", "colour=blue"], (2, "has no setting 'colour'", "min_score")),
        (["--box", "1,2,3"], (2, "box: expected boxes of four numbers")),
        (["--boxes", "absent.json"], (2, "absent.json", "No such file")),
        (["--detector", "none", "--box", "1,2,30,40"], (2, "expected one of them, got several")),
        (["--runtime", "torch"], (2, "'torch' does not read .tflite files")),
        (["--model", "rtmo-s"], (3, "missing rtmo-s.onnx", "models pull rtmo-s", "models add NAME")),
        (["--model", "hrnet-w32-body17-256"], (3, "missing pose_hrnet_w32_256x192.pth", "models import")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value[0]),
)
def test_what_makes_no_sense_or_is_not_here(
    holopose: Run, picture: Path, tmp_path: Path, arguments: list[str], expected: tuple[int, *tuple[str, ...]]
) -> None:
    refused(holopose("run", picture, *arguments, "-o", tmp_path / "out"), *expected)
    assert not (tmp_path / "out").exists()


def test_a_box_beyond_the_picture(holopose: Run, picture: Path, tmp_path: Path) -> None:
    answer = holopose("run", picture, "--box", "5000,5000,6000,6000", "-o", tmp_path / "out", "--quiet")
    refused(answer, 2, "box 5000, 5000, 6000, 6000: is not in the picture", "640 x 425")
    assert not (tmp_path / "out" / "000000000785.json").exists()
