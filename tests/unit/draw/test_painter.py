"""Painter: its options each do what they say, and nothing more."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.config import RunConfig
from holopose.draw.painter import BACKGROUNDS, Painter
from holopose.draw.palette import COLOR_BYS, PEOPLE, STYLES
from holopose.errors import ConfigError
from holopose.skeletons import COCO17, LAYOUTS, PARTS, WHOLEBODY133
from holopose.types import Boxes, Frame, Poses

GREY = np.full((310, 220, 3), 128, np.uint8)


def changed(image: np.ndarray, ground: np.ndarray) -> np.ndarray:
    return (image != ground).any(axis=2)


def stick(*ends: tuple[float, float], score: float = 0.9) -> Poses:
    """One person that is one horizontal or vertical upper arm, left_shoulder to left_elbow."""
    xy = np.full((1, 17, 2), np.nan)
    for name, place in zip(("left_shoulder", "left_elbow"), ends, strict=True):
        xy[0, COCO17.index(name)] = place
    return Poses(xy, np.where(np.isnan(xy[..., 0]), 0, score), Boxes([[0, 0, 1, 1]], [0.5]), COCO17)


# Pictures and grounds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_nobody_leaves_the_picture_as_it_is(picture, style: str) -> None:
    frame = picture()
    image = Painter(style=style, draw_boxes=True).paint(frame, Poses.empty(WHOLEBODY133))
    assert (image == frame.image).all()
    image[:] = 0  # a new array that may be written
    assert frame.image.max() > 0


def test_the_frame_itself_is_never_painted_on(picture, person) -> None:
    frame = picture()
    before = frame.image.copy()
    assert changed(Painter().paint(frame, person()), before).any()
    assert (frame.image == before).all()


def test_people_without_a_keypoint_above_the_threshold_leave_no_mark(picture, person) -> None:
    frame = picture()
    assert (Painter().paint(frame, person(score=0.29)) == frame.image).all()
    assert changed(Painter(draw_threshold=0.29).paint(frame, person(score=0.3)), frame.image).any()


@pytest.mark.parametrize(("background", "value"), [("black", 0), ("white", 255)])
def test_plain_grounds(picture, person, background: str, value: int) -> None:
    image = Painter(background=background).paint(picture(), person())
    ground = np.full_like(image, value)
    where = changed(image, ground)
    assert 0.01 < where.mean() < 0.4
    assert (where == changed(Painter(background=background).paint(Frame(GREY), person()), ground)).all()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_seen_on_white_as_on_black(person, style: str, part: str) -> None:
    marks = {}
    for background, value in (("black", 0), ("white", 255)):
        painter = Painter(style=style, background=background, draw_parts=(part,))
        apart = painter.paint(Frame(GREY), person()).astype(int) - value
        marks[background] = np.count_nonzero(np.abs(apart).max(axis=2) > 60)
    assert marks["white"] > 0.4 * marks["black"] > 0


def test_transparent_is_clear_where_nothing_is_drawn(person) -> None:
    frame = Frame(GREY)
    image = Painter(background="transparent", style="classic").paint(frame, person())
    assert image.shape == (310, 220, 4)
    drawn = changed(Painter(style="classic").paint(frame, person()), frame.image)
    assert (image[..., 3][~drawn] <= 6).all()
    assert (Painter(background="transparent").paint(frame, Poses.empty(WHOLEBODY133)) == 0).all()


@pytest.mark.parametrize("skeleton_opacity", [1.0, 0.6])
def test_transparent_over_the_picture_is_the_overlay(picture, person, skeleton_opacity: float) -> None:
    frame, poses = picture(), person()
    clear = Painter(background="transparent", skeleton_opacity=skeleton_opacity).paint(frame, poses).astype(float)
    alpha = clear[..., 3:] / 255
    composed = clear[..., :3] * alpha + frame.image * (1 - alpha)
    direct = Painter(skeleton_opacity=skeleton_opacity).paint(frame, poses).astype(float)
    assert np.abs(composed - direct).max() <= 12  # 8-bit alpha, several soft edges over one another
    assert np.abs(composed - direct).mean() < 0.1


@given(st.floats(0, 1), st.integers(0, 255))
def test_picture_opacity_fades_to_black_exactly(opacity: float, value: int) -> None:
    frame = Frame(np.full((4, 5, 3), value, np.uint8))
    image = Painter(picture_opacity=opacity).paint(frame, Poses.empty(COCO17))
    assert np.abs(image - value * opacity).max() <= 0.5 + 1e-3


def test_no_picture_is_the_same_as_black(picture, person) -> None:
    faded = Painter(picture_opacity=0).paint(picture(), person())
    assert (faded == Painter(background="black").paint(picture(), person())).all()


def test_skeleton_opacity_blends_once(picture, person) -> None:
    """Also where limbs cross and halos lie: half of the whole drawing, half of the picture."""
    frame, poses = picture(), person()
    full = Painter().paint(frame, poses).astype(float)
    half = Painter(skeleton_opacity=0.5).paint(frame, poses).astype(float)
    assert np.abs(half - (full + frame.image) / 2).max() <= 0.5 + 1e-6
    assert (Painter(skeleton_opacity=0).paint(frame, poses) == frame.image).all()


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_side_by_side_has_the_untouched_picture_on_the_left(picture, person, background: str) -> None:
    frame = picture()
    image = Painter(side_by_side=True, background=background, picture_opacity=0.5).paint(frame, person())
    alone = Painter(background=background, picture_opacity=0.5).paint(frame, person())
    assert image.shape == (310, 440, 4 if background == "transparent" else 3)
    assert (image[:, :220, :3] == frame.image).all()
    assert (image[:, 220:] == alone).all()
    if background == "transparent":
        assert (image[:, :220, 3] == 255).all()


# Where and in which colour -------------------------------------------------------------------------------------------


def test_a_limb_lies_where_its_ends_are() -> None:
    image = Painter(line_width=6).paint(Frame(GREY), stick((60.5, 100), (160.5, 100)))
    where = changed(image, GREY)
    ys, xs = np.nonzero(where)
    assert (xs.mean(), ys.mean()) == (pytest.approx(110.5, abs=0.3), pytest.approx(100, abs=0.3))
    column = np.nonzero(where[:, 110])[0]
    assert column.min() == pytest.approx(100 - 3 - 1.3, abs=1.2)
    assert column.max() == pytest.approx(100 + 3 + 1.3, abs=1.2)
    left = tuple(image[100, 110])
    assert left == inks(0)[COCO17.index("left_elbow")]
    assert xs.min() > 50
    assert xs.max() < 171


def inks(number: int):
    from holopose.draw.palette import inks_of

    return inks_of(COCO17, "holopose", "person", number).dots


def test_halo_darkens_around_a_limb_only_in_the_default_style() -> None:
    white = Frame(np.full((310, 220, 3), 255, np.uint8))
    default = Painter(line_width=8).paint(white, stick((60, 100), (160, 100)))
    assert default[:, 110].sum(axis=1).min() < 600
    edge = default[100 - 5 : 100 - 3, 110]
    assert (edge < 200).any(axis=1).any()
    classic = Painter(line_width=8, style="classic").paint(white, stick((60, 100), (160, 100)))
    assert (classic[:, 110] == 255).all()  # white bone on white


def test_classic_is_a_red_joint_on_a_white_bone() -> None:
    image = Painter(style="classic", line_width=8).paint(Frame(GREY), stick((60, 100), (160, 100)))
    assert tuple(image[100, 110]) == (255, 255, 255)
    red, green, blue = (int(channel) for channel in image[100, 60])
    assert red > 200
    assert max(green, blue) < 60


def test_openpose_draws_a_neck_that_the_layout_lacks(person) -> None:
    poses = person(skeleton=COCO17)
    image = Painter(style="openpose", background="black", line_width=4).paint(Frame(GREY), poses)
    assert tuple(image[60, 100]) == (255, 85, 0)  # the middle of the shoulders
    assert tuple(image[60, 130]) == (85, 255, 0)  # left shoulder
    assert tuple(image[60, 85]) == (153, 0, 0)  # neck to right shoulder, 0.6 of red
    assert tuple(image[105, 124]) == (0, 0, 0)  # it has no line from shoulder to hip
    assert tuple(image[150, 100]) == (0, 0, 0)  # nor from hip to hip


def test_ids_choose_colours_and_places_stand_in_for_them() -> None:
    two = stick((60, 100), (160, 100))
    pair = Poses(
        np.concatenate([two.xy, two.xy + np.float32([0, 60])]),
        np.concatenate([two.score] * 2),
        Boxes([[0, 0, 1, 1]] * 2, [0.5] * 2),
        COCO17,
    )
    elbow = COCO17.index("left_elbow")
    for ids, numbers in (([-1, -1], (0, 1)), ([7, 4], (7, 4)), ([2, 2], (2, 2))):
        image = Painter(line_width=6).paint(Frame(GREY), pair.replace(ids=ids))
        assert [tuple(image[y, 110]) for y in (100, 160)] == [inks(number)[elbow] for number in numbers]


def test_large_people_are_drawn_over_small_ones() -> None:
    small, large = stick((90, 100), (130, 100)), stick((110, 20), (110, 300))
    elbow = COCO17.index("left_elbow")
    for order in ((small, large), (large, small)):
        poses = Poses(
            np.concatenate([one.xy for one in order]),
            np.concatenate([one.score for one in order]),
            Boxes([[0, 0, 1, 1]] * 2, [0.5] * 2),
            COCO17,
        )
        image = Painter(line_width=6).paint(Frame(GREY), poses)
        assert tuple(image[100, 110]) == inks(order.index(large))[elbow]


# Switches ------------------------------------------------------------------------------------------------------------


def part_area(poses: Poses, part: str, margin: int = 8) -> np.ndarray:
    """Pixels around a part's keypoints and the body keypoints it hangs on."""
    skeleton = poses.skeleton
    members = set(skeleton.parts[part])
    if part != "body":
        members |= {k for edge in skeleton.edges if set(edge) & members for k in edge}
    points = poses.xy[0, sorted(members)]
    area = np.zeros((310, 220), bool)
    sides = [points[points[:, 0] < 100], points[points[:, 0] >= 100]]
    for group in sides if part == "feet" else [points]:
        (x0, y0), (x1, y1) = group.min(axis=0).astype(int) - margin, group.max(axis=0).astype(int) + margin
        area[max(y0, 0) : y1, max(x0, 0) : x1] = True
    return area


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_switch_changes_that_part_only(person, style: str, part: str) -> None:
    frame, poses = Frame(GREY), person()
    every = Painter(style=style).paint(frame, poses)
    without = Painter(style=style, draw_parts=[p for p in PARTS if p != part]).paint(frame, poses)
    alone = Painter(style=style, draw_parts=(part,)).paint(frame, poses)
    difference = changed(every, without)
    area = part_area(poses, part)
    assert difference.sum() > 20
    assert changed(alone, GREY).sum() > 20
    assert not difference[~area].any()
    assert not changed(alone, GREY)[~area].any()


