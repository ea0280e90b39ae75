"""Memory stays flat however long a clip is: ten thousand frames through the whole of a run."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")

TESTS = Path(__file__).resolve().parents[1]
FRAMES = 10_000
WARM, GROWTH_MB = 2_000, 4.0

RUN = """
    import json, os, sys
    sys.path.insert(0, sys.argv[1])
    import numpy as np
    from holopose.build import run_files
    from holopose.build.outcomes import NoProgress
    from holopose.config import RunConfig
    from holopose.skeletons import COCO17
    from holopose.types import Boxes, Poses

    class Walker:
        skeleton = COCO17
        line = np.linspace([2, 2], [12, 14], 17)
        def estimate(self, frames):
            return [self._one(frame.index) for frame in frames]
        def _one(self, index):
            if index % 400 > 180:  # gone for a while: identities end and begin anew
                return Poses.empty(COCO17)
            left = index % 8
            box = Boxes(np.array([[left, 0, left + 14, 16]]), np.array([0.9]))
            return Poses((self.line + [left, 0])[None], np.full((1, 17), 0.9), box, COCO17)
        def reset(self):
            pass

    class Watch(NoProgress):
        samples = []
        def advance(self, frame, people, latency_s):
            if frame.index % 250 == 0:
                with open("/proc/self/statm") as file:
                    pages = int(file.read().split()[1])
                self.samples.append((frame.index, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))

    config = RunConfig(save=("json", "csv", "overlay"), gap_s=0.2)
    summary = run_files([sys.argv[2]], sys.argv[3], config, estimator=Walker(), progress=Watch())
    [outcome] = summary.outcomes
    print(json.dumps({"samples": Watch.samples, "frames": outcome.frames, "error": str(outcome.error)}))
"""


def test_memory_levels_after_the_first_frames(tmp_path: Path) -> None:
    samples = runpy.run_path(str(TESTS / "clip_samples.py"))
    cards = [samples["card"](index, (24, 16)) for index in range(12)]
    images = (cards[index % len(cards)] for index in range(FRAMES))
    clip = samples["write_clip"](tmp_path / "long.mp4", images, codec="mpeg4")
    command = [sys.executable, "-c", textwrap.dedent(RUN), str(TESTS), str(clip), str(tmp_path / "out")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert ran.stderr == ""
    told: dict[str, Any] = json.loads(ran.stdout)
    assert (told["frames"], told["error"]) == (FRAMES, "None")
    warm = [megabytes for index, megabytes in told["samples"] if index >= WARM]
    assert len(warm) > 30
    assert max(warm) - warm[0] < GROWTH_MB, told["samples"]
