"""Owns files that appear under their real name only when they are complete."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from holopose.errors import OutputError
from holopose.io.sinks.leftovers import hold, release, temporary_path

__all__ = ["StagedFile"]


class StagedFile:
    """A file written under a temporary name in the folder it is for, and renamed at the end.

    Nothing is touched before the first write. The folder is made when it is not there.

    Args:
        path: The real name.
        overwrite: Whether a file of that name may be replaced.
        inputs: Files that are never replaced, whatever `overwrite` says.

    Raises:
        OutputError: the name is taken, belongs to an input, or is no place for a file.
    """

    def __init__(self, path: Path | str, *, overwrite: bool = False, inputs: Iterable[Path | str] = ()) -> None:
        self.path = Path(path)
        self._overwrite = overwrite
        self._inputs = tuple(Path(one) for one in inputs)
        self._temporary: Path | None = None
        self._held: int | None = None
        self._file: IO[bytes] | None = None
        self._ended = False
        self._check_target()

    def write(self, data: str | bytes) -> int:
        """Append text (as UTF-8) or bytes; returns how many bytes.

        Raises:
            OutputError: the folder cannot be written, the disk is full, or the file is closed already.
        """
        if self._ended:
            raise OutputError(f"{self.path}: this file is closed already")
        if self._file is None and self._temporary is not None:
            raise OutputError(f"{self.path}: this file is claimed by a library that writes it by name")
        content = data.encode("utf-8") if isinstance(data, str) else data
        try:
            if self._file is None:
                self._file = self._open()
            return self._file.write(content)
        except OSError as error:
            self.discard()
            raise self._cannot(error) from error

    def flush(self) -> None:
        """Hand what was written so far to the system, so that it outlives this process.

        Raises:
            OutputError: the disk is full.
        """
        try:
            if self._file is not None and not self._ended:
                self._file.flush()
        except OSError as error:
            self.discard()
            raise self._cannot(error) from error

    def claim(self) -> Path:
        """Path of the temporary file, for a library that writes by name; from then on only it may write.

        Raises:
            OutputError: the folder cannot be written, or the file is closed already.
        """
        if self._temporary is None or self._file is not None or self._ended:
            self.write(b"")
            self.flush()
        assert self._temporary is not None  # `write` made it
        if self._file is not None:
            self._file.close()
            self._file = None
        return self._temporary

    def commit(self) -> None:
        """Give the file its real name; harmless after the first time.

        Raises:
            OutputError: it cannot be written to the end, or the name has been taken meanwhile.
        """
        if self._ended:
            return
        try:
            if self._temporary is None:
                self._file = self._open()
            if self._file is not None:
                self._file.close()
            self._check_target()
            if self._temporary is not None:
                self._temporary.replace(self.path)
            self._release()
        except OutputError:
            self.discard()
            raise
        except OSError as error:
            self.discard()
            raise self._cannot(error) from error
        self._ended = True

    def discard(self) -> None:
        """Leave nothing behind; harmless after `commit` or `discard`."""
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(OSError):
            if self._temporary is not None:
                self._temporary.unlink()
        self._release()

    def _open(self) -> IO[bytes]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = temporary_path(self.path)
        file = self._temporary.open("xb")
        self._held = hold(self._temporary)
        return file

    def _release(self) -> None:
        release(self._held)
        self._held = None

    def _check_target(self) -> None:
        try:
            self.path.lstat()
            if self.path.is_dir():
                raise OutputError(f"{self.path}: expected the name of a file to write, but this is a folder")
            if any(one.exists() and self.path.exists() and self.path.samefile(one) for one in self._inputs):
                raise OutputError(f"{self.path}: this is an input, which is never replaced; choose another name")
            if self.path.exists() and not self.path.is_file():
                raise OutputError(f"{self.path}: expected the name of a file to write, but this is no regular file")
        except FileNotFoundError:
            return
        except OutputError:
            raise
        except (OSError, ValueError) as error:
            raise self._cannot(error) from error
        if not self._overwrite:
            raise OutputError(f"{self.path}: is there already; choose another name, or overwrite=True (--overwrite)")

    def _cannot(self, error: Exception) -> OutputError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return OutputError(f"{self.path}: cannot be written: {reason}")
