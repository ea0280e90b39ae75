"""Skeleton: what it refuses, how it looks up, mirrors, cuts and compares."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.skeletons import COCO17, LAYOUTS, PARTS, WHOLEBODY133, Skeleton

TINY: dict[str, Any] = {
    "name": "tiny",
    "keypoints": ("nose", "left_hand_wrist", "right_hand_wrist"),
    "edges": ((0, 1), (0, 2)),
    "swaps": (0, 2, 1),
    "sigmas": np.array([0.1, 0.2, 0.2]),
    "parts": {"body": (0,), "left_hand": (1,), "right_hand": (2,)},
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keypoints": ("nose", "nose", "chin")}, "names must be unique"),
        ({"swaps": (0, 1)}, "swaps must pair"),
        ({"swaps": (1, 2, 0)}, "swaps must pair"),
        ({"swaps": (0, 5, 1)}, "swaps must pair"),
        ({"swaps": (0, -1, 1)}, "swaps must pair"),
        ({"edges": ((0, 3),)}, r"outside 0..2"),
        ({"edges": ((-1, 0),)}, r"outside 0..2"),
        ({"parts": {"body": (0, 1)}}, "cover each keypoint once"),
        ({"parts": {"body": (0, 1, 2), "face": (2,)}}, "cover each keypoint once"),
        ({"parts": {"tail": (0, 1, 2)}}, "under the names"),
        ({"sigmas": np.array([0.1, 0.2])}, r"expected 3 positive sigmas, got shape \(2,\)"),
        ({"sigmas": np.array([0.1, 0.2, 0.0])}, "positive sigmas"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"tiny: .*{message}"):
        Skeleton(**{**TINY, **changes})


def test_lookup() -> None:
    tiny = Skeleton(**TINY)
    assert len(tiny) == 3
    assert [tiny.index(name) for name in tiny.keypoints] == [0, 1, 2]
    assert "nose" in tiny
    assert "tail" not in tiny
    assert 0 not in tiny
    assert tiny.part_of() == ("body", "left_hand", "right_hand")


def test_an_unknown_name_hears_of_near_ones() -> None:
    with pytest.raises(KeyError, match="coco17 has no keypoint 'left_wirst'; did you mean left_wrist"):
        COCO17.index("left_wirst")
    with pytest.raises(KeyError) as caught:
        COCO17.index("zzz")
    assert "did you mean" not in str(caught.value)


def test_locked() -> None:
    given_sigmas = np.array([0.1, 0.2, 0.2])
    tiny = Skeleton(**{**TINY, "sigmas": given_sigmas})
    given_sigmas[0] = 9
    assert tiny.sigmas is not None
    assert tiny.sigmas[0] == np.float32(0.1)
    with pytest.raises(ValueError, match="read-only"):
        tiny.sigmas[0] = 1
    with pytest.raises(TypeError):
        tiny.parts["body"] = (1,)
    with pytest.raises(AttributeError):
        tiny.name = "other"


@pytest.mark.parametrize("skeleton", LAYOUTS.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("travel", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_travels(skeleton: Skeleton, travel: Any) -> None:
    other = travel(skeleton)
    assert other == skeleton
    assert hash(other) == hash(skeleton)
    assert (other.edges, other.swaps, dict(other.parts)) == (skeleton.edges, skeleton.swaps, dict(skeleton.parts))
    if skeleton.sigmas is None:
        assert other.sigmas is None
    else:
        assert np.array_equal(other.sigmas, skeleton.sigmas)
        assert not other.sigmas.flags.writeable


def test_equal_by_name_and_keypoints() -> None:
    tiny = Skeleton(**TINY)
    assert tiny == Skeleton(**{**TINY, "edges": (), "sigmas": None})
    assert tiny != Skeleton(**{**TINY, "name": "other"})
    assert tiny != Skeleton(**{**TINY, "keypoints": ("chin", "left_hand_wrist", "right_hand_wrist")})
    assert tiny != "tiny"


def test_subset_follows() -> None:
    arms = WHOLEBODY133.subset([9, 7, 8, 10, 91], "arms")
    assert arms.name == "arms"
    assert arms.keypoints == ("left_wrist", "left_elbow", "right_elbow", "right_wrist", "left_hand_wrist")
    assert set(arms.edges) == {(1, 0), (2, 3), (0, 4)}
    assert arms.swaps == (3, 2, 1, 0, 4)  # the right hand is not there: the left one mirrors to itself
    assert dict(arms.parts) == {"body": (0, 1, 2, 3), "left_hand": (4,)}
    assert arms.sigmas is not None
    assert arms.sigmas.tolist() == [np.float32(s) for s in (0.062, 0.072, 0.072, 0.062, 0.029)]
    with pytest.raises(ValueError, match="unique"):
        COCO17.subset([0, 0], "twice")


@given(st.sampled_from(sorted(LAYOUTS)), st.data())
def test_any_subset_is_a_skeleton_of_the_same_bones(layout: str, data: st.DataObject) -> None:
    whole = LAYOUTS[layout]
    keep = data.draw(st.lists(st.integers(0, len(whole) - 1), unique=True, max_size=30))
    some = whole.subset(keep, "some")
    assert some.keypoints == tuple(whole.keypoints[i] for i in keep)
    bones = {(whole.keypoints[a], whole.keypoints[b]) for a, b in whole.edges if a in keep and b in keep}
    assert {(some.keypoints[a], some.keypoints[b]) for a, b in some.edges} == bones
    owner = whole.part_of()
    assert some.part_of() == tuple(owner[i] for i in keep)
    assert set(some.parts) <= set(PARTS)
