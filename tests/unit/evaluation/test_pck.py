"""PCK and PCKh on cases worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.evaluation.pairs import measure
from holopose.evaluation.pck import box_sizes, evaluate_pckh, mean_of_points, pck
from holopose.skeletons import MPII16
from label_samples import found_people, labelled_people, person_points


def test_shares_by_hand() -> None:
    """A box of 100 x 50: at 0.1 a point may be 10 px off, also exactly."""
    truth = np.array([[[0.0, 0.0], [100.0, 50.0], [50.0, 25.0]]] * 2)
    truth[1] += 300
    answer = truth.copy()
    answer[0, 0] += [10, 0]
    answer[0, 1] += [10.001, 0]
    answer[1, 2] = np.nan
    distances = measure([(labelled_people(truth), found_people(answer))])
    assert box_sizes(distances).tolist() == [100, 100]
    shares = pck(distances, box_sizes(distances), 0.1)
    assert shares.tolist() == [1.0, 0.5, 0.5]
    assert mean_of_points(shares) == pytest.approx(2 / 3)
    assert pck(distances, np.array([0.0, 100.0]), 0.1).tolist() == [1.0, 1.0, 0.0]  # without a size: left out
    assert np.isnan(mean_of_points(np.array([np.nan])))


def test_pckh_groups_and_mean() -> None:
    """Head 20 px: 10 px are right at 0.5, 2 px at 0.1."""
    xy = person_points(16, 0)
    xy[MPII16.index("left_knee")] = np.nan  # not labelled
    truth = labelled_people([xy], head_px=np.array([20.0]))
    answer = np.nan_to_num(xy).copy()
    off = {"head_top": 10, "left_shoulder": 11, "right_shoulder": 2, "left_wrist": 3, "mid_hip": 500, "thorax": 500}
    for name, px in off.items():
        answer[MPII16.index(name)] += [0, px]
    found = found_people([answer], boxes_xyxy=truth.boxes_xyxy)
    table = evaluate_pckh(measure([(truth, found)]))
    half = {row: cells["PCKh@0.5"] for row, cells in table.items()}
    tenth = {row: cells["PCKh@0.1"] for row, cells in table.items()}
    assert half["head"] == half["wrist"] == half["elbow"] == half["hip"] == half["ankle"] == 1
    assert half["shoulder"] == 0.5
    assert np.isnan(half["knee"])  # of one side there is no label
    assert half["all"] == pytest.approx(12 / 13)  # 16 joints less pelvis, thorax and the knee
    assert (tenth["head"], tenth["shoulder"], tenth["wrist"]) == (0, 0.5, 0.5)
    assert tenth["all"] == pytest.approx(10 / 13)


def test_the_mean_weighs_joints_by_their_number() -> None:
    people = [person_points(16, n, at=(300.0 * n, 0)) for n in range(4)]
    for one in people[1:]:
        one[1:] = np.nan  # three people of whom only the right ankle is labelled
        one[0] += 7
    boxes = np.array([[300.0 * n, 0, 300.0 * n + 150, 150] for n in range(4)])
    truth = labelled_people(people, head_px=np.full(4, 20.0), boxes_xyxy=boxes)
    answer = np.nan_to_num(np.array(people), nan=0.0)
    answer[1:, 0] += 100
    table = evaluate_pckh(measure([(truth, found_people(answer, boxes_xyxy=boxes))]))
    assert table["ankle"]["PCKh@0.5"] == pytest.approx((0.25 + 1) / 2)
    assert table["all"]["PCKh@0.5"] == pytest.approx(14 / 17)


def test_what_pckh_needs() -> None:
    truth = labelled_people([person_points(16, 0)])
    with pytest.raises(InputError, match="expected a head size"):
        evaluate_pckh(measure([(truth, found_people(truth.xy))]))
    small = labelled_people([person_points(14, 0)])
    with pytest.raises(InputError, match="expected MPII's 16 joints, got 14"):
        evaluate_pckh(measure([(small, found_people(small.xy))]))
    nobody = replace(truth, crowd=np.array([True]))
    assert np.isnan(evaluate_pckh(measure([(nobody, found_people(truth.xy))]))["all"]["PCKh@0.5"])
