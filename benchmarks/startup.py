"""Owns the figures of starting: import time, `holopose --help`, and the peak memory of a run on a large picture.

    python benchmarks/startup.py [--repeat 10] [--picture FILE] [--search normal]

Times are the best of several fresh processes; the import is told without the start of the interpreter itself. Ends with
1 when one of the bars is not met.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from verdict import Verdict, conclude

IMPORT_S, HELP_S, PEAK_MB = 0.2, 0.5, 700
SIZE_WH = (4000, 3000)
TILES = (4, 3)

MAKE_PICTURE = """
import sys
from pathlib import Path
import cv2, numpy as np
target, (width, height), (columns, rows) = sys.argv[1], (int(v) for v in sys.argv[2:4]), (int(v) for v in sys.argv[4:6])
pictures = [picture for path in sys.argv[6:] if (picture := cv2.imread(path)) is not None]
cell = (width // columns, height // rows)
tiles = []
for number in range(columns * rows):
    picture = pictures[number % len(pictures)]
    scale = max(cell[0] / picture.shape[1], cell[1] / picture.shape[0])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    picture = cv2.copyMakeBorder(picture, 0, 2, 0, 2, cv2.BORDER_REPLICATE)
    top, left = (picture.shape[0] - cell[1]) // 2, (picture.shape[1] - cell[0]) // 2
    tiles.append(picture[top : top + cell[1], left : left + cell[0]])
image = np.vstack([np.hstack(tiles[row * columns : (row + 1) * columns]) for row in range(rows)])
assert image.shape[:2] == (height, width), image.shape
cv2.imwrite(target, image, [cv2.IMWRITE_JPEG_QUALITY, 92])
"""
"""A mosaic of real pictures, made in a process of its own so that this one stays small."""

WATCH = """
import os, sys
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def wall_s(command: Sequence[str], repeat: int) -> float:
    """Seconds of the quickest of `repeat` runs.

    Raises:
        SystemExit: a run failed.
    """
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        best = min(best, time.perf_counter() - start)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return best


def peak_mb(command: Sequence[str]) -> float:
    """Largest resident size, in MB (10^6 bytes), of a process and those it waited for.

    A process starts with the size of the one that started it on its account, so a small one starts it.

    Raises:
        SystemExit: the process failed, or this system does not tell.
    """
    if not hasattr(os, "wait4"):
        sys.exit("this system does not tell the memory of a process that has ended (os.wait4)")
    done = subprocess.run([sys.executable, "-S", "-c", WATCH, *command], stdout=subprocess.PIPE, text=True, check=False)
    code, size = (int(word) for word in done.stdout.split())
    if code != 0:
        sys.exit(f"{' '.join(command)} ended with {code}")
    return size * (1 if sys.platform == "darwin" else 1024) / 1e6


def sources(named: Path | None) -> list[str]:
    """Pictures for the mosaic: the one named, those of the shared folder, or the demo's."""
    if named:
        return [str(named)]
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("HOLOPOSE_SHARED") or root.parent / "shared") / "data" / "images"
    if folder.is_dir():
        return sorted(str(path) for path in folder.glob("*.jpg"))
    show_paths = (
        "from holopose.zoo import catalog, fetch; print(*fetch.locate_all(catalog.PICTURES).values(), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", show_paths], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split("\n")[:-1]


def holopose_command() -> list[str]:
    """The command that users type, of this environment."""
    script = Path(sys.executable).with_name("holopose.exe" if os.name == "nt" else "holopose")
    if not script.is_file():
        sys.exit(f"no {script}: run this with the Python that holopose is installed in")
    return [str(script)]


def main() -> int:
    """Print everything; 0 when every bar is met."""
    parser = argparse.ArgumentParser(description="Import time, time of --help, peak memory.")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--picture", type=Path, help="tile this picture instead")
    parser.add_argument("--search", default="normal", choices=("thorough", "normal", "whole"))
    options = parser.parse_args()
    bare_s = wall_s([sys.executable, "-c", "pass"], options.repeat)
    import_s = wall_s([sys.executable, "-c", "import holopose"], options.repeat) - bare_s
    help_s = wall_s([*holopose_command(), "--help"], options.repeat)
    print(f"python alone {bare_s * 1e3:.0f} ms; import holopose {import_s * 1e3:+.0f} ms; --help {help_s * 1e3:.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        picture = str(Path(folder) / "large.jpg")
        shape = [str(value) for value in (*SIZE_WH, *TILES)]
        subprocess.run([sys.executable, "-c", MAKE_PICTURE, picture, *shape, *sources(options.picture)], check=True)
        run = [*holopose_command(), "run", picture, "-o", str(Path(folder) / "out"), "--search", options.search]
        peak = peak_mb(run)
        bare = peak_mb([sys.executable, "-c", "pass"])
    megapixels = SIZE_WH[0] * SIZE_WH[1] / 1e6
    print(f"peak memory of {' '.join(run[1:2])} on {megapixels:.0f} MP: {peak:.0f} MB (python alone {bare:.0f} MB)")
    return conclude(
        [
            Verdict(f"import holopose under {IMPORT_S} s", f"{import_s:.3f} s", import_s < IMPORT_S),
            Verdict(f"holopose --help under {HELP_S} s", f"{help_s:.3f} s", help_s < HELP_S),
            Verdict(f"peak memory on {megapixels:.0f} MP under {PEAK_MB} MB", f"{peak:.0f} MB", peak < PEAK_MB),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
