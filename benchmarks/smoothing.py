"""Owns the steadiness figures: jitter before and after each filter, and the lag that the filter costs.

    python benchmarks/smoothing.py [--clip FILE] [--frames 75] [--without-clip]

Jitter: a picture is repeated as a clip with fresh noise and a small known shift in every frame; what the pipeline
finds, less the shift, would stand still if nothing trembled. Jitter is the standard deviation of second differences.
Lag: the same trembling is laid over a made-up walker whose path is known exactly; the lag is the delay at which the
filtered path fits the known one best. On a real clip, where nobody knows the truth, the delay is that against the
same clip smoothed offline, which has none. Needs the shared folder. Ends with 1 when one of the bars is not met.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from holopose.config import RunConfig
from holopose.pipeline import Pipeline
from holopose.protocols import Filter
from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.smoothing.clip import smooth_clip, track_sequences
from holopose.smoothing.kalman import KalmanFilter
from holopose.smoothing.offline import METHODS
from holopose.smoothing.one_euro import OneEuroFilter
from holopose.types import Boxes, Frame, FrameInfo, Poses, PoseSequence
from pictures import shared_folder
from verdict import Verdict, conclude

Array = npt.NDArray[np.float64]
Clip = list[tuple[FrameInfo, Poses]]

LIVE: Mapping[str, Callable[[], Filter]] = {
    "one-euro": OneEuroFilter,
    "mediapipe": OneEuroFilter.mediapipe,
    "kalman": KalmanFilter,
}
PICTURES = ("000000000785.jpg", "000000040083.jpg")
RATE_HZ = 25.0
PARTS = {"body": ("body", "feet"), "face": ("face",), "hands": ("left_hand", "right_hand")}
LEAST_SCORE = 0.3
JITTER_BAR, LAG_BAR_FRAMES = 0.5, 1.0
"""The default live filter: at most so much of the jitter, at most so many frames late at walking speed."""


def filters() -> dict[str, Callable[[Clip], Clip]]:
    """Every filter by name, with its defaults, from clip to clip."""
    live = {name: _live(make) for name, make in LIVE.items()}
    return {**live, **{method: _offline(method) for method in METHODS}}


def _live(make: Callable[[], Filter]) -> Callable[[Clip], Clip]:
    def apply(clip: Clip) -> Clip:
        part = make()
        return [(info, part.apply(poses, info.time_s or 0.0)) for info, poses in clip]

    return apply


def _offline(method: str) -> Callable[[Clip], Clip]:
    return lambda clip: smooth_clip(clip, method)


# Standing still ------------------------------------------------------------------------------------------------------


def shaken(frame: Frame, count: int, *, noise: float = 4.0, shift_px: float = 2.0, seed: int = 0) -> Iterator[Frame]:
    """A picture as a clip: each frame shifted by up to `shift_px` (see `shifts`), with noise of so many grey levels."""
    import cv2

    random = np.random.default_rng(seed)
    for index, (x, y) in enumerate(shifts(count, shift_px, seed)):
        matrix = np.array([[1, 0, x], [0, 1, y]])
        moved = cv2.warpAffine(frame.image, matrix, frame.size_wh, borderMode=cv2.BORDER_REPLICATE)
        noisy = moved + random.normal(0, noise, moved.shape)
        yield Frame(np.clip(noisy.round(), 0, 255).astype(np.uint8), index, index / RATE_HZ, frame.name)


def shifts(count: int, shift_px: float = 2.0, seed: int = 0) -> Array:
    """(count, 2) px, x and y of each frame's shift."""
    return np.random.default_rng([seed, 1]).uniform(-shift_px, shift_px, (count, 2))


def stilled(clip: Clip, shift: Array) -> Clip:
    """The clip with the known shift taken back."""
    return [
        (info, poses.replace(xy=poses.xy - by.astype(np.float32)))
        for (info, poses), by in zip(clip, shift, strict=True)
    ]


def estimate(pipeline: Pipeline, frames: Iterator[Frame]) -> Clip:
    """What the pipeline says of the frames."""
    return [(frame.info, poses) for frame, poses in pipeline.stream(frames)]


def jitter(clips: Sequence[Clip]) -> dict[str, tuple[float, float]]:
    """For each part the median over its sure keypoints: standard deviation of second differences, px and % of size.

    Size is the longer side of the person's body. Keypoints count whose mean score is at least 0.3, people who are
    there in at least half of the frames.
    """
    rows: dict[str, list[tuple[float, float]]] = {part: [] for part in PARTS}
    for clip in clips:
        for track in track_sequences(clip):
            there = ~np.isnan(track.xy[:, 0]).all(axis=(1, 2))
            if there.sum() < len(clip) / 2:
                continue
            xy = track.xy[there, 0].astype(np.float64)
            bend = xy[2:] - 2 * xy[1:-1] + xy[:-2]
            deviation = np.sqrt(bend.var(axis=0).mean(axis=1))
            counts = (track.score[there, 0].mean(axis=0) >= LEAST_SCORE) & ~np.isnan(deviation)
            for part, names in PARTS.items():
                columns = [k for name in names for k in track.skeleton.parts[name] if counts[k]]
                rows[part] += [(px, 100 * px / size_of(xy, track.skeleton)) for px in deviation[columns].tolist()]
    return {part: (float(np.median(px)), float(np.median(share))) for part, (px, share) in _columns(rows).items()}


