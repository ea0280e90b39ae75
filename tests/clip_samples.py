"""Owns the little clips that tests of video read: a test card in motion, written by PyAV, with the traits asked for.

Load it with ``runpy.run_path``, as `picture_samples.py`. Everything is small and takes a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
NTSC = Fraction(30000, 1001)
CORNERS = {"top left": (220, 30, 30), "top right": (30, 200, 30), "bottom left": (30, 30, 220)}
"""Colours of three corners of the card; the fourth is grey, so that every turn and every mirror image differs."""
SOUND_RATE = 48000
PIXELS = {"libx264rgb": "rgb24", "ffv1": "bgr0", "mjpeg": "yuvj420p", "gif": "rgb8", "apng": "rgb24"}
"""Pixel formats of the codecs that do not take yuv420p."""
FINE: dict[str, dict[str, str]] = {
    "libx264": {"crf": "8", "preset": "ultrafast"},
    "libx264rgb": {"qp": "0", "preset": "ultrafast"},
    "mpeg4": {"qmin": "2", "qmax": "3"},
    "mjpeg": {"qmin": "2", "qmax": "2"},
    "libvpx-vp9": {"crf": "10", "cpu-used": "8", "deadline": "realtime"},
}
"""Options of the encoders for pictures that stay as they are, quickly."""


def card(index: int = 0, size_wh: tuple[int, int] = (64, 48)) -> Array:
    """(H, W, 3) uint8 RGB: three coloured corners on grey, and a white square that moves right with `index`.

    The corners take a quarter of each side. The square is an eighth of the height, in the middle row, and moves by 2 px
    a frame, beginning again at the left border.
    """
    width, height = size_wh
    image = np.full((height, width, 3), 96, np.uint8)
    h, w = max(height // 4, 1), max(width // 4, 1)
    image[:h, :w], image[:h, -w:], image[-h:, :w] = CORNERS.values()
    side = max(height // 8, 1)
    left = 2 * index % max(width - side, 1)
    top = (height - side) // 2
    image[top : top + side, left : left + side] = 255
    return image


def tone(seconds: float, *, hertz: float = 440.0, click_s: float | None = None) -> Array:
    """(n,) float32 mono sound at 48 kHz: a quiet sine, and at `click_s` a loud click of 2 ms."""
    time_s = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    sound = 0.1 * np.sin(2 * np.pi * hertz * time_s)
    if click_s is not None:
        sound[(time_s >= click_s) & (time_s < click_s + 0.002)] = 0.9
    return sound.astype(np.float32)


def write_clip(
    path: Path,
    images: int | Iterable[Array] = 12,
    *,
    size_wh: tuple[int, int] = (64, 48),
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pix_fmt: str | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 90000),
    turn: int = 0,
    mirror: bool = False,
    sound: Array | None = None,
    key_every: int = 12,
    fragments: bool = False,
    container: str | None = None,
    options: dict[str, str] | None = None,
    colours: tuple[int, int] | None = None,
) -> Path:
    """Write a clip and return its path.

    Args:
        path: Where; the ending chooses the container (mp4, mov, mkv, webm, avi, ts, gif...).
        images: How many frames of the `card`, or the frames themselves, (H, W, 3) uint8 RGB as stored (before `turn`).
        size_wh: Size of the card. Sizes that are odd need a codec or `pix_fmt` that can hold them: mpeg4, mjpeg,
            libx264 with yuv444p.
        rate: Frames per second, such as NTSC.
        codec: libx264 (near lossless unless `options` say otherwise), libx264rgb (lossless), mpeg4, mjpeg, libvpx-vp9,
            ffv1 (lossless), gif, apng...
        pix_fmt: Pixel format; by default what suits the codec.
        pts: A time stamp per frame in units of `time_base`, for a variable rate.
        time_base: Unit of `pts`.
        turn: Degrees, clockwise, by which a player has to turn the stored picture: 0, 90, 180, 270. Only mp4, mov, mkv.
        mirror: A player has to mirror the stored picture left to right before it turns it.
        sound: Mono at 48 kHz, see `tone`; becomes an AAC track.
        key_every: Distance of key frames.
        fragments: Write a fragmented mp4, which can be read as a stream and when it was cut.
        container: Name of the container where the ending does not tell.
        options: More options of the encoder.
        colours: Matrix and range to tag, as in FFmpeg: (1, 1) BT.709 limited, (5, 2) BT.601 full...; the pixels are
            converted accordingly.
    """
    frames = [card(index, size_wh) for index in range(images)] if isinstance(images, int) else list(images)
    height, width = frames[0].shape[:2]
    pix_fmt = pix_fmt or PIXELS.get(codec, "yuv420p")
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof"} if fragments else {}
    with av.open(str(path), "w", format=container, options=flags) as out:
        video = out.add_stream(codec, rate=rate, options={**FINE.get(codec, {}), **(options or {})})
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        context = video.codec_context
        if codec not in {"gif", "apng", "mjpeg"}:
            context.gop_size = key_every
        if pts is not None:
            context.time_base = time_base
        if colours is not None:
            context.colorspace, context.color_range = colours
        if turn or mirror:
            video.set_display_matrix(_matrix(turn, mirror, width, height))
        track = out.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound is not None else None  # before muxing
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = _converted(frame, pix_fmt, colours)
            frame.pts = number if pts is None else pts[number]
            frame.time_base = time_base if pts is not None else 1 / Fraction(rate)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if track is not None and sound is not None:
            heard = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
            out.mux(track.encode(heard))
            out.mux(track.encode(None))
    return path


def _converted(frame: Any, pix_fmt: str, colours: tuple[int, int] | None) -> Any:
    if colours is None:
        return frame.reformat(format=pix_fmt)
    matrix, span = colours
    scaler = {1: 1, 5: 5, 6: 5}[matrix]  # AVCOL_SPC -> SWS_CS: BT.709, BT.601 (two names)
    return frame.reformat(format=pix_fmt, dst_colorspace=scaler, dst_color_range=span)


def _matrix(turn: int, mirror: bool, width: int, height: int) -> list[int]:
    """Display matrix as FFmpeg and the tkhd box hold it: rows a b u, c d v, x y w; 16.16 fixed point, w 2.30.

    (x', y') = (a x + c y + x0, b x + d y + y0), y down; the offsets bring the turned picture back to the origin.
    """
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[turn]
    if mirror:
        a, b = -a, -b
    x0, y0 = -min(0, a * width) - min(0, c * height), -min(0, b * width) - min(0, d * height)
    one = 1 << 16
    return [a * one, b * one, 0, c * one, d * one, 0, x0 * one, y0 * one, 1 << 30]


def upright(image: Array, turn: int, *, mirror: bool = False) -> Array:
    """What a player shows of a stored picture that it has to mirror and then turn clockwise by `turn` degrees."""
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirror else image, -turn // 90))


def write_phone_clip(path: Path, frames: int = 24, *, click_s: float = 0.5) -> tuple[Path, list[float]]:
    """A clip as phones make them, and the time of each frame in seconds: turned by 90, variable rate, AAC sound.

    It is stored 64 x 48 and shown 48 x 64; frames come every 1/30 s, in the middle every 1/15 s, with some unrest.
    """
    steps = [6000 if frames // 3 <= number < frames // 2 else 3000 for number in range(frames)]
    pts = [0]
    for number, step in enumerate(steps[:-1]):
        pts.append(pts[-1] + step + (37 * number) % 91 - 45)
    time_s = [stamp / 90000 for stamp in pts]
    stored = [np.ascontiguousarray(np.rot90(card(number, (48, 64)))) for number in range(frames)]
    sound = tone(time_s[-1] + 1 / 30, click_s=click_s)
    return write_clip(path, stored, rate=30, pts=pts, turn=90, sound=sound), time_s


def damage(path: Path, first: float = 0.4, last: float = 0.6, *, seed: int = 0) -> Path:
    """Overwrite the bytes between two fractions of the file with noise."""
    data = bytearray(path.read_bytes())
    start, stop = int(len(data) * first), int(len(data) * last)
    data[start:stop] = np.random.default_rng(seed).bytes(stop - start)
    path.write_bytes(data)
    return path


def cut(path: Path, keep: float = 0.6) -> Path:
    """Drop the end of the file. A plain mp4 cannot be read then (its index is at the end); mkv, avi, ts can."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def read_plainly(path: Path) -> tuple[list[Array], list[float | None]]:
    """What PyAV itself makes of a clip: frames as stored, RGB, and their times in seconds. The judge of the reader."""
    with av.open(str(path)) as clip:
        frames = list(clip.decode(video=0))
        return [frame.to_ndarray(format="rgb24") for frame in frames], [frame.time for frame in frames]
