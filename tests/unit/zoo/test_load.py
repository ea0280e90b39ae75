"""Loading by name: options reach the estimator, what runs is told, and what is missing is named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.errors import BackendError, ConfigError, ModelError
from holopose.models.blaze.network import SPECS
from holopose.models.given import WholePicture
from holopose.protocols import Estimator
from holopose.runtimes.openvino import load_openvino
from holopose.skeletons import COCO17, LAYOUTS
from holopose.types import Frame
from holopose.zoo import engines, load
from holopose.zoo.cards import Asset
from holopose.zoo.catalog import BLAZE
from holopose.zoo.engines import Engine
from holopose.zoo.load import load_estimator


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each network a file of the right inputs and outputs that sees nobody anywhere: zeros, at any size."""
    folder = tmp_path_factory.mktemp("stand-ins")
    openvino = load_openvino()
    ops = openvino.opset13
    paths = {}
    for card in BLAZE:
        if card.name in SPECS:
            spec = SPECS[card.name]
            picture = ops.parameter([1, *card.input_hwc], np.float32, name=spec.input)
            picture.output(0).get_tensor().set_names({spec.input})
            names = dict(zip(spec.positions, spec.outputs, strict=True))
            results = []
            for position in range(max(spec.positions) + 1):
                rows = ops.multiply(ops.reduce_max(picture, np.array([1, 2, 3], np.int64)), np.float32(0))
                wide = ops.tile(ops.reshape(rows, np.array([1, 1, 1]), False), np.array([1, 2254, 12 - 11 * position]))
                silent = ops.subtract(wide, np.float32(50 * position))
                silent.output(0).get_tensor().set_names({names.get(position, f"unused_{position}")})
                results.append(ops.result(silent))
            paths[card.name] = folder / f"{card.name}.xml"
            openvino.save_model(openvino.Model(results, [picture], card.name), paths[card.name])
    return paths


