"""Owns loading: from a model's name to a detector, keypoint model or estimator that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holopose.errors import ConfigError
from holopose.estimators import Shaped, TopDown
from holopose.models.blaze.boxes import BlazeDetector, BlazeLandmarks
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.models.blaze.network import SPECS
from holopose.models.blaze.search import PLANS
from holopose.models.blaze.wholebody import SCORE
from holopose.protocols import Detector, Estimator, KeypointModel, Runtime
from holopose.runtimes.openvino import OpenVinoRuntime
from holopose.skeletons import LAYOUTS, Skeleton
from holopose.zoo.cache import digest_of
from holopose.zoo.cards import Card, networks_of
from holopose.zoo.catalog import BLAZE, find_model
from holopose.zoo.compiled import compiled_folder
from holopose.zoo.engines import Engine, check_runnable, choose_converted, open_network
from holopose.zoo.fetch import locate_all
from holopose.zoo.settings import adjusted

__all__ = ["load_detector", "load_estimator", "load_part"]

_LOOSE_IOU = 0.8
"""Overlap that boxes of different people may have where their poses are to tell them apart."""


def load_estimator(
    model: str = "blaze",
    *,
    detector: str | Detector = "auto",
    search: str = "normal",
    max_people: int | None = None,
    min_score: float = 0.0,
    layout: str = "own",
    native: bool = False,
    bottom_up: str | None = None,
    pose_nms: str = "oks",
    flip: bool = False,
    adjust: Sequence[str] = (),
    engine: Engine | None = None,
) -> Estimator:
    """A model that is ready to run on pictures; its files are fetched first where they are not on this machine.

    Args:
        model: Name of a model: `holopose models list`.
        detector: What finds people for models that need boxes: a detector's name or a Detector; ``blaze``; ``none`` =
            the whole picture is one person; ``auto`` = the model's own search, or blaze.
        search: How hard blaze looks for people, where it does: normal, thorough or whole.
        max_people: At most so many, best first; None = everybody.
        min_score: Leave out people whose score is lower.
        layout: Name of the keypoint layout of the results; ``own`` = the model's (blaze: wholebody133).
        native: Keep the model's own layout beside it.
        bottom_up: Model that settles who is who where boxes overlap; ``poses`` = the poses alone do.
        pose_nms: How one person found twice is told: oks, parametric, none.
        flip: Average with what the model sees in the mirrored picture.
        adjust: Settings of the model's card to change, name=value.
        engine: What runs the networks; None = OpenVINO on the CPU where the files allow.

    Raises:
        ConfigError: no such model, layout or search, or options that do not go together.
        ModelError: a file is missing and cannot be fetched, or is altered.
        BackendError: the device cannot do what was asked, or a package is missing.
    """
    engine = engine or Engine()
    if layout not in ("own", *LAYOUTS):
        raise ConfigError(f"layout: expected own, {', '.join(LAYOUTS)}, got {layout!r}")
    if search not in (*PLANS, "whole"):  # before anything is fetched
        raise ConfigError(f"search: expected {', '.join(PLANS)} or whole, got {search!r}")
    if bottom_up not in (None, "poses"):
        _refuse_evidence(bottom_up)
    limits: dict[str, Any] = {"max_people": max_people, "min_score": min_score}
    if model == "blaze":
        if flip or adjust:
            raise ConfigError(
                f"{'flip' if flip else 'adjust'}: the model blaze has no such setting; those of a detector are changed "
                "in a copy of it: holopose models add NAME --from FILE --like DETECTOR --set name=value"
            )
        wanted = LAYOUTS["wholebody133" if layout == "own" else layout]
        searching = detector == "auto" and bottom_up is None
        _refuse_unused(model, search, pose_nms, searches=_searches(detector, bottom_up), boxed=not searching)
        blaze = load_blaze(search=search, layout=wanted, native=native, engine=engine, **(limits if searching else {}))
        if searching:
            return blaze
        part: Any = BlazeLandmarks(blaze)
        info: dict[str, Any] = dict(blaze.info)
        shape: dict[str, Any] = limits
    else:
        cards = find_model(model)
        _refuse(cards[0], detector, bottom_up)
        boxed = cards[0].task != "estimator"
        _refuse_unused(model, search, pose_nms, searches=boxed and _searches(detector, bottom_up), boxed=boxed)
        part, info = load_part(model, engine=engine, flip=flip, adjust=adjust)
        shape = {**limits, "layout": None if layout == "own" else LAYOUTS[layout], "native": native}
        if cards[0].task == "estimator":
            return Shaped(part, info=info, **shape)
        blaze = None
    if isinstance(detector, str):
        info["detector"] = "blaze" if detector == "auto" else detector
        nms_iou = None if bottom_up is None else _LOOSE_IOU
        detector, used = _find_people(detector, blaze, search, engine, nms_iou=nms_iou)
        _add_cards(info, used)
    top_down = TopDown(detector, part, pose_nms=pose_nms, info=info)  # type: ignore[arg-type]
    if bottom_up is None:
        return Shaped(top_down, info=info, **shape)
    from holopose.estimators import Hybrid

    info["bottom_up"] = bottom_up
    evidence: Any = None
    if bottom_up != "poses":
        evidence = load_estimator(bottom_up, search=search if bottom_up == "blaze" else "normal", engine=engine)
        _add_cards(info, evidence.info["cards"])
    return Shaped(Hybrid(top_down, bottom_up=evidence), info=info, **shape)


def _refuse(card: Card, detector: str | Detector, bottom_up: str | None) -> None:
    """What does not go together.

    Raises:
        ConfigError: it was asked for.
    """
    if card.task == "detector":
        raise ConfigError(
            f"model: {card.model} finds people, not keypoints; expected a pose model, with --detector {card.model}"
        )
    if card.task == "estimator":
        for name, asked in (("detector", detector != "auto"), ("bottom_up", bottom_up is not None)):
            if asked:
                raise ConfigError(f"{name}: {card.model} sees all people at once and takes no boxes; leave it out")
    if card.task == "top-down" and card.skeleton is not None and "body" not in card.skeleton.parts:
        _refuse_people(card, detector)


def _refuse_people(card: Card, detector: str | Detector) -> None:
    """Boxes of people, for a model that looks at something else.

    Raises:
        ConfigError: that is what the detector finds.
    """
    assert card.skeleton is not None
    part = "face" if "face" in card.skeleton.parts else "hand"
    if detector in ("auto", "blaze") or (
        isinstance(detector, str) and detector != "none" and _find_for("detector", detector).finds == "people"
    ):
        hint = ", or a detector of hands" if part == "hand" else ""
        raise ConfigError(
            f"detector: {card.model} looks at one {part}, and {'blaze' if detector == 'auto' else detector} finds "
            f"people; say where {part}s are with --box or --boxes, or --detector none for pictures of one {part}{hint}"
        )


def _refuse_evidence(bottom_up: str) -> None:
    """What does not see all people at once.

    Raises:
        ConfigError: it was asked for.
    """
    card = _find_for("bottom_up", bottom_up)
    if bottom_up != "blaze" and card.task != "estimator":
        raise ConfigError(
            f"bottom_up: {bottom_up} does not see all people at once; expected blaze, poses or one of "
            "`holopose models list --task estimator`"
        )


def _searches(detector: str | Detector, bottom_up: str | None) -> bool:
    """Whether blaze looks for people."""
    return detector in ("auto", "blaze") or bottom_up == "blaze"


def _refuse_unused(model: str, search: str, pose_nms: str, *, searches: bool, boxed: bool) -> None:
    """Options that would be left out.

    Raises:
        ConfigError: one was asked for.
    """
    if search != "normal" and not searches:
        raise ConfigError(f"search: {search!r} is how blaze looks for people, and here it does not; leave it out")
    if pose_nms != "oks" and not boxed:
        raise ConfigError(f"pose_nms: {model} finds people by itself, without boxes of others; leave it out")


def _add_cards(info: dict[str, Any], cards: Sequence[Mapping[str, Any]]) -> None:
    """Name the files of a detector or of bottom-up evidence too, each once."""
    info["cards"] = [*info["cards"], *(card for card in cards if card not in info["cards"])]


def load_blaze(
    *,
    search: str = "normal",
    max_people: int | None = None,
    min_score: float = 0.0,
    layout: Skeleton = LAYOUTS["wholebody133"],
    native: bool = False,
    engine: Engine | None = None,
) -> BlazeEstimator:
    """The embedded default.

    Raises:
        ModelError, BackendError, ConfigError: as `load_estimator`.
    """
    engine = engine or Engine()
    engine.kind_for(".tflite")
    cards = [card for card in BLAZE if card.name in SPECS]
    paths = locate_all(cards)
    with compiled_folder() as compiled:
        networks = {
            card.name: OpenVinoRuntime(
                paths[card.name],
                device=engine.device,
                precision=engine.precision,
                threads=engine.threads,
                outputs=SPECS[card.name].positions,
                resizable=SPECS[card.name].resizable and search != "whole",
                cache_dir=compiled,
            )
            for card in cards
        }
    return BlazeEstimator(
        networks,
        search=search,
        max_people=max_people,
        min_score=min_score,
        layout=layout,
        native=native,
        info=_describe("blaze", cards, networks["pose_landmark_full"], SCORE),
    )


def load_detector(name: str, *, engine: Engine | None = None, nms_iou: float | None = None) -> Detector:
    """What finds people, by name.

    Args:
        name: A detector of `holopose models list`, ``blaze``, or ``none`` = the whole picture.
        engine: What runs the networks.
        nms_iou: Largest overlap of two boxes that are kept, where the detector has such a setting; None = its own.

    Raises:
        ConfigError: no such detector.
        ModelError, BackendError: as `load_estimator`.
    """
    return _find_people(name, None, "normal", engine or Engine(), nms_iou=nms_iou)[0]


def _find_people(
    name: str, blaze: BlazeEstimator | None, search: str, engine: Engine, *, nms_iou: float | None
) -> tuple[Detector, Sequence[Mapping[str, Any]]]:
    """What finds people, and name and sha256 of the files that it was made of."""
    if name == "none":
        from holopose.models.given import WholePicture

        return WholePicture(), ()
    if name in ("auto", "blaze"):
        blaze = blaze or load_blaze(search=search, engine=engine)
        return BlazeDetector(blaze), blaze.info["cards"]
    card = _find_for("detector", name)
    if card.task != "detector":
        raise ConfigError(f"detector: {name} does not find people by boxes; `holopose models list` shows what does")
    adjust = [f"nms_iou={nms_iou}"] if nms_iou is not None and "nms_iou" in adjustable(card) else []
    part, info = load_part(name, engine=engine, adjust=adjust)
    return part, info["cards"]


def _find_for(option: str, name: str) -> Card:
    """The main card of a model that an option names.

    Raises:
        ConfigError: there is no such model; the option is named.
    """
    try:
        return find_model(name)[0]
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from error


def adjustable(card: Card) -> set[str]:
    """Names of the settings that a card's family takes."""
    from holopose.zoo.settings import settings_of

    return set(settings_of(card))


