"""Owns reading checkpoints: tensors from the files that projects publish, put into the module that they belong to.

Read are what ``torch.save`` writes (``.pth``, ``.pt``, ``.bin``; also ``.pth.tar``, which is no tar) and safetensors,
told apart by content. Nothing that a file holds is ever run.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from holopose.errors import ModelError
from holopose.nets import unpickler
from holopose.nets.names import rename

__all__ = ["load_into", "read_tensors"]

_WRAPPERS = ("state_dict", "model", "model_state_dict", "ema")
"""Under these names a checkpoint may hold its tensors, looked for in this order."""

_BROKEN = (
    *(pickle.UnpicklingError, EOFError, AttributeError, LookupError, TypeError, ValueError, AssertionError),
    *(RuntimeError, MemoryError, OverflowError, struct.error, ImportError),
)
"""What readers of damaged files raise."""

_NAMED = 5
"""Tensors of each kind that a message names."""


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Every tensor of a checkpoint by its name, on the CPU.

    What wraps them (``state_dict``, ``model``, ``model_state_dict``, ``ema``) and a ``module.`` before every name are
    taken off. Files are mapped into memory where their format allows: do not alter one while its tensors are in use.

    Raises:
        ModelError: the file is missing, damaged, not a checkpoint, or asks for programs to be run.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such checkpoint")
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
        content = _read_safetensors(path) if _is_safetensors(path, head) else _read_torch(path, head)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    tensors = _unwrap(content)
    if not tensors:
        raise ModelError(
            f"{path}: expected a checkpoint with tensors under {', '.join(_WRAPPERS)}, got {_tell(content)}"
        )
    while all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _is_safetensors(path: Path, head: bytes) -> bool:
    return head[8:9] == b"{" or (path.suffix == ".safetensors" and not head.startswith((b"PK", b"\x80")))


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        import safetensors
        from safetensors.torch import load_file
    except ImportError as error:
        raise ModelError(f'{path}: reading it needs safetensors: pip install "holopose[torch]"') from error
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (safetensors.SafetensorError, *_BROKEN) as error:
        raise ModelError(f"{path}: damaged or no safetensors file: {_first_line(error)}") from error
    return tensors


def _read_torch(path: Path, head: bytes) -> Any:
    if head.startswith(b"PK"):
        arguments = {"mmap": _is_stored(path)}
    elif head.startswith(b"\x80"):
        arguments = {}
    elif tarfile.is_tarfile(path):
        raise ModelError(f"{path}: a tar as torch wrote before 0.4, not read; save it again with a newer torch")
    else:
        raise ModelError(f"{path}: expected a torch checkpoint or safetensors, got something else or an empty file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about old formats, which is why they are read here
        try:
            return _load(path, weights_only=True, **arguments)
        except (pickle.UnpicklingError, UnicodeDecodeError):
            return _read_old(path, arguments)
        except _BROKEN as error:
            raise ModelError(f"{path}: damaged or no torch checkpoint: {_first_line(error)}") from error


def _read_old(path: Path, arguments: Mapping[str, Any]) -> Any:
    """A file with more in it than tensors and plain values."""
    try:
        return _load(path, weights_only=False, pickle_module=unpickler, encoding="latin1", **arguments)
    except unpickler.Forbidden as error:
        raise ModelError(
            f"{path}: {_first_line(error)}, which a checkpoint does not need: nothing was run; do not trust this file"
        ) from error
    except _BROKEN as error:
        raise ModelError(f"{path}: damaged or no torch checkpoint: {_first_line(error)}") from error


def _load(path: Path, **arguments: Any) -> Any:
    if path.suffix != ".safetensors":
        return torch.load(path, map_location="cpu", **arguments)
    with path.open("rb") as stream:  # of a path torch goes by its ending, which says something else than the content
        return torch.load(stream, map_location="cpu", **{**arguments, "mmap": False})


def _is_stored(path: Path) -> bool:
    """Whether nothing in a zip is compressed, so that it can be mapped.

    Raises:
        ModelError: it is cut short, or a program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path}: damaged or cut short: {_first_line(error)}") from error
    names = [info.filename for info in infos]
    if any(name.endswith("/constants.pkl") for name in names):
        raise ModelError(f"{path}: a TorchScript program, which is not run; expected a checkpoint of tensors")
    if not any(name.endswith("/data.pkl") for name in names):
        raise ModelError(f"{path}: a zip archive without a checkpoint in it; unpack it and name the file inside")
    return all(info.compress_type == zipfile.ZIP_STORED for info in infos)


def _unwrap(content: Any, depth: int = 4) -> dict[str, Tensor]:
    """The tensors of what a file holds, within so many wrappers; empty where it holds none."""
    if not isinstance(content, Mapping) or depth == 0:
        return {}
    for key in _WRAPPERS:
        inner = _unwrap(content.get(key), depth - 1)
        if inner:
            return inner
    return {str(name): value.detach() for name, value in content.items() if isinstance(value, Tensor)}