def test_no_parts_draw_nothing(picture, person) -> None:
    frame = picture()
    assert (Painter(draw_parts=()).paint(frame, person()) == frame.image).all()
    assert Painter(draw_parts=["face", "body"]) == Painter(draw_parts=("body", "face"))
    assert Painter(draw_parts="face").draw_parts == ("face",)


def test_a_weak_keypoint_takes_its_edges_along(person) -> None:
    poses = person(skeleton=COCO17)
    knee = COCO17.index("left_knee")
    score = poses.score.copy()
    score[0, knee] = 0.1
    xy = poses.xy.copy()
    xy[0, knee] = np.nan
    gone = np.where(np.arange(17) == knee, 0, poses.score)
    weak = Painter().paint(Frame(GREY), poses.replace(score=score))
    missing = Painter().paint(Frame(GREY), poses.replace(xy=xy, score=gone))
    assert (weak == missing).all()
    assert not changed(weak, GREY)[190:230, 112:132].any()
    assert changed(Painter().paint(Frame(GREY), poses), GREY)[190:230, 112:132].any()
    assert (
        Painter(draw_threshold=0.05).paint(Frame(GREY), poses.replace(score=score))
        == Painter().paint(Frame(GREY), poses)
    ).all()


def test_missing_keypoints_are_not_drawn_at_threshold_zero() -> None:
    image = Painter(draw_threshold=0).paint(Frame(GREY), stick((60, 100), (160, 100)))
    assert not changed(image, GREY)[:50].any()


