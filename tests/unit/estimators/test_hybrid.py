"""In crowds bottom-up evidence says who was taken for somebody else; alone, everything is top-down as always."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.estimators import Hybrid, TopDown
from holopose.protocols import Estimator
from holopose.skeletons import COCO17, FACE68, HALPE136, HAND21, OPENPOSE18, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses
from pose_parts import Body, FakeBottomUp, FakeDetector, FakeModel, World

FRONT = Body(300, 60, height=300)
BEHIND = Body(360, 60, height=280, hidden=(1, 6, 8))
ALONE = Body(80, 100, height=120)


class Jumping(FakeModel):
    """Shows whoever stands first in the list, of those in the box: the one in front."""

    @staticmethod
    def _seen(body: Body, box: np.ndarray) -> int:
        return int(FakeModel._seen(body, box) >= 3)

    def _away(self, body: Body, box: np.ndarray) -> float:  # type: ignore[override]
        return [one for people in self.world.frames for one in people].index(body)


def hybrid(
    *frames: list[Body],
    model: type[FakeModel] = Jumping,
    bottom_up: Estimator | str | None = "yes",
    extra: Sequence[tuple[float, ...]] = (),
    layout: Skeleton = COCO17,
    evidence: Skeleton = COCO17,
    **options: object,
) -> tuple[Hybrid, World]:
    world = World(list(frames))
    other = FakeBottomUp(world, evidence) if bottom_up == "yes" else bottom_up
    return Hybrid(TopDown(FakeDetector(world, extra), model(world, layout)), bottom_up=other, **options), world  # type: ignore[arg-type]


def places(poses: Poses) -> list[int]:
    """The x of everybody's nose, from left to right."""
    return sorted(round(float(x)) for x in poses["nose"][:, 0])


def test_top_down_alone_loses_who_stands_behind() -> None:
    both, world = hybrid([FRONT, BEHIND])
    assert places(both.top_down.estimate([world.frame()])[0]) == [300]


@pytest.mark.parametrize("evidence", [COCO17, OPENPOSE18, WHOLEBODY133], ids=lambda layout: layout.name)
@pytest.mark.parametrize("layout", [COCO17, WHOLEBODY133, HALPE136], ids=lambda layout: layout.name)
def test_who_was_taken_for_somebody_else_is_found(layout: Skeleton, evidence: Skeleton) -> None:
    both, world = hybrid([FRONT, BEHIND, ALONE], layout=layout, evidence=evidence)
    assert isinstance(both, Estimator)
    [poses] = both.estimate([world.frame()])
    assert poses.skeleton == both.skeleton == layout
    assert places(poses) == [80, 300, 360]
    assert (np.diff(poses.boxes.score) <= 0).all()
    row = int(poses["nose"][:, 0].argmax())
    hidden = [COCO17.keypoints[i] for i in BEHIND.hidden]
    for name, place in zip(COCO17.keypoints, BEHIND.xy, strict=True):  # as the bottom-up estimator saw it
        if name in hidden:
            assert np.isnan(poses[name][row, :2]).all()
            assert poses[name][row, 2] == 0
        elif not (evidence == OPENPOSE18 and name not in evidence):
            np.testing.assert_allclose(poses[name][row, :2], place, atol=1e-3)


def test_the_model_looks_again_and_is_believed_when_it_agrees() -> None:
    """A box of its own is enough here: then the pose is top-down's, hidden keypoints and all."""
    far = Body(420, 60, height=280, hidden=(1, 6, 8))
    wrong = (FRONT.box[0], FRONT.box[1], FRONT.box[2] + 90, FRONT.box[3], 0.8)
    far.missed = True
    both, world = hybrid([FRONT, far], model=FakeModel, extra=(wrong,))
    [poses] = both.estimate([world.frame()])
    assert places(poses) == [300, 420]
    assert np.isfinite(poses.xy).all()
    assert poses.score[1, 1] == pytest.approx(0.05)


def test_of_two_poses_on_one_person_the_one_with_the_right_box_stays() -> None:
    both, world = hybrid([FRONT, BEHIND])
    [poses] = both.estimate([world.frame()])
    row = int(poses["nose"][:, 0].argmin())
    np.testing.assert_allclose(poses.boxes.xyxy[row], FRONT.box, atol=1e-3)


def test_people_whom_only_bottom_up_sees_are_added_in_crowds_only() -> None:
    nobodys = Body(330, 62, height=290, missed=True)
    lonely = Body(560, 100, missed=True)
    both, world = hybrid([Body(270, 60, height=300), Body(390, 60, height=300), nobodys, lonely], model=FakeModel)
    assert places(both.estimate([world.frame()])[0]) == [270, 330, 390]


def test_whom_bottom_up_misses_top_down_keeps() -> None:
    both, world = hybrid([FRONT, BEHIND, ALONE], model=FakeModel, bottom_up=FakeBottomUp(World([[]])))
    assert places(both.estimate([world.frame()])[0]) == [80, 300, 360]