def _tell(content: Any) -> str:
    whole = content
    if isinstance(content, Mapping) and not isinstance(content, unpickler.Stub):
        stubs = (content[key] for key in _WRAPPERS if isinstance(content.get(key), unpickler.Stub))
        whole = next(stubs, None)
        if whole is None:
            return f"a dict of {', '.join(map(str, list(content)[:_NAMED])) or 'nothing'}"
    if isinstance(whole, unpickler.Stub):
        kind = getattr(whole, "stands_for", "object")
        return f"a whole {kind} object, which is not rebuilt: save its state_dict() instead"
    return f"a {type(content).__name__}"


@dataclass
class _Misfit:
    """How tensors under one set of names differ from a module's."""

    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.missing) + len(self.extra) + len(self.wrong)

    def __str__(self) -> str:
        kinds = {"missing": self.missing, "not expected": self.extra, "of another shape": self.wrong}
        return "; ".join(f"{len(items)} {kind}: {_shorten(items)}" for kind, items in kinds.items() if items)


def _shorten(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more


def load_into(module: nn.Module, path: str | os.PathLike[str], *, prefix: str = "") -> None:
    """Put the tensors of a checkpoint into a module, all of them or none.

    Names are tried as they are, then by each table in the module class's ``RENAMES`` (`holopose.nets.names`); with
    `prefix`, also by those of the submodule there. The first way that fits all tensors is taken. Counts of batches
    (``num_batches_tracked``), which old files lack, may be absent. Numbers take the precision of the module's, float32.

    A module that needs more than other names has methods for it: ``take(path, prefix)`` is asked first and says whether
    it took all that it needs of the file; ``convert(tensors)`` then makes its own tensors of the file's.

    Args:
        module: Is changed in place; may be on the device ``meta``.
        path: A checkpoint (`read_tensors`).
        prefix: What the names of the file's tensors begin with in the module, such as ``unet.``; the module's others
            are left as they are.

    Raises:
        ModelError: the file cannot be read, or its tensors are not the module's: the message names the first of them.
    """
    if prefix and not prefix.endswith("."):
        prefix += "."
    if (take := getattr(module, "take", None)) is not None and take(Path(path), prefix):
        return
    tensors = read_tensors(path)
    if (convert := getattr(module, "convert", None)) is not None:
        tensors = convert(tensors)
    wanted = {name: tensor for name, tensor in module.state_dict().items() if name.startswith(prefix)}
    best: _Misfit | None = None
    for table in _tables(module, prefix):
        renamed: dict[str, Tensor] = {}
        clashes = []
        for name, tensor in tensors.items():
            new = rename(name, table)
            if new and prefix + new in renamed:
                clashes.append(_describe(name, tensor))
            elif new:
                renamed[prefix + new] = tensor
        misfit = _compare(wanted, renamed)
        misfit.extra += clashes
        if not misfit.count:
            _fill(module, wanted, renamed)
            return
        if best is None or misfit.count < best.count:
            best = misfit
    raise ModelError(f"{Path(path)}: these are not the {len(wanted)} tensors of {_name_of(module)}: {best}")


def _tables(module: nn.Module, prefix: str) -> Iterator[Sequence[tuple[str, str]]]:
    yield ()
    owners = [module]
    if prefix:
        with contextlib.suppress(AttributeError):  # the prefix is only a beginning of names
            owners.insert(0, module.get_submodule(prefix.removesuffix(".")))
    for owner in owners:
        yield from getattr(owner, "RENAMES", ())


def _compare(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> _Misfit:
    misfit = _Misfit()
    for name, tensor in wanted.items():
        found = given.get(name)
        if found is None:
            if not name.endswith("num_batches_tracked"):
                misfit.missing.append(_describe(name, tensor))
        elif found.shape != tensor.shape:
            misfit.wrong.append(f"{_describe(name, found)} instead of {list(tensor.shape)}")
        elif found.is_floating_point() != tensor.is_floating_point():
            misfit.wrong.append(f"{name} {_kind(found)} instead of {_kind(tensor)}")
    misfit.extra += [_describe(name, tensor) for name, tensor in given.items() if name not in wanted]
    return misfit


def _fill(module: nn.Module, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Copy, so that nothing of the file stays mapped."""
    device = {name: "cpu" if tensor.is_meta else tensor.device for name, tensor in wanted.items()}
    state = {
        name: given[name].to(device[name], tensor.dtype, copy=True)
        if name in given
        else torch.zeros(tensor.shape, dtype=tensor.dtype, device=device[name])
        for name, tensor in wanted.items()
    }
    module.load_state_dict(state, strict=False, assign=True)


def _name_of(module: nn.Module) -> str:
    return type(module).__name__


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _describe(name: str, tensor: Tensor) -> str:
    return f"{name} {list(tensor.shape)}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
