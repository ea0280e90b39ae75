"""A run that is killed at random moments, over and over: nothing is lost but the input in work, nothing done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from edge_scenes import EdgeEstimator, files_in, save
from holopose.build import run_files
from holopose.build.journal import JOURNAL
from holopose.config import RunConfig

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

TESTS = Path(__file__).resolve().parents[1]
COUNT = 30
SAVE = ("json", "csv", "openpose", "overlay")

RUN = """
    import os, sys, time
    sys.path.insert(0, sys.argv[1])
    from edge_scenes import EdgeEstimator
    from holopose.build import run_files
    from holopose.config import RunConfig

    class Slow(EdgeEstimator):
        def _one(self, frame):
            os.write(log, os.fsencode(frame.name) + b"\\n")
            time.sleep(0.01)
            return super()._one(frame)

    log = os.open(sys.argv[4], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    config = RunConfig(save=("json", "csv", "openpose", "overlay"), resume=True)
    summary = run_files([sys.argv[2]], sys.argv[3], config, estimator=Slow())
    sys.exit(summary.exit_code)
"""


def recorded(out: Path) -> list[str]:
    """Inputs that the journal has as done; a line that was torn is none."""
    try:
        text = (out / JOURNAL).read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    whole = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("}\n")]
    return [line["input"] for line in whole if line["event"] == "done"]


def worked_on(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def leftovers(out: Path) -> list[Path]:
    return list(out.rglob(".holopose-*"))


def test_kills_lose_at_most_the_input_in_work_and_repeat_nothing(tmp_path: Path) -> None:
    trip, out, log = tmp_path / "trip", tmp_path / "out", tmp_path / "log"
    for number in range(COUNT):
        save(trip / f"day{number % 2}" / f"{number}.png", width=20 + number % 7)
    (trip / "list.txt").write_text("day0\nday1\n", encoding="utf-8")
    command = [sys.executable, "-c", textwrap.dedent(RUN), str(TESTS), str(trip / "list.txt"), str(out), str(log)]
    chance = random.Random(7)
    killed = 0
    while True:
        before, done = len(worked_on(log)), recorded(out)
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            while len(worked_on(log)) < before + chance.randint(2, 5) and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.random() * 0.03)
            if killed < 6:
                process.send_signal(signal.SIGKILL)
            _, errors = process.communicate(timeout=60)
        repeated = set(worked_on(log)[before:]) & set(done)
        assert not repeated
        if process.returncode != -signal.SIGKILL:
            break
        killed += 1
        assert len(worked_on(log)[before:]) - (len(recorded(out)) - len(done)) <= 1
    assert (process.returncode, errors) == (0, b"")
    assert killed == 6
    assert len(recorded(out)) == len(set(recorded(out))) == COUNT
    assert leftovers(out) == []

    undisturbed = tmp_path / "undisturbed"
    run_files([trip / "list.txt"], undisturbed, RunConfig(save=SAVE), estimator=EdgeEstimator())
    results = [name for name in files_in(undisturbed) if name != JOURNAL]
    assert len(results) == 4 * COUNT
    assert [name for name in files_in(out) if name != JOURNAL] == results
    assert all((out / name).read_bytes() == (undisturbed / name).read_bytes() for name in results)


def test_what_a_kill_leaves_is_cleared_by_the_next_run_into_that_folder(tmp_path: Path) -> None:
    """Killed in the middle of writing, in a folder that the next run itself has nothing to write to."""
    save(tmp_path / "in" / "day" / "a.png")
    other = save(tmp_path / "b.png")
    out = tmp_path / "out"
    hang = """
        import sys, time
        sys.path.insert(0, sys.argv[1])
        from edge_scenes import EdgeEstimator
        from holopose.build import run_files
        from holopose.config import RunConfig
        from holopose.io.sinks.csv_file import CsvSink

        def write(self, frame, poses):
            print("writing", flush=True)
            time.sleep(60)

        CsvSink.write = write
        run_files([sys.argv[2]], sys.argv[3], RunConfig(recursive=True), estimator=EdgeEstimator())
    """
    command = [sys.executable, "-c", textwrap.dedent(hang), str(TESTS), str(tmp_path / "in"), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert leftovers(out / "in" / "day")
        run_files([other], out, RunConfig(), estimator=EdgeEstimator())
        assert leftovers(out / "in" / "day"), "the other run is alive"
        process.send_signal(signal.SIGKILL)
    run_files([other], out, RunConfig(overwrite=True), estimator=EdgeEstimator())
    assert leftovers(out) == []
    assert not list((out / "in" / "day").iterdir())
