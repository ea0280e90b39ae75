"""The tree of errors: what can be caught as what, and what the command line ends with."""

from __future__ import annotations

import pickle

import pytest

from holopose import errors
from holopose.errors import BackendError, ConfigError, HoloposeError, InputError, ModelError, OutputError

EXIT_CODES = {HoloposeError: 1, InputError: 2, ConfigError: 2, ModelError: 3, BackendError: 4, OutputError: 5}


def test_every_error_is_public_and_in_the_table() -> None:
    classes = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes == set(EXIT_CODES)
    assert sorted(errors.__all__) == sorted(cls.__name__ for cls in classes)


@pytest.mark.parametrize(("cls", "code"), EXIT_CODES.items())
def test_exit_code(cls: type[HoloposeError], code: int) -> None:
    assert cls("something is wrong").exit_code == code
    assert issubclass(cls, HoloposeError)


@pytest.mark.parametrize(
    ("cls", "builtin"), [(InputError, ValueError), (ConfigError, ValueError), (OutputError, OSError)]
)
def test_can_be_caught_as_the_builtin_it_is(cls: type[HoloposeError], builtin: type[Exception]) -> None:
    with pytest.raises(builtin, match=r"photo\.jpg: not a picture"):
        raise cls("photo.jpg: not a picture")


@pytest.mark.parametrize("cls", EXIT_CODES)
def test_message_is_the_text_and_survives_pickling(cls: type[HoloposeError]) -> None:
    error = pickle.loads(pickle.dumps(cls("one clear line")))
    assert type(error) is cls
    assert str(error) == "one clear line"
