"""Whole-body pose for everybody in the picture: 133 keypoints per person, on a plain CPU, nothing sent anywhere.

>>> import holopose
>>> holopose.RunConfig().layout
'own'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holopose import errors, skeletons
    from holopose.build import build_estimator, estimate, paint, stream
    from holopose.config import RunConfig
    from holopose.errors import HoloposeError
    from holopose.io.images import read_image
    from holopose.skeletons import Skeleton
    from holopose.types import Boxes, Frame, Poses

    __version__: str

__all__ = [
    "Boxes",
    "Frame",
    "HoloposeError",
    "Poses",
    "RunConfig",
    "Skeleton",
    "__version__",
    "build_estimator",
    "errors",
    "estimate",
    "paint",
    "read_image",
    "skeletons",
    "stream",
]

_HOMES = {
    "Boxes": "holopose.types",
    "Frame": "holopose.types",
    "HoloposeError": "holopose.errors",
    "Poses": "holopose.types",
    "RunConfig": "holopose.config",
    "Skeleton": "holopose.skeletons",
    "build_estimator": "holopose.build",
    "estimate": "holopose.build",
    "paint": "holopose.build",
    "read_image": "holopose.io.images",
    "stream": "holopose.build",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562), so that `import holopose` costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("holopose")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in __all__:
        return import_module(f"holopose.{name}")
    else:
        raise AttributeError(f"module 'holopose' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
