"""Records: rounding, holes and normalised coordinates."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.io.records import (
    describe_run,
    describe_skeleton,
    describe_source,
    describe_track,
    frame_record,
    normalize,
    plain_name,
    rounded,
)
from holopose.ops.tracks import Track
from holopose.skeletons import COCO17, LAYOUTS, WHOLEBODY133
from holopose.types import Boxes, Frame, Poses


@given(st.floats(-1e9, 1e9, allow_nan=False), st.integers(0, 6))
def test_rounding_is_near_and_never_negative_zero(value: float, digits: int) -> None:
    [short] = rounded(np.array([value]), digits).tolist()
    assert abs(short - value) <= 0.5 * 10**-digits + 1e-6
    assert short != 0 or math.copysign(1, short) == 1
    assert len(repr(short).split(".")[-1]) <= max(digits, 1) or "e" in repr(short)


def test_normalised_coordinates_are_fractions_of_the_picture_from_border_to_border() -> None:
    corners = np.array([[-0.5, -0.5], [639.5, 479.5], [0, 0], [319.5, 239.5]])
    expected = [[0, 0], [1, 1], [0.5 / 640, 0.5 / 480], [0.5, 0.5]]
    np.testing.assert_allclose(normalize(corners, (640, 480)), expected)


def test_names_that_are_no_unicode_become_text() -> None:
    assert plain_name("照片 é.jpg") == "照片 é.jpg"
    odd = plain_name(b"a\xff.jpg".decode("utf-8", "surrogateescape"))
    assert odd == "a\\udcff.jpg"
    odd.encode("utf-8")


def test_a_run_is_described_in_plain_words(run_info) -> None:
    told = json.loads(json.dumps(describe_run(run_info)))
    assert told["model"]["cards"][0] == {"name": "pose-landmark-full", "sha256": "e9" * 32}
    assert told["model"]["options"]["draw_parts"] == ["body", "face"]
    assert told["runtime"] == {"name": "openvino", "version": "2026.4.1", "device": "CPU", "precision": "f32"}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_is_described_in_full(layout) -> None:
    told = json.loads(json.dumps(describe_skeleton(layout)))
    assert told["keypoints"] == list(layout.keypoints)
    assert [tuple(edge) for edge in told["edges"]] == list(layout.edges)
    assert tuple(told["swaps"]) == layout.swaps
    assert {part: tuple(members) for part, members in told["parts"].items()} == dict(layout.parts)


def test_a_record_says_what_the_poses_say(people, frame) -> None:
    poses = people(count=3, native=True)
    record = frame_record(frame(index=7, time_s=1.23456789), poses, native=True, normalized=True)
    assert (record["frame"], record["time_s"]) == (7, 1.234568)
    assert [person["id"] for person in record["people"]] == [None, 0, 1]
    for row, person in enumerate(record["people"]):
        np.testing.assert_allclose(person["box"], poses.boxes.xyxy[row], atol=0.0051)
        assert person["score"] == pytest.approx(float(poses.boxes.score[row]), abs=5.1e-5)
        assert person["native"]["skeleton"] == "blazepose33"
        for own, told in ((poses, person), (poses.native, person["native"])):
            assert len(told["keypoints"]) == len(told["visible"]) == len(told["world"]) == len(own.skeleton)
            for k, point in enumerate(told["keypoints"]):
                assert (point is None) == bool(np.isnan(own.xy[row, k, 0]))
                if point is not None:
                    np.testing.assert_allclose(point[:2], own.xy[row, k], atol=0.0051)
                    assert point[2] == pytest.approx(float(own.score[row, k]), abs=5.1e-5)
                assert told["visible"][k] == own.visible[row, k]
        k = next(k for k, point in enumerate(person["keypoints"]) if point is not None)
        x, y, _ = person["keypoints"][k]
        np.testing.assert_allclose(person["keypoints_normalized"][k], [(x + 0.5) / 640, (y + 0.5) / 480], atol=2e-5)
        holes = [point is None for point in person["keypoints"]]
        assert holes == [point is None for point in person["keypoints_normalized"]]


def test_what_is_not_asked_for_is_not_there(people, frame) -> None:
    [person, _] = frame_record(frame(), people(native=True), world=False)["people"]
    assert set(person) == {"id", "box", "score", "keypoints", "visible"}
    [person, _] = frame_record(frame(), people(everything=False), native=True)["people"]
    assert set(person) == {"id", "box", "score", "keypoints"}


def test_raw_coordinates_and_swaps_are_there_when_the_poses_have_them(people, frame) -> None:
    poses = people(count=3, everything=False)
    raw = poses.xy + 1.5
    swapped = np.zeros(poses.score.shape, bool)
    swapped[1, [9, 10]] = True
    records = frame_record(frame(), poses.replace(raw_xy=raw, swapped=swapped))["people"]
    assert [person.get("swapped") for person in records] == [None, [9, 10], None]
    for row, person in enumerate(records):
        assert [point is None for point in person["raw"]] == np.isnan(raw[row, :, 0]).tolist()
        told = np.array([point for point in person["raw"] if point is not None])
        np.testing.assert_allclose(told, raw[row][~np.isnan(raw[row, :, 0])], atol=0.0052)


def test_a_source_is_what_the_frames_say_and_then_what_the_run_says(frame, run_info) -> None:
    info = replace(run_info, source={"kind": "video", "rate_exact": "30000/1001", "rate": 30000 / 1001, "width": 9})
    assert list(describe_source(frame(320, 200, name="照片 \udcff.mp4"), info).items()) == [
        *(("name", "照片 \\udcff.mp4"), ("width", 320), ("height", 200)),
        *(("kind", "video"), ("rate_exact", "30000/1001"), ("rate", 30000 / 1001)),
    ]


def test_a_track_is_told_in_rounded_numbers() -> None:
    told = describe_track(Track(7, 3, 90, 0.1234567, 3.6, 80, 0.876543))
    assert told == {
        **{"id": 7, "first_frame": 3, "last_frame": 90, "first_time_s": 0.123457, "last_time_s": 3.6},
        **{"frames": 80, "quality": 0.8765},
    }
    assert describe_track(Track(7, 0, 0, None, None, 1, 1.0))["first_time_s"] is None


def test_a_low_score_keeps_its_place(frame) -> None:
    xy = np.full((1, 17, 2), 33.333)
    poses = Poses(xy, np.zeros((1, 17)), Boxes([[0, 0, 9, 9]], [0]), COCO17)
    [person] = frame_record(frame(), poses)["people"]
    assert person["keypoints"] == [[33.33, 33.33, 0.0]] * 17


def test_nobody_is_an_empty_list() -> None:
    record = frame_record(Frame(np.zeros((2, 2, 3), np.uint8)), Poses.empty(WHOLEBODY133), native=True, normalized=True)
    assert record == {"frame": 0, "time_s": None, "people": []}
