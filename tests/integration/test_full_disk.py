"""What a run does on a disk that is full, read-only, or takes no large files: one line, and no half file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from holopose.build.journal import JOURNAL

TESTS = Path(__file__).resolve().parents[1]

RUN = """
    import contextlib, hashlib, io, json, os, resource, subprocess, sys
    sys.path.insert(0, sys.argv[1])
    from pathlib import Path
    from edge_scenes import EdgeEstimator
    from holopose.build import parts
    from holopose.cli import main

    parts.build_estimator = EdgeEstimator
    out = Path(sys.argv[2])
    {prepare}
    errors, code = io.StringIO(), 0
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(["run", *sys.argv[3:], "-o", str(out)])
        except SystemExit as ended:
            code = ended.code
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}
    journal = out / "holopose-run.jsonl"
    lines = journal.read_text().splitlines(keepends=True) if journal.exists() else []
    done = [json.loads(line) for line in lines if line.endswith("}\\n")]
    print(json.dumps({"code": code, "errors": errors.getvalue(), "files": files, "journal": done}))
"""


def attempt(prepare: str, out: Path, *arguments: Path | str, alone: bool = False) -> dict[str, Any]:
    """Exit code, stderr, files by hash and lines of the journal of a run in a process of its own.

    With `alone` it has a view of its own of what is mounted where.
    """
    out.mkdir(exist_ok=True)
    script = textwrap.dedent(RUN).replace("{prepare}", prepare)
    command = [sys.executable, "-c", script, str(TESTS), str(out), *map(str, arguments)]
    if alone:
        unshare = shutil.which("unshare")
        if not unshare:
            pytest.skip("no unshare here")
        command = [unshare, "-Urm", *command]
        tried = subprocess.run([unshare, "-Urm", "mount", "-t", "tmpfs", "none", str(out)], check=False)
        if tried.returncode:
            pytest.skip("nothing may be mounted here")
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def noise(path: Path, size_px: int = 320) -> Path:
    """A picture that no encoder makes small: its overlay takes about 300 kB."""
    pixels = np.random.default_rng(size_px).integers(0, 255, (size_px, size_px, 3), np.uint8)
    done, data = cv2.imencode(".png", pixels)
    assert done
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data.tobytes())
    return path


def check_whole(told: dict[str, Any]) -> list[str]:
    """Every file is one that an input was finished with, as it was then; the names of those inputs."""
    done = [line for line in told["journal"] if line["event"] == "done"]
    recorded = {file["name"]: file["sha256"] for line in done for file in line["files"]}
    assert {name: sha256 for name, sha256 in told["files"].items() if name != JOURNAL} == recorded
    return [line["name"] for line in done]


def test_a_full_disk_ends_the_run_with_one_line_and_no_half_file(tmp_path: Path) -> None:
    pictures = [noise(tmp_path / "in" / f"{number}.png", 320 + number) for number in range(8)]
    mount = 'subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1600k", "none", str(out)], check=True)'
    told = attempt(mount, tmp_path / "out", *pictures, "--save", "json,overlay", alone=True)
    assert told["code"] == 5
    assert told["errors"].count("\n") == 1
    assert "No space left on device" in told["errors"]
    assert "--resume" in told["errors"]
    done = check_whole(told)
    assert done == [str(number) for number in range(len(done))]
    assert 1 <= len(done) < 8


def test_a_clip_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    import runpy

    samples = runpy.run_path(str(TESTS / "clip_samples.py"))
    random = np.random.default_rng(1)
    images = [random.integers(0, 255, (160, 160, 3), np.uint8) for _ in range(50)]
    clip = samples["write_clip"](tmp_path / "clip.mp4", images)
    mount = 'subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(out)], check=True)'
    told = attempt(mount, tmp_path / "out", clip, "--save", "overlay", alone=True)
    assert told["code"] == 5
    assert told["errors"].count("\n") == 1
    assert "No space left on device" in told["errors"]
    assert check_whole(told) == []


def test_a_read_only_folder_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    picture = noise(tmp_path / "in" / "a.png", 32)
    mount = 'subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(out)], check=True)'
    told = attempt(mount, tmp_path / "out", picture, alone=True)
    out = tmp_path / "out"
    assert (told["code"], told["files"]) == (5, {})
    assert told["errors"] == (
        f"holopose: {out}: cannot be written: {out} is read-only or somebody else's; choose another folder\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_result_that_is_too_large_stops_only_its_own_picture(tmp_path: Path) -> None:
    small, large = noise(tmp_path / "in" / "small.png", 32), noise(tmp_path / "in" / "large.png", 640)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))"
    told = attempt(limit, tmp_path / "out", large, small, "--save", "json,overlay")
    assert told["code"] == 1
    assert told["errors"].count("\n") == 1
    assert "large.png: " in told["errors"]
    assert "large.overlay.png: cannot be written: File too large" in told["errors"]
    assert [line["name"] for line in told["journal"] if line["event"] == "failed"] == ["large"]
    assert set(told["files"]) >= {JOURNAL, "small.json", "small.overlay.png"}
    assert not [name for name in told["files"] if name.startswith(".")]
