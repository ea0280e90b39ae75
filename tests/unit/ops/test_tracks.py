"""TrackLog: spans, counts and quality of identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.tracks import Track, TrackLog


def log_of(*frames: tuple[int, float | None, list[int], list[float]]) -> TrackLog:
    log = TrackLog()
    for index, time_s, ids, scores in frames:
        log.add(index, time_s, np.array(ids, np.int64), np.array(scores, np.float32))
    return log


def test_an_identity_has_a_span_a_count_and_a_quality() -> None:
    log = log_of(
        (10, 0.40, [3], [1.0]),
        (12, 0.48, [3, 5], [0.5, 0.25]),
        (14, 0.56, [], []),
        (16, 0.64, [-1, 3], [0.9, 0.75]),
    )
    assert log.tracks() == [Track(3, 10, 16, 0.40, 0.64, 3, 0.75 * 0.75), Track(5, 12, 12, 0.48, 0.48, 1, 0.25)]


def test_nobody_and_people_without_identity_are_no_tracks() -> None:
    log = TrackLog()
    log.add(0, None, None, np.ones(2, np.float32))
    log.add(1, None, np.array([-1]), np.ones(1, np.float32))
    log.add(2, None, np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert log.tracks() == []


def test_two_people_of_one_id_count_once() -> None:
    log = log_of((0, 0.0, [1, 1], [0.6, 0.2]), (1, 0.1, [1, 1], [0.8, 0.2]))
    [track] = log.tracks()
    assert track.frames == 2
    assert track.quality == pytest.approx(0.7)


@given(st.lists(st.dictionaries(st.integers(-1, 5), st.floats(0, 1, width=32), max_size=4), max_size=30))
def test_the_log_agrees_with_looking_at_everything(frames: list[dict[int, float]]) -> None:
    log = log_of(*((i, i / 10, list(people), list(people.values())) for i, people in enumerate(frames)))
    expected = {}
    for identity in {key for people in frames for key in people if key >= 0}:
        found = [i for i, people in enumerate(frames) if identity in people]
        mean = float(np.mean([frames[i][identity] for i in found]))
        expected[identity] = (found[0], found[-1], len(found), len(found) / (found[-1] - found[0] + 1) * mean)
    tracks = log.tracks()
    assert [track.id for track in tracks] == sorted(expected)
    for track in tracks:
        first, last, count, quality = expected[track.id]
        assert (track.first_frame, track.last_frame, track.frames) == (first, last, count)
        assert track.quality == pytest.approx(quality)
        assert 0 <= track.quality <= 1
