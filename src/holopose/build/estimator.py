"""Owns the estimator of a run: options about people in, a model that is ready out."""

from __future__ import annotations

from typing import Any

from holopose.config import RunConfig
from holopose.protocols import Detector, Estimator

__all__ = ["build_estimator"]


def build_estimator(
    config: RunConfig | None = None, /, *, detector: Detector | str | None = None, **options: Any
) -> Estimator:
    """Load a model; fetches its files first where they are not on this machine.

    Args:
        config: All options at once.
        detector: What finds people: a detector's name, as an option, or a Detector of your own.
        **options: Or some of them by name (those about people), the rest at their defaults.

    Raises:
        ConfigError: an option is unknown or not acceptable, or options do not go together.
        InputError: the file of boxes cannot be used.
        ModelError: a file is missing and cannot be fetched, or is altered.
        BackendError: the device cannot do what was asked.
    """
    from holopose.zoo.engines import Engine
    from holopose.zoo.load import load_estimator

    if isinstance(detector, str):
        options["detector"], detector = detector, None
    if config is None:
        config = RunConfig.from_options("people", **options)
    elif options:
        config = config.replace(**options)
    chosen = config.to_options("people")
    engine = Engine(**{name: chosen.pop(name) for name in ("runtime", "device", "precision", "threads")})
    for name in ("world", "box", "boxes"):
        del chosen[name]
    chosen["detector"] = detector or _given_boxes(config) or config.detector
    return load_estimator(chosen.pop("model"), engine=engine, **chosen)


def _given_boxes(config: RunConfig) -> Detector | None:
    """People where the options say they are."""
    if not config.box and config.boxes is None:
        return None
    import numpy as np

    from holopose.models.given import GivenBoxes, read_boxes
    from holopose.types import Boxes

    if config.boxes is not None:
        return GivenBoxes(read_boxes(config.boxes))
    return GivenBoxes(Boxes(np.array(config.box, np.float32), np.ones(len(config.box), np.float32)))
