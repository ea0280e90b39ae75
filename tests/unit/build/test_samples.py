"""Samples of clips: the right frames, their very pixels, poses and index that fit, and folders whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_scenes import files_in, save
from holopose.build import parts
from holopose.build.outcomes import NoProgress, Outcome, Summary
from holopose.build.samples import COLUMNS, sample_files
from holopose.config import RunConfig
from holopose.errors import BackendError, ConfigError, InputError, OutputError
from holopose.io.readers import read_coco
from holopose.io.results import read_results
from holopose.io.sources.video import VideoSource
from holopose.motion.sampling import measure_motion
from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))
MOTION = RunConfig(min_motion=0.1, smooth="none")
WHITE = 200


class SquareEstimator:
    """One person around the white square of the test card, twelve times as large; refuses frames without."""

    info = {"name": "square"}  # noqa: RUF012

    @property
    def skeleton(self) -> Skeleton:
        return WHOLEBODY133

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Poses:
        rows, columns = np.nonzero((frame.image > WHITE).all(axis=2))
        if not len(rows):
            raise BackendError("the device sees no square")
        x, y = columns.mean(), rows.mean()
        angle = np.linspace(0, 2 * np.pi, 133)
        xy = np.column_stack([x + 12 * np.cos(angle), y + 16 * np.sin(angle)])
        box = [x - 12, y - 16, x + 12, y + 16]  # its diagonal is 40 px: a frame's step of 2 px is 0.05
        return Poses(xy[None], np.full((1, 133), 0.9), Boxes([box], [0.8]), WHOLEBODY133)

    def reset(self) -> None:
        pass


def sample(inputs: Sequence[Path | str], out: Path, config: RunConfig = MOTION, **rest: Any) -> Summary:
    return sample_files(inputs, out, config, estimator=SquareEstimator(), **rest)


def index_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "index.csv").read_text(encoding="utf-8").splitlines()))


def read(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip of 20 frames whose square moves by 2 px a frame."""
    (tmp_path / "in").mkdir()
    return S["write_clip"](tmp_path / "in" / "walk.mp4", 20)


def test_one_clip(tmp_path: Path, clip: Path) -> None:
    out = tmp_path / "deep" / "frames"
    summary = sample([clip], out)
    [outcome] = summary.outcomes
    assert (outcome.input, outcome.people, outcome.frames, outcome.files) == (str(clip), 1, 20, (out,))
    assert (summary.exit_code, summary.report) == (0, out)
    frames = list(range(0, 20, 2))
    pictures = [f"walk_{i:06d}.png" for i in frames]
    assert files_in(out) == ["index.csv", "walk.coco.json", "walk.json", *pictures]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    decoded = {frame.index: frame for frame in VideoSource(clip)}
    for i, picture in zip(frames, pictures, strict=True):
        assert np.array_equal(read(out / picture), decoded[i].image)

    document = read_results(out / "walk.json")
    assert document.source["clip"] == str(clip)
    assert document.source["rate"] == 25
    assert [(frame.index, frame.name, frame.size_wh) for frame, _ in document] == [
        (i, picture, (64, 48)) for i, picture in zip(frames, pictures, strict=True)
    ]
    assert [frame.time_s for frame, _ in document] == pytest.approx([i / 25 for i in frames])

    rows = index_of(out)
    assert tuple(rows[0]) == COLUMNS
    assert [(row["picture"], int(row["frame"])) for row in rows] == list(zip(pictures, frames, strict=True))
    assert [float(row["time_s"]) for row in rows] == pytest.approx([i / 25 for i in frames])
    people = [poses for _, poses in document]
    for row, before, now in zip(rows[1:], people, people[1:], strict=False):
        assert float(row["motion"]) == pytest.approx(measure_motion(before, now), abs=1e-3)
        assert float(row["motion"]) >= 0.1
        assert row["ids"].split() == [str(one) for one in now.ids]
        assert int(row["people"]) == len(now) == 1
    assert rows[0]["motion"] == ""


