"""Owns evaluations: a model run over a data set, or another program's predictions, judged and told with their protocol.

Pictures stream: they are decoded ahead, a few at a time, and the predictions of each are written before the next come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from holopose.build.estimator import build_estimator
from holopose.build.predictions import PredictionsFile, boxes_for, fitting, read_predictions
from holopose.config import RunConfig
from holopose.datasets import Dataset
from holopose.errors import ConfigError, InputError
from holopose.evaluation.crowd import BOUNDS
from holopose.evaluation.judging import judge, measure_of, terms_of
from holopose.evaluation.protocol import NOT_STATED, Protocol, refuse_different
from holopose.evaluation.ranking import RULES, rank
from holopose.evaluation.result import PictureQuality, Result, read_result
from holopose.models.given import GivenBoxes, read_boxes
from holopose.ops.labels import Found, Labelled
from holopose.protocols import Detector, Estimator
from holopose.types import Frame

__all__ = ["EstimatorMaker", "Evaluated", "Stated", "evaluate_model", "evaluate_predictions"]

EstimatorMaker = Callable[..., Estimator]
"""Called as ``make(config, detector=...)``; None = people are found as the options say."""
Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all."""

GT, DETECTOR = "gt", "detector"
_OPTIONS = ("min_score", "max_people", "bottom_up")
"""Options beside boxes, flip and NMS that change who is found."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """An evaluation with what it was made from, so that it can be drawn.

    Attributes:
        result: The figures.
        dataset: The pictures that were judged.
        found: The people found in each.
    """

    result: Result
    dataset: Dataset
    found: Sequence[Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the user says of predictions that another program made; None = nothing.

    Attributes:
        model: Whose they are.
        boxes: Where its boxes came from.
        flip: Whether each person was looked at mirrored too.
        nms: How a person found twice was told.
    """

    model: str | None = None
    boxes: str | None = None
    flip: bool | None = None
    nms: str | None = None


def evaluate_model(
    dataset: Dataset,
    config: RunConfig | None = None,
    *,
    boxes: str = DETECTOR,
    score_rule: str = "person",
    bounds: tuple[float, float] = BOUNDS,
    predictions: Path | None = None,
    overwrite: bool = False,
    against: Result | None = None,
    progress: Progress | None = None,
    make_estimator: EstimatorMaker = build_estimator,
) -> Evaluated:
    """Run a model over a data set and judge what it finds.

    Args:
        dataset: The pictures and their labels; `limited` takes the first ones.
        config: Options about people.
        boxes: ``gt`` = the labelled boxes; ``detector`` = as the options say; else a file of boxes that
            `holopose.models.given.read_boxes` reads.
        score_rule: A key of `holopose.evaluation.ranking.RULES`. Top-down models score people by ``mmpose`` already.
        bounds: CrowdPose's crowd indices where medium and hard begin.
        predictions: Where to keep what was found, as COCO results; None = nowhere.
        overwrite: Whether that file may be replaced.
        against: A result that this one is to be held against; another protocol is refused before anything runs.
        progress: Told after each picture.
        make_estimator: Makes the estimator.

    Raises:
        ConfigError: an option is not acceptable, the model does not fit the data set, or the protocols differ.
        InputError: a picture or a file cannot be used.
        ModelError, BackendError: the model cannot be loaded, or faster-coco-eval is missing.
        OutputError: the predictions cannot be written.
    """
    config = config or RunConfig()
    _check(score_rule, config)
    if boxes != DETECTOR and config.detector != "auto":
        raise ConfigError(f"detector: {config.detector!r} finds nobody where boxes are given ({boxes}); leave one out")
    terms = terms_of(dataset.kind, dataset.skeleton)
    dataset.check_pictures()
    kept = None if predictions is None else PredictionsFile(predictions, dataset, overwrite=overwrite)
    told, boxes_sha256 = _told_boxes(dataset, boxes)
    estimator = make_estimator(config, detector=told)
    if told is not None and dataset.kind in ("hand", "face") and estimator.skeleton != dataset.skeleton:
        raise ConfigError(
            f"boxes: those of {dataset.path.name} are of {dataset.kind}s, and the model ({estimator.skeleton.name}) "
            "takes boxes of people; leave boxes at detector"
        )
    fit = fitting(estimator.skeleton, dataset)
    info: dict[str, Any] = dict(getattr(estimator, "info", {}))
    rule, scored = _rule(estimator, score_rule)
    protocol = _protocol(
        dataset,
        terms,
        bounds,
        rule,
        boxes=_box_source(boxes, info, config),
        boxes_sha256=boxes_sha256,
        flip="yes" if config.flip else "no",
        nms=_nms(estimator),
        options=_changed(config),
        model=_model(info, config),
        model_files={card["name"]: card["sha256"] for card in info.get("cards", ())},
        runtime=" ".join(str(word) for word in info.get("runtime", {}).values() if word) or NOT_STATED,
    )
    if against is not None:
        refuse_different(protocol, against.protocol)
    labelled: list[Labelled] = []
    people: list[Found] = []
    done = False
    try:
        for picture, poses in zip(dataset.pictures, _estimates(estimator, dataset, config), strict=True):
            found = fit(Found.of_poses(poses))
            found = found if scored else rank(found, rule)
            labelled.append(dataset.labelled(picture))
            people.append(found)
            if kept is not None:
                kept.write(picture, found)
            if progress is not None:
                progress(len(people), len(dataset))
        done = True
    finally:
        sha256 = "" if kept is None else kept.close(ok=done)
    return _judged(dataset, labelled, people, protocol, bounds=bounds, sha256=sha256)


