"""Owns scenes of people whose identities are known exactly, what a detector makes of them, and an independent judge."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame, FrameInfo, Poses

Array = npt.NDArray[np.float64]
Path = Callable[[float], tuple[float, float] | None]

SIZE_WH = (1280, 720)
HEIGHT_PX = 300.0

# A standing person seen from the front, x and y from the middle of the body, in body heights.
_STANDING = np.array(
    [
        *[(0, -0.42), (0.02, -0.44), (-0.02, -0.44), (0.04, -0.43), (-0.04, -0.43)],
        *[(0.1, -0.31), (-0.1, -0.31), (0.14, -0.15), (-0.14, -0.15), (0.15, 0.0), (-0.15, 0.0)],
        *[(0.06, 0.02), (-0.06, 0.02), (0.07, 0.26), (-0.07, 0.26), (0.07, 0.48), (-0.07, 0.48)],
    ]
)
_SWING = np.array([0, 0, 0, 0, 0, 0, 0, 0.05, -0.05, 0.1, -0.1, 0, 0, -0.06, 0.06, -0.13, 0.13])  # arms against legs


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody.

    Attributes:
        path: Middle of the body, px, at a time in seconds; None while not there.
        hidden_s: From when to when the person is there and cannot be seen.
        height_px: Body height.
        colour: Of the torso, RGB.
        pace_hz: Steps per second.
        visible: Share of the body that is seen from the head down.
    """

    path: Path
    hidden_s: tuple[tuple[float, float], ...] = ()
    height_px: float = HEIGHT_PX
    colour: tuple[int, int, int] = (128, 128, 128)
    pace_hz: float = 0.9

    def pose(self, time_s: float) -> Array | None:
        """Keypoints (17, 2) px; None when there is nothing to see."""
        place = self.path(time_s)
        if place is None or any(start <= time_s < end for start, end in self.hidden_s):
            return None
        xy = _STANDING.copy()
        xy[:, 0] += _SWING * np.sin(2 * np.pi * self.pace_hz * time_s)
        return xy * self.height_px + place


