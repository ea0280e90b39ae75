"""read_alphapose: its three forms, our own and AlphaPose's, there and back; damage in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.readers.alphapose import read_alphapose
from holopose.io.sinks.alphapose import ALPHAPOSE_LAYOUTS, AlphaPoseSink
from holopose.skeletons import COCO17, OPENPOSE18
from holopose.skeletons.conversions import convert
from holopose.types import FrameInfo, Poses


def save(path, info, pairs, **options) -> None:
    sink = AlphaPoseSink(path, info, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)


def clip(people, counts, **options) -> list[tuple[FrameInfo, Poses]]:
    return [(FrameInfo(i, i / 25, "walk.mp4", (640, 480)), people(i, n, **options)) for i, n in enumerate(counts)]


@pytest.mark.parametrize("layout", ALPHAPOSE_LAYOUTS, ids=lambda layout: layout.name)
def test_the_list_there_and_back(tmp_path, people, run_info, layout) -> None:
    pairs = clip(people, [2, 0, 3], skeleton=layout)
    save(tmp_path / "r.json", run_info, pairs)
    results = read_alphapose(tmp_path / "r.json", (640, 480))
    assert results.skeleton is layout
    assert [info for info, _ in results] == [FrameInfo(i, None, f"{i}.jpg", (640, 480)) for i in (0, 2)]
    for (_, read), (_, written) in zip(results, [one for one in pairs if len(one[1])], strict=True):
        np.testing.assert_allclose(read.xy, written.xy, atol=0.0052)
        np.testing.assert_allclose(read.score, written.score, atol=5.1e-5)
        np.testing.assert_allclose(read.boxes.xyxy, written.boxes.xyxy, atol=0.011)
        np.testing.assert_allclose(read.boxes.score, written.boxes.score, atol=2e-4)
        np.testing.assert_array_equal(read.ids, written.ids)
    assert any("Frames without people" in sentence for sentence in results.lost)


@pytest.mark.parametrize("form", ["cmu", "open"])
def test_18_points_there_and_back(tmp_path, people, run_info, form: str) -> None:
    pairs = clip(people, [2, 0, 3])
    save(tmp_path / "r.json", run_info, pairs, form=form)
    results = read_alphapose(tmp_path / "r.json")
    assert results.skeleton is OPENPOSE18
    assert [info.index for info, _ in results] == [0, 1, 2]
    for (_, read), (_, written) in zip(results, pairs, strict=True):
        expected = convert(written, OPENPOSE18)
        np.testing.assert_allclose(read.xy, expected.xy, atol=0.0052)
        np.testing.assert_allclose(read.score, expected.score, atol=5.1e-5)
        assert (read.ids == -1).all()
    assert any("Boxes, scores and identities" in sentence for sentence in results.lost)


def test_names_of_pictures(tmp_path, people, run_info) -> None:
    names = ["beach.jpg", "7.jpg", "a/b.png"]
    pairs = [(FrameInfo(i, None, name, (9, 9)), people(i, 1)) for i, name in enumerate(names)]
    save(tmp_path / "r.json", run_info, pairs)
    assert [(info.index, info.name) for info, _ in read_alphapose(tmp_path / "r.json")] == [*enumerate(names)]


def entry(**changes) -> dict:
    return {"image_id": "0.jpg", "category_id": 1, "keypoints": [5, 6, 0.5] * 17, "score": 1.8} | changes


def test_what_alphapose_s_versions_differ_in(tmp_path) -> None:
    entries = [
        entry(idx=[3.0], box=[1, 2, 3, 4]),
        entry(idx=2.0, image_id=12, score=9),
        entry(image_id="2.jpg", keypoints=[5, 6, 4] * 17),
        entry(image_id="3.jpg", idx=[[1, 2]]),
    ]
    (tmp_path / "r.json").write_text(json.dumps(entries))
    results = read_alphapose(tmp_path / "r.json")
    found = {info.index: poses for info, poses in results}
    assert [found[i].ids.tolist() for i in (0, 12, 2, 3)] == [[3], [2], [-1], [-1]]
    assert found[0].boxes.xyxy.tolist() == [[1, 2, 4, 6]]
    assert found[0].boxes.score == pytest.approx(1.8 - 0.5 - 0.625)
    assert found[12].boxes.score.tolist() == [1]
    assert found[2].score.max() == 1
    assert any("cut to 0..1" in sentence for sentence in results.lost)


def test_nobody_at_all(tmp_path) -> None:
    for content in ("[]", "{}"):
        (tmp_path / "r.json").write_text(content)
        assert len(read_alphapose(tmp_path / "r.json")) == 0
    assert read_alphapose(tmp_path / "r.json").skeleton is OPENPOSE18
    assert COCO17 in ALPHAPOSE_LAYOUTS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not whole JSON"),
        ("3", "JSON of another kind"),
        ("[3]", "entry 0: .*without keypoints"),
        (json.dumps([entry(keypoints=[1, 2])]), "entry 0: expected .* keypoints per person, got 0"),
        (json.dumps([entry(), entry(keypoints=[1] * 78)]), "entry 1: expected 51 numbers"),
        (json.dumps([entry(box=[1])]), "entry 0: expected a box"),
        (json.dumps([entry(score=None)]), "entry 0: expected a number as score"),
        (json.dumps([entry(image_id=None)]), "entry 0: expected a picture's name"),
        ('{"a.jpg": 5}', "JSON of another kind"),
        ('{"a.jpg": {"people": [3]}}', "a.jpg: expected a list of people"),
        ('{"a.jpg": {"bodies": [{"joints": [1, 2, 3]}]}}', "a.jpg: expected 54 numbers"),
        ('{"a.jpg": {"bodies": [{}]}}', "a.jpg: expected 54 numbers"),
    ],
)
def test_damage_is_refused(tmp_path, content: str, said: str) -> None:
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(InputError, match=said) as caught:
        read_alphapose(tmp_path / "r.json")
    assert str(tmp_path / "r.json") in str(caught.value)
    assert "\n" not in str(caught.value)
