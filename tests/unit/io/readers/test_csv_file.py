"""Long and wide tables come back as they were written; `lost` says what they cannot hold."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from holopose.errors import InputError
from holopose.io.readers import read_csv
from holopose.io.readers.csv_file import layout_of
from holopose.io.results import read_results
from holopose.io.sinks import CsvSink, WideCsvSink
from holopose.skeletons import COCO17, LAYOUTS, WHOLEBODY133, Skeleton
from holopose.types import Boxes, FrameInfo, Poses

WITHIN = 0.0052
BOTH = pytest.mark.parametrize("kind", [CsvSink, WideCsvSink])


def write(sink, *pairs) -> None:
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)


def seen(poses: Poses) -> Poses:
    """What a table can hold: no opinion about keypoints that are missing."""
    return poses.replace(visible=poses.visible & ~np.isnan(poses.xy[..., 0]))


def test_round_trip_of_the_long_table(tmp_path, people, frame, run_info) -> None:
    poses = people(count=3)
    poses = poses.replace(raw_xy=poses.xy + 2, swapped=poses.score > 0.5)
    pairs = [
        (frame(index=2, time_s=0.0, name="a,b.mp4"), Poses.empty(WHOLEBODY133)),
        (frame(index=3, time_s=1001 / 30000), poses),
        (frame(200, 100, index=4), people(9, 1)),
        (frame(index=5), Poses.empty(WHOLEBODY133)),
    ]
    write(CsvSink(tmp_path / "r.csv", run_info, raw=True), *pairs)
    results = read_results(tmp_path / "r.csv")
    assert results.skeleton is WHOLEBODY133
    assert results.source == {"name": "a,b.mp4", "width": 640, "height": 480}
    assert [info for info, _ in results] == [
        FrameInfo(2, 0.0, "a,b.mp4", (640, 480)),
        FrameInfo(3, 0.033367, "photo.jpg", (640, 480)),
        FrameInfo(4, None, "photo.jpg", (200, 100)),
        FrameInfo(5, None, "photo.jpg", (640, 480)),
    ]
    for (_, was), (_, read) in zip(pairs, results, strict=True):
        extent = read.boxes.xyxy
        for row, xy in enumerate(was.xy):
            np.testing.assert_allclose(extent[row], [*np.nanmin(xy, axis=0), *np.nanmax(xy, axis=0)], atol=WITHIN)
        was = was if not len(was) else seen(was).replace(boxes=Boxes(extent, was.boxes.score))  # noqa: PLW2901
        assert read.allclose(was, atol=WITHIN)
    assert len(results.lost) == 4
    assert any("boxes" in sentence for sentence in results.lost)


def test_round_trip_of_the_wide_table(tmp_path, people, frame, run_info) -> None:
    poses = people(count=3)
    poses = poses.replace(raw_xy=poses.xy + 2, world=None, visible=None)
    pairs = [
        (frame(time_s=0.0), Poses.empty(WHOLEBODY133)),
        (frame(index=1, time_s=0.04), poses),
        (frame(200, 100, index=2, name="b.png"), people(9, 1, everything=False)),
    ]
    for options in ({"raw": True}, {"raw": True, "normalized": True}):
        write(WideCsvSink(tmp_path / "r.csv", run_info, overwrite=True, **options), *pairs)
        results = read_csv(tmp_path / "r.csv")
        assert [info for info, _ in results] == [frame.info for frame, _ in pairs]
        assert all(read.allclose(was, atol=WITHIN) for (_, was), (_, read) in zip(pairs, results, strict=True))
    assert any("metres" in sentence for sentence in results.lost)


names = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1), min_size=3, max_size=3)


@BOTH
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    xy=arrays.arrays(np.float32, (2, 3, 2), elements=st.floats(-(2.0**40), 2.0**40, width=32)),
    score=arrays.arrays(np.float32, (2, 3), elements=st.floats(0, 1, width=32)),
    gone=arrays.arrays(np.bool_, (2, 3)),
    ids=st.lists(st.integers(-1, 2**60), min_size=2, max_size=2),
    keypoints=names.filter(lambda all: len(set(all)) == 3),
)
def test_round_trip_of_any_numbers_and_names(tmp_path, run_info, *, kind, xy, score, gone, ids, keypoints) -> None:
    xy[gone], score[gone] = np.nan, 0
    skeleton = Skeleton("odd", tuple(keypoints), (), (0, 1, 2), None, {"body": (0, 1, 2)})
    poses = Poses(xy, score, Boxes([[0, 0, 1, 1]] * 2, [0, 1]), skeleton, ids=ids)
    frames = [(FrameInfo(0, None, "a", (4, 3)), Poses.empty(skeleton)), (FrameInfo(1, 0.5, "a", (4, 3)), poses)]
    write(kind(tmp_path / "r.csv", run_info, overwrite=True), *frames)
    results = read_csv(tmp_path / "r.csv")
    assert results.skeleton.keypoints == skeleton.keypoints
    [(_, empty), (_, read)] = results
    assert len(empty) == 0
    assert (np.isnan(read.xy[..., 0]) == gone).all()
    np.testing.assert_allclose(read.xy, xy, rtol=1e-6, atol=WITHIN)
    np.testing.assert_allclose(read.score, score, atol=5.1e-5)
    assert read.ids.tolist() == ids


@BOTH
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_comes_back_as_itself(tmp_path, people, frame, run_info, *, kind, layout) -> None:
    write(kind(tmp_path / "r.csv", run_info), (frame(), people(skeleton=layout)))
    assert read_csv(tmp_path / "r.csv").skeleton is layout


def test_layouts_are_known_by_names() -> None:
    hand = [WHOLEBODY133.keypoints[k] for k in WHOLEBODY133.parts["left_hand"]]
    skeleton, lost = layout_of(hand)
    assert skeleton.name == "wholebody133/left_hand"
    assert skeleton.edges == WHOLEBODY133.subset(WHOLEBODY133.parts["left_hand"], "x").edges
    assert "21 keypoints" in lost[0]
    skeleton, lost = layout_of(["tail", "left_ear_tip", "right_ear_tip", "paw_left", "paw_right"], ["body"] * 5)
    assert (skeleton.name, skeleton.edges, skeleton.swaps) == ("unknown", (), (0, 2, 1, 4, 3))
    assert "no edges" in lost[0]


def test_a_long_table_without_anybody_does_not_know_its_keypoints(tmp_path, frame, run_info) -> None:
    write(CsvSink(tmp_path / "r.csv", run_info), (frame(), Poses.empty(COCO17)), (frame(index=1), Poses.empty(COCO17)))
    results = read_csv(tmp_path / "r.csv")
    assert [len(poses) for _, poses in results] == [0, 0]
    assert any("nobody" in sentence for sentence in results.lost)
    write(WideCsvSink(tmp_path / "w.csv", run_info), (frame(), Poses.empty(COCO17)))
    assert read_csv(tmp_path / "w.csv").skeleton is COCO17


@BOTH
def test_a_spreadsheet_may_have_added_a_byte_order_mark(tmp_path, people, frame, run_info, kind) -> None:
    path = tmp_path / "r.csv"
    write(kind(path, run_info), (frame(), people()))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_csv(path).frames[0][1].allclose(read_csv(path).frames[0][1])


def test_a_person_without_a_keypoint_has_an_empty_box(tmp_path, run_info) -> None:
    nothing = Poses(np.full((1, 17, 2), np.nan), np.zeros((1, 17)), Boxes([[5, 5, 9, 9]], [0.5]), COCO17)
    write(CsvSink(tmp_path / "r.csv", run_info), (FrameInfo(0, None, "a", (4, 3)), nothing))
    [(_, read)] = read_csv(tmp_path / "r.csv")
    assert read.boxes.xyxy.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "got 0 columns"),
        (b"a;b;c\n1;2;3\n", "got 1 columns: a;b;c"),
        (b"a,b\n1,2\n", "got 2 columns: a, b"),
        (b"\xff\xfea\0,\0", "UTF-8"),
        (b"frame,keypoint,x,y\n", "no column file, time_s"),
        (b"file,box_left\n", "no column frame"),
    ],
)
def test_foreign_files_are_refused(tmp_path, content: bytes, said: str) -> None:
    path = tmp_path / "foreign.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_csv(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def change(path, column: str, value: str, row: int = 5) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    rows[row][rows[0].index(column)] = value
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("x", "left", "expected numbers or empty cells"),
        ("x", "inf", "32-bit number"),
        ("x", "1e300", "32-bit number"),
        ("x", "", "NaN"),
        ("score", "1.5", r"\[0, 1\]"),
        ("person", "7", "rows are missing"),
        ("keypoint_index", "9", "rows are missing"),
        ("keypoint", "nose", "in one order"),
        ("frame", "x", "expected numbers for frame"),
        ("frame", "-3", "a frame from 0 on"),
        ("width", "0", "at least 1x1"),
        ("frame", "2", "rows are missing|together"),
    ],
)
def test_damage_inside_is_refused(tmp_path, frame, run_info, *, column: str, value: str, said: str) -> None:
    path = tmp_path / "r.csv"
    poses = Poses(np.ones((2, 17, 2)), np.ones((2, 17)), Boxes([[0, 0, 1, 1]] * 2, [1, 1]), COCO17)
    write(CsvSink(path, run_info), (frame(), poses), (frame(index=1), poses))
    change(path, column, value)
    with pytest.raises(InputError, match=said) as caught:
        read_csv(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("nose_x", "left", "expected numbers or empty cells"),
        ("person", "4", "rows are missing"),
        ("id", "one", "whole numbers"),
        ("id", "9" * 30, "whole numbers"),
        ("person_score", "", "score"),
        ("box_left", "900", "left <= right"),
        ("box_left", "", "finite"),
        ("frame", "1", "rows are missing|together"),
    ],
)
def test_damage_inside_a_wide_table_is_refused(
    tmp_path, frame, run_info, *, column: str, value: str, said: str
) -> None:
    path = tmp_path / "r.csv"
    poses = Poses(np.ones((2, 17, 2)), np.ones((2, 17)), Boxes([[0, 0, 1, 1]] * 2, [1, 1]), COCO17)
    write(WideCsvSink(path, run_info), (frame(), poses), (frame(index=1), poses))
    change(path, column, value, row=2)
    with pytest.raises(InputError, match=said):
        read_csv(path)


@BOTH
def test_a_table_cut_inside_a_row_or_a_person_is_refused(tmp_path, people, frame, run_info, kind) -> None:
    path = tmp_path / "r.csv"
    write(kind(path, run_info), (frame(), people()))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 300])
    with pytest.raises(InputError, match=r"cut or damaged|rows are missing"):
        read_csv(path)
    header = whole.splitlines(keepends=True)[0]
    path.write_bytes(header)
    with pytest.raises(InputError, match="at least one frame"):
        read_csv(path)


def test_moved_columns_of_a_wide_table_are_refused(tmp_path, people, frame, run_info) -> None:
    path = tmp_path / "r.csv"
    write(WideCsvSink(path, run_info), (frame(), people()))
    path.write_text(
        path.read_text(encoding="utf-8").replace("nose_y,nose_score", "nose_score,nose_y", 1), encoding="utf-8"
    )
    with pytest.raises(InputError, match="some are missing or were moved"):
        read_csv(path)


def test_what_is_read_can_be_written_again(tmp_path, people, frame, run_info) -> None:
    write(CsvSink(tmp_path / "a.csv", run_info), (frame(time_s=0.0), seen(people())))
    results = read_csv(tmp_path / "a.csv")
    write(CsvSink(tmp_path / "b.csv", replace(results.info, source=results.info.source)), *results)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