@dataclass(frozen=True, slots=True)
class Errors:
    """How a detector sees people.

    Attributes:
        noise: Standard deviation of keypoints, in body heights.
        missed: Share of the people it does not see.
        doubled_s: From when to when everybody is seen twice, the second time shifted by a few percent of the height
            and with a lower score.
        ghosts: Share of the frames with somebody who is not there, each time elsewhere.
        unknown: Share of the keypoints that are missing.
        weak_s: From when to when people are hardly believed.
    """

    noise: float = 0.006
    missed: float = 0.0
    doubled_s: tuple[float, float] = (0, 0)
    ghosts: float = 0.0
    unknown: float = 0.0
    weak_s: tuple[float, float] = (0, 0)


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame: who is where, and what is seen of it."""

    frame: FrameInfo
    truth: Poses
    seen: Poses


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip.

    Attributes:
        people: In it.
        times_s: Of its frames.
        errors: Of the detector.
        seed: Of chance.
        covering: Whether people hide those behind them; the lower in the picture, the nearer.
        pixels: Whether the tracker is given the picture, in which the torsos have their colours.
    """

    people: tuple[Person, ...]
    times_s: tuple[float, ...]
    errors: Errors = field(default_factory=Errors)
    seed: int = 0
    covering: bool = False
    pixels: bool = False

    def __iter__(self) -> Iterator[Moment]:
        rng = np.random.default_rng(self.seed)
        for index, time_s in enumerate(self.times_s):
            poses = [person.pose(time_s) for person in self.people]
            there = [i for i, xy in enumerate(poses) if xy is not None and _in_picture(xy)]
            if self.covering:
                there = [i for i in there if not any(_covers(poses[j], poses[i]) for j in there)]
            truth = to_poses([poses[i] for i in there], [1.0] * len(there), ids=[i + 1 for i in there])
            yield Moment(FrameInfo(index, time_s, "scene", SIZE_WH), truth, self._see(rng, poses, there, time_s))

    def _see(self, rng: np.random.Generator, poses: list[Array | None], there: list[int], time_s: float) -> Poses:
        errors = self.errors
        people: list[tuple[Array, float]] = []
        for i in there:
            xy = poses[i]
            assert xy is not None
            height_px = self.people[i].height_px
            if rng.uniform() < errors.missed:
                continue
            weak = errors.weak_s[0] <= time_s < errors.weak_s[1]
            score = rng.uniform(0.03, 0.15) if weak else rng.uniform(0.6, 1.0)
            people.append((xy + rng.normal(0, errors.noise * height_px, xy.shape), score))
            if errors.doubled_s[0] <= time_s < errors.doubled_s[1]:
                shifted = xy + rng.normal(0, 0.03 * height_px, 2) + rng.normal(0, 0.02 * height_px, xy.shape)
                people.append((shifted, rng.uniform(0.4, 0.8) if not weak else 0.05))
        if rng.uniform() < errors.ghosts:
            place = rng.uniform((100, 200), (SIZE_WH[0] - 100, SIZE_WH[1] - 200))
            people.append((_STANDING * HEIGHT_PX + place, rng.uniform(0.4, 0.7)))
        rng.shuffle(people)
        seen = to_poses([xy for xy, _ in people], [score for _, score in people])
        gone = rng.uniform(size=seen.score.shape) < errors.unknown
        xy, score = seen.xy.copy(), seen.score.copy()
        xy[gone], score[gone] = np.nan, 0
        return seen.replace(xy=xy, score=score)

    def stream(self) -> Iterator[tuple[Frame | FrameInfo, Poses]]:
        """Frames and what is seen in them, as a pipeline would give them."""
        for moment in self:
            yield (self.paint(moment) if self.pixels else moment.frame), moment.seen

    def paint(self, moment: Moment) -> Frame:
        """The frame with everybody's torso, those nearer to the bottom in front."""
        image = np.full((SIZE_WH[1], SIZE_WH[0], 3), 90, np.uint8)
        image[::2] += 20
        assert moment.truth.ids is not None
        order = np.argsort(moment.truth.boxes.xyxy[:, 3], kind="stable")
        for row in order:
            person = self.people[int(moment.truth.ids[row]) - 1]
            torso = moment.truth.xy[row, [5, 6, 11, 12]]
            left, top = np.clip(torso.min(axis=0), 0, None).astype(int)
            right, bottom = np.clip(torso.max(axis=0), 0, None).astype(int)
            image[top:bottom, left:right] = person.colour
        return Frame(image, moment.frame.index, moment.frame.time_s, moment.frame.name)


def _in_picture(xy: Array) -> bool:
    """Whether the middle of the body is in the picture: from there on people count as there."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    middle = (low + high) / 2
    return bool((middle >= 0).all() and (middle < SIZE_WH).all())


def _covers(front: Array | None, behind: Array | None) -> bool:
    """Whether hardly more than half of somebody can be seen for somebody nearer."""
    assert front is not None
    assert behind is not None
    if front[:, 1].max() <= behind[:, 1].max():
        return False
    low, high = np.maximum(front.min(axis=0), behind.min(axis=0)), np.minimum(front.max(axis=0), behind.max(axis=0))
    common = np.clip(high - low, 0, None).prod()
    return bool(common > 0.55 * np.ptp(behind, axis=0).prod())


def to_poses(
    poses: Iterable[Array | None], scores: Iterable[float], ids: list[int] | None = None, skeleton: Skeleton = COCO17
) -> Poses:
    """People of these keypoints, all sure, with the boxes around them cut off at the picture's border."""
    known = [xy for xy in poses if xy is not None]
    if not known:
        return Poses.empty(skeleton)
    xy = np.stack(known)
    margin = 0.03 * (xy.max(axis=1) - xy.min(axis=1)).max(axis=1, keepdims=True)
    limit = np.array(SIZE_WH) - 1
    low, high = np.clip(xy.min(axis=1) - margin, 0, limit), np.clip(xy.max(axis=1) + margin, 0, limit)
    boxes = Boxes(np.concatenate([low, high], axis=1), np.array(list(scores)))
    return Poses(xy, np.full(xy.shape[:2], 0.8), boxes, skeleton, ids=None if ids is None else np.array(ids))


# Paths ---------------------------------------------------------------------------------------------------------------


