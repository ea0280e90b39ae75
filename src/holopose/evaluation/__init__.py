"""Owns judging: what was found against what is labelled, in the figures of each data set's own evaluation.

Everything here takes pairs of `Labelled` and `Found`, one per picture, and gives a `Table`: row -> column -> figure.
"""

from holopose.evaluation.result import Result, Table

__all__ = ["Result", "Table"]
