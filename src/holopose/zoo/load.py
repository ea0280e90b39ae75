"""Owns loading: from a model's name to an estimator that is ready to run."""

from __future__ import annotations

from holopose.errors import ConfigError
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.models.blaze.network import SPECS
from holopose.models.blaze.search import PLANS
from holopose.models.blaze.wholebody import SCORE
from holopose.runtimes.openvino import OpenVinoRuntime
from holopose.skeletons import LAYOUTS
from holopose.zoo.catalog import BLAZE, MODELS
from holopose.zoo.compiled import compiled_folder
from holopose.zoo.fetch import locate_all

__all__ = ["load_estimator"]


def load_estimator(
    model: str = "blaze",
    *,
    search: str = "normal",
    max_people: int | None = None,
    min_score: float = 0.0,
    layout: str = "wholebody133",
    native: bool = False,
    device: str = "cpu",
    precision: str = "f32",
    threads: int = 0,
) -> BlazeEstimator:
    """A model that is ready to run; its files are fetched first where they are not on this machine.

    Args:
        model: Name in `holopose.zoo.catalog.MODELS`.
        search: How hard to look for people: normal, thorough or whole.
        max_people: At most so many, best first; None = everybody.
        min_score: Leave out people whose score is lower.
        layout: Name of the keypoint layout of the results.
        native: Keep the model's own layout beside it.
        device: Where the networks run, such as ``cpu``.
        precision: ``f32`` or ``bf16``.
        threads: CPU threads, 0 = all that this process may use.

    Raises:
        ConfigError: no such model, layout or search.
        ModelError: a file is missing and cannot be fetched, or is altered.
        BackendError: the device cannot do what was asked.
    """
    if model not in MODELS:
        raise ConfigError(f"model: expected {' or '.join(MODELS)}, got {model!r}")
    if layout not in LAYOUTS:
        raise ConfigError(f"layout: expected one of {', '.join(LAYOUTS)}, got {layout!r}")
    if search not in (*PLANS, "whole"):  # before anything is fetched
        raise ConfigError(f"search: expected {', '.join(PLANS)} or whole, got {search!r}")
    cards = [card for card in BLAZE if card.name in SPECS]
    paths = locate_all(cards)
    with compiled_folder() as compiled:
        networks = {
            card.name: OpenVinoRuntime(
                paths[card.name],
                device=device,
                precision=precision,
                threads=threads,
                outputs=SPECS[card.name].positions,
                resizable=SPECS[card.name].resizable and search != "whole",
                cache_dir=compiled,
            )
            for card in cards
        }
    runtime = networks["pose_landmark_full"]
    info = {
        "name": model,
        "cards": [{"name": card.name, "sha256": card.sha256} for card in cards],
        "runtime": {
            "name": runtime.name,
            "version": runtime.version,
            "device": runtime.device,
            "precision": runtime.precision,
        },
        "score": SCORE,
    }
    return BlazeEstimator(
        networks,
        search=search,
        max_people=max_people,
        min_score=min_score,
        layout=LAYOUTS[layout],
        native=native,
        info=info,
    )
