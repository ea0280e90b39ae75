"""Views against matrices made independently, as mmpose and UDP do; points there and back; what becomes of pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.ops.views import IMAGENET_MEAN, IMAGENET_STD, Cutter, from_view, to_rows, views_around

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

PLAIN = {"mean": (0, 0, 0), "std": (1, 1, 1)}
BOXES = st.tuples(st.floats(-50, 200), st.floats(-50, 200), st.floats(5, 200), st.floats(5, 200)).map(
    lambda box: np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
)
SIZES = pytest.mark.parametrize("input_hw", [(256, 192), (256, 256), (96, 128)])


def noise(width: int, height: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth(width: int, height: int) -> Image:
    """At most 3 levels from pixel to pixel, and different in each channel."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    planes = [127 + 60 * np.sin(x / 29 + phase) + 60 * np.cos(y / 31 - phase) for phase in (0, 1, 2)]
    return np.stack(planes, axis=2).round().astype(np.uint8)


def box_to_centre_and_scale(box: Floats, aspect: float, padding: float = 1.25) -> tuple[Floats, Floats]:
    """Top-down codes for one box, step by step: the shorter side grows."""
    centre = np.array([box[0] + box[2], box[1] + box[3]]) / 2
    w, h = (box[2:] - box[:2]) * padding
    if w > aspect * h:
        h = w / aspect
    else:
        w = h * aspect
    return centre, np.array([w, h])


def three_point_matrix(centre: Floats, scale: Floats, size_wh: tuple[int, int]) -> Floats:
    """Picture px to input px by three points: the centre, the one above it, and the third corner of that square."""
    w, h = size_wh
    source = np.array([centre, centre - [0, scale[0] / 2], centre - [scale[0] / 2, scale[0] / 2]], np.float32)
    target = np.array([[w / 2, h / 2], [w / 2, h / 2 - w / 2], [0, h / 2 - w / 2]], np.float32)
    return cv2.getAffineTransform(source, target)


def udp_matrix(centre: Floats, scale: Floats, size_wh: tuple[int, int]) -> Floats:
    """Picture px to input px, UDP at rotation 0: the view's corners are the centres of the corner pixels."""
    w, h = size_wh
    x, y = (w - 1) / scale[0], (h - 1) / scale[1]
    return np.array([[x, 0, x * (scale[0] / 2 - centre[0])], [0, y, y * (scale[1] / 2 - centre[1])]])


def cut(cutter: Cutter, image: Image, box: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """(h, w, 3) of one box."""
    return cutter.cut([image], [cutter.views(box)])[0].transpose(1, 2, 0)


# Where views lie -----------------------------------------------------------------------------------------------------


@given(box=BOXES, aspect=st.sampled_from([0.75, 1.0, 1.5]), padding=st.sampled_from([1.0, 1.25]))
def test_views_grow_to_the_aspect(box: Floats, aspect: float, padding: float) -> None:
    [view] = views_around(box, aspect=aspect, padding=padding)
    centre, scale = box_to_centre_and_scale(box, aspect, padding)
    np.testing.assert_allclose(view, [*centre, *scale], rtol=1e-12)
    np.testing.assert_allclose(view[2] / view[3], aspect)


def test_views_of_many_boxes_and_of_none() -> None:
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.uniform(0, 300, (9, 2, 2)), axis=1).reshape(9, 4)
    together = views_around(boxes, aspect=0.75)
    np.testing.assert_array_equal(together, np.concatenate([views_around(box, aspect=0.75) for box in boxes]))
    assert views_around(np.zeros((0, 4)), aspect=0.75).shape == (0, 4)
    cutter = Cutter((256, 192))
    assert cutter.views(np.zeros((0, 4), np.float32)).shape == (0, 4)
    assert cutter.cut([noise(9, 9)], [np.zeros((0, 4))]).shape == (0, 3, 256, 192)
    assert cutter.cut([], []).shape == (0, 3, 256, 192)


def test_stretched_views_are_the_padded_box() -> None:
    cutter = Cutter((1024, 768), padding=1.0, keep_aspect=False)
    assert cutter.views([[10, 20, 110, 60]]).tolist() == [[60, 40, 100, 40]]


@pytest.mark.parametrize("keep_aspect", [True, False])
def test_a_box_without_extent_shows_a_pixel(keep_aspect: bool) -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[18:23, 18:23] = (9, 99, 199)
    cutter = Cutter((256, 192), keep_aspect=keep_aspect, **PLAIN)
    assert (cut(cutter, image, [[20, 20, 20, 20]]) == (9, 99, 199)).all()


