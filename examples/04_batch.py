"""Work through a folder, going on where an earlier run ended.  Usage: python 04_batch.py folder/ out/."""

from __future__ import annotations

import sys

from holopose import RunConfig, build
from holopose.io.results import read_results


def main(folder: str, out: str) -> None:
    """Write a JSON file for each picture and clip, then read it back and say how many people are in it."""
    config = RunConfig(save=("json",), recursive=True, resume=True)
    summary = build.run_files([folder], out, config)
    for outcome in summary.outcomes:
        if outcome.error is not None:
            print(f"failed: {outcome.error}")
            continue
        at_once = max(len(poses) for _, poses in read_results(outcome.files[0]))
        state = "complete already" if outcome.kept else f"took {outcome.time_s:.1f} s"
        print(f"{outcome.input}: {outcome.frames} frames, at most {at_once} people at once, {state}")
    print(f"report: {summary.report}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
