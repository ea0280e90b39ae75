from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from holopose import cli, errors
from holopose.cli import main


def holopose(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-c", "from holopose.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)  # type: ignore[call-overload, no-any-return]


def test_the_entry_point_is_main() -> None:
    [script] = entry_points(group="console_scripts", name="holopose")
    assert script.load() is main


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = """
        import sys
        from holopose.cli import main
        try:
            main(["--help"])
        finally:
            print("loaded:", *sorted({name.split(".")[0] for name in sys.modules}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0
    text, _, loaded = done.stdout.partition("loaded:")
    for command in ("run", "demo", "models", "doctor", "bench"):
        assert f" {command} " in text
    assert not {"numpy", "cv2", "openvino", "scipy", "pydantic", "PIL"} & set(loaded.split())


def test_version_is_the_package_s() -> None:
    done = holopose("--version")
    assert (done.returncode, done.stdout) == (0, f"holopose {version('holopose')}\n")


def test_without_a_command_there_is_help() -> None:
    done = holopose()
    assert done.returncode in (0, 2)
    assert "Usage:" in done.stdout + done.stderr


@pytest.mark.parametrize("kind", [getattr(errors, name) for name in errors.__all__])
def test_every_error_is_one_line_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: type[errors.HoloposeError]
) -> None:
    def fail(**_: object) -> None:
        raise kind("first\nsecond")

    monkeypatch.setattr(cli, "create_app", lambda: fail)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == kind.exit_code != 0
    assert capsys.readouterr() == ("", "holopose: first second\n")


def test_memory_that_does_not_suffice_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise MemoryError("unable to allocate 112 GiB")

    monkeypatch.setattr(cli, "create_app", lambda: fail)
    with pytest.raises(SystemExit) as ended:
        main([])
    stderr = capsys.readouterr().err
    assert ended.value.code == 1
    assert stderr.startswith("holopose: not enough memory for this (unable to allocate 112 GiB)")
    assert stderr.count("\n") == 1


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "create_app", lambda: interrupt)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 130


SLOW_RUN = """
    import sys, time
    from pathlib import Path
    from holopose.build import parts
    from holopose.cli import main
    from holopose.skeletons import WHOLEBODY133
    from holopose.types import Poses
    from holopose.io.sinks.overlay import OverlaySink

    class Nobody:
        skeleton = WHOLEBODY133
        def estimate(self, frames):
            return [Poses.empty(WHOLEBODY133) for _ in frames]
        def reset(self):
            pass

    def hang(self, frame, poses):  # JSON and CSV are under way by now
        print("writing", flush=True)
        time.sleep(60)

    OverlaySink.write = hang
    parts.build_estimator = lambda config: Nobody()
    main(["run", sys.argv[1], "-o", sys.argv[2]])
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_stopping_a_run_leaves_no_file(tmp_path: Path, name: str, code: int) -> None:
    import cv2
    import numpy as np

    done, data = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))
    assert done
    (tmp_path / "a.png").write_bytes(data.tobytes())
    out = tmp_path / "out"
    command = [sys.executable, "-c", textwrap.dedent(SLOW_RUN), str(tmp_path / "a.png"), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert [path.name for path in out.iterdir() if path.suffix == ".part"]
        process.send_signal(signal.Signals[name])
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stderr.strip().splitlines() == [
        "holopose: interrupted; what is complete stays, and the same command with --resume goes on"
    ]
    assert [path.name for path in out.iterdir()] == ["holopose-run.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_who_leaves_causes_no_traceback() -> None:
    code = "from holopose.cli import main; import time; time.sleep(0.2); main(['run', '--print-config'])"
    read, write = os.pipe()
    with subprocess.Popen([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True) as process:
        os.close(write)
        os.close(read)
        _, stderr = process.communicate(timeout=60)
    assert stderr == ""
    assert process.returncode != 0