def test_annotation_tools_find_the_pictures(tmp_path: Path, clip: Path) -> None:
    sample([clip], tmp_path / "out")
    coco = json.loads((tmp_path / "out" / "walk.coco.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in coco["images"]] == [f"walk_{i:06d}.png" for i in range(0, 20, 2)]
    assert all((tmp_path / "out" / image["file_name"]).is_file() for image in coco["images"])
    ids = [image["id"] for image in coco["images"]]
    assert len(set(ids)) == 10
    assert [one["image_id"] for one in coco["annotations"]] == ids
    assert coco["categories"][0]["keypoints"] == list(WHOLEBODY133.keypoints)
    stored = read_coco(tmp_path / "out" / "walk.coco.json")
    for (frame, poses), (_, own) in zip(stored, read_results(tmp_path / "out" / "walk.json"), strict=True):
        assert frame.name in files_in(tmp_path / "out")
        assert np.allclose(poses.xy, own.xy, atol=0.01)


@pytest.mark.parametrize("format_name", ["jpg", "webp"])
def test_other_formats(tmp_path: Path, clip: Path, format_name: str) -> None:
    sample([clip], tmp_path / "out", RunConfig(max_fps=5, every=2), format_name=format_name)
    pictures = [file for file in files_in(tmp_path / "out") if file.endswith(format_name)]
    assert pictures == [f"walk_{i:06d}.{format_name}" for i in (0, 6, 10, 16)]
    assert [row["picture"] for row in index_of(tmp_path / "out")] == pictures
    for frame in VideoSource(clip, every=2):
        path = tmp_path / "out" / f"walk_{frame.index:06d}.{format_name}"
        if path.exists():
            assert np.abs(read(path).astype(int) - frame.image).mean() < 8


def test_options_of_clips_and_people_hold(tmp_path: Path, clip: Path) -> None:
    config = RunConfig(
        **{"min_motion": 0.1, "start_s": 0.2, "end_s": 0.6, "smooth": "median", "keep_raw": True, "world": False},
        **{"min_score": 0.1, "person": "largest"},
    )
    assert sample([clip], tmp_path / "out", config).exit_code == 0
    document = json.loads((tmp_path / "out" / "walk.json").read_text(encoding="utf-8"))
    frames = [frame["frame"] for frame in document["frames"]]
    assert frames[:4] == [5, 7, 9, 11]  # at the end the median stands still
    assert frames[-1] < 15
    assert all("raw" in person for frame in document["frames"] for person in frame["people"])
    options = document["model"]["options"]
    assert (options["smooth"], options["min_motion"], options["start_s"]) == ("median", 0.1, 0.2)


def test_the_same_frames_as_those_of_a_run(tmp_path: Path, clip: Path) -> None:
    sample([clip], tmp_path / "a", RunConfig(min_motion=0.12, max_fps=7))
    pipeline = parts.build_pipeline(RunConfig(min_motion=0.12, max_fps=7), SquareEstimator(), kind="clip")
    kept = list(pipeline.stream(VideoSource(clip)))
    assert [int(row["frame"]) for row in index_of(tmp_path / "a")] == [frame.index for frame, _ in kept]
    for (_, stored), (_, poses) in zip(read_results(tmp_path / "a" / "walk.json"), kept, strict=True):
        assert np.allclose(stored.xy, poses.xy, atol=0.01)


# Several inputs ------------------------------------------------------------------------------------------------------


class Heard(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.read_frames = self.written = 0
        self.finished: list[Outcome] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def read(self, frame: Any) -> None:
        self.read_frames += 1

    def advance(self, frame: Any, people: int, latency_s: float | None) -> None:
        self.written += 1

    def finish(self, outcome: Outcome) -> None:
        self.finished.append(outcome)


def test_each_of_several_clips_has_its_folder_and_bad_ones_are_told(tmp_path: Path, clip: Path) -> None:
    day = clip.parent
    (day / "sub").mkdir()
    S["write_clip"](day / "sub" / "walk.mkv", 8)
    (day / "bad.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(200))
    S["write_clip"](day / "no square.mp4", [np.zeros((48, 64, 3), np.uint8)] * 3)
    save(day / "photo.png")
    heard = Heard()
    summary = sample([day], tmp_path / "out", MOTION.replace(recursive=True), progress=heard)
    assert list(summary.outcomes) == heard.finished
    state = {Path(outcome.input).name: (outcome.frames, type(outcome.error)) for outcome in summary.outcomes}
    nothing = type(None)
    assert state == {
        "walk.mp4": (20, nothing),
        "walk.mkv": (8, nothing),
        "bad.mp4": (0, InputError),
        "no square.mp4": (0, BackendError),
    }
    assert all(str(o.error).startswith(o.input) for o in summary.outcomes if o.error)
    assert summary.exit_code == 1
    folders = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("index.csv"))
    assert folders == ["in/sub/walk/index.csv", "in/walk/index.csv"]
    assert [row["picture"] for row in index_of(tmp_path / "out" / "in" / "sub" / "walk")][:2] == [
        "walk_000000.png",
        "walk_000002.png",
    ]
    assert f"1 picture left out, such as {day / 'photo.png'}: samples are taken of clips" in heard.notes
    assert f"{clip}: 10 of 20 frames kept" in heard.notes
    assert (heard.read_frames, heard.written) == (20 + 8 + 1, 10 + 4)
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".holopose-")] == []


def test_a_camera_is_sampled_until_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Camera:
        info = {"kind": "live", "name": "webcam 0"}  # noqa: RUF012
        end_info: dict[str, object] = {}  # noqa: RUF012

        def __iter__(self) -> Iterator[Frame]:
            yield from (Frame(S["card"](i), index=i, time_s=i / 10, name="webcam 0") for i in range(12))
            raise KeyboardInterrupt  # as where no signal can be caught

        def close(self) -> None:
            pass

    monkeypatch.setattr(parts, "build_source", lambda *_: Camera())
    assert sample(["0"], tmp_path / "out", RunConfig(max_fps=2)).exit_code == 0
    pictures = [f"webcam-0_{i:06d}.png" for i in (0, 5, 10)]
    assert files_in(tmp_path / "out") == ["index.csv", "webcam-0.coco.json", "webcam-0.json", *pictures]
    assert [row["people"] for row in index_of(tmp_path / "out")] == ["1", "1", "1"]


def test_standard_input(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = S["write_clip"](tmp_path / "walk.mkv", 10).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    assert sample(["-"], tmp_path / "out", RunConfig(every=4)).exit_code == 0
    assert [row["picture"] for row in index_of(tmp_path / "out")] == [f"stdin_{i:06d}.png" for i in (0, 4, 8)]
    photo = save(tmp_path / "photo.png").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(photo))))
    [outcome] = sample(["-"], tmp_path / "other").outcomes
    assert str(outcome.error) == "<stdin>: expected a clip, got a picture"


