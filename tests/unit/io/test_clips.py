from __future__ import annotations

import gc
import io
import runpy
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.io.clips import Clip, Clock, turn_of

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))
Image = npt.NDArray[np.uint8]
MATRICES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114)}  # weights of red and blue in luma


def clip(source: Any, *, threads: int = 1, max_megapixels: float = 100.0) -> Clip:
    return Clip(source, name="clip", threads=threads, max_megapixels=max_megapixels)


def read(source: Any, **options: Any) -> tuple[list[Image], list[float], dict[str, Any]]:
    """Upright frames, times and the report of a whole clip."""
    reading = clip(source, **options)
    try:
        pairs = [(reading.convert(picture), time_s) for picture, time_s in reading.pictures()]
    finally:
        reading.close()
    return [image for image, _ in pairs], [time_s for _, time_s in pairs], reading.report()


def exact_rgb(picture: Any) -> npt.NDArray[np.float64]:
    """RGB by the formulas of BT.601 and BT.709 from an 8-bit 4:2:0 frame, colour from the nearest sample."""
    y, u, v = (
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width].astype(float)
        for plane in picture.planes
    )
    red, blue = MATRICES[5 if picture.colorspace == 2 else picture.colorspace]
    full = picture.color_range == 2
    luma = y if full else (y - 16) * 255 / 219
    u, v = (
        ((plane - 128) * (1 if full else 255 / 224)).repeat(2, 0).repeat(2, 1)[: len(y), : y.shape[1]]
        for plane in (u, v)
    )
    r, b = luma + 2 * (1 - red) * v, luma + 2 * (1 - blue) * u
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.stack([r, g, b], -1), 0, 255)


# Time ----------------------------------------------------------------------------------------------------------------


def test_the_clock_keeps_what_the_container_says() -> None:
    clock = Clock(Fraction(1, 90000), 133200, Fraction(3600))
    assert [clock.read(133200 + tick, 0) for tick in (0, 3000, 9000, 9300, 90001)] == [
        *(0.0, 3000 / 90000, 0.1, 9300 / 90000, 90001 / 90000)
    ]


def test_missing_time_stamps_follow_the_frame_before() -> None:
    clock = Clock(Fraction(1, 1000), 0, Fraction(1001, 30))  # 29.97 frames per second have no whole number of ms
    assert [clock.read(pts, 0) for pts in (None, None, None)] == [0.0, 1001 / 30000, 2002 / 30000]
    clock = Clock(Fraction(1, 1000), 0, Fraction(40))
    assert [clock.read(0, 100), clock.read(None, 20), clock.read(None, 0), clock.read(200, 0)] == [0.0, 0.1, 0.12, 0.2]


def test_an_unknown_start_is_the_first_frames() -> None:
    clock = Clock(Fraction(1, 1000), None, Fraction(40))
    assert [clock.read(pts, 0) for pts in (5000, 5040)] == [0.0, 0.04]
    clock = Clock(Fraction(1, 1000), None, Fraction(40))
    assert [clock.read(pts, 0) for pts in (None, 5000, 5040)] == [0.0, 0.04, 0.08]
    clock = Clock(Fraction(1, 1000), 100, Fraction(40))
    assert [clock.read(pts, 0) for pts in (60, 100)] == [0.0, 0.04]  # begins before its own start


def test_time_never_goes_back() -> None:
    clock = Clock(Fraction(1, 1000), 0, Fraction(40))
    assert [clock.read(pts, 0) for pts in (0, 40, 30, 40, 80)] == [0.0, 0.04, 0.04, 0.04, 0.08]


def test_a_clock_that_begins_anew_goes_on() -> None:
    clock = Clock(Fraction(1, 1000), 0, Fraction(40))
    assert [clock.read(pts, 0) for pts in (0, 400, 0, 33, 66)] == [0.0, 0.4, 0.44, 0.473, 0.506]


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(-(2**40), 2**40)), st.integers(0, 10**6)), max_size=30),
    st.one_of(st.none(), st.integers(-(2**33), 2**33)),
)
def test_times_are_finite_and_never_decrease(stamps: list[tuple[int | None, int]], start: int | None) -> None:
    clock = Clock(Fraction(1, 90000), start, Fraction(3003))
    times = np.array([clock.read(pts, duration) for pts, duration in stamps])
    assert np.isfinite(times).all()
    assert (times >= 0).all()
    assert (np.diff(times) >= 0).all()


