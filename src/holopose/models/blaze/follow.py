"""Owns BlazeFollower: in clips each person is followed from frame to frame, and searched for only now and then.

The ROI of the next frame is made of this frame's landmarks, as MediaPipe does it, for everybody instead of one person,
so that a frame costs what its people cost. The whole picture is searched in the first frame and every `detect_every_s`,
leaving out those who are followed; somebody lost to sight is looked for where they should be.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.models.blaze.hands import Hand, move_hand
from holopose.models.blaze.landmarks import BodyLandmarks
from holopose.models.blaze.search import GHOST, is_same_person
from holopose.models.blaze.steady import BodyFilter
from holopose.models.blaze.wholebody import Person
from holopose.ops.crops import Pyramid
from holopose.skeletons import Skeleton
from holopose.types import Frame, Poses

__all__ = ["BlazeFollower"]

Floats = npt.NDArray[np.float64]

_NOMINAL_RATE = 30.0  # of frames that carry no time, as MediaPipe takes it
_LOST = 0.40  # quality under which somebody is lost at once
_DOUBT_S = 0.5  # how long somebody may look like a ghost before being let go
_LOOK_AGAIN_S = 0.1  # how often somebody lost is looked for where they should be
_NOBODY_EVERY_S = 0.2  # how often everybody is looked for where nobody is known
_FULL_EVERY = 3  # searches in a row that found nobody; one of them looks for small people too
_MISSED_S = 1.0  # for how long
_STALE_S = 1.0  # after such a pause in time nobody is where they were
_TICK_S = 1e-6  # times are sums of rounded steps
_PATIENCE_S = 0.1  # between looks at a face or hand that was not clearly seen
_CLEAR_HAND = 0.5  # presence of a hand that is looked at in every frame


@dataclass(slots=True, eq=False)
class _Parts:
    """Face and hands of somebody followed: as seen last, and when each was looked at. Belongs to `_complete` alone."""

    person: Person | None = None
    looked_s: dict[str, float] = field(default_factory=dict)

    def is_due(self, part: str, time_s: float, *, clear: bool) -> bool:
        """Whether a part is to be looked at: always while it is clearly seen, else ten times a second."""
        due = clear or time_s - self.looked_s.get(part, -np.inf) >= _PATIENCE_S - _TICK_S
        if due:
            self.looked_s[part] = time_s
        return due


@dataclass(slots=True, eq=False)
class _Followed:
    """One person: as seen last, and how they move."""

    body: BodyLandmarks
    filter: BodyFilter
    time_s: float
    speed_px_s: Floats
    doubted_since_s: float | None = None
    parts: _Parts = field(default_factory=_Parts)

    def advance(self, body: BodyLandmarks, time_s: float) -> None:
        """Take what was seen in the next frame."""
        elapsed_s = time_s - self.time_s
        if elapsed_s > _TICK_S:
            self.speed_px_s = 0.5 * self.speed_px_s + 0.5 * (body.xy[33] - self.body.xy[33]) / elapsed_s
        self.body, self.time_s = body, time_s

    def expected(self, time_s: float) -> Floats:
        """Where the middle of the hips should be, (2,) px."""
        return np.asarray(self.body.xy[33] + self.speed_px_s * min(time_s - self.time_s, 0.3), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One person in one frame, for looks at their parts."""

    pyramid: Pyramid
    body: BodyLandmarks
    time_s: float


Sighting = tuple[_Followed | None, BodyLandmarks]
"""Somebody in this frame, None for a newcomer, and what the landmark network says of them."""


