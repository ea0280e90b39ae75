"""Owns drawing stored results over their clip or pictures, without running a model."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from holopose.build.parts import build_painter
from holopose.config import RunConfig
from holopose.errors import InputError, OutputError
from holopose.protocols import Sink, Source

__all__ = ["Rendered", "render_file"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was drawn.

    Attributes:
        path: File or folder.
        frames: How many pictures there are in it.
        encoder: h264, vp9 or av1; None where it is no video.
        sound: ``copied``, ``encoded`` or ``none``; None where it is no video.
    """

    path: Path
    frames: int
    encoder: str | None = None
    sound: str | None = None


def render_file(
    results: str | os.PathLike[str], over: str | os.PathLike[str], out: str | os.PathLike[str], config: RunConfig
) -> Rendered:
    """Draw a result file over what it was made from.

    Args:
        results: A result file of any form that can be read.
        over: The clip; the picture; a folder or an archive of pictures.
        out: What to write. Over a clip: a video (mp4, mov, mkv, webm), or a folder for a picture per frame; over a
            picture: a picture (png, jpg, webp); over several pictures: a folder.
        config: How to draw; of the other options encoder, audio, overlay_format, overwrite and max_megapixels. A video
            whose ending does not fit the encoder gets the usual one for its ending.

    Raises:
        InputError: one of them cannot be read, or they do not fit each other.
        OutputError: `out` cannot be written, or does not suit what it is to hold.
    """
    from holopose.io.readers.recognize import read_results_file
    from holopose.io.replay import replay

    stored = read_results_file(Path(results))
    with contextlib.closing(_open(Path(over), config)) as source:
        sink, tell = _choose_sink(Path(out), source, [Path(results), Path(over)], config)
        frames = 0
        ok = False
        try:
            for frame, poses in replay(stored, source, name=str(results)):
                sink.write(frame, poses)
                frames += 1
            ok = True
        finally:
            sink.close(ok=ok)
    return Rendered(Path(out), frames, *tell())


def _open(over: Path, config: RunConfig) -> Source:
    """What the results are drawn over.

    Raises:
        InputError: it is neither a clip nor pictures, or cannot be read.
    """
    from holopose.io.sources.ahead import AheadSource
    from holopose.io.sources.archives import ArchiveSource
    from holopose.io.sources.images import ImageSource
    from holopose.io.sources.inputs import expand
    from holopose.io.sources.video import VideoSource

    found = expand([over], recursive=config.recursive)
    kinds = {one.kind for one in found}
    if kinds == {"picture"}:
        return ImageSource([one.location for one in found], max_megapixels=config.max_megapixels)
    if kinds == {"archive"} and len(found) == 1:
        return ArchiveSource(found[0].location, max_megapixels=config.max_megapixels)
    if kinds == {"video"} and len(found) == 1:
        return AheadSource(VideoSource(found[0].location, max_megapixels=config.max_megapixels))
    raise InputError(f"{over}: expected one clip, one picture, or a folder or archive of pictures and nothing else")


def _choose_sink(
    out: Path, source: Source, keep: list[Path], config: RunConfig
) -> tuple[Sink, Callable[[], tuple[str | None, str | None]]]:
    """What writes `out`, and what tells about encoder and sound in the end.

    Raises:
        OutputError: its name does not suit what it is to hold, or is taken.
    """
    from holopose.io.sinks.encoder import CONTAINERS
    from holopose.io.sinks.overlay import FORMATS, OverlaySink
    from holopose.io.sinks.overlay_video import OverlayVideoSink
    from holopose.io.sinks.picture_folder import PictureFolderSink
    from holopose.io.sinks.threaded import ThreadedSink

    painter = build_painter(config)
    common: dict[str, Any] = {"overwrite": config.overwrite, "inputs": keep}
    ending = out.suffix.lower()
    kind, info = source.info.get("kind"), source.info
    if kind == "images" and info.get("count") == 1:
        return OverlaySink(out, painter, **common), _nothing
    if kind != "video" and ending in {*CONTAINERS, *FORMATS}:
        raise OutputError(f"{out}: expected the name of a folder for the pictures, got that of a file")
    if kind == "video" and ending in FORMATS:
        raise OutputError(f"{out}: expected a video ({', '.join(CONTAINERS)}) or a folder for the frames of a clip")
    if ending not in CONTAINERS:
        return ThreadedSink(PictureFolderSink(out, painter, format_name=config.overlay_format, **common)), _nothing
    encoders = CONTAINERS[ending][1]
    encoder = config.encoder if config.encoder in encoders else encoders[0]
    video = OverlayVideoSink(
        out,
        painter,
        audio_from=str(info["name"]) if config.audio else None,
        encoder=encoder,
        rate=_rate(info),
        **common,
    )
    return ThreadedSink(video), lambda: (encoder, video.sound)


def _nothing() -> tuple[None, None]:
    return None, None


def _rate(info: Mapping[str, Any]) -> Fraction | None:
    exact = info.get("rate_exact")
    return Fraction(exact) if isinstance(exact, str) else None
