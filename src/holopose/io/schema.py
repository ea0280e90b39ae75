"""Owns the versioned form of a result document: its pydantic models and the JSON Schema made from them.

`result-1.schema.json` beside this module is `json_schema()` written out. Within version 1 fields are only ever added:
a reader ignores those that it does not know.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from holopose.io.records import SCHEMA

__all__ = [
    "FrameRecord",
    "HeadRecord",
    "LinesHead",
    "NativeRecord",
    "PersonRecord",
    "ResultDocument",
    "SkeletonRecord",
    "TailRecord",
    "TrackRecord",
    "json_schema",
    "schema_text",
]

Unit = Annotated[float, Field(ge=0, le=1)]
Index = Annotated[int, Field(ge=0)]
Length = Annotated[int, Field(ge=1)]
Keypoint = tuple[float, float, Unit] | None


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


class SourceRecord(_Record):
    """Where the frames came from. A clip adds facts of its own, such as its rate."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True, extra="allow")

    name: str = Field(description="File name; empty for a picture that never was a file")
    width: Length = Field(description="Pixels as decoded, after EXIF orientation")
    height: Length = Field(description="Pixels as decoded, after EXIF orientation")


class CardRecord(_Record):
    """One weight file."""

    name: str
    sha256: str


class ModelRecord(_Record):
    """The model, its weight files and the options that change results."""

    name: str
    cards: list[CardRecord]
    options: dict[str, Any] = Field(description="Such as search, min_score, max_people")


class RuntimeRecord(_Record):
    """What ran the networks."""

    name: str
    version: str
    device: str = Field(description="The device that really ran")
    precision: str


class SkeletonRecord(_Record):
    """A keypoint layout. left and right are the person's own sides."""

    name: str
    keypoints: list[str] = Field(description="Names, in the order of every person's lists")
    edges: list[tuple[Index, Index]] = Field(description="Keypoints joined by a bone, as pairs of indices")
    swaps: list[Index] = Field(description="Index of each keypoint's mirror image; its own on the midline")
    parts: dict[str, list[Index]] = Field(description="Keypoint indices of body, feet, face, left_hand, right_hand")


class NativeRecord(_Record):
    """The same person in the model's own layout, see native_skeleton."""

    skeleton: str
    keypoints: list[Keypoint]
    visible: list[bool] | None = None
    world: list[tuple[float, float, float] | None] | None = None


class PersonRecord(_Record):
    """One person in one frame."""

    id: Index | None = Field(description="Identity that holds over frames; null where there is none")
    box: tuple[float, float, float, float] = Field(description="Left, top, right, bottom in pixels")
    score: Unit = Field(description="That this is a person")
    keypoints: list[Keypoint] = Field(
        description="[x, y, score] in pixels, x right, y down, (0, 0) the centre of the top left pixel; null = "
        "missing; a low score never moves or removes a keypoint"
    )
    visible: list[bool] | None = Field(
        default=None, description="The model's opinion that the point is in the picture and not hidden"
    )
    world: list[tuple[float, float, float] | None] | None = Field(
        default=None,
        description="[x, y, z] in metres relative to the middle of the hips, x right, y down, z away from the camera; "
        "not a place in the room; null = missing",
    )
    keypoints_normalized: list[tuple[float, float] | None] | None = Field(
        default=None, description="[(x + 0.5) / width, (y + 0.5) / height]; null = missing"
    )
    native: NativeRecord | None = None
    raw: list[tuple[float, float] | None] | None = Field(
        default=None, description="[x, y] of each keypoint before smoothing and repair; null = missing"
    )
    swapped: list[Index] | None = Field(
        default=None, description="Indices of keypoints whose left and right seem exchanged in this frame"
    )


class FrameRecord(_Record):
    """One frame; one without people is there too, with an empty list."""

    frame: Index = Field(description="0-based position in the source")
    time_s: float | None = Field(description="Seconds from the clip's own timestamps; null for pictures")
    name: str | None = Field(default=None, description="Name of this picture where it is not the source's")
    width: Length | None = Field(default=None, description="Of this picture where it is not the source's")
    height: Length | None = Field(default=None, description="Of this picture where it is not the source's")
    people: list[PersonRecord]


class TrackRecord(_Record):
    """One identity, over all frames of the file."""

    id: Index
    first_frame: Index
    last_frame: Index
    first_time_s: float | None = Field(description="Time of its first frame; null for pictures")
    last_time_s: float | None = Field(description="Time of its last frame; null for pictures")
    frames: Length = Field(description="In how many frames it was found")
    quality: Unit = Field(
        description="Share of the frames from its first to its last in which it was found, times its mean person score"
    )


class HeadRecord(_Record):
    """How results came about: what stands before the frames."""

    schema_name: str = Field(alias="schema")
    holopose: str = Field(description="Version of holopose that wrote this")
    source: SourceRecord
    model: ModelRecord
    runtime: RuntimeRecord
    skeleton: SkeletonRecord
    score: str = Field(description="What a keypoint's score means")


class TailRecord(_Record):
    """What is known only at the end: what stands after the frames."""

    native_skeleton: SkeletonRecord | None = Field(default=None, description="Layout of each person's native keypoints")
    source_end: dict[str, Any] | None = Field(
        default=None, description="What only reading the source to its end told, such as damaged packets"
    )
    tracks: list[TrackRecord] | None = Field(default=None, description="Every identity, where there are any")
    frame_count: Index = Field(description="How many frames there are; written last, so that a cut file is noticed")


class LinesHead(HeadRecord):
    """The first line of JSON Lines."""

    schema_name: Literal["holopose/lines/1"] = Field(alias="schema")


class ResultDocument(TailRecord, HeadRecord):
    """Everybody in a picture or a clip, and how they were found."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True, title="holopose result, version 1")

    schema_name: Literal["holopose/result/1"] = Field(alias="schema")
    frames: list[FrameRecord]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a result document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:" + SCHEMA.replace("/", ":"),
        **ResultDocument.model_json_schema(by_alias=True),
    }


def schema_text() -> str:
    """`json_schema()` as it is shipped in result-1.schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
