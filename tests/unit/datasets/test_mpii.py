"""MPII's two JSON forms: coordinates from 1, head sizes, one row per person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from holopose.datasets import open_dataset
from holopose.datasets.mpii import is_row, label
from holopose.errors import InputError
from label_samples import write_json


def row(name: str = "a.jpg", **changes: Any) -> dict[str, Any]:
    joints = [[10.0 + i, 20.0 + i] for i in range(16)]
    own = {"image": name, "joints": joints, "joints_vis": [1] * 15 + [0], "center": [101, 201], "scale": 0.5}
    return {**own, "head_box": [11, 11, 14, 15], **changes}


def test_rows_with_joints(tmp_path: Path) -> None:
    path = write_json(tmp_path / "valid.json", [row(), row("b.jpg"), row()])
    data = open_dataset(path)
    assert (data.kind, [one.id for one in data.pictures]) == ("mpii", ["a.jpg", "b.jpg"])
    [(_, people), (_, other)] = data
    assert people.ids == (0, 2)
    assert len(other) == 1
    assert people.xy[0, 0].tolist() == [9, 19]  # MATLAB counts from 1
    assert np.isnan(people.xy[0, 15]).all()
    assert people.head_px.tolist() == pytest.approx([0.6 * 5] * 2)
    assert people.boxes_xyxy[0].tolist() == [100 - 50, 200 + 7.5 - 50, 100 + 50, 200 + 7.5 + 50]


def test_rows_with_joint_self_of_the_validation_part(tmp_path: Path) -> None:
    joints = [[10.0 + i, 20.0, 1.0] for i in range(15)] + [[0.0, 0.0, 0.0]]
    joints[3][2] = 0.0  # hidden, but labelled
    own = {"img_paths": "a.jpg", "joint_self": joints, "objpos": [101, 201], "scale_provided": 0.5, "head_size": 12.5}
    rows = [own | {"isValidation": 1.0, "img_width": 320, "img_height": 160}, own | {"isValidation": 0.0}]
    data = open_dataset(write_json(tmp_path / "all.json", rows))
    [(picture, people)] = data
    assert (picture.size_wh, len(people), people.head_px.tolist()) == ((320, 160), 1, [12.5])
    assert people.known[0].tolist() == [True] * 15 + [False]


@pytest.mark.parametrize("name", ["gt_valid.mat", "mpii_gt_val.mat"])
def test_head_boxes_beside_the_file(tmp_path: Path, name: str) -> None:
    path = write_json(tmp_path / "valid.json", [row(head_box=None), row("b.jpg", head_box=None)])
    with pytest.raises(InputError, match=r"valid\.json: expected the size of each head .* there is no PCKh"):
        open_dataset(path)
    boxes = np.zeros((2, 2, 2))
    boxes[1, :, 0], boxes[1, :, 1] = (3, 4), (6, 8)
    savemat(tmp_path / name, {"headboxes_src": boxes})
    assert [people.head_px.tolist() for _, people in open_dataset(path)] == [[pytest.approx(3)], [pytest.approx(6)]]
    savemat(tmp_path / name, {"headboxes_src": boxes[..., :1]})
    with pytest.raises(InputError, match=r"expected head boxes of shape \(2, 2, 2\), got \(2, 2, 1\)"):
        open_dataset(path)
    savemat(tmp_path / name, {"other": boxes})
    with pytest.raises(InputError, match="expected a MATLAB file with headboxes_src"):
        open_dataset(path)
    (tmp_path / name).write_bytes(b"no matlab file at all")
    with pytest.raises(InputError, match="expected a MATLAB file"):
        open_dataset(path)


@pytest.mark.parametrize("changes", [{"joints": [[1, 2]]}, {"center": "middle"}, {"scale": None}, {"joints_vis": None}])
def test_damaged_rows(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="row 1: expected 16 joints"):
        open_dataset(write_json(tmp_path / "valid.json", [row(), row(**changes)]))


def test_what_a_row_is() -> None:
    assert is_row(row())
    assert not is_row({"image": "a"})
    assert not is_row([])
    assert len(label([])) == 0
    assert label([]).xy.shape == (0, 16, 2)
