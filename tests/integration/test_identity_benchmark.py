"""The clips made for judging identities hold what their truth says."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

Script = Callable[[str], ModuleType]

GREEN = np.array([10, 240, 20])


@pytest.fixture
def cutouts(benchmark_script: Script) -> list[object]:
    """A green rectangle that stands for the walker, left of the middle, in grey."""
    made = []
    for number in range(5):
        image = np.full((372, 204, 3), 128, np.uint8)
        image[40:340, 60 + number : 120 + number] = GREEN
        made.append(benchmark_script("identity").Cutout(image, np.array([60.0 + number, 40, 119 + number, 339])))
    return made


def green(image: np.ndarray) -> np.ndarray:
    return np.asarray((np.abs(image.astype(int) - GREEN) < 12).all(axis=2))


@pytest.mark.parametrize("bar", [False, True])
def test_true_boxes_lie_where_the_walkers_are(benchmark_script: Script, cutouts: list[object], bar: bool) -> None:
    script = benchmark_script("identity")
    clip = list(script.compose(cutouts, bar=bar))
    assert len(clip) == 110
    for frame, truth in clip:
        inside, outside = green(frame.image), np.ones(frame.image.shape[:2], np.bool_)
        for identity, (left, top, right, bottom) in zip(truth.ids, np.rint(truth.boxes.xyxy).astype(int), strict=True):
            assert 0 <= left < right < script.SIZE_WH[0]
            box = np.s_[top : bottom + 1, left : right + 1]
            outside[box] = False
            if identity == 1:  # in front
                assert inside[box].mean() > 0.99
        strip = inside & outside
        assert strip.sum() == 0 or (bar and len(truth) == 1)  # what is still or again seen beside the bar


def test_they_change_sides_and_one_is_hidden_for_more_than_a_second(
    benchmark_script: Script, cutouts: list[object]
) -> None:
    script = benchmark_script("identity")
    first, *_, last = [truth for _, truth in script.compose(cutouts, bar=False)]
    assert first.ids.tolist() == last.ids.tolist() == [2, 1]
    x = [poses.boxes.xyxy[:, 0].tolist() for poses in (first, last)]
    assert x[0][0] > x[0][1] + 500
    assert x[1][0] < x[1][1] - 500
    clip = list(script.compose(cutouts, bar=True))
    empty = [not green(frame.image[:, : script.SIZE_WH[0]])[:, _columns(truth, 1)].any() for frame, truth in clip]
    assert sum(empty) / script.RATE_HZ >= 1.0
    assert sum(len(truth) == 1 for _, truth in clip) / script.RATE_HZ == pytest.approx(1.65, abs=0.1)


def _columns(truth: object, walker: int) -> np.ndarray:
    """Columns of the picture outside the box of the walker in front."""
    row = truth.ids.tolist().index(walker)  # type: ignore[attr-defined]
    left, _, right, _ = np.rint(truth.boxes.xyxy[row]).astype(int)  # type: ignore[attr-defined]
    return np.array([x for x in range(1280) if not left - 1 <= x <= right + 1])


def test_the_scenes_and_the_cost(benchmark_script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    script = benchmark_script("identity")
    scenes = script.load_scenes()
    assert script.update_ms(scenes, 3, pixels=True, frames=12) > 0
    assert (
        script.judge_scenes(type("Few", (), {"scenes": lambda: {"one": scenes.crossing()}, "judge": scenes.judge})) == 0
    )
    assert "1.000" in capsys.readouterr().out
