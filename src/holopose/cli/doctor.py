"""Owns `holopose doctor`: what is installed here, what really runs, what is missing, and how to mend it."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.cli.console import say, say_table
from holopose.errors import HoloposeError

__all__ = ["Problem", "Report", "doctor", "examine"]

OPENCV_WHEELS = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs mending.

    Attributes:
        what: What is wrong.
        mend: What to do about it.
    """

    what: str
    mend: str


@dataclass(slots=True)
class Report:
    """What was found; every field is plain data, ready for JSON."""

    holopose: str
    python: dict[str, str] = field(default_factory=dict)
    platform: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, str | None] = field(default_factory=dict)
    opencv_wheels: dict[str, str] = field(default_factory=dict)
    runtimes: list[dict[str, Any]] = field(default_factory=list)
    cache: dict[str, Any] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    offline: bool = False
    problems: list[Problem] = field(default_factory=list)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Look at this machine: versions, devices, models, clashes; say what to do.

    Exit code 0: all fine; 1: something needs mending.
    """
    report = examine()
    if as_json:
        say(json.dumps(asdict(report), indent=2, ensure_ascii=False))
    else:
        _show(report)
    raise typer.Exit(1 if report.problems else 0)


def examine() -> Report:
    """Look at everything; nothing is fetched or changed."""
    report = Report(holopose=metadata.version("holopose"))
    report.python = {"version": platform.python_version(), "executable": sys.executable}
    report.platform = {"system": platform.platform(), "machine": platform.machine(), "cpus": os.cpu_count()}
    report.environment = {k: v for k, v in sorted(os.environ.items()) if k.startswith("HOLOPOSE_")}
    report.offline = _is_offline()
    _look_at_packages(report)
    _look_at_opencv(report)
    _look_at_models(report)
    _look_at_openvino(report)
    return report


def _is_offline() -> bool:
    from holopose.zoo import fetch

    return fetch.is_offline()


def _requirements() -> Iterator[tuple[str, bool]]:
    """Name of each distribution that holopose asks for, and whether it is a core one (not of an extra)."""
    for line in metadata.requires("holopose") or []:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if name and "extra == 'dev'" not in line.replace('"', "'"):
            yield name.group(), "extra ==" not in line


def _look_at_packages(report: Report) -> None:
    for name, core in _requirements():
        version = _version(name)
        report.packages[name] = version
        if core and version is None:
            report.problems.append(Problem(f"{name} is not installed", f"python -m pip install {name}"))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _look_at_opencv(report: Report) -> None:
    """Several OpenCV wheels overwrite each other's `cv2` folder; which one wins is chance."""
    report.opencv_wheels = {name: version for name in OPENCV_WHEELS if (version := _version(name)) is not None}
    if len(report.opencv_wheels) > 1:
        names = " ".join(report.opencv_wheels)
        report.problems.append(
            Problem(
                f"{len(report.opencv_wheels)} OpenCV packages share one folder and overwrite each other: {names}",
                f"python -m pip uninstall -y {names} && python -m pip install opencv-python-headless",
            )
        )
    try:
        import_module("cv2")
    except ImportError as error:
        report.problems.append(
            Problem(f"OpenCV does not load: {error}", "python -m pip install --force-reinstall opencv-python-headless")
        )


def _look_at_models(report: Report) -> None:
    from holopose.zoo import cache, catalog, fetch

    folder = cache.home()
    report.cache = {"folder": str(folder), "writable": _is_writable(folder)}
    if not report.cache["writable"]:
        report.problems.append(
            Problem(f"the cache folder {folder} cannot be written", "set HOLOPOSE_HOME to a folder that can")
        )
    for model, files in {"blaze": catalog.BLAZE}.items():
        findings = fetch.verify(among=files)
        for one in findings:
            report.models.append(
                {
                    "model": model,
                    "name": one.asset.name,
                    "status": one.status,
                    "path": str(one.path),
                    "sha256": one.asset.sha256,
                }
            )
            if one.status == "altered":
                mend = f"delete it, then: holopose models pull {model}"
                report.problems.append(Problem(f"{one.path} (model {model}) is truncated or altered", mend))
        missing = [one.asset.filename for one in findings if one.status == "missing"]
        if missing:
            report.problems.append(
                Problem(f"model {model} lacks {', '.join(missing)}", f"holopose models pull {model}")
            )


def _is_writable(folder: Path) -> bool:
    """Whether `folder` can be written, or made where it is not there yet."""
    folder = folder.absolute()
    existing = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _look_at_openvino(report: Report) -> None:
    from holopose.runtimes import openvino

    found: dict[str, Any] = {"name": "openvino", "version": _version("openvino"), "telemetry": "blocked"}
    report.runtimes.append(found)
    try:
        openvino.load_openvino()
        found["devices"] = openvino.list_devices()
        found["runs"] = _try_networks(report)
    except HoloposeError as error:
        report.problems.append(Problem(str(error), "python -m pip install --force-reinstall openvino"))


def _try_networks(report: Report) -> dict[str, str]:
    """What really runs when f32 or bf16 is asked for on the default device: the smallest network is run to find out."""
    import numpy as np

    from holopose.config import RunConfig
    from holopose.runtimes.openvino import OpenVinoRuntime
    from holopose.zoo import cache, catalog

    every = sorted(catalog.BLAZE, key=lambda card: card.size)
    card, path = next(((card, path) for card in every if (path := cache.find(card))), (None, None))
    runs: dict[str, str] = {}
    if card is None or path is None:
        return runs
    for precision in next(option.choices for option in RunConfig.options() if option.name == "precision"):
        runtime = OpenVinoRuntime(path, device=RunConfig().device, precision=precision)
        outputs = runtime.run({runtime.inputs[0]: np.full((1, *card.input_hwc), 0.5, np.float32)})
        runs[precision] = f"{runtime.device}, {runtime.precision}"
        runtime.close()
        if not all(np.isfinite(array).all() for array in outputs.values()):
            what = f"{path.name} gives numbers that are not finite on {runs[precision]}"
            report.problems.append(Problem(what, f"do not use precision={precision} on this machine"))
    return runs


def _show(report: Report) -> None:
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows: list[tuple[str, str]] = [
        ("holopose", report.holopose),
        ("Python", f"{report.python['version']}  {report.python['executable']}"),
        ("machine", f"{report.platform['system']}, {report.platform['cpus']} CPUs"),
        ("packages", ", ".join(f"{name} {version or '(not installed)'}" for name, version in report.packages.items())),
    ]
    for runtime in report.runtimes:
        runs = "; ".join(f"{asked} runs as {real}" for asked, real in runtime.get("runs", {}).items())
        devices = ", ".join(runtime.get("devices", [])) or "none"
        rows.append((runtime["name"], f"devices: {devices}; telemetry {runtime['telemetry']}; {runs or 'not tried'}"))
    rows.append(("cache", report.cache["folder"] + ("" if report.cache["writable"] else " (cannot be written)")))
    rows += [("model " + one["model"], f"{one['status']:8} {one['path']}") for one in report.models]
    rows += [("environment", f"{name}={value}") for name, value in report.environment.items()]
    rows.append(("network", "never (HOLOPOSE_OFFLINE)" if report.offline else "only to fetch models"))
    for name, value in rows:
        table.add_row(name, value)
    say_table(table)
    for problem in report.problems:
        say(f"\nneeds mending: {problem.what}\n         do: {problem.mend}")
    say("\n" + ("all fine" if not report.problems else f"{len(report.problems)} to mend"))
