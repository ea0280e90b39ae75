"""Owns people's own weights: files added under a name of their own, run like a model that the zoo knows.

Each lies in a folder of the cache (``models/added/NAME``) with a ``card.json`` that says what it is like, what differs,
and the sha256 of its files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holopose.errors import ConfigError, InputError, ModelError
from holopose.skeletons import LAYOUTS
from holopose.zoo import cache
from holopose.zoo.archives import opened_member
from holopose.zoo.cards import Card, Licence
from holopose.zoo.seals import Seal
from holopose.zoo.settings import adjusted, settings_of
from holopose.zoo.shards import INDEX, join
from holopose.zoo.trial import try_out

__all__ = ["Addition", "add", "names", "read", "remove"]

TENSORS = (".pth", ".pt", ".bin", ".safetensors", ".tar")
"""Endings of files that hold tensors for a torch module; .tar is what some call ``checkpoint.pth.tar``."""
_NETWORKS = (".onnx", ".zip")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MEANT = ("auto", "none", "poses")
"""Words that stand for something else where a model's name may stand."""
_COUNTS = ("maps", "keypoints")
"""What networks call their setting of how many keypoints they give."""
_MOST_BYTES = 64 << 30
_CARD = "card.json"


@dataclass(frozen=True, slots=True, eq=False)
class Addition:
    """What was added: its cards, and how its files were checked, in words."""

    cards: tuple[Card, ...]
    checked: str


def names() -> list[str]:
    """Names of all models that were added, whether they can be read or not."""
    try:
        return sorted(path.name for path in _home().iterdir() if _NAME.fullmatch(path.name) and path.is_dir())
    except OSError:
        return []


def read(name: str, known: Mapping[str, Sequence[Card]]) -> tuple[Card, ...]:
    """The cards of an added model, the main one first.

    Args:
        name: One of `names`.
        known: The zoo's own models, one of which it is like.

    Raises:
        ModelError: what was written down of it is damaged or of another version.
    """
    path = _home() / name / _CARD
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        likes = {card.name: card for card in known[told["like"]]}
        _check_settings(path, likes[told["files"][0]["like"]], told)
        return tuple(
            _card(name, likes[file["like"]], file, told, first=number == 0) for number, file in enumerate(told["files"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path}: cannot be read ({type(error).__name__}: {error}); `holopose models remove {name}`, add it again"
        ) from error


def _check_settings(path: Path, like: Card, told: Mapping[str, Any]) -> None:
    """What was set must still be settings of the model that it is like.

    Raises:
        ModelError: one is not.
    """
    lost = set(told["net_settings"]) - set(like.net_settings)
    if told["settings"]:  # only then the family has to be imported
        lost |= set(told["settings"]) - set(settings_of(like))
    if lost:
        raise ModelError(
            f"{path}: sets {', '.join(sorted(lost))}, which {told['like']} has no more in this version; "
            f"`holopose models remove {path.parent.name}`, add it again"
        )


def add(
    name: str, source: Path, like: str, known: Mapping[str, Sequence[Card]], changes: Sequence[str] = ()
) -> Addition:
    """Take people's own weights into the cache under a name of their own.

    Args:
        name: What to call it.
        source: A weight file, a zip with ``end2end.onnx``, or a folder as Hugging Face lays them out.
        like: Name of the zoo's model that it is one of, with other weights.
        known: The zoo's own models.
        changes: Settings that differ, ``name=value``; ``skeleton=halpe26`` where the keypoints differ.

    Raises:
        ConfigError: the name is taken or odd, `like` or a setting is unknown.
        InputError: `source` cannot be read or holds no weights.
        ModelError: the weights are not such a model's, or the cache cannot be written; nothing is left behind.
    """
    _check_name(name, known)
    if like not in known:
        raise ConfigError(f"like: expected a model of the zoo's own, got {like!r}; `holopose models list` shows them")
    cards = list(known[like])
    settings = [one for one in changes if not one.replace(" ", "").startswith("skeleton=")]
    layout = next((one.partition("=")[2].strip() for one in changes if one not in settings), None)
    if layout is not None and layout not in LAYOUTS:
        raise ConfigError(f"skeleton: expected one of {', '.join(LAYOUTS)}, got {layout!r}")
    if layout is not None and cards[0].skeleton is None:
        raise ConfigError(f"skeleton: {like} gives no keypoints; leave it out")
    family, net = adjusted(cards[0], settings)
    told: dict[str, Any] = {
        "like": like,
        "added": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": {key: value for key, value in family.items() if cards[0].settings.get(key) != value},
        "net_settings": net,
        "skeleton": layout,
        "files": [],
    }
    try:
        files = _files(source, cards)
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror or error}") from error
    if files[0].suffix.lower() not in _NETWORKS:
        _check_count(cards[0], net, layout)
    with cache.locked() as work:
        _check_name(name, known)  # another process may have been quicker
        folder = work / name
        try:
            folder.mkdir()
            for card, path in zip(cards, files, strict=True):
                told["files"].append(_take(name, card, path, folder, many=len(cards) > 1))
            (folder / _CARD).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise cache.cannot_write(folder, error) from error
        told = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        added = tuple(_card(name, c, f, told, first=c is cards[0]) for c, f in zip(cards, told["files"], strict=True))
        try:
            checked = try_out(added, {card.name: folder / card.filename for card in added}, like)
        except ModelError as error:  # of the copy, which is gone by then
            copies = {str(folder / card.filename): str(path) for card, path in zip(added, files, strict=True)}
            raise ModelError(_renamed(str(error), copies)) from error
        try:
            _home().mkdir(parents=True, exist_ok=True)
            folder.rename(_home() / name)
        except OSError as error:
            raise cache.cannot_write(_home(), error) from error
    return Addition(added, checked)


