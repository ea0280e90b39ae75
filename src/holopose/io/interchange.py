"""Owns turning a result file of one form into another, and saying what the other form cannot hold."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holopose.errors import ConfigError, InputError
from holopose.io.readers.foreign import UNKNOWN_WH
from holopose.io.readers.recognize import SIZED, read_results_file, recognize
from holopose.io.results import UNKNOWN_RUN, Results
from holopose.io.sinks import SINKS
from holopose.io.sinks.alphapose import written_layout
from holopose.protocols import Sink
from holopose.skeletons.conversions import conversion, convert, missing_after
from holopose.skeletons.layouts import COCO17, FACE68, LAYOUTS, OPENPOSE18, OPENPOSE25, WHOLEBODY133
from holopose.skeletons.skeleton import Skeleton
from holopose.types import FrameInfo, Poses

__all__ = ["ENDINGS", "Conversion", "convert_file", "list_losses"]

ENDINGS: dict[str, str] = {
    "json": ".json",
    "jsonl": ".jsonl",
    "csv": ".csv",
    "wide-csv": ".wide.csv",
    "parquet": ".parquet",
    "trc": ".trc",
    "coco": ".coco.json",
    "openpose": ".openpose",
    "alphapose": ".alphapose.json",
}
"""Ending of each form that is written without pictures; openpose is a folder."""

_RECORDS_SIZE = ("json", "jsonl", "csv", "wide-csv", "parquet", "coco dataset")
_NEEDS_PICTURES = ("overlay", "skeleton")
_SHOWN = 8
"""How many keypoints a message names."""

_FACTS: dict[str, tuple[str, Callable[[FrameInfo, Poses], bool]]] = {
    "empty": ("Frames without people", lambda _, poses: not len(poses)),
    "time": ("Times of the frames", lambda frame, _: frame.time_s is not None),
    "clip": ("Name of the clip", lambda frame, _: frame.time_s is not None and bool(frame.name)),
    "size": ("Sizes of the pictures", lambda frame, _: frame.size_wh != UNKNOWN_WH),
    "id": ("Identities of people", lambda _, poses: poses.ids is not None and bool((poses.ids >= 0).any())),
    "box": ("Boxes of people", lambda _, poses: bool(len(poses))),
    "person_score": ("Scores of people", lambda _, poses: bool(len(poses))),
    "score": ("Scores of keypoints", lambda _, poses: bool(len(poses))),
    "visible": ("What is visible and what is hidden", lambda _, poses: poses.visible is not None),
    "world": ("Coordinates in metres", lambda _, poses: poses.world is not None),
    "native": ("Keypoints of the model's own layout", lambda _, poses: poses.native is not None),
    "raw": ("Coordinates before smoothing", lambda _, poses: poses.raw_xy is not None),
    "swapped": ("Marks of exchanged sides", lambda _, poses: poses.swapped is not None and bool(poses.swapped.any())),
}
"""What results can hold beside keypoints: how it is called, and whether a frame has it."""

_PIXELS = "Coordinates in pixels: trc has those in metres instead."
_RUN = "How the results came about (model, options, meaning of scores)"
_ALL = frozenset(_FACTS) | {"run"}
_LIST = frozenset({"id", "box", "person_score", "score"})
_KEEPS: dict[str, frozenset[str]] = {
    "json": _ALL,
    "jsonl": _ALL,
    "csv": _ALL - {"box", "native", "run"},
    "wide-csv": _ALL - {"visible", "world", "native", "swapped", "run"},
    "parquet": _ALL - {"native"},
    "trc": frozenset({"empty", "time", "id", "world"}),
    "coco parts": _LIST,
    "coco body": _LIST,
    "coco flat133": _LIST,
    "coco dataset": frozenset({"empty", "time", "clip", "size", "id", "box", "person_score", "visible"}),
    "openpose": frozenset({"empty", "clip", "id", "score"}),
    "alphapose coco": _LIST,
    "alphapose cmu": frozenset({"empty", "score"}),
    "alphapose open": frozenset({"empty", "score"}),
}
"""What each form keeps of them; "run" is how the results came about."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one file.

    Attributes:
        files: What was written: one file or folder; for trc one file per identity.
        frames: How many frames there were.
        lost: Sentences: what the old file did not say, then what the new one cannot.
    """

    files: tuple[Path, ...]
    frames: int
    lost: tuple[str, ...]


def convert_file(
    path: Path | str,
    to: str,
    out: Path | str | None = None,
    *,
    layout: str | None = None,
    coco_form: str = "parts",
    alphapose_form: str = "coco",
    size_wh: tuple[int, int] | None = None,
    overwrite: bool = False,
) -> Conversion:
    """Write the people of one result file in another form.

    Args:
        path: A file of any form that `holopose.io.readers.recognize` knows; a folder for OpenPose.
        to: Form wanted, a key of `ENDINGS`.
        out: File to write, or a folder for it; beside `path` under its name with the form's ending by default.
        layout: Convert the keypoints to this layout first.
        coco_form: One of parts, body, flat133, dataset.
        alphapose_form: One of coco, cmu, open.
        size_wh: Size of the pictures in pixels, for files that do not say it.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigError: an option is unknown or does not fit.
        InputError: the file cannot be read or is of no known form.
        OutputError: the new one cannot be written.
    """
    _choose(to)
    target = None if layout is None else _layout(layout)
    if size_wh is not None and (form := recognize(path)) not in SIZED:
        raise ConfigError(f"{path}: its form ({form}) says how large the pictures are; leave the size out")
    results = read_results_file(path, size_wh)
    shape = {"coco": coco_form, "alphapose": alphapose_form}.get(to)
    name = to if shape is None else f"{to} {shape}"
    place = _place(Path(path).absolute() if not Path(path).name else Path(path), to, out)
    sink = _open(to, shape, place, results, overwrite=overwrite, inputs=[path])
    if name in _RECORDS_SIZE and any(frame.size_wh == UNKNOWN_WH for frame, _ in results):
        raise InputError(
            f"{path}: does not say how large the pictures are, which {name} records; give it (--size 1920x1080)"
        )
    _write(sink, results, target)
    files, notes = getattr(sink, "files", (place,)), getattr(sink, "notes", ())
    return Conversion(files, len(results), (*results.lost, *list_losses(results, name, target), *notes))


def list_losses(results: Results, name: str, target: Skeleton | None = None) -> tuple[str, ...]:
    """What of these results a form cannot hold, a sentence each.

    Args:
        results: What is to be written.
        name: The form; for coco and alphapose with its shape, as in ``coco dataset``.
        target: Layout that the keypoints are converted to first.
    """
    skeleton = target or results.skeleton
    lost = [] if target is None else _lost_keypoints(results.skeleton, [target], target.name)
    lost += _lost_keypoints(skeleton, _targets(name, skeleton), name)
    keeps = _KEEPS[name] - ({"raw", "swapped"} if skeleton != results.skeleton else set())
    for fact, (what, is_there) in _FACTS.items():
        if fact not in keeps and any(is_there(frame, poses) for frame, poses in results):
            lost.append(f"{what}: {name} has no place for that.")
    if name == "trc" and any(poses.world is not None for _, poses in results):
        lost.append(_PIXELS)
    if "run" not in keeps and results.info.model != UNKNOWN_RUN.model:
        lost.append(f"{_RUN}: {name} has no place for that.")
    return tuple(lost)


def _choose(to: str) -> None:
    if to in _NEEDS_PICTURES:
        raise ConfigError(f"to: {to} needs the pictures themselves; `holopose render` draws")
    known = [name for name in ENDINGS if name in SINKS]
    if to not in known:
        raise ConfigError(f"to: expected one of {', '.join(known)}, got {to!r}{_hint(to, known)}")


def _layout(name: str) -> Skeleton:
    if name not in LAYOUTS:
        raise ConfigError(f"layout: expected one of {', '.join(LAYOUTS)}, got {name!r}{_hint(name, LAYOUTS)}")
    return LAYOUTS[name]


def _hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else ""


def _place(path: Path, to: str, out: Path | str | None) -> Path:
    """Where the result goes."""
    endings = sorted(ENDINGS.values(), key=len, reverse=True)
    known = next((ending for ending in endings if path.name.lower().endswith(ending)), path.suffix)
    stem = path.name[: len(path.name) - len(known)] or "results"
    if out is None:
        return path.with_name(stem + ENDINGS[to])
    folder = str(out).endswith(("/", "\\")) or (to != "openpose" and Path(out).is_dir())
    return Path(out) / f"{stem}{ENDINGS[to]}" if folder else Path(out)


def _open(
    to: str, shape: str | None, place: Path, results: Results, *, overwrite: bool, inputs: Sequence[Path | str]
) -> Sink:
    options: dict[str, Any] = {"overwrite": overwrite, "inputs": inputs}
    if shape is not None:
        options["form"] = shape
    if to in ("json", "jsonl"):
        options["native"] = True
    if to in ("csv", "wide-csv", "parquet"):
        options["raw"] = any(poses.raw_xy is not None for _, poses in results)
    if to in ("csv", "parquet"):
        options["world"] = any(poses.world is not None for _, poses in results)
    return SINKS[to](place, results.info, **options)


def _write(sink: Sink, results: Results, target: Skeleton | None) -> None:
    done = False
    try:
        for frame, poses in results:
            sink.write(frame, poses if target is None else convert(poses, target))
        done = True
    finally:
        sink.close(ok=done)


def _targets(name: str, skeleton: Skeleton) -> list[Skeleton]:
    """The layouts that a form writes people of `skeleton` in, side by side."""
    if name in ("coco parts", "openpose"):
        parts = [part for part in WHOLEBODY133.parts if part in skeleton.parts]
        if name == "coco parts":
            keep = [k for part in WHOLEBODY133.parts if part in ("body", *parts) for k in WHOLEBODY133.parts[part]]
            return [WHOLEBODY133.subset(keep, "wholebody133")]
        hands = [k for part in parts if part.endswith("hand") for k in WHOLEBODY133.parts[part]]
        face = [FACE68] if "face" in parts else []
        return [OPENPOSE25, *face, *([WHOLEBODY133.subset(hands, "hands")] if hands else [])]
    fixed = {"coco body": COCO17, "coco flat133": WHOLEBODY133, "alphapose cmu": OPENPOSE18}
    fixed |= {"alphapose open": OPENPOSE18, "alphapose coco": written_layout(skeleton)}
    return [fixed.get(name, skeleton)]


def _lost_keypoints(source: Skeleton, targets: Sequence[Skeleton], name: str) -> list[str]:
    """What becomes of the keypoints when they are written in these layouts."""
    used = np.zeros(len(source), np.bool_)
    missing: list[str] = []
    for target in targets:
        if target == source:
            used[:] = True
            continue
        used |= conversion(source, target).any(axis=0)
        missing += missing_after(source, target)
    dropped = [one for one, kept in zip(source.keypoints, used.tolist(), strict=True) if not kept]
    lost = []
    if dropped:
        lost.append(f"Keypoints without a place in {name}: {_named(dropped)}.")
    if missing:
        lost.append(f"Keypoints of {name} that {source.name} does not have: {_named(missing)}; they are missing.")
    return lost


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown}, ... ({len(names)} in all)"
