"""Owns the names of inputs: their natural order, what is fit for a file's name, one name each, no secrets in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["hide_credentials", "make_unique", "natural_key", "path_key", "safe_name", "split_name"]

_DIGITS = re.compile(r"([0-9]+)")
_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%\w]*\]|[^:@\[\]]*)(:[0-9]*)?")
_LONGEST_BYTES = 180
"""Of one part of a name; file systems take 255 with everything that results add to it."""

NaturalKey = tuple[tuple[str | tuple[int, str], ...], str]


def natural_key(text: str) -> NaturalKey:
    """A key that sorts as people count: numbers in a name by their value, letters whatever their case.

    Different texts never have equal keys, so the order is the same wherever they came from.

    >>> sorted(["img10.jpg", "Img2.jpg", "img1.jpg"], key=natural_key)
    ['img1.jpg', 'Img2.jpg', 'img10.jpg']
    """
    pieces: list[str | tuple[int, str]] = []
    for place, piece in enumerate(_DIGITS.split(text)):
        digits = piece.lstrip("0")  # compared by length first: as large as their value, and never converted
        pieces.append((len(digits), digits) if place % 2 else piece.casefold())
    return tuple(pieces), text


def path_key(name: str) -> tuple[NaturalKey, ...]:
    """`natural_key` of every part of a name with ``/`` in it, so that a folder's files stay together."""
    return tuple(natural_key(part) for part in name.split("/"))


def safe_name(text: str) -> str:
    r"""A relative name with ``/`` between its parts that no file system reads as anything else.

    Meant for the names in archives, which can say anything: drive letters, leading slashes, ``.`` and ``..`` go,
    characters that are forbidden somewhere become ``_``, overlong parts are cut.

    >>> safe_name("C:\\fakepath\\..\\a:b.jpg"), safe_name("../../etc/passwd"), safe_name("///")
    ('fakepath/a_b.jpg', 'etc/passwd', '_')
    """
    text = re.sub(r"^[A-Za-z]:(?=[\\/]|$)", "", text)
    parts = (_safe_part(part) for part in re.split(r"[\\/]", text) if part not in ("", ".", ".."))
    return "/".join(parts) or "_"


def _safe_part(part: str) -> str:
    text = "".join(one if one.isprintable() else "_" for one in _UNSAFE.sub("_", part)).strip(" ")
    text = text.rstrip(". ") or "_"
    if _RESERVED.match(text):
        text = f"_{text}"
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST_BYTES:
        return encoded.decode("utf-8")
    stem, ending = split_name(text)
    kept = stem.encode("utf-8", "replace")[: _LONGEST_BYTES - 24].decode("utf-8", "ignore")
    return kept.rstrip(". ") + (ending if len(ending.encode("utf-8", "replace")) <= 24 else "")


def split_name(name: str) -> tuple[str, str]:
    """A file's name without and with only its ending; a leading dot begins no ending.

    >>> split_name("day.1/a.b.jpg"), split_name(".hidden"), split_name("x.tar.gz")
    (('day.1/a.b', '.jpg'), ('.hidden', ''), ('x.tar', '.gz'))
    """
    folder, slash, last = name.rpartition("/")
    dot = last.rfind(".")
    if dot <= 0 or not last[:dot].strip("."):
        return name, ""
    return folder + slash + last[:dot], last[dot:]


def make_unique(names: Iterable[tuple[str, str]]) -> list[str]:
    """One name for each pair of a name and its ending, in order, no two alike whatever their case.

    That is the name without its ending; where several endings share it, it keeps the ending; what is still alike gets a
    number.

    >>> make_unique([("a", ".jpg"), ("b", ".jpg"), ("B", ".png"), ("c", ".jpg"), ("c", ".jpg")])
    ['a', 'b.jpg', 'B.png', 'c', 'c-2']
    """
    pairs = list(names)
    endings: dict[str, set[str]] = {}
    for name, ending in pairs:
        endings.setdefault(_fold(name), set()).add(_fold(ending))
    wanted = [name if len(endings[_fold(name)]) == 1 else name + ending for name, ending in pairs]
    taken = {_fold(name) for name in wanted}
    given: set[str] = set()
    numbers: dict[str, int] = {}
    unique = []
    for name in wanted:
        key = _fold(name)
        one = name
        while _fold(one) in given or (one != name and _fold(one) in taken):
            numbers[key] = numbers.get(key, 1) + 1
            one = f"{name}-{numbers[key]}"
        given.add(_fold(one))
        unique.append(one)
    return unique


def _fold(name: str) -> str:
    """Equal for names that some file system holds to be the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def hide_credentials(url: str) -> str:
    """An address without user, password and query, fit for names, messages and files.

    Whatever stands before the host or after ``?`` or ``#`` is dropped, and so are parts of the path that hold ``=``:
    some cameras take their password there. Where a password holds characters that leave it unclear where the host
    begins, only the scheme is left.

    >>> hide_credentials("rtsp://admin:se@cret@10.0.0.5:554/live?token=1"), hide_credentials("rtsp://a:b/c@host/live")
    ('rtsp://10.0.0.5:554/live', 'rtsp://...')
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    beyond = rest[len(authority) :]
    host = authority.rpartition("@")[2]
    if not _ADDRESS.fullmatch(host) or ("@" in beyond and ":" in authority):
        return f"{scheme}://..."
    path = re.split(r"[?#]", beyond, maxsplit=1)[0]
    return f"{scheme}://{host}" + "/".join("..." if "=" in part else part for part in path.split("/"))
