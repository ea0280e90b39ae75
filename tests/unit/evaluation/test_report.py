"""What a reader of the figures sees: as text, and as a page that needs nothing beside itself."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from holopose.errors import ConfigError
from holopose.evaluation.protocol import NOT_STATED, Protocol
from holopose.evaluation.report import Thumbnail, protocol_lines, to_html, to_text
from holopose.evaluation.result import PictureQuality, Result

PROTOCOL = Protocol(
    dataset="val.json",
    dataset_sha256="a" * 64,
    kind="wholebody",
    pictures=4,
    boxes="file boxes.json",
    boxes_sha256="b" * 64,
    flip="no",
    nms="oks",
    score_rule="mmpose",
    area="area",
    sigmas="wholebody133",
    detections=20,
    evaluator="faster-coco-eval 1.8.0",
    model="one",
    model_files={"one": "c" * 64},
    holopose="0.1.0",
)
RESULT = Result({"body": {"AP": 0.5, "AR": 0.6126}, "hand": {"AP": float("nan"), "AR": 0.25}}, PROTOCOL)


def test_text() -> None:
    lines = to_text(RESULT).splitlines()
    assert [line.split() for line in lines[:3]] == [["AP", "AR"], ["body", "0.500", "0.613"], ["hand", "-", "0.250"]]
    assert (
        len({line.rfind(cell) + len(cell) for line, cell in zip(lines[:3], ("AR", "0.613", "0.250"), strict=True)}) == 1
    )
    shown = "\n".join(lines)
    for part in ("boxes:        file boxes.json (sha256 bbbbbbbbbbbb)", "flip:         no", "NMS:          oks"):
        assert part in shown
    for part in ("score rule:   mmpose", "OKS sigmas:   wholebody133", "faster-coco-eval 1.8.0", "holopose:     0.1.0"):
        assert part in shown
    assert "Note" not in shown
    assert "crowd bounds" not in dict(protocol_lines(PROTOCOL))


def test_beside_another_result() -> None:
    other = replace(RESULT, table={"body": {"AP": 0.4}}, protocol=replace(PROTOCOL, model="two"))
    shown = to_text(RESULT, other)
    assert "0.500 (+0.100)" in shown
    assert "0.613 (" not in shown
    assert "the difference from two" in shown
    with pytest.raises(ConfigError, match=r"boxes: file boxes\.json / gt"):
        to_text(RESULT, replace(other, protocol=replace(PROTOCOL, boxes="gt")))
    with pytest.raises(ConfigError, match="different protocols"):
        to_html(RESULT, (), replace(other, protocol=replace(PROTOCOL, flip="yes")))


def test_what_nobody_stated_is_told() -> None:
    silent = replace(RESULT, protocol=replace(PROTOCOL, boxes=NOT_STATED, flip=NOT_STATED), notes=("more to know",))
    shown = to_text(silent)
    assert "Note: more to know" in shown
    assert "Note: nobody stated boxes, flip of these predictions" in shown
    assert "whether they may be compared is for you to know" in to_text(silent, silent)


def test_page_is_self_contained_and_safe() -> None:
    picture = PictureQuality("<b>&.jpg", 0.25, 2, 1)
    odd = replace(RESULT, protocol=replace(PROTOCOL, model="<script>alert(1)</script>"))
    page = to_html(odd, [Thumbnail(picture, b"\xff\xd8jpeg")])
    assert page.startswith("<!DOCTYPE html>")
    assert "<script>" not in page
    assert "&lt;b&gt;&amp;.jpg: quality 0.25, 2 labelled, 1 found" in page
    assert re.findall(r'(?:src|href)="([^"]{0,22})', page) == ["data:image/jpeg;base64"]
    assert "http" not in page
    for cell in ("<th>body</th><td>0.500</td><td>0.613</td>", "<th>hand</th><td>-</td><td>0.250</td>"):
        assert cell in page
    assert "Pictures that went worst" not in to_html(RESULT)
    other = replace(RESULT, table={"body": {"AP": 0.625}})
    assert "0.500 (-0.125)" in to_html(RESULT, (), other)
