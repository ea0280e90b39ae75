"""Owns the pictures that the benchmarks measure with: real ones by name, and made-up ones that show nobody."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from holopose.errors import ModelError
from holopose.types import Frame
from holopose.zoo.cards import Asset, Licence, Member, Wheel
from holopose.zoo.catalog import PICTURES
from holopose.zoo.fetch import locate

__all__ = ["ASTRONAUT", "empty_frames", "images_in", "picture_path", "shared_folder"]

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}

ASTRONAUT = Asset(
    name="astronaut",
    filename="astronaut.png",
    sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    size=791_555,
    places=(
        Member(
            Wheel(  # every platform's wheel of this version holds the same picture
                project="scikit-image",
                version="0.26.0",
                filename="scikit_image-0.26.0-cp312-cp312-win_amd64.whl",
                sha256="abed017474593cd3056ae0fe948d07d0747b27a085e92df5474f4955dd65aec0",
                size=11_911_059,
            ),
            "skimage/data/astronaut.png",
        ),
    ),
    licence=Licence(code="none used", weights="public domain (NASA)", training_data="none: a photograph"),
    folder="pictures",
)
"""A close-up portrait that scikit-image ships: fetched only when a benchmark names it."""


def shared_folder() -> Path:
    """The folder with `data/` and `reference/`: HOLOPOSE_SHARED, or `shared` beside the project.

    Raises:
        SystemExit: it is not there.
    """
    folder = Path(os.environ.get("HOLOPOSE_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        sys.exit(f"no shared folder at {folder}: set HOLOPOSE_SHARED to the folder that holds data/ and reference/")
    return folder


def images_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def picture_path(name: str, shared: Path) -> Path | str:
    """Where a picture of the reference lies, fetched where needed; a sentence saying why it is not to be had."""
    local = shared / "data" / "images" / name
    if local.is_file():
        return local
    assets = {asset.filename: asset for asset in (*PICTURES, ASTRONAUT)}
    if name not in assets:
        return f"{name} is not in {local.parent} and is no picture that can be fetched"
    try:
        return locate(assets[name])
    except ModelError as error:
        return str(error)


def empty_frames(
    sizes_wh: tuple[tuple[int, int], ...] = ((320, 240), (640, 480), (1280, 720), (1920, 1080)), seeds: int = 3
) -> Iterator[Frame]:
    """Uniform, noisy and graded pictures of several sizes, the same ones every time; none shows anybody."""
    for width, height in sizes_wh:
        for seed in range(seeds):
            for kind, paint in _PAINTERS.items():
                random = np.random.default_rng([seed, width, height])
                image = np.clip(paint(random, width, height), 0, 255).astype(np.uint8)
                yield Frame(np.ascontiguousarray(image), name=f"{kind} {width}x{height} seed {seed}")


Picture = npt.NDArray[np.floating[Any] | np.integer[Any]]


def _grid(width: int, height: int) -> tuple[Picture, Picture]:
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    return x[..., None], y[..., None]


def _flat(random: np.random.Generator, width: int, height: int) -> Picture:
    return np.broadcast_to(random.integers(0, 256, 3), (height, width, 3))


def _black(random: np.random.Generator, width: int, height: int) -> Picture:
    return np.zeros((height, width, 3))


def _white(random: np.random.Generator, width: int, height: int) -> Picture:
    return np.full((height, width, 3), 255)


def _even_noise(random: np.random.Generator, width: int, height: int) -> Picture:
    return random.integers(0, 256, (height, width, 3))


def _normal_noise(random: np.random.Generator, width: int, height: int) -> Picture:
    return random.normal(random.uniform(60, 200, 3), 40, (height, width, 3))


def _salt_and_pepper(random: np.random.Generator, width: int, height: int) -> Picture:
    return random.choice([0.0, 128.0, 255.0], (height, width, 1), p=[0.1, 0.8, 0.1]).repeat(3, axis=2)


def _clouds(random: np.random.Generator, width: int, height: int) -> Picture:
    """Noise of several scales, each half as strong as the one twice as coarse."""
    image = np.full((height, width, 3), 128.0)
    for octave in range(2, 7):
        cells = random.normal(0, 160 / 2**octave, (2**octave, 2**octave, 3))
        image += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    return image


def _linear(random: np.random.Generator, width: int, height: int) -> Picture:
    x, y = _grid(width, height)
    angle = random.uniform(0, 2 * np.pi)
    return _between(random, (x * np.cos(angle) + y * np.sin(angle) + 1.5) / 3)


def _radial(random: np.random.Generator, width: int, height: int) -> Picture:
    x, y = _grid(width, height)
    centre = random.uniform(-0.5, 0.5, 2)
    return _between(random, np.hypot(x - centre[0], y - centre[1]))


def _between(random: np.random.Generator, share: Picture) -> Picture:
    """From one random colour (share 0) to another (1)."""
    first, second = random.uniform(0, 255, (2, 3))
    return np.asarray(first + (second - first) * share)


_PAINTERS = {
    "uniform": _flat,
    "black": _black,
    "white": _white,
    "even noise": _even_noise,
    "normal noise": _normal_noise,
    "salt and pepper": _salt_and_pepper,
    "clouds": _clouds,
    "linear gradient": _linear,
    "radial gradient": _radial,
}
