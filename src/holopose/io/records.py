"""Owns records: frames and people as plain lists and numbers, the way result files hold them.

Rounded so that a file holds no more digits than mean anything: pixels to 0.01, scores to 0.0001, metres to 0.0001,
fractions of the picture to 0.000001. Missing is None, and there is never a NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.io.runinfo import RunInfo
from holopose.ops.tracks import Track
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, FrameInfo, Poses

__all__ = [
    "LINES_SCHEMA",
    "SCHEMA",
    "describe_run",
    "describe_skeleton",
    "describe_source",
    "describe_track",
    "frame_record",
    "normalize",
    "plain_name",
    "rounded",
]

SCHEMA = "holopose/result/1"
"""Name and version of the JSON result."""

LINES_SCHEMA = "holopose/lines/1"
"""Name and version of the JSON Lines result."""

PIXEL_DIGITS, SCORE_DIGITS, METRE_DIGITS, FRACTION_DIGITS, TIME_DIGITS = 2, 4, 4, 6, 6

Numbers = npt.NDArray[np.float64]


def rounded(values: npt.NDArray[np.floating[Any]], digits: int) -> Numbers:
    """Decimal places cut to `digits`; float64 so that they print short, and without negative zeros."""
    return np.asarray(np.round(values.astype(np.float64), digits) + 0.0)


def normalize(xy: npt.NDArray[np.floating[Any]], size_wh: tuple[int, int]) -> Numbers:
    """Fractions of the picture: 0 at its left and top border, 1 at its right and bottom border.

    (0, 0) in pixels is the centre of the top left pixel, so a fraction is ``(x + 0.5) / width``.

    >>> normalize(np.array([[-0.5, 99.5]]), (640, 100)).tolist()
    [[0.0, 1.0]]
    """
    return np.asarray((xy.astype(np.float64) + 0.5) / np.array(size_wh, np.float64))


def plain_name(name: str) -> str:
    r"""A file name as text that any encoding of Unicode can hold; undecodable bytes become ``\udc..``."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def describe_source(frame: Frame | FrameInfo, info: RunInfo) -> dict[str, Any]:
    """Name and size as the frames have them, then the facts about a clip, such as its rate."""
    width, height = frame.size_wh
    own = {"name": plain_name(frame.name), "width": width, "height": height}
    return own | {key: value for key, value in info.source.items() if key not in own}


def describe_track(track: Track) -> dict[str, Any]:
    """One identity over all frames."""
    first_s, last_s = track.first_time_s, track.last_time_s
    return {
        "id": track.id,
        "first_frame": track.first_frame,
        "last_frame": track.last_frame,
        "first_time_s": None if first_s is None else round(float(first_s), TIME_DIGITS),
        "last_time_s": None if last_s is None else round(float(last_s), TIME_DIGITS),
        "frames": track.frames,
        "quality": round(track.quality, SCORE_DIGITS),
    }


def describe_run(info: RunInfo) -> dict[str, Any]:
    """The parts of a document's head that say how it was made."""
    return {
        "model": {
            "name": info.model,
            "cards": [{"name": name, "sha256": sha256} for name, sha256 in info.cards.items()],
            "options": {key: list(value) if isinstance(value, tuple) else value for key, value in info.options.items()},
        },
        "runtime": {
            "name": info.runtime,
            "version": info.runtime_version,
            "device": info.device,
            "precision": info.precision,
        },
        "score": info.score,
    }


def describe_skeleton(skeleton: Skeleton) -> dict[str, Any]:
    """A layout in full, so that a file explains itself."""
    return {
        "name": skeleton.name,
        "keypoints": list(skeleton.keypoints),
        "edges": [list(edge) for edge in skeleton.edges],
        "swaps": list(skeleton.swaps),
        "parts": {part: list(members) for part, members in skeleton.parts.items()},
    }


def frame_record(
    frame: Frame | FrameInfo, poses: Poses, *, native: bool = False, world: bool = True, normalized: bool = False
) -> dict[str, Any]:
    """One frame and everybody in it.

    Args:
        frame: Where and when.
        poses: N people, px.
        native: Add the model's own keypoints where `poses.native` holds them.
        world: Add coordinates in metres where there are any.
        normalized: Add coordinates as fractions of the picture, see `normalize`.

    `raw` is there when `poses.raw_xy` is, `swapped` for whom `poses.swapped` flags anything.
    """
    columns: dict[str, list[Any]] = {
        "id": [identity if identity >= 0 else None for identity in _ids(poses)],
        "box": rounded(poses.boxes.xyxy, PIXEL_DIGITS).tolist(),
        "score": rounded(poses.boxes.score, SCORE_DIGITS).tolist(),
        **_points(poses, world=world),
    }
    if normalized:
        columns["keypoints_normalized"] = _holes(rounded(normalize(poses.xy, frame.size_wh), FRACTION_DIGITS))
    if native and poses.native is not None:
        own = _points(poses.native, world=world)
        name = poses.native.skeleton.name
        columns["native"] = [
            {"skeleton": name, **{key: values[row] for key, values in own.items()}} for row in range(len(poses))
        ]
    if poses.raw_xy is not None:
        columns["raw"] = _holes(rounded(poses.raw_xy, PIXEL_DIGITS))
    people = [{key: values[row] for key, values in columns.items()} for row in range(len(poses))]
    if poses.swapped is not None:
        for row in np.flatnonzero(poses.swapped.any(axis=1)):
            people[row]["swapped"] = np.flatnonzero(poses.swapped[row]).tolist()
    time_s = None if frame.time_s is None else round(float(frame.time_s), TIME_DIGITS)
    return {"frame": frame.index, "time_s": time_s, "people": people}


def _ids(poses: Poses) -> list[int]:
    return [-1] * len(poses) if poses.ids is None else [int(identity) for identity in poses.ids]


def _points(poses: Poses, *, world: bool) -> dict[str, list[Any]]:
    """Keypoints of each person, and what there is beside them."""
    score = rounded(poses.score, SCORE_DIGITS)[..., None]
    points: dict[str, list[Any]] = {
        "keypoints": _holes(np.concatenate([rounded(poses.xy, PIXEL_DIGITS), score], axis=2))
    }
    if poses.visible is not None:
        points["visible"] = poses.visible.tolist()
    if world and poses.world is not None:
        points["world"] = _holes(rounded(poses.world, METRE_DIGITS))
    return points


def _holes(values: Numbers) -> list[list[list[float] | None]]:
    """(N, K, C) as lists, None for a point that is not there."""
    there = np.asarray(np.isfinite(values).all(axis=2)).tolist()
    return [
        [point if known else None for point, known in zip(points, knowns, strict=True)]
        for points, knowns in zip(values.tolist(), there, strict=True)
    ]
