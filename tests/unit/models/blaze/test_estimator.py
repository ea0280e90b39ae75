"""The whole estimator on scenes whose people are known: who comes out, where, in which order, by which options."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.models.blaze.network import SPECS
from holopose.models.blaze.search import PLANS
from holopose.ops.laps import measuring
from holopose.protocols import Estimator
from holopose.skeletons import BLAZE543, COCO17, LAYOUTS, WHOLEBODY133
from holopose.types import Poses

SEARCHES = (*PLANS, "whole")
SEARCH = pytest.mark.parametrize("search", SEARCHES)
QUICK = pytest.mark.parametrize("search", ["normal", "whole"])


def estimate(blaze_scenes: ModuleType, people: list[Any], **options: Any) -> Poses:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people))
    [poses] = fake.estimator(**options).estimate([fake.frame()])
    return poses


def three(blaze_scenes: ModuleType) -> list[Any]:
    """Seen well, best and a little less well."""
    return [
        blaze_scenes.Figure((90, 180), 160, peak=0.76),
        blaze_scenes.Figure((240, 180), 170, peak=0.79),
        blaze_scenes.Figure((390, 180), 150, peak=0.7),
    ]


# Who and where -------------------------------------------------------------------------------------------------------


@SEARCH
def test_everything_of_a_person_lies_where_it_is(blaze_scenes: ModuleType, search: str) -> None:
    person = blaze_scenes.Figure((240, 190), 230, turn=0.2)
    poses = estimate(blaze_scenes, [person], search=search, layout=BLAZE543)
    truth = np.concatenate([person.xy[:33], person.mesh, person.hand("left"), person.hand("right")])
    np.testing.assert_allclose(poses.xy[0], truth, atol=1)
    np.testing.assert_allclose(poses.world[0, :33], person.world, atol=0.01)
    assert (poses.score > 0.5).all()
    assert poses.visible is not None
    assert poses.visible.all()


@SEARCH
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_nobody_is_empty_in_every_layout(blaze_scenes: ModuleType, search: str, layout: Any) -> None:
    poses = estimate(blaze_scenes, [], search=search, layout=layout)
    assert poses.allclose(Poses.empty(layout))


@QUICK
def test_left_is_the_persons_left(blaze_scenes: ModuleType, search: str) -> None:
    """They face the viewer: their left is on the right of the picture; from behind the hands change places."""
    person = blaze_scenes.Figure((240, 190), 230)
    poses = estimate(blaze_scenes, [person], search=search)
    for part, sign in (("left", 1), ("right", -1)):
        hand = poses.part(f"{part}_hand").xy[0]
        np.testing.assert_allclose(hand, person.hand(part), atol=1)
        assert (np.sign(hand[:, 0] - 240) == sign).all()
        assert np.sign(poses[f"{part}_shoulder"][0, 0] - 240) == sign


@pytest.mark.parametrize("search", PLANS)
def test_best_first(blaze_scenes: ModuleType, search: str) -> None:
    people = three(blaze_scenes)
    poses = estimate(blaze_scenes, people, search=search)
    assert np.round(poses["nose"][:, 0], -1).tolist() == [240, 90, 390]
    assert (np.diff(poses.boxes.score) < 0).all()
    for person, row in zip([people[1], people[0], people[2]], poses, strict=True):
        np.testing.assert_allclose(row.part("left_hand").xy[0], person.hand("left"), atol=1)
        np.testing.assert_allclose(row["left_knee"][0, :2], person.xy[25], atol=1)


@pytest.mark.parametrize("search", PLANS)
def test_ghosts_are_left_out(blaze_scenes: ModuleType, search: str) -> None:
    ghosts = [blaze_scenes.Figure((90, 180), 160, peak=0.25), blaze_scenes.Figure((390, 180), 150, peak=0.1)]
    assert len(estimate(blaze_scenes, ghosts, search=search)) == 0
    poses = estimate(blaze_scenes, [*ghosts, blaze_scenes.Figure((240, 180), 170)], search=search)
    assert np.round(poses["nose"][:, 0], -1).tolist() == [240]


def test_the_single_view_gives_one_person(blaze_scenes: ModuleType) -> None:
    poses = estimate(blaze_scenes, three(blaze_scenes), search="whole")
    assert len(poses) == 1


@SEARCH
@pytest.mark.parametrize("size_wh", [(1, 1), (1, 1000), (1000, 1), (3, 2), (70, 20)])
def test_tiny_pictures(blaze_scenes: ModuleType, search: str, size_wh: tuple[int, int]) -> None:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([], size_wh))
    [poses] = fake.estimator(search=search).estimate([fake.frame()])
    assert len(poses) == 0


# Options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_max_people_takes_the_best(blaze_scenes: ModuleType, most: int) -> None:
    everybody = estimate(blaze_scenes, three(blaze_scenes))
    poses = estimate(blaze_scenes, three(blaze_scenes), max_people=most)
    assert len(poses) == min(most, 3)
    assert poses.allclose(everybody[:most])


def test_min_score_only_filters(blaze_scenes: ModuleType) -> None:
    """Nobody who stays moves or scores differently."""
    everybody = estimate(blaze_scenes, three(blaze_scenes), native=True)
    scores = everybody.boxes.score
    for bar, count in ((0.0, 3), (float(scores[2]) - 0.01, 3), (float(scores[2]) + 0.01, 2), (0.999, 0)):
        poses = estimate(blaze_scenes, three(blaze_scenes), native=True, min_score=bar)
        assert len(poses) == count
        if count:
            assert poses.allclose(everybody[:count])
        else:
            assert poses.allclose(Poses.empty(WHOLEBODY133))


@QUICK
def test_native_is_kept_when_asked_for(blaze_scenes: ModuleType, search: str) -> None:
    people = three(blaze_scenes)
    poses = estimate(blaze_scenes, people, search=search, layout=COCO17, native=True)
    assert poses.native is not None
    assert poses.skeleton == COCO17
    assert poses.native.allclose(estimate(blaze_scenes, people, search=search, layout=BLAZE543))
    assert estimate(blaze_scenes, people, search=search).native is None


def test_unknown_search(blaze_scenes: ModuleType) -> None:
    with pytest.raises(ConfigError) as caught:
        blaze_scenes.FakeBlaze().estimator(search="deep")
    assert "'deep'" in str(caught.value)
    assert all(name in str(caught.value) for name in SEARCHES)


@pytest.mark.parametrize("count", [0, -1])
def test_at_most_nobody_makes_no_sense(blaze_scenes: ModuleType, count: int) -> None:
    with pytest.raises(ConfigError, match=f"expected 1 or more, or None for everybody, got {count}"):
        blaze_scenes.FakeBlaze().estimator(max_people=count)


@pytest.mark.parametrize("name", SPECS)
def test_missing_network(blaze_scenes: ModuleType, name: str) -> None:
    networks = dict(blaze_scenes.FakeBlaze().networks)
    del networks[name]
    with pytest.raises(ModelError, match=name):
        BlazeEstimator(networks)


def test_info_and_laps(blaze_scenes: ModuleType) -> None:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(three(blaze_scenes)))
    estimator = fake.estimator(info={"name": "fake"})
    assert isinstance(estimator, Estimator)
    assert estimator.info == {"name": "fake"}
    assert fake.estimator().info == {}
    with measuring() as seconds:
        estimator.estimate([fake.frame()] * 2)
    assert set(seconds) == {"people", "parts"}
    assert all(spent > 0 for spent in seconds.values())


# Hands and faces -----------------------------------------------------------------------------------------------------


def hand_calls(blaze_scenes: ModuleType, person: Any, **options: Any) -> tuple[int, Poses]:
    """How often the hand networks were asked, and the result."""
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    [poses] = fake.estimator(**options).estimate([fake.frame()])
    return len(fake.networks["hand_landmark_full"].calls), poses


@QUICK
def test_hands_are_sought_where_the_wrist_is_visible(blaze_scenes: ModuleType, search: str) -> None:
    for hidden, part in ((15, "left_hand"), (16, "right_hand")):
        visibility = np.where(np.arange(33) == hidden, 0.02, 0.95)
        person = blaze_scenes.Figure((240, 190), 230, visibility=visibility)
        calls, poses = hand_calls(blaze_scenes, person, search=search, layout=BLAZE543)
        assert calls == 1
        assert np.isnan(poses.part(part).xy).all()
        assert not np.isnan(poses.part("left_hand" if part == "right_hand" else "right_hand").xy).any()


def test_hands_too_small_to_see_are_not_sought_but_estimated(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((240, 190), 230)
    calls, large = hand_calls(blaze_scenes, person, min_hand_px=10.0)
    assert calls == 2
    calls, poses = hand_calls(blaze_scenes, person, min_hand_px=1000.0)
    assert calls == 0
    for part in ("left_hand", "right_hand"):
        estimated, found = poses.part(part), large.part(part)
        np.testing.assert_allclose(found.xy[0], person.hand(part.split("_")[0]), atol=1)
        assert (estimated.score < found.score).all()
        assert (estimated.score > 0).all()
        assert not np.isnan(estimated.xy).any()
        assert estimated.visible is not None
        assert not estimated.visible.any()
    others = [k for k, part in enumerate(WHOLEBODY133.part_of()) if not part.endswith("hand")]
    np.testing.assert_array_equal(poses.xy[:, others], large.xy[:, others])
    np.testing.assert_array_equal(poses.score[:, others], large.score[:, others])


def test_the_single_view_seeks_hands_of_any_size(blaze_scenes: ModuleType) -> None:
    """As MediaPipe does."""
    assert hand_calls(blaze_scenes, blaze_scenes.Figure((240, 190), 60), search="whole", min_hand_px=1000.0)[0] == 2


@QUICK
def test_a_hand_that_the_network_does_not_see(blaze_scenes: ModuleType, search: str) -> None:
    person = blaze_scenes.Figure((240, 190), 230, hand_presence=(0.0, 0.9))
    calls, poses = hand_calls(blaze_scenes, person, search=search, native=True)
    assert calls == 2
    assert poses.native is not None
    assert np.isnan(poses.native.part("left_hand").xy).all()
    assert (poses.part("left_hand").score < poses.part("right_hand").score).all()


@QUICK
def test_a_hand_seen_less_well_scores_lower(blaze_scenes: ModuleType, search: str) -> None:
    person = blaze_scenes.Figure((240, 190), 230, hand_presence=(0.6, 0.9))
    poses = estimate(blaze_scenes, [person], search=search)
    for side in ("left", "right"):
        np.testing.assert_allclose(poses.part(f"{side}_hand").xy[0], person.hand(side), atol=1)
    assert (poses.part("left_hand").score < poses.part("right_hand").score).all()


def test_hands_without_peaks_in_the_body_are_not_sought(blaze_scenes: ModuleType) -> None:
    """Hidden hands; those with peaks are."""
    for hidden, part in (((15, 17, 19), "left_hand"), ((16, 18, 20), "right_hand")):
        peak = np.where(np.isin(np.arange(33), hidden), 0.05, 0.9)
        calls, poses = hand_calls(blaze_scenes, blaze_scenes.Figure((240, 190), 230, peak=peak), layout=BLAZE543)
        assert calls == 1
        assert np.isnan(poses.part(part).xy).all()


@QUICK
@pytest.mark.parametrize("change", [{"face_score": 0.2}, {"mesh_probability": 0.3}])
def test_a_face_not_found_is_missing(blaze_scenes: ModuleType, search: str, change: dict[str, float]) -> None:
    """The rest stays as it is."""
    poses = estimate(blaze_scenes, [blaze_scenes.Figure((240, 190), 230, **change)], search=search)
    whole = estimate(blaze_scenes, [blaze_scenes.Figure((240, 190), 230)], search=search)
    assert np.isnan(poses.part("face").xy).all()
    assert not poses.part("face").score.any()
    for part in ("body", "feet", "left_hand", "right_hand"):
        np.testing.assert_array_equal(poses.part(part).xy, whole.part(part).xy)


@SEARCH
def test_scores_are_between_0_and_1_and_missing_points_have_none(blaze_scenes: ModuleType, search: str) -> None:
    random = np.random.default_rng(1)
    person = blaze_scenes.Figure(
        (60, 250),
        260,  # partly outside
        peak=random.uniform(0.5, 1, 33),
        visibility=random.uniform(0, 1, 33),
        hand_presence=(1.0, 0.2),
    )
    poses = estimate(blaze_scenes, [person], search=search)
    assert len(poses) == 1
    assert ((poses.score >= 0) & (poses.score <= 1)).all()
    np.testing.assert_array_equal(np.isnan(poses.xy).all(axis=2), poses.score == 0)
