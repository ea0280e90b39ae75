"""Owns the options of a run: one flat dataclass, the same names in Python, in TOML and on the command line.

The defaults of `RunConfig` are the defaults of holopose; no other place keeps different ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, cast

from holopose.errors import ConfigError

__all__ = ["GROUPS", "Option", "RunConfig", "nearest"]

GROUPS: dict[str, str] = {
    "people": "Who is found and how",
    "input": "Pictures in",
    "output": "Results out",
    "drawing": "The overlay picture",
}
"""Groups of options and their headings; `holopose.estimate` takes the first two, `holopose.paint` the last."""

_LAYOUTS = (  # spelt out, as `_PARTS` is, so that options are known without loading arrays; a test compares
    *("coco17", "wholebody133", "halpe26", "halpe136", "blazepose33", "blaze543"),
    *("openpose18", "openpose25", "mpii16", "face68"),  # not hand21: a person has two
)
_PARTS = ("body", "feet", "face", "left_hand", "right_hand")

Kind = Literal["bool", "int", "float", "str", "names"]
_KINDS: dict[str, Kind] = {
    "bool": "bool",
    "int": "int",
    "int | None": "int",
    "float": "float",
    "str": "str",
    "tuple[str, ...]": "names",
}


@dataclass(frozen=True, slots=True)
class Option:
    """What one field of `RunConfig` accepts.

    Attributes:
        name: The field's name; the command line writes it with dashes.
        kind: Type of its value; `names` is a list of words, written with commas on the command line.
        default: Value when nothing is said.
        help: One sentence.
        group: Key of `GROUPS`.
        choices: Words accepted (for `str` and `names`); empty = any word.
        low: Smallest number accepted.
        high: Largest number accepted.
        optional: None is a value too.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    group: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    optional: bool = False

    @property
    def flag(self) -> str:
        """Name on the command line, such as ``--max-people``."""
        return "--" + self.name.replace("_", "-")

    @property
    def expected(self) -> str:
        """What is accepted, in words."""
        choices = ", ".join(self.choices)
        words = {
            "bool": "true or false",
            "int": "a whole number",
            "float": "a number",
            "str": f"one of {choices}" if choices else "a word",
            "names": f"one or more of {choices}" if choices else "one or more words",
        }[self.kind]
        if self.low is not None and self.high is not None:
            words += f" from {self.low:g} to {self.high:g}"
        elif self.low is not None:
            words += f" of at least {self.low:g}"
        return words + (" or none" if self.optional else "")

    def check(self, value: object) -> Any:
        """The value in its proper type.

        Raises:
            ConfigError: it is of the wrong type or outside what the option accepts.
        """
        if value is None and self.optional:
            return None
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind in ("int", "float") and self._is_number(value):
            return int(cast("int", value)) if self.kind == "int" else float(cast("float", value))
        if self.kind == "str" and isinstance(value, str) and value and (not self.choices or value in self.choices):
            return value
        if self.kind == "names":
            names = self._names(value)
            if names:
                return names
        hint = ""
        if self.kind == "str" and isinstance(value, str) and value and self.choices:
            from difflib import get_close_matches

            near = get_close_matches(value, self.choices, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{self.name}: expected {self.expected}, got {value!r}{hint}")

    def _is_number(self, value: object) -> bool:
        wanted: type = Integral if self.kind == "int" else Real
        if isinstance(value, bool) or not isinstance(value, wanted):
            return False
        number = float(cast("float", value))
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return math.isfinite(number) and low <= number <= high

    def _names(self, value: object) -> tuple[str, ...]:
        """The words of a list (or of one text with commas), each once; empty when something is wrong."""
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if not isinstance(value, (list, tuple)) or not all(isinstance(word, str) for word in value):
            return ()
        words = tuple(dict.fromkeys(value))
        return words if not self.choices or set(words) <= set(self.choices) else ()

    def parse(self, text: str) -> Any:
        """The value that `text` on the command line stands for.

        Raises:
            ConfigError: the text does not stand for an acceptable value.
        """
        if self.optional and text.strip().lower() == "none":
            return None
        value: object = text
        try:
            if self.kind == "int":
                value = int(text)
            elif self.kind == "float":
                value = float(text)
        except ValueError:
            value = text  # `check` says what was expected
        return self.check(value)


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

    model: str = _option("blaze", "people", "Model family: `holopose models list` shows them.")
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
    layout: str = _option("wholebody133", "people", "Keypoint layout of the results.", choices=_LAYOUTS)
    native: bool = _option(False, "people", "Keep the model's own keypoints beside the layout (in JSON: `native`).")
    world: bool = _option(True, "people", "Keep the hip-centred coordinates in metres.")
    device: str = _option("cpu", "people", "Device that runs the networks: `holopose doctor` shows them.")
    precision: str = _option(
        "f32",
        "people",
        "Arithmetic of the networks; bf16 is faster where the CPU has it, and coarser.",
        choices=("f32", "bf16"),
    )
    threads: int = _option(0, "people", "CPU threads; 0 = all that this process may use.", low=0, high=1024)
    max_megapixels: float = _option(
        100.0, "input", "Refuse larger pictures before decoding them.", low=0.0001, high=1_000_000
    )
    save: tuple[str, ...] = _option(
        ("json", "csv", "overlay"), "output", "Files to write per picture.", choices=("json", "csv", "overlay")
    )
    overwrite: bool = _option(False, "output", "Replace results that are already there.")
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
        if self.background == "transparent" and self.overlay_format == "jpg":
            raise ConfigError(
                "background: expected a format with transparency for 'transparent', got overlay_format "
                "'jpg'; choose png or webp"
            )

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


@lru_cache(maxsize=1)
def _all_options() -> tuple[Option, ...]:
    return tuple(
        Option(name=f.name, kind=_KINDS[str(f.type)], default=f.default, optional="None" in str(f.type), **f.metadata)
        for f in fields(RunConfig)
    )


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of `words` that is spelt most like `word`.

    >>> nearest("max-person", ["min_score", "max_people"])
    'max_people'
    """
    from difflib import SequenceMatcher

    plain = word.lower().replace("-", "_")
    return max(words, key=lambda known: SequenceMatcher(None, plain, known.lower().replace("-", "_")).ratio())


def _refuse_unknown(options: Iterable[str], known: list[str]) -> None:
    everywhere = {option.name: option for option in _all_options()}
    for name in options:
        if name in known:
            continue
        if name in everywhere:
            heading = GROUPS[everywhere[name].group]
            raise ConfigError(f"{name}: this option belongs to {heading!r} and has no meaning here")
        raise ConfigError(f"{name}: unknown option; did you mean {nearest(name, known)!r}?")


def _toml(value: bool | float | str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(word) for word in value) + "]"
    if isinstance(value, str):  # JSON's escapes are TOML's, except that TOML also wants DEL escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
