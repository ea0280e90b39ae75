from __future__ import annotations

import numpy as np
import pytest

from holopose.ops.canvas import Canvas
from holopose.ops.letterbox import fit


def pictures() -> list[np.ndarray]:  # type: ignore[type-arg]
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (h, w, 3)).astype(np.uint8) for h, w in ((40, 90), (64, 64), (100, 30), (1, 1))]


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("bgr", [False, True])
def test_each_picture_is_its_letterbox_in_the_networks_numbers(centred: bool, bgr: bool) -> None:
    mean, std = (1.0, 20.0, 100.0), (10.0, 50.0, 60.0)
    canvas = Canvas((48, 64), centred=centred, bgr=bgr, mean=mean, std=std)
    batch, letterboxes = canvas.fill(pictures())
    assert canvas.size_wh == (64, 48)
    assert (batch.shape, batch.dtype) == ((4, 3, 48, 64), np.float32)
    for tensor, letterbox, picture in zip(batch, letterboxes, pictures(), strict=True):
        square, expected = fit(picture, (64, 48), centred=centred)
        assert letterbox == expected
        colours = square[:, :, ::-1] if bgr else square
        np.testing.assert_allclose(tensor.transpose(1, 2, 0), (colours - np.array(mean)) / np.array(std), atol=1e-5)


def test_as_it_comes() -> None:
    [tensor], _ = Canvas((64, 64)).fill([pictures()[1]])
    np.testing.assert_array_equal(tensor.transpose(1, 2, 0), pictures()[1])
    assert Canvas((64, 64)).fill([])[0].shape == (0, 3, 64, 64)
