"""Owns how tensors of the same network are called elsewhere: tables that turn a file's names into a module's.

A table is a row of (regular expression, replacement), applied one after the other to every name of a file; a name that
nothing is left of belongs to something else and is dropped. A module class lists the tables that lead to its own names
in `RENAMES`; `holopose.nets.checkpoints` takes the first under which a file fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["CAFFE", "MMPOSE", "Table", "rename"]

Table = tuple[tuple[str, str], ...]

MMPOSE: Table = (
    (r"^data_preprocessor\..*$", ""),
    (r"^backbone\.", ""),
    (r"^(keypoint_)?head\.", ""),
    (r"^final_layer\.\d+\.", "final_layer."),
)
"""mmpose, 0.x (``keypoint_head.``, in its first versions ``final_layer.0.``) and 1.x (``head.``, with preprocessor)."""

CAFFE: Table = ((r"^.*\.(?=[^.]+\.[^.]+$)", ""),)
"""Only the last layer's name and the kind of tensor are kept: ports add to the front of the layer names of Caffe."""


def rename(name: str, table: Iterable[tuple[str, str]]) -> str:
    """What `name` becomes.

    >>> rename("backbone.conv1.weight", MMPOSE), rename("data_preprocessor.mean", MMPOSE)
    ('conv1.weight', '')
    >>> rename("models.Mconv1_stage0_L2.0.Mconv1_stage0_L2_0.bias", CAFFE)
    'Mconv1_stage0_L2_0.bias'
    """
    for pattern, replacement in table:
        name = re.sub(pattern, replacement, name)
    return name