# What is in them -----------------------------------------------------------------------------------------------------


@SIZES
@settings(max_examples=25)
@given(box=BOXES)
def test_plain_crops_equal_a_three_point_warp(input_hw: tuple[int, int], box: Floats) -> None:
    image, size_wh = smooth(240, 220), (input_hw[1], input_hw[0])
    centre, scale = box_to_centre_and_scale(box, size_wh[0] / size_wh[1])
    expected = cv2.warpAffine(image, three_point_matrix(centre, scale, size_wh), size_wh, flags=cv2.INTER_LINEAR)
    apart = np.abs(cut(Cutter(input_hw, **PLAIN), image, box) - expected)
    inside = cv2.erode((expected > 0).all(axis=2).astype(np.uint8), np.ones((5, 5))) > 0
    assert apart[inside].max(initial=0) <= 1
    assert (apart > 1).mean() < 2e-3, "on the picture's edge, where there is a step to black, rounding may show"


@SIZES
@settings(max_examples=25)
@given(box=BOXES)
def test_unbiased_crops_equal_udp_s_warp(input_hw: tuple[int, int], box: Floats) -> None:
    image, size_wh = smooth(240, 220), (input_hw[1], input_hw[0])
    centre, scale = box_to_centre_and_scale(box, size_wh[0] / size_wh[1])
    expected = cv2.warpAffine(image, udp_matrix(centre, scale, size_wh), size_wh, flags=cv2.INTER_LINEAR)
    apart = np.abs(cut(Cutter(input_hw, udp=True, **PLAIN), image, box) - expected)
    inside = cv2.erode((expected > 0).all(axis=2).astype(np.uint8), np.ones((5, 5))) > 0
    assert apart[inside].max(initial=0) <= 1
    assert (apart > 1).mean() < 2e-3


def test_a_plain_view_of_the_whole_picture_is_the_picture() -> None:
    """With 192 px of view on 192 px of input, pixel i is pixel i."""
    image = noise(192, 256)
    cutter = Cutter((256, 192), padding=1.0, **PLAIN)
    np.testing.assert_array_equal(cut(cutter, image, [[0, 0, 192, 256]]), image)


def test_corners_of_an_unbiased_view_are_corner_pixels() -> None:
    image = noise(100, 80)
    cutter = Cutter((33, 41), padding=1.0, keep_aspect=False, udp=True, **PLAIN)
    crop = cut(cutter, image, [[10, 20, 50, 52]])
    np.testing.assert_array_equal(crop, image[20:53, 10:51], "a view of 40 x 32 px between the centres of its corners")


