"""What readers of other programs' files share: odd values become something sensible or one clear line."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.readers.foreign import (
    UNKNOWN_WH,
    ForeignPerson,
    assemble,
    exceeds_one,
    gather,
    identity_of,
    layout_of,
    load_json,
    number_of,
)
from holopose.skeletons import COCO17, HALPE136, OPENPOSE25
from holopose.types import FrameInfo, Poses


def made(count: int = 17, score: float = 0.5, **rest) -> ForeignPerson:
    return ForeignPerson(np.arange(2.0 * count).reshape(count, 2), np.full(count, score), **rest)


def test_layouts_by_their_size() -> None:
    assert [layout_of(count) for count in (17, 136, 25)] == [COCO17, HALPE136, OPENPOSE25]
    with pytest.raises(InputError, match=r"expected 16, 17, .*136 keypoints per person, got 51"):
        layout_of(51)


def test_people_become_poses() -> None:
    poses = gather([made(identity=4, box=np.array([1, 2, 3, 4.0]), box_score=0.25), made(score=1.5)], COCO17)
    assert poses.boxes.xyxy.tolist() == [[1, 2, 3, 4], [0, 1, 32, 33]]
    assert poses.boxes.score.tolist() == [0.25, 1]
    assert poses.ids is not None
    assert poses.ids.tolist() == [4, -1]
    assert poses.visible is None
    assert len(gather([], COCO17)) == 0
    with pytest.raises(InputError, match=r"expected 17 keypoints per person \(coco17\), got \[16\]"):
        gather([made(16)], COCO17)


def test_visible_only_where_everybody_has_it() -> None:
    flags = np.arange(17) > 5
    assert gather([made(visible=flags)], COCO17).visible is not None
    assert gather([made(visible=flags), made()], COCO17).visible is None


def test_scores_out_of_range_are_noticed() -> None:
    assert not exceeds_one([made(), made(score=1.0)])
    assert exceeds_one([made(), made(score=1.01)])
    assert exceeds_one([made(score=-0.1)])


@pytest.mark.parametrize(
    ("value", "identity"),
    [(3, 3), (3.0, 3), ([3], 3), ([[3.0]], 3), (0, 0), (-1, -1), (3.5, -1), (None, -1), ("3", -1), (True, -1)],
)
def test_identities(value, identity: int) -> None:
    assert identity_of(value) == identity


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, [], [1, 2], 2**63, 10**400])
def test_what_is_no_identity(value) -> None:
    assert identity_of(value) == -1


def test_numbers() -> None:
    assert number_of(3, "score") == 3.0
    for value in (None, "3", True, float("nan"), float("inf"), 10**400):
        with pytest.raises(InputError, match="expected a number as score"):
            number_of(value, "score")


def test_results_tell_what_is_not_known() -> None:
    frames = [(FrameInfo(0, None, "a.jpg", size), Poses.empty(COCO17)) for size in ((9, 8), UNKNOWN_WH)]
    known = assemble(COCO17, frames[:1], ["Something."])
    assert known.source == {"name": "a.jpg", "width": 9, "height": 8}
    assert known.info.model == "unknown"
    assert len(known.lost) == 2
    assert any("Sizes" in sentence for sentence in assemble(COCO17, frames, []).lost)
    assert assemble(COCO17, [], []).frames == []


def test_json_that_is_none(tmp_path) -> None:
    for content in (b"", b"{", b"\xff", b"[" * 100_000):
        (tmp_path / "r.json").write_bytes(content)
        with pytest.raises(InputError, match="expected a thing, got something that is not whole JSON") as caught:
            load_json(tmp_path / "r.json", "a thing")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="expected a thing: No such file"):
        load_json(tmp_path / "gone.json", "a thing")