# Upright -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_the_display_matrix(tmp_path: Path, turn: int, mirror: bool) -> None:
    """Against the definition, by its effect on pixels, and against what PyAV says of the angle."""
    path = S["write_clip"](tmp_path / "a.mp4", 3, codec="libx264rgb", turn=turn, mirror=mirror)
    images, _, _ = read(path)
    plain, _ = S["read_plainly"](path)
    for image, stored in zip(images, plain, strict=True):
        assert np.array_equal(image, S["upright"](stored, turn, mirror=mirror))
        assert image.flags.c_contiguous
    reading = clip(path)
    turned = (48, 64) if turn in {90, 270} else (64, 48)
    assert (reading.facts["width"], reading.facts["height"]) == images[0].shape[1::-1] == turned
    assert (reading.facts["rotation"], reading.facts["mirrored"]) == (turn, mirror)
    with av.open(str(path)) as plainly:
        angle = next(plainly.decode(video=0)).rotation  # degrees, counterclockwise
    if not mirror:
        assert (turn + angle) % 360 == 0
    reading.close()


@pytest.mark.parametrize(("angle", "turn"), [(0, 0), (44, 0), (46, 90), (134, 90), (179, 180), (-46, 270), (359, 0)])
def test_odd_angles_go_to_the_nearest_quarter(angle: float, turn: int) -> None:
    c, s = np.cos(np.radians(angle)) * 65536, np.sin(np.radians(angle)) * 65536
    matrix = np.array([c, s, 0, -s, c, 0, 0, 0, 1 << 30])
    assert turn_of(matrix.astype(np.int32).tobytes()) == (turn, False)
    assert turn_of(np.zeros(9, np.int32).tobytes()) == (0, False)


# Colour --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("span", [1, 2])
@pytest.mark.parametrize("matrix", [1, 5])
def test_colours_as_the_clip_declares_them(tmp_path: Path, matrix: int, span: int) -> None:
    path = S["write_clip"](tmp_path / "a.mp4", 3, colours=(matrix, span), options={"qp": "0"})
    images, _, _ = read(path)
    with av.open(str(path)) as plainly:
        for image, picture in zip(images, plainly.decode(video=0), strict=True):
            assert (picture.colorspace, picture.color_range) == (matrix, span)
            assert np.abs(image - exact_rgb(picture)).max() < 3.5
    corners = [images[0][3, 3], images[0][3, -4], images[0][-4, 3]]
    assert np.abs(np.array(corners, int) - np.array(list(S["CORNERS"].values()))).max() <= 4
    assert np.ptp(images[0][-1, -1]) <= 2  # grey stays grey


