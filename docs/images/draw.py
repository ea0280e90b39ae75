"""Draw docs/images/demo.png: the demo's people without its photographs, which are not ours to ship.

Usage, from the project root: `.venv/bin/python docs/images/draw.py`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

import holopose
from holopose.zoo.catalog import PICTURES
from holopose.zoo.fetch import locate

HEIGHT_PX = 720


def main() -> None:
    """Find everybody in the demo pictures and draw them side by side on black."""
    drawn = []
    for asset in PICTURES:
        frame = holopose.read_image(locate(asset))
        painted = holopose.paint(frame, holopose.estimate(frame), background="black", line_width=5)
        width = round(painted.shape[1] * HEIGHT_PX / painted.shape[0])
        drawn.append(cv2.resize(painted, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA))
    sheet = cv2.cvtColor(np.hstack(drawn), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(Path(__file__).with_name("demo.png")), sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
