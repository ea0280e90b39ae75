"""The tables fit together: a name per sigma, edges between names that exist, mirrors that pair up."""

from __future__ import annotations

import pytest

from holopose.skeletons import tables


@pytest.mark.parametrize(
    ("sigmas", "count"),
    [
        (tables.BODY_SIGMAS, len(tables.COCO_BODY)),
        (tables.FEET_SIGMAS, len(tables.WB_FEET)),
        (tables.FACE_SIGMAS, len(tables.FACE)),
        (tables.HAND_SIGMAS, len(tables.HAND)),
        (tables.AIC_SIGMAS, len(tables.AIC)),
        (tables.CROWDPOSE_SIGMAS, len(tables.CROWDPOSE)),
    ],
)
def test_a_sigma_for_every_name(sigmas: str, count: int) -> None:
    values = [float(word) for word in sigmas.split()]
    assert len(values) == count
    assert all(0 < value < 0.2 for value in values)


@pytest.mark.parametrize(
    ("edges", "names"),
    [
        (tables.BODY_EDGES, tables.COCO_BODY),
        (tables.FEET_EDGES, [*tables.COCO_BODY, *tables.WB_FEET]),
        (tables.OPENPOSE_EDGES, tables.OPENPOSE18),
        (tables.BLAZE_EDGES, tables.BLAZE_BODY),
        (tables.MPII_EDGES, tables.MPII),
        (tables.CROWDPOSE_EDGES, tables.CROWDPOSE),
    ],
)
def test_edges_join_names_that_are_there(edges: str, names: list[str]) -> None:
    ends = {end for edge in edges.split() for end in edge.split("-")}
    assert ends <= set(names)


@pytest.mark.parametrize(("pairs", "count"), [(tables.FACE_MIRROR, 68), (tables.FACE106_MIRROR, 106)])
def test_a_mirror_pairs_each_point_once(pairs: tuple[tuple[int, int], ...], count: int) -> None:
    members = [index for pair in pairs for index in pair]
    assert len(set(members)) == len(members)
    assert set(members) <= set(range(count))


def test_the_68_points_of_the_mesh_are_all_different() -> None:
    assert len(set(tables.MESH_TO_FACE68)) == len(tables.MESH_TO_FACE68) == 68
    assert max(tables.MESH_TO_FACE68) < 468