def test_beyond_the_picture_is_black() -> None:
    image = np.full((50, 60, 3), 200, np.uint8)
    cutter = Cutter((256, 192), padding=1.0, keep_aspect=False, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    [crop] = cutter.cut([image], [cutter.views([[-30, -25, 30, 25]])])
    black = -np.array(IMAGENET_MEAN) / IMAGENET_STD
    np.testing.assert_allclose(crop[:, :120, :90].reshape(3, -1), black[:, None].repeat(120 * 90, 1), rtol=1e-5)
    bright = (200 - np.array(IMAGENET_MEAN)) / IMAGENET_STD
    np.testing.assert_allclose(crop[:, 140:, 110:], np.broadcast_to(bright[:, None, None], (3, 116, 82)), rtol=1e-5)
    [far] = cutter.cut([image], [np.array([[1e7, -1e7, 80, 80.0]])])
    np.testing.assert_allclose(far, np.broadcast_to(black[:, None, None], far.shape), rtol=1e-5)


@pytest.mark.parametrize("bgr", [False, True])
def test_colours_and_their_means(bgr: bool) -> None:
    """Mean and deviation belong to the order that the network gets, whatever the picture's is."""
    image = np.empty((20, 20, 3), np.uint8)
    image[:] = (200, 100, 50)
    cutter = Cutter((16, 12), mean=(10, 20, 30), std=(2, 4, 8), bgr=bgr)
    [crop] = cutter.cut([image], [cutter.views([[4, 4, 16, 16]])])
    order = (50, 100, 200) if bgr else (200, 100, 50)
    assert crop[:, 8, 6].tolist() == [(order[0] - 10) / 2, (order[1] - 20) / 4, (order[2] - 30) / 8]
    assert crop.dtype == np.float32


def test_every_person_of_every_picture_in_order() -> None:
    images = [smooth(200, 150), noise(90, 160, seed=1), noise(50, 50, seed=2)]
    boxes = [np.array([[10, 10, 60, 90], [100, 0, 190, 140.0]]), np.zeros((0, 4)), np.array([[5, 5, 30, 45.0]])]
    cutter = Cutter((64, 48))
    batch = cutter.cut(images, [cutter.views(some) for some in boxes])
    singles = [
        cutter.cut([image], [cutter.views(box)]) for image, some in zip(images, boxes, strict=True) for box in some
    ]
    np.testing.assert_array_equal(batch, np.concatenate(singles))


def panorama(tall: bool) -> Image:
    image = np.tile(smooth(200, 50), (1, 200, 1))
    return np.ascontiguousarray(image.transpose(1, 0, 2)) if tall else image


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("along", [(33_000, 33_030), (-20, 40), (39_980, 40_050), (700, 760)])
def test_pictures_too_long_for_opencv(along: tuple[float, float], tall: bool) -> None:
    """A person in a panorama looks as in the part of it around her."""
    image, cutter = panorama(tall), Cutter((256, 192), **PLAIN)
    first = min(max(0, along[0] - 400), 39_200)
    box, shift = np.array([along[0], 3, along[1], 47]), np.array([first, 0, first, 0])
    part = image[first : first + 800] if tall else image[:, first : first + 800]
    turn = [1, 0, 3, 2] if tall else [0, 1, 2, 3]
    crop = cut(cutter, image, box[turn])
    np.testing.assert_allclose(crop, cut(cutter, np.ascontiguousarray(part), (box - shift)[turn]), atol=1)


@pytest.mark.parametrize("tall", [False, True])
def test_all_of_a_picture_too_long_for_opencv(tall: bool) -> None:
    image = panorama(tall)
    cutter = Cutter((256, 192), padding=1.0, keep_aspect=False, **PLAIN)
    crop = cut(cutter, image, [[0, 0, image.shape[1], image.shape[0]]])
    rows, columns = (
        (np.arange(n) * side / n).round().astype(int).clip(0, side - 1)
        for n, side in zip((256, 192), image.shape[:2], strict=True)
    )
    assert np.abs(crop - image[rows][:, columns].astype(int))[:240, :180].max() <= 6, "within 2 px"


# The way back --------------------------------------------------------------------------------------------------------


@SIZES
@given(box=BOXES, point=st.tuples(st.floats(-300, 500), st.floats(-300, 500)))
def test_plain_points_return(input_hw: tuple[int, int], box: Floats, point: tuple[float, float]) -> None:
    size_wh = (input_hw[1], input_hw[0])
    centre, scale = box_to_centre_and_scale(box, size_wh[0] / size_wh[1])
    seen = three_point_matrix(centre, scale, size_wh) @ [*point, 1]
    back = from_view(seen[None, None], Cutter(input_hw).views(box), size_wh)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back[0, 0], point, atol=2e-3)


@SIZES
@given(box=BOXES, point=st.tuples(st.floats(-300, 500), st.floats(-300, 500)))
def test_unbiased_points_return_by_way_of_the_heatmap(
    input_hw: tuple[int, int], box: Floats, point: tuple[float, float]
) -> None:
    """UDP's heatmap is the input shrunk corner pixel onto corner pixel; (input) / (heatmap − 1) takes it back."""
    size_wh, map_wh = (input_hw[1], input_hw[0]), np.array([input_hw[1] // 4, input_hw[0] // 4])
    centre, scale = box_to_centre_and_scale(box, size_wh[0] / size_wh[1])
    seen = udp_matrix(centre, scale, size_wh) @ [*point, 1]
    in_map = seen * (map_wh - 1) / (np.array(size_wh) - 1)
    back = from_view((in_map / (map_wh - 1) * size_wh)[None, None], Cutter(input_hw, udp=True).views(box), size_wh)
    np.testing.assert_allclose(back[0, 0], point, atol=2e-3)


def test_missing_points_stay_missing_and_every_person_has_her_view() -> None:
    views = np.array([[50, 60, 30, 40], [150, 160, 60, 80.0]])
    xy = np.array([[[0, 0], [np.nan, np.nan]], [[96, 128], [192, 256]]])
    back = from_view(xy, views, (192, 256))
    np.testing.assert_array_equal(back[0], [[35, 40], [np.nan, np.nan]])
    np.testing.assert_array_equal(back[1], [[150, 160], [180, 200]])


def test_rows_of_each_frame() -> None:
    xy, score = np.arange(10).reshape(5, 2), np.arange(5)
    rows = to_rows([2, 0, 3], xy, score)
    assert [one.tolist() for _, one in rows] == [[0, 1], [], [2, 3, 4]]
    assert [len(one) for one, _ in rows] == [2, 0, 3]
    assert to_rows([], xy[:0]) == []
