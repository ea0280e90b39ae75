"""Owns BlazeEstimator: everybody in the picture, body, face and hands, with the networks of MediaPipe Holistic."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from holopose.errors import ConfigError, ModelError
from holopose.models.blaze.detector import PoseDetector
from holopose.models.blaze.face import FACE_POINTS, Face, FaceFinder
from holopose.models.blaze.hands import HAND_POINTS, Hand, HandFinder
from holopose.models.blaze.landmarks import BodyLandmarks, PoseLandmarker
from holopose.models.blaze.network import SPECS, Network
from holopose.models.blaze.search import PLANS, find_everybody, find_one
from holopose.models.blaze.wholebody import Person, assemble, person_score
from holopose.ops.crops import Pyramid
from holopose.protocols import Runtime
from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.types import Frame, Poses

__all__ = ["BlazeEstimator"]


class BlazeEstimator:
    """Whole-body poses by the blaze networks.

    Args:
        networks: Runtimes by the names in `SPECS`.
        search: ``normal``, ``thorough`` (more sizes, smaller people) or ``whole`` (MediaPipe's one view, one person).
        max_people: At most so many, best first; None = everybody.
        min_score: Leave out people whose score is lower.
        layout: Keypoint layout of the results.
        native: Keep body 33, face 468 and hands 21 beside the layout.
        min_hand_px: Side of a hand's region under which fingers are not looked for (not in search ``whole``).
        min_part_peak: Mean heatmap peak of the body's own face or hand landmarks under which a face or hand is not
            looked for: hidden ones have none.
        info: What to say of model and runtime in result files.

    Raises:
        ConfigError: an option has no meaning.
        ModelError: a network is missing.
    """

    def __init__(
        self,
        networks: Mapping[str, Runtime],
        *,
        search: str = "normal",
        max_people: int | None = None,
        min_score: float = 0.0,
        layout: Skeleton = WHOLEBODY133,
        native: bool = False,
        min_hand_px: float = 36.0,
        min_part_peak: float = 0.5,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        if search != "whole" and search not in PLANS:
            raise ConfigError(f"search: expected {', '.join([*PLANS, 'whole'])}, got {search!r}")
        if max_people is not None and max_people < 1:
            raise ConfigError(f"max_people: expected 1 or more, or None for everybody, got {max_people}")
        missing = set(SPECS) - set(networks)
        if missing:
            raise ModelError(f"the blaze family needs the networks {', '.join(sorted(missing))} too")
        parts = {name: Network(networks[name], spec) for name, spec in SPECS.items()}
        self._detector = PoseDetector(parts["pose_detection"])
        self._landmarker = PoseLandmarker(parts["pose_landmark_full"])
        min_presence = 0.5 if search == "whole" else 0.1  # MediaPipe's own; ours shows in the score instead
        self._hands = HandFinder(parts["hand_recrop"], parts["hand_landmark_full"], min_presence=min_presence)
        self._faces = FaceFinder(parts["face_detection_short_range"], parts["face_landmark"])
        self._search = search
        self._max_people = max_people
        self._min_score = min_score
        self._layout = layout
        self._native = native
        self._min_hand_px = 0.0 if search == "whole" else min_hand_px
        self._min_part_peak = min_part_peak
        self.info: Mapping[str, Any] = dict(info or {})
        self.timings: dict[str, float] = {}

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._layout

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first; `timings` then holds the seconds of each stage."""
        self.timings = dict.fromkeys(("people", "parts"), 0.0)
        return [self._estimate(frame) for frame in frames]

    def reset(self) -> None:
        """Nothing is remembered between frames."""

    def _estimate(self, frame: Frame) -> Poses:
        begun = time.perf_counter()
        pyramid = Pyramid(frame.image, levels=0 if self._search == "whole" else 6)
        bodies = [body for body in self._find(pyramid) if person_score(body.quality) >= self._min_score]
        found = time.perf_counter()
        people = [self._look_closer(pyramid, body) for body in bodies[: self._max_people]]
        self.timings["people"] += found - begun
        self.timings["parts"] += time.perf_counter() - found
        return assemble(people, frame.size_wh, self._layout, native=self._native)

    def _find(self, pyramid: Pyramid) -> list[BodyLandmarks]:
        if self._search == "whole":
            return find_one(pyramid, self._detector, self._landmarker)
        return find_everybody(pyramid, self._detector, self._landmarker, self._faces, PLANS[self._search])

    def _look_closer(self, pyramid: Pyramid, body: BodyLandmarks) -> Person:
        """Face and hands of one person."""
        return Person(
            body=body,
            face=self._look_at_face(pyramid, body),
            left_hand=self._look_at_hand(pyramid, body, "left"),
            right_hand=self._look_at_hand(pyramid, body, "right"),
        )

    def _look_at_face(self, pyramid: Pyramid, body: BodyLandmarks) -> Face | None:
        if body.peak[FACE_POINTS].mean() < self._min_part_peak:
            return None
        return self._faces.find(pyramid, body.body_xy)

    def _look_at_hand(self, pyramid: Pyramid, body: BodyLandmarks, side: str) -> Hand | None:
        if body.peak[HAND_POINTS[side]].mean() < self._min_part_peak:
            return None
        return self._hands.find(pyramid, body.body_xy, body.visibility, side, min_px=self._min_hand_px)
