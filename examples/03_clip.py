"""Say when each person of a clip is seen and how fast they move.  Usage: python 03_clip.py clip.mp4."""

from __future__ import annotations

import sys
from collections import defaultdict

import numpy as np

import holopose


def main(clip: str) -> None:
    """Follow everybody; print a line per person once the clip has ended."""
    times: dict[int, list[float]] = defaultdict(list)
    wrists: dict[int, list[np.ndarray]] = defaultdict(list)
    for frame, poses in holopose.stream(clip):
        for identity, person in zip(poses.ids if poses.ids is not None else (), poses, strict=True):
            if identity > 0 and frame.time_s is not None:  # -1: seen too short to have one
                times[int(identity)].append(frame.time_s)
                wrists[int(identity)].append(person["right_wrist"][0, :2])
    for identity, seen_s in times.items():
        first_s, last_s = seen_s[0], seen_s[-1]
        print(f"person {identity}: {len(seen_s)} frames from {first_s:.2f} s to {last_s:.2f} s", end="")
        if len(seen_s) > 1:
            steps_px = np.linalg.norm(np.diff(wrists[identity], axis=0), axis=1)
            print(f", right wrist up to {np.nanmax(steps_px / np.diff(seen_s)):.0f} px/s", end="")
        print()


if __name__ == "__main__":
    main(sys.argv[1])