def evaluate_predictions(
    dataset: Dataset,
    path: Path,
    stated: Stated | None = None,
    *,
    score_rule: str | None = None,
    bounds: tuple[float, float] = BOUNDS,
    against: Result | None = None,
) -> Evaluated:
    """Judge predictions in COCO form, of whatever program.

    Where ``report.json`` of an earlier evaluation lies beside the file and belongs to it, its protocol is taken over.

    Args:
        dataset: The labels.
        path: The predictions: 17, 133 or the data set's own number of keypoints per entry, or COCO-WholeBody's parts.
        stated: What the user says of them.
        score_rule: A key of `RULES`; None = ``parts``, as COCO-WholeBody's own evaluation ranks.
        bounds: CrowdPose's crowd indices where medium and hard begin.
        against: A result that this one is to be held against; another protocol is refused.

    Raises:
        InputError: the file cannot be used, or is of other pictures.
        ConfigError: an option is not acceptable, the layouts do not fit, or the protocols differ.
        BackendError: faster-coco-eval is missing.
    """
    _check(score_rule or "parts", None)
    terms = terms_of(dataset.kind, dataset.skeleton)
    read = read_predictions(path, dataset)
    own = _protocol_beside(path, read.sha256) if stated in (None, Stated()) else None
    given = stated or Stated()
    rule = score_rule or "parts"
    facts: dict[str, Any] = {
        "model": given.model or path.name,
        "boxes": given.boxes or NOT_STATED,
        "flip": NOT_STATED if given.flip is None else "yes" if given.flip else "no",
        "nms": given.nms or NOT_STATED,
    }
    if own is not None:  # what was judged then is what was written
        names = ("model", "model_files", "runtime", "boxes", "boxes_sha256", "flip", "nms", "options")
        facts = {name: getattr(own, name) for name in names}
        rule = own.score_rule if score_rule is None else score_rule
    protocol = _protocol(dataset, terms, bounds, rule, **facts)
    if against is not None:
        refuse_different(protocol, against.protocol)
    written_rule = own is not None and rule == own.score_rule
    people = [read.people(picture) for picture in dataset.pictures]
    people = people if written_rule else [rank(found, rule) for found in people]
    labelled = [dataset.labelled(picture) for picture in dataset.pictures]
    notes = read.notes(rule)
    return _judged(dataset, labelled, people, protocol, bounds=bounds, notes=notes, sha256=read.sha256)


def _check(score_rule: str, config: RunConfig | None) -> None:
    if score_rule not in RULES:
        raise ConfigError(f"score rule: expected one of {', '.join(RULES)}, got {score_rule!r}")
    if config is not None and (config.box or config.boxes is not None):
        raise ConfigError("box, boxes: an evaluation takes its boxes from gt, a file of detections or the detector")


def _told_boxes(dataset: Dataset, boxes: str) -> tuple[Detector | None, str]:
    """What says where people are, instead of a detector; and the hash of the file that does."""
    if boxes == DETECTOR:
        return None, ""
    if boxes == GT:
        return GivenBoxes([dataset.labelled(picture).to_boxes() for picture in dataset.pictures]), ""
    file = read_boxes(boxes, scored=True)
    return GivenBoxes(boxes_for(dataset, file)), file.sha256


