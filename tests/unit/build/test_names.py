from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.build import name_results

words = st.text("abAB.-2", min_size=1, max_size=4).filter(lambda word: word.strip("."))
some_inputs = st.lists(st.builds(lambda a, b, c: f"{a}/{b}.{c}", words, words, st.sampled_from(["jpg", "png"])))


@given(some_inputs)
def test_every_input_gets_a_name_of_its_own_that_says_which(inputs: list[str]) -> None:
    names = name_results(inputs)
    assert set(names) == {Path(path) for path in inputs}
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all(name.startswith(path.stem) for path, name in names.items())
    assert all(name == PurePath(name).name for name in names.values())
    assert name_results(inputs) == names


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (["photo.jpg"], ["photo"]),
        (["photo.jpg", "photo.png"], ["photo.jpg", "photo.png"]),
        (["a/photo.jpg", "b/photo.jpg", "photo-2.jpg"], ["photo", "photo-3", "photo-2"]),
        (["a/photo.jpg", "b/photo.jpg", "c/photo.png"], ["photo.jpg", "photo.jpg-2", "photo.png"]),
        (["a/Photo.jpg", "b/photo.jpg"], ["Photo", "photo-2"]),
        (["a.jpg", "./a.jpg", "b.jpg"], ["a", "b"]),
    ],
)
def test_results_are_named_after_their_inputs(inputs: list[str], names: list[str]) -> None:
    assert list(name_results(inputs).values()) == names
