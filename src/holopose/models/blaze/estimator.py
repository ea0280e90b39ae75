"""Owns BlazeEstimator: everybody in the picture, body, face and hands, with the networks of MediaPipe Holistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, ModelError
from holopose.models.blaze.detector import PoseDetector
from holopose.models.blaze.face import FACE_POINTS, Face, FaceFinder
from holopose.models.blaze.hands import HAND_POINTS, Hand, HandFinder
from holopose.models.blaze.landmarks import BodyLandmarks, PoseLandmarker
from holopose.models.blaze.network import SPECS, Network
from holopose.models.blaze.search import PLANS, find_again, find_everybody, find_one
from holopose.models.blaze.wholebody import Person, assemble, person_score
from holopose.ops.crops import Pyramid
from holopose.ops.laps import lap
from holopose.protocols import Estimator, Runtime
from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.types import Frame, Poses

__all__ = ["BlazeEstimator"]

Floats = npt.NDArray[np.float64]


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
        self._networks = dict(networks)
        self._min_presence = 0.5 if search == "whole" else 0.1  # MediaPipe's own; ours shows in the score instead
        self._wire(beside=False)
        self.search = search
        self.max_people = max_people
        self._min_score = min_score
        self._layout = layout
        self._native = native
        self._min_hand_px = 0.0 if search == "whole" else min_hand_px
        self._min_part_peak = min_part_peak
        self.info: Mapping[str, Any] = dict(info or {})

    def _wire(self, *, beside: bool) -> None:
        """Make the parts out of the networks."""
        parts = {
            name: Network(self._networks[name], spec, beside=beside and not name.startswith("pose"))
            for name, spec in SPECS.items()
        }
        self._detector = PoseDetector(parts["pose_detection"])
        self.landmarker = PoseLandmarker(parts["pose_landmark_full"])
        self._hands = HandFinder(parts["hand_recrop"], parts["hand_landmark_full"], min_presence=self._min_presence)
        self._faces = FaceFinder(parts["face_detection_short_range"], parts["face_landmark"])

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._layout

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first; laps: people, parts."""
        return [self._estimate(frame) for frame in frames]

    def reset(self) -> None:
        """Nothing is remembered between frames."""

    def following(self, *, detect_every_s: float = 0.5, smooth_body: bool = False) -> Estimator:
        """The same networks and options for one clip, see `holopose.models.blaze.follow.BlazeFollower`."""
        from holopose.models.blaze.follow import BlazeFollower

        beside = copy(self)
        beside._wire(beside=True)
        return BlazeFollower(beside, detect_every_s=detect_every_s, smooth_body=smooth_body)

    def _estimate(self, frame: Frame) -> Poses:
        with lap("people"):
            pyramid = self.view(frame)
            bodies = self.find(pyramid)[: self.max_people]
        with lap("parts"):
            people = [self.look_closer(pyramid, body) for body in bodies]
        return self.describe(people, frame)

    def view(self, frame: Frame) -> Pyramid:
        """The frame as this search samples it."""
        return Pyramid(frame.image, levels=0 if self.search == "whole" else 6)

    def find(
        self, pyramid: Pyramid, known: Sequence[BodyLandmarks] = (), *, coarse: bool = False
    ) -> list[BodyLandmarks]:
        """Bodies in a picture, best first, without those known already; min_score holds, max_people does not.

        A `coarse` search leaves out the looks that find small people, which take most of the time.
        """
        if self.search == "whole":
            bodies = [] if known else find_one(pyramid, self._detector, self.landmarker)
        else:
            plan = PLANS[self.search]
            waves = 1 if coarse else None
            bodies = find_everybody(
                pyramid, self._detector, self.landmarker, self._faces, plan, known=known, waves=waves
            )
        return [body for body in bodies if self.is_wanted(body)]

    def find_again(self, pyramid: Pyramid, roi: Floats, known: Sequence[BodyLandmarks]) -> BodyLandmarks | None:
        """Somebody lost to sight near a ROI (5,), px; None where there is nobody but those known."""
        body = find_again(pyramid, self._detector, self.landmarker, roi, known)
        return body if body is not None and self.is_wanted(body) else None

    def is_wanted(self, body: BodyLandmarks) -> bool:
        """Whether the person's score is not lower than what was asked for."""
        return person_score(body.quality) >= self._min_score

    def look_closer(self, pyramid: Pyramid, body: BodyLandmarks) -> Person:
        """Face and hands of one person."""
        return Person(
            body=body,
            face=self.look_at_face(pyramid, body),
            left_hand=self.look_at_hand(pyramid, body, "left"),
            right_hand=self.look_at_hand(pyramid, body, "right"),
        )

    def shows_face(self, body: BodyLandmarks) -> bool:
        """Whether the body's own landmarks say that there is a face to see."""
        return float(body.peak[FACE_POINTS].mean()) >= self._min_part_peak

    def shows_hand(self, body: BodyLandmarks, side: str) -> bool:
        """Whether the body's own landmarks say that there is a hand to see."""
        return float(body.peak[HAND_POINTS[side]].mean()) >= self._min_part_peak

    def look_at_face(self, pyramid: Pyramid, body: BodyLandmarks, before: Face | None = None) -> Face | None:
        """The face of one person; `before` is the same face in the frame before."""
        return self._faces.find(pyramid, body.body_xy, before=before) if self.shows_face(body) else None

    def look_at_hand(self, pyramid: Pyramid, body: BodyLandmarks, side: str, before: Hand | None = None) -> Hand | None:
        """The left or right hand of one person; `before` is the same hand in the frame before."""
        if not self.shows_hand(body, side):
            return None
        return self._hands.find(pyramid, body.body_xy, body.visibility, side, min_px=self._min_hand_px, before=before)

    def describe(self, people: Sequence[Person], frame: Frame) -> Poses:
        """People as Poses in the layout asked for."""
        return assemble(people, frame.size_wh, self._layout, native=self._native)
