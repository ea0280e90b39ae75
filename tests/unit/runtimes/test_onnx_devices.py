"""The devices of ONNX Runtime, and that loading it and running a network reaches nobody and leaves nothing at home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import holopose
from holopose.errors import BackendError
from holopose.runtimes.onnx_devices import KINDS, list_devices, load_onnxruntime, parse_device

pytest.importorskip("onnxruntime")

USE = """
import sys
import numpy as np
from holopose.runtimes.onnxruntime import OnnxRuntime
runtime = OnnxRuntime(sys.argv[1], threads=2)
print(runtime.run_batch({"input": np.ones((4, 3, 8, 6), np.float32)})["mean"].shape, runtime.device)
runtime.close()
"""

IMPORT_AND_USE = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
print(session.run(["mean"], {"input": np.ones((4, 3, 8, 6), np.float32)})[0].shape, "CPU")
"""

STRACE = shutil.which("strace")
Python = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Runs code in a fresh interpreter with an empty home, without variables that turn telemetry off elsewhere."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment = kept | {
        **dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(tmp_path / "home")),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path / "tmp")),
        "PYTHONPATH": str(Path(holopose.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(code: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [*before, sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, cwd=tmp_path / "home", env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


@pytest.fixture
def network(tmp_path: Path) -> str:
    samples = pytest.importorskip("onnx_samples")
    return str(samples.convolution(tmp_path / "free.onnx"))


def left(world: Path) -> list[str]:
    """Everything in home and among the temporary files."""
    return [str(path.relative_to(world)) for name in ("home", "tmp") for path in (world / name).rglob("*")]


def test_silence(tmp_path: Path, python: Python, network: str) -> None:
    ran = python(USE, network)
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout, ran.stderr) == ("(4, 5) CPU\n", "")
    assert left(tmp_path) == []


def test_onnxruntime_itself_is_not_silent(tmp_path: Path, python: Python, network: str) -> None:
    """What is turned off: the plain import leaves an identity at home. If not, the test of silence shows nothing."""
    ran = python(IMPORT_AND_USE, network)
    assert ran.returncode == 0, ran.stderr
    if not left(tmp_path):
        pytest.skip("this ONNX Runtime reports nothing")


@pytest.mark.skipif(not STRACE, reason="strace is not installed")
def test_silence_below_python(tmp_path: Path, python: Python, network: str) -> None:
    """Native code opens no socket to another machine either."""
    log = tmp_path / "calls"
    ran = python(USE, network, before=(str(STRACE), "-f", "-qq", "-e", "trace=network", "-o", str(log)))
    if not log.exists() or "ptrace" in ran.stderr.lower():
        pytest.skip(f"strace is not allowed to trace here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    assert [line for line in log.read_text(encoding="utf-8").splitlines() if "AF_INET" in line] == []


def test_devices_by_name() -> None:
    assert "cpu" in list_devices()
    assert parse_device("CPU") == ("cpu", 0)
    available = load_onnxruntime().get_available_providers()
    assert {KINDS[name].provider for name in list_devices()} <= set(available)


def test_numbered_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [kind.provider for kind in KINDS.values()]
    monkeypatch.setattr(load_onnxruntime(), "get_available_providers", lambda: every)
    assert list_devices() == list(KINDS)
    assert parse_device("cuda") == ("cuda", 0)
    assert parse_device("TensorRT:2") == ("tensorrt", 2)
    for wrong in ("cpu:1", "cuda:", "cuda:-1", "cuda:a", "coreml:0", ""):
        with pytest.raises(BackendError, match="ONNX Runtime knows cpu, cuda"):
            parse_device(wrong)


@pytest.mark.parametrize("name", KINDS)
def test_settings_are_texts_and_say_the_device_number(name: str) -> None:
    kind = KINDS[name]
    for precision in kind.precisions:
        told = kind.settings(3, precision)
        assert all(isinstance(value, str) for value in told.values())
        assert ("device_id" in told) == kind.numbered
        assert told.get("device_id", "3") == "3"
    assert "f32" in kind.precisions


def test_cuda_is_not_let_to_round_f32() -> None:
    assert KINDS["cuda"].settings(0, "f32")["use_tf32"] == "0"
    assert KINDS["cuda"].precisions == ("f32",)


def test_loading_cuda_where_there_is_none_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """Whether it is there is told when a network is loaded."""
    load_onnxruntime(with_cuda=True)
    assert capfd.readouterr() == ("", "")


def test_an_onnxruntime_that_is_missing_is_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendError, match=r'pip install "holopose\[onnx\]"'):
        load_onnxruntime()
