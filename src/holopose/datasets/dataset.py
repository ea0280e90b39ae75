"""Owns Dataset: an annotation file's pictures, each with its labelled people, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holopose.errors import InputError
from holopose.ops.labels import Labelled
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, Sample

__all__ = ["Dataset", "Picture"]

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a data set.

    Attributes:
        id: What the annotation file calls it.
        name: File name, as the annotation file has it.
        size_wh: Width and height in px; (0, 0) where the file does not say.
        crowd_index: CrowdPose's crowd index, 0 (nobody in anybody's box) to 1; None elsewhere.
    """

    id: int | str
    name: str
    size_wh: tuple[int, int] = (0, 0)
    crowd_index: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A labelled data set.

    Iterating gives (Picture, Labelled), a picture at a time; annotations are parsed only then.

    Attributes:
        kind: A key of `holopose.datasets.KINDS`.
        path: The annotation file.
        sha256: Of that file.
        skeleton: Layout of the labelled keypoints.
        pictures: In the order of their numbers, or of the file where they have names.
        images: Folder of the pictures; None = not known.
        area: What a person's area is: ``area`` of the file, or ``0.53 of the box`` where the data set has none.
        entries: Picture id -> annotations as they stand in the file.
        label: Turns the annotations of one picture into arrays.
    """

    kind: str
    path: Path
    sha256: str
    skeleton: Skeleton
    pictures: Sequence[Picture]
    images: Path | None
    area: str
    entries: Mapping[int | str, Sequence[Entry]]
    label: Callable[[Sequence[Entry]], Labelled]

    def __len__(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[tuple[Picture, Labelled]]:
        return ((picture, self.labelled(picture)) for picture in self.pictures)

    def labelled(self, picture: Picture) -> Labelled:
        """The labelled people of one picture.

        Raises:
            InputError: an annotation is not as this kind of data set has it; the line names it.
        """
        try:
            return self.label(self.entries.get(picture.id, ()))
        except InputError as error:
            raise InputError(f"{self.path}: picture {picture.name}: {error}") from error

    def sample(self, picture: Picture, frame: Frame) -> Sample:
        """The picture, whose pixels are given, with the people that are truly in it."""
        return Sample(frame, self.labelled(picture).to_poses(self.skeleton))

    def limited(self, count: int | None) -> Dataset:
        """The first `count` pictures; None = all."""
        return self if count is None else replace(self, pictures=self.pictures[:count])

    def path_of(self, picture: Picture) -> Path:
        """Where the picture's file lies: under its whole name in the folder, or under the last part of it.

        Raises:
            InputError: no folder was given, or the file is not in it.
        """
        if self.images is None:
            raise InputError(f"{self.path}: expected the folder of its pictures to read them; give it (--images DIR)")
        for name in (picture.name, Path(picture.name).name):
            place = self.images / name
            if place.is_file():
                return place
        raise InputError(f"{self.images}: {picture.name} of {self.path.name} is not there")

    def check_pictures(self) -> None:
        """See that every picture is there, before work begins.

        Raises:
            InputError: some are not; the line names the first.
        """
        missing: list[InputError] = []
        for picture in self.pictures:
            try:
                self.path_of(picture)
            except InputError as error:
                if self.images is None:
                    raise
                missing.append(error)
        if missing:
            more = f" (and {len(missing) - 1} more of {len(self)})" if len(missing) > 1 else ""
            raise InputError(f"{missing[0]}{more}; is this the folder of these pictures? A part: --limit N")