def remove(name: str) -> None:
    """Delete an added model.

    Raises:
        ConfigError: nothing was added under that name.
        ModelError: the cache cannot be written.
    """
    if name not in names():
        raise ConfigError(f"no model was added under the name {name!r}; added: {', '.join(names()) or 'none'}")
    with cache.locked() as work:
        try:
            (_home() / name).rename(work / name)  # gone at once; its files are deleted with the work folder
        except OSError as error:
            raise cache.cannot_write(_home(), error) from error


def _home() -> Path:
    return cache.home() / "models" / "added"


def _check_name(name: str, known: Mapping[str, Sequence[Card]]) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name: expected lower-case letters, digits, dots, dashes and underscores, got {name!r}")
    if name in _MEANT:
        raise ConfigError(f"name: {name!r} means something else as a detector or bottom-up model; choose another")
    if name in known or any(card.name == name for cards in known.values() for card in cards):
        raise ConfigError(f"name: {name!r} is a model of the zoo's own; choose another")
    if name in names():
        raise ConfigError(f"name: {name!r} was added already; `holopose models remove {name}` first")


def _check_count(like: Card, net: Mapping[str, Any], layout: str | None) -> None:
    """The network's setting of how many keypoints it gives, where there is one, must be that of the layout."""
    skeleton = like.skeleton if layout is None else LAYOUTS[layout]
    for key in _COUNTS:
        count = net.get(key, like.net_settings.get(key))
        if skeleton is not None and count not in (None, len(skeleton)):
            raise ConfigError(
                f"skeleton: {skeleton.name} has {len(skeleton)} keypoints and the network gives {count}: set "
                f"{key} and skeleton to what the file has (--set {key}=N --set skeleton=LAYOUT)"
            )


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _card(name: str, like: Card, file: Mapping[str, Any], told: Mapping[str, Any], *, first: bool) -> Card:
    """The card of one file: that of the model it is like, with what differs."""
    settings = {**like.settings, **({key: _frozen(value) for key, value in told["settings"].items()} if first else {})}
    changed = {key: _frozen(value) for key, value in told["net_settings"].items() if key in like.net_settings or first}
    size_hw = settings.get("input_hw")
    layout = told["skeleton"]
    is_network = not str(file["filename"]).endswith(TENSORS)
    return replace(
        like,
        name=name if first else f"{name}-{like.name}",
        model=name,
        filename=file["filename"],
        sha256=file["sha256"],
        size=file["size"],
        places=(),
        folder=f"models/added/{name}",
        licence=Licence(code=like.licence.code, weights="yours", training_data="yours"),
        notes=f"Added from {file['source']} on {told['added'][:10]}, like {told['like']}.",
        settings=settings,
        net=None if is_network else like.net,
        net_settings={} if is_network else {**like.net_settings, **changed},
        prefix="" if is_network else like.prefix,
        skeleton=like.skeleton if layout is None or like.skeleton is None else LAYOUTS[layout],
        input_hwc=like.input_hwc if size_hw is None else (*size_hw, like.input_hwc[2]),
        published="",
    )


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _files(source: Path, cards: Sequence[Card]) -> list[Path]:
    """Which file of `source` is for which card."""
    if source.is_file() and len(cards) == 1:
        return [source]
    if not source.exists():
        raise InputError(f"{source}: expected a weight file or a folder of them, got nothing there")
    if not source.is_dir():
        if len(cards) == 1:
            raise InputError(f"{source}: expected a weight file or a folder of them, got something else")
        raise InputError(f"{source}: {cards[0].model} has {len(cards)} files: expected a folder that holds them")
    if len(cards) == 1:
        return [_only(source, cards[0])]
    return [_named(source, card) for card in cards]