def line(start: tuple[float, float], speed: tuple[float, float], times_s: tuple[float, float] = (0, 1e9)) -> Path:
    """Along a straight line, px and px/s, between two times."""

    def at(time_s: float) -> tuple[float, float] | None:
        if not times_s[0] <= time_s < times_s[1]:
            return None
        return start[0] + speed[0] * time_s, start[1] + speed[1] * time_s

    return at


def turning(start: tuple[float, float], speed: tuple[float, float], turn_s: float) -> Path:
    """Along a line and from `turn_s` on the same way back."""

    def at(time_s: float) -> tuple[float, float]:
        time_s = time_s if time_s < turn_s else 2 * turn_s - time_s
        return start[0] + speed[0] * time_s, start[1] + speed[1] * time_s

    return at


def wandering(start: tuple[float, float], reach_px: float, seed: int) -> Path:
    """Around a place, smoothly, never the same way."""
    rng = np.random.default_rng(seed)
    rates, phases = rng.uniform(0.5, 1.6, (2, 3)), rng.uniform(0, 2 * np.pi, (2, 3))

    def at(time_s: float) -> tuple[float, float]:
        sway = np.sin(rates * time_s + phases).sum(axis=1) / 3 * reach_px
        return start[0] + float(sway[0]), start[1] + 0.3 * float(sway[1])

    return at


def panned(path: Path, pan: Path) -> Path:
    """As seen by a camera that moves."""

    def at(time_s: float) -> tuple[float, float] | None:
        place, camera = path(time_s), pan(time_s)
        return None if place is None or camera is None else (place[0] - camera[0], place[1] - camera[1])

    return at


def steady(duration_s: float, rate_hz: float = 30.0) -> tuple[float, ...]:
    """Times of frames at one rate."""
    return tuple((np.arange(round(duration_s * rate_hz)) / rate_hz).tolist())


def uneven(duration_s: float, seed: int = 1) -> tuple[float, ...]:
    """Times of frames between 1/60 s and 1/10 s apart."""
    steps = np.random.default_rng(seed).uniform(1 / 60, 1 / 10, round(duration_s * 40))
    times = np.concatenate([[0], np.cumsum(steps)])
    return tuple(times[times < duration_s].tolist())


# Scenes --------------------------------------------------------------------------------------------------------------

RED, BLUE = (200, 40, 40), (40, 60, 200)


def crossing(
    times_s: tuple[float, ...] = steady(5), hidden_s: tuple[tuple[float, float], ...] = (), **errors: float
) -> Scene:
    """Two people who walk past each other in the middle of the picture, 2.5 s after the start."""
    people = (
        Person(line((140, 380), (200, 0)), colour=RED),
        Person(line((1140, 360), (-200, 0)), hidden_s, colour=BLUE, pace_hz=1.05),
    )
    return Scene(people, times_s, Errors(**errors))  # type: ignore[arg-type]


def meeting(*, pixels: bool) -> Scene:
    """Two people who meet, one behind the other for half a second, and go back where they came from."""
    people = (
        Person(turning((190, 380), (220, 0), 2.0), colour=RED),
        Person(turning((1090, 365), (-220, 0), 2.0), ((1.75, 2.25),), colour=BLUE, pace_hz=1.05),
    )
    return Scene(people, steady(4), pixels=pixels)


def crowd(times_s: tuple[float, ...], *, covering: bool = False, **errors: float) -> Scene:
    """Eight people of several sizes who wander about in each other's way."""
    colours = np.random.default_rng(7).integers(0, 255, (8, 3)).tolist()
    people = tuple(
        Person(
            wandering((160 + 130 * i, 330 + 40 * (i % 3)), 150, seed=i),
            height_px=240 + 15 * (i % 4),
            colour=tuple(colours[i]),
            pace_hz=0.8 + i / 20,
        )
        for i in range(8)
    )
    return Scene(people, times_s, Errors(**errors), covering=covering, pixels=covering)  # type: ignore[arg-type]


