"""Draw the people without the picture.  Usage: python 02_skeletons_only.py photo.jpg skeletons.png."""

from __future__ import annotations

import sys

import cv2

import holopose


def main(picture: str, target: str) -> None:
    """Draw everybody on a transparent ground of the picture's size."""
    frame = holopose.read_image(picture)
    drawn = holopose.paint(frame, holopose.estimate(frame), background="transparent")
    cv2.imwrite(target, cv2.cvtColor(drawn, cv2.COLOR_RGBA2BGRA))


if __name__ == "__main__":
    main(*sys.argv[1:3])