def test_boxes_are_drawn_beneath_with_their_score(person) -> None:
    poses = person(scale=0.5, at=((40, 100),))
    plain, boxed = Painter().paint(Frame(GREY), poses), Painter(draw_boxes=True).paint(Frame(GREY), poses)
    left, top, right, bottom = poses.boxes.xyxy[0].round().astype(int)
    middle = (top + bottom) // 2
    assert (
        np.abs(boxed[middle, [left, right]].astype(int) - PEOPLE[0]).max() <= 20
    )  # a thin line: no pixel is fully covered
    inside = (slice(top + 4, bottom - 3), slice(left + 4, right - 3))
    assert (plain[inside] == boxed[inside]).all()
    assert changed(boxed, plain)[top - 6 : top, left : left + 20].any()


@pytest.mark.parametrize("color_by", COLOR_BYS)
def test_color_by_changes_colours_not_shapes(person, color_by: str) -> None:
    black = np.zeros_like(GREY)
    image = Painter(color_by=color_by, background="black").paint(Frame(GREY), person())
    plain = Painter(background="black").paint(Frame(GREY), person())
    assert (image == plain).all() == (color_by == "person")
    assert (changed(image, black) == changed(plain, black)).mean() > 0.999


# Any layout, any place, any size -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("style", STYLES)
def test_every_layout_is_drawn(person, layout, style: str) -> None:
    if layout.name == "hand21":
        poses = person().part("left_hand").replace(skeleton=layout)
    elif layout.name == "face106":  # which no other layout can be turned into
        turn = np.linspace(0, 2 * np.pi, len(layout), endpoint=False)
        ring = np.stack([100 + 60 * np.cos(turn), 100 + 60 * np.sin(turn)], axis=1)[None]
        poses = Poses(ring, np.full((1, len(layout)), 0.9), person().boxes, layout)
    else:
        poses = person(skeleton=layout)
    assert changed(Painter(style=style).paint(Frame(GREY), poses), GREY).sum() > 50


