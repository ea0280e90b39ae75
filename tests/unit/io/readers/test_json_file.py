"""Results come back as they were written; damaged and foreign files are refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from holopose.errors import InputError
from holopose.io.readers import json_file, read_document, read_json
from holopose.io.sinks import JsonSink
from holopose.skeletons import COCO17, LAYOUTS, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, FrameInfo, Poses

WITHIN = 0.0052  # half of the last decimal place of a pixel, and float32


def write(path, info, *pairs, **options) -> None:
    sink = JsonSink(path, info, overwrite=True, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)


@pytest.mark.parametrize(("everything", "native"), [(True, True), (True, False), (False, True), (False, False)])
def test_round_trip(tmp_path, people, frame, run_info, *, everything: bool, native: bool) -> None:
    path = tmp_path / "r.json"
    pairs = [
        (frame(), people(count=3, everything=everything, native=native)),
        (frame(index=1, time_s=0.5), Poses.empty(WHOLEBODY133)),
        (frame(200, 100, index=4, time_s=0.75, name="b.png"), people(9, 1, everything=everything, native=native)),
    ]
    write(path, run_info, *pairs, native=True)
    back = read_json(path)
    assert [info for info, _ in back] == [
        FrameInfo(0, None, "photo.jpg", (640, 480)),
        FrameInfo(1, 0.5, "photo.jpg", (640, 480)),
        FrameInfo(4, 0.75, "b.png", (200, 100)),
    ]
    for (_, poses), (_, read) in zip(pairs, back, strict=True):
        assert read.skeleton is WHOLEBODY133
        assert read.allclose(poses, atol=WITHIN)
        if poses.world is not None:
            np.testing.assert_allclose(read.world, poses.world, atol=5.1e-5)
        np.testing.assert_allclose(read.score, poses.score, atol=5.1e-5)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    xy=arrays.arrays(np.float32, (2, 17, 2), elements=st.floats(-(2.0**40), 2.0**40, width=32)),
    score=arrays.arrays(np.float32, (2, 17), elements=st.floats(0, 1, width=32)),
    gone=arrays.arrays(np.bool_, (2, 17)),
)
def test_round_trip_of_any_numbers(tmp_path, run_info, xy, score, gone) -> None:
    xy[gone], score[gone] = np.nan, 0
    poses = Poses(xy, score, Boxes([[0, 0, 1, 1]] * 2, [0, 1]), COCO17)
    write(tmp_path / "any.json", run_info, (Frame(np.zeros((3, 4, 3), np.uint8)), poses))
    [(_, read)] = read_json(tmp_path / "any.json")
    assert (np.isnan(read.xy[..., 0]) == gone).all()
    np.testing.assert_allclose(read.xy, xy, rtol=1e-6, atol=WITHIN)
    np.testing.assert_allclose(read.score, score, atol=5.1e-5)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_comes_back_as_itself(tmp_path, people, frame, run_info, layout) -> None:
    write(tmp_path / "r.json", run_info, (frame(), people(skeleton=layout)))
    [(_, read)] = read_json(tmp_path / "r.json")
    assert read.skeleton is layout


def test_raw_and_swapped_keypoints_come_back(tmp_path, people, frame, run_info) -> None:
    poses = people(count=3)
    flags = np.zeros(poses.score.shape, bool)
    flags[1, [5, 6]] = True
    kept = poses.replace(raw_xy=np.where(np.isnan(poses.xy), 7, poses.xy + 2), swapped=flags)
    unflagged = poses.replace(swapped=np.zeros_like(flags))
    write(tmp_path / "r.json", run_info, (frame(), kept), (frame(index=1), unflagged))
    [(_, read), (_, without)] = read_json(tmp_path / "r.json")
    assert read.allclose(kept, atol=WITHIN)
    assert without.allclose(poses, atol=WITHIN)


def test_facts_of_the_run_and_the_clip_come_back(tmp_path, people, frame, run_info) -> None:
    info = replace(run_info, source={"rate_exact": "30000/1001", "rate": 29.97}, source_end=lambda: {"damaged": 3})
    write(tmp_path / "r.json", info, (frame(), people()))
    results = read_json(tmp_path / "r.json")
    assert results.source["rate_exact"] == "30000/1001"
    assert dict(results.info.source) == dict(info.source)
    assert results.info.source_end() == {"damaged": 3}
    write(tmp_path / "again.json", results.info, *results)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "r.json").read_bytes()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2, unique=True),
    ids=st.lists(st.integers(-1, 2**60), max_size=3),
    name=st.text(st.characters(codec="utf-8")),
)
def test_any_names_and_ids_come_back(tmp_path, run_info, names, ids, name) -> None:
    skeleton = Skeleton(name, tuple(names), ((0, 1),), (1, 0), None, {"body": (0, 1)})
    count = len(ids)
    boxes = Boxes(np.tile([0.0, 0, 9, 9], (count, 1)), np.full(count, 0.5))
    poses = Poses(np.ones((count, 2, 2)), np.ones((count, 2)), boxes, skeleton, ids=ids)
    where = FrameInfo(3, 0.5, name, (9, 9))
    write(tmp_path / "any.json", run_info, (where, poses))
    results = read_json(tmp_path / "any.json")
    assert results.skeleton == skeleton
    [(info, read)] = results
    assert info == where
    assert read.allclose(poses)


def test_an_unknown_layout_comes_back_as_described(tmp_path, people, frame, run_info) -> None:
    arm = COCO17.subset([5, 7, 9, 6], "arm")
    write(tmp_path / "r.json", run_info, (frame(), people(skeleton=arm)))
    [(_, read)] = read_json(tmp_path / "r.json")
    for field in ("name", "keypoints", "edges", "swaps", "parts"):
        assert getattr(read.skeleton, field) == getattr(arm, field)
    assert read["left_elbow"].shape == (2, 3)


def test_the_document_tells_how_it_was_made(tmp_path, people, frame, run_info) -> None:
    write(tmp_path / "r.json", run_info, (frame(), people()))
    document = read_document(tmp_path / "r.json")
    assert document.model.name == "blaze"
    assert document.model.cards[0].sha256 == "e9" * 32
    assert document.runtime.device == "CPU"
    assert document.holopose == run_info.version


@pytest.fixture
def good(tmp_path, people, frame, run_info) -> dict:
    write(tmp_path / "good.json", run_info, (frame(), people(native=True)), native=True)
    return json.loads((tmp_path / "good.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not whole JSON"),
        (b"\x89PNG\r\n\x1a\n", "not whole JSON"),
        (b"\xff\xfe{}", "not whole JSON"),
        (b"[1, 2]", "JSON of another kind"),
        (b"3", "JSON of another kind"),
        (b'{"people": []}', "JSON of another kind"),
        (b'{"schema": "holopose/result/9"}', "got 'holopose/result/9'"),
        (b'{"schema": "holopose/result/1"}', "at holopose: Field required"),
        (b"[" * 100_000, "not whole JSON"),
    ],
)
def test_foreign_files_are_refused(tmp_path, content: bytes, said: str) -> None:
    path = tmp_path / "foreign.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_json(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="expected a holopose result"):
            read_json(path)


def test_a_file_cut_short_anywhere_is_refused(tmp_path, good: dict) -> None:
    whole = (tmp_path / "good.json").read_bytes()
    cut = tmp_path / "cut.json"
    for length in np.linspace(0, len(whole) - 3, 40).astype(int):
        cut.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_json(cut)


def _native_gone(d: dict) -> None:
    del d["native_skeleton"]


def _native_of_one(d: dict) -> None:
    del d["frames"][0]["people"][0]["native"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda d: d["frames"].pop(), "expected 1 frames, got 0"),
        (lambda d: d["frames"][0]["people"][0]["keypoints"].pop(), "expected 133 keypoints"),
        (lambda d: d["frames"][0]["people"][0]["visible"].pop(), "visible"),
        (lambda d: d["frames"][0]["people"][0]["world"].pop(), "133"),
        (lambda d: d["frames"][0]["people"][0].update(box=[9, 9, 1, 1]), "left <= right"),
        (lambda d: d["frames"][0]["people"][0].update(box=[0, 0, 1e300, 1]), "32-bit number"),
        (lambda d: d["skeleton"]["keypoints"].pop(), "skeleton|swaps|edge"),
        (lambda d: d["skeleton"].update(name="mine", edges=[[0, 500]]), "edge"),
        (lambda d: d["skeleton"].update(name="mine", swaps=[700] * 133), "swaps"),
        (lambda d: d["skeleton"].update(name="mine", parts={"tail": [0]}), "parts"),
        (_native_gone, "native"),
        (_native_of_one, "native"),
    ],
)
def test_damage_inside_is_refused(tmp_path, good: dict, damage, said: str) -> None:
    damage(good)
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(good), encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_json(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_that_was_laid_out_anew_reads_the_same(tmp_path, people, frame, run_info, indent: int | None) -> None:
    pairs = [
        (frame(index=i, time_s=i / 8), people(i, i, native=True) if i else Poses.empty(WHOLEBODY133)) for i in range(4)
    ]
    write(tmp_path / "r.json", run_info, *pairs, native=True)
    own = read_json(tmp_path / "r.json")
    document = json.loads((tmp_path / "r.json").read_bytes())
    (tmp_path / "anew.json").write_text(json.dumps(document, indent=indent, sort_keys=True), encoding="utf-8")
    anew = read_json(tmp_path / "anew.json")
    assert (anew.source, anew.skeleton, anew.lost) == (own.source, own.skeleton, own.lost)
    assert [info for info, _ in anew] == [info for info, _ in own]
    assert all(a.allclose(b, atol=0) for (_, a), (_, b) in zip(anew, own, strict=True))


def test_a_file_as_it_was_written_is_never_taken_in_as_a_whole(tmp_path, people, frame, run_info, monkeypatch) -> None:
    write(tmp_path / "r.json", run_info, *((frame(index=i), people(i)) for i in range(5)))
    monkeypatch.setattr(json_file, "read_document", lambda path: pytest.fail(f"{path} was read as a whole"))
    assert len(read_json(tmp_path / "r.json")) == 5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"people":[{', b'"people":[{]', "not whole JSON"),
        (b'"people":', b'"persons":', "people: Field required"),
        (b'{"frame":1,', b'{"frame":-1,', "greater than or equal to 0"),
        (b'\n{"frame":1,', b'\n["frame",1,', "not whole JSON"),
        (b'"frame_count": 3', b'"frame_count": 4', "expected 4 frames, got 3"),
        (b'\n{"frame":1,', b'\n\n{"frame":1,', ""),
    ],
)
def test_damage_of_a_line_is_refused(tmp_path, people, frame, run_info, *, old: bytes, new: bytes, said: str) -> None:
    path = tmp_path / "r.json"
    write(path, run_info, *((frame(index=i), people(i)) for i in range(3)))
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    if said:
        with pytest.raises(InputError, match=said) as caught:
            read_json(path)
        assert str(path) in str(caught.value)
    else:
        assert len(read_json(path)) == 3  # an empty line more is still JSON