def load_part(
    model: str, *, engine: Engine | None = None, flip: bool = False, adjust: Sequence[str] = ()
) -> tuple[Any, dict[str, Any]]:
    """The Detector, KeypointModel or Estimator of a model's card, in its own layout, and what to say of it in files.

    Raises:
        ConfigError, ModelError, BackendError: as `load_estimator`.
    """
    engine = engine or Engine()
    cards = find_model(model)
    card = cards[0]
    settings, net_settings = adjusted(card, adjust)
    if flip:
        if "flip" not in adjustable(card):
            raise ConfigError(f"flip: {model} has no such setting")
        settings["flip"] = True
    main, *beside = networks_of(cards)
    size_hw = settings.get("input_hw")
    item_shape = None if size_hw is None else (3, *size_hw)
    converted = choose_converted(main, engine, net_settings=net_settings, item_shape=item_shape)
    needed = main if converted is None else []
    for one in [*needed[:1], *(one for [one] in beside)]:
        check_runnable(one, engine)
    paths = locate_all([*needed, *(one for [one] in beside)])
    with compiled_folder() as compiled:
        runtime = open_network(
            main,
            paths,
            engine,
            net_settings=net_settings,
            converted=converted,
            item_shape=item_shape,
            cache_dir=compiled,
        )
        for [one] in beside:
            settings[one.argument] = open_network([one], paths, engine, cache_dir=compiled)
    if card.skeleton is not None:
        settings["skeleton"] = card.skeleton
    part: Detector | KeypointModel | Estimator = card.family()(runtime, **settings)
    return part, _describe(model, cards, runtime, card.score)


def _describe(model: str, cards: Sequence[Card], runtime: Runtime, score: str) -> dict[str, Any]:
    """What result files say of a model."""
    return {
        "name": model,
        "cards": [{"name": card.name, "sha256": digest_of(card)} for card in cards],
        "runtime": {
            "name": getattr(runtime, "name", type(runtime).__name__),
            "version": getattr(runtime, "version", ""),
            "device": runtime.device,
            "precision": getattr(runtime, "precision", ""),
        },
        "score": score,
    }
