"""Owns folders of result files that appear under their real name only when they are complete."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from holopose.errors import OutputError
from holopose.io.sinks.leftovers import hold, release, temporary_path

__all__ = ["StagedFolder"]


class StagedFolder:
    """A folder written under a temporary name beside the place it is for, and renamed at the end.

    Nothing is touched before the first write. The folder above is made when it is not there. An empty folder of that
    name is filled; one that holds anything is replaced only with `overwrite`, and only when all it holds are files of
    the same kind: results never take the place of somebody's pictures.

    Args:
        path: The real name.
        ending: What the names of all its files end in, such as ``_keypoints.json``; a pattern for the whole of a name
            where there are files of several kinds.
        overwrite: Whether a folder of such files may be replaced.
        inputs: Files and folders that are never replaced, whatever `overwrite` says.

    Raises:
        OutputError: the name is taken, belongs to an input, or is no place for a folder.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        ending: str | re.Pattern[str],
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        self.path = Path(path)
        self.ending = ending
        self._overwrite = overwrite
        self._inputs = tuple(Path(one) for one in inputs)
        self._temporary: Path | None = None
        self._held: int | None = None
        self._ended = False
        self._check_target()

    def write(self, name: str, data: str | bytes) -> None:
        """Add one whole file; text is written as UTF-8.

        Raises:
            OutputError: it cannot be written, the folder has a file of that name, or the folder is closed already.
        """
        if self._ended:
            raise OutputError(f"{self.path}: this folder is closed already")
        content = data.encode("utf-8") if isinstance(data, str) else data
        try:
            if Path(name).name != name or not self._fits(name):
                raise OutputError(f"{self.path}: expected a plain file name like {self._shown}, got {name!r}")
            with (self._folder() / name).open("xb") as file:
                file.write(content)
        except OutputError:
            self.discard()
            raise
        except (OSError, ValueError) as error:
            self.discard()
            raise self._cannot(error) from error

    def holds(self, name: str) -> bool:
        """Whether a file of that name has been written already."""
        try:
            return self._temporary is not None and (self._temporary / name).exists()
        except (OSError, ValueError) as error:
            raise self._cannot(error) from error

    def claim(self) -> Path:
        """Path of the temporary folder, made where it is not there yet, for what writes files there by name.

        Their names must be like those of its other files by the time of `commit`.

        Raises:
            OutputError: it cannot be made, or the folder is closed already.
        """
        if self._ended:
            raise OutputError(f"{self.path}: this folder is closed already")
        try:
            return self._folder()
        except (OSError, ValueError) as error:
            self.discard()
            raise self._cannot(error) from error

    def commit(self) -> None:
        """Give the folder its real name; harmless after the first time.

        Raises:
            OutputError: the name has been taken meanwhile, or cannot be given.
        """
        if self._ended:
            return
        old = temporary_path(self.path, "old")
        moved = False
        try:
            folder = self._folder()
            self._check_target()
            if self.path.is_dir():
                self.path.rename(old)
                moved = True
            folder.rename(self.path)
        except OutputError:
            self.discard()
            raise
        except OSError as error:
            if moved:
                with contextlib.suppress(OSError):
                    old.rename(self.path)
            self.discard()
            raise self._cannot(error) from error
        self._ended = True
        self._release()
        if moved:
            shutil.rmtree(old, ignore_errors=True)

    def discard(self) -> None:
        """Leave nothing behind; harmless after `commit` or `discard`."""
        if self._ended:
            return
        self._ended = True
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
        self._release()

    def _folder(self) -> Path:
        if self._temporary is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporary_path(self.path)
            temporary.mkdir()
            self._temporary = temporary
            self._held = hold(temporary)
        return self._temporary

    def _release(self) -> None:
        release(self._held)
        self._held = None

    def _check_target(self) -> None:
        try:
            self.path.lstat()
            if not self.path.is_dir() or self.path.is_symlink():
                raise OutputError(f"{self.path}: expected the name of a folder to write, but this is something else")
            here = self.path.resolve()
            if any(here in (one.resolve(), *one.resolve().parents) for one in self._inputs):
                raise OutputError(f"{self.path}: holds an input, which is never replaced; choose another name")
            strangers = sorted(one.name for one in self.path.iterdir() if not self._is_ours(one))
            empty = next(self.path.iterdir(), None) is None
        except FileNotFoundError:
            return
        except OutputError:
            raise
        except (OSError, ValueError) as error:
            raise self._cannot(error) from error
        if strangers:
            raise OutputError(
                f"{self.path}: holds other things than {self._shown} (such as {strangers[0]}); choose another name"
            )
        if not empty and not self._overwrite:
            raise OutputError(f"{self.path}: is there already; choose another name, or overwrite=True (--overwrite)")

    def _is_ours(self, path: Path) -> bool:
        return self._fits(path.name) and path.is_file() and not path.is_symlink()

    def _fits(self, name: str) -> bool:
        if isinstance(self.ending, str):
            return name.endswith(self.ending)
        return self.ending.fullmatch(name) is not None

    @property
    def _shown(self) -> str:
        return f"*{self.ending}" if isinstance(self.ending, str) else "its results"

    def _cannot(self, error: Exception) -> OutputError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return OutputError(f"{self.path}: cannot be written: {reason}")
