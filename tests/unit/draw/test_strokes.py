"""Strokes: where they lie, how wide they are, and that layers change nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.draw.strokes import (
    capsules,
    clip,
    ellipses,
    faintness,
    layer,
    outline,
    region_of,
    tag,
    tag_region,
    union,
)

WHITE = (255, 255, 255)
number = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
segment = st.tuples(number, number, number, number)


def blank(width: int = 80, height: int = 60, channels: int = 3) -> np.ndarray:
    return np.zeros((height, width, channels), np.uint8)


def segments(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 2, 2)


def coverage(canvas: np.ndarray) -> tuple[float, float, float]:
    """Covered area in px and its centre, from a white drawing on black."""
    mask = canvas[..., 0] / 255.0
    ys, xs = np.mgrid[: mask.shape[0], : mask.shape[1]]
    return mask.sum(), (mask * xs).sum() / mask.sum(), (mask * ys).sum() / mask.sum()


@given(st.lists(segment, max_size=8), st.floats(0, 50).map(lambda value: round(value, 3)))
def test_clipping_keeps_to_the_window_and_to_the_line(rows: list[tuple[float, ...]], margin: float) -> None:
    lines = segments(*rows)
    cut, keep = clip(lines, (100, 50), margin)
    assert len(cut) == keep.sum()
    assert (cut >= -margin).all()
    assert (cut <= np.array([99, 49]) + margin).all()
    for line, piece in zip(lines[keep], cut, strict=True):
        way = line[1] - line[0]
        off = piece - line[0]
        cross = off[:, 0] * way[1] - off[:, 1] * way[0]
        assert np.abs(cross).max() <= 1e-6 * max(1.0, np.abs(way).max() * np.abs(line).max())
    for line in lines[~keep]:  # no point of a dropped segment is inside the window
        points = line[0] + np.linspace(0, 1, 101)[:, None] * (line[1] - line[0])
        assert not ((points > -margin) & (points < np.array([99, 49]) + margin)).all(axis=1).any()


def test_clipping_survives_the_smallest_ways() -> None:
    cut, keep = clip(segments((0, 0, 0, -5e-324), (-1, 3, -1 + 1e-200, 3)), (100, 50), 0)
    assert keep.tolist() == [True, False]
    assert np.abs(cut).max() < 1e-300


def test_clipping_cuts_exactly() -> None:
    cut, keep = clip(segments((-100, 10, 300, 10), (5, -1, 5, -9), (3, 4, 3, 4)), (100, 50), 0)
    assert keep.tolist() == [True, False, True]
    np.testing.assert_allclose(cut, segments((0, 10, 99, 10), (3, 4, 3, 4)))


@pytest.mark.parametrize("width_px", [2, 2.5, 3, 4, 7, 12])
@pytest.mark.parametrize("y", [30.0, 30.25, 30.5])
def test_a_line_is_as_wide_as_said_and_where_it_is_said(width_px: float, y: float) -> None:
    canvas = blank()
    capsules(canvas, segments((10, y, 70, y)), [WHITE], width_px)
    column = canvas[:, 40, 0] / 255.0
    assert column.sum() == pytest.approx(width_px, abs=0.6)
    assert (column * np.arange(60)).sum() / column.sum() == pytest.approx(y, abs=0.2)


@pytest.mark.parametrize("diameter", [3, 5, 8.5, 20])
def test_a_dot_is_round_and_centred_between_pixels(diameter: float) -> None:
    canvas = blank()
    capsules(canvas, segments((40.3, 25.75, 40.3, 25.75)), [WHITE], diameter)
    area, x, y = coverage(canvas)
    assert 2 * np.sqrt(area / np.pi) == pytest.approx(diameter, abs=0.5)
    assert (x, y) == (pytest.approx(40.3, abs=0.1), pytest.approx(25.75, abs=0.1))


def test_thin_lines_take_their_own_colours() -> None:
    canvas = blank()
    red, green = (255, 0, 0), (0, 255, 0)
    capsules(canvas, segments((5, 10, 75, 10), (5, 20, 75, 20), (5, 30, 75, 30)), [red, green, red], 1)
    assert [int(canvas[y, 40].argmax()) for y in (10, 20, 30)] == [0, 1, 0]
    assert all(np.count_nonzero(canvas[y, 40]) == 1 and canvas[y, 40].max() > 180 for y in (10, 20, 30))
    assert canvas[13:18].max() == 0


def test_thinner_is_fainter() -> None:
    widths = np.linspace(0, 3, 50)
    values = [faintness(width) for width in widths]
    assert values == sorted(values)
    assert faintness(0) > 0.3
    assert faintness(1.4) == faintness(100) == 1


def test_an_ellipse_reaches_the_ends_and_is_widest_in_the_middle() -> None:
    canvas = blank()
    ellipses(canvas, segments((10, 30, 70, 30)), [WHITE], 9)
    widths = (canvas[..., 0] / 255.0).sum(axis=0)
    assert widths[40] == pytest.approx(9, abs=0.5)
    assert 0 < widths[12] < 6 < widths[25] < widths[40]
    assert widths[:8].max() == widths[73:].max() == 0


@pytest.mark.parametrize("draw", [capsules, ellipses])
@pytest.mark.parametrize("far", [1e4, 1e9, 3e38])
def test_coordinates_far_away_do_not_wrap_around(draw, far: float) -> None:
    canvas = blank()
    draw(canvas, segments((far, far, far, far), (-far, -far, -far, far), (far, 0, far, 10)), [WHITE] * 3, 5)
    assert canvas.max() == 0


def test_a_line_to_far_away_is_still_the_same_line() -> None:
    near, far = blank(), blank()
    capsules(near, segments((40, 30, 400, 30)), [WHITE], 5)
    capsules(far, segments((40, 30, 1e12, 30)), [WHITE], 5)
    assert (near == far).all()
    assert near[30, 79, 0] == 255


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    canvas = blank(*size)
    for draw in (capsules, ellipses):
        draw(canvas, segments((-5, -5, 20, 20), (0, 0, 0, 0)), [WHITE] * 2, 4)
    outline(canvas, np.array([-3.0, -3, 30, 30]), WHITE, 2)
    assert canvas[0, 0, 0] == 255


def test_nothing_to_draw() -> None:
    canvas = blank()
    for draw in (capsules, ellipses):
        draw(canvas, np.zeros((0, 2, 2)), [], 3)
    assert canvas.max() == 0


def test_four_channels_hold_premultiplied_colour() -> None:
    canvas = blank(channels=4)
    capsules(canvas, segments((5, 10.5, 75, 31)), [(200, 100, 40)], 4)
    alpha = canvas[..., 3].astype(int)
    assert set(np.unique(alpha)) > {0, 255}
    assert np.abs(canvas[..., 0].astype(int) - alpha * 200 / 255).max() <= 2
    assert np.abs(canvas[..., 2].astype(int) - alpha * 40 / 255).max() <= 2


@given(st.floats(0, 1), st.integers(0, 255), st.integers(0, 255))
def test_a_layer_blends_exactly(opacity: float, below: int, above: int) -> None:
    canvas = np.full((12, 12, 3), below, np.uint8)
    with layer(canvas, (2, 3, 9, 10), opacity):
        canvas[4:6, 4:6] = above
    expected = above * opacity + below * (1 - opacity)
    assert np.abs(canvas[4:6, 4:6] - expected).max() <= 0.5 + 1e-3
    canvas[4:6, 4:6] = below
    assert (canvas == below).all()


def test_a_region_that_is_empty_is_no_layer() -> None:
    canvas = blank()
    with layer(canvas, (0, 0, 0, 0), 0.5):
        pass
    assert canvas.max() == 0


@given(st.lists(st.tuples(number, number), max_size=5), st.floats(0, 20))
def test_regions_hold_all_points_inside_the_picture(points: list[tuple[float, float]], margin: float) -> None:
    left, top, right, bottom = region_of(np.array(points).reshape(-1, 2), margin, (64, 48))
    assert 0 <= left <= right <= 64
    assert 0 <= top <= bottom <= 48
    for x, y in points:
        if 0 <= x <= 63 and 0 <= y <= 47:
            assert left <= x <= right - 1
            assert top <= y <= bottom - 1


def test_union_of_regions() -> None:
    assert union([]) == union([(5, 5, 5, 9)]) == (0, 0, 0, 0)
    assert union([(3, 4, 5, 6), (9, 9, 9, 9), (1, 5, 4, 20)]) == (1, 4, 5, 20)


@given(st.tuples(number, number), st.floats(4, 60), st.integers(1, 300), st.integers(1, 200))
def test_a_label_stays_in_the_picture(at: tuple[float, float], height: float, width: int, tall: int) -> None:
    left, top, right, bottom = tag_region("#12  0.98", at, height, (width, tall))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= tall


@pytest.mark.parametrize("channels", [3, 4])
def test_a_label_is_dark_text_on_its_plate(channels: int) -> None:
    canvas = blank(200, 100, channels)
    region = tag_region("#3  0.91", (50, 60), 14, (200, 100))
    assert (region[0], region[3]) == (50, pytest.approx(60, abs=1))
    tag(canvas, "#3  0.91", region, (250, 200, 40), 14)
    plate = canvas[region[1] : region[3], region[0] : region[2]]
    assert (plate[0] == [250, 200, 40, 255][:channels]).all()
    dark = (plate[..., :3] < 60).all(axis=2).mean()
    assert 0.03 < dark < 0.5
    canvas[region[1] : region[3], region[0] : region[2]] = 0
    assert canvas.max() == 0


def test_an_outline_is_a_border_only() -> None:
    canvas = blank()
    outline(canvas, np.array([10.0, 10, 60, 40]), WHITE, 3)
    assert canvas[10, 30, 0] == canvas[25, 10, 0] == canvas[40, 30, 0] == canvas[25, 60, 0] == 255
    assert canvas[14:37, 14:57].max() == 0
