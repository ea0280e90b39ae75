from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.io.sources.names import hide_credentials, make_unique, natural_key, path_key, safe_name, split_name

TEXT = st.text(max_size=12)


def test_numbers_sort_by_value() -> None:
    names = [
        "img10.jpg",
        "img2.jpg",
        "IMG1.jpg",
        "img02.jpg",
        "img",
        "9",
        "10",
        "a9b10",
        "a9b9",
        f"x{'9' * 5000}",
        "x1",
    ]
    assert sorted(names, key=natural_key) == [
        *("9", "10", "a9b9", "a9b10", "img", "IMG1.jpg", "img02.jpg", "img2.jpg", "img10.jpg", "x1", f"x{'9' * 5000}"),
    ]


@given(st.integers(0, 10**30), st.integers(0, 10**30), st.text("abXY-_.", max_size=4), st.text("abc", max_size=3))
def test_a_number_anywhere_counts(a: int, b: int, before: str, after: str) -> None:
    first, second = (f"{before}{n}{after}" for n in (a, b))
    assert (natural_key(first) < natural_key(second)) is (a < b)


@given(st.lists(TEXT, unique=True, max_size=8), st.randoms())
def test_the_order_does_not_depend_on_where_it_starts(names: list[str], random: object) -> None:
    expected = sorted(names, key=natural_key)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert sorted(names, key=natural_key) == expected
    assert len({natural_key(name) for name in names}) == len(names)


def test_folders_stay_together() -> None:
    names = ["day10/1.jpg", "day2/10.jpg", "day2/9.jpg", "day2-x/1.jpg", "day2.jpg"]
    assert sorted(names, key=path_key) == ["day2/9.jpg", "day2/10.jpg", "day2-x/1.jpg", "day2.jpg", "day10/1.jpg"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("day1/img.jpg", "day1/img.jpg"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\a.jpg", "Users/a.jpg"),
        ("c:a.jpg", "c_a.jpg"),
        ("a\\..\\..\\b.jpg", "a/b.jpg"),
        ("./a//b/./c", "a/b/c"),
        ("a\x00b\nc\x1b[31m.jpg", "a_b_c_[31m.jpg"),
        ("\u202egpj.exe", "_gpj.exe"),  # writing direction turned round
        ("a. . ./b ", "a/b"),
        ("CON/nul.txt/com1", "_CON/_nul.txt/_com1"),
        ("...", "_"),
        ("", "_"),
        ("~/.ssh/key", "~/.ssh/key"),  # a plain name: nobody expands it
        ("\udce4.jpg", "_.jpg"),  # a byte that is no UTF-8
    ],
)
def test_safe_names(text: str, safe: str) -> None:
    assert safe_name(text) == safe


@given(st.one_of(st.text(max_size=400), st.text("./\\:a C~\x00", max_size=12)))
def test_what_is_safe(text: str) -> None:
    name = safe_name(text)
    assert name.isprintable()
    assert not re.search(r'[\\:<>"|?*]', name)
    for part in name.split("/"):
        assert part not in ("", ".", "..")
        assert not part.endswith((" ", "."))
        assert len(part.encode()) <= 180
    assert safe_name(name) == name


def test_a_long_name_keeps_its_ending() -> None:
    assert safe_name("é" * 300 + ".jpg") == "é" * 78 + ".jpg"
    assert len(safe_name("a" * 300 + "." + "b" * 300)) == 156


def test_splitting() -> None:
    assert [split_name(name) for name in ("a.jpg", "a", ".a", "...jpg", "x.y/a", "a.", "é.JPG")] == [
        *(("a", ".jpg"), ("a", ""), (".a", ""), ("...jpg", ""), ("x.y/a", ""), ("a", "."), ("é", ".JPG")),
    ]


def test_one_name_each() -> None:
    jpg = [(name, ".jpg") for name in ("x", "X", "x-2", "x", "day/x")]
    assert make_unique(jpg) == ["x", "X-3", "x-2", "x-4", "day/x"]
    assert make_unique([("a", ".jpg"), ("a", ".png"), ("A", ".JPG")]) == ["a.jpg", "a.png", "A.JPG-2"]
    assert make_unique([("e\u0301", ".jpg"), ("\u00e9", ".jpg")]) == ["e\u0301", "\u00e9-2"]  # one file on some disks
    assert make_unique([]) == []


@given(st.lists(st.tuples(st.sampled_from(["a", "A", "a-2", "a.jpg", "b"]), st.sampled_from([".jpg", ".png", ""]))))
def test_no_two_alike(pairs: list[tuple[str, str]]) -> None:
    names = make_unique(pairs)
    assert len(names) == len(pairs)
    assert len({name.casefold() for name in names}) == len(names)
    assert all(one.startswith(name) for one, (name, _) in zip(names, pairs, strict=True))


def test_many_alike_take_no_time() -> None:
    assert make_unique([("img", ".jpg")] * 50_000)[-1] == "img-50000"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://host/live", "rtsp://host/live"),
        ("rtsp://user:pass@host:554/live/1", "rtsp://host:554/live/1"),
        ("rtsp://user@host", "rtsp://host"),
        ("rtsp://user:p@ss@host/live", "rtsp://host/live"),
        ("http://host/video.mjpg?user=admin&pwd=secret#top", "http://host/video.mjpg"),
        ("http://host?pwd=secret", "http://host"),
        ("rtsp://host/user=admin_password=secret_channel=1/x", "rtsp://host/.../x"),
        ("http://user:pass@[fe80::1%eth0]:8080/x", "http://[fe80::1%eth0]:8080/x"),
        ("http://host/@name/live", "http://host/@name/live"),
        ("rtsp://user:sec/ret@host/live", "rtsp://..."),
        ("rtsp://user:12/ret@host/live", "rtsp://..."),
        ("rtsp://us@er:sec/ret@host/live", "rtsp://..."),
        ("rtsp://user:sec?ret@host/live", "rtsp://..."),
        ("rtsp://user:sec#ret@host/live", "rtsp://..."),
        ("photos/a@b.jpg", "photos/a@b.jpg"),
    ],
)
def test_credentials_are_hidden(url: str, shown: str) -> None:
    assert hide_credentials(url) == shown


@given(st.text("abc/@:?#%1[]", max_size=10), st.sampled_from(["", "/live", "/live?x=1"]))
def test_no_password_gets_through(password: str, path: str) -> None:
    shown = hide_credentials(f"rtsp://admin:<secret>{password}<secret>@host{path}")
    assert "secret" not in shown
    assert "admin" not in shown