def test_nobody_is_invented() -> None:
    """Bottom-up people who are not sure, who have few keypoints, or who are half like somebody, are not added."""

    class Says(FakeBottomUp):
        def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
            [seen] = super().estimate(frames)
            rows = np.array([0, 0, 0])
            xy, score = seen.xy[rows].copy(), seen.score[rows].copy()
            xy[0] += (40, 150)  # away from everybody, yet not sure
            xy[1] += (-40, 150)
            xy[1, 4:], score[1, 4:] = np.nan, 0
            xy[2, 9:] += 200  # its upper half is somebody's
            return [Poses(xy, score, Boxes(np.tile(seen.boxes.xyxy[:1], (3, 1)), [0.29, 0.9, 0.9]), COCO17)]

    people = [Body(270, 60, height=300), Body(350, 60, height=300)]
    for count in (2, 1):
        world = World([people[:count]])
        extra = () if count == 2 else ((*people[1].box.tolist(), 0.5),)
        top_down = TopDown(FakeDetector(world, extra), FakeModel(world))
        found = Hybrid(top_down, bottom_up=Says(world), apart=0.2).estimate([world.frame()])[0]
        assert places(found)[:1] == [270]
        assert len(found) == count
    sure = Hybrid(
        TopDown(FakeDetector(World([people])), FakeModel(World([people]))),
        bottom_up=Says(World([people])),
        min_score=0.2,
    )
    assert len(sure.estimate([World([people]).frame()])[0]) == 3


def test_bottom_up_is_asked_about_crowds_only_and_shown_no_more_than_them() -> None:
    bottom_up = FakeBottomUp(World())
    both, world = hybrid([ALONE], [FRONT, BEHIND, ALONE], [], model=FakeModel, bottom_up=bottom_up)
    bottom_up.world = world
    both.estimate([world.frame(i) for i in range(3)])
    [(index, left, top, width, height)] = bottom_up.shown
    assert index == 1
    low, high = np.minimum(FRONT.box, BEHIND.box)[:2], np.maximum(FRONT.box, BEHIND.box)[2:]
    assert 0 <= low[0] - left < 0.2 * (high - low)[0]
    assert 0 <= low[1] - top < 0.2 * (high - low)[1]
    assert 0 <= left + width - high[0] < 0.2 * (high - low)[0]
    assert left > ALONE.box[2]
    assert top + height <= 480
    both.reset()
    assert not bottom_up.shown


def test_alone_it_is_top_down() -> None:
    crowd = [Body(100, 50), Body(300, 50, score=0.5), Body(500, 50)]
    for bottom_up in (None, "yes"):
        both, world = hybrid(crowd, [], [ALONE], model=FakeModel, bottom_up=bottom_up)
        frames = [world.frame(i) for i in range(3)]
        for ours, theirs in zip(both.estimate(frames), both.top_down.estimate(frames), strict=True):
            assert ours.allclose(theirs, atol=0)
    assert both.estimate([]) == []


def test_without_evidence_poses_tell_who_is_one_person() -> None:
    """Loose boxes: three around one person, whose poses differ a little, and one around each of two who overlap."""

    class Shaky(FakeModel):
        def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
            return [
                poses.replace(xy=poses.xy + 14 * np.sin(np.arange(34).reshape(17, 2) + poses.boxes.xyxy[:, :1, None]))
                for poses in super().locate(frames, boxes)
            ]

    off = [(FRONT.box + np.array([d, d, -d, 40 * (d > 0)])).tolist() for d in (-20, 25)]
    extra = [(*np.clip(box, 0, (640, 480, 640, 480)).tolist(), 0.5) for box in off]
    both, world = hybrid([FRONT, BEHIND], model=Shaky, bottom_up=None, extra=extra)
    assert len(both.top_down.estimate([world.frame()])[0]) > 2
    assert len(both.estimate([world.frame()])[0]) == 2


@pytest.mark.parametrize("rule", ["oks", "parametric", "none"])
@pytest.mark.parametrize("bottom_up", [None, "yes"])
def test_a_batch_equals_its_singles(rule: str, bottom_up: str | None) -> None:
    frames = [[FRONT, BEHIND], [], [ALONE, BEHIND, FRONT], [ALONE]]
    both, world = hybrid(*frames, bottom_up=bottom_up)
    both.top_down.pose_nms = rule  # type: ignore[assignment]
    singles = [both.estimate([world.frame(i)])[0] for i in range(4)]
    together = both.estimate([world.frame(i) for i in range(4)])
    assert all(one.allclose(other, atol=0) for one, other in zip(singles, together, strict=True))
    assert [len(poses) for poses in singles][1:4:2] == [0, 1]


def test_opinions_of_the_model_are_kept_and_lacking_for_the_added() -> None:
    class Opinionated(Jumping):
        def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
            found = super().locate(frames, boxes)
            return [one.replace(visible=one.score > 0.3, world=np.zeros((len(one), 17, 3))) for one in found]

    both, world = hybrid([FRONT, BEHIND], model=Opinionated)
    [poses] = both.estimate([world.frame()])
    row = int(poses["nose"][:, 0].argmax())
    assert poses.visible is not None
    assert poses.world is not None
    np.testing.assert_array_equal(poses.visible[row], poses.score[row] > 0)
    assert np.isnan(poses.world[row]).all()
    assert (poses.world[1 - row] == 0).all()


@pytest.mark.parametrize("skeleton", [HAND21, FACE68], ids=lambda skeleton: skeleton.name)
def test_models_without_bodies_are_refused(skeleton: Skeleton) -> None:
    with pytest.raises(ConfigError, match=f"expected models of bodies, .* {skeleton.name} has none"):
        hybrid([], layout=skeleton)
    with pytest.raises(ConfigError, match=f"{skeleton.name} has none"):
        hybrid([], evidence=skeleton)


@pytest.mark.parametrize("name", ["overlap", "same", "apart", "min_score"])
def test_options_outside_their_range_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: expected 0 to 1, got 1.5"):
        hybrid([], **{name: 1.5})
