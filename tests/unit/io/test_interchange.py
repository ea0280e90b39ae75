"""Results from form to form: what a form can hold comes through, what it cannot is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError, OutputError
from holopose.io.interchange import ENDINGS, convert_file, list_losses
from holopose.io.readers.recognize import read_results_file
from holopose.io.results import Results
from holopose.io.sinks import SINKS, JsonSink
from holopose.skeletons import BLAZE543, COCO17, HALPE26, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.types import FrameInfo, Poses

WITHIN = 0.0104  # rounded twice
SIZE = (640, 480)
COUNTS = (2, 0, 1, 3)


def clip(people, **options) -> list[tuple[FrameInfo, Poses]]:
    return [(FrameInfo(i, i / 25, "walk.mp4", SIZE), people(i, n, **options)) for i, n in enumerate(COUNTS)]


@pytest.fixture
def source(tmp_path, people, run_info) -> Path:
    path = tmp_path / "walk.json"
    sink = JsonSink(path, run_info)
    for frame, poses in clip(people):
        sink.write(frame, poses)
    sink.close(ok=True)
    return path


VIA = {
    "jsonl": {},
    "csv": {},
    "wide-csv": {},
    "coco": {},
    "coco flat133": {"coco_form": "flat133"},
    "coco dataset": {"coco_form": "dataset"},
    "openpose": {},
    "alphapose": {},
}
WITHOUT_EMPTY = ("coco", "coco flat133", "alphapose")
WITHOUT_SIZE = ("coco", "coco flat133", "alphapose", "openpose")
WITHOUT_BOXES = ("csv", "openpose")


@pytest.mark.parametrize("via", VIA)
def test_json_there_and_back(tmp_path, people, source: Path, via: str) -> None:
    """From JSON to the other form and to JSON again: what that form holds is the same."""
    there = convert_file(source, via.split(maxsplit=1)[0], tmp_path / "there", **VIA[via])
    size_wh = SIZE if via in WITHOUT_SIZE else None
    back = convert_file(tmp_path / "there", "json", tmp_path / "back.json", size_wh=size_wh)
    assert there.files == (tmp_path / "there",)
    assert there.frames == len(COUNTS)
    results = read_results_file(back.files[0])
    expected = [one for one in clip(people) if len(one[1]) or via not in WITHOUT_EMPTY]
    assert results.skeleton is WHOLEBODY133
    assert [info.index for info, _ in results] == [info.index for info, _ in expected]
    assert {info.size_wh for info, _ in results} == {SIZE}
    for (_, read), (_, written) in zip(results, expected, strict=True):
        np.testing.assert_allclose(read.xy, written.xy, atol=WITHIN)
        np.testing.assert_array_equal(read.ids, written.ids)
        if via != "coco dataset":
            np.testing.assert_allclose(read.score, written.score, atol=1.1e-4)
        if via not in WITHOUT_BOXES:
            np.testing.assert_allclose(read.boxes.xyxy, written.boxes.xyxy, atol=0.021)
            np.testing.assert_allclose(read.boxes.score, written.boxes.score, atol=4e-4)


@pytest.mark.parametrize("via", VIA)
def test_what_is_lost_is_told_and_what_is_kept_is_not(tmp_path, source: Path, via: str) -> None:
    lost = " ".join(convert_file(source, via.split(maxsplit=1)[0], tmp_path / "there", **VIA[via]).lost)
    assert ("Frames without people" in lost) is (via in WITHOUT_EMPTY)
    assert ("Sizes of the pictures" in lost) is (via in WITHOUT_SIZE)
    assert ("Boxes of people" in lost) is (via in WITHOUT_BOXES)
    assert ("Times of the frames" in lost) is (via in WITHOUT_SIZE)
    assert ("Coordinates in metres" in lost) is (via not in ("jsonl", "csv"))
    assert ("Scores of keypoints" in lost) is (via == "coco dataset")
    assert ("How the results came about" in lost) is (via != "jsonl")
    assert "Keypoints" not in lost


def test_nothing_is_lost_between_holopose_s_own_documents(tmp_path, source: Path) -> None:
    lines = convert_file(source, "jsonl")
    assert lines.lost == ()
    assert lines.files == (tmp_path / "walk.jsonl",)
    assert convert_file(lines.files[0], "json", tmp_path / "again.json").lost == ()
    assert (tmp_path / "again.json").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("to", [name for name in ENDINGS if name in SINKS])
def test_every_form_is_written_beside_the_file(tmp_path, source: Path, to: str) -> None:
    done = convert_file(source.rename(tmp_path / "a.walk.data"), to)
    assert done.files[-1] == tmp_path / f"a.walk{ENDINGS[to]}"
    assert done.files[-1].exists()


def test_layouts_are_converted_first(tmp_path, people, source: Path) -> None:
    done = convert_file(source, "json", tmp_path / "b.json", layout="halpe26")
    results = read_results_file(done.files[0])
    assert results.skeleton is HALPE26
    for (_, read), (_, written) in zip(results, clip(people), strict=True):
        np.testing.assert_allclose(read.xy, convert(written, HALPE26).xy, atol=WITHIN)
    [dropped, missing] = done.lost
    assert dropped.startswith("Keypoints without a place in halpe26: face_0, face_1")
    assert "(110 in all)" in dropped
    assert missing == "Keypoints of halpe26 that wholebody133 does not have: head_top; they are missing."


def losses(people, run_info, name: str, layout, target=None, **changes) -> str:
    frame = FrameInfo(0, None, "a.jpg", SIZE)
    poses = people(count=2, skeleton=layout, everything=False)
    poses = poses.replace(**{key: make(poses) for key, make in changes.items()})
    return " ".join(list_losses(Results(run_info, {}, layout, [(frame, poses)]), name, target))


def test_keypoints_that_a_form_drops_or_lacks(people, run_info) -> None:
    told = losses(people, run_info, "openpose", HALPE26)
    assert "without a place in openpose: head_top." in told
    assert "does not have" not in told
    told = losses(people, run_info, "openpose", BLAZE543)
    assert "openpose that blaze543 does not have: left_small_toe, right_small_toe;" in told
    assert "without a place in openpose: left_eye_inner, " in told
    assert "without a place in coco body: left_big_toe" in losses(people, run_info, "coco body", WHOLEBODY133)
    told = losses(people, run_info, "coco parts", COCO17)
    assert "Keypoints" not in told
    assert "flat133 that coco17 does not have: left_big_toe" in losses(people, run_info, "coco flat133", COCO17)
    assert "Keypoints" not in losses(people, run_info, "alphapose coco", HALPE26)
    assert "alphapose open: head_top, mid_hip, left_big_toe" in losses(people, run_info, "alphapose open", HALPE26)


def test_raw_and_swapped(people, run_info) -> None:
    changes = {"raw_xy": lambda poses: poses.xy, "swapped": lambda poses: poses.score > 0.5}
    for name, layout, raw, swapped in [
        ("json", None, False, False),
        ("json", COCO17, True, True),
        ("wide-csv", None, False, True),
        ("openpose", None, True, True),
    ]:
        told = losses(people, run_info, name, WHOLEBODY133, layout, **changes)
        assert ("Coordinates before smoothing" in told) is raw
        assert ("Marks of exchanged sides" in told) is swapped


def test_sizes_are_asked_for_only_where_they_are_written(tmp_path, source: Path) -> None:
    convert_file(source, "openpose", tmp_path / "op")
    with pytest.raises(InputError, match="does not say how large the pictures are, which csv records; give it"):
        convert_file(tmp_path / "op", "csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["op", "walk.json"]
    assert convert_file(tmp_path / "op", "coco", tmp_path / "r.json").frames == len(COUNTS)
    with pytest.raises(ConfigError, match=r"its form \(json\) says how large"):
        convert_file(source, "csv", size_wh=SIZE)


@pytest.mark.parametrize(
    ("to", "options", "said"),
    [
        ("cocco", {}, "to: expected one of json, .*, got 'cocco'; did you mean 'coco'"),
        ("open-pose", {}, "did you mean 'openpose'"),
        ("xyz", {}, "got 'xyz'$"),
        ("overlay", {}, "overlay needs the pictures themselves; `holopose render` draws"),
        ("skeleton", {}, "needs the pictures"),
        ("json", {"layout": "coco71"}, "layout: expected one of .*did you mean 'coco17'"),
        ("coco", {"coco_form": "whole"}, "coco form: expected one of parts"),
        ("alphapose", {"alphapose_form": "x"}, "alphapose form: expected one of coco"),
    ],
)
def test_wrong_options(tmp_path, source: Path, to: str, options: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        convert_file(source, to, tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == [source]


def test_where_results_go(tmp_path, source: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert convert_file(source, "csv", tmp_path / "folder").files == (tmp_path / "folder" / "walk.csv",)
    assert convert_file(source, "csv", f"{tmp_path}/new/").files == (tmp_path / "new" / "walk.csv",)
    op = convert_file(source, "openpose").files[0]
    assert op == tmp_path / "walk.openpose"
    assert convert_file(op, "alphapose").files == (tmp_path / "walk.alphapose.json",)


def test_what_is_there_is_safe(tmp_path, source: Path) -> None:
    before = source.read_bytes()
    with pytest.raises(OutputError, match="this is an input"):
        convert_file(source, "json", overwrite=True)
    convert_file(source, "csv")
    with pytest.raises(OutputError, match="--overwrite"):
        convert_file(source, "csv")
    convert_file(source, "csv", overwrite=True)
    op = convert_file(source, "openpose").files[0]
    with pytest.raises(OutputError, match="holds an input"):
        convert_file(op, "openpose", op, overwrite=True)
    assert source.read_bytes() == before
    assert len(list(op.iterdir())) == len(COUNTS)


def test_a_form_that_cannot_hold_it_leaves_nothing(tmp_path, people, run_info) -> None:
    """TRC wants times, and stills have none."""
    sink = JsonSink(tmp_path / "a.json", replace(run_info))
    sink.write(FrameInfo(0, None, "a.jpg", SIZE), people())
    sink.close(ok=True)
    with pytest.raises(OutputError, match="expected frames of a clip"):
        convert_file(tmp_path / "a.json", "trc")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_trc_tells_its_files(tmp_path, source: Path) -> None:
    done = convert_file(source, "trc")
    assert len(done.files) == len(list(tmp_path.glob("*.trc"))) > 1
    assert "Coordinates in pixels: trc has those in metres instead." in done.lost
    assert any("without an identity" in sentence or "identity" in sentence for sentence in done.lost)
