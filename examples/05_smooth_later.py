"""Smooth the stored results of a clip.  Usage: python 05_smooth_later.py clip.json smoothed.json.

Make them with: holopose run clip.mp4 --smooth none --save json -o out
Draw them with: holopose render smoothed.json clip.mp4 -o smoothed.mp4
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from holopose.io.results import read_results
from holopose.io.sinks import JsonSink
from holopose.smoothing.clip import smooth_clip, track_sequences


def main(stored: str, target: str) -> None:
    """Low-pass everybody's motion at 4 Hz, keep the coordinates before that as `raw`, print what it changed."""
    results = read_results(stored)
    smoothed = smooth_clip(results.frames, "butterworth", cutoff_hz=4.0, keep_raw=True)
    for before, after in zip(track_sequences(results.frames), track_sequences(smoothed), strict=True):
        jitter_px = [float(np.nanstd(np.diff(track.xy, 2, axis=0))) for track in (before, after)]
        print(f"person {before.ids[0]}: jitter {jitter_px[0]:.2f} px before, {jitter_px[1]:.2f} px after")
    info = replace(results.info, options={**results.info.options, "smooth": "butterworth"})
    sink = JsonSink(target, info, overwrite=True)
    for frame, poses in smoothed:
        sink.write(frame, poses)
    sink.close(ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
