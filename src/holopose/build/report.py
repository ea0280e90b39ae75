"""Owns the report of an evaluation: the worst pictures drawn, one HTML page and one JSON file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from holopose.build.evaluation import Evaluated
from holopose.draw.painter import Painter
from holopose.evaluation.quality import worst
from holopose.evaluation.report import Thumbnail, to_html
from holopose.evaluation.result import Result
from holopose.io.sinks.staged import StagedFile

__all__ = ["ReportFiles", "draw_worst"]

_LONGER_PX = 560
_QUALITY = 82
_GAP_PX = 6


class ReportFiles:
    """The files of a report, so that a name that is taken is told before a long run and not after it.

    Args:
        folder: Where they go: report.html and report.json.
        overwrite: Whether files of those names may be replaced.

    Raises:
        OutputError: they cannot be written there.
    """

    def __init__(self, folder: Path, *, overwrite: bool = False) -> None:
        self.page = folder / "report.html"
        self.data = folder / "report.json"
        self._files = [StagedFile(path, overwrite=overwrite) for path in (self.page, self.data)]

    def write(self, evaluated: Evaluated, other: Result | None = None, *, pictures: int = 12) -> None:
        """Draw the worst pictures and write both files.

        Args:
            evaluated: What to tell.
            other: A result of the same protocol to hold it against.
            pictures: How many pictures to draw.
        """
        page, data = self._files
        done = False
        try:
            page.write(to_html(evaluated.result, draw_worst(evaluated, pictures), other))
            data.write(evaluated.result.to_json())
            done = True
        finally:
            for file in self._files:
                if done:
                    file.commit()
                else:
                    file.discard()


def draw_worst(evaluated: Evaluated, count: int) -> list[Thumbnail]:
    """The pictures that went worst, truth on the left and the answer on the right; none without the pictures."""
    from holopose.io.images import read_image

    dataset, result = evaluated.dataset, evaluated.result
    if dataset.images is None:
        return []
    painter = Painter(draw_threshold=1e-6)  # every point above 0 is judged, however sure
    drawn = []
    for index in worst([one.quality for one in result.pictures], count):
        frame = read_image(dataset.path_of(dataset.pictures[index]))
        truth = dataset.sample(dataset.pictures[index], frame).truth
        answer = evaluated.found[index].to_poses(dataset.skeleton)
        halves = [_small(painter.paint(frame, poses)) for poses in (truth, answer)]
        gap = np.full((len(halves[0]), _GAP_PX, 3), 255, np.uint8)
        drawn.append(Thumbnail(result.pictures[index], _jpeg(np.hstack([halves[0], gap, halves[1]]))))
    return drawn


def _small(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    import cv2

    scale = _LONGER_PX / max(image.shape[:2])
    if scale >= 1:
        return image
    size_wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(image: npt.NDArray[np.uint8]) -> bytes:
    import cv2

    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data)