class BlazeFollower:
    """Whole-body poses of everybody in a clip; belongs to one clip at a time.

    Bodies of a frame are inferred together. Given several frames at once, a thread looks at faces and hands of one
    while the bodies of the next are found: they do not depend on each other.

    Args:
        estimator: Searches pictures; its options hold here too. Search ``whole`` follows one person by MediaPipe's own
            rules.
        detect_every_s: Seconds between searches for newcomers; 0 = in every frame.
        smooth_body: Smooth body landmarks with MediaPipe's filters before hands and face are looked for.

    Raises:
        ConfigError: an option has no meaning.
    """

    batch = 4
    """How many frames at once make good use of two processors."""

    def __init__(self, estimator: BlazeEstimator, *, detect_every_s: float = 0.5, smooth_body: bool = False) -> None:
        if not detect_every_s >= 0:
            raise ConfigError(f"detect_every_s: expected 0 or more, got {detect_every_s}")
        self._estimator = estimator
        self._whole = estimator.search == "whole"
        self._detect_every_s = detect_every_s
        self._smooth_body = smooth_body
        self._worker: ThreadPoolExecutor | None = None
        self._busy = threading.RLock()
        self.info: Mapping[str, Any] = estimator.info
        self.timings: dict[str, float] = {}
        self.reset()

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._estimator.skeleton

    def reset(self) -> None:
        """Forget everybody: the next frame belongs to another clip. Waits for another thread's frames of the last."""
        with self._busy:
            self._followed: list[_Followed] = []
            self._missed: list[_Followed] = []
            self._time_s = -np.inf
            self._searched_s = -np.inf
            self._fruitless = 0
            self._looked_again_s = -np.inf

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame; frames come in the order of the clip. People keep their place while followed.

        `timings` then holds the seconds of each stage; ``parts`` run beside the others.
        """
        with self._busy:
            self.timings = dict.fromkeys(("follow", "search", "parts"), 0.0)
            if len(frames) == 1:
                return [self._complete(*self._find(frames[0]))]
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="holopose-parts")
            jobs = [self._worker.submit(self._complete, *self._find(frame)) for frame in frames]
            return [job.result() for job in jobs]

    def _find(self, frame: Frame) -> tuple[Frame, float, Pyramid, list[tuple[_Parts, BodyLandmarks]]]:
        """The bodies of everybody in a frame, and what `_complete` needs beside them."""
        time_s = frame.index / _NOMINAL_RATE if frame.time_s is None else frame.time_s
        if not self._time_s <= time_s <= self._time_s + _STALE_S:
            self.reset()
        self._time_s = time_s
        pyramid = self._estimator.view(frame)
        begun = time.perf_counter()
        people = self._follow(pyramid, time_s)
        followed = time.perf_counter()
        people += self._find_missed(pyramid, people, time_s)
        people += [(None, body) for body in self._search(pyramid, people, time_s)]
        self.timings["follow"] += followed - begun
        self.timings["search"] += time.perf_counter() - followed
        self._followed = [self._advance(one, body, time_s) for one, body in people]
        return frame, time_s, pyramid, [(one.parts, one.body) for one in self._followed]

    def _advance(self, one: _Followed | None, body: BodyLandmarks, time_s: float) -> _Followed:
        """One person in this frame, steadied."""
        if one is None:
            steady = BodyFilter(landmarks=self._smooth_body)
            return _Followed(steady.step(body, time_s), steady, time_s, np.zeros(2))
        one.advance(one.filter.step(body, time_s), time_s)
        return one

    def _follow(self, pyramid: Pyramid, time_s: float) -> list[Sighting]:
        """Those of the last frame who are seen where they were expected; the others are missed from now on."""
        seen: list[tuple[_Followed, BodyLandmarks]] = []
        rois = [one.body.next_roi for one in self._followed]
        for one, body in zip(self._followed, self._estimator.landmarker.look_many(pyramid, rois), strict=True):
            if self._is_seen(one, body, time_s):
                seen.append((one, body))
        seen = _without_doubles(seen, time_s)
        there = {id(one) for one, _ in seen}
        if not self._whole:
            self._missed += [one for one in self._followed if id(one) not in there]
            if self._missed and not seen:  # they come back, rather than somebody else in their place
                self._searched_s = max(self._searched_s, self._missed[-1].time_s)
        return list(seen)

    def _is_seen(self, one: _Followed, body: BodyLandmarks, time_s: float) -> bool:
        if not self._estimator.is_wanted(body):
            return False
        if self._whole:
            return body.flag > 0.5
        if body.quality >= GHOST:
            one.doubted_since_s = None
            return True
        if one.doubted_since_s is None:
            one.doubted_since_s = time_s
        return body.quality >= _LOST and time_s - one.doubted_since_s <= _DOUBT_S

    def _find_missed(self, pyramid: Pyramid, people: Sequence[Sighting], time_s: float) -> list[Sighting]:
        """Those lost to sight who are back near the place where they should be."""
        self._missed = [one for one in self._missed if time_s - one.time_s <= _MISSED_S]
        if not self._missed or time_s - self._looked_again_s < _LOOK_AGAIN_S - _TICK_S:
            return []
        self._looked_again_s = time_s
        back: list[Sighting] = []
        for one in list(self._missed):
            if self._room(len(people) + len(back)) == 0:
                break
            roi = one.body.next_roi
            roi[:2] = one.expected(time_s)
            known = [body for _, body in [*people, *back]]
            body = self._estimator.find_again(pyramid, roi, known)
            if body is not None:
                self._missed.remove(one)
                back.append((None, body))
        return back

    def _search(self, pyramid: Pyramid, people: Sequence[Sighting], time_s: float) -> list[BodyLandmarks]:
        """Newcomers, where it is time to look for them and there is room."""
        room = self._room(len(people))
        pause_s = self._detect_every_s if people else min(self._detect_every_s, _NOBODY_EVERY_S)
        if self._whole:
            pause_s = np.inf if people else 0.0
        if room == 0 or time_s - self._searched_s < pause_s - _TICK_S:
            return []
        self._searched_s = time_s
        coarse = not people and self._fruitless % _FULL_EVERY > 0
        found = self._estimator.find(pyramid, [body for _, body in people], coarse=coarse)[:room]
        self._fruitless = 0 if found or people else self._fruitless + 1
        if coarse and found:
            self._searched_s = -np.inf  # who is small may be there too
        return found

    def _room(self, taken: int) -> int | None:
        """How many more people may be reported; None = any number."""
        return None if self._estimator.max_people is None else max(self._estimator.max_people - taken, 0)

    def _complete(
        self, frame: Frame, time_s: float, pyramid: Pyramid, people: Sequence[tuple[_Parts, BodyLandmarks]]
    ) -> Poses:
        """Faces and hands of a frame, and everything as Poses."""
        begun = time.perf_counter()
        found: list[Person] = []
        for parts, body in people:
            if parts.person is None:
                parts.person = self._estimator.look_closer(pyramid, body)
                parts.looked_s = dict.fromkeys(("face", "left", "right"), time_s)
            else:
                parts.person = self._look_closer(parts, parts.person, _View(pyramid, body, time_s))
            found.append(parts.person)
        poses = self._estimator.describe(found, frame)
        self.timings["parts"] += time.perf_counter() - begun
        return poses

    def _look_closer(self, parts: _Parts, before: Person, view: _View) -> Person:
        """Somebody who was seen before: what is not clearly seen is looked at now and then."""
        face = None
        if parts.is_due("face", view.time_s, clear=self._whole or before.face is not None):
            face = self._estimator.look_at_face(view.pyramid, view.body, before.face)
        left, right = (self._hand(parts, before, view, side) for side in ("left", "right"))
        return Person(view.body, face, left, right)

    def _hand(self, parts: _Parts, before: Person, view: _View, side: str) -> Hand | None:
        """A hand; between looks it moves with the wrist."""
        if not self._whole and not self._estimator.shows_hand(view.body, side):
            return None
        hand = before.left_hand if side == "left" else before.right_hand
        clear = self._whole or (hand is not None and hand.presence > _CLEAR_HAND)
        if parts.is_due(side, view.time_s, clear=clear):
            return self._estimator.look_at_hand(view.pyramid, view.body, side, hand)
        return None if hand is None else move_hand(hand, side, before.body.body_xy, view.body.body_xy)


def _without_doubles(
    seen: Sequence[tuple[_Followed, BodyLandmarks]], time_s: float
) -> list[tuple[_Followed, BodyLandmarks]]:
    """Where several ended up on one body, it belongs to whom it surprises least."""
    surprise = [
        float(np.linalg.norm(body.xy[33] - one.expected(time_s))) / max(float(body.roi[2]), 1e-6) for one, body in seen
    ]
    kept: list[int] = []
    for i in sorted(range(len(seen)), key=surprise.__getitem__):
        if not any(is_same_person(seen[i][1], seen[k][1]) for k in kept):
            kept.append(i)
    return [seen[i] for i in sorted(kept)]
