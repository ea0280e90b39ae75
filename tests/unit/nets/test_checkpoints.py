from __future__ import annotations

import argparse
import os
import pickle
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from holopose.errors import ModelError  # noqa: E402
from holopose.nets.checkpoints import load_into, read_tensors  # noqa: E402
from holopose.nets.hrnet import HRNet  # noqa: E402
from seeded_nets import seed_by_name, seeded_input  # noqa: E402

OLD = {"_use_new_zipfile_serialization": False}


class Small(nn.Module):
    RENAMES = (((r"^theirs\.", ""), (r"^dropped\..*", "")), ((r"^layer(\d)\.", r"conv\1."),))

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 1)
        self.bn1 = nn.BatchNorm2d(4)


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left = Small()
        self.right = Small()


class Runs:
    """Touches a file when it is unpickled by anything that obeys pickles."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"echo run > {self.path}",)


class Config(dict):  # type: ignore[type-arg]
    """Stands for the classes of other packages that old checkpoints carry along."""


def small() -> dict[str, torch.Tensor]:
    return OrderedDict(seed_by_name(Small()).state_dict())


def same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return list(ours) == list(theirs) and all(map(torch.equal, ours.values(), theirs.values()))


# Reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, OLD])
@pytest.mark.parametrize("wrapper", ["", "state_dict", "model", "model_state_dict", "ema", "state_dict ema"])
def test_wrappers_are_taken_off(wrapper: str, options: dict[str, bool], tmp_path: Path) -> None:
    content: Any = {f"module.{name}": tensor for name, tensor in small().items()}
    for word in reversed(wrapper.split()):
        content = {word: content, "epoch": 3, "optimizer": {"lr": 0.1}}
    torch.save(content, tmp_path / "file.pth.tar", **options)
    assert same(read_tensors(tmp_path / "file.pth.tar"), small())


@pytest.mark.parametrize("options", [{}, OLD])
def test_what_else_old_files_hold_does_not_matter(options: dict[str, bool], tmp_path: Path) -> None:
    meta = {"time": np.float64(1.5), "dtype": np.dtype("f4"), "log": np.arange(3), "config": Config(a=[Config()])}
    extra = {"meta": meta, "arguments": argparse.Namespace(lr=1), "where": Path("x"), "kind": nn.Conv2d}
    parameters = {name: nn.Parameter(t) if t.is_floating_point() else t for name, t in small().items()}
    torch.save({**extra, "state_dict": OrderedDict(parameters)}, tmp_path / "old.pth", **options)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "old.pth", weights_only=True)
    tensors = read_tensors(tmp_path / "old.pth")
    assert same(tensors, small())
    assert not any(tensor.requires_grad for tensor in tensors.values())


def test_views_and_kinds_of_numbers_survive_the_other_reader(tmp_path: Path) -> None:
    base = torch.arange(24, dtype=torch.float16).reshape(4, 6)
    tensors = {"turned": base.T, "part": base[1:3, ::2], "whole": torch.tensor(7), "bf16": base.bfloat16()}
    torch.save({"state_dict": tensors, "meta": Config()}, tmp_path / "views.pth")
    got = read_tensors(tmp_path / "views.pth")
    assert same(got, tensors)
    assert [tensor.dtype for tensor in got.values()] == [tensor.dtype for tensor in tensors.values()]


def test_safetensors_are_told_by_content(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    for name in ("a.safetensors", "b.bin"):
        save_file(small(), tmp_path / name)
        got = read_tensors(tmp_path / name)
        assert same({name: got[name] for name in small()}, small())


@pytest.mark.parametrize("content", [{"state_dict": "tensors"}, {"state_dict": "tensors", "meta": Config()}])
def test_checkpoints_under_the_ending_of_safetensors_are_told_by_content_too(tmp_path: Path, content: Any) -> None:
    torch.save({**content, "state_dict": small()}, tmp_path / "a.safetensors")
    assert same(read_tensors(tmp_path / "a.safetensors"), small())


def test_compressed_archives_are_read_too(tmp_path: Path) -> None:
    torch.save(small(), tmp_path / "stored.pth")
    with (
        zipfile.ZipFile(tmp_path / "stored.pth") as stored,
        zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    assert same(read_tensors(tmp_path / "packed.pth"), small())


@pytest.mark.parametrize("options", [{}, OLD])
@pytest.mark.parametrize("beside", [False, True])
def test_nothing_in_a_file_is_run(beside: bool, options: dict[str, bool], tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    content = {"state_dict": small(), "meta": Runs(marker)} if beside else Runs(marker)
    torch.save(content, tmp_path / "evil.pth", **options)
    with pytest.raises(ModelError, match=r"asks for (posix|nt)\.system.*nothing was run"):
        read_tensors(tmp_path / "evil.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(content))
    with pytest.raises(ModelError):
        read_tensors(tmp_path / "raw.pth")
    assert not marker.exists()
    if os.name == "posix":
        pickle.loads((tmp_path / "raw.pth").read_bytes())  # the test itself: an ordinary reader does run it
        assert marker.exists()


def write_tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("end2end.onnx", b"x" * 100)


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_programs_are_refused(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.trace(Doubled(), torch.ones(1)), tmp_path / "program.pt")
    with pytest.raises(ModelError, match="TorchScript program, which is not run"):
        read_tensors(tmp_path / "program.pt")


@pytest.mark.parametrize(
    ("name", "write", "says"),
    [
        ("gone.pth", lambda path: None, "no such checkpoint"),
        ("empty.pth", lambda path: path.touch(), "something else or an empty file"),
        ("text.pth", lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "something else"),
        ("page.safetensors", lambda path: path.write_text("<html>" * 99), "damaged or no safetensors"),
        ("numbers.pth", lambda path: torch.save([1, 2], path), "got a list"),
        ("bare.pth", lambda path: torch.save({"epoch": 3, "best": 0.5}, path), "got a dict of epoch, best"),
        ("none.pth", lambda path: torch.save({}, path), "a dict of nothing"),
        ("whole.pth", lambda path: torch.save({"model": Small()}, path), r"a whole .*Small object.*state_dict\(\)"),
        ("raw.pkl", lambda path: path.write_bytes(pickle.dumps({"a": 1})), "damaged or no torch checkpoint"),
        ("tar.pth", write_tar, "a tar as torch wrote before 0.4"),
        ("archive.zip", write_zip, "a zip archive without a checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_told_in_one_line(name: str, write: Any, says: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    with pytest.raises(ModelError, match=says) as caught:
        read_tensors(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("kind", ["zip", "old", "old with more", "safetensors"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.99])
def test_a_file_cut_short_is_told_in_one_line(kind: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / "cut.pth"
    if kind == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(small(), path)
    else:
        content = {"state_dict": small(), **({"meta": Config()} if kind == "old with more" else {})}
        torch.save(content, path, **({} if kind == "zip" else OLD))
    whole = path.read_bytes()
    path.write_bytes(whole[: max(9, int(len(whole) * share))])
    with pytest.raises(ModelError, match=r"damaged|something else|expected a checkpoint") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)


def test_damage_anywhere_never_breaks_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "noise.pth"
    torch.save({"state_dict": small(), "meta": Config()}, path, **OLD)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = whole.copy()
        for place in rng.integers(0, len(whole), 5):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_tensors(path)
        except ModelError as error:
            assert "\n" not in str(error)  # noqa: PT017


# Into a module -------------------------------------------------------------------------------------------------------


def test_one_network_in_the_naming_of_three_projects(tmp_path: Path) -> None:
    net = seed_by_name(HRNet())
    state = net.state_dict()
    body = {f"backbone.{name}": t for name, t in state.items() if not name.startswith("final_layer")}
    last = {name: t for name, t in state.items() if name.startswith("final_layer")}
    older = {name.replace("final_layer.", "final_layer.0."): t for name, t in last.items()}
    pixels = {"data_preprocessor.mean": torch.ones(3, 1, 1), "data_preprocessor.std": torch.ones(3, 1, 1)}
    log = {"meta": {"time": np.float64(1), "config": Config()}}
    files = {
        "original.pth": (state, {}),
        "mmpose0.pth": ({**log, "state_dict": {**body, **{f"keypoint_head.{k}": v for k, v in last.items()}}}, OLD),
        "mmpose0-first.pth": ({"state_dict": {**body, **{f"keypoint_head.{k}": v for k, v in older.items()}}}, OLD),
        "mmpose1.pth": ({**log, "state_dict": {**pixels, **body, **{f"head.{k}": v for k, v in last.items()}}}, {}),
    }
    x = torch.from_numpy(seeded_input((1, 3, 64, 64)))
    with torch.inference_mode():
        expected = net(x)
        for name, (content, options) in files.items():
            torch.save(content, tmp_path / name, **options)
            with torch.device("meta"):
                fresh = HRNet()
            load_into(fresh.eval(), tmp_path / name)
            assert torch.equal(fresh(x), expected), name


@pytest.mark.parametrize("names", ["theirs.{}", "module.theirs.{}", "{}"])
def test_tables_are_tried_in_turn(names: str, tmp_path: Path) -> None:
    torch.save({names.format(name): tensor for name, tensor in small().items()}, tmp_path / "a.pth")
    module = Small()
    load_into(module, tmp_path / "a.pth")
    assert same(module.state_dict(), small())


def test_half_becomes_float_and_counts_may_lack(tmp_path: Path) -> None:
    halves = {name: t.half() for name, t in small().items() if t.is_floating_point()}
    torch.save(halves, tmp_path / "half.pth")
    module = Small()
    module.bn1.num_batches_tracked.fill_(5)
    load_into(module, tmp_path / "half.pth")
    assert {t.dtype for name, t in module.state_dict().items() if name in halves} == {torch.float32}
    assert all(torch.equal(module.state_dict()[name], t.float()) for name, t in halves.items())
    assert int(module.bn1.num_batches_tracked) == 0


def test_a_prefix_fills_one_part_and_leaves_the_rest(tmp_path: Path) -> None:
    torch.save({f"theirs.{name}": tensor for name, tensor in small().items()}, tmp_path / "part.pth")
    pair = Pair()
    before = {name: tensor.clone() for name, tensor in pair.left.state_dict().items()}
    for prefix in ("right", "right."):
        load_into(pair, tmp_path / "part.pth", prefix=prefix)
        assert same(pair.right.state_dict(), small())
    assert same(pair.left.state_dict(), before)
    with pytest.raises(ModelError, match=r"the 14 tensors of Pair: 12 missing: left\.conv1\.weight"):
        load_into(pair, tmp_path / "part.pth")


def test_the_file_may_go_when_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(small(), path)
    module = Small()
    load_into(module, path)
    path.write_bytes(bytes(path.stat().st_size))
    assert same(module.state_dict(), small())
    assert module.conv1.weight.requires_grad


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    state = small()
    del state["conv1.bias"]
    state["conv1.weight"] = torch.zeros(4, 5, 1, 1)
    state["bn1.bias"] = torch.zeros(4, dtype=torch.int64)
    state |= {f"more{i}.weight": torch.zeros(i) for i in range(7)}
    torch.save(state, tmp_path / "other.pth")
    module = Small()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(ModelError) as caught:
        load_into(module, tmp_path / "other.pth")
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'other.pth'}: these are not the 7 tensors of Small: ")
    assert "1 missing: conv1.bias [4]; 7 not expected: more0.weight [0], more1.weight [1], " in text
    assert "more4.weight [4] and 2 more; " in text
    assert "2 of another shape: conv1.weight [4, 5, 1, 1] instead of [4, 3, 1, 1]" in text
    assert "bn1.bias int64 instead of float32" in text
    assert "\n" not in text
    assert same(module.state_dict(), before)


def test_the_message_is_about_the_naming_that_comes_nearest(tmp_path: Path) -> None:
    state = {f"theirs.{name}": tensor for name, tensor in small().items()}
    del state["theirs.conv1.bias"]
    torch.save(state, tmp_path / "near.pth")
    with pytest.raises(ModelError, match=r"Small: 1 missing: conv1\.bias \[4\]$"):
        load_into(Small(), tmp_path / "near.pth")


def test_two_tensors_with_one_name_do_not_fit(tmp_path: Path) -> None:
    state = small()
    torch.save({**state, **{f"theirs.{name}": tensor for name, tensor in state.items()}}, tmp_path / "twice.pth")
    with pytest.raises(ModelError, match="7 not expected"):
        load_into(Small(), tmp_path / "twice.pth")
