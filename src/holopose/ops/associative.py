"""Owns putting people together from associative embeddings: keypoints with like tags belong to one person.

After Newell, Huang, Deng: Associative Embedding: End-to-End Learning for Joint Detection and Grouping (NeurIPS 2017),
with the numbers of HigherHRNet (Cheng et al., CVPR 2020) and mmpose's ``AssociativeEmbedding``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from holopose.ops.peaks import Peaks

__all__ = ["fill_missing", "group_tags", "read_tags", "refine_quarter"]

Maps = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_TOO_FAR = 1e6  # more than any number of pairs that are near


def read_tags(tags: Maps, keypoint: Ints, xy: Floats) -> Floats:
    """Tags (M, D) of keypoints (M,) at places (M, 2) px, whole pixels, in maps (D, H, W, K)."""
    column = np.clip(xy[:, 0].astype(np.intp), 0, tags.shape[2] - 1)
    row = np.clip(xy[:, 1].astype(np.intp), 0, tags.shape[1] - 1)
    return tags[:, row, column, keypoint].T.astype(np.float64)


def group_tags(peaks: Peaks, tags: Floats, order: Sequence[int], *, near: float = 1.0) -> Ints:
    """People, as the peaks that are theirs.

    Keypoints are visited in the order given. Each one's candidates are paired with the people so far for the smallest
    sum of costs: the distance between a candidate's tag and the mean of a person's, rounded, a hundredfold, less the
    candidate's height. So tags decide, and among equal ones the higher peak is taken. A candidate that is too far from
    the person that it falls to begins a new one.

    In two things this differs from the published codes: all pairs that are too far cost the same (there, the first
    candidate of a new person can push another one away from its own person, and both are then refused), and where
    rounding leaves a choice, the nearer tag wins (there, any).

    Args:
        peaks: Candidates.
        tags: (M, D) tags of the candidates.
        order: The K keypoints, steady ones first (head and trunk).
        near: Tags of one person are less than this apart.

    Returns:
        (P, K) indices into the peaks, -1 where a keypoint is missing.
    """
    from scipy.optimize import linear_sum_assignment

    people = np.full((len(peaks), len(order)), -1, np.intp)  # no more people than candidates
    sums, counts, begun = np.zeros((len(peaks), tags.shape[1])), np.zeros(len(peaks)), 0
    for keypoint in order:
        candidates = np.flatnonzero(peaks.keypoint == keypoint)
        means = sums[:begun] / counts[:begun, None]
        apart = np.linalg.norm(tags[candidates][:, None] - means[None], axis=2)
        costs = np.where(apart < near, np.rint(apart) * 100 + apart * 1e-3, _TOO_FAR)
        rows, columns = linear_sum_assignment(costs - peaks.score[candidates][:, None])
        good = apart[rows, columns] < near
        who = np.full(len(candidates), -1)
        who[rows[good]] = columns[good]
        new = who < 0
        who[new] = begun + np.arange(new.sum())
        begun += int(new.sum())
        people[who, keypoint] = candidates
        sums[who] += tags[candidates]
        counts[who] += 1
    return people[:begun]


def refine_quarter(maps: Maps, keypoint: Ints, xy: Floats) -> Floats:
    """Places (M, 2) in maps (H, W, K), moved a quarter of a pixel towards the higher neighbour on each axis.

    At an edge the pixel itself stands for the neighbour that is not there.
    """
    column, row = xy.T.astype(np.intp)
    height, width = maps.shape[:2]
    right, left = np.minimum(column + 1, width - 1), np.maximum(column - 1, 0)
    below, above = np.minimum(row + 1, height - 1), np.maximum(row - 1, 0)
    rise_x = maps[row, right, keypoint] - maps[row, left, keypoint]
    rise_y = maps[below, column, keypoint] - maps[above, column, keypoint]
    moved: Floats = xy + 0.25 * np.sign(np.stack([rise_x, rise_y], axis=1))
    return moved


def fill_missing(maps: Maps, tags: Maps, missing: Flags, means: Floats) -> tuple[Floats, Floats]:
    """The most likely place of keypoints that a person lacks: the nearest tag, rounded, and there the highest pixel.

    Args:
        maps: (H, W, K) float32 heatmaps.
        tags: (D, H, W, K) float32.
        missing: (P, K) which to look for.
        means: (P, D) tags of the people.

    Returns:
        (M, 2) px and heights (M,), for the missing ones in the order of ``np.nonzero(missing)``.
    """
    person, keypoint = np.nonzero(missing)
    at = np.zeros(len(person), np.intp)
    score = np.zeros(len(person))
    for wanted in np.flatnonzero(missing.any(axis=0)).tolist():
        rows = np.flatnonzero(keypoint == wanted)
        heights = np.ascontiguousarray(maps[:, :, wanted]).ravel()
        plane = tags[:, :, :, wanted].reshape(len(tags), -1)
        for row in rows.tolist():  # a map at a time: all at once would not fit the processor's cache
            mean = means[person[row]].astype(np.float32)
            apart = np.abs(plane[0] - mean[0]) if len(plane) == 1 else np.linalg.norm(plane - mean[:, None], axis=0)
            at[row] = np.argmin(np.rint(apart) * 100 - heights)
        score[rows] = heights[at[rows]]
    y, x = np.divmod(at, maps.shape[1])
    return np.stack([x, y], axis=1).astype(np.float64), score