def scenes() -> dict[str, Scene]:
    """All scenes that the tracker is judged by, by name."""
    walker = Person(line((200, 380), (150, 0)))
    three = tuple(Person(wandering((350 + 300 * i, 360), 60, seed=20 + i), pace_hz=0.9 + i / 10) for i in range(3))
    leaving = Person(turning((900, 380), (220, 0), 2.4))  # beyond the border from 1.73 s to 3.07 s
    camera = turning((-160, 0), (350, 60), 1.1)
    panned_three = tuple(Person(panned(one.path, camera), pace_hz=one.pace_hz) for one in three)
    gaps_s = ((1, 1.5), (2, 2.6), (3.5, 4))
    return {
        "one walker": Scene((walker,), steady(5)),
        "crossing": crossing(),
        "crossing, one hidden for 1 s": crossing(hidden_s=((2.0, 3.0),)),
        "crossing, noise and 20 % missed": crossing(noise=0.02, missed=0.2),
        "crossing, at 10 frames/s": crossing(steady(5, 10)),
        "crossing, uneven frame rate": crossing(uneven(5)),
        "meeting and turning back": meeting(pixels=False),
        "meeting and turning back, colours": meeting(pixels=True),
        "leaving and returning after 1.3 s": Scene((leaving, Person(wandering((300, 360), 60, 3))), steady(5)),
        "hidden for 1.8 s": Scene((Person(line((250, 380), (110, 0)), ((1.6, 3.4),)),), steady(5)),
        "nobody now and then": Scene((Person(line((250, 380), (110, 0)), gaps_s),), steady(5)),
        "two detections of one": Scene((walker, *three[2:]), steady(5), Errors(doubled_s=(1, 2.5))),
        "two detections, crossing": crossing(doubled_s=(1.5, 3.5)),  # type: ignore[arg-type]
        "noise": Scene(three, steady(5), Errors(noise=0.03)),
        "20 % missed": Scene(three, steady(5), Errors(missed=0.2)),
        "20 % missed, ghosts, keypoints missing": Scene(three, steady(5), Errors(missed=0.2, ghosts=0.3, unknown=0.3)),
        "weak for 1 s": Scene(three, steady(5), Errors(weak_s=(2, 3))),
        "eight in a crowd": crowd(steady(8)),
        "eight in a crowd, noise and 20 % missed": crowd(steady(8), noise=0.015, missed=0.2),
        "eight hiding each other, colours": crowd(steady(8), noise=0.015, covering=True),
        "camera pan": Scene(panned_three, steady(2.2)),
        "camera pan, at 10 frames/s": Scene(panned_three, steady(2.2, 10)),
    }


# The judge -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """What motmetrics says of identities, with the truth's boxes overlapping by a half or more.

    Attributes:
        mota: 1 less misses, false people and switches per true person.
        idf1: Share of the people whose identity is right all along.
        switches: How often a true person changed identity.
        identities: How many different ids there were.
    """

    mota: float
    idf1: float
    switches: int
    identities: int


def judge(rows: Iterable[tuple[Poses, Poses]]) -> Judgement:
    """Compare truth and results, a pair per frame; people with id -1 do not count as results."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import motmetrics

        book = motmetrics.MOTAccumulator(auto_id=True)
        ids: set[int] = set()
        for truth, result in rows:
            assert truth.ids is not None
            assert result.ids is not None
            known = result[result.ids >= 0]
            assert known.ids is not None
            ids.update(known.ids.tolist())
            distances = _distances(truth.boxes.xyxy.astype(np.float64), known.boxes.xyxy.astype(np.float64))
            book.update(truth.ids.tolist(), known.ids.tolist(), distances)
        names = ["mota", "idf1", "num_switches"]
        found = motmetrics.metrics.create().compute(book, metrics=names, name="scene").iloc[0]
    return Judgement(float(found["mota"]), float(found["idf1"]), int(found["num_switches"]), len(ids))


def _distances(boxes: Array, others: Array) -> Array:
    """1 less the overlap (N, M) of boxes; NaN where it is under a half, as motmetrics wants it (whose own is for older
    versions of numpy).
    """
    distances = np.full((len(boxes), len(others)), np.nan)
    for i, (left, top, right, bottom) in enumerate(boxes):
        for j, (other_left, other_top, other_right, other_bottom) in enumerate(others):
            width = max(0.0, min(right, other_right) - max(left, other_left))
            height = max(0.0, min(bottom, other_bottom) - max(top, other_top))
            areas = (right - left) * (bottom - top) + (other_right - other_left) * (other_bottom - other_top)
            overlap = width * height / (areas - width * height)
            if overlap >= 0.5:
                distances[i, j] = 1 - overlap
    return distances
