"""Owns `holopose doctor`: what is installed here, what really runs, what is missing, and how to mend it."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.cli.console import say, say_table
from holopose.cli.diagnosis import Problem, Report, version_of

__all__ = ["doctor", "examine"]

OPENCV_WHEELS = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)
ONNXRUNTIME_WHEELS = {
    "onnxruntime": '"holopose[onnx]"',
    "onnxruntime-gpu": '"holopose[cuda]"',
    "onnxruntime-openvino": "onnxruntime-openvino",
    "onnxruntime-directml": "onnxruntime-directml",
    "onnxruntime-rocm": "onnxruntime-rocm",
    "onnxruntime-silicon": "onnxruntime-silicon",
}
"""Builds of ONNX Runtime that share one folder, and what to install for each."""


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
    from holopose.cli.checks import try_models
    from holopose.cli.trials import try_runtimes

    report = Report(holopose=metadata.version("holopose"))
    report.python = {"version": platform.python_version(), "executable": sys.executable}
    report.platform = {"system": platform.platform(), "machine": platform.machine(), "cpus": os.cpu_count()}
    report.environment = {k: v for k, v in sorted(os.environ.items()) if k.startswith("HOLOPOSE_")}
    report.offline = _is_offline()
    _look_at_packages(report)
    _look_at_opencv(report)
    _look_at_onnxruntime(report)
    _look_at_models(report)
    try_runtimes(report)
    try_models(report)
    return report


def _is_offline() -> bool:
    from holopose.zoo import fetch

    return fetch.is_offline()


def _requirements() -> Iterator[tuple[str, str]]:
    """Name of each distribution that holopose asks for, and the extra that it belongs to; empty for core ones."""
    for line in metadata.requires("holopose") or []:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)['"]""", line)
        if name and not (extra and extra.group(1) == "dev"):
            yield name.group(), extra.group(1) if extra else ""


def _look_at_packages(report: Report) -> None:
    """Core packages must be there; what an extra lacks is told, and is no problem."""
    for name, extra in _requirements():
        version = report.packages[name] = version_of(name)
        if extra:
            report.extras.setdefault(extra, []).extend([name] if version is None else [])
        elif version is None:
            report.problems.append(Problem(f"{name} is not installed", f"python -m pip install {name}"))


def _look_at_opencv(report: Report) -> None:
    """Several OpenCV wheels overwrite each other's `cv2` folder; which one wins is chance."""
    report.opencv_wheels = {name: version for name in OPENCV_WHEELS if (version := version_of(name)) is not None}
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


def _look_at_onnxruntime(report: Report) -> None:
    """Builds for a CPU and for a GPU overwrite each other; the GPU is then often lost without a word."""
    wheels = {name: version for name in ONNXRUNTIME_WHEELS if (version := version_of(name)) is not None}
    report.onnxruntime_wheels = wheels
    if len(wheels) > 1:
        names = " ".join(wheels)
        keep = next(what for name, what in ONNXRUNTIME_WHEELS.items() if name in wheels and name != "onnxruntime")
        report.problems.append(
            Problem(
                f"{len(wheels)} builds of ONNX Runtime share one folder and overwrite each other: {names}",
                f"python -m pip uninstall -y {names} && python -m pip install {keep}",
            )
        )


def _look_at_models(report: Report) -> None:
    """The default must be whole; other models need not be here, but what is here must be unaltered."""
    from holopose.zoo import added, cache, catalog, fetch
    from holopose.zoo.cards import Card

    folder = cache.home()
    report.cache = {"folder": str(folder), "writable": _is_writable(folder)}
    if not report.cache["writable"]:
        report.problems.append(
            Problem(f"the cache folder {folder} cannot be written", "set HOLOPOSE_HOME to a folder that can")
        )
    report.problems += [Problem(line, "holopose models remove NAME") for line in catalog.get_added()[1]]
    missing: dict[str, list[str]] = {}
    for one in fetch.verify():
        if not isinstance(one.asset, Card):
            continue
        model = one.asset.model
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
            if model in added.names():
                mend = f"holopose models remove {model}, then: holopose models add {model} --from FILE --like MODEL"
            elif not one.asset.places:  # nobody offers it for download
                mend = f"delete it, then: holopose models import FILE --as {one.asset.name}"
            report.problems.append(Problem(f"{one.path} (model {model}) is truncated or altered", mend))
        elif one.status == "missing":
            missing.setdefault(model, []).append(one.asset.filename)
    for model, files in missing.items():
        report.problems.append(Problem(f"model {model} lacks {', '.join(files)}", f"holopose models pull {model}"))


def _is_writable(folder: Path) -> bool:
    """Whether `folder` can be written, or made where it is not there yet."""
    folder = folder.absolute()
    existing = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _show(report: Report) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows: list[tuple[str, str]] = [
        ("holopose", report.holopose),
        ("Python", f"{report.python['version']}  {report.python['executable']}"),
        ("machine", f"{report.platform['system']}, {report.platform['cpus']} CPUs"),
        ("packages", ", ".join(f"{name} {version}" for name, version in report.packages.items() if version)),
    ]
    for extra, lacking in report.extras.items():
        if lacking:
            names = ", ".join(lacking)
            rows.append(("optional", f'{extra}: without {names}; python -m pip install "holopose[{extra}]" brings it'))
    for runtime in report.runtimes:
        rows.append((runtime["name"], _words_of(runtime)))
    rows.append(("cache", report.cache["folder"] + ("" if report.cache["writable"] else " (cannot be written)")))
    rows += [("model " + one["model"], f"{one['status']:8} {one['path']}") for one in report.models]
    rows += [("runs " + one["model"], _words_of_run(one)) for one in report.runs]
    rows += [("environment", f"{name}={value}") for name, value in report.environment.items()]
    rows.append(("network", "never (HOLOPOSE_OFFLINE)" if report.offline else "only to fetch models"))
    for name, value in rows:
        table.add_row(name, Text(value))  # brackets in it are no markup
    say_table(table)
    for problem in report.problems:
        say(f"\nneeds mending: {problem.what}\n         do: {problem.mend}")
    say("\n" + ("all fine" if not report.problems else f"{len(report.problems)} to mend"))


def _words_of(runtime: dict[str, Any]) -> str:
    """One runtime: version, devices, what runs on each."""
    if runtime["version"] is None:
        return f"not installed (optional): {runtime['install']}" if "install" in runtime else "not installed"
    words = [str(runtime["version"]), f"devices {', '.join(runtime.get('devices', [])) or 'none'}"]
    words += [f"{asked} runs as {real}" for asked, real in runtime.get("runs", {}).items()]
    words += [f"{asked} does not run: {why}" for asked, why in runtime.get("failed", {}).items()]
    return "; ".join([*words, f"telemetry {runtime['telemetry']}"])


def _words_of_run(one: dict[str, Any]) -> str:
    if one["check"] != "ok":
        return str(one["check"])
    return f"{one['runtime']} {one['version']} on {one['device']}, {one['precision']}; numbers checked"
