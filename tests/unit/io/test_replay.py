"""Stored results find the frames they were made from, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.io.replay import replay
from holopose.io.results import UNKNOWN_RUN, Results
from holopose.skeletons import COCO17
from holopose.types import Boxes, Frame, FrameInfo, Poses


def poses(number: int) -> Poses:
    """Somebody whose place tells which record this is."""
    xy = np.full((1, 17, 2), number, np.float32)
    return Poses(xy, np.ones((1, 17)), Boxes([[0, 0, 1, 1]], [1]), COCO17)


def stored(*frames: tuple[int, str], size_wh: tuple[int, int] = (8, 6)) -> Results:
    """Results of (index, name) with time where there is no name."""
    pairs = [
        (FrameInfo(index, None if name else index / 25, name or "clip.mp4", size_wh), poses(number))
        for number, (index, name) in enumerate(frames)
    ]
    return Results(UNKNOWN_RUN, {}, COCO17, pairs)


class Shown:
    """A source of small frames; notes how many were asked for."""

    end_info: Mapping[str, object] = {}

    def __init__(
        self, frames: Sequence[tuple[int, str]], kind: str = "video", size_wh: tuple[int, int] = (8, 6)
    ) -> None:
        names = {"name": "clip.mp4"} if kind == "video" else {}
        self.info: Mapping[str, Any] = {"kind": kind, "count": len(frames), **names}
        self.read = 0
        self._frames, self._size_wh = frames, size_wh

    def __iter__(self) -> Iterator[Frame]:
        for index, name in self._frames:
            self.read += 1
            time_s = index / 25 if self.info["kind"] == "video" else None
            yield Frame(np.zeros((*self._size_wh[::-1], 3), np.uint8), index=index, time_s=time_s, name=name)

    def close(self) -> None:
        pass


def clip(count: int, **options: Any) -> Shown:
    return Shown([(index, "clip.mp4") for index in range(count)], **options)


def matched(results: Results, source: Shown) -> list[tuple[int, int]]:
    """Index of each frame, and number of the record that it got."""
    return [(frame.index, int(one.xy[0, 0, 0])) for frame, one in replay(results, source, name="r.json")]


def test_every_frame_of_a_clip_gets_its_own() -> None:
    assert matched(stored(*((n, "") for n in range(5))), clip(5)) == [(n, n) for n in range(5)]


@given(st.lists(st.integers(0, 30), unique=True, min_size=1))
def test_only_stored_frames_are_shown_and_no_more_is_read(indices: list[int]) -> None:
    source = clip(31)
    place = {index: number for number, index in enumerate(indices)}
    assert matched(stored(*((n, "") for n in indices)), source) == [(n, place[n]) for n in sorted(indices)]
    assert source.read == max(indices) + 1


@pytest.mark.parametrize(
    ("names", "shown", "pairs"),
    [
        (["a.jpg", "b.jpg"], ["b.jpg", "a.jpg"], [(0, 1), (1, 0)]),
        (["in/a.jpg", "in/b.jpg"], ["/photos/a.jpg", "/photos/b.jpg"], [(0, 0), (1, 1)]),
        (["x/a.jpg", "y/a.jpg"], ["y/a.jpg", "x/a.jpg"], [(0, 1), (1, 0)]),
        (["a", "b"], ["in/b.png", "in/a.jpg"], [(0, 1), (1, 0)]),  # forms that drop the ending
        (["a.jpg", "a.png"], ["q/a.png", "q/a.jpg"], [(0, 1), (1, 0)]),
        (["d\\a.jpg", "d\\b.jpg"], ["d/b.jpg", "d/c.jpg", "d/a.jpg"], [(0, 1), (2, 0)]),
        (["old name.jpg"], ["renamed.png"], [(0, 0)]),
    ],
)
def test_pictures_are_found_by_name(names: list[str], shown: list[str], pairs: list[tuple[int, int]]) -> None:
    results = stored(*((0, name) for name in names))
    assert matched(results, Shown(list(enumerate(shown)), kind="images")) == pairs


def test_names_that_several_have_are_not_guessed() -> None:
    results = stored((0, "x/a.jpg"), (1, "y/a.jpg"))
    with pytest.raises(InputError, match=r"2 of them \(such as x/a\.jpg\) are not in the pictures"):
        matched(results, Shown([(0, "z/a.jpg"), (1, "z/b.jpg")], kind="images"))


def test_a_clip_that_is_too_short() -> None:
    results = stored(*((n, "") for n in range(8)))
    with pytest.raises(InputError, match=r"^r\.json: holds 8 frames, but 3 of them \(such as frame 5\) .* clip\.mp4"):
        matched(results, clip(5))


def test_another_size() -> None:
    with pytest.raises(InputError, match=r"^r\.json: frame 0 was 8x6, but clip\.mp4 is 6x8; "):
        matched(stored((0, "")), clip(3, size_wh=(6, 8)))


def test_forms_that_do_not_say_the_size() -> None:
    assert matched(stored((0, ""), size_wh=(0, 0)), clip(3, size_wh=(6, 8))) == [(0, 0)]


def test_a_frame_twice_is_no_clip() -> None:
    with pytest.raises(InputError, match="holds a frame twice"):
        matched(stored((0, "a.jpg"), (0, "b.jpg")), clip(3))


def test_results_without_frames() -> None:
    source = clip(3)
    with pytest.raises(InputError, match=r"^r\.json: holds no frame"):
        matched(stored(), source)
    assert source.read == 0


@pytest.mark.parametrize(("shift_s", "fits"), [(0.0, True), (0.08, True), (0.12, False), (-0.2, False)])
def test_another_clip_of_the_same_size_shows_in_its_times(shift_s: float, fits: bool) -> None:
    pairs = [(FrameInfo(n, n / 25 + shift_s * (n > 2), "", (8, 6)), poses(n)) for n in range(5)]
    results = Results(UNKNOWN_RUN, {}, COCO17, pairs)
    if fits:
        assert len(matched(results, clip(5))) == 5
    else:
        with pytest.raises(InputError, match=r"^r\.json: frame 3 was at .* s, but in clip\.mp4 it is at 0\.120 s; "):
            matched(results, clip(5))


def test_results_without_times_fit_any() -> None:
    results = Results(UNKNOWN_RUN, {}, COCO17, [(FrameInfo(3, None, "", (8, 6)), poses(0))])
    assert matched(results, clip(5)) == [(3, 0)]
