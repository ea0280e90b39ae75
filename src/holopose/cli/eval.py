"""Owns `holopose eval`: how good a model, or another program's predictions, is on a labelled data set."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holopose.cli.console import complain, say, telling_interruption
from holopose.cli.flags import choose, give_flags
from holopose.config import RunConfig
from holopose.errors import ConfigError

if TYPE_CHECKING:
    from holopose.build.evaluation import Evaluated
    from holopose.datasets import Dataset

__all__ = ["evaluate"]

_NOT_HERE = ("box", "boxes", "layout", "native", "world")
"""Options about people without a meaning here: boxes have a flag of their own, the data set says the layout."""
_ALSO = ("max_megapixels", "overwrite")
_OF_PREDICTIONS = ("model", "flip", "pose_nms", *_ALSO)
"""Options with a meaning beside predictions that are there already."""


def evaluate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET.json", help="Annotation file.")],
    *,
    images: Annotated[Path | None, typer.Option("--images", metavar="DIR", help="Folder of its pictures.")] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="NAME",
            help="coco, wholebody, halpe26, halpe136, crowdpose, mpii, hand or face; auto = by its content.",
        ),
    ] = "auto",
    boxes: Annotated[
        str | None,
        typer.Option(
            "--boxes",
            metavar="gt|FILE|detector",
            help="Where people are: the labelled boxes, a file of detections in COCO form, or what the model or its "
            "detector finds. Default: detector.",
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="Judge these COCO results instead of running a model. --model, --boxes, --flip and --pose-nms then "
            "say how they were made.",
        ),
    ] = None,
    score_rule: Annotated[
        str | None,
        typer.Option(
            "--score-rule",
            metavar="NAME",
            help="What ranks people: person, parts or mmpose. Default: person for models, parts for predictions.",
        ),
    ] = None,
    crowd_bounds: Annotated[
        str | None,
        typer.Option(
            "--crowd-bounds",
            metavar="A,B",
            help="CrowdPose's crowd index where medium and hard begin; published tools use 0.2,0.8. Default: 0.1,0.8.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="The first N pictures only.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for report.html, report.json, predictions.json."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", metavar="FILE", help="A report.json to hold this against; same protocol only."),
    ] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, metavar="N", help="How many pictures the report draws.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="Options from a file; flags win over it.")
    ] = None,
    **options: Any,
) -> None:
    """Measure a model on a labelled data set, by the data set's own rules.

    AP per body part, PCKh, NME or AUC; beside the figures stands the protocol they
    were made under. Figures of different protocols are not compared.

    holopose eval person_keypoints_val2017.json --images val2017 --boxes gt
    holopose eval coco_wholebody_val_v1.0.json --images val2017 -o report
    holopose eval coco_wholebody_val_v1.0.json --predictions theirs.json

    Exit code 0: done; 2: something cannot be read, does not fit, or an option is
    wrong; 3: models; 4: device, or a package is missing; 5: the report cannot be
    written; 130: interrupted.
    """
    from holopose.build.report import ReportFiles
    from holopose.datasets import open_dataset
    from holopose.evaluation.report import to_text
    from holopose.evaluation.result import read_result

    if predictions is None and images is None:
        raise ConfigError("eval: expected the folder of the pictures (--images DIR), or --predictions FILE")
    chosen = choose(options, config)
    if predictions is not None:
        _refuse_unused(options)
    other = None if compare is None else read_result(compare)
    data = open_dataset(dataset, images, kind).limited(limit)
    files = None if out is None else ReportFiles(out, overwrite=chosen.overwrite)
    terms: dict[str, Any] = {"against": other}
    if crowd_bounds is not None:
        if data.kind != "crowdpose":
            raise ConfigError(f"crowd bounds: only CrowdPose has a crowd index, this is {data.kind}; leave them out")
        terms["bounds"] = _bounds(crowd_bounds)
    if predictions is None:
        terms |= {"boxes": boxes or "detector", "score_rule": score_rule or "person"}
        done = _run(data, chosen, out, terms)
    else:
        from holopose.build.evaluation import Stated, evaluate_predictions

        said = Stated(model=options["model"], boxes=boxes, flip=options["flip"], nms=options["pose_nms"])
        done = evaluate_predictions(data, predictions, said, score_rule=score_rule, **terms)
    if files is not None:
        files.write(done, other, pictures=worst)
        complain(f"report: {files.page}")
    say(done.result.to_json().rstrip() if as_json else to_text(done.result, other))


def _run(data: Dataset, chosen: RunConfig, out: Path | None, terms: Mapping[str, Any]) -> Evaluated:
    from holopose.build.evaluation import evaluate_model

    kept = None if out is None else out / "predictions.json"
    with telling_interruption("nothing was written"), _progress() as tell:
        return evaluate_model(data, chosen, predictions=kept, overwrite=chosen.overwrite, progress=tell, **terms)


def _refuse_unused(given: Mapping[str, Any]) -> None:
    """Flags that say how to run a model, where none is run, would be ignored."""
    unused = [name for name, value in given.items() if value not in (None, []) and name not in _OF_PREDICTIONS]
    if unused:
        raise ConfigError(f"{', '.join(unused)}: no model is run where there are --predictions; leave it out")


def _bounds(text: str) -> tuple[float, float]:
    try:
        first, second = map(float, text.split(","))
    except ValueError as error:
        raise ConfigError(f"crowd bounds: expected two numbers such as 0.1,0.8, got {text!r}") from error
    if not 0 <= first <= second <= 1:
        raise ConfigError(f"crowd bounds: expected two numbers from 0 to 1, the smaller first, got {text!r}")
    return first, second


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A line on the terminal that says how far it is; nothing in a log."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pictures", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


give_flags(
    evaluate,
    [o for o in RunConfig.options() if (o.group == "people" and o.name not in _NOT_HERE) or o.name in _ALSO],
)
