"""A model or a file of predictions over a data set: the figures, and the protocol beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from holopose.build.evaluation import Stated, evaluate_model, evaluate_predictions
from holopose.config import RunConfig
from holopose.datasets import Dataset, open_dataset
from holopose.errors import ConfigError, InputError, ModelError
from holopose.protocols import Detector, Estimator
from holopose.skeletons import COCO17, WHOLEBODY133, Skeleton
from holopose.types import Frame, Poses
from label_samples import coco_file, picture_folder, wholebody_file, write_json


class Knowing:
    """An estimator that knows the truth: of everybody, or of those whose boxes it is told."""

    batch = 2

    def __init__(self, dataset: Dataset, detector: Detector | None = None, **changes: Any) -> None:
        self.skeleton: Skeleton = dataset.skeleton
        self.info = {"name": "knowing", "cards": [{"name": "file", "sha256": "e" * 64}], "runtime": {"name": "none"}}
        self.dataset, self.detector = dataset, detector
        self.seen: list[int] = []
        for name, value in changes.items():
            setattr(self, name, value)

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        self.seen.append(len(frames))
        told = [None] * len(frames) if self.detector is None else self.detector.detect(frames)
        return [self._one(frame, boxes) for frame, boxes in zip(frames, told, strict=True)]

    def _one(self, frame: Frame, boxes: Any) -> Poses:
        poses = self.dataset.labelled(self.dataset.pictures[frame.index]).to_poses(self.skeleton)
        if boxes is None:
            return poses
        near = np.abs(poses.boxes.xyxy[:, None] - boxes.xyxy[None]).max(axis=2) < 1
        return poses[np.flatnonzero(near.any(axis=1))]

    def reset(self) -> None:
        pass


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return open_dataset(coco_file(tmp_path / "d.json", pictures=3), picture_folder(tmp_path / "images", 3))


def make(dataset: Dataset, **changes: Any) -> Any:
    made: list[Knowing] = []

    def factory(config: RunConfig, *, detector: Detector | None = None) -> Estimator:
        made.append(Knowing(dataset, detector, **changes))
        return made[-1]

    factory.made = made  # type: ignore[attr-defined]
    return factory


def test_figures_protocol_progress(data: Dataset) -> None:
    factory, told = make(data), []
    done = evaluate_model(data, progress=lambda n, of: told.append((n, of)), make_estimator=factory)
    assert done.result.table["body"]["AP"] == pytest.approx(1)
    assert [one.quality for one in done.result.pictures] == pytest.approx([1, 1, 1])
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert factory.made[0].seen == [2, 1]
    protocol = done.result.protocol
    assert (protocol.boxes, protocol.flip, protocol.nms) == ("own search (normal)", "no", "the model's own")
    assert (protocol.model, protocol.model_files, protocol.runtime) == ("knowing", {"file": "e" * 64}, "none")
    assert (protocol.pictures, protocol.dataset_sha256, protocol.sigmas) == (3, data.sha256, "coco17")
    assert protocol.evaluator.startswith("faster-coco-eval ")
    assert protocol.score_rule == "person"


def test_true_boxes(data: Dataset) -> None:
    done = evaluate_model(data, boxes="gt", make_estimator=make(data))
    assert done.result.protocol.boxes == "gt"
    assert done.result.table["body"]["AR"] == pytest.approx(1)


def test_boxes_from_a_file(data: Dataset, tmp_path: Path) -> None:
    x0, y0, x1, y1 = data.labelled(data.pictures[0]).boxes_xyxy[0].tolist()
    entry = {"image_id": 1, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": 0.9}
    path = write_json(tmp_path / "boxes.json", [entry])
    done = evaluate_model(data, boxes=str(path), make_estimator=make(data))
    assert [len(found) for found in done.found] == [1, 0, 0]
    assert done.result.table["body"]["AR"] == pytest.approx(1 / 6)
    assert done.result.protocol.boxes == "file boxes.json"
    assert len(done.result.protocol.boxes_sha256) == 64


def test_top_down_models_say_how_they_scored(data: Dataset) -> None:
    top_down = make(data, score_rule="box-keypoints", pose_nms="oks")
    done = evaluate_model(data, boxes="gt", make_estimator=top_down)
    assert (done.result.protocol.score_rule, done.result.protocol.nms) == ("mmpose", "oks")
    assert done.found[0].score.tolist() == [1.0, 1.0]  # not multiplied a second time
    named = make(data, info={"name": "n", "detector": "yolox-nano"})
    assert evaluate_model(data, make_estimator=named).result.protocol.boxes == "detector yolox-nano"
    looked = make(data, info={"name": "n", "detector": "blaze"})  # which looks in more than one way
    done = evaluate_model(data, RunConfig(search="thorough"), make_estimator=looked)
    assert done.result.protocol.boxes == "detector blaze (thorough)"
    ranked = evaluate_model(data, score_rule="mmpose", make_estimator=make(data))
    assert ranked.result.protocol.score_rule == "mmpose"


def test_options_that_change_who_is_found_are_in_the_protocol(data: Dataset) -> None:
    config = RunConfig(max_people=1, min_score=0.5, flip=True, adjust=("decoder=dark",))
    protocol = evaluate_model(data, config, make_estimator=make(data)).result.protocol
    assert (protocol.options, protocol.flip) == ("min_score=0.5, max_people=1", "yes")
    assert protocol.model == "knowing (decoder=dark)"


def test_kept_predictions_give_the_same_without_running(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "out" / "predictions.json"
    ran = evaluate_model(data, boxes="gt", predictions=path, make_estimator=make(data, score_rule="box-keypoints"))
    again = evaluate_predictions(data, path)
    assert again.result.table == ran.result.table
    assert again.result.protocol.boxes == "not stated"  # without the report nobody knows
    path.with_name("report.json").write_text(ran.result.to_json(), encoding="utf-8")
    known = evaluate_predictions(data, path, against=ran.result)
    assert known.result.protocol == ran.result.protocol
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")  # no longer what was judged
    assert evaluate_predictions(data, path).result.protocol.boxes == "not stated"
    path.with_name("report.json").write_text("{}", encoding="utf-8")
    assert evaluate_predictions(data, path).result.table == ran.result.table


def test_what_the_user_says_of_predictions(data: Dataset, tmp_path: Path) -> None:
    points = [v for x, y in data.labelled(data.pictures[0]).xy[0].tolist() for v in (x, y, 0.5)]
    path = write_json(tmp_path / "p.json", [{"image_id": 1, "keypoints": points, "score": 0.5}])
    said = Stated(model="theirs", boxes="gt", flip=True, nms="oks 0.9")
    protocol = evaluate_predictions(data, path, said).result.protocol
    assert (protocol.model, protocol.boxes, protocol.flip, protocol.nms) == ("theirs", "gt", "yes", "oks 0.9")
    assert protocol.score_rule == "parts"
    ranked = evaluate_predictions(data, path, said, score_rule="mmpose")
    assert ranked.found[0].score.tolist() == [0.25]
    silent = evaluate_predictions(data, path).result.protocol
    assert (silent.model, silent.flip) == ("p.json", "not stated")


def test_unlike_protocols_are_refused_before_anything_runs(data: Dataset) -> None:
    first = evaluate_model(data, boxes="gt", make_estimator=make(data)).result
    factory = make(data)
    with pytest.raises(ConfigError, match=r"different protocols cannot be compared: boxes: own search \(normal\) / gt"):
        evaluate_model(data, against=first, make_estimator=factory)
    assert factory.made[0].seen == []
    with pytest.raises(ConfigError, match="pictures: 2 / 3"):
        evaluate_model(data.limited(2), boxes="gt", against=first, make_estimator=make(data))
    evaluate_model(data, boxes="gt", against=first, make_estimator=make(data))


@pytest.mark.parametrize(("kind", "row", "column"), [("hand", "hand", "found"), ("face", "face", "found")])
def test_hands_and_faces_of_whole_people(tmp_path: Path, kind: str, row: str, column: str) -> None:
    path, images = wholebody_file(tmp_path / "w.json"), picture_folder(tmp_path / "images")
    done = evaluate_model(open_dataset(path, images, kind), make_estimator=make(open_dataset(path, images)))
    assert done.result.table[row][column] == 1
    assert done.result.protocol.sigmas == "none"
    assert done.result.protocol.evaluator.startswith("holopose ")
    with pytest.raises(ConfigError, match=rf"boxes: those of w\.json are of {kind}s, and the model \(wholebody133\)"):
        evaluate_model(open_dataset(path, images, kind), boxes="gt", make_estimator=make(open_dataset(path, images)))


def test_another_layout_is_converted(data: Dataset, tmp_path: Path) -> None:
    whole = open_dataset(wholebody_file(tmp_path / "w.json", pictures=3), data.images)
    body = replace(whole, kind="coco", skeleton=COCO17, label=data.label)
    done = evaluate_model(body, make_estimator=make(whole, skeleton=WHOLEBODY133))
    assert done.found[0].xy.shape == (2, 17, 2)
    assert done.result.table["body"]["AP"] == pytest.approx(1)


def test_what_cannot_be_done(data: Dataset, tmp_path: Path) -> None:
    for config in (RunConfig(box=((0, 0, 1, 1),)), RunConfig(boxes="b.json")):
        with pytest.raises(ConfigError, match="an evaluation takes its boxes from"):
            evaluate_model(data, config, make_estimator=make(data))
    for boxes in ("gt", "b.json"):
        with pytest.raises(ConfigError, match=rf"detector: 'blaze' finds nobody where boxes are given \({boxes}\)"):
            evaluate_model(data, RunConfig(detector="blaze"), boxes=boxes, make_estimator=make(data))
    with pytest.raises(ConfigError, match="score rule: expected one of mmpose, person, parts"):
        evaluate_model(data, score_rule="best", make_estimator=make(data))
    with pytest.raises(InputError, match="No such file"):
        evaluate_model(data, boxes="none.json", make_estimator=make(data))
    assert data.images is not None
    (data.images / "002.png").unlink()
    with pytest.raises(InputError, match=r"002\.png of d\.json is not there"):
        evaluate_model(data, make_estimator=make(data))


def test_a_failure_leaves_no_predictions(data: Dataset, tmp_path: Path) -> None:
    class Failing(Knowing):
        def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
            if self.seen:
                raise ModelError("no more")
            return super().estimate(frames)

    path = tmp_path / "out" / "p.json"
    with pytest.raises(ModelError, match="no more"):
        evaluate_model(data, predictions=path, make_estimator=lambda config, detector: Failing(data))
    assert list((tmp_path / "out").iterdir()) == []


def test_damaged_labels_are_told_by_name(data: Dataset) -> None:
    content = json.loads(data.path.read_bytes())
    content["annotations"][0]["keypoints"] = [1]
    broken = open_dataset(write_json(data.path, content | {"annotations": content["annotations"][::-1]}), data.images)
    with pytest.raises(InputError, match=r"d\.json: picture 001\.png: annotation 1: expected 51 numbers"):
        evaluate_model(broken, make_estimator=make(data))
