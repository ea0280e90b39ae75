"""People's own weights: copied whole or not at all, sealed, listed, run like the model that they are like."""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from holopose.errors import ConfigError, HoloposeError, InputError, ModelError
from holopose.skeletons import HALPE26
from holopose.zoo import added, cache, catalog, fetch, trial
from holopose.zoo.cards import Card, Url
from holopose.zoo.catalog import MODELS, find_model

pytest.importorskip("onnx", reason="the networks of these tests are made with onnx")
from onnx_samples import answering, convolution


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    """What is like rtmo-s."""
    return answering(tmp_path / "best model.onnx", {"dets": (3, 5), "keypoints": (3, 17, 3)})


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_an_added_network_is_a_model_like_any_other(tmp_path, home):
    onnx = answering(tmp_path / "best model.onnx", {"x": (26, 576), "y": (26, 768)})
    addition = added.add(
        "mine", onnx, "rtmpose-m-body17", MODELS, ["bgr=true", "skeleton=halpe26", "input_hw=(384, 288)"]
    )
    assert addition.checked == "opens (1 in, 2 out) and answers a made-up picture"
    assert files(home) == ["lock", "models/added/mine/card.json", "models/added/mine/mine.onnx"]
    [card] = find_model("mine")
    like = MODELS["rtmpose-m-body17"][0]
    assert (card.model, card.name, card.family(), card.task) == ("mine", "mine", like.family(), "top-down")
    assert card.settings == {"input_hw": (384, 288), "bgr": True}
    assert card.input_hwc == (384, 288, 3)
    assert card.skeleton is HALPE26
    assert card.sha256 == hashlib.sha256(onnx.read_bytes()).hexdigest()
    assert (card.licence.weights, card.licence.training_data, card.licence.commercial) == ("yours", "yours", None)
    assert "best model.onnx" in card.notes
    assert fetch.locate(card) == home / "models" / "added" / "mine" / "mine.onnx"
    assert [one.filename for one in (*catalog.choose("mine"), *catalog.choose("mine.onnx"))] == ["mine.onnx"] * 2
    with pytest.raises(ConfigError, match="did you mean 'mine'"):
        find_model("mime")


def test_altered_weights_are_not_used(onnx, home):
    [card] = added.add("mine", onnx, "rtmo-s", MODELS).cards
    path = fetch.locate(card)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert [one.status for one in fetch.verify() if one.path == path] == ["altered"]
    with pytest.raises(ModelError, match=r"mine\.onnx is altered;.*like rtmo-s; it was added here: .*remove mine`"):
        fetch.locate(card)
    assert path.read_bytes().endswith(b"?"), "nobody else has it: it is not deleted"


def test_removed_is_gone(onnx, home):
    added.add("mine", onnx, "rtmo-s", MODELS)
    added.remove("mine")
    assert files(home) == ["lock"]
    assert added.names() == []
    with pytest.raises(ConfigError, match="no model was added under the name 'mine'; added: none"):
        added.remove("mine")
    added.add("mine", onnx, "rtmo-s", MODELS)
    assert added.names() == ["mine"]


def test_a_damaged_card_says_so_and_does_not_hide_the_others(onnx, home):
    added.add("one", onnx, "rtmo-s", MODELS)
    added.add("two", onnx, "rtmo-s", MODELS)
    (home / "models" / "added" / "one" / "card.json").write_text("{")
    with pytest.raises(ModelError, match="`holopose models remove one`"):
        find_model("one")
    models, problems = catalog.get_added()
    assert list(models) == ["two"]
    assert len(problems) == 1
    added.remove("one")


