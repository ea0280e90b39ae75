"""Owns the source of still pictures: files and bytes, one after the other, each read when its turn comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from holopose.errors import InputError
from holopose.io.images import ImageInput, name_input, read_image
from holopose.types import Frame

__all__ = ["ImageSource"]


class ImageSource:
    """Still pictures as a Source; only one is in memory at a time, as far as this source is concerned.

    Args:
        inputs: Paths or bytes of picture files. A folder is no picture: give its files one by one, such as the
            shell's ``folder/*.jpg``.
        max_megapixels: See `read_image`.
        on_error: What to do with an input that cannot be read: None raises its InputError and ends the iteration; a
            function is called with (name, error) and the next input follows.

    A frame's index is the position of its input, so inputs that were left out leave gaps.
    """

    def __init__(
        self,
        inputs: Iterable[ImageInput],
        *,
        max_megapixels: float = 100.0,
        on_error: Callable[[str, InputError], None] | None = None,
    ) -> None:
        one = isinstance(inputs, str | bytes | bytearray | memoryview | os.PathLike)
        self._inputs: tuple[ImageInput, ...] = (inputs,) if one else tuple(inputs)  # type: ignore[assignment]
        self._max_megapixels = max_megapixels
        self._on_error = on_error
        self._closed = False
        names = tuple(name_input(source) for source in self._inputs)
        self._info = MappingProxyType({"kind": "images", "count": len(names), "names": names})

    @property
    def info(self) -> Mapping[str, object]:
        """``kind``, ``count`` (of inputs) and ``names``, in order."""
        return self._info

    @property
    def end_info(self) -> Mapping[str, object]:
        """Nothing more: reading pictures tells no more than `info`."""
        return {}

    def __iter__(self) -> Iterator[Frame]:
        """The pictures in order, from the first, upright and RGB.

        Raises:
            InputError: an input cannot be read and no `on_error` was given, or the source was closed.
        """
        self._check_open()
        for index, source in enumerate(self._inputs):
            self._check_open()
            try:
                frame = read_image(source, max_megapixels=self._max_megapixels, index=index)
            except InputError as error:
                if self._on_error is None:
                    raise
                self._on_error(name_input(source), error)
            else:
                yield frame

    def close(self) -> None:
        """Let go of the inputs; calling twice is harmless."""
        self._closed = True
        self._inputs = ()

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("ImageSource: expected to be read before close(), was closed already")
