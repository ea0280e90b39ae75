"""JSON Lines come back as they were written; what a killed run left comes back on request."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.readers import read_jsonl
from holopose.io.results import read_results
from holopose.io.sinks import JsonlSink
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import FrameInfo, Poses

WITHIN = 0.0052


@pytest.fixture
def pairs(people, frame) -> list:
    poses = people(count=3, native=True)
    flags = np.zeros(poses.score.shape, bool)
    flags[2, 7:11] = True
    return [
        (frame(time_s=0.0), poses.replace(raw_xy=poses.xy + 2, swapped=flags)),
        (frame(index=1, time_s=0.5), Poses.empty(WHOLEBODY133)),
        (frame(200, 100, index=4, time_s=0.75, name="b.png"), people(9, 1, native=True)),
    ]


@pytest.fixture
def path(tmp_path, pairs, run_info):
    info = replace(run_info, source={"rate_exact": "30000/1001"}, source_end=lambda: {"damaged": 1})
    sink = JsonlSink(tmp_path / "r.jsonl", info, native=True)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return tmp_path / "r.jsonl"


def check(frames, pairs) -> None:
    assert [info for info, _ in frames] == [frame.info for frame, _ in pairs]
    for (_, read), (_, poses) in zip(frames, pairs, strict=True):
        assert read.allclose(poses, atol=WITHIN)


def test_round_trip(path, pairs, run_info) -> None:
    results = read_results(path)
    check(results.frames, pairs)
    assert results.source == {"name": "photo.jpg", "width": 640, "height": 480, "rate_exact": "30000/1001"}
    assert results.info.source == {"rate_exact": "30000/1001"}
    assert results.info.source_end() == {"damaged": 1}
    assert results.info.cards == run_info.cards
    assert results.lost == ()


def test_a_file_cut_anywhere_is_refused_and_read_up_to_its_last_whole_line_on_request(tmp_path, path, pairs) -> None:
    whole = path.read_bytes()
    head, *lines = whole.splitlines(keepends=True)
    ends = np.cumsum([len(head), *(len(line) for line in lines)])
    cut = tmp_path / "cut.jsonl"
    for length in sorted({*np.linspace(len(head), len(whole) - 1, 23).astype(int), *ends[:-1], ends[1] + 1}):
        cut.write_bytes(whole[:length])
        with pytest.raises(InputError, match="broken off; allow_cut=True") as caught:
            read_jsonl(cut)
        assert str(caught.value).startswith(str(cut))
        results = read_jsonl(cut, allow_cut=True)
        count = int(np.searchsorted(ends[:-1], length, side="right")) - 1
        check(results.frames, pairs[:count])
        assert results.lost == (
            f"The run was broken off: {count} frames are there, how many there should be is not known.",
        )
    cut.write_bytes(whole[: len(head) - 1])
    assert read_jsonl(cut, allow_cut=True).frames == []


def test_what_a_killed_run_left_can_be_read(tmp_path, pairs, run_info) -> None:
    sink = JsonlSink(tmp_path / "r.jsonl", run_info, native=True)
    for frame, poses in pairs:
        sink.write(frame, poses)
    [left] = tmp_path.iterdir()
    check(read_jsonl(left, allow_cut=True).frames, pairs)
    sink.close(ok=False)


def test_a_whole_file_does_not_need_the_flag_to_be_off(path, pairs) -> None:
    results = read_jsonl(path, allow_cut=True)
    check(results.frames, pairs)
    assert results.lost == ()


def test_an_unknown_layout_comes_back_as_described(tmp_path, people, frame, run_info) -> None:
    arm = COCO17.subset([5, 7, 9, 6], "arm")
    sink = JsonlSink(tmp_path / "r.jsonl", run_info)
    sink.write(frame(), people(skeleton=arm))
    sink.close(ok=True)
    results = read_jsonl(tmp_path / "r.jsonl")
    assert (results.skeleton.name, results.skeleton.edges) == ("arm", arm.edges)
    assert "sigmas" in results.lost[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not whole JSON"),
        (b"\x89PNG\r\n\x1a\n", "not whole JSON"),
        (b"\xff\xfe{}\n", "not whole JSON"),
        (b"[1, 2]\n", "JSON of another kind"),
        (b'{"schema": "holopose/result/1"}\n', "got 'holopose/result/1'"),
        (b'{"schema": "holopose/lines/1"}\n', "at holopose: Field required"),
    ],
)
def test_foreign_files_are_refused(tmp_path, content: bytes, said: str) -> None:
    path = tmp_path / "foreign.jsonl"
    path.write_bytes(content)
    for allow_cut in (False, True):
        with pytest.raises(InputError, match=said) as caught:
            read_jsonl(path, allow_cut=allow_cut)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (1, lambda r: r["people"][0]["keypoints"].pop(), "133 keypoints"),
        (1, lambda r: r["people"][0].update(swapped=[133]), "below 133 in swapped"),
        (1, lambda r: r["people"][0]["raw"].pop(), "133 keypoints"),
        (2, lambda r: r.pop("people"), "line 3: .*people"),
        (4, lambda r: r.update(frame_count=9), "expected 9 frames, got 3"),
        (4, lambda r: r.pop("native_skeleton"), "native"),
    ],
)
def test_damage_inside_is_refused(tmp_path, path, number: int, change, said: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[number])
    change(record)
    lines[number] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_jsonl(path)
    assert str(path) in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(InputError, match="expected a holopose result"):
            read_jsonl(path)


def test_frames_carry_their_own_name_and_size(path) -> None:
    assert read_jsonl(path).frames[2][0] == FrameInfo(4, 0.75, "b.png", (200, 100))
