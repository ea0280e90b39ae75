"""Owns the options of a run: one flat dataclass, the same names in Python, in TOML and on the command line.

The defaults of `RunConfig` are the defaults of holopose; no other place keeps different ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import Field, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from holopose.config.option import KINDS, Kind, Option, nearest
from holopose.errors import ConfigError

__all__ = ["GROUPS", "RunConfig"]

GROUPS: dict[str, str] = {
    "people": "Who is found and how",
    "input": "Pictures and clips in",
    "clips": "Time: identities and smooth motion",
    "many": "Many inputs",
    "output": "Results out",
    "drawing": "The overlay",
}
"""Groups of options and their headings; `holopose.estimate` takes the first two, `holopose.paint` the last."""

_LAYOUTS = (  # spelt out, as `_PARTS` is, so that options are known without loading arrays; a test compares
    *("coco17", "wholebody133", "halpe26", "halpe136", "blazepose33", "blaze543"),
    *("openpose18", "openpose25", "openpose60", "openpose67", "mpii16", "crowdpose14", "aic14"),
    "face68",  # not hand21: a person has two; nor face106: nothing else has its points
)
_PARTS = ("body", "feet", "face", "left_hand", "right_hand")
_SAVES = (
    *("json", "jsonl", "csv", "wide-csv", "parquet", "trc"),
    *("coco", "openpose", "alphapose", "overlay", "skeleton"),
)
_SMOOTHERS = ("none", "one-euro", "mediapipe", "kalman", "savgol", "butterworth", "median", "weighted")


def _option(default: Any, group: str, text: str, **limits: Any) -> Any:
    return field(default=default, metadata={"group": group, "help": text, **limits})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that can be chosen about a run; each field is an option of `holopose run` and a key in TOML.

    Raises:
        ConfigError: a value is of the wrong type or outside what its option accepts.

    >>> RunConfig(search="whole", max_people=1).max_people
    1
    """

    model: str = _option("blaze", "people", "Model: `holopose models list` shows them.")
    detector: str = _option(
        "auto",
        "people",
        "What finds people for models that need boxes: a detector, blaze, or none = the whole picture is one person; "
        "auto = the model's own search, or blaze.",
    )
    box: tuple[tuple[float, ...], ...] = _option((), "people", "A person is here: x1,y1,x2,y2 in pixels. Repeatable.")
    boxes: str | None = _option(None, "people", "People are where this file of detections in COCO form says.")
    bottom_up: str | None = _option(
        None, "people", "Model that sees all people at once, to settle who is who where boxes overlap."
    )
    pose_nms: str = _option(
        "oks",
        "people",
        "How a person found twice is told, for models with boxes.",
        choices=("oks", "parametric", "none"),
    )
    flip: bool = _option(False, "people", "Look at each person mirrored too, and average: slower, a little better.")
    adjust: tuple[str, ...] = _option(
        (), "people", "A setting of the model's card to change, as name=value. Repeatable."
    )
    search: str = _option(
        "normal",
        "people",
        "How hard to look: thorough finds smaller people; whole is one view of the picture, for one person.",
        choices=("thorough", "normal", "whole"),
    )
    max_people: int | None = _option(None, "people", "At most so many people, best first.", low=1)
    min_score: float = _option(
        0.0, "people", "Leave out people whose score is lower. Never changes a keypoint.", low=0, high=1
    )
    layout: str = _option(
        "own",
        "people",
        "Keypoint layout of the results; own = the model's (blaze: wholebody133).",
        choices=("own", *_LAYOUTS),
    )
    native: bool = _option(False, "people", "Keep the model's own keypoints beside the layout (in JSON: `native`).")
    world: bool = _option(True, "people", "Keep the hip-centred coordinates in metres.")
    runtime: str = _option(
        "auto",
        "people",
        "What runs the networks; auto = OpenVINO on a CPU, where the file allows.",
        choices=("auto", "openvino", "onnxruntime", "torch"),
    )
    device: str = _option("cpu", "people", "Device that runs the networks: `holopose doctor` shows them.")
    precision: str = _option(
        "f32",
        "people",
        "Arithmetic of the networks; bf16 and f16 are faster where the device has them, and coarser.",
        choices=("f32", "bf16", "f16"),
    )
    threads: int = _option(0, "people", "CPU threads per network; 0 = all that this process may use.", low=0, high=1024)
    max_megapixels: float = _option(
        100.0, "input", "Refuse larger pictures before decoding them.", low=0.0001, high=1_000_000
    )
    recursive: bool = _option(False, "many", "Look into the folders of a folder too.")
    start_s: float | None = _option(None, "clips", "Begin a clip here, seconds.", low=0)
    end_s: float | None = _option(None, "clips", "End a clip before this, seconds.", low=0)
    every: int = _option(1, "clips", "Of a clip take every so-manieth frame only.", low=1)
    follow: bool = _option(True, "clips", "Follow people from frame to frame; without, each frame is searched anew.")
    detect_every_s: float = _option(
        0.5, "clips", "While following, look for newcomers this often, seconds; 0 = in every frame.", low=0
    )
    track: bool = _option(True, "clips", "Give people identities; without, motion is not smoothed.")
    gap_s: float = _option(2.0, "clips", "Keep the identity of somebody out of sight for so long, seconds.", low=0)
    person: str = _option("all", "clips", "Whom to keep: all, largest, central, or the number of an identity.")
    smooth: str = _option(
        "one-euro",
        "clips",
        "How motion is smoothed; savgol, butterworth, median and weighted use the whole clip.",
        choices=_SMOOTHERS,
    )
    keep_raw: bool = _option(False, "clips", "Keep the coordinates before smoothing beside the smoothed ones.")
    max_gap_s: float = _option(
        0.2, "clips", "Smoothers that use the whole clip fill gaps up to this long, seconds; 0 = none.", low=0
    )
    fix_swaps: bool = _option(False, "clips", "Exchange left and right back where they were exchanged for a moment.")
    anatomy: bool = _option(False, "clips", "Pull doubtful joints towards the person's own bone lengths.")
    flow: bool = _option(False, "clips", "Carry people over gaps of the detector by optical flow.")
    min_motion: float = _option(
        0.0, "clips", "Keep only frames whose pose moved by this share of the person's size; 0 = all.", low=0
    )
    max_fps: float | None = _option(None, "clips", "Keep at most so many frames per second.", low=0.000001)
    save: tuple[str, ...] = _option(("json", "csv", "overlay"), "output", "Files to write.", choices=_SAVES)
    together: bool = _option(
        False, "many", "One set of files for all pictures of a folder or an archive, not one per picture."
    )
    overwrite: bool = _option(False, "output", "Replace results that are already there.")
    resume: bool = _option(False, "many", "Go on with a run that was broken off: leave out what is complete.")
    coco_form: str = _option("parts", "output", "Shape of COCO files.", choices=("parts", "body", "flat133", "dataset"))
    alphapose_form: str = _option("coco", "output", "Shape of AlphaPose files.", choices=("coco", "cmu", "open"))
    encoder: str = _option("h264", "output", "Encoder of the overlay video.", choices=("h264", "vp9", "av1"))
    audio: bool = _option(True, "output", "Copy the clip's sound into the overlay video.")
    normalized: bool = _option(False, "output", "Add coordinates as fractions of width and height to the JSON.")
    overlay_format: str = _option(
        "png", "output", "File format of the overlay picture.", choices=("png", "jpg", "webp")
    )
    style: str = _option(
        "holopose",
        "drawing",
        "Colours and shapes: classic is red joints on white bones.",
        choices=("holopose", "classic", "openpose"),
    )
    color_by: str = _option(
        "person", "drawing", "What gets its own colour (style holopose).", choices=("person", "side", "part")
    )
    draw_parts: tuple[str, ...] = _option(_PARTS, "drawing", "Parts to draw.", choices=_PARTS)
    draw_threshold: float = _option(0.3, "drawing", "Keypoints below this score are not drawn.", low=0, high=1)
    line_width: float = _option(
        0.0, "drawing", "Line width in pixels; 0 = follow the picture's size.", low=0, high=1000
    )
    skeleton_opacity: float = _option(1.0, "drawing", "Opacity of what is drawn.", low=0, high=1)
    picture_opacity: float = _option(1.0, "drawing", "Opacity of the picture beneath.", low=0, high=1)
    background: str = _option(
        "picture",
        "drawing",
        "What lies beneath the skeletons.",
        choices=("picture", "black", "white", "transparent"),
    )
    side_by_side: bool = _option(False, "drawing", "Put the untouched picture to the left of the drawing.")
    draw_boxes: bool = _option(False, "drawing", "Draw each person's box and score.")

    def __post_init__(self) -> None:
        for option in self.options():
            object.__setattr__(self, option.name, option.check(getattr(self, option.name)))
        if sum((bool(self.box), self.boxes is not None, self.detector != "auto")) > 1:
            raise ConfigError("box, boxes, detector: each says where people are; expected one of them, got several")
        if self.background == "transparent" and self.overlay_format == "jpg":
            raise ConfigError(
                "background: expected a format with transparency for 'transparent', got overlay_format "
                "'jpg'; choose png or webp"
            )
        if self.person not in ("all", "largest", "central") and not (self.person.isascii() and self.person.isdigit()):
            raise ConfigError(f"person: expected all, largest, central or a number, got {self.person!r}")
        if self.person.isdigit() and int(self.person) == 0:
            raise ConfigError(f"person: identities are numbered from 1, got {self.person!r}")
        if not self.track:
            self._refuse_what_needs_identities()
        elif self.keep_raw and self.follow and self.smooth == "mediapipe":
            raise ConfigError(
                "keep_raw: smooth 'mediapipe' has no coordinates before smoothing; choose another smoother"
            )
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ConfigError(f"end_s: expected more than start_s ({self.start_s:g}), got {self.end_s:g}")

    def _refuse_what_needs_identities(self) -> None:
        """Without identities nobody's motion is known. The default smoother is then left out, as it was not asked for.

        Raises:
            ConfigError: something was asked for that would be left out.
        """
        asked = {"person": self.person != "all", "smooth": self.smooth not in ("none", "one-euro", "mediapipe")}
        asked |= {name: getattr(self, name) for name in ("keep_raw", "fix_swaps", "anatomy", "flow")}
        for name in (name for name, is_asked in asked.items() if is_asked):
            raise ConfigError(f"{name}: {getattr(self, name)!r} needs identities; leave track on")

    @staticmethod
    def options(*groups: str) -> tuple[Option, ...]:
        """What each field accepts, in order; only those of `groups` where any are named."""
        return tuple(option for option in _all_options() if not groups or option.group in groups)

    @classmethod
    def from_options(cls, *groups: str, **options: Any) -> RunConfig:
        """A configuration from keywords, the rest at their defaults.

        Args:
            *groups: Accept only options of these groups (keys of `GROUPS`); none = all.
            **options: Values by field name.

        Raises:
            ConfigError: an unknown key (naming the nearest one) or a value that is not accepted.
        """
        _refuse_unknown(options, [option.name for option in cls.options(*groups)])
        return cls(**options)

    @classmethod
    def from_toml(cls, path: Path | str) -> RunConfig:
        """A configuration from a TOML file whose keys are field names.

        Raises:
            ConfigError: the file cannot be read, is not TOML, or has an unknown key or unacceptable value.
        """
        import tomllib

        try:
            options = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
            return cls.from_options(**options)
        except OSError as error:
            raise ConfigError(f"{path}: expected a readable TOML file: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: expected TOML in UTF-8, got other bytes ({error.reason})") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: expected TOML: {error}") from error
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def replace(self, **options: Any) -> RunConfig:
        """A copy with some options changed, checked anew.

        Raises:
            ConfigError: as for `from_options`.
        """
        return self.from_options(**{**self.to_options(), **options})

    def to_options(self, *groups: str) -> dict[str, Any]:
        """Field names and values, only of `groups` where any are named."""
        return {option.name: getattr(self, option.name) for option in self.options(*groups)}

    def to_toml(self) -> str:
        """The whole configuration as TOML text, each key under a comment that says what it accepts.

        TOML has no null: an option that is None is written as a comment.
        """
        lines: list[str] = []
        for group, heading in GROUPS.items():
            lines += [f"# {heading}", ""]
            for option in self.options(group):
                value = getattr(self, option.name)
                lines.append(f"# {option.help} {option.expected[0].upper()}{option.expected[1:]}.")
                lines += [f"# {option.name} = none" if value is None else f"{option.name} = {_toml(value)}", ""]
        return "\n".join(lines)


def _kind(one: Field[Any]) -> Kind:
    kind = KINDS[str(one.type)]
    return "words" if kind == "names" and "choices" not in one.metadata else kind


@lru_cache(maxsize=1)
def _all_options() -> tuple[Option, ...]:
    return tuple(
        Option(name=f.name, kind=_kind(f), default=f.default, optional="None" in str(f.type), **f.metadata)
        for f in fields(RunConfig)
    )


def _refuse_unknown(options: Iterable[str], known: list[str]) -> None:
    everywhere = {option.name: option for option in _all_options()}
    for name in options:
        if name in known:
            continue
        if name in everywhere:
            heading = GROUPS[everywhere[name].group]
            raise ConfigError(f"{name}: this option belongs to {heading!r} and has no meaning here")
        raise ConfigError(f"{name}: unknown option; did you mean {nearest(name, known)!r}?")


def _toml(value: bool | float | str | tuple[Any, ...]) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(word) for word in value) + "]"
    if isinstance(value, str):  # JSON's escapes are TOML's, except that TOML also wants DEL escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
