"""Owns the speed figures for stills: MediaPipe Holistic and holopose side by side, call by call, in one run.

    python benchmarks/speed_still.py [PICTURE_OR_FOLDER...] [--rounds 10] [--mediapipe-python PATH] [--stages]

MediaPipe runs in its own virtual environment (made once, in .cache/), in a child process that waits while holopose
works and the other way round: pictures are decoded beforehand, one instance of each serves all calls, the order turns
from round to round, and the median over the rounds counts. Ends with 1 when one of the bars is not met.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from holopose.ops.laps import measuring
from holopose.protocols import Estimator
from holopose.types import Frame
from pictures import ROOT, images_in, shared_folder
from verdict import Verdict, conclude

MEDIAPIPE = "mediapipe==0.10.21"
SYSTEMS = ("MediaPipe", "whole", "all people")
BARS = {"whole": 0.5, "all people": 2.5}
"""Largest time per picture allowed, as a multiple of MediaPipe's."""

Run = Callable[[Frame], tuple[float, int]]
"""Times one call: milliseconds and people found."""


class MediaPipe:
    """The child process; use it as a context manager.

    Args:
        python: An interpreter that has MediaPipe.
        script: What it runs; by default pictures, one by one.
    """

    def __init__(self, python: Path | str, script: Path | None = None) -> None:
        command = [str(python), str(script or Path(__file__).with_name("mediapipe_child.py"))]
        self._command = " ".join(command)
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.info = self._answer()

    def load(self, path: Path) -> bool:
        """Decode a picture for `run`; False when MediaPipe's OpenCV cannot."""
        return bool(self.ask({"load": str(path)})["loaded"])

    def run(self, frame: Frame) -> tuple[float, int]:
        """Milliseconds of one call on a loaded picture, and how many people it found (0 or 1)."""
        answer = self.ask({"run": frame.name})
        return float(answer["ms"]), int(answer["people"])

    def ask(self, order: Mapping[str, str]) -> dict[str, Any]:
        """The answer to one order."""
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then there is no answer to read
            self._child.stdin.write(json.dumps(order) + "\n")
            self._child.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            self.close()
            sys.exit(f"the MediaPipe process ended with {self._child.returncode}: run {self._command} to see why")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it; calling twice is harmless."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def mediapipe_python(folder: Path) -> Path:
    """The Python of a virtual environment with MediaPipe, made in `folder` unless it is there already.

    Raises:
        SystemExit: no Python 3.9 to 3.12 here, or the installation failed.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = folder / f"{MEDIAPIPE}.installed"
    if finished.is_file() and python.is_file():
        return python
    base = next((found for found in _pythons() if found), None)
    if base is None:
        sys.exit(f"{MEDIAPIPE} needs Python 3.9 to 3.12 and none is on the PATH: name one with --mediapipe-python")
    print(f"making {folder} with {base} and {MEDIAPIPE} (once)", flush=True)
    steps: list[list[str]] = [
        [base, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", MEDIAPIPE],
    ]
    for step in steps:
        if (code := subprocess.run(step, check=False).returncode) != 0:
            sys.exit(f"{' '.join(step)} ended with {code}")
    finished.touch()
    return python


def _pythons() -> Iterable[str | None]:
    """Interpreters that MediaPipe has a wheel for, this one first."""
    for name in (sys.executable, "python3.12", "python3.11", "python3.10", "python3.9"):
        path = shutil.which(name)
        check = "import sys, venv; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 12))"
        if path and subprocess.run([path, "-c", check], capture_output=True, check=False).returncode == 0:
            yield path


def holopose_run(estimator: Estimator) -> Run:
    """Times one call of an estimator."""

    def run(frame: Frame) -> tuple[float, int]:
        start = time.perf_counter()
        [poses] = estimator.estimate([frame])
        return (time.perf_counter() - start) * 1e3, len(poses)

    return run


def measure(frames: Sequence[Frame], runs: Mapping[str, Run], rounds: int) -> dict[str, dict[str, tuple[float, int]]]:
    """Picture -> system -> median ms over the rounds, people found; one more round before them warms up.

    Every system sees a picture before the next picture comes; who goes first turns from round to round.
    """
    times: dict[str, dict[str, list[float]]] = {frame.name: {name: [] for name in runs} for frame in frames}
    people: dict[str, dict[str, int]] = {frame.name: {} for frame in frames}
    names = list(runs)
    for turn in range(-1, rounds):
        order = names[turn % len(names) :] + names[: turn % len(names)]
        for frame in frames:
            for name in order:
                ms, people[frame.name][name] = runs[name](frame)
                if turn >= 0:
                    times[frame.name][name].append(ms)
    return {
        picture: {name: (statistics.median(ms), people[picture][name]) for name, ms in row.items()}
        for picture, row in times.items()
    }


def show(rows: Mapping[str, Mapping[str, tuple[float, int]]]) -> dict[str, float]:
    """Print ms and people per picture; the ratio of the mean times to MediaPipe's, per system."""
    print(f"\n{'ms (people) per picture':32}" + "".join(f"{name:>18}" for name in SYSTEMS))
    for picture, row in rows.items():
        cells = "".join(f"{row[name][0]:12.1f} ({row[name][1]:3})" for name in SYSTEMS)
        print(f"{Path(picture).name:32}{cells}")
    means = {name: statistics.mean(row[name][0] for row in rows.values()) for name in SYSTEMS}
    print(f"{'mean':32}" + "".join(f"{means[name]:12.1f}      " for name in SYSTEMS))
    ratios = {name: means[name] / means["MediaPipe"] for name in BARS}
    for name, ratio in ratios.items():
        each = [row[name][0] / row["MediaPipe"][0] for row in rows.values()]
        spread = f"single pictures {min(each):.2f} to {max(each):.2f}, mean of these {statistics.mean(each):.2f}"
        print(f"{name}: {ratio:.2f} times MediaPipe's time ({spread})")
    return ratios


