"""The labels of a changed picture lie where the changed picture shows what they label."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.skeletons import WHOLEBODY133

Script = Callable[[str], ModuleType]

WIDTH, HEIGHT = 120, 90
LEFT_WRIST, RIGHT_KNEE = (40, 30), (91, 66)


def person() -> dict[str, Any]:
    """One label on the body's left wrist, one on the right knee."""
    rows = np.zeros((133, 3))
    rows[WHOLEBODY133.index("left_wrist")] = (*LEFT_WRIST, 2)
    rows[WHOLEBODY133.index("right_knee")] = (*RIGHT_KNEE, 2)
    spans = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
    ends = np.cumsum(list(spans.values()))
    parts = {key: rows[end - size : end].ravel().tolist() for (key, size), end in zip(spans.items(), ends, strict=True)}
    return {**parts, "area": 400.0, "num_keypoints": 2}


def spot(image: np.ndarray[Any, Any], channel: int) -> np.ndarray[Any, Any]:
    """Middle of what is bright in one channel, px."""
    rows, columns = np.nonzero(image[:, :, channel] > 128)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize("number", range(9))
def test_labels_follow_the_picture(benchmark_script: Script, number: int) -> None:
    script = benchmark_script("robustness")
    variant = (script.ORIGINAL, *script.VARIANTS)[number]
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for channel, (x, y) in enumerate((LEFT_WRIST, RIGHT_KNEE)):
        image[y - 3 : y + 4, x - 3 : x + 4, channel] = 255
    changed = variant.change(image)
    labels = np.reshape(variant.change_person(person(), WIDTH)["keypoints"], (-1, 3))
    sides = ("right_wrist", "left_knee") if variant.mirrored else ("left_wrist", "right_knee")
    for channel, name in enumerate(sides):
        assert labels[WHOLEBODY133.index(name), :2] == pytest.approx(spot(changed, channel), abs=0.6)
    assert (labels[:, 2] > 0).sum() == 2


def test_areas_and_unknown_points(benchmark_script: Script) -> None:
    changed = benchmark_script("robustness").Variant("twice", scale=2.0).change_person(person(), WIDTH)
    assert changed["area"] == 1600
    assert changed["num_keypoints"] == 2
    assert not any(changed["face_kpts"])
