"""Owns labelled data sets: annotation files read into pictures and their labelled people.

`open_dataset` recognises a file by its content; each kind has a module that says which fields it has.
"""

from holopose.datasets.dataset import Dataset, Picture
from holopose.datasets.opening import KINDS, open_dataset

__all__ = ["KINDS", "Dataset", "Picture", "open_dataset"]
