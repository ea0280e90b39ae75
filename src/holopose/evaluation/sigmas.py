"""Owns the OKS constants that data sets are judged with, by the name of their layout.

Layouts carry those that their data sets publish. Halpe's for 26 and for 136 points are those of halpecocotools, as
mmpose's configurations quote them: they are constants of that evaluation, not measured spreads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.skeletons import COCO17, Skeleton

__all__ = ["sigmas_of"]

Float = npt.NDArray[np.float64]


def _published(layout: Skeleton) -> Float:
    assert layout.sigmas is not None
    return np.array([float(str(value)) for value in layout.sigmas])  # decimal as published, not its float32 neighbour


def _joined(*parts: list[float]) -> Float:
    return np.array([value for part in parts for value in part])


_BODY = _published(COCO17).tolist()
_HALPE: dict[str, Float] = {
    "halpe26": _joined(_BODY, [0.026, 0.026, 0.066], [0.079] * 6),
    "halpe136": _joined(_BODY, [0.08] * 3, [0.089] * 6, [0.015] * 110),
}


def sigmas_of(skeleton: Skeleton) -> tuple[str, Float]:
    """Name and values (K,) of a layout's constants.

    Raises:
        InputError: nobody published any for it.

    >>> sigmas_of(COCO17)[0]
    'coco17'
    """
    if skeleton.name in _HALPE:
        return f"{skeleton.name} (halpecocotools)", _HALPE[skeleton.name]
    if skeleton.sigmas is None:
        raise InputError(f"{skeleton.name}: expected a layout with OKS constants, but nobody published any for it")
    return skeleton.name, _published(skeleton)