far = st.floats(-(2.0**100), 2.0**100, width=32)


@settings(max_examples=60)
@given(
    places=st.lists(st.tuples(far, far), min_size=17, max_size=17),
    options=st.fixed_dictionaries(
        {
            "style": st.sampled_from(STYLES),
            "background": st.sampled_from(BACKGROUNDS),
            "skeleton_opacity": st.sampled_from([0.0, 0.5, 1.0]),
            "draw_boxes": st.booleans(),
        }
    ),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_no_place_and_no_size_is_too_much(places: list, options: dict, size: tuple[int, int]) -> None:
    xy = np.array(places, np.float32)[None]
    poses = Poses(xy, np.full((1, 17), 0.9), Boxes([[-1e30, -1e30, 1e30, 1e30]], [0.9]), COCO17)
    image = Painter(**options).paint(Frame(np.full((*size, 3), 90, np.uint8)), poses)
    assert image.shape == (*size, 4 if options["background"] == "transparent" else 3)
    assert image.dtype == np.uint8


def test_what_lies_outside_the_picture_leaves_no_mark(picture) -> None:
    frame = picture()
    for ends in (((-90, -90), (-50, -90)), ((1e9, 1e9), (1e9, -1e9)), ((400, 100), (9e5, 100))):
        assert (Painter().paint(frame, stick(*ends)) == frame.image).all()


def test_a_picture_of_one_pixel() -> None:
    frame = Frame(np.full((1, 1, 3), 9, np.uint8))
    for style in STYLES:
        image = Painter(style=style, side_by_side=True, line_width=3).paint(frame, stick((-5, 0), (5, 0)))
        assert image.shape == (1, 2, 3)
        assert image[0, 0, 0] == 9
        assert tuple(image[0, 1]) != (9, 9, 9)


def test_a_large_picture_takes_little_memory(person) -> None:
    frame = Frame(np.zeros((3000, 4000, 3), np.uint8))
    poses = person(scale=9.5, at=((900, 60),))
    Painter().paint(frame, poses)
    gc.collect()
    tracemalloc.start()
    try:
        Painter(skeleton_opacity=0.7, picture_opacity=0.9).paint(frame, poses)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3.2 * frame.image.nbytes


# Options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style": "clasic"}, "classic"),
        ({"color_by": "persons"}, "person"),
        ({"background": "pictures"}, "did you mean 'picture'"),
        ({"draw_parts": ["body", "lefthand"]}, "left_hand"),
        ({"draw_threshold": 1.5}, "from 0 to 1, got 1.5"),
        ({"skeleton_opacity": -0.1}, "skeleton_opacity"),
        ({"picture_opacity": float("nan")}, "picture_opacity"),
        ({"line_width": -1}, "line_width"),
        ({"line_width": float("inf")}, "line_width"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Painter(**options)
    assert "\n" not in str(caught.value)


def test_options_are_those_of_a_run() -> None:
    drawing = RunConfig().to_options("drawing")
    assert Painter(**drawing) == Painter()
    choices = {option.name: option.choices for option in RunConfig.options("drawing")}
    assert choices["style"] == STYLES
    assert choices["background"] == BACKGROUNDS
    assert set(choices["color_by"]) <= set(COLOR_BYS)
