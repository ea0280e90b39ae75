"""MediaPipe's filters around the landmark network: the region always, the landmarks where asked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from holopose.models.blaze.landmarks import BodyLandmarks
from holopose.models.blaze.steady import BodyFilter

Floats = npt.NDArray[np.float64]
RATE = 30.0


def body(xy: Floats, *, visibility: float = 0.9, reach_px: float = 100.0) -> BodyLandmarks:
    points = np.concatenate([np.broadcast_to(xy, (33, 2)), [xy, xy - [0, reach_px]], np.zeros((4, 2))])
    return BodyLandmarks(
        roi=np.array([*xy, 250, 250, 0.0]),
        xy=points,
        z=np.full(33, xy[0]),
        visibility=np.full(33, visibility),
        presence=np.ones(33),
        peak=np.ones(33),
        flag=1.0,
        world=np.full((33, 3), xy[0] / 100),
        quality=0.8,
    )


def one_euro(values: list[float], min_cutoff: float, beta: float, scale: float) -> list[float]:
    """MediaPipe's filter of one signal, written out."""

    def alpha(cutoff: float) -> float:
        return 1 / (1 + RATE / (2 * np.pi * cutoff))

    out, speed = [values[0]], 0.0
    for before, now in pairwise(values):
        speed += alpha(1.0) * ((now - before) * scale * RATE - speed)
        keen = alpha(min_cutoff + beta * abs(speed))
        out.append(keen * now + (1 - keen) * out[-1])
    return out


@pytest.mark.parametrize("landmarks", [True, False])
def test_each_stream_has_its_own_parameters(landmarks: bool) -> None:
    path = [200.0, 203.0, 204.0, 204.0, 190.0, 191.0]
    steady = BodyFilter(landmarks=landmarks)
    out = [steady.step(body(np.array([x, 50.0])), i / RATE) for i, x in enumerate(path, 1)]
    scale = 1 / 200  # the region is twice the reach before it is enlarged
    np.testing.assert_allclose([b.xy[33, 0] for b in out], one_euro(path, 0.01, 10, scale))
    if landmarks:
        np.testing.assert_allclose([b.xy[7, 0] for b in out], one_euro(path, 0.05, 80, scale))
        np.testing.assert_allclose([b.z[7] for b in out], one_euro(path, 0.05, 80, scale))
        metres = [x / 100 for x in path]
        np.testing.assert_allclose([b.world[7, 2] for b in out], one_euro(metres, 0.1, 40, 1.0))
    else:
        assert [b.xy[7, 0] for b in out] == path
        assert [b.z[7] for b in out] == path


def test_visibility_follows_slowly() -> None:
    steady = BodyFilter(landmarks=True)
    seen = [
        steady.step(body(np.array([5.0, 5.0]), visibility=v), t / RATE).visibility[0] for t, v in enumerate([1, 0, 0])
    ]
    np.testing.assert_allclose(seen, [1.0, 0.9, 0.81])


def test_a_region_without_size_passes() -> None:
    steady = BodyFilter(landmarks=True)
    flat = body(np.array([5.0, 5.0]), reach_px=0.0)
    assert steady.step(flat, 0.1) is flat


def test_what_came_in_stays_as_it_was() -> None:
    steady = BodyFilter(landmarks=True)
    steady.step(body(np.array([10.0, 10.0])), 0.1)
    second = body(np.array([20.0, 10.0]))
    before = second.xy.copy()
    out = steady.step(second, 0.2)
    assert (second.xy == before).all()
    assert out.xy[0, 0] < 20
