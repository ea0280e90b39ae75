"""Owns every exception of holopose.

HoloposeError
├── InputError    (ValueError)  what was given cannot be used: a file, an array, a size
├── ConfigError   (ValueError)  an option is unknown or has a value that makes no sense
├── ModelError                  a weight file is missing, altered or of the wrong kind
├── BackendError                a runtime or device cannot do what was asked
└── OutputError   (OSError)     a result cannot be written

A message says what was expected, what came and what to do, in one line. Exceptions of other libraries are turned
into one of these where they enter. Doors translate: `exit_code` is what the command line ends with.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["BackendError", "ConfigError", "HoloposeError", "InputError", "ModelError", "OutputError"]


class HoloposeError(Exception):
    """Anything that holopose itself reports."""

    exit_code: ClassVar[int] = 1


class InputError(HoloposeError, ValueError):
    """An input (file, bytes or array) cannot be used as what it was given for."""

    exit_code = 2


class ConfigError(HoloposeError, ValueError):
    """An option is unknown, or its value is outside what it accepts."""

    exit_code = 2


class ModelError(HoloposeError):
    """A weight file is missing, altered, not reachable, or not what its card says."""

    exit_code = 3


class BackendError(HoloposeError):
    """A runtime or device is not there or does not do what was asked."""

    exit_code = 4


class OutputError(HoloposeError, OSError):
    """A result cannot be written where it was asked for."""

    exit_code = 5
