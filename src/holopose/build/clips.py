"""Owns `stream`: the frames of one clip, webcam or network stream with their people, as they are found."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from holopose.build import parts
from holopose.config import RunConfig
from holopose.errors import InputError
from holopose.protocols import Estimator
from holopose.types import Frame, Poses

if TYPE_CHECKING:
    from holopose.io.sources.inputs import Input

__all__ = ["stream"]


def stream(
    source: str | os.PathLike[str] | int, /, *, estimator: Estimator | None = None, **options: Any
) -> Iterator[tuple[Frame, Poses]]:
    """Follow everybody through a clip: each frame with its people, their identities, their motion smoothed.

    Frames come as soon as they are done, so a clip of any length fits into memory; of a webcam or a network stream it
    is always the newest one, and the iteration goes on until you leave it. The clip is closed when the iteration ends,
    also by ``break``.

    Args:
        source: Path of a clip, number of a webcam, address of a stream, ``-`` for standard input.
        estimator: What `build_estimator` made, used instead of loading the model that the options about people ask
            for: so that it is loaded once for several clips, one after the other.
        **options: Options about people, input and clips, by the names of `RunConfig`: `max_people=1`, `start_s=10`,
            `person="largest"`, `smooth="kalman"`... Those of the smoothers that use the whole clip
            (`smooth="butterworth"`) read it twice and give the first frame once all are known.

    Returns:
        An iterator over frames and people. `Poses.ids` are their identities, -1 = none; `Frame.index` and
        `Frame.time_s` say where in the clip it is.

    Raises:
        ConfigError: an option is unknown or not acceptable.
        InputError: the source is not there, is no clip, or (from the iteration) cannot be read.
        ModelError: from the iteration: a model file is missing and cannot be fetched.
        BackendError: from the iteration: the device cannot do what was asked.
    """
    config = RunConfig.from_options("people", "input", "clips", **options)
    return _follow(_find_clip(source), config, estimator)


def _find_clip(source: str | os.PathLike[str] | int) -> Input:
    """What the argument stands for.

    Raises:
        InputError: nothing, several inputs, or no clip.
    """
    from holopose.io.sources.inputs import Input, expand

    if isinstance(source, int) and not isinstance(source, bool) and source >= 0:
        return Input("live", str(source), f"webcam-{source}")
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"expected a clip's path, a webcam's number or a stream's address, got {source!r:.80}")
    found = expand([source])
    if len(found) != 1:
        raise InputError(f"{source}: expected one clip, got {len(found)} inputs; holopose.build.run_files takes many")
    [one] = found
    if one.kind not in ("video", "live", "stdin"):
        raise InputError(
            f"{one.label}: expected a clip, got {'an' if one.kind == 'archive' else 'a'} {one.kind}{_HINT}"
        )
    return one


_HINT = "; holopose.estimate takes pictures, holopose.build.run_files takes all"


def _follow(item: Input, config: RunConfig, estimator: Estimator | None) -> Iterator[tuple[Frame, Poses]]:
    with contextlib.closing(parts.build_source(item, config)) as source:
        kind = parts.kind_of(source)
        if kind not in ("clip", "live"):
            raise InputError(f"{item.label}: expected a clip, got a picture{_HINT}")
        yield from parts.build_pipeline(config, estimator, kind=kind).stream(source)
