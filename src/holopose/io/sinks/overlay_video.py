"""Owns OverlayVideoSink: the clip with everybody's skeleton drawn on it, as a video file."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from holopose.errors import OutputError
from holopose.io.sinks.overlay import Paints
from holopose.io.sinks.staged import StagedFile
from holopose.types import Frame, FrameInfo, Poses

if TYPE_CHECKING:
    from holopose.io.sinks.encoder import VideoEncoder

__all__ = ["OverlayVideoSink"]


class OverlayVideoSink:
    """Writes a drawn clip: H.264 in mp4, mov or mkv; VP9 or AV1 in webm, mkv or mp4.

    Every frame is written, at its own time (`Frame.time_s`; the first is shown at once), so that a variable rate stays
    variable. Sides that are odd grow by one pixel, because the usual colour format of video needs even ones; nothing
    is scaled. An mp4 plays in browsers and while it loads.

    Sound is taken from the original clip, copied where the file can hold it and otherwise encoded anew, only the
    stretch that the frames cover.

    With a painter that draws on black this is a video of the skeletons alone.

    Args:
        path: The file to write.
        painter: What draws.
        audio_from: The clip whose sound is laid under the pictures; one without sound is fine.
        encoder: ``h264``, ``vp9`` or ``av1``; None is the usual one for the ending.
        quality: 1 to 100; about 75 is hard to tell from the original.
        rate: Frames per second as the source states it. For frames without a time it is their time; otherwise it only
            guides the encoder.
        threads: Of the encoder.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that are never replaced, the clip itself above all.

    Raises:
        OutputError: the file cannot be written there, or its ending and `encoder` do not fit; also from `write` and
            `close`.
    """

    def __init__(
        self,
        path: Path | str,
        painter: Paints,
        *,
        audio_from: Path | str | None = None,
        encoder: str | None = None,
        quality: int = 75,
        rate: float | Fraction | None = None,
        threads: int = 2,
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        from holopose.io.sinks.encoder import CONTAINERS, VideoFormat

        ending = Path(path).suffix.lower()
        if ending not in CONTAINERS:
            raise OutputError(f"{path}: expected a file name ending in {', '.join(CONTAINERS)}, got {ending or 'none'}")
        container, encoders = CONTAINERS[ending]
        if encoder is not None and encoder not in encoders:
            raise OutputError(f"{path}: expected an encoder for {ending} ({', '.join(encoders)}), got {encoder!r}")
        if not 1 <= quality <= 100:
            raise OutputError(f"{path}: expected a quality from 1 to 100, got {quality}")
        # Rates such as 29.97002997 are fractions with small denominators.
        exact = Fraction(30) if rate is None or not rate > 0 else Fraction(rate).limit_denominator(1001)
        self._format = VideoFormat(container, encoder or encoders[0], quality, exact or Fraction(30), threads)
        self._painter = painter
        self._audio_from = audio_from
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._encoder: VideoEncoder | None = None
        self._size_wh: tuple[int, int] | None = None
        self._first_s = 0.0
        self._count = 0
        self._closed = False

    @property
    def sound(self) -> str:
        """What became of the sound: ``copied``, ``encoded`` or ``none``; known once a frame was written."""
        return "none" if self._encoder is None else self._encoder.sound

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Draw and encode one frame.

        Raises:
            OutputError: it cannot be written, has another size than those before, or is transparent.
            InputError: the clip whose sound is wanted cannot be opened.
        """
        if not isinstance(frame, Frame):
            raise OutputError(f"{self._file.path}: expected a frame with its pixels to draw on; `holopose render` does")
        image = self._painter.paint(frame, poses)
        height, width, channels = image.shape
        if channels != 3:
            raise OutputError(f"{self._file.path}: a video has no transparency; choose background black or white")
        time_s = float(self._count / self._format.rate) if frame.time_s is None else frame.time_s
        if self._encoder is None:
            self._size_wh, self._first_s = (width, height), time_s
            self._encoder = self._open(width, height)
        if (width, height) != self._size_wh:
            was = "x".join(map(str, self._size_wh or ()))
            raise OutputError(
                f"{self._file.path}: a video has pictures of one size ({was}), but frame {frame.index} is "
                f"{width}x{height}"
            )
        try:
            self._encoder.write(image, time_s - self._first_s)
        except OutputError as error:
            raise self._named(error) from error
        self._count += 1

    def close(self, *, ok: bool) -> None:
        """Finish the video (`ok`) or leave no file behind; without a frame there is no file.

        Raises:
            OutputError: it cannot be finished.
        """
        if self._closed:
            return
        self._closed = True
        finished = False
        try:
            if ok and self._encoder is not None:
                self._encoder.close()
                finished = True
        except OutputError as error:
            raise self._named(error) from error
        finally:
            if not finished:
                if self._encoder is not None:
                    self._encoder.abort()
                self._file.discard()
        if finished:
            self._file.commit()

    def _open(self, width: int, height: int) -> VideoEncoder:
        from holopose.io.sinks.audio import Sound
        from holopose.io.sinks.encoder import VideoEncoder

        sound = None if self._audio_from is None else Sound(self._audio_from, start_s=self._first_s)
        try:
            return VideoEncoder(self._file.claim(), self._format, (width, height), sound)
        except OutputError as error:
            if sound is not None:
                sound.close()
            self._file.discard()
            raise self._named(error) from error

    def _named(self, error: OutputError) -> OutputError:
        text = str(error)
        return error if text.startswith(f"{self._file.path}:") else OutputError(f"{self._file.path}: {text}")