def machine() -> str:
    """Processor, cores this process may use, load, and what the environment says about threads."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")} or "not set"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {cores} cores usable{load}; *_NUM_THREADS {threads}"


def stages(estimator: Estimator, frames: Sequence[Frame], rounds: int = 3) -> None:
    """Print where the estimator's time goes, lap by lap."""
    spent: dict[str, list[float]] = {}
    for frame in frames:
        for _ in range(rounds):
            with measuring() as laps:
                estimator.estimate([frame])
            for stage, seconds in laps.items():
                spent.setdefault(stage, []).append(seconds * 1e3)
    for stage, ms in spent.items():
        print(f"  {stage:24} {sum(ms) / (rounds * len(frames)):8.2f} ms per picture")
    if not spent:
        print("  this estimator tells of no stages")


def find_pictures(given: Sequence[Path]) -> list[Path]:
    """The pictures named, those of the folders named, or those of the shared folder."""
    places = given or [shared_folder() / "data" / "images"]
    return [path.resolve() for place in places for path in (images_in(place) if place.is_dir() else [place])]


def main() -> int:
    """Print everything; 0 when every bar is met."""
    from holopose.build import build_estimator
    from holopose.io.images import read_image

    parser = argparse.ArgumentParser(description="Milliseconds per picture: MediaPipe Holistic against holopose.")
    parser.add_argument("pictures", nargs="*", type=Path, help="pictures or folders (default: shared data/images)")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of holopose; 0 = its own choice")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="arithmetic of holopose")
    parser.add_argument("--mediapipe-python", type=Path, help="a Python that has mediapipe 0.10.21 already")
    parser.add_argument("--venv", type=Path, default=ROOT / ".cache" / "mediapipe-0.10.21", help="where to make one")
    parser.add_argument("--stages", action="store_true", help="show where holopose's time goes as well")
    options = parser.parse_args()
    paths = find_pictures(options.pictures)
    estimators = {
        "whole": build_estimator(search="whole", max_people=1, threads=options.threads, precision=options.precision),
        "all people": build_estimator(threads=options.threads, precision=options.precision),
    }
    with MediaPipe(options.mediapipe_python or mediapipe_python(options.venv)) as rival:
        print(f"MediaPipe {rival.info['version']} on Python {rival.info['python']}, static mode, model_complexity 1")
        for name, estimator in estimators.items():
            info = getattr(estimator, "info", {})
            print(
                f"holopose {name}: {info.get('runtime', 'runtime not told')}, threads {options.threads or 'its choice'}"
            )
        print(machine())
        paths = [path for path in paths if rival.load(path)]
        frames = [Frame(read_image(path).image, name=str(path)) for path in paths]
        runs: dict[str, Run] = {"MediaPipe": rival.run}
        runs |= {name: holopose_run(estimator) for name, estimator in estimators.items()}
        rows = measure(frames, runs, options.rounds)
    ratios = show(rows)
    if options.stages:
        for name, estimator in estimators.items():
            print(f"\nwhere the time of '{name}' goes")
            stages(estimator, frames)
    return conclude(
        Verdict(f"{name}: at most {bar} times MediaPipe's time per picture", f"{ratios[name]:.2f}", ratios[name] <= bar)
        for name, bar in BARS.items()
    )


if __name__ == "__main__":
    sys.exit(main())
