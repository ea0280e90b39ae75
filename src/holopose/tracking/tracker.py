"""Owns PoseTracker: identities for people, frame by frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.skeletons.skeleton import Skeleton
from holopose.tracking.clock import Clock
from holopose.tracking.matching import match, newcomers
from holopose.tracking.sightings import Sightings
from holopose.tracking.tracks import Tracks
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["PoseTracker"]

Mask = npt.NDArray[np.bool_]

_LOST_S = 0.25  # seconds without a sighting after which somebody counts as lost


class PoseTracker:
    """Tells who is who from frame to frame.

    Online and without any network. Everybody known is moved on by a constant-velocity Kalman filter and compared with
    everybody seen: keypoint similarity of the moved pose, box overlap, size and, where the frame has its pixels, torso
    colours. Then, each step by the best assignment of those still left:

    1. people seen just now take confident sightings;
    2. those left over take weak ones, which give nobody a new identity: the second association of ByteTrack (Zhang et
       al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022);
    3. people still left are looked for farther around: those lost for a while, no longer than `gap_s`, and those who
       moved suddenly, or whose camera did;
    4. provisional people, seen fewer than `confirm` times, are seen again;
    5. who is left and confident becomes provisional, unless he doubles somebody seen already: a person who turns into
       two for a while stays one.

    Provisional people get their identity once seen in `confirm` frames out of `window`, otherwise never; ids count from
    1 and none is given twice. `IdentityStage` gives confirmed people their id from their first frame on.

    Time comes from the frames (see `Clock`: it never goes back). Frames further apart than `gap_s` share nobody.

    Args:
        gap_s: Seconds after which somebody not seen is gone for good; who returns later is somebody new.
        confirm: Frames in which somebody must be seen before getting an id.
        min_score: Person score from which somebody new is believed.
        weak_score: Person score from which somebody known is followed.
        appearance: Whether torso colours help; needs frames with pixels.

    Raises:
        ConfigError: a number makes no sense.
    """

    def __init__(
        self,
        *,
        gap_s: float = 2.0,
        confirm: int = 3,
        min_score: float = 0.2,
        weak_score: float = 0.0,
        appearance: bool = True,
    ) -> None:
        if not gap_s >= 0:
            raise ConfigError(f"gap_s: expected 0 or more seconds, got {gap_s}")
        if confirm < 1:
            raise ConfigError(f"confirm: expected 1 or more frames, got {confirm}")
        if not 0 <= weak_score <= min_score <= 1:
            raise ConfigError(
                f"min_score, weak_score: expected 0 <= weak_score <= min_score <= 1, got {min_score}, {weak_score}"
            )
        self.gap_s = gap_s
        self.confirm = confirm
        self.min_score = min_score
        self.weak_score = weak_score
        self.appearance = appearance
        self.reset()

    @property
    def window(self) -> int:
        """Frames after which a provisional person is confirmed or forgotten."""
        return 2 * self.confirm

    def reset(self) -> None:
        """Forget everybody, and count ids from 1 again: for another clip."""
        self._clock = Clock()
        self._tracks = Tracks.none()
        self._skeleton: Skeleton | None = None
        self._next_key = self._next_id = 1
        self.pending: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def update(self, poses: Poses, frame: Frame | FrameInfo) -> Poses:
        """The same people in the same order with ids, -1 for those who have none (yet).

        Afterwards `pending` (N,) int64 holds the key of each of them who is provisional, -1 for all others; `settle`
        tells what became of a key.
        """
        step_s = self._clock.tick(frame)
        tracks = self._tracks
        if poses.skeleton != self._skeleton:  # other keypoints cannot be compared
            self._skeleton = poses.skeleton
            tracks.keep(np.zeros(len(tracks), np.bool_))
        tracks.advance(step_s, frame.size_wh)
        tracks.keep(self._clock.now_s - tracks.seen_s <= self.gap_s)
        seen = Sightings.of(poses, frame, appearance=self.appearance)
        confident = (seen.scores >= self.min_score) & (seen.sizes_px > 0)
        weak = (seen.scores >= self.weak_score) & (seen.sizes_px > 0) & ~confident
        recent = (tracks.ids >= 0) & ((tracks.missed <= 1) | (self._clock.now_s - tracks.seen_s <= _LOST_S))
        track_of = match(tracks, seen, recent=recent, confident=confident, weak=weak)
        rows = np.flatnonzero(track_of >= 0)
        tracks.see(track_of[rows], seen, rows, self._clock.now_s)
        keys = np.full(len(seen), -1, np.int64)
        keys[rows] = tracks.keys[track_of[rows]]
        born = newcomers(seen, track_of, confident)
        keys[born] = np.arange(self._next_key, self._next_key + len(born))
        if len(born):
            self._next_key += len(born)
            tracks.join(Tracks.begin(seen, born, keys[born], self._clock.now_s))
        self._confirm(tracks.sightings >= self.confirm)
        tracks.keep((tracks.ids >= 0) | (tracks.sightings + self.window - tracks.ages >= self.confirm))
        return self._name(poses, keys)

    def settle(self, key: int) -> int | None:
        """What became of somebody provisional: an id, -1 = never confirmed, None = not known yet."""
        [rows] = np.nonzero(self._tracks.keys == key)
        if not len(rows):
            return -1
        identity = int(self._tracks.ids[rows[0]])
        return identity if identity >= 0 else None

    def finish(self) -> None:
        """The clip ends: who is provisional and was seen in every frame since the first sighting is confirmed."""
        self._confirm(self._tracks.sightings == self._tracks.ages)
        self._tracks.keep(self._tracks.ids >= 0)

    def _confirm(self, which: Mask) -> None:
        rows = np.flatnonzero(which & (self._tracks.ids < 0))
        self._tracks.ids[rows] = np.arange(self._next_id, self._next_id + len(rows))
        self._next_id += len(rows)

    def _name(self, poses: Poses, keys: npt.NDArray[np.int64]) -> Poses:
        """Ids of the people with these keys, and who of them is pending."""
        if len(poses) == 0:
            self.pending = np.zeros(0, np.int64)
            return poses
        same = keys[:, None] == self._tracks.keys[None]
        there = same.any(axis=1)
        ids = np.full(len(keys), -1, np.int64)
        if there.any():
            ids[there] = self._tracks.ids[same[there].argmax(axis=1)]
        self.pending = np.where(there & (ids < 0), keys, -1)
        return poses.replace(ids=ids)
