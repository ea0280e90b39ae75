"""Owns offline work on a clip's frames as they come from a run: track by track, and back into the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.smoothing.offline import fill_gaps, fill_values, smooth_sequence, smooth_values
from holopose.smoothing.people import join_people, keep_raw_xy, tracked_rows
from holopose.smoothing.swaps import exchange, find_swaps
from holopose.types import Boxes, Frame, FrameInfo, Poses, PoseSequence

__all__ = ["fill_clip", "fix_clip", "smooth_clip", "track_sequences"]

Info = TypeVar("Info", Frame, FrameInfo)


@dataclass(frozen=True, slots=True)
class _Track:
    """Where one identity is in a clip.

    Attributes:
        id: Whose it is.
        frames: (n,) positions in the list of frames, rising.
        rows: (n,) row among the people of each of these frames.
    """

    id: int
    frames: npt.NDArray[np.intp]
    rows: npt.NDArray[np.intp]

    @property
    def span(self) -> slice:
        """Frames from the first to the last sight."""
        return slice(int(self.frames[0]), int(self.frames[-1]) + 1)


def smooth_clip(
    frames: Sequence[tuple[Info, Poses]],
    method: str = "butterworth",
    *,
    max_gap_s: float = 0.2,
    keep_raw: bool = False,
    **options: Any,
) -> list[tuple[Info, Poses]]:
    """Smooth everybody with an id over the whole clip, picture and world coordinates alike.

    People and their order, boxes, scores, flags and `native` stay as they are; people without an id pass untouched.
    Tracks are smoothed one by one, in stretches that end where somebody or a keypoint is away for longer.

    Args:
        frames: Every frame of one clip in order, with its people.
        method: One of `holopose.smoothing.offline.METHODS`.
        max_gap_s: Longest gap that does not end a stretch.
        keep_raw: Keep the coordinates that came in as `raw_xy`.
        **options: The method's own.

    Raises:
        ConfigError: the method or an option is unknown or has no meaning.
        InputError: a frame has no time, times decrease, or an id comes twice in a frame.
    """
    time_s = _times(frames)
    xy = [np.array(poses.xy) for _, poses in frames]
    world = [None if poses.world is None else np.array(poses.world) for _, poses in frames]
    for track in _tracks(frames):
        sequence = _sequence(frames, track, time_s)
        smoothed = smooth_sequence(sequence, method, max_gap_s=max_gap_s, **options).xy[:, 0]
        metres = _world(frames, track)
        if metres is not None:
            metres = smooth_values(
                metres[:, None], sequence.score, sequence.time_s, method, max_gap_s=max_gap_s, **options
            )[:, 0].astype(np.float32)
        for frame, row in zip(track.frames, track.rows, strict=True):
            at = frame - track.frames[0]
            xy[frame][row] = smoothed[at]
            target = world[frame]
            if target is not None and metres is not None:
                target[row] = metres[at]
    return [
        (info, poses.replace(xy=places, world=metres, raw_xy=keep_raw_xy(poses, keep=keep_raw)))
        for (info, poses), places, metres in zip(frames, xy, world, strict=True)
    ]


def fill_clip(
    frames: Sequence[tuple[Info, Poses]], max_gap_s: float, *, decay: float = 0.5, keep_raw: bool = False
) -> list[tuple[Info, Poses]]:
    """Fill moments in which a keypoint or a whole person of a track is missing, by straight lines.

    A frame may have more people than before: those filled in come last, with their id and an interpolated box. What is
    filled in is not `visible`, its score is `decay` times the lower of those at both ends (`offline.fill_gaps`), and
    its `raw_xy` is NaN where that is kept.

    Args:
        frames: Every frame of one clip in order, with its people.
        max_gap_s: Longest time between the sights on both sides of a gap.
        decay: Factor on the scores, above 0 and at most 1.
        keep_raw: Keep the coordinates that came in as `raw_xy`: NaN for what is filled in.

    Raises:
        ConfigError: an option has no meaning.
        InputError: a frame has no time, times decrease, or an id comes twice in a frame.
    """
    time_s = _times(frames)
    result = [poses.replace(raw_xy=keep_raw_xy(poses, keep=keep_raw)) for _, poses in frames]
    for track in _tracks(frames):
        sequence = _sequence(frames, track, time_s)
        filled = fill_gaps(sequence, max_gap_s, decay=decay)
        new = np.asarray(np.isnan(sequence.xy[:, 0, :, 0]) & ~np.isnan(filled.xy[:, 0, :, 0]))
        if not new.any():
            continue
        boxes, box_score = _boxes(frames, track, sequence.time_s, max_gap_s)
        metres = _world(frames, track)
        if metres is not None:
            metres = fill_values(metres, sequence.score[:, 0], sequence.time_s, max_gap_s)[0].astype(np.float32)
        first = result[track.frames[0]]  # what it has, the people filled in have too
        there = dict(zip((track.frames - track.frames[0]).tolist(), track.rows.tolist(), strict=True))
        for at in np.flatnonzero(new.any(axis=1)).tolist():
            frame = at + int(track.frames[0])
            person = Poses(
                filled.xy[at],
                filled.score[at],
                Boxes(boxes[None, at], decay * box_score[None, at]),
                sequence.skeleton,
                ids=sequence.ids,
                world=None if metres is None else metres[None, at],
                visible=None if first.visible is None else np.zeros(filled.score[at].shape, np.bool_),
                raw_xy=None if first.raw_xy is None else np.full(filled.xy[at].shape, np.nan, np.float32),
                swapped=None if first.swapped is None else np.zeros(filled.score[at].shape, np.bool_),
            )
            if at in there:
                result[frame] = _mend(result[frame], there[at], person, new[at])
            else:
                result[frame] = join_people(result[frame], person)
    return [(info, poses) for (info, _), poses in zip(frames, result, strict=True)]


def fix_clip(
    frames: Sequence[tuple[Info, Poses]], *, fix: bool = True, keep_raw: bool = False, **options: Any
) -> list[tuple[Info, Poses]]:
    """Flag exchanged left and right over a whole clip, looking both ways, and exchange them back.

    Args:
        frames: Every frame of one clip in order, with its people.
        fix: Exchange back; False only flags.
        keep_raw: Keep the coordinates that came in as `raw_xy`.
        **options: Those of `holopose.smoothing.swaps.find_swaps`.

    Raises:
        ConfigError: an option has no meaning.
        InputError: a frame has no time, times decrease, or an id comes twice in a frame.
    """
    time_s = _times(frames)
    flags = [np.zeros(poses.score.shape, np.bool_) for _, poses in frames]
    for track in _tracks(frames):
        found = find_swaps(_sequence(frames, track, time_s), **options)[:, 0]
        for frame, row in zip(track.frames, track.rows, strict=True):
            flags[frame][row] = found[frame - track.frames[0]]
    return [
        (info, exchange(poses, swapped, fix=fix, keep_raw=keep_raw))
        for (info, poses), swapped in zip(frames, flags, strict=True)
    ]


def track_sequences(frames: Sequence[tuple[Info, Poses]]) -> list[PoseSequence]:
    """Each track of a clip by itself, from its first to its last frame, NaN where it is missing.

    Raises:
        InputError: a frame has no time, times decrease, or an id comes twice in a frame.
    """
    time_s = _times(frames)
    return [_sequence(frames, track, time_s) for track in _tracks(frames)]


def _times(frames: Sequence[tuple[Info, Poses]]) -> npt.NDArray[np.float64]:
    for info, _ in frames:
        if info.time_s is None:
            raise InputError(f"frame {info.index}: expected the time of each frame of a clip, got none (a still?)")
    return np.array([info.time_s for info, _ in frames], np.float64)


def _tracks(frames: Sequence[tuple[Info, Poses]]) -> list[_Track]:
    """Every identity, in the order of first sight."""
    sights: dict[int, list[tuple[int, int]]] = {}
    for number, (info, poses) in enumerate(frames):
        rows, ids = tracked_rows(poses)
        if len(set(ids.tolist())) != len(ids):
            raise InputError(f"frame {info.index}: expected each person once, got the ids {ids.tolist()}")
        for one, row in zip(ids.tolist(), rows.tolist(), strict=True):
            sights.setdefault(one, []).append((number, row))
    return [_Track(one, *np.array(where, np.intp).T) for one, where in sights.items()]


def _sequence(frames: Sequence[tuple[Info, Poses]], track: _Track, time_s: npt.NDArray[np.float64]) -> PoseSequence:
    first = frames[track.frames[0]][1]
    times = time_s[track.span]
    xy = np.full((len(times), 1, len(first.skeleton), 2), np.nan, np.float32)
    score = np.zeros(xy.shape[:3], np.float32)
    for frame, row in zip(track.frames, track.rows, strict=True):
        poses = frames[frame][1]
        if poses.skeleton != first.skeleton:
            raise InputError(f"expected one layout in a clip, got {first.skeleton.name} and {poses.skeleton.name}")
        xy[frame - track.frames[0], 0], score[frame - track.frames[0], 0] = poses.xy[row], poses.score[row]
    return PoseSequence(xy, score, np.array([track.id]), times, first.skeleton)


def _world(frames: Sequence[tuple[Info, Poses]], track: _Track) -> npt.NDArray[np.float32] | None:
    """World coordinates (T, K, 3) of a track from its first to its last frame; None where it never has any."""
    found = [(frame, row, frames[frame][1].world) for frame, row in zip(track.frames, track.rows, strict=True)]
    if all(world is None for _, _, world in found):
        return None
    span = track.span
    result = np.full((span.stop - span.start, len(frames[span.start][1].skeleton), 3), np.nan, np.float32)
    for frame, row, world in found:
        if world is not None:
            result[frame - span.start] = world[row]
    return result


def _boxes(
    frames: Sequence[tuple[Info, Poses]], track: _Track, time_s: npt.NDArray[np.float64], max_gap_s: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Boxes (T, 4) and scores (T,) of a track, filled where it is missing."""
    xyxy = np.full((len(time_s), 4), np.nan)
    score = np.zeros(len(time_s))
    for frame, row in zip(track.frames, track.rows, strict=True):
        boxes = frames[frame][1].boxes
        xyxy[frame - track.frames[0]], score[frame - track.frames[0]] = boxes.xyxy[row], boxes.score[row]
    xyxy, lower, filled = fill_values(xyxy, score, time_s, max_gap_s)
    return xyxy.astype(np.float32), np.where(filled, lower, score).astype(np.float32)


def _mend(poses: Poses, row: int, person: Poses, new: npt.NDArray[np.bool_]) -> Poses:
    """One person's `new` (K,) keypoints taken from `person`."""
    xy, score = np.array(poses.xy), np.array(poses.score)
    xy[row, new], score[row, new] = person.xy[0, new], person.score[0, new]
    world = poses.world
    if world is not None and person.world is not None:
        world = np.array(world)
        world[row, new] = person.world[0, new]
    visible = poses.visible
    if visible is not None:
        visible = np.array(visible)
        visible[row, new] = False
    return poses.replace(xy=xy, score=score, world=world, visible=visible)