def test_real_pictures(shared: Path) -> None:
    """A 720p clip in BT.709: every pixel within 3 levels of the exact formula, and the same as FFmpeg's own way."""
    reading = clip(shared / "data" / "video" / "video.avi")
    for number, (picture, _) in enumerate(reading.pictures(0.5)):
        if number % 10 == 0:
            image = reading.convert(picture)
            assert np.abs(image - exact_rgb(picture)).max() < 3.5
            assert np.array_equal(image, picture.to_ndarray(format="rgb24"))
    reading.close()


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "tolerance"),
    [
        *(("ffv1", "yuv420p10le", 3), ("ffv1", "yuv422p", 3), ("ffv1", "yuv444p16le", 3), ("ffv1", "gray", 70)),
        *(("ffv1", "gbrp10le", 1), ("ffv1", "bgra", 0), ("mjpeg", "yuvj420p", 8), ("ffv1", "yuv410p", 3)),
    ],
)
def test_other_kinds_of_pixels(tmp_path: Path, codec: str, pix_fmt: str, tolerance: int) -> None:
    images, _, _ = read(S["write_clip"](tmp_path / "a.mkv", 2, codec=codec, pix_fmt=pix_fmt))
    assert images[1].dtype == np.uint8
    corners = np.array([images[1][3, 3], images[1][3, -4], images[1][-4, 3]], int)
    wanted = np.array(list(S["CORNERS"].values()), float)
    if pix_fmt == "gray":
        wanted = (wanted @ [0.299, 0.587, 0.114])[:, None].repeat(3, 1)
        tolerance = 2
    assert np.abs(corners - wanted).max() <= tolerance


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    rgba = np.full((8, 10, 4), 100, np.uint8)
    rgba[..., 3] = 255
    rgba[:4, :, 3] = 0
    rgba[4:, :5, 3] = 128
    path = tmp_path / "a.apng"
    with av.open(str(path), "w", format="apng") as out:
        stream = out.add_stream("apng", rate=10)
        stream.width, stream.height, stream.pix_fmt = 10, 8, "rgba"
        for picture in (rgba, 255 - rgba):  # of one picture it would be a plain PNG
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
        out.mux(stream.encode(None))
    [image, _], _, _ = read(path)
    assert (image[:4] == 255).all()
    assert (np.abs(image[4:, :5].astype(int) - (255 - 155 * 128 / 255)) <= 1).all()
    assert (image[4:, 5:] == 100).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", {"codec": "mjpeg"}),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.mp4", {"pix_fmt": "yuv444p"}),
        ("a.webm", {"codec": "libvpx-vp9"}),
    ],
)
def test_odd_sizes(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    images, _, _ = read(S["write_clip"](tmp_path / name, 3, size_wh=(35, 27), **options))
    assert [image.shape for image in images] == [(27, 35, 3)] * 3
    assert np.abs(images[0].astype(int) - S["card"](0, (35, 27)))[::6, ::9].max() < 40


# Damage --------------------------------------------------------------------------------------------------------------


def stamps(path: Path) -> list[float]:
    return read(path)[1]


def test_a_whole_clip_is_whole(tmp_path: Path) -> None:
    _, times, report = read(S["write_clip"](tmp_path / "a.mp4"))
    assert times == [number / 25 for number in range(12)]
    assert report == {"decoded": 12, "damaged": 0, "flawed": 0, "cut_short": False, "reason": ""}


def test_a_clip_leaves_nothing_for_the_garbage_collector(tmp_path: Path) -> None:
    """Frames that name each other would stay in memory, megabytes per clip, until it happens to run."""
    path = S["write_clip"](tmp_path / "a.mp4")
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        read(path)
        gc.collect()
        kept = [type(one).__name__ for one in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert [name for name in kept if name in ("VideoFrame", "ndarray", "Clip")] == []


def test_damaged_packets_are_skipped_and_counted(tmp_path: Path) -> None:
    """Every frame is a key frame, so that each packet is decodable or not by itself."""
    path = S["write_clip"](tmp_path / "a.mkv", 40, codec="ffv1", options={"slicecrc": "0"}, key_every=1)
    with av.open(str(path)) as plainly:
        packets = [packet for packet in plainly.demux(video=0) if packet.size]
        places = [(packet.pos, packet.size) for packet in packets]
    data = bytearray(path.read_bytes())
    payload = bytes(packets[20])
    start = bytes(data).index(payload)
    data[start : start + len(payload)] = b"\xff" * len(payload)
    path.write_bytes(data)
    _, times, report = read(path)
    assert len(places) == 40
    assert report["decoded"] + report["damaged"] == 40
    assert report["damaged"] == 1
    assert times == pytest.approx([number / 25 for number in range(40) if number != 20])  # time goes on
    assert not report["cut_short"]
    assert report["reason"] == "1 packet could not be decoded"


def test_frames_that_were_patched_up_are_told(tmp_path: Path) -> None:
    _, times, report = read(S["damage"](S["write_clip"](tmp_path / "a.mp4", 60)))
    assert report["flawed"] == 1
    assert report["damaged"] > 0
    assert report["decoded"] + report["damaged"] == 60
    assert times[-1] == 59 / 25
    assert "1 frame could be decoded in part only" in report["reason"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", {}),
        ("a.mkv", {"sound": S["tone"](4.0)}),
        ("a.webm", {"codec": "libvpx-vp9"}),
        ("a.flv", {}),
        ("a.avi", {"codec": "mjpeg"}),
        ("a.mp4", {"fragments": True}),
    ],
)
def test_a_clip_cut_off_gives_what_is_there_and_says_so(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    path = S["write_clip"](tmp_path / name, 100, **options)
    whole = read(path)
    assert len(whole[0]) == 100
    assert whole[2]["reason"] == ""
    images, times, report = read(S["cut"](path))
    assert 20 < len(images) < 90
    assert times == whole[1][: len(times)]
    assert all(np.array_equal(*pair) for pair in zip(images, whole[0], strict=False))
    assert report["cut_short"]
    assert "the file ends at" in report["reason"] or "the last packet is incomplete" in report["reason"]


def test_an_mp4_with_its_index_in_front_that_was_cut_off(tmp_path: Path) -> None:
    path = S["write_clip"](tmp_path / "a.mp4", 100)
    front = tmp_path / "front.mp4"
    with av.open(str(path)) as read_from, av.open(str(front), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream_from_template(read_from.streams.video[0])
        for packet in read_from.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    reading = clip(S["cut"](front))
    assert reading.facts["count"] == 100
    decoded = sum(1 for _ in reading.pictures())
    reading.close()
    assert 20 < decoded < 90
    assert reading.report()["cut_short"]
    assert reading.report()["reason"].endswith("of 4.000 s") or "packet" in reading.report()["reason"]


def test_a_trimmed_clip_is_not_cut_off(tmp_path: Path) -> None:
    """Phones trim by an edit list: the file has more packets than are to be shown."""
    path = S["write_clip"](tmp_path / "a.mp4", 50, options={"bf": "2", "preset": "fast"})
    data = bytearray(path.read_bytes())
    place = data.index(b"elst") + 12
    length = int.from_bytes(data[place : place + 4], "big")
    data[place : place + 4] = (length // 2).to_bytes(4, "big")
    path.write_bytes(data)
    images, _, report = read(path)
    assert len(images) == 25
    assert report["reason"] == ""


def test_a_reading_that_fails_midway_ends_there(tmp_path: Path) -> None:
    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            if self.tell() > len(self.getvalue()) * 0.6:
                raise OSError(5, "Input/output error")
            return super().read1(min(size or 1, 2000))

    data = S["write_clip"](tmp_path / "a.ts", 200, size_wh=(320, 240)).read_bytes()
    failing = Failing(data)
    failing.seekable = lambda: False  # type: ignore[method-assign]
    images, _, report = read(failing)
    assert 20 < len(images) < 200
    assert report["cut_short"]
    assert "Input/output error" in report["reason"]


def test_nothing_that_can_be_decoded(tmp_path: Path) -> None:
    path = S["write_clip"](tmp_path / "a.mkv", 12, codec="ffv1", key_every=1)
    with av.open(str(path)) as plainly:
        payloads = [bytes(packet) for packet in plainly.demux(video=0) if packet.size]
    data = path.read_bytes()
    for payload in payloads:
        data = data.replace(payload, b"\xff" * len(payload))
    path.write_bytes(data)
    with pytest.raises(InputError, match="clip: expected moving pictures, found 12 packets of it, none of which"):
        clip(path)


def test_the_limit_on_pixels(tmp_path: Path) -> None:
    path = S["write_clip"](tmp_path / "a.mp4")
    assert len(read(path, max_megapixels=64 * 48 / 1e6)[0]) == 12
    with pytest.raises(InputError, match=r"clip: 64 x 48 pixels .* more than max_megapixels \(0.003\)"):
        clip(path, max_megapixels=0.003)


def test_a_size_that_grows_on_the_way(tmp_path: Path) -> None:
    """Joined MPEG-TS files may change size; each frame has its own, and each is held to the limit."""
    small, large = S["write_clip"](tmp_path / "a.ts", 5), S["write_clip"](tmp_path / "b.ts", 5, size_wh=(128, 96))
    joined = io.BytesIO(small.read_bytes() + large.read_bytes())
    images, times, _ = read(joined)
    assert [image.shape[1::-1] for image in images] == [(64, 48)] * 5 + [(128, 96)] * 5
    assert (np.diff(times) >= 0).all()
    joined.seek(0)
    with pytest.raises(InputError, match="128 x 96 pixels"):
        read(joined, max_megapixels=0.005)