def _columns(rows: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, tuple[Array, Array]]:
    return {part: (*np.array(values).T,) for part, values in rows.items() if values}


def size_of(xy: Array, skeleton: Skeleton) -> float:
    """Longer side of the body (T, K, 2), px, median over time."""
    body = xy[:, list(skeleton.parts["body"])]
    return float(np.median(np.ptp(body, axis=1).max(axis=1)))


# Moving --------------------------------------------------------------------------------------------------------------


def walker(rate_hz: float, trembling: float, seconds: float = 8.0, seed: int = 0) -> tuple[Clip, Array]:
    """Somebody of 400 px who walks across the picture at 1.4 m/s, arms and legs swinging; and the true places.

    Args:
        rate_hz: Frames per second.
        trembling: Standard deviation of the places found, as a share of the person's size.
        seconds: Length.
        seed: Of the trembling.

    Returns:
        The clip as found, and (T, K, 2) px as it is.
    """
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * 0.95 * time_s
    true = np.zeros((len(time_s), len(WHOLEBODY133), 2))
    true[..., 0] = 0.8 * time_s[:, None]
    rows = np.linspace(0, 1, 17)
    true[:, :17, 1] = rows
    for side, turn in (("left", 0.0), ("right", np.pi)):
        for joint, reach in (("wrist", 0.12), ("elbow", 0.06), ("knee", 0.10), ("ankle", 0.20)):
            true[:, WHOLEBODY133.index(f"{side}_{joint}"), 0] += reach * np.sin(phase + turn)
        hand = list(WHOLEBODY133.parts[f"{side}_hand"])
        true[:, hand] = true[:, [WHOLEBODY133.index(f"{side}_wrist")]]
        feet = [WHOLEBODY133.index(f"{side}_{joint}") for joint in ("big_toe", "small_toe", "heel")]
        true[:, feet] = true[:, [WHOLEBODY133.index(f"{side}_ankle")]]
    true[:, list(WHOLEBODY133.parts["face"])] = true[:, [0]]
    true *= 400
    found = true + np.random.default_rng(seed).normal(0, 400 * trembling, true.shape)
    return clip_of(found, time_s), true


def clip_of(xy: Array, time_s: Array) -> Clip:
    """One person's places (T, K, 2) as a clip."""
    clip: Clip = []
    for index, (places, at) in enumerate(zip(xy.astype(np.float32), time_s.tolist(), strict=True)):
        box = Boxes(np.concatenate([places.min(axis=0), places.max(axis=0)])[None], np.ones(1, np.float32))
        score = np.full((1, len(places)), 0.8, np.float32)
        poses = Poses(places[None], score, box, WHOLEBODY133, ids=np.array([1]))
        clip.append((FrameInfo(index, at, "walker", (1920, 1080)), poses))
    return clip


def places_of(track: PoseSequence) -> Array:
    """(T, K, 2) px."""
    return track.xy[:, 0].astype(np.float64)


def lag_frames(filtered: Array, true: Array, columns: Sequence[int]) -> float:
    """Delay in frames at which `filtered` (T, K, 2) fits `true` best, over some keypoints; to a hundredth.

    Frames in which either is missing do not count, nor do the first ten, in which filters settle.
    """
    frames = np.arange(len(true), dtype=np.float64)
    delays = np.arange(-2, 6, 0.01)
    error = np.zeros(len(delays))
    for k in columns:
        for axis in range(2):
            known = ~np.isnan(true[:, k, axis])
            if known.sum() < 20:
                continue
            used = np.flatnonzero(known & ~np.isnan(filtered[:, k, axis]))[10:]
            at = frames[used] - delays[:, None]
            moved = np.interp(at.ravel(), frames[known], true[known, k, axis]).reshape(at.shape)
            inside = (at >= frames[known][0]) & (at <= frames[known][-1])
            off = np.where(inside, moved - filtered[used, k, axis], 0.0)
            error += (off**2).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return float(delays[error.argmin()])


MOVING = {
    "trunk": ("left_shoulder", "right_shoulder", "left_hip", "right_hip"),
    "ankles": ("left_ankle", "right_ankle"),
    "wrists": ("left_wrist", "right_wrist"),
}


def walking_lags(trembling: float, rate_hz: float) -> dict[str, dict[str, float]]:
    """Lag in frames of every filter, by place on the walker."""
    clip, true = walker(rate_hz, trembling)
    return {name: _lags(places_of(track_sequences(apply(clip))[0]), true) for name, apply in filters().items()}


