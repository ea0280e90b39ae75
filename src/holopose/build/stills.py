"""Owns the two functions that most people need: `estimate` and `paint`, for one picture."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holopose.build import parts
from holopose.config import RunConfig
from holopose.pipeline import Pipeline
from holopose.types import Frame, Poses

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from holopose.io.images import ImageInput

__all__ = ["estimate", "paint"]


def estimate(source: ImageInput | Frame, **options: Any) -> Poses:
    """Find everybody in one picture.

    The model stays loaded for further calls with the same options; calls from several threads take turns.

    Args:
        source: Path of a picture, its bytes as they are in a file, or a Frame (`Frame.from_rgb`, `Frame.from_bgr` make
            one from an array).
        **options: Options about people and input, by the names of `RunConfig`: `search="thorough"`, `max_people=1`...

    Returns:
        N people in the layout asked for, coordinates in px of the upright picture; none is a normal answer.

    Raises:
        InputError: the picture cannot be read.
        ConfigError: an option is unknown or not acceptable.
        ModelError: a model file is missing and cannot be fetched.
        BackendError: the device cannot do what was asked.
    """
    config = RunConfig.from_options("people", "input", **options)
    frame = _read(source, config)
    with _turn:
        [(_, poses)] = _loaded_pipeline(config).stream([frame])
    return poses


_turn = threading.Lock()
_loaded: dict[tuple[RunConfig, tuple[int, int] | None], Pipeline] = {}


def _loaded_pipeline(config: RunConfig) -> Pipeline:
    """The pipeline of the last call when the options about people are the same, otherwise a new one in its place."""
    people = RunConfig(**config.to_options("people"))
    key = people, _stamp(people.boxes)
    if key not in _loaded:
        pipeline = parts.build_pipeline(people)
        _loaded.clear()
        _loaded[key] = pipeline
    return _loaded[key]


def _stamp(path: str | None) -> tuple[int, int] | None:
    """Time and size of a file, which change when it does."""
    if path is None:
        return None
    try:
        found = Path(path).stat()
    except OSError:  # who reads it says so
        return None
    return found.st_mtime_ns, found.st_size


def paint(picture: ImageInput | Frame, poses: Poses, **options: Any) -> npt.NDArray[np.uint8]:
    """Draw people over their picture.

    Args:
        picture: What `estimate` was given.
        poses: What `estimate` returned.
        **options: Options about drawing and input, by the names of `RunConfig`: `style="classic"`, `draw_boxes=True`...

    Returns:
        (H, W, 3) uint8 RGB, (H, W, 4) RGBA with `background="transparent"`; twice as wide with `side_by_side`.

    Raises:
        InputError: the picture cannot be read.
        ConfigError: an option is unknown or not acceptable.
    """
    config = RunConfig.from_options("drawing", "input", **options)
    return parts.build_painter(config).paint(_read(picture, config), poses)


def _read(source: ImageInput | Frame, config: RunConfig) -> Frame:
    from holopose.io.images import read_image

    return source if isinstance(source, Frame) else read_image(source, max_megapixels=config.max_megapixels)
