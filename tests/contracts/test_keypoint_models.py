"""What every keypoint model keeps, whatever its network: one person per box, in order, no memory, threads welcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from holopose.models.blaze.boxes import BlazeLandmarks
from holopose.models.heatmap import HeatmapModel
from holopose.models.simcc import SimccModel
from holopose.protocols import KeypointModel
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses
from known_people import VIEW_HW, Known, heatmaps, simcc

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Family:
    """A keypoint model on fake networks, pictures of several sizes, who is in them and where.

    Attributes:
        make: The model; takes `batch` where the family does.
        runtimes: Its networks.
        frames: Pictures.
        boxes: People in each, not sorted by score.
        truth: (N, K, 2) px of them, NaN where unknown.
        lost: Keypoints of which the network says nothing.
        within_px: How far a batch may be from its singles: sums of many numbers are rounded as they are grouped.
        batched: Whether it takes `batch`.
    """

    make: Callable[..., KeypointModel]
    runtimes: Sequence[FakeRuntime]
    frames: Sequence[Frame]
    boxes: Sequence[Boxes]
    truth: Sequence[Floats]
    lost: Sequence[int] = ()
    within_px: float = 0.0
    batched: bool = True


def known(
    model: type[Any],
    network: Callable[[Known], FakeRuntime],
    skeleton: Skeleton,
    *,
    within_px: float = 0,
    **settings: Any,
) -> Family:
    people = Known(skeleton)
    runtime = network(people)
    boxes = people.boxes()
    silent = np.flatnonzero(people.heights == 0)
    people.xy[:, :, silent] = np.nan
    return Family(
        make=lambda **options: model(runtime, skeleton=skeleton, input_hw=VIEW_HW, **settings, **options),
        runtimes=[runtime],
        frames=people.frames(),
        boxes=boxes,
        truth=[xy[: len(some)] for xy, some in zip(people.xy, boxes, strict=True)],
        lost=() if within_px else silent.tolist(),
        within_px=within_px,
    )


def heatmap(decoder: str, skeleton: Skeleton = COCO17, **settings: Any) -> Callable[[ModuleType], Family]:
    kind = "log" if decoder == "integral" else "gaussian"
    first = {"symmetric-integral": 0, "combined": 23}.get(decoder)
    network = partial(heatmaps, kind=kind, udp=settings.get("udp", False), logits_from=first)
    within_px = 0.0 if kind == "gaussian" and first is None else 1e-3
    return lambda _: known(HeatmapModel, network, skeleton, within_px=within_px, decoder=decoder, **settings)


def blaze(scenes: ModuleType) -> Family:
    everybody = scenes.Scene([scenes.Figure((140, 180), 190, peak=0.8), scenes.Figure((330, 190), 180, turn=0.3)])
    portrait = scenes.Scene([scenes.Figure((150, 210), 230)], (300, 420))
    album = (everybody, scenes.Scene([]), portrait, scenes.Scene([], (64, 200)))
    fake = scenes.FakeBlaze(*album)
    bodies = [np.array([one.xy[:33] for one in scene.people]).reshape(-1, 33, 2) for scene in album]
    boxes = [np.concatenate([one.min(axis=1) - 8, one.max(axis=1) + 8], axis=1) for one in bodies]
    joints = [0, 2, 5, 7, 8, *range(11, 17), *range(23, 29)]  # of the 33, those of COCO
    return Family(
        make=lambda: BlazeLandmarks(fake.estimator(layout=COCO17)),
        runtimes=list(fake.networks.values()),
        frames=[fake.frame(number, index=number) for number in range(4)],
        boxes=[Boxes(some, np.array([0.6, 0.9])[: len(some)]) for some in boxes],
        truth=[one[:, joints] for one in bodies],
        batched=False,
    )


FAMILIES: dict[str, Callable[[ModuleType], Family]] = {
    "argmax": heatmap("argmax"),
    "quarter": heatmap("quarter"),
    "quarter flip": heatmap("quarter", flip=True, shift_flip=True),
    "dark": heatmap("dark"),
    "dark flip": heatmap("dark", flip=True, shift_flip=True),
    "udp": heatmap("udp", udp=True),
    "udp flip": heatmap("udp", udp=True, flip=True),
    "integral": heatmap("integral"),
    "integral flip": heatmap("integral", flip=True, shift_flip=True),
    "symmetric-integral": heatmap("symmetric-integral"),
    "symmetric-integral flip": heatmap("symmetric-integral", flip=True, shift_flip=True),
    "combined": heatmap("combined", WHOLEBODY133),
    "combined flip": heatmap("combined", WHOLEBODY133, flip=True, shift_flip=True),
    "simcc": lambda _: known(SimccModel, simcc, COCO17),
    "simcc flip": lambda _: known(SimccModel, simcc, COCO17, flip=True),
    "simcc whole body": lambda _: known(SimccModel, simcc, WHOLEBODY133, score_rule="mean"),
    "blaze on boxes": blaze,
}


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES)
def family(request: pytest.FixtureRequest, blaze_scenes: ModuleType) -> Family:
    return request.param(blaze_scenes)


def calls(family: Family) -> int:
    return sum(len(runtime.calls) for runtime in family.runtimes)


def all_same(family: Family, ours: Sequence[Poses], theirs: Sequence[Poses]) -> bool:
    alike = [a.allclose(b, atol=family.within_px) for a, b in zip(ours, theirs, strict=True)]
    return all(alike)


def test_one_person_per_box_in_order_where_the_box_is(family: Family) -> None:
    model = family.make()
    assert isinstance(model, KeypointModel)
    found = model.locate(family.frames, family.boxes)
    assert [len(poses) for poses in found] == [len(boxes) for boxes in family.boxes]
    for poses, boxes, truth in zip(found, family.boxes, family.truth, strict=True):
        assert poses.skeleton == model.skeleton
        assert (poses.ids == -1).all()
        if len(poses):
            size = (boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]).max(axis=1)
            far = np.linalg.norm(poses.xy - truth, axis=2) / size[:, None]
            assert np.nanmean(far, axis=1).max() < 0.02
            assert (~np.isnan(far)).mean(axis=1).min() > 0.8, "most keypoints are there"


def test_boxes_are_handed_on_as_they_came(family: Family) -> None:
    """In any order, with any score, reaching beyond the picture."""
    boxes = [Boxes(some.xyxy + np.float32([-30, -40, 0, 50]), some.score[::-1]) for some in family.boxes]
    for poses, some in zip(family.make().locate(family.frames, boxes), boxes, strict=True):
        assert poses.boxes.allclose(some, atol=0)
    turned = [some[::-1] for some in family.boxes]
    there, back = family.make().locate(family.frames, family.boxes), family.make().locate(family.frames, turned)
    assert all_same(family, [poses[::-1] for poses in back], there)


def test_boxes_that_show_nobody_are_people_too(family: Family) -> None:
    """Empty, one pixel wide, beyond the picture: a person each, of whom little is known."""
    odd = Boxes([[50, 50, 50, 50], [40, 10, 41, 150], [-400, -300, -350, -200], [2e4, 10, 2e4, 30]], [1, 0, 0.5, 0.5])
    [poses] = family.make().locate([family.frames[1]], [odd])
    assert len(poses) == 4
    assert poses.boxes.allclose(odd, atol=0)


def test_nobody_is_a_normal_answer_and_asks_nothing(family: Family) -> None:
    model = family.make()
    assert list(model.locate([], [])) == []
    found = model.locate(family.frames, [Boxes.empty() for _ in family.frames])
    assert all_same(family, found, [Poses.empty(model.skeleton)] * len(family.frames))
    assert calls(family) == 0


def test_a_batch_of_any_sizes_equals_its_singles_in_order(family: Family) -> None:
    model = family.make()
    singles = [model.locate([f], [b])[0] for f, b in zip(family.frames, family.boxes, strict=True)]
    assert all_same(family, model.locate(family.frames, family.boxes), singles)
    for order in ([2, 0, 3, 1, 0], [3, 2, 1, 0]):
        mixed = model.locate([family.frames[i] for i in order], [family.boxes[i] for i in order])
        assert all_same(family, mixed, [singles[i] for i in order])
    alone = [model.locate([family.frames[0]], [family.boxes[0][i]])[0] for i in range(len(family.boxes[0]))]
    assert all_same(family, alone, list(singles[0]))


def test_how_many_go_through_at_once_changes_nothing(family: Family) -> None:
    if not family.batched:
        pytest.skip("this family has no such setting")
    expected = family.make(batch=32).locate(family.frames, family.boxes)
    together = calls(family)
    assert all_same(family, family.make(batch=1).locate(family.frames, family.boxes), expected)
    assert calls(family) - together == together * sum(map(len, family.boxes))


def test_scores_are_in_range_and_missing_points_are_nan(family: Family) -> None:
    for poses in family.make().locate(family.frames, family.boxes):
        assert ((poses.score >= 0) & (poses.score <= 1)).all()
        assert (np.isnan(poses.xy).all(axis=2) == (poses.score == 0)).all()
        assert np.isnan(poses.xy[:, list(family.lost)]).all()


def test_the_frame_is_left_as_it_was(family: Family) -> None:
    before = [frame.image.copy() for frame in family.frames]
    family.make().locate(family.frames, family.boxes)
    for frame, image in zip(family.frames, before, strict=True):
        np.testing.assert_array_equal(frame.image, image)


def test_threads_may_share_one_model(family: Family) -> None:
    model = family.make()
    expected = [model.locate([f], [b])[0] for f, b in zip(family.frames, family.boxes, strict=True)]
    order = [0, 2, 3, 0, 1, 2, 0, 2]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(model.locate, [family.frames[i]], [family.boxes[i]]) for i in order]
        assert all_same(family, [job.result()[0] for job in jobs], [expected[i] for i in order])
