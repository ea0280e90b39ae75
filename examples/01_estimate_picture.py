"""Print where everybody is in one picture.  Usage: python 01_estimate_picture.py photo.jpg."""

from __future__ import annotations

import sys

import holopose


def main(picture: str) -> None:
    """Print where each person's wrists are and how much of each part was found."""
    poses = holopose.estimate(picture)
    print(f"{picture}: {len(poses)} people")
    for number, person in enumerate(poses, start=1):
        print(f"person {number}, score {person.boxes.score[0]:.2f}")
        for name in ("left_wrist", "right_wrist"):
            x, y, score = person[name][0]
            print(f"  {name}: ({x:.1f}, {y:.1f}) px, score {score:.2f}")
        for part in person.skeleton.parts:
            found = int((person.part(part).score > 0.3).sum())
            print(f"  {part}: {found} of {len(person.skeleton.parts[part])} keypoints with a score above 0.3")


if __name__ == "__main__":
    main(sys.argv[1])
