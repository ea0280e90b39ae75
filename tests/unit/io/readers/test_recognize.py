"""Files are recognised by what they hold, whatever they are called."""

from __future__ import annotations

import json

import pytest

from holopose.errors import InputError
from holopose.io.readers.recognize import FORMS, SIZED, read_results_file, recognize
from holopose.io.sinks import SINKS
from holopose.skeletons import WHOLEBODY133
from holopose.types import FrameInfo

WRITTEN = {
    "json": ("json", {}),
    "jsonl": ("jsonl", {}),
    "csv": ("csv", {}),
    "wide-csv": ("csv", {}),
    "coco": ("coco", {}),
    "coco flat133": ("coco", {"form": "flat133"}),
    "coco dataset": ("coco", {"form": "dataset"}),
    "openpose": ("openpose", {}),
    "alphapose": ("alphapose", {}),
    "alphapose cmu": ("alphapose", {"form": "cmu"}),
    "alphapose open": ("alphapose", {"form": "open"}),
}


def write(path, name: str, info, people) -> None:
    sink = SINKS[name.split(maxsplit=1)[0]](path, info, **WRITTEN[name][1])
    for index in range(3):
        sink.write(FrameInfo(index, index / 25, "walk.mp4", (640, 480)), people(index, 2))
    sink.close(ok=True)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_form_under_a_name_that_says_nothing(tmp_path, people, run_info, name: str) -> None:
    path = tmp_path / "thing"
    write(path, name, run_info, people)
    form = WRITTEN[name][0]
    assert recognize(path) == form
    results = read_results_file(path, (640, 480))
    assert len(results) == 3
    assert {info.size_wh for info, _ in results} == {(640, 480)}
    assert [len(poses) for _, poses in results] == [2, 2, 2]
    if name not in ("alphapose cmu", "alphapose open"):
        assert results.skeleton is WHOLEBODY133


def test_forms_in_short() -> None:
    assert set(SIZED) < set(FORMS) <= set(SINKS)


def test_other_ways_of_writing_the_same(tmp_path, people, run_info) -> None:
    path = tmp_path / "thing"
    write(path, "json", run_info, people)
    document = json.loads(path.read_bytes())
    for text in (json.dumps(document, indent=4), json.dumps(dict(reversed(document.items())))):
        path.write_text(text, encoding="utf-8")
        assert recognize(path) == "json"
        assert len(read_results_file(path)) == 3


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"[]", "coco"),
        (b' [{"image_id": 3, "keypoints": [], "bbox": []}]', "coco"),
        (b'[{"image_id": "3.jpg", "keypoints": [], "idx": 1}]', "alphapose"),
        (b'\n{"version": 1.3, "people": []}', "openpose"),
        (b'{"a.jpg": {"people": []}}', "alphapose"),
        (b'{"schema": "holopose/result/9"}', "json"),
        (b"\xef\xbb\xbfframe,keypoint,x,y\n", "csv"),
        (b'"frame","box_left"\r\n', "csv"),
    ],
)
def test_small_contents(tmp_path, content: bytes, form: str) -> None:
    (tmp_path / "thing").write_bytes(content)
    assert recognize(tmp_path / "thing") == form


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PAR1....", "Parquet is written but not read back"),
        (b"PathFileType\t4\t", "TRC is written but not read back"),
        (b"", "got something else"),
        (b"\x89PNG\r\n\x1a\n", "got something else"),
        (b"a,b,c\n1,2,3\n", "got something else"),
        (b"{}", "got something else"),
        (b"[1, 2]", "got something else"),
        (b'[{"a": 1}]', "got something else"),
        (b'{"a": {"b": 1}}', "got something else"),
        (b'{"cut', "not whole JSON"),
        (b"[" * 100_000, "not whole JSON"),
    ],
)
def test_what_is_no_result(tmp_path, content: bytes, said: str) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_results_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_and_missing_files(tmp_path) -> None:
    with pytest.raises(InputError, match=r"expected a folder of \*_keypoints\.json"):
        read_results_file(tmp_path)
    for path in (tmp_path / "gone", "a\0b"):
        with pytest.raises(InputError, match="expected a result file"):
            read_results_file(path)