@pytest.mark.parametrize("kind", ["settings", "net_settings"])
def test_settings_that_are_no_more_are_told(onnx, home, kind):
    added.add("mine", onnx, "rtmo-s", MODELS, ["min_score=0.5"])
    path = home / "models" / "added" / "mine" / "card.json"
    told = json.loads(path.read_text())
    told[kind]["colour_order"] = "bgr"
    path.write_text(json.dumps(told))
    with pytest.raises(ModelError, match=r"card\.json: sets colour_order, which rtmo-s has no more") as caught:
        find_model("mine")
    assert str(caught.value).endswith("`holopose models remove mine`, add it again")
    assert catalog.get_added()[1] == [str(caught.value)]


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that one may not look into; also root, who becomes nobody for the while."""
    if not hasattr(os, "geteuid"):
        pytest.skip("folders have no such permissions here")
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "net.onnx").touch()
    folder.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


@pytest.mark.parametrize("like", ["rtmo-s", "openpose-body25-hands"])
def test_folders_that_may_not_be_read(closed, like):
    for source in (closed, closed / "net.onnx", closed / ("x" * 300)):
        with pytest.raises(InputError, match=f"^{re.escape(str(source))}: (cannot be read|lacks|expected)") as caught:
            added.add("mine", source, like, MODELS)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "like", "changes", "said"),
    [
        ("Mine", "rtmo-s", [], "name: expected lower-case letters"),
        ("../mine", "rtmo-s", [], "name: expected lower-case letters"),
        ("rtmo-s", "rtmo-s", [], "is a model of the zoo's own"),
        ("hand_recrop", "rtmo-s", [], "is a model of the zoo's own"),
        ("none", "yolox-nano", [], "name: 'none' means something else"),
        ("poses", "rtmo-s", [], "name: 'poses' means something else"),
        ("mine", "yolox-nano", ["skeleton=coco17"], "skeleton: yolox-nano gives no keypoints"),
        ("mine", "rtmo-xl", [], "like: expected a model of the zoo's own, got 'rtmo-xl'"),
        ("mine", "rtmo-s", ["colour=blue"], "has no setting 'colour'"),
        ("mine", "rtmo-s", ["skeleton=halpe27"], "skeleton: expected one of coco17"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_copied(onnx, home, *, name, like, changes, said):
    with pytest.raises(ConfigError, match=said):
        added.add(name, onnx, like, MODELS, changes)
    assert not home.exists()


def test_a_name_is_given_once(onnx, home):
    added.add("mine", onnx, "rtmo-s", MODELS)
    with pytest.raises(ConfigError, match="was added already"):
        added.add("mine", onnx, "rtmo-s", MODELS)


def test_who_comes_second_is_told_so(onnx, home, monkeypatch):
    """Another process adds the same name while this one waits for the lock."""
    locked = cache.locked

    @contextmanager
    def late():
        monkeypatch.setattr(cache, "locked", locked)
        added.add("mine", onnx, "rtmo-s", MODELS)
        with locked() as work:
            yield work

    monkeypatch.setattr(cache, "locked", late)
    with pytest.raises(ConfigError, match="was added already"):
        added.add("mine", onnx, "rtmo-s", MODELS)


@pytest.mark.parametrize(
    ("filename", "content", "said"),
    [
        ("net.onnx", b"no network", r"expected an ONNX network, got something else"),
        ("net.onnx", b"", r"expected an ONNX network, got something else"),
        ("net.tflite", b"TFL3", r"net\.tflite: expected \.onnx"),
        ("net.pth", b"PK\x03\x04", r"takes a network as \.onnx, not tensors as \.pth"),
        ("net.zip", b"PK", r"is not a usable zip archive"),
    ],
)
def test_what_is_no_such_model_leaves_nothing(tmp_path, home, filename, content, said):
    (tmp_path / filename).write_bytes(content)
    with pytest.raises(ModelError, match=said):
        added.add("mine", tmp_path / filename, "rtmo-s", MODELS)
    assert files(home) == ["lock"]


def test_a_network_of_another_kind_leaves_nothing(tmp_path, home):
    """Told by the size of its input, and by how many outputs it has."""
    fixed = convolution(tmp_path / "fixed.onnx", (1, 3, 64, 48))
    with pytest.raises(ModelError, match="takes items of shape 3 x 64 x 48, got 3 x 256 x 192"):
        added.add("mine", fixed, "rtmpose-m-body17", MODELS)
    onnx_module = pytest.importorskip("onnx")
    model = onnx_module.load(str(fixed))
    del model.graph.output[1:]
    onnx_module.save(model, str(fixed))
    with pytest.raises(ModelError, match="SimCC: expected outputs along x and along y, got maps"):
        added.add("mine", fixed, "rtmpose-m-body17", MODELS, ["input_hw=(64, 48)"])
    assert files(home) == ["lock"]


def test_from_an_archive_and_from_a_folder(onnx, tmp_path, home):
    with zipfile.ZipFile(tmp_path / "sdk.zip", "w") as archive:
        archive.write(onnx, "work/end2end.onnx")
    added.add("zipped", tmp_path / "sdk.zip", "rtmo-s", MODELS)
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "README.md").write_text("about")
    with pytest.raises(InputError, match="holds no weights"):
        added.add("folder", folder, "rtmo-s", MODELS)
    (folder / "a.onnx").write_bytes(onnx.read_bytes())
    added.add("folder", folder, "rtmo-s", MODELS)
    (folder / "b.onnx").write_bytes(onnx.read_bytes())
    with pytest.raises(InputError, match=r"several weight files: a\.onnx, b\.onnx"):
        added.add("both", folder, "rtmo-s", MODELS)
    with pytest.raises(InputError, match="got nothing there"):
        added.add("absent", tmp_path / "absent.onnx", "rtmo-s", MODELS)
    assert added.names() == ["folder", "zipped"]


# Tensors for a torch module ------------------------------------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[dict[str, tuple[Card, ...]], Path]:
    """A zoo of one model with a torch module, and a file with its tensors."""
    pytest.importorskip("torch", reason="tensors are read by torch")
    from tiny_model import tiny_card

    card, path = tiny_card(tmp_path)
    return {"tiny": (card,)}, path


def test_tensors_are_checked_against_the_module(tiny, tmp_path, home):
    known, path = tiny
    addition = added.add("mine", path, "tiny", known, ["gain=2"])
    assert addition.checked == "all its tensors fit"
    [card] = added.read("mine", known)
    assert (card.filename, card.net, dict(card.net_settings)) == ("mine.pth", known["tiny"][0].net, {"gain": 2})
    (tmp_path / "cut.pth").write_bytes(path.read_bytes()[:-100])
    with pytest.raises(HoloposeError):
        added.add("cut", tmp_path / "cut.pth", "tiny", known)
    assert added.names() == ["mine"]


def test_other_tensors_are_refused_by_name(tiny, tmp_path, home):
    import torch

    known, _ = tiny
    torch.save({"first.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"first\.weight"):
        added.add("mine", tmp_path / "other.pth", "tiny", known)
    assert files(home) == ["lock"]


def test_a_checkpoint_by_its_other_endings(tiny, tmp_path, home):
    known, path = tiny
    for name in ("checkpoint.pth.tar", "last.pt", "pytorch_model.bin"):
        (tmp_path / name).write_bytes(path.read_bytes())
        added.add(f"from-{name[:4]}", tmp_path / name, "tiny", known)
    assert [added.read(name, known)[0].filename for name in added.names()] == [
        *("from-chec.pth", "from-last.pt", "from-pyto.bin")
    ]


def test_an_exported_network_needs_no_module(tiny, tmp_path, home):
    known, _ = tiny
    added.add("mine", answering(tmp_path / "mine.onnx", {"maps": (17, 16, 12)}), "tiny", known)
    [card] = added.read("mine", known)
    assert (card.net, card.filename, dict(card.net_settings)) == (None, "mine.onnx", {})


def test_a_hugging_face_folder_whole_and_in_shards(tiny, tmp_path, home):
    import torch

    pytest.importorskip("safetensors")
    from safetensors.torch import load_file, save_file

    known, path = tiny
    tensors = torch.load(path, weights_only=True)
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    save_file(tensors, folder / "model.safetensors")
    added.add("whole", folder, "tiny", known)
    (folder / "model.safetensors").unlink()

    names = sorted(tensors)
    shards = {"model-00001-of-00002.safetensors": names[:4], "model-00002-of-00002.safetensors": names[4:]}
    for shard, some in shards.items():
        save_file({name: tensors[name] for name in some}, folder / shard)
    index = {"weight_map": {name: shard for shard, some in shards.items() for name in some}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    addition = added.add("sharded", folder, "tiny", known)
    assert addition.checked == "all its tensors fit"
    [card] = addition.cards
    found = load_file(cache.target(card))
    assert all(torch.equal(found[name], tensors[name]) for name in names)
    assert cache.find(card) is not None


def test_a_model_of_several_files_takes_a_folder(tiny, tmp_path, home):
    """Each under the name its makers publish it by, in the last folder of its address or beside the others."""
    known, path = tiny
    head = replace(known["tiny"][0], name="tiny-head", filename="tiny-head.pth", role="head", task="part")
    main = replace(known["tiny"][0], places=(Url("https://hf.example/x/resolve/main/unet/net.pth"),))
    known = {"tiny": (main, head)}
    folder = tmp_path / "repository"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "net.pth").write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"lacks the head: expected tiny-head\.pth"):
        added.add("mine", folder, "tiny", known)
    with pytest.raises(InputError, match="has 2 files: expected a folder"):
        added.add("mine", path, "tiny", known)
    (folder / "tiny-head.pth").write_bytes(path.read_bytes())
    addition = added.add("mine", folder, "tiny", known)
    assert [card.name for card in addition.cards] == ["mine", "mine-tiny-head"]
    assert [card.name for card in added.read("mine", known)] == ["mine", "mine-tiny-head"]
    assert set(fetch.locate_all(addition.cards)) == {"mine", "mine-tiny-head"}


def test_a_model_of_two_networks_takes_both(tiny, onnx, tmp_path, home):
    """Tensors or networks, each checked by itself."""
    known, path = tiny
    hand = replace(known["tiny"][0], name="tiny-hand", filename="tiny-hand.pth", task="part", argument="hand")
    known = {"tiny": (known["tiny"][0], hand)}
    folder = tmp_path / "both"
    folder.mkdir()
    for name in ("tiny.pth", "tiny-hand.pth"):
        (folder / name).write_bytes(path.read_bytes())
    addition = added.add("mine", folder, "tiny", known)
    assert addition.checked == "all its tensors fit"
    assert [card.argument for card in added.read("mine", known)] == ["", "hand"]
    (folder / "tiny-hand.pth").write_bytes(onnx.read_bytes())
    with pytest.raises(ModelError, match=r"hand\.pth: expected a torch checkpoint"):
        added.add("wrong", folder, "tiny", known)
    assert added.names() == ["mine"]


def test_without_torch_tensors_are_checked_later(tiny, home, monkeypatch):
    known, path = tiny
    monkeypatch.setattr(trial, "find_spec", lambda name: None)
    assert "checked at first use: torch is not installed" in added.add("mine", path, "tiny", known).checked


def test_safetensors_header_sizes_are_bounded(tiny, tmp_path, home):
    known, _ = tiny
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    (folder / "a.safetensors.index.json").write_text('{"weight_map": {"x": "a.safetensors"}}')
    with pytest.raises(ModelError, match=r"a header of \d+ bytes"):
        added.add("mine", folder, "tiny", known)


def test_what_is_wrong_is_told_of_the_user_s_own_file(tmp_path, home):
    """Its copy has another name, and is gone when the message is read."""
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(ModelError) as caught:
        added.add("team", path, "rtmo-s", MODELS)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(home) not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["skeleton=halpe26"], "halpe26 has 26 keypoints and the network gives 17: set maps and skeleton"),
        (["maps=26"], "coco17 has 17 keypoints and the network gives 26"),
        (["decoder=best"], "decoder: expected argmax"),
    ],
)
def test_settings_that_tensors_cannot_have(tmp_path, home, changes, said):
    torch = pytest.importorskip("torch")
    like = "simplebaseline-r50-body17-256"
    [card] = MODELS[like]
    path = tmp_path / "net.pth"
    torch.save(card.net(**card.net_settings).state_dict(), path)
    with pytest.raises(ConfigError, match=said):
        added.add("mine", path, like, MODELS, changes)
    assert files(home) in ([], ["lock"])
