"""Owns the parts of a run: from a RunConfig to its source, estimator, pipeline, painter and sinks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from holopose.build.estimator import build_estimator
from holopose.config import RunConfig
from holopose.errors import ConfigError, InputError
from holopose.pipeline import Pipeline, Stage, filtering
from holopose.protocols import Estimator, Sink, Source
from holopose.types import Frame, Poses

if TYPE_CHECKING:
    from holopose.draw.painter import Painter
    from holopose.io.runinfo import RunInfo
    from holopose.io.sources.inputs import Input
    from holopose.smoothing.flow import FlowBridge

__all__ = [
    "Kind",
    "build_estimator",
    "build_painter",
    "build_pipeline",
    "build_sinks",
    "build_source",
    "kind_of",
    "result_files",
]

Kind = Literal["picture", "pictures", "clip", "live"]
"""What a source holds: one picture, several that have nothing to do with each other, a clip, or a camera's frames."""

WHOLE_CLIP = ("savgol", "butterworth", "median", "weighted")
"""Smoothers that need the whole clip."""

_ENDINGS = {
    "json": ".json",
    "jsonl": ".jsonl",
    "csv": ".csv",
    "wide-csv": ".wide.csv",
    "parquet": ".parquet",
    "trc": ".trc",
    "coco": ".coco.json",
    "openpose": ".openpose",
    "alphapose": ".alphapose.json",
}
_TOLD_APART = ("model", "runtime", "device", "precision", "threads", "native", "world")
"""Options about people that result files tell in places of their own, or that show in them."""
_VIDEO_ENDINGS = {"h264": "mp4", "vp9": "webm", "av1": "webm"}


def build_pipeline(config: RunConfig, estimator: Estimator | None = None, *, kind: Kind = "picture") -> Pipeline:
    """What happens to each frame; loads the model unless an estimator is given.

    Pictures have nothing to do with each other. In clips people are followed, get identities and are smoothed, as
    `config` says; live, nothing waits for later frames. Where boxes are given, every frame has its own.

    Raises:
        ConfigError: an option has no meaning for this kind of source.
    """
    estimator = build_estimator(config) if estimator is None else estimator
    if kind in ("picture", "pictures"):
        batch = getattr(estimator, "batch", 1) if kind == "pictures" else 1
        return Pipeline(estimator, world=config.world, batch=batch)
    if kind == "live" and config.smooth in WHOLE_CLIP:
        raise ConfigError(
            f"smooth: expected a filter that needs no later frames (one-euro, mediapipe, kalman) for a live source, "
            f"got {config.smooth!r}"
        )
    told = bool(config.box) or config.boxes is not None  # where people are, in every frame
    follow: Callable[..., Estimator] | None = None
    if config.follow and not told:
        follow = getattr(estimator, "following", None)
    if follow is None and config.detect_every_s != RunConfig().detect_every_s:
        raise ConfigError(
            f"detect_every_s: {config.detect_every_s:g} has no meaning here: people are looked for, or their boxes "
            "given, in every frame; leave it out"
        )
    if follow is not None:
        smooth_body = config.smooth == "mediapipe"
        estimator = follow(detect_every_s=config.detect_every_s, smooth_body=smooth_body)
    ahead = [] if kind == "live" else [_estimating_ahead]
    stages = [
        *ahead,
        *_identity_stages(config, live=kind == "live"),
        *_motion_stages(config, followed=follow is not None),
    ]
    whole_clip = _Revision(config) if config.track and config.smooth in WHOLE_CLIP else None
    again = [] if whole_clip is None else [whole_clip.check]
    return Pipeline(
        estimator,
        world=config.world,
        stages=stages,
        whole_clip=whole_clip,
        final=[*again, *_sampling_stages(config)],
        batch=1 if kind == "live" else getattr(estimator, "batch", 1),
    )


