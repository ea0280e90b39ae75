"""Owns reading pickles of which only tensors are wanted: nothing in them is run, what is unknown becomes an inert stub.

Old checkpoints carry more than tensors: configurations, log buffers, random states, of classes that are not installed
or not worth trusting. A pickle builds its content by calling what it names; here only what builds tensors can be named.
"""

from __future__ import annotations

import collections
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import torch

__all__ = ["Forbidden", "Stub", "Unpickler", "load"]

UnpicklingError = pickle.UnpicklingError

_RUNS = frozenset(
    (
        "os",
        "posix",
        "nt",
        "subprocess",
        "commands",
        "sys",
        "shutil",
        "socket",
        "pty",
        "runpy",
        "importlib",
        "ctypes",
        "code",
    )
)
_OPENS = frozenset(("open", "open_code", "file", "FileIO", "eval", "exec", "execfile", "compile", "__import__"))
"""The same among what `builtins` and `io` offer."""

_BUILTINS = ("builtins", "__builtin__")


class Forbidden(pickle.UnpicklingError):
    """The pickle asks for something that no checkpoint needs and that runs programs or opens files."""


class Stub(dict[Any, Any]):
    """Stands for an object of a class that is not rebuilt; swallows all that a pickle may do to it."""

    dump_patches = False  # torch asks classes of old files for it
    stands_for = "unknown"

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __call__(self, *_: Any, **__: Any) -> Stub:
        """Another stub."""
        return Stub()

    def __setstate__(self, state: Any) -> None:
        """Ignored."""

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def append(self, item: Any) -> None:
        """Ignored."""

    def extend(self, items: Any) -> None:
        """Ignored."""

    def add(self, item: Any) -> None:
        """Ignored."""


class _Maker:
    """A function that a pickle may call but not change."""

    __slots__ = ("_make",)
    _make: Callable[..., Any]

    def __init__(self, make: Callable[..., Any]) -> None:
        object.__setattr__(self, "_make", make)

    def __call__(self, *arguments: Any) -> Any:
        """What the function makes."""
        return self._make(*arguments)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise Forbidden("changes what builds tensors")


def _parameter(data: torch.Tensor, *_: Any) -> torch.Tensor:
    return data


def _allowed() -> dict[tuple[str, str], Any]:
    """What builds tensors, by module and name."""
    makers = {
        ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
        ("torch._utils", "_rebuild_tensor_v2"): lambda *parts: torch._utils._rebuild_tensor_v2(*parts[:4], False, {}),
        ("torch._utils", "_rebuild_parameter"): _parameter,
        ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
        ("torch.nn.parameter", "Parameter"): _parameter,
        ("torch", "Size"): torch.Size,
        ("_codecs", "encode"): lambda text, *_: text.encode("latin1"),  # how old pickles write bytes
    }
    values = {(module, kind.__name__): kind for module in _BUILTINS for kind in (set, frozenset, complex, bytearray)}
    kinds = {("torch", str(kind).removeprefix("torch.")): kind for kind in vars(torch).values() if _is_dtype(kind)}
    return {
        **{key: _Maker(make) for key, make in makers.items()},
        **values,
        **kinds,
        ("collections", "OrderedDict"): collections.OrderedDict,
    }


def _is_dtype(value: Any) -> bool:
    return isinstance(value, torch.dtype)


class Unpickler(pickle.Unpickler):
    """What `torch.load` takes as the unpickler of its ``pickle_module``, which this module can be."""

    _known = _allowed()

    def find_class(self, module_name: str, name: str) -> Any:
        """What builds tensors, or a new stub class.

        Raises:
            Forbidden: the name is one that runs programs or opens files.
        """
        top = module_name.split(".", 1)[0]
        if top in _RUNS or (module_name in (*_BUILTINS, "io", "_io") and name in _OPENS):
            raise Forbidden(f"asks for {module_name}.{name}")
        if (module_name, name) in self._known:
            return self._known[module_name, name]
        return type("Stub", (Stub,), {"__module__": __name__, "stands_for": f"{module_name}.{name}"})


def load(file: Any, **arguments: Any) -> Any:
    """One pickle from an open file."""
    return Unpickler(file, **arguments).load()
