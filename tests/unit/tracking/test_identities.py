"""Identities over whole scenes, judged by motmetrics: how good they must be at least."""

from __future__ import annotations

from types import ModuleType

import pytest

from holopose.tracking.births import IdentityStage
from holopose.tracking.tracker import PoseTracker

# Least MOTA and IDF1, most switches, and identities allowed beyond those there are. Missing a fifth of the people costs
# a fifth of MOTA and about a ninth of IDF1, whoever follows them.
BOUNDS: dict[str, tuple[float, float, int, int]] = {
    "one walker": (1, 1, 0, 0),
    "crossing": (1, 1, 0, 0),
    "crossing, one hidden for 1 s": (1, 1, 0, 0),
    "crossing, noise and 20 % missed": (0.75, 0.85, 0, 0),
    "crossing, at 10 frames/s": (1, 1, 0, 0),
    "crossing, uneven frame rate": (1, 1, 0, 0),
    "meeting and turning back": (0.99, 0.99, 0, 0),
    "meeting and turning back, colours": (0.99, 0.99, 0, 0),
    "leaving and returning after 1.3 s": (0.99, 0.99, 0, 0),
    "hidden for 1.8 s": (1, 1, 0, 0),
    "nobody now and then": (1, 1, 0, 0),
    "two detections of one": (0.99, 0.99, 0, 0),
    "two detections, crossing": (0.99, 0.99, 0, 0),
    "noise": (0.99, 0.99, 0, 0),
    "20 % missed": (0.75, 0.86, 0, 0),
    "20 % missed, ghosts, keypoints missing": (0.72, 0.83, 0, 1),
    "weak for 1 s": (1, 1, 0, 0),
    "eight in a crowd": (0.99, 0.99, 0, 0),
    "eight in a crowd, noise and 20 % missed": (0.77, 0.86, 2, 0),
    "eight hiding each other, colours": (0.99, 0.98, 1, 0),
    "camera pan": (1, 1, 0, 0),
    "camera pan, at 10 frames/s": (0.99, 0.99, 0, 0),
}


def test_every_scene_has_its_bounds(scenes: ModuleType) -> None:
    assert set(BOUNDS) == set(scenes.scenes())


@pytest.mark.parametrize("name", BOUNDS)
def test_identities_hold(scenes: ModuleType, name: str) -> None:
    scene = scenes.scenes()[name]
    results = list(IdentityStage(PoseTracker())(scene.stream()))
    moments = list(scene)
    assert len(results) == len(moments), "a frame was lost"
    judgement = scenes.judge((moment.truth, poses) for moment, (_, poses) in zip(moments, results, strict=True))
    mota, idf1, switches, extra = BOUNDS[name]
    assert judgement.mota >= mota - 1e-9
    assert judgement.idf1 >= idf1 - 1e-9
    assert judgement.switches <= switches
    assert judgement.identities <= len(scene.people) + extra


def test_returning_after_the_gap_is_somebody_new(scenes: ModuleType) -> None:
    """Away for 2.7 s with a gap of 2 s; with a longer gap it is the same one."""
    leaving = scenes.Person(scenes.turning((900, 380), (220, 0), 3.1))
    scene = scenes.Scene((leaving,), scenes.steady(6))
    for gap_s, identities in ((2.0, 2), (4.0, 1)):
        stage = IdentityStage(PoseTracker(gap_s=gap_s))
        rows = [(moment.truth, poses) for moment, (_, poses) in zip(scene, stage(scene.stream()), strict=True)]
        assert scenes.judge(rows).identities == identities


def test_the_judge_sees_switches(scenes: ModuleType) -> None:
    """The bounds above can fail: ids exchanged half-way through, and ids that last one frame."""
    rows = []
    for moment in scenes.crossing():
        late = moment.frame.index >= 75
        rows.append((moment.truth, moment.truth.replace(ids=3 - moment.truth.ids if late else moment.truth.ids)))
    swapped = scenes.judge(rows)
    assert swapped.switches == 2
    assert swapped.idf1 < 0.6
    new = scenes.judge((t, p.replace(ids=p.ids + 2 * i)) for i, (t, p) in enumerate(rows))
    assert new.switches > 250
    nobody = scenes.judge((t, p.replace(ids=p.ids * 0 - 1)) for t, p in rows)
    assert (nobody.mota, nobody.identities) == (0, 0)
