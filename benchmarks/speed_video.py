"""Owns the speed figures for clips: MediaPipe Holistic in video mode and holopose side by side, in one run.

    python benchmarks/speed_video.py [--rounds 5] [--clip PATH] [--mediapipe-python PATH] [--no-crowd]

Decoding counts on both sides, loading on neither; holopose gives identities and smooths, as it does by default. The
order turns from round to round and the median counts. MediaPipe follows one person and runs in a virtual environment of
its own (made once, in .cache/). Then, for 1, 2, 4 and 8 copies of the walker, how the cost grows. Ends with 1
when one of the bars is not met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.build import parts
from holopose.config import RunConfig
from holopose.io.sources.inputs import Input
from holopose.pipeline import run
from holopose.protocols import Estimator
from pictures import ROOT, shared_folder
from speed_still import MediaPipe, machine, mediapipe_python
from verdict import Verdict, conclude

BARS = {"one person": 2.5, "everybody": 2.0, "one person, overlay": 1.3}
"""Least frames per second, as a multiple of MediaPipe's."""
TILE = (slice(60, 660), slice(540, 940))  # rows and columns of the clip that hold the walker until frame TILE_FRAMES
TILE_FRAMES = 150
GRIDS = {1: (1, 1), 2: (1, 2), 4: (1, 4), 8: (2, 4)}

Counts = tuple[float, float]
"""Frames per second, people per frame."""


class Holopose:
    """Runs clips; the networks are loaded once.

    Args:
        config: Options.
        estimator: Shared by several, where their options about people agree.
    """

    def __init__(self, config: RunConfig, estimator: Estimator | None = None) -> None:
        self.config = config
        self.estimator = estimator or parts.build_estimator(config)

    def __call__(self, clip: Path) -> Counts:
        """Run a clip from the file to its results; sinks are those of the configuration's `save`."""
        source = parts.build_source(Input("video", str(clip), clip.stem), self.config)
        pipeline = parts.build_pipeline(self.config, self.estimator, kind="clip")
        people = 0

        def count(_: object, poses: Any) -> None:
            nonlocal people
            people += len(poses)

        with tempfile.TemporaryDirectory() as folder:
            sinks = {}
            if self.config.save == ("overlay",):
                sinks = parts.build_sinks(self.config, Path(folder) / "clip", pipeline.estimator, source=source)
            start = time.perf_counter()
            frames = run(source, pipeline, list(sinks.values()), count)
            seconds = time.perf_counter() - start
        source.close()
        return frames / seconds, people / frames


def mediapipe_run(rival: MediaPipe) -> Callable[[Path], Counts]:
    """MediaPipe on a clip."""

    def run_clip(clip: Path) -> Counts:
        answer = rival.ask({"clip": str(clip)})
        return answer["frames"] / answer["seconds"], answer["found"] / answer["frames"]

    return run_clip


def measure(runs: Mapping[str, Callable[[Path], Counts]], clip: Path, rounds: int) -> dict[str, list[Counts]]:
    """Figures of every round after one that warms up; who goes first turns."""
    names = list(runs)
    rows: dict[str, list[Counts]] = {name: [] for name in names}
    for turn in range(-1, rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            counts = runs[name](clip)
            if turn >= 0:
                rows[name].append(counts)
    return rows


def tiled(clip: Path, copies: int, path: Path) -> None:
    """A clip of the walker, `copies` times side by side, every second one mirrored."""
    import av

    rows, columns = GRIDS[copies]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=50, options={"preset": "veryfast", "crf": "18"})
        stream.pix_fmt = "yuv420p"
        for picture in _tiles(clip, rows, columns):
            if not stream.width or stream.width != picture.shape[1]:
                stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _tiles(clip: Path, rows: int, columns: int) -> Iterator[npt.NDArray[np.uint8]]:
    source = parts.build_source(Input("video", str(clip), clip.stem), RunConfig())
    for frame in source:
        if frame.index >= TILE_FRAMES:
            break
        tile = frame.image[TILE]
        pair = [tile, tile[:, ::-1]]
        yield np.ascontiguousarray(
            np.vstack([np.hstack([pair[(r + c) % 2] for c in range(columns)]) for r in range(rows)])
        )


def show_crowd(everybody: Holopose, clip: Path, rounds: int) -> None:
    """Print how the cost grows with the number of people."""
    print(f"\n{'copies':>8}{'people':>9}{'fps':>8}{'ms per frame':>15}{'ms per person':>15}")
    with tempfile.TemporaryDirectory() as folder:
        for copies in GRIDS:
            path = Path(folder) / f"{copies}.mp4"
            tiled(clip, copies, path)
            counts = [everybody(path) for _ in range(rounds)]
            fps, people = statistics.median(one[0] for one in counts), counts[0][1]
            print(f"{copies:8}{people:9.2f}{fps:8.1f}{1e3 / fps:15.1f}{1e3 / fps / max(people, 1e-9):15.1f}")


def main() -> int:
    """Print everything; 0 when every bar is met."""
    parser = argparse.ArgumentParser(description="Frames per second: MediaPipe Holistic in video mode and holopose.")
    parser.add_argument("--clip", type=Path, help="default: the shared folder's video.avi")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="arithmetic of holopose")
    parser.add_argument("--mediapipe-python", type=Path, help="a Python that has mediapipe 0.10.21 already")
    parser.add_argument("--venv", type=Path, default=ROOT / ".cache" / "mediapipe-0.10.21", help="where to make one")
    parser.add_argument("--no-crowd", action="store_true", help="leave out the table by number of people")
    options = parser.parse_args()
    clip = (options.clip or shared_folder() / "data" / "video" / "video.avi").resolve()
    one = RunConfig(max_people=1, precision=options.precision, save=("json",))
    everyone = one.replace(max_people=None)
    overlay = one.replace(save=("overlay",))
    solo, everybody = Holopose(one), Holopose(everyone)
    child = Path(__file__).with_name("mediapipe_video_child.py")
    with MediaPipe(options.mediapipe_python or mediapipe_python(options.venv), child) as rival:
        print(f"MediaPipe {rival.info['version']} on Python {rival.info['python']}, video mode, model_complexity 1")
        print(f"holopose: {getattr(solo.estimator, 'info', {}).get('runtime')}\n{machine()}")
        runs: dict[str, Callable[[Path], Counts]] = {
            "MediaPipe": mediapipe_run(rival),
            "one person": solo,
            "everybody": everybody,
            "one person, overlay": Holopose(overlay, solo.estimator),
            "everybody, overlay": Holopose(overlay.replace(max_people=None), everybody.estimator),
        }
        rows = measure(runs, clip, options.rounds)
    base = statistics.median(fps for fps, _ in rows["MediaPipe"])
    ratios = {}
    print(f"\n{'on ' + clip.name:24}{'people':>8}{'fps':>8}{'range':>16}{'times MediaPipe':>17}")
    for name, counts in rows.items():
        rates = [fps for fps, _ in counts]
        ratios[name] = statistics.median(rates) / base
        span = f"{min(rates):.1f}-{max(rates):.1f}"
        print(f"{name:24}{counts[0][1]:8.2f}{statistics.median(rates):8.1f}{span:>16}{ratios[name]:17.2f}")
    if not options.no_crowd:
        show_crowd(everybody, clip, max(1, options.rounds // 2))
    return conclude(
        Verdict(
            f"{name}: at least {bar} times MediaPipe's frames per second", f"{ratios[name]:.2f}", ratios[name] >= bar
        )
        for name, bar in BARS.items()
    )


if __name__ == "__main__":
    sys.exit(main())