def _estimating_ahead(stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
    """The estimator works in a thread of its own, while later stages and sinks work on earlier frames."""
    from holopose.ops.ahead import ahead_of

    return ahead_of(stream, depth=2)


def _identity_stages(config: RunConfig, *, live: bool) -> list[Stage]:
    """Who is who, and whom to keep."""
    from holopose.tracking.births import IdentityStage
    from holopose.tracking.tracker import PoseTracker

    if not config.track:
        if config.person != "all":
            raise ConfigError(f"person: {config.person!r} needs identities; leave track on")
        return []
    stages: list[Stage] = [IdentityStage(PoseTracker(gap_s=config.gap_s), hold=not live)]
    if config.person != "all":
        from holopose.tracking.selection import PersonSelection

        whom = int(config.person) if config.person.isdigit() else config.person
        stages.append(PersonSelection(whom, gap_s=config.gap_s))
    return stages


def _motion_stages(config: RunConfig, *, followed: bool) -> list[Stage]:
    """What makes motion smooth; acts on people with an identity only."""
    from holopose.smoothing.anatomy import AnatomyFilter
    from holopose.smoothing.flow import FlowBridge
    from holopose.smoothing.kalman import KalmanFilter
    from holopose.smoothing.one_euro import OneEuroFilter
    from holopose.smoothing.swaps import SwapFilter

    if not config.track:
        return []
    keep = config.keep_raw
    stages: list[Stage] = [_bridging(FlowBridge())] if config.flow else []
    if config.smooth not in WHOLE_CLIP:
        stages.append(filtering(SwapFilter(fix=config.fix_swaps, keep_raw=keep and config.fix_swaps)))
    if config.anatomy:
        stages.append(filtering(AnatomyFilter(keep_raw=keep)))
    if config.smooth == "one-euro":
        stages.append(filtering(OneEuroFilter(keep_raw=keep)))
    elif config.smooth == "kalman":
        stages.append(filtering(KalmanFilter(keep_raw=keep)))
    elif config.smooth == "mediapipe" and not followed:
        stages.append(filtering(OneEuroFilter.mediapipe(keep_raw=keep)))
    return stages


def _bridging(bridge: FlowBridge) -> Stage:
    """A stage that carries people over gaps, beginning anew with every source."""

    def stage(stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        bridge.reset()
        for frame, poses in stream:
            yield frame, bridge.bridge(frame, poses)

    return stage


class _Revision:
    """Exchanged sides found, looking both ways in time, gaps filled, then everything smoothed."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._last = -1

    def __call__(self, rows: list[Any]) -> list[Any]:
        from holopose.smoothing.clip import fill_clip, fix_clip, smooth_clip

        config, keep = self._config, self._config.keep_raw
        self._last = rows[-1][0].index if rows else -1
        rows = fix_clip(rows, fix=config.fix_swaps, keep_raw=keep and config.fix_swaps)
        if config.max_gap_s > 0:
            rows = fill_clip(rows, max_gap_s=config.max_gap_s, keep_raw=keep)
        return smooth_clip(rows, config.smooth, max_gap_s=config.max_gap_s, keep_raw=keep)

    def check(self, stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        """A stage that tells when frames are missing as the clip is read again."""
        index = -1
        for frame, poses in stream:
            index = frame.index
            yield frame, poses
        if index != self._last:
            raise InputError(f"frame {index + 1}: cannot be read again, or is another now; is the clip being written?")


def _sampling_stages(config: RunConfig) -> list[Stage]:
    """Which frames to keep."""
    from holopose.motion.sampling import MotionSampler

    if config.min_motion == 0 and config.max_fps is None:
        return []
    return [MotionSampler(min_motion=config.min_motion, max_fps=config.max_fps)]


def build_source(
    item: Input | str | os.PathLike[str], config: RunConfig, on_message: Callable[[str], None] | None = None
) -> Source:
    """The frames of one input.

    Args:
        item: What `holopose.io.sources.inputs.expand` made of an argument; a path is a picture.
        config: Range of clips, limits.
        on_message: Told of connections lost and made again.
    """
    from holopose.io.sources.images import ImageSource

    if isinstance(item, str | os.PathLike):
        return ImageSource([item], max_megapixels=config.max_megapixels)
    if item.kind == "archive":
        from holopose.io.sources.archives import ArchiveSource

        return ArchiveSource(item.location, max_megapixels=config.max_megapixels)
    if item.kind == "live":
        from holopose.io.sources.live import LiveSource

        return LiveSource(item.location, max_megapixels=config.max_megapixels, on_message=on_message)
    if item.kind == "video":
        return _clip_source(item.location, Path(item.location).name, config)
    if item.kind == "stdin":
        return _standard_input(item, config)
    return ImageSource([item.location], max_megapixels=config.max_megapixels)


def _clip_source(source: Any, name: str, config: RunConfig) -> Source:
    from holopose.io.sources.ahead import AheadSource
    from holopose.io.sources.video import VideoSource

    clip = VideoSource(
        source,
        start_s=config.start_s,
        end_s=config.end_s,
        every=config.every,
        max_megapixels=config.max_megapixels,
        name=name,
    )
    return AheadSource(clip)


def _standard_input(item: Input, config: RunConfig) -> Source:
    """A picture if it begins like one, else a clip that can be read once."""
    from holopose.io.sources.images import ImageSource
    from holopose.io.sources.standard_input import open_standard_input

    _, content = open_standard_input()
    if isinstance(content, bytes):
        return ImageSource([content], max_megapixels=config.max_megapixels)
    if config.smooth in WHOLE_CLIP:
        raise ConfigError(f"smooth: {config.smooth!r} reads a clip twice; standard input can be read once, give a file")
    return _clip_source(content, item.label, config)


def kind_of(source: Source) -> Kind:
    """What a source holds, from its `info`."""
    kind = source.info.get("kind")
    if kind == "video":
        return "clip"
    if kind == "live":
        return "live"
    return "picture" if source.info.get("count") == 1 else "pictures"


def build_painter(config: RunConfig) -> Painter:
    """What draws the overlay."""
    from holopose.draw.painter import Painter

    return Painter(**config.to_options("drawing"))


def result_files(config: RunConfig, base: Path, kind: Kind = "picture") -> dict[str, Path]:
    """Path of each file (or folder) to save, by format; `base` is the folder and the name they begin with."""
    picture = {"picture": f".{config.overlay_format}", "pictures": ""}.get(kind, f".{_VIDEO_ENDINGS[config.encoder]}")
    endings = {**_ENDINGS, "overlay": f".overlay{picture}", "skeleton": f".skeleton{picture}"}
    wanted = [name for name in config.save if name != "trc" or kind in ("clip", "live")]  # pictures have no motion
    return {name: base.with_name(base.name + endings[name]) for name in wanted}


def build_sinks(
    config: RunConfig, base: Path, estimator: Estimator, inputs: Iterable[Path] = (), source: Source | None = None
) -> dict[Path, Sink]:
    """What writes the files of one input, by the path of each.

    Args:
        config: Which files, and what they hold.
        base: Folder of the results and the name they begin with: out/photo gives out/photo.json.
        estimator: What finds the people; the files say what it was.
        inputs: Files that are never replaced; the clip among them gives the overlay video its sound.
        source: Where the frames come from; None = one picture.

    Raises:
        OutputError: a file is there already, or cannot be written.
    """
    from holopose.io.sinks import SINKS

    kind: Kind = "picture" if source is None else kind_of(source)
    if not result_files(config, base, kind):
        raise ConfigError(f"save: {', '.join(config.save)} is for clips, and this is none; add another format")
    info = _describe(config, estimator, kind, source)
    always: dict[str, Any] = {"overwrite": config.overwrite, "inputs": tuple(inputs)}
    own: dict[str, dict[str, Any]] = {
        "json": {"native": config.native, "world": config.world, "normalized": config.normalized},
        "csv": {"normalized": config.normalized, "world": config.world, "raw": config.keep_raw},
        "wide-csv": {"normalized": config.normalized, "raw": config.keep_raw},
        "trc": {"world": config.world},
        "coco": {"form": config.coco_form},
        "alphapose": {"form": config.alphapose_form},
    }
    own["jsonl"], own["parquet"] = own["json"], own["csv"]
    sinks: dict[Path, Sink] = {}
    for name, path in result_files(config, base, kind).items():
        if name in ("overlay", "skeleton"):
            painter = build_painter(config)
            if name == "skeleton":
                painter = replace(painter, background="black", side_by_side=False)
            sinks[path] = _drawing_sink(config, path, painter, source, always)
        else:
            sinks[path] = SINKS[name](path, info, **own.get(name, {}), **always)
    return sinks


def _drawing_sink(
    config: RunConfig, path: Path, painter: Painter, source: Source | None, always: Mapping[str, Any]
) -> Sink:
    """What draws: a picture, a folder of pictures, or a video in a thread of its own."""
    kind = "picture" if source is None else kind_of(source)
    if kind == "picture":
        from holopose.io.sinks.overlay import OverlaySink

        return OverlaySink(path, painter, **always)
    if kind == "pictures":
        from holopose.io.sinks.picture_folder import PictureFolderSink

        return PictureFolderSink(path, painter, kind=path.suffix[1:], format_name=config.overlay_format, **always)
    if painter.background == "transparent":
        raise ConfigError("background: videos have no transparency; choose picture, black or white")
    from holopose.io.sinks.overlay_video import OverlayVideoSink
    from holopose.io.sinks.threaded import ThreadedSink

    facts: Mapping[str, Any] = {} if source is None else source.info
    clips = [one for one in always["inputs"] if one.name == facts.get("name") and one.is_file()]
    sink = OverlayVideoSink(
        path,
        painter,
        audio_from=clips[0] if clips and config.audio and facts.get("has_audio") else None,
        encoder=config.encoder,
        rate=facts.get("rate"),
        **always,
    )
    return ThreadedSink(sink)


def _describe(config: RunConfig, estimator: Estimator, kind: Kind, source: Source | None) -> RunInfo:
    """What result files say about how they were made; an estimator tells about itself in `info`."""
    from holopose.io.runinfo import RunInfo

    told: Mapping[str, Any] = getattr(estimator, "info", {})
    runtime = told.get("runtime", {})
    chosen = config.to_options("people")
    options = {name: value for name, value in chosen.items() if name not in _TOLD_APART}
    facts: dict[str, Any] = {}
    if source is not None and kind in ("clip", "live"):
        options |= config.to_options("clips")
        facts = {name: fact for name, fact in source.info.items() if name != "name"}
    return RunInfo(
        model=told.get("name", type(estimator).__name__),
        cards={card["name"]: card["sha256"] for card in told.get("cards", ())},
        options=options,
        runtime=runtime.get("name", "none"),
        runtime_version=runtime.get("version", ""),
        device=runtime.get("device", "unknown"),
        precision=runtime.get("precision", ""),
        score=told.get("score", "0 to 1, as the model's card defines it"),
        source=facts,
        source_end=dict if source is None else lambda: dict(source.end_info),  # type: ignore[arg-type]
    )