def _only(folder: Path, card: Card) -> Path:
    """The weights in a folder for a model of one file."""
    here = sorted(path for path in folder.iterdir() if path.is_file())
    indices = [path for path in here if path.name.endswith(INDEX)]
    if len(indices) == 1:
        return indices[0]
    endings = TENSORS if card.net is not None else ()
    for suffixes in ((".safetensors",), endings, (".onnx",)):
        found = [path for path in here if path.suffix in suffixes]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"{folder}: holds several weight files: {', '.join(p.name for p in found[:4])}; name one")
    raise InputError(f"{folder}: holds no weights: expected model.safetensors, another file of tensors or an .onnx")


def _named(folder: Path, card: Card) -> Path:
    """The file for one of several cards: under the name that its makers publish it by, or the cache's."""
    tails = [url.address.split("/") for url in card.urls]
    wanted = [Path(*parts[-length:]) for length in (2, 1) for parts in tails] + [Path(card.filename)]
    for path in wanted:
        if (folder / path).is_file():
            return folder / path
    raise InputError(f"{folder}: lacks the {card.role}: expected {' or '.join(map(str, dict.fromkeys(wanted)))}")


def _take(name: str, card: Card, path: Path, folder: Path, *, many: bool) -> dict[str, Any]:
    """Copy one file into `folder`; what to write down of it."""
    suffix = path.suffix.lower()
    stem = f"{name}-{card.name}" if many else name
    if suffix in TENSORS or path.name.endswith(INDEX):
        if card.net is None:
            raise ModelError(f"{path.name}: {card.model} takes a network as .onnx, not tensors as {suffix}")
    elif suffix not in _NETWORKS:
        raise ModelError(
            f"{path.name}: expected .onnx, {', '.join(TENSORS)} or a zip with end2end.onnx, got {suffix!r}"
        )
    try:
        if path.name.endswith(INDEX):
            target = folder / f"{stem}.safetensors"
            cache.check_space(folder, sum(one.stat().st_size for one in path.parent.glob("*.safetensors")))
            with target.open("xb") as out:
                join(path, out)
            came = Seal(cache.sha256_of(target), target.stat().st_size)
        elif suffix == ".zip":
            target = folder / f"{stem}.onnx"
            with opened_member(path, "end2end.onnx") as (stream, size):
                cache.check_space(folder, size)
                came = cache.copy_in(stream, target, size)
        else:
            target = folder / f"{stem}{'.pth' if suffix == '.tar' else suffix}"
            cache.check_space(folder, path.stat().st_size)
            with path.open("rb") as stream:
                came = cache.copy_in(stream, target, _MOST_BYTES)
    except PermissionError as error:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return {"like": card.name, "filename": target.name, "sha256": came.sha256, "size": came.size, "source": path.name}
