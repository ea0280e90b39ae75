"""Loading OpenVINO and running a network makes no connection and leaves no file at home.

A fresh interpreter runs with an empty home and without the variables that turn telemetry off elsewhere (CI and such). A
`sitecustomize` puts an audit hook into it and into every Python that it starts; the hook notes each attempt to use the
network and refuses it. Each test that expects silence is paired with one that makes noise by the same means.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import holopose

HOOK = """
import os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{event} {address}\\n")
        raise OSError("the network is not to be used in this test")
sys.addaudithook(note)
"""

USE = """
import sys
import numpy as np
from holopose.runtimes.openvino import OpenVinoRuntime, list_devices, load_openvino
load_openvino()
assert "CPU" in list_devices()
runtime = OpenVinoRuntime(sys.argv[1])
print(runtime.run({"x": np.ones((1, 4, 6, 3), np.float32)})["sum"].tolist(), runtime.device)
runtime.close()
assert "openvino_telemetry" not in sys.modules, "nobody else shall find it blocked"
"""

CONNECT = """
import socket
with socket.socket() as one:
    one.settimeout(1)
    try:
        one.connect(("127.0.0.1", 9))
    except OSError as error:
        print(error)
"""

IMPORT_AND_WAIT = """
import openvino, os, time
for _ in range(100):  # its report is sent in the background, and only if the process lives long enough
    if os.path.exists(os.environ["NOTES"]):
        break
    time.sleep(0.1)
"""

Python = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with an empty home, an empty place for temporary files, the hook, and soon its notes."""
    for name in ("home", "tmp", "hook"):
        (tmp_path / name).mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    return tmp_path


@pytest.fixture
def python(world: Path) -> Python:
    """Runs code in a fresh interpreter: `python(code, *arguments, before=[...])`."""
    source = Path(holopose.__file__).parents[1]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),
        "HOME": str(world / "home"),
        "USERPROFILE": str(world / "home"),
        "APPDATA": str(world / "home"),
        "LOCALAPPDATA": str(world / "home"),
        "TMPDIR": str(world / "tmp"),
        "TEMP": str(world / "tmp"),
        "PYTHONPATH": os.pathsep.join([str(world / "hook"), str(source)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NOTES": str(world / "notes"),
    }

    def run(code: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [*before, sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, cwd=world / "home", env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def notes(world: Path) -> list[str]:
    path = world / "notes"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def left(world: Path) -> list[str]:
    """Everything in home and among the temporary files."""
    return [str(path.relative_to(world)) for name in ("home", "tmp") for path in (world / name).rglob("*")]


def test_silence(world: Path, python: Python, networks: Path) -> None:
    ran = python(USE, str(networks / "sums.xml"))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "[[24.0, 24.0, 24.0]] CPU\n"
    assert ran.stderr == ""
    assert notes(world) == []
    assert left(world) == []


def test_the_hook_hears_a_connection(world: Path, python: Python) -> None:
    """Also one made by a child process."""
    for code in (CONNECT, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}], check=True)"):
        ran = python(code)
        assert ran.returncode == 0, ran.stderr
        assert "not to be used" in ran.stdout or "subprocess" in code
    assert notes(world) == ["socket.connect ('127.0.0.1', 9)"] * 2


@pytest.mark.skipif(not importlib.util.find_spec("openvino_telemetry"), reason="OpenVINO came without its telemetry")
def test_openvino_itself_is_not_silent(world: Path, python: Python) -> None:
    """What the runtime blocks: the plain import leaves an identity at home and looks for a server (refused here)."""
    ran = python(IMPORT_AND_WAIT)
    assert ran.returncode == 0, ran.stderr
    if not left(world) and not notes(world):
        pytest.skip("this OpenVINO no longer reports its import")
    assert left(world), "home is no longer where the telemetry leaves its identity: the test of silence looks there"
    assert notes(world), "the telemetry reaches its server in a way that the hook does not hear"


STRACE = shutil.which("strace")


def traced(world: Path, python: Python, code: str, *arguments: str) -> list[str]:
    """Calls of the system that reach for another machine, made by any thread or child of a run of `code`."""
    assert STRACE
    log = world / "calls"
    ran = python(code, *arguments, before=(STRACE, "-f", "-qq", "-e", "trace=network", "-o", str(log)))
    if not log.exists() or "ptrace" in ran.stderr.lower():
        pytest.skip(f"strace is not allowed to trace here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    return [line for line in log.read_text(encoding="utf-8").splitlines() if "AF_INET" in line]


@pytest.mark.skipif(not STRACE, reason="strace is not installed")
def test_silence_below_python(world: Path, python: Python, networks: Path) -> None:
    """Native code is heard as well."""
    assert traced(world, python, USE, str(networks / "sums.xml")) == []
    assert len(traced(world, python, CONNECT)) >= 1  # the socket that the hook then keeps from connecting
