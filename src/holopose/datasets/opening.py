"""Owns opening a data set: which kind an annotation file is, by its content, and one line when it is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holopose.datasets import coco, crowdpose, faces, halpe, hands, mpii, wholebody
from holopose.datasets.dataset import Dataset
from holopose.errors import ConfigError, InputError
from holopose.ops.labels import Labelled
from holopose.skeletons.skeleton import Skeleton

__all__ = ["KINDS", "Kind", "open_dataset"]

Entries = Sequence[Mapping[str, Any]]
Label = Callable[[Entries], Labelled]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data set.

    Attributes:
        title: What people call it.
        skeleton: Layout of its keypoints.
        keypoints: How many keypoints the field ``keypoints`` holds, by which a file is recognised.
        label: Turns annotations into arrays.
    """

    title: str
    skeleton: Skeleton
    keypoints: int
    label: Label


KINDS: dict[str, Kind] = {
    "coco": Kind("COCO keypoints", coco.SKELETON, 17, coco.label),
    "wholebody": Kind("COCO-WholeBody", wholebody.SKELETON, 17, wholebody.label),
    "halpe26": Kind("Halpe-26", halpe.HALPE26, 26, halpe.label_26),
    "halpe136": Kind("Halpe full body", halpe.HALPE136, 136, halpe.label_136),
    "crowdpose": Kind("CrowdPose", crowdpose.SKELETON, 14, crowdpose.label),
    "mpii": Kind("MPII Human Pose", mpii.SKELETON, 16, mpii.label),
    "hand": Kind("hands", hands.SKELETON, 21, hands.label),
    "face": Kind("faces", faces.SKELETON, 68, faces.label),
}
"""Name -> what it is."""

_OF_PEOPLE: dict[str, Label] = {"hand": hands.label_of_people, "face": faces.label_of_people}
_WHOLEBODY_ONLY = set(wholebody.FIELDS) - {"keypoints"}
_EXPECTED = "labelled people: a COCO-style file with images and annotations, or MPII's rows"


def open_dataset(path: Path | str, images: Path | str | None = None, kind: str = "auto") -> Dataset:
    """Open a labelled data set; its annotations are checked in form and parsed later, picture by picture.

    Args:
        path: The annotation file.
        images: Folder of its pictures; None = they are not needed.
        kind: A key of `KINDS`, or auto = by the content. ``hand`` and ``face`` also take COCO-WholeBody's file.

    Raises:
        InputError: the file or the folder cannot be used.
        ConfigError: there is no such kind.
    """
    if kind not in (*KINDS, "auto"):
        raise ConfigError(f"kind: expected auto or one of {', '.join(KINDS)}, got {kind!r}")
    place, folder = Path(path), None if images is None else Path(images)
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: expected the folder of the pictures, but there is none of that name")
    content, sha256 = _read(place)
    try:
        own = _recognise(content)
        chosen = _choose(kind, own)
        if chosen == "mpii":
            pictures, rows = mpii.read_rows(content, place)
            found: dict[int | str, Any] = {}
            found.update(rows)
            area = "of the box"
        else:
            pictures, found = coco.read_pictures(content["images"]), _by_picture(content["annotations"])
            strangers = set(found) - {picture.id for picture in pictures}
            if strangers:
                raise InputError(
                    f"annotations name the picture {min(map(str, strangers))}, which is not among the images"
                )
            has_area = any(one.get("area") is not None for entries in found.values() for one in entries)
            area = "area" if has_area and chosen != "crowdpose" else f"{coco.BOX_SHARE} of the box"
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    label = _OF_PEOPLE[chosen] if own == "wholebody" and chosen in _OF_PEOPLE else KINDS[chosen].label
    return Dataset(chosen, place, sha256, KINDS[chosen].skeleton, pictures, folder, area, found, label)


def _read(path: Path) -> tuple[Any, str]:
    try:
        data = path.read_bytes()
        return json.loads(data), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: expected {_EXPECTED}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected {_EXPECTED}, got something that is not whole JSON ({error})") from error


def _recognise(content: Any) -> str:
    """The kind that a file is, by its content."""
    if isinstance(content, list):
        if content and mpii.is_row(content[0]):
            return "mpii"
        hint = "; this looks like results, which go to --predictions" if content and _is_result(content[0]) else ""
        raise InputError(f"expected {_EXPECTED}, got a list of something else{hint}")
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), list) for key in ("images", "annotations")
    ):
        raise InputError(f"expected {_EXPECTED}, got JSON of another kind")
    if not content["images"]:
        raise InputError("expected at least one picture, got none")
    labels = [one for one in content["annotations"] if isinstance(one, dict) and isinstance(one.get("keypoints"), list)]
    if not labels:
        raise InputError("expected annotations with keypoints, got none (COCO's are in person_keypoints_*.json)")
    if any(_WHOLEBODY_ONLY & set(one) for one in labels):
        return "wholebody"
    count, rest = divmod(len(labels[0]["keypoints"]), 3)
    by_count = {kind.keypoints: name for name, kind in KINDS.items() if name not in ("wholebody", "mpii")}
    if rest or count not in by_count:
        known = ", ".join(f"{size} ({name})" for size, name in by_count.items())
        raise InputError(f"expected {known} keypoints per annotation, got {len(labels[0]['keypoints'])} numbers")
    return by_count[count]


def _is_result(entry: object) -> bool:
    return isinstance(entry, dict) and {"image_id", "keypoints"} <= set(entry)


def _choose(asked: str, own: str) -> str:
    """The kind to read a file as that is `own` by its content."""
    fits = {"coco": ("wholebody",), "halpe26": ("halpe136",), "hand": ("wholebody",), "face": ("wholebody",)}
    if asked in ("auto", own) or own in fits.get(asked, ()):
        return own if asked == "auto" else asked
    raise InputError(f"expected {KINDS[asked].title}, got {KINDS[own].title}")


def _by_picture(annotations: Sequence[Any]) -> dict[int | str, list[Mapping[str, Any]]]:
    found: dict[int | str, list[Mapping[str, Any]]] = {}
    for place, entry in enumerate(annotations):
        key = entry.get("image_id") if isinstance(entry, dict) else None
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise InputError(f"annotation {place}: expected an image_id, got {str(entry)[:60]}")
        found.setdefault(key, []).append(entry)
    return found
