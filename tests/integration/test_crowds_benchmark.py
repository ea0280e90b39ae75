"""The crowds of the benchmark hold what their truth says, judging counts rightly, and hybrid loses fewest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from holopose.errors import ModelError
from holopose.skeletons import COCO17
from holopose.types import Boxes, Frame, Poses

Script = Callable[[str], ModuleType]


def test_hybrid_loses_fewer_than_either_alone(benchmark_script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    script = benchmark_script("crowds")
    scenes = script.compose(60)
    tallies = script.run(script.made_up_systems(scenes), [(scene.frame, script.truth_of(scene)) for scene in scenes])
    script.show("60 scenes", tallies)
    assert all(verdict.met for verdict in script.verdicts_of("made up", tallies))
    assert tallies["hybrid by poses"].lost < tallies["top-down"].lost
    assert f"{tallies['hybrid'].lost} / {tallies['hybrid'].invented}" in capsys.readouterr().out


def poses_at(truth: np.ndarray, shifts: list[float], scores: list[float]) -> Poses:
    xy = np.stack([truth + np.array([shift, 0]) for shift in shifts])
    boxes = np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=1)
    return Poses(xy, np.full(xy.shape[:2], 0.8), Boxes(boxes, scores), COCO17)


def test_judging_counts_each_person_once(benchmark_script: Script) -> None:
    script = benchmark_script("crowds")
    body = np.random.default_rng(0).uniform(0, 200, (17, 2))
    xy = body + np.array([[[0, 0]], [[300, 0]], [[600, 0]]])
    seen = np.ones((3, 17), np.bool_)
    seen[2, 4:] = False  # hidden but for four: not asked for
    truth = script.Truth(xy, seen, np.full(3, 20_000.0))
    judged = script.judge(poses_at(body, [0, 3, 300, 900], [0.9, 0.8, 0.7, 0.6]), truth)
    assert (judged.people, judged.lost, judged.invented) == (2, 0, 2)
    judged = script.judge(poses_at(body, [600, 900], [0.9, 0.05]), truth)  # who is hidden, and nobody's pose
    assert (judged.people, judged.lost, judged.invented) == (2, 2, 0)
    assert script.judge(Poses.empty(COCO17), truth) == script.Tally(2, 2, 0)


def test_a_part_of_a_made_up_picture_says_where_it_is(benchmark_script: Script) -> None:
    scenes = benchmark_script("made_up_crowds")
    [scene] = scenes.compose(1)
    for left, top in ((0, 0), (255, 256), (300, 17), (639, 479)):
        part = Frame(scene.frame.image[top:, left:], 0)
        assert scenes.offset_of(part).tolist() == [left, top]


def test_who_stands_in_front_hides_and_is_not_hidden(benchmark_script: Script) -> None:
    for scene in benchmark_script("made_up_crowds").compose(40):
        soles = [person.xy[15:, 1].max() for person in scene.people]
        assert soles == sorted(soles, reverse=True)
        inside = ((scene.people[0].xy >= 0) & (scene.people[0].xy < (640, 480))).all(axis=1)
        np.testing.assert_array_equal(scene.people[0].visible, inside)
    assert any((~person.visible).sum() > 3 for person in scene.people)


def cutout(script: ModuleType, colour: tuple[int, int, int]) -> object:
    image = np.full((240, 100, 3), colour, np.uint8)
    labels = np.zeros((17, 3))
    labels[:6] = [(10, 20, 2), (90, 20, 2), (10, 220, 1), (90, 220, 2), (50, 120, 2), (95, 120, 0)]
    return script.Cutout(image, np.ones((240, 100)), labels, 12_000.0)


@pytest.mark.parametrize("overlap", [0.0, 0.4, 0.8])
def test_people_side_by_side_lie_where_their_labels_say(benchmark_script: Script, overlap: float) -> None:
    script = benchmark_script("crowds")
    colours = ((250, 0, 0), (0, 250, 0), (0, 0, 250))
    picture, truth = script.side_by_side([cutout(script, colour) for colour in colours], overlap)
    assert not truth.seen[:, 5:].any()
    for number, colour in enumerate(colours):
        for (x, y), seen in zip(np.rint(truth.xy[number, :5]).astype(int), truth.seen[number], strict=False):
            assert seen == (picture[y, x] == colour).all()
    hidden = [(~seen).sum() for seen in truth.seen[:, :5]]
    assert hidden[0] == 0
    assert (hidden[1] > 0) == (overlap > 0.1)


def test_the_real_parts_see_the_real_people(benchmark_script: Script, shared: Path) -> None:
    script = benchmark_script("crowds")
    try:
        systems = script.real_systems(shared)
    except ModelError as error:
        pytest.skip(str(error))
    people = script.cut_people(shared)
    assert len(people) >= 8
    for person in people:
        x, y = np.rint(person.labels[person.labels[:, 2] == 2][:, :2]).astype(int).T
        height, width = person.mask.shape
        assert person.mask[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].mean() > 0.7  # labels lie on people
    frame, truth = next(script.real_pictures(people, 0.2))
    tallies = script.run(systems, [(frame, truth)])
    assert {tally.people for tally in tallies.values()} == {3}
    assert all(tally.lost <= 1 for tally in tallies.values())
