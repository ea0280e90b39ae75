"""Owns converted networks: ONNX files made here from tensors, and whether they still belong to them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holopose.errors import ModelError
from holopose.zoo.cache import find, home, sha256_of
from holopose.zoo.cards import Card

__all__ = ["converted_path", "find_converted", "forget_converted", "keep_converted"]

_FACTS = "facts.json"


def converted_path(model: str) -> Path:
    """Where the ONNX file of a model lies, or will; its tensors may lie beside it."""
    return home() / "models" / "converted" / model / "model.onnx"


def find_converted(model: str, cards: Sequence[Card]) -> Path | None:
    """The ONNX file made from the model's files, None where there is none, or one made from others.

    The files themselves need not be here: what was converted on another machine works without them, and without torch.

    Raises:
        ModelError: it is truncated or altered.
    """
    path = converted_path(model)
    notes = path.with_name(_FACTS)
    again = f"delete the folder, then: holopose models convert {model} --to onnx"
    try:
        facts = json.loads(notes.read_text(encoding="utf-8"))
        files, sources = dict(facts["files"]), dict(facts["sources"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{notes}: cannot be read ({error}); {again}") from error
    for name, expected in files.items():
        one = path.with_name(name)
        if not one.is_file() or sha256_of(one) != expected:
            raise ModelError(f"{one} is missing, truncated or altered; {again}")
    for card in cards:
        here = find(card)
        if here is not None and sources.get(card.name) != sha256_of(here):
            return None
    return path


def keep_converted(model: str, made: Path, sources: Mapping[str, str], facts: Mapping[str, Any]) -> Path:
    """Take a converted network into the cache, in place of an earlier one.

    Args:
        model: Whose it is.
        made: Folder on the cache's own disk that holds model.onnx and what belongs to it; moved.
        sources: sha256 of each file it was made from, by card name.
        facts: What else to write down: versions, parity.

    Raises:
        ModelError: the cache cannot be written.
    """
    path = converted_path(model)
    told = {"files": {one.name: sha256_of(one) for one in sorted(made.iterdir())}, "sources": dict(sources), **facts}
    old = path.parent.with_name(f".{model}.old")
    try:
        (made / _FACTS).write_text(json.dumps(told, indent=2), encoding="utf-8")
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(old, ignore_errors=True)
        if path.parent.exists():
            path.parent.replace(old)
        made.replace(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise ModelError(f"{path.parent}: cannot be written ({error.strerror or error})") from error
    return path


def forget_converted(model: str) -> bool:
    """Delete what a model was converted to; False when there was nothing.

    Raises:
        ModelError: it cannot be deleted.
    """
    folder = converted_path(model).parent
    if not folder.is_dir():
        return False
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be deleted ({error.strerror or error}): delete it by hand") from error
    return True