def _estimates(estimator: Estimator, dataset: Dataset, config: RunConfig) -> Iterator[Any]:
    """The people of each picture, some pictures at once where the estimator likes that."""
    from holopose.ops.ahead import ahead_of

    size = max(1, int(getattr(estimator, "batch", 1)))
    frames = ahead_of(_frames(dataset, config), depth=2 * size)
    while some := list(islice(frames, size)):
        yield from estimator.estimate(some)


def _frames(dataset: Dataset, config: RunConfig) -> Iterable[Frame]:
    from holopose.io.images import read_image

    for index, picture in enumerate(dataset.pictures):
        yield read_image(dataset.path_of(picture), max_megapixels=config.max_megapixels, index=index, name=picture.name)


def _judged(
    dataset: Dataset,
    labelled: Sequence[Labelled],
    people: Sequence[Found],
    protocol: Protocol,
    *,
    bounds: tuple[float, float],
    notes: Sequence[str] = (),
    sha256: str,
) -> Evaluated:
    pairs = list(zip(labelled, people, strict=True))
    crowd_index = [picture.crowd_index for picture in dataset.pictures]
    try:
        table, quality = judge(dataset.kind, pairs, dataset.skeleton, crowd_index, bounds)
    except InputError as error:
        raise InputError(f"{dataset.path}: {error}") from error
    pictures = [
        PictureQuality(picture.name, value, int(truth.counted.sum()), len(found))
        for picture, value, (truth, found) in zip(dataset.pictures, quality, pairs, strict=True)
    ]
    return Evaluated(Result(table, protocol, pictures, tuple(notes), sha256), dataset, people)


def _protocol(dataset: Dataset, terms: Any, bounds: tuple[float, float], rule: str, **facts: Any) -> Protocol:
    from holopose.io.runinfo import installed_version

    version = installed_version()
    return Protocol(
        dataset=dataset.path.name,
        dataset_sha256=dataset.sha256,
        kind=dataset.kind,
        pictures=len(dataset),
        score_rule=rule,
        area=dataset.area if measure_of(dataset.kind) in ("oks", "crowd") else "not used",
        sigmas=terms.sigmas,
        detections=terms.detections,
        bounds=f"{bounds[0]:g}, {bounds[1]:g}" if measure_of(dataset.kind) == "crowd" else "none",
        evaluator=terms.evaluator or f"holopose {version}",
        holopose=version,
        **facts,
    )


def _protocol_beside(path: Path, sha256: str) -> Protocol | None:
    """The protocol of the report that these predictions were written with."""
    report = path.with_name("report.json")
    if not report.is_file():
        return None
    try:
        result = read_result(report)
    except InputError:
        return None  # a file of that name, but no report of ours
    return result.protocol if result.predictions_sha256 == sha256 else None


def _rule(estimator: Estimator, asked: str) -> tuple[str, bool]:
    """The score rule, and whether the estimator's scores already follow it."""
    inner: Any = getattr(estimator, "estimator", estimator)
    if getattr(inner, "score_rule", "") == "box-keypoints" and asked in ("person", "mmpose"):
        return "mmpose", True
    return asked, asked == "person"


def _nms(estimator: Estimator) -> str:
    """How a person found twice is told, for estimators that have a choice."""
    inner: Any = getattr(estimator, "estimator", estimator)
    return str(getattr(inner, "pose_nms", "the model's own"))


def _box_source(boxes: str, info: dict[str, Any], config: RunConfig) -> str:
    if boxes == GT:
        return GT
    if boxes != DETECTOR:
        return f"file {Path(boxes).name}"
    if "detector" in info:
        how = f" ({config.search})" if info["detector"] == "blaze" else ""
        return f"detector {info['detector']}{how}"
    return f"own search ({config.search})" if config.model == "blaze" else "none needed"


def _changed(config: RunConfig) -> str:
    default = RunConfig()
    changed = [
        f"{name}={getattr(config, name)}" for name in _OPTIONS if getattr(config, name) != getattr(default, name)
    ]
    return ", ".join(changed)


def _model(info: dict[str, Any], config: RunConfig) -> str:
    name = str(info.get("name", config.model))
    return f"{name} ({', '.join(config.adjust)})" if config.adjust else name