def test_pictures_are_no_clips(tmp_path: Path) -> None:
    photo = save(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"photo\.png: expected at least one clip, got pictures only"):
        sample([photo], tmp_path / "out")
    summary = sample([tmp_path / "none.mp4"], tmp_path / "out")
    assert summary.exit_code == 2
    assert "none.mp4: does not exist" in str(summary.outcomes[0].error)
    assert not (tmp_path / "out").exists()


# Whole or not at all -------------------------------------------------------------------------------------------------


def test_nothing_is_replaced_unasked(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    sample([clip], out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(SquareEstimator, "estimate", lambda *_: pytest.fail("the work began"))
    with pytest.raises(OutputError, match="is there already"):
        sample([clip], out)
    (out / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"holds other things .*notes\.txt"):
        sample([clip], out, MOTION.replace(overwrite=True))
    (out / "notes.txt").unlink()
    with pytest.raises(OutputError, match="holds an input"):
        sample([clip], clip.parent, MOTION.replace(overwrite=True))
    other = S["write_clip"](tmp_path / "run.mp4", 3)
    with pytest.raises(OutputError, match=r"holds other things .*walk"):
        sample([other], out, MOTION.replace(overwrite=True))
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_overwriting_leaves_no_old_picture(tmp_path: Path, clip: Path) -> None:
    sample([clip], tmp_path / "out", RunConfig(max_fps=100))
    assert len(files_in(tmp_path / "out")) == 23
    config = RunConfig(max_fps=1, overwrite=True)
    assert sample([clip], tmp_path / "out", config, format_name="jpg").exit_code == 0
    assert files_in(tmp_path / "out") == ["index.csv", "walk.coco.json", "walk.json", "walk_000000.jpg"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, BackendError, SystemExit])
def test_a_clip_that_ends_early_leaves_nothing(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    whole = SquareEstimator._one
    other = S["write_clip"](tmp_path / "run.mp4", 4)

    def fail(self: SquareEstimator, frame: Frame) -> Poses:
        if "walk" in frame.name and frame.index == 12:
            raise error("in the middle")
        return whole(self, frame)

    monkeypatch.setattr(SquareEstimator, "_one", fail)
    if error is BackendError:
        assert sample([other, clip], tmp_path / "out").exit_code == 1
    else:
        with pytest.raises(error):
            sample([other, clip], tmp_path / "out")
    assert {file.split("/")[0] for file in files_in(tmp_path / "out")} == {"run"}  # what was complete stays
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".holopose-")] == []


def test_what_a_killed_call_left_is_cleared_away(tmp_path: Path, clip: Path) -> None:
    left = tmp_path / ".holopose-0123456789abcdef.part"
    left.mkdir()
    (left / "walk_000000.png").touch()
    sample([clip], tmp_path / "out")
    assert not left.exists()


def test_wrong_use(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(ConfigError, match="format: expected one of png, jpg, webp, got 'gif'"):
        sample([clip], tmp_path / "out", format_name="gif")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="expected a folder"):
        sample([clip], tmp_path / "file")
