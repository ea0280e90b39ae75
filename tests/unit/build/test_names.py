from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holopose.build import name_results

words = st.text("abAB.-2", min_size=1, max_size=4)
some_inputs = st.lists(
    st.tuples(st.one_of(words, st.builds("{}/{}".format, words, words)), st.sampled_from(["", ".jpg"]))
)


@given(some_inputs)
def test_every_input_gets_a_name_of_its_own_that_says_which(inputs: list[tuple[str, str]]) -> None:
    names = name_results(inputs)
    assert len(names) == len(inputs)
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.startswith(wanted) for name, (wanted, _) in zip(names, inputs, strict=True))
    assert name_results(inputs) == names


def test_endings_and_numbers_tell_inputs_of_one_name_apart() -> None:
    assert name_results([("photo", ".jpg")]) == ["photo"]
    assert name_results([("photo", ".jpg"), ("photo", ".png")]) == ["photo.jpg", "photo.png"]
    assert name_results([("a/p", ".jpg"), ("b/p", ".jpg"), ("P", ".jpg"), ("p", ".jpg")]) == ["a/p", "b/p", "P", "p-2"]


def test_no_result_takes_the_place_of_the_journal() -> None:
    assert name_results([("holopose-run", ".mp4")])[0] != "holopose-run"
    assert name_results([("day/holopose-run", ".mp4")]) == ["day/holopose-run"]


def test_no_input_is_called_like_a_result_of_another() -> None:
    """a.coco.json could be COCO of a.jpg or JSON of a.coco.jpg."""
    names = name_results([("a.coco", ".jpg"), ("a", ".jpg"), ("A.wide", ".jpg"), ("b.coco", ".jpg")])
    assert names == ["a.coco-2", "a", "A.wide-2", "b.coco"]