def _lags(filtered: Array, true: Array) -> dict[str, float]:
    return {
        place: lag_frames(filtered, true, [WHOLEBODY133.index(name) for name in names])
        for place, names in MOVING.items()
    }


def clip_lags(clip: Clip) -> tuple[int, dict[str, dict[str, float]]]:
    """Frames of the longest track of a real clip, and every live filter's lag on it against offline smoothing."""
    longest = max(track_sequences(clip), key=lambda track: len(track.time_s))
    [identity] = longest.ids.tolist()
    alone = [(info, poses[poses.ids == identity]) for info, poses in clip]
    settled = places_of(track_sequences(smooth_clip(alone, "butterworth"))[0])
    return len(longest.time_s), {
        name: _lags(places_of(track_sequences(_live(make)(alone))[0]), settled) for name, make in LIVE.items()
    }


# The tables ----------------------------------------------------------------------------------------------------------


def show_jitter(rows: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    """Jitter per filter: px, % of the person's size, and what share of the unsmoothed is left."""
    print(f"{'':14}" + "".join(f"{part:>30}" for part in PARTS))
    for name, row in rows.items():
        cells = [
            f"{row[part][0]:.2f} px {row[part][1]:.3f} % x{row[part][0] / rows['none'][part][0]:.2f}"
            if part in row
            else "-"
            for part in PARTS
        ]
        print(f"{name:14}" + "".join(f"{cell:>30}" for cell in cells))


def show_lags(rows: Mapping[str, Mapping[str, float]], rate_hz: float) -> None:
    """Lag per filter, frames and ms."""
    print(f"{'':14}" + "".join(f"{place:>22}" for place in MOVING))
    for name, row in rows.items():
        print(f"{name:14}" + "".join(f"{row[p]:>9.2f} fr {round(1000 * row[p] / rate_hz):>6d} ms" for p in MOVING))


def verdicts(
    still: Mapping[str, Mapping[str, tuple[float, float]]], lags: Mapping[float, Mapping[str, Mapping[str, float]]]
) -> list[Verdict]:
    """The bars for the default live filter."""
    share = still["one-euro"]["body"][0] / still["none"]["body"][0]
    slowest = max(max(row["one-euro"].values()) for row in lags.values())
    rates = " and ".join(f"{rate_hz:g}" for rate_hz in lags)
    return [
        Verdict(f"one-euro leaves at most {JITTER_BAR:.0%} of the body's jitter", f"{share:.0%}", share <= JITTER_BAR),
        Verdict(
            f"one-euro is at most {LAG_BAR_FRAMES:g} frame late on the walker at {rates} fps",
            f"{slowest:.2f} frames",
            slowest <= LAG_BAR_FRAMES,
        ),
    ]


def main() -> int:
    """Print everything; 0 when every bar is met."""
    from holopose.build import build_estimator, build_pipeline
    from holopose.io.images import read_image
    from holopose.io.sources.video import VideoSource

    parser = argparse.ArgumentParser(description="Jitter before and after each filter, and the lag it costs.")
    parser.add_argument("--clip", type=Path, help="a clip with people who move (default: the shared folder's)")
    parser.add_argument("--frames", type=int, default=75, help="frames per repeated picture")
    parser.add_argument("--without-clip", action="store_true", help="leave the real clip out")
    options = parser.parse_args()
    shared = shared_folder()
    config = RunConfig(smooth="none")
    pipeline = build_pipeline(config, build_estimator(config), kind="clip")

    clips = [
        stilled(
            estimate(pipeline, shaken(read_image(shared / "data" / "images" / name), options.frames)),
            shifts(options.frames),
        )
        for name in PICTURES
    ]
    still = {"none": jitter(clips)}
    still |= {name: jitter([apply(clip) for clip in clips]) for name, apply in filters().items()}
    print(f"Jitter standing still: {', '.join(PICTURES)}, {options.frames} frames each\n")
    show_jitter(still)

    trembling = still["none"]["body"][1] / 100 / np.sqrt(6)  # of second differences of independent errors
    lags = {}
    for rate_hz in (25.0, 50.0):
        print(
            f"\nLag on the made-up walker at {rate_hz:g} frames per second, trembling by {trembling:.2%} of the size\n"
        )
        lags[rate_hz] = walking_lags(trembling, rate_hz)
        show_lags(lags[rate_hz], rate_hz)

    path = options.clip or shared / "data" / "video" / "video.avi"
    if not options.without_clip and path.is_file():
        with contextlib.closing(VideoSource(path)) as source:
            moving = estimate(pipeline, iter(source))
        count, on_clip = clip_lags(moving)
        rate_hz = 1 / float(np.median(np.diff([info.time_s or 0.0 for info, _ in moving])))
        print(f"\nLag against offline smoothing on {path.name}, the longest track ({count} frames)\n")
        show_lags(on_clip, rate_hz)
    return conclude(verdicts(still, lags))


if __name__ == "__main__":
    sys.exit(main())
