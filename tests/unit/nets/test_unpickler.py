from __future__ import annotations

import collections
import io
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from holopose.nets import unpickler  # noqa: E402


class Calls:
    """Pickles as the call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


class Custom(dict):  # type: ignore[type-arg]
    """An object with state, items and methods, as configurations are."""

    def __init__(self) -> None:
        super().__init__(inner=1)
        self.secret = 2


class Rows(list):  # type: ignore[type-arg]
    pass


def load(content: Any, protocol: int = 2) -> Any:
    return unpickler.load(io.BytesIO(pickle.dumps(content, protocol)))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_plain_values_are_themselves(protocol: int) -> None:
    content = collections.OrderedDict(a=[1, 2.5, None, "x", b"y"], b=(True, {"c": {3}}))
    assert load(content, protocol) == content
    assert isinstance(load(content, protocol), collections.OrderedDict)


@pytest.mark.parametrize("protocol", [2, 4])
def test_unknown_objects_become_stubs(protocol: int) -> None:
    content = {"config": Custom(), "rows": Rows([1, 2]), "path": Path("x"), "kind": Custom, "keyed": {Path("k"): 1}}
    got = load(content, protocol)
    assert isinstance(got["config"], unpickler.Stub)
    assert isinstance(got["rows"], unpickler.Stub)
    assert not hasattr(got["config"], "secret")
    assert got["config"].stands_for.endswith(".Custom")
    assert issubclass(got["kind"], unpickler.Stub)
    assert list(got["keyed"].values()) == [1]


@pytest.mark.parametrize(
    "call",
    [
        Calls(os.system, "touch marker"),
        Calls(subprocess.check_output, ["touch", "marker"]),
        Calls(eval, "open('marker', 'w')"),
        Calls(exec, "open('marker', 'w')"),
        Calls(open, "marker", "w"),
    ],
)
def test_what_runs_programs_is_refused(call: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(unpickler.Forbidden, match="asks for"):
        load({"weights": 1, "more": [call]})
    assert list(tmp_path.iterdir()) == []


def test_other_calls_do_nothing(tmp_path: Path) -> None:
    target = tmp_path / "marker"
    got = load([Calls(Path.touch, target), Calls(getattr, target, "unlink"), Calls(torch.save, 1, str(target))])
    assert all(isinstance(one, unpickler.Stub) for one in got)
    assert not target.exists()


def test_what_builds_tensors_cannot_be_changed() -> None:
    change = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x05\x00\x00\x00_makeK\x01s\x86b."
    with pytest.raises(unpickler.Forbidden, match="changes"):
        unpickler.load(io.BytesIO(change))
