"""Owns Protocol: under what conditions figures came about, and whether two of them may be compared at all.

The same model differs by points, not by tenths, when boxes, scores or the evaluator differ; so every result carries its
protocol, and figures made under different ones are not put beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from holopose.errors import ConfigError, InputError

__all__ = ["NOT_STATED", "Protocol", "differences", "refuse_different", "unstated"]

NOT_STATED = "not stated"
"""What a protocol says about predictions that another program made and nobody described."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Everything that figures depend on beside the model, and which model it was.

    Attributes:
        dataset: Name of the annotation file.
        dataset_sha256: Of that file.
        kind: Kind of data set, and so the measure.
        pictures: How many pictures were judged: the first ones.
        boxes: Where boxes come from: ``gt``, ``file NAME``, ``detector NAME``, ``own search`` or not stated.
        boxes_sha256: Of the file with boxes, or of the detector's files; empty = none.
        flip: Whether each person was looked at mirrored too: yes, no or not stated.
        nms: How a person found twice was told.
        options: What else of the model's settings was changed, as name=value.
        score_rule: By which number people were ranked.
        area: What stands for a person's size.
        sigmas: Name of the OKS constants; none = the measure needs none.
        detections: At most so many found people per picture count; 0 = all.
        bounds: Crowd indices where medium and hard begin; none = not CrowdPose.
        evaluator: Program that computed the figures, with its version.
        model: Whose figures these are. It, its files, the runtime and holopose's version may differ
            between results that are compared.
        model_files: Its files -> sha256.
        runtime: What ran it: runtime, device, arithmetic. May differ too.
        holopose: Version of holopose that judged.
    """

    dataset: str
    dataset_sha256: str
    kind: str
    pictures: int
    boxes: str = NOT_STATED
    boxes_sha256: str = ""
    flip: str = NOT_STATED
    nms: str = NOT_STATED
    options: str = ""
    score_rule: str
    area: str
    sigmas: str = "none"
    detections: int = 0
    bounds: str = "none"
    evaluator: str
    model: str = NOT_STATED
    model_files: Mapping[str, str] = field(default_factory=dict)
    runtime: str = NOT_STATED
    holopose: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """From JSON.

        Raises:
            InputError: fields are missing, unknown or of the wrong type.
        """
        if not isinstance(values, dict):
            raise InputError(f"expected a protocol, got {type(values).__name__}")
        known = {one.name: one for one in fields(cls)}
        strange = set(values) ^ set(known)
        if strange:
            raise InputError(
                f"expected a protocol of this version of holopose; differs in {', '.join(sorted(strange))}"
            )
        numbers, maps = {"pictures", "detections"}, {"model_files"}
        for name, value in values.items():
            wanted: type = int if name in numbers else dict if name in maps else str
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise InputError(f"expected {wanted.__name__} as the protocol's {name}, got {type(value).__name__}")
        return cls(**values)


_SUBJECT = {"dataset", "model", "model_files", "runtime", "holopose"}
"""What may differ: names, and whose figures they are (the data set is told by its hash)."""
_WORDS = {"dataset_sha256": "annotation file", "boxes_sha256": "file of the boxes", "score_rule": "score rule"}
_SHOWN = 24


def differences(one: Protocol, other: Protocol) -> list[str]:
    """What differs between two protocols and forbids comparing their figures, as ``name: this / that``."""
    first, second = one.to_dict(), other.to_dict()
    return [
        f"{_WORDS.get(name, name)}: {_short(value)} / {_short(second[name])}"
        for name, value in first.items()
        if name not in _SUBJECT and value != second[name]
    ]


def unstated(protocol: Protocol) -> list[str]:
    """Names of what nobody stated."""
    return [name for name in ("boxes", "flip", "nms") if getattr(protocol, name) == NOT_STATED]


def refuse_different(one: Protocol, other: Protocol) -> None:
    """See that figures under two protocols may be compared.

    Raises:
        ConfigError: they may not; the line names what differs.
    """
    found = differences(one, other)
    if found:
        raise ConfigError(f"results made under different protocols cannot be compared: {'; '.join(found)}")


def _short(value: object) -> str:
    text = str(value) if value not in ("", None) else "none"
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:12] if is_hash else text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}..."
