"""OverlaySink: the drawn picture in the format its name says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks import SINKS, OverlaySink
from holopose.io.sinks.overlay import FORMATS, encode_picture
from holopose.protocols import Sink
from holopose.types import Frame, Poses


class Plain:
    """Paints a picture of one colour with a gradient, RGB or RGBA."""

    def __init__(self, channels: int = 3, size: tuple[int, int] = (40, 60)) -> None:
        self.image = np.zeros((*size, channels), np.uint8)
        self.image[..., 0] = np.linspace(50, 200, size[1]).astype(np.uint8)
        self.image[..., 2] = 30
        if channels == 4:
            self.image[..., 3] = np.linspace(0, 255, size[0]).astype(np.uint8)[:, None]

    def paint(self, frame: Frame, poses: Poses) -> np.ndarray:
        assert isinstance(frame, Frame)
        assert isinstance(poses, Poses)
        return self.image


def decoded(path) -> np.ndarray:
    """RGB or RGBA."""
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def write(path, painter, frame, poses, **options) -> np.ndarray:
    sink = OverlaySink(path, painter, **options)
    sink.write(frame, poses)
    assert not path.exists()
    sink.close(ok=True)
    return decoded(path)


def test_it_is_a_sink(tmp_path) -> None:
    assert isinstance(OverlaySink(tmp_path / "r.png", Plain()), Sink)


@pytest.mark.parametrize(("name", "within"), [("r.png", 0), ("R.PNG", 0), ("r.jpg", 6), ("r.jpeg", 6), ("r.webp", 9)])
def test_the_ending_is_the_format_and_red_stays_red(tmp_path, people, frame, name: str, within: int) -> None:
    painter = Plain()
    image = write(tmp_path / name, painter, frame(), people())
    assert image.shape == painter.image.shape
    assert np.abs(image.astype(int) - painter.image).max() <= within


@pytest.mark.parametrize("name", ["r.png", "r.webp"])
def test_transparency_is_kept_exactly(tmp_path, people, frame, name: str) -> None:
    painter = Plain(4)
    image = write(tmp_path / name, painter, frame(), people())
    assert image.shape[2] == 4
    assert (image[..., 3] == painter.image[..., 3]).all()
    seen = painter.image[..., 3] > 0
    assert (image[seen] == painter.image[seen]).all()


def test_jpg_has_no_transparency(tmp_path, people, frame) -> None:
    sink = OverlaySink(tmp_path / "r.jpg", Plain(4))
    with pytest.raises(OutputError, match="no transparency; choose png or webp") as caught:
        sink.write(frame(), people())
    assert "r.jpg" in str(caught.value)
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_thin_colours_survive_jpeg(tmp_path, people, frame) -> None:
    painter = Plain()
    painter.image[:] = 128
    painter.image[:, 30] = 255, 0, 0
    image = write(tmp_path / "r.jpg", painter, frame(), people())
    assert image[20, 30, 0] > 200
    assert image[20, 30, 1] < 60


def test_quality_makes_smaller_files(tmp_path, people, frame) -> None:
    painter = Plain(size=(300, 300))
    painter.image[:] = np.random.default_rng(0).integers(0, 255, painter.image.shape, dtype=np.uint8)
    for ending in ("jpg", "webp"):
        for quality in (40, 95):
            write(tmp_path / f"{quality}.{ending}", painter, frame(), people(), quality=quality)
        low, high = ((tmp_path / f"{quality}.{ending}").stat().st_size for quality in (40, 95))
        assert low < high


@pytest.mark.parametrize("name", ["r", "r.bmp", "r.tar.gz", ".png"])
def test_other_endings_are_refused(tmp_path, name: str) -> None:
    with pytest.raises(OutputError, match=r"ending in \.png, \.jpg"):
        OverlaySink(tmp_path / name, Plain())


@pytest.mark.parametrize(("format_name", "size"), [("webp", (10, 16384)), ("jpg", (65501, 2))])
def test_pictures_too_large_for_a_format(format_name: str, size: tuple[int, int]) -> None:
    with pytest.raises(OutputError, match=r"at most .* choose png"):
        encode_picture(np.zeros((*size, 3), np.uint8), format_name)


def test_a_picture_that_cannot_be_encoded() -> None:
    with pytest.raises(OutputError, match="cannot be encoded as png"):
        encode_picture(np.zeros((0, 5, 3), np.uint8), "png")


def test_one_picture_per_file(tmp_path, people, frame) -> None:
    sink = OverlaySink(tmp_path / "r.png", Plain())
    sink.write(frame(), people())
    with pytest.raises(OutputError, match="holds one picture"):
        sink.write(frame(index=1), people())
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_without_a_picture_there_is_no_file(tmp_path) -> None:
    OverlaySink(tmp_path / "r.png", Plain()).close(ok=True)
    assert list(tmp_path.iterdir()) == []


def test_the_input_picture_is_never_replaced(tmp_path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="never replaced"):
        OverlaySink(path, Plain(), overwrite=True, inputs=[path])
    with pytest.raises(OutputError, match="overwrite"):
        OverlaySink(path, Plain())


def test_the_real_painter_fits(tmp_path, people, frame) -> None:
    from holopose.draw.painter import Painter

    poses, ground = people(), frame()
    assert (write(tmp_path / "r.png", Painter(), ground, poses) == Painter().paint(ground, poses)).all()
    clear = Painter(background="transparent", side_by_side=True)
    assert write(tmp_path / "r.webp", clear, ground, poses).shape == (480, 1280, 4)


def test_overlays_are_in_the_table_of_sinks() -> None:
    assert SINKS["overlay"] is OverlaySink
    assert set(FORMATS.values()) == {"png", "jpg", "webp"}
