"""TrcSink: marker trajectories as OpenSim reads them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks import TrcSink
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import Boxes, FrameInfo, Poses


@dataclass
class Trc:
    """A file read as OpenSim reads it: a cell ends with a tab, so that only what follows the last tab may be absent."""

    head: dict[str, str]
    markers: list[str]
    frames: list[int]
    time_s: list[float]
    xyz: np.ndarray


def tokens(line: str) -> list[str]:
    cells = line.split("\t")
    return cells if cells[-1] else cells[:-1]


def read(path: Path) -> Trc:
    first, keys, values, names, axes, blank, *rows = path.read_text(encoding="utf-8").split("\n")
    assert tokens(first) == ["PathFileType", "4", "(X/Y/Z)", path.name]
    assert tokens(keys) == [
        *("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"),
        *("OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"),
    ]
    head = dict(zip(tokens(keys), tokens(values), strict=True))
    frame, time, *markers = [token for token in tokens(names) if token]
    assert (frame, time) == ("Frame#", "Time")
    assert [token for token in tokens(axes) if token] == [f"{a}{k + 1}" for k in range(len(markers)) for a in "XYZ"]
    assert tokens(axes)[:2] == ["", ""]
    assert (blank, rows.pop()) == ("", "")
    cells = [tokens(row) for row in rows]
    assert {len(row) for row in cells} == {2 + 3 * len(markers)}
    assert len(rows) == int(head["NumFrames"]) == int(head["OrigNumFrames"])
    assert len(markers) == int(head["NumMarkers"])
    xyz = np.array([[float(cell or "nan") for cell in row[2:]] for row in cells]).reshape(len(rows), -1, 3)
    return Trc(head, markers, [int(row[0]) for row in cells], [float(row[1]) for row in cells], xyz)


def moment(index: int, rate: float = 25.0) -> FrameInfo:
    return FrameInfo(index, index / rate, "clip.mp4", (640, 480))


def someone(*ids: int, x: float = 100.0, world: bool = False) -> Poses:
    xy = np.stack([np.full((17, 2), (x + k, 80.0)) for k in ids]) if ids else np.zeros((0, 17, 2))
    metres = np.tile([0.1, 0.2, 0.3], (len(ids), 17, 1)) if world else None
    score = np.full((len(ids), 17), 0.5)
    xy[:, 3], score[:, 3] = np.nan, 0
    boxes = Boxes(np.tile([0.0, 0, 9, 9], (len(ids), 1)), np.full(len(ids), 0.5))
    return Poses(xy, score, boxes, COCO17, ids=ids, world=metres)


def write(path: Path, info, *pairs, **options) -> TrcSink:
    sink = TrcSink(path, info, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return sink


def test_one_person_is_one_file_with_every_frame(tmp_path, run_info) -> None:
    path = tmp_path / "clip.trc"
    pairs = [(moment(i), someone(5, x=100.0 + i) if i in (2, 3, 6) else someone()) for i in range(9)]
    sink = write(path, run_info, *pairs)
    trc = read(path)
    assert (sink.files, sink.notes) == ((path,), ())
    assert [one.name for one in tmp_path.iterdir()] == ["clip.trc"]
    assert trc.head["DataRate"] == trc.head["CameraRate"] == trc.head["OrigDataRate"] == "25"
    assert (trc.head["Units"], trc.head["OrigDataStartFrame"]) == ("px", "1")
    assert trc.markers == list(COCO17.keypoints)
    assert trc.frames == list(range(1, 10))
    np.testing.assert_allclose(trc.time_s, np.arange(9) / 25, atol=1e-6)
    found = ~np.isnan(trc.xyz[..., 0])
    assert found.any(axis=1).tolist() == [i in (2, 3, 6) for i in range(9)]
    assert not found[:, 3].any()
    np.testing.assert_allclose(trc.xyz[[2, 3, 6], 0], [[105 + i + 2, 399, 0] for i in (0, 1, 4)], atol=0.0051)


def test_metres_are_turned_so_that_y_is_up(tmp_path, run_info) -> None:
    write(tmp_path / "m.trc", run_info, (moment(0), someone()), (moment(1), someone(0, world=True)))
    trc = read(tmp_path / "m.trc")
    assert trc.head["Units"] == "m"
    np.testing.assert_allclose(trc.xyz[1], np.tile([0.1, -0.2, -0.3], (17, 1)), atol=1e-6)
    write(tmp_path / "p.trc", run_info, (moment(1), someone(0, world=True)), world=False)
    assert read(tmp_path / "p.trc").head["Units"] == "px"


def test_the_axes_are_right_handed() -> None:
    from holopose.io.sinks.trc import _markers

    poses = someone(0).replace(world=np.tile(np.eye(3), (1, 6, 1))[:, :17])
    turned = _markers(poses, 480, metres=True)[0, :3]
    assert np.linalg.det(turned) == pytest.approx(1)


def test_further_identities_have_files_of_their_own(tmp_path, run_info) -> None:
    path = tmp_path / "out" / "clip.trc"
    at = {0: (7,), 1: (7, 2), 2: (2,), 3: (), 4: (9, 2), 5: (2, 7)}
    sink = write(path, run_info, *((moment(i), someone(*ids)) for i, ids in at.items()))
    assert {one.name for one in path.parent.iterdir()} == {"clip.trc", "clip.id7.trc", "clip.id9.trc"}
    assert sink.files[-1] == path
    assert set(sink.files) == set(path.parent.iterdir())
    main, seven, nine = (read(path.with_name(name)) for name in ("clip.trc", "clip.id7.trc", "clip.id9.trc"))
    there = {name: (~np.isnan(one.xyz[:, 0, 0])).tolist() for name, one in zip("m79", (main, seven, nine), strict=True)}
    assert there == {
        "m": [False, True, True, False, True, True],
        "7": [True, True, False, False, False, True],
        "9": [True],
    }
    assert (main.frames, seven.frames, nine.frames) == ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [5])
    assert nine.head["OrigDataStartFrame"] == "5"
    np.testing.assert_allclose(main.xyz[[1, 2, 4, 5], 0, 0], 102)
    np.testing.assert_allclose(seven.xyz[[0, 1, 5], 0, 0], 107)
    np.testing.assert_allclose(nine.xyz[:, 0, 0], 109)


def test_people_without_identity_are_left_out_and_counted(tmp_path, run_info) -> None:
    sink = write(tmp_path / "r.trc", run_info, (moment(0), someone(3, -1)), (moment(1), someone(-1)))
    assert sink.notes == (f"{tmp_path / 'r.trc'}: 2 people without an identity are left out",)
    trc = read(tmp_path / "r.trc")
    assert np.isnan(trc.xyz[1]).all()
    with pytest.raises(OutputError, match="nobody has an identity; track people"):
        write(tmp_path / "none.trc", run_info, (moment(0), someone(-1)))
    assert [one.name for one in tmp_path.iterdir()] == ["r.trc"]


def test_a_clip_without_anybody_is_a_file_of_empty_markers(tmp_path, run_info) -> None:
    write(tmp_path / "r.trc", run_info, *((moment(i), someone()) for i in range(3)))
    trc = read(tmp_path / "r.trc")
    assert trc.xyz.shape == (3, 17, 3)
    assert np.isnan(trc.xyz).all()


def test_every_keypoint_has_its_column(tmp_path, people, run_info) -> None:
    poses = people(count=2)
    write(tmp_path / "r.trc", run_info, (moment(0), poses))
    trc = read(tmp_path / "r.trc")
    assert trc.markers == list(WHOLEBODY133.keypoints)
    expected = poses.world[1] * (1, -1, -1)
    np.testing.assert_allclose(trc.xyz[0], expected, atol=5.1e-5)


def test_names_stay_one_cell(tmp_path, run_info) -> None:
    odd = COCO17.subset([0, 1], "odd")
    odd = replace(odd, keypoints=("left\tknee", "a b"))
    poses = Poses(np.zeros((1, 2, 2)), np.ones((1, 2)), Boxes([[0, 0, 1, 1]], [1]), odd, ids=[0])
    path = tmp_path / "a b\tc.trc"
    write(path, run_info, (moment(0), poses))
    assert path.read_text(encoding="utf-8").split("\n")[0].endswith("\ta b c.trc")
    assert tokens(path.read_text(encoding="utf-8").split("\n")[3])[2::3] == ["left_knee", "a_b"]


def test_one_frame_takes_the_rate_of_the_source(tmp_path, run_info) -> None:
    write(tmp_path / "r.trc", replace(run_info, source={"rate": 30000 / 1001}), (moment(0), someone(1)))
    assert read(tmp_path / "r.trc").head["DataRate"] == "29.97002997"


def test_pictures_and_other_layouts_are_refused(tmp_path, people, run_info) -> None:
    sink = TrcSink(tmp_path / "r.trc", run_info)
    with pytest.raises(OutputError, match="expected frames of a clip"):
        sink.write(FrameInfo(0, None, "photo.jpg", (640, 480)), someone(1))
    sink.write(moment(0), someone(1))
    with pytest.raises(OutputError, match="expected keypoints of coco17, got wholebody133"):
        sink.write(moment(1), people())
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_files_of_further_identities_are_not_replaced_unasked(tmp_path, run_info) -> None:
    for name in ("clip.id7.trc", "clip.id8.trc", "clip.idea.trc"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"clip\.id7\.trc: is there already"):
        TrcSink(tmp_path / "clip.trc", run_info)
    TrcSink(tmp_path / "other.trc", run_info)
    pairs = [(moment(i), someone(1, *([7] * (i == 0)))) for i in range(2)]
    sink = write(tmp_path / "clip.trc", run_info, *pairs, overwrite=True)
    assert sink.notes == (f"{tmp_path / 'clip.id8.trc'}: is of an earlier run",)
    assert read(tmp_path / "clip.id7.trc").frames == [1]
    assert (tmp_path / "clip.idea.trc").read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot stand where a file is written")
def test_one_file_that_cannot_be_written_leaves_none(tmp_path, run_info) -> None:
    sink = TrcSink(tmp_path / "clip.trc", run_info)
    for index in range(3):
        sink.write(moment(index), someone(1, *([4, 7] if index else [])))
    (tmp_path / "clip.id7.trc").mkdir()
    with pytest.raises(OutputError, match=r"clip\.id7\.trc.*folder"):
        sink.close(ok=True)
    assert [one.name for one in tmp_path.iterdir()] == ["clip.id7.trc"]
    assert (sink.files, sink.notes) == ((), ())


def test_many_identities_need_few_open_files(tmp_path, run_info) -> None:
    resource = pytest.importorskip("resource")
    sink = TrcSink(tmp_path / "clip.trc", run_info)
    for index in range(120):
        sink.write(moment(index), someone(index))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = os.dup(0)  # whatever else is open in this process lies below
    os.close(highest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, highest + 60), hard))
    try:
        sink.close(ok=True)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(list(tmp_path.iterdir())) == 120
    assert read(tmp_path / "clip.trc").xyz.shape == (120, 17, 3)