@pytest.fixture
def fetched(stand_ins: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cards asked for; the stand-ins are there without fetching."""
    asked: list[str] = []

    def locate_all(assets: Iterable[Asset]) -> dict[str, Path]:
        wanted = [asset.name for asset in assets]
        asked.extend(wanted)
        return {name: stand_ins[name] for name in wanted}

    monkeypatch.setattr(load, "locate_all", locate_all)
    return asked


def test_the_default_model(fetched: list[str], home: Path) -> None:
    estimator = load_estimator()
    assert isinstance(estimator, Estimator)
    assert estimator.skeleton.name == "wholebody133"
    assert set(fetched) == set(SPECS)
    [poses] = estimator.estimate([Frame(np.zeros((224, 224, 3), np.uint8))])
    assert len(poses) == 0
    assert poses.skeleton == estimator.skeleton


def test_info_says_what_runs(fetched: list[str]) -> None:
    info = load_estimator(engine=Engine(precision="f32")).info
    sums = {card.name: card.sha256 for card in BLAZE}
    assert info["name"] == "blaze"
    assert {card["name"]: card["sha256"] for card in info["cards"]} == {name: sums[name] for name in SPECS}
    assert info["runtime"]["name"] == "OpenVINO"
    assert info["runtime"]["device"] == "CPU"
    assert info["runtime"]["precision"] == "f32"
    assert load_openvino().__version__.startswith(info["runtime"]["version"])
    assert "0 to 1" in info["score"]


def test_options_reach_their_places(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    estimators: list[dict[str, Any]] = []

    class Runtime(load.OpenVinoRuntime):
        def __init__(self, path: Path, **options: Any) -> None:
            made.append(options)
            super().__init__(path, **options)

    class Estimator(load.BlazeEstimator):
        def __init__(self, networks: Any, **options: Any) -> None:
            estimators.append(options)
            super().__init__(networks, **options)

    monkeypatch.setattr(load, "OpenVinoRuntime", Runtime)
    monkeypatch.setattr(load, "BlazeEstimator", Estimator)
    people = {"search": "thorough", "max_people": 3, "min_score": 0.25, "native": True}
    load_estimator("blaze", layout="coco17", engine=Engine(device="CPU", precision="bf16", threads=1), **people)
    assert len(made) == len(SPECS)
    assert all((one["device"], one["precision"], one["threads"]) == ("CPU", "bf16", 1) for one in made)
    assert [one["resizable"] for one in made].count(True) == 1, "the detector looks at whole pictures"
    [options] = estimators
    assert options["layout"] == COCO17
    assert people.items() <= options.items()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_its_name(fetched: list[str], layout: str) -> None:
    assert load_estimator(layout=layout).skeleton == LAYOUTS[layout]


def test_compiled_networks_are_kept_in_the_home_and_used_again(fetched: list[str], home: Path) -> None:
    load_estimator()
    kept = {path.name: path.stat().st_mtime_ns for path in (home / "compiled").iterdir()}
    assert kept
    load_estimator()
    assert {path.name: path.stat().st_mtime_ns for path in (home / "compiled").iterdir()} == kept


def test_an_altered_compiled_network_is_never_loaded(fetched: list[str], home: Path) -> None:
    load_estimator()
    [altered, *_] = sorted((home / "compiled").glob("*.blob"))
    damaged = altered.read_bytes()[:-1] + bytes([altered.read_bytes()[-1] ^ 1])
    altered.write_bytes(damaged)
    load_estimator()
    assert altered.read_bytes() != damaged, "it was compiled anew"


def test_it_loads_where_nothing_can_be_kept(fetched: list[str], home: Path) -> None:
    home.write_text("a file, not a folder", encoding="utf-8")
    assert load_estimator().skeleton.name == "wholebody133"


def test_info_names_the_files_of_all_who_take_part(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"name": "yolox-nano", "sha256": "ab" * 32}
    monkeypatch.setattr(load, "load_part", lambda name, **_: (WholePicture(), {"cards": [found]}))
    info = load_estimator(detector="yolox-nano", bottom_up="blaze").info  # type: ignore[attr-defined]
    assert [card["name"] for card in info["cards"]] == [
        *(card.name for card in BLAZE if card.name in SPECS),
        "yolox-nano",
    ]
    assert (info["detector"], info["bottom_up"]) == ("yolox-nano", "blaze")


# What cannot be loaded -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "word"),
    [({"model": "blazer"}, "blaze"), ({"layout": "coco18"}, "coco17"), ({"search": "deep"}, "thorough")],
)
def test_unknown_words_are_named_with_what_there_is(fetched: list[str], options: dict[str, str], word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_estimator(**options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert repr(*options.values()) in message
    assert word in message
    assert "\n" not in message
    assert fetched == [], "nothing is fetched for an option that makes no sense"


@pytest.mark.parametrize(
    "options",
    [
        {"search": "whole", "detector": "none"},
        {"search": "thorough", "detector": "yolox-nano", "bottom_up": "poses"},
        {"search": "whole", "model": "rtmpose-m-body17", "detector": WholePicture()},
        {"search": "whole", "model": "rtmo-s"},
        {"pose_nms": "none"},
        {"pose_nms": "parametric", "model": "rtmo-s"},
    ],
)
def test_an_option_that_would_be_left_out_is_refused(fetched: list[str], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"^{next(iter(options))}: .*leave it out"):
        load_estimator(**options)
    assert fetched == []


@pytest.mark.parametrize("options", [{"bottom_up": "blaze", "detector": "none"}, {"detector": "blaze"}, {}])
def test_blaze_looks_as_hard_as_asked_wherever_it_looks(fetched: list[str], options: dict[str, str]) -> None:
    assert load_estimator(search="whole", **options).skeleton.name == "wholebody133"  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"device": "tpu"}, {"precision": "f64"}])
def test_what_the_runtime_refuses(fetched: list[str], options: dict[str, str]) -> None:
    with pytest.raises(BackendError, match=next(iter(options.values()))):
        load_estimator(engine=Engine(**options))


def test_missing_files_are_named_when_offline(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    with pytest.raises(ModelError) as caught:
        load_estimator()
    message = str(caught.value)
    for card in BLAZE:
        assert (card.filename in message) == (card.name in SPECS)
    assert "holopose models pull" in message
    assert not home.exists()


def test_an_altered_file_is_never_loaded(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    (home / "models").mkdir(parents=True)
    for card in BLAZE:
        (home / "models" / card.filename).write_bytes(bytes(card.size))
    with pytest.raises(ModelError, match="altered"):
        load_estimator()


@pytest.mark.parametrize(
    ("engine", "kind", "words"),
    [
        (Engine(), BackendError, r'pip install "holopose\[torch\]"'),
        (Engine(runtime="onnxruntime"), ConfigError, "convert them once"),
    ],
)
def test_gigabytes_are_not_fetched_for_what_cannot_run(
    monkeypatch: pytest.MonkeyPatch, home: Path, engine: Engine, kind: type[Exception], words: str
) -> None:
    def never(assets: Iterable[Asset]) -> dict[str, Path]:
        raise AssertionError(f"fetched {assets}")

    monkeypatch.setattr(load, "locate_all", never)
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(kind, match=words):
        load.load_part("hrnet-w48-wholebody-dark", engine=engine)


@pytest.mark.parametrize("options", [{"detector": "nope"}, {"bottom_up": "nope"}])
def test_the_option_that_names_no_model_is_named(fetched: list[str], options: dict[str, Any]) -> None:
    [option] = options
    with pytest.raises(ConfigError, match=f"^{option}: no model is called 'nope'"):
        load_estimator(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "rtmpose-m-hand21"}, "detector: rtmpose-m-hand21 looks at one hand, and blaze finds people"),
        (
            {"model": "rtmpose-m-hand21", "detector": "yolox-nano"},
            "and yolox-nano finds people; .* a detector of hands",
        ),
        ({"model": "rtmpose-m-face106", "detector": "blaze"}, "say where faces are with --box"),
        ({"bottom_up": "rtmpose-m-body17"}, "bottom_up: rtmpose-m-body17 does not see all people at once"),
        ({"bottom_up": "yolox-nano"}, "bottom_up: yolox-nano does not see all people at once"),
    ],
)
def test_what_looks_at_something_else_is_refused(fetched: list[str], options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_estimator(**options)
    assert fetched == []


@pytest.mark.parametrize("detector", ["none", "rtmdet-nano-hand"])
def test_hands_may_be_looked_at_where_hands_are(fetched: list[str], detector: str) -> None:
    with pytest.raises(KeyError, match="rtmpose-m-hand21"):  # the stand-ins have no such file: it came to loading
        load_estimator("rtmpose-m-hand21", detector=detector)
