"""Owns the speed figures against rtmlib: the same ONNX files, detector and SimCC network, side by side in one run.

    python benchmarks/speed_rtmlib.py [--rounds 20] [--size m] [--batch 4] [--rtmlib-python PATH] [--device cpu]

The detector is YOLOX-nano with its own weights, the SimCC network RTMPose with weights made from its tensors' names:
published ones would cost the same time. The picture is made of four pictures of the shared folder, the first four in
which, side by side, the detector finds exactly eight people. rtmlib runs in its own virtual environment, in a child
process that waits while holopose works and the other way round; who goes first turns from round to round, and medians
over the rounds count. Holopose is measured with one picture at a time and with several, which rtmlib cannot take: the
bars are about the latter. Results must agree. Ends with 1 when a bar is not met.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from holopose.errors import BackendError
from holopose.estimators import TopDown
from holopose.io.images import read_image
from holopose.models.simcc import SimccModel
from holopose.models.yolox import YoloxDetector
from holopose.protocols import Runtime
from holopose.skeletons import LAYOUTS
from holopose.types import Frame, Poses
from pictures import ROOT, images_in, shared_folder
from speed_still import machine
from verdict import Verdict, conclude

PEOPLE = 8
MIN_SCORE = 0.3
DETECTOR_HW = (416, 416)
MODEL_HW = (256, 192)
TILE_WH = (640, 480)
SKELETONS = {17: "coco17", 26: "halpe26", 133: "wholebody133"}
PAUSE_S = 0.05  # between turns, until the threads of whoever just worked have gone to sleep
AGREE_PX, AGREE_SHARE = 1.0, 0.98  # so many keypoints must be so near: a nearly even vector may peak elsewhere
PACKAGES = ("rtmlib==0.0.16", "onnxruntime")

Run = Callable[[], float]
"""One picture; returns milliseconds."""


@dataclass(frozen=True)
class Answer:
    """What a system said of the picture: boxes (N, 4), keypoints (N, K, 2) px and scores (N, K)."""

    boxes: npt.NDArray[np.float64]
    xy: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]


class Rtmlib:
    """The child process; use it as a context manager."""

    def __init__(self, python: Path | str) -> None:
        self._command = [str(python), str(Path(__file__).with_name("rtmlib_child.py"))]
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.versions = self._answer()

    def ask(self, **order: Any) -> dict[str, Any]:
        """The answer to one order."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            self.close()
            sys.exit(
                f"the rtmlib process ended with {self._child.returncode}: run {' '.join(self._command)} to see why"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it; calling twice is harmless."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def rtmlib_python(folder: Path) -> Path:
    """The Python of a virtual environment with rtmlib, made in `folder` unless it is there already.

    Raises:
        SystemExit: it cannot be made.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = folder / "installed"
    if finished.is_file() and python.is_file():
        return python
    print(f"making {folder} with {', '.join(PACKAGES)} (once)", flush=True)
    for step in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *PACKAGES],
    ):
        if (code := subprocess.run(step, check=False).returncode) != 0:
            sys.exit(f"{' '.join(step)} ended with {code}: name a Python that has rtmlib with --rtmlib-python")
    finished.touch()
    return python


def write_model(path: Path, *, size: str, keypoints: int) -> None:
    """An RTMPose network with weights made from its tensors' names, as ONNX."""
    import torch

    from holopose.nets.rtmpose import RtmPose

    net = RtmPose(size, keypoints=keypoints, input_hw=MODEL_HW).eval()
    net.load_state_dict(
        {name: torch.from_numpy(named_numbers(name, tensor.shape)) for name, tensor in net.state_dict().items()}
    )
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    torch.onnx.export(
        net,
        (torch.zeros(2, 3, *MODEL_HW),),
        path,
        input_names=["input"],
        output_names=["simcc_x", "simcc_y"],
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        external_data=False,
        optimize=True,  # as plain as the published files
        verbose=False,
    )


def named_numbers(name: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    """Numbers for one tensor, the same ones every time: spread so that signals neither grow nor fade."""
    if name.endswith("num_batches_tracked"):
        return np.zeros(tuple(shape), np.int64)
    normal = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(tuple(shape))
    if name.endswith("running_var"):
        normal = 1 + 0.1 * np.abs(normal)
    elif name.endswith("running_mean"):
        normal = 0.05 * normal
    elif name.endswith("bias"):
        normal = 0.01 * normal
    elif len(shape) == 1:
        normal = 1 + 0.1 * normal
    else:
        normal = normal * np.sqrt(1 / np.prod(shape[1:]))
    return normal.astype(np.float32)


def compose(folder: Path, detector: YoloxDetector) -> tuple[Frame, tuple[str, ...]]:
    """A picture in which `detector` finds exactly eight people, and what it is made of.

    Raises:
        SystemExit: no four pictures of the folder make one.
    """
    tiles = {path.name: cv2.resize(read_image(path).image, TILE_WH) for path in images_in(folder)}
    for names in itertools.combinations(tiles, 4):
        one, two, three, four = (tiles[name] for name in names)
        frame = Frame(np.ascontiguousarray(np.vstack([np.hstack([one, two]), np.hstack([three, four])])))
        if len(detector.detect([frame])[0]) == PEOPLE:
            return frame, names
    sys.exit(f"no four pictures of {folder} show the detector exactly {PEOPLE} people")


def open_runtime(kind: str, path: Path, options: argparse.Namespace, item_shape: tuple[int, ...]) -> Runtime:
    """A network on ``onnxruntime`` or ``openvino``."""
    if kind == "openvino":
        from holopose.runtimes.openvino import OpenVinoRuntime

        return OpenVinoRuntime(path, threads=options.threads, item_shape=item_shape)
    from holopose.runtimes.onnxruntime import OnnxRuntime

    return OnnxRuntime(path, device=options.device, threads=options.threads, item_shape=item_shape)


def build(kind: str, detector: Path, model: Path, options: argparse.Namespace) -> TopDown:
    """Holopose with the same settings as rtmlib: blue first, the mean of both peaks, nobody left out afterwards."""
    return TopDown(
        YoloxDetector(
            open_runtime(kind, detector, options, (3, *DETECTOR_HW)), input_hw=DETECTOR_HW, min_score=MIN_SCORE
        ),
        SimccModel(
            open_runtime(kind, model, options, (3, *MODEL_HW)),
            skeleton=LAYOUTS[SKELETONS[options.keypoints]],
            input_hw=MODEL_HW,
            bgr=True,
            score_rule="mean",
        ),
        pose_nms="none",
    )


def measure(runs: Mapping[str, Run], rounds: int, *, pause_s: float = PAUSE_S) -> dict[str, list[float]]:
    """System -> milliseconds of each round; two more rounds before them warm up, who goes first turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(-2, rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            time.sleep(pause_s)
            ms = runs[name]()
            if turn >= 0:
                times[name].append(ms)
    return times


def agreement(ours: Answer, theirs: Answer) -> tuple[float, float, float]:
    """Share of keypoints within `AGREE_PX`, median distance px, and the largest difference of scores of those.

    People are matched by their boxes; a different number of people agrees in nothing. Keypoints without a score are
    NaN here and -1 there: both leave them out.
    """
    if len(ours.boxes) != len(theirs.boxes):
        return 0.0, np.inf, np.inf
    apart = np.abs(ours.boxes[:, None] - theirs.boxes[None]).max(axis=2)
    order = apart.argmin(axis=1)
    both = (ours.score > 0) & (theirs.score[order] > 0)
    far = np.linalg.norm(ours.xy - theirs.xy[order], axis=2)[both]
    near = far <= AGREE_PX
    # Scores above 1 are cut to 1 by holopose and not by rtmlib.
    off = np.abs(ours.score - np.minimum(theirs.score[order], 1))[both][near]
    return float(near.mean()), float(np.median(far)), float(off.max(initial=0))


def answer_of(poses: Poses) -> Answer:
    """The same numbers in plain arrays."""
    return Answer(*(np.asarray(array, np.float64) for array in (poses.boxes.xyxy, poses.xy, poses.score)))


def together(kind: str, batch: int) -> str:
    """What the table calls a system that is given several pictures at a time."""
    return f"{kind}, {batch} at a time"


def show(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Print every system's speed; how many times rtmlib's pictures per second each has."""
    print(f"\n{'':28}{'ms, median':>12}{'fastest':>10}{'slowest':>10}{'pictures/s':>12}{'times rtmlib':>14}")
    medians = {name: statistics.median(ms) for name, ms in times.items()}
    ratios = {name: medians["rtmlib"] / ms for name, ms in medians.items()}
    for name, ms in times.items():
        row = f"{medians[name]:12.1f}{min(ms):10.1f}{max(ms):10.1f}{1e3 / medians[name]:12.2f}{ratios[name]:14.2f}"
        print(f"{name:28}{row}")
    return ratios


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Pictures per second: rtmlib against holopose on the same files.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--size", default="m", help="of the RTMPose network: t, s, m, l, x")
    parser.add_argument("--keypoints", type=int, choices=tuple(SKELETONS), default=17)
    parser.add_argument("--batch", type=int, default=4, help="pictures that holopose is given at a time")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of each network; 0 = all processors")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rtmlib-python", type=Path, help="a Python that has rtmlib and onnxruntime already")
    parser.add_argument("--venv", type=Path, default=ROOT / ".cache" / "rtmlib", help="where to make one")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print everything; 0 when every bar is met."""
    options = parse(arguments)
    shared = shared_folder()
    detector = shared / "data" / "models" / "yolox_nano.onnx"
    # On a CPU the default runtime is OpenVINO; on a GPU both are ONNX Runtime.
    bars = {"onnxruntime": 1.2, "openvino": 1.5} if options.device == "cpu" else {"onnxruntime": 3.0}
    with (
        tempfile.TemporaryDirectory(prefix="holopose-rtmlib-") as folder,
        Rtmlib(options.rtmlib_python or rtmlib_python(options.venv)) as rival,
    ):
        model = Path(folder) / "model.onnx"
        write_model(model, size=options.size, keypoints=options.keypoints)
        try:
            systems = {kind: build(kind, detector, model, options) for kind in bars}
        except BackendError as error:
            sys.exit(str(error))
        frame, names = compose(shared / "data" / "images", systems["onnxruntime"].detector)  # type: ignore[arg-type]
        picture = str(Path(folder) / "eight.png")
        cv2.imwrite(picture, frame.image[:, :, ::-1])
        settings = {"detector": str(detector), "detector_hw": DETECTOR_HW, "model": str(model), "model_hw": MODEL_HW}
        limits = {"threads": options.threads, "device": options.device, "min_score": MIN_SCORE}
        device = rival.ask(open=settings | limits)["device"]
        rival.ask(load=picture)
        told = ", ".join(f"{name} {number}" for name, number in rival.versions.items())
        print(f"{told}; runs on {device}\n{machine()}")
        print(f"RTMPose-{options.size}, {options.keypoints} keypoints, 256x192; YOLOX-nano; threads {options.threads}")
        print(f"picture {frame.size_wh[0]}x{frame.size_wh[1]} of {', '.join(names)}")

        def ours(kind: str, count: int) -> Run:
            def run() -> float:
                start = time.perf_counter()
                systems[kind].estimate([frame] * count)
                return (time.perf_counter() - start) * 1e3 / count

            return run

        last = rival.ask(run=picture)
        theirs = Answer(*(np.array(last[name], np.float64) for name in ("boxes", "xy", "score")))
        alike = {kind: agreement(answer_of(system.estimate([frame])[0]), theirs) for kind, system in systems.items()}
        runs: dict[str, Run] = {"rtmlib": lambda: float(rival.ask(run=picture)["ms"])}
        for kind in bars:
            runs[kind] = ours(kind, 1)
            runs[together(kind, options.batch)] = ours(kind, options.batch)
        times = measure(runs, options.rounds)
    ratios = show(times)
    verdicts = []
    for kind, bar in bars.items():
        share, median_px, off = alike[kind]
        came = f"{share:.1%}, median {median_px:.3f} px, scores within {off:.4f}"
        asked = f"{kind}: {AGREE_SHARE:.0%} of the keypoints within {AGREE_PX:g} px of rtmlib's"
        verdicts.append(Verdict(asked, came, share >= AGREE_SHARE))
        ratio = ratios[together(kind, options.batch)]
        asked = f"{together(kind, options.batch)}: at least {bar} times rtmlib's pictures per second"
        verdicts.append(Verdict(asked, f"{ratio:.2f}", ratio >= bar))
    return conclude(verdicts)


if __name__ == "__main__":
    sys.exit(main())
