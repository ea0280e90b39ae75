"""Owns matching: whom of the people known each sighting shows, and who is new."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.ops.assignment import assign
from holopose.tracking.sightings import Sightings
from holopose.tracking.tracks import Fit, Tracks

__all__ = ["match", "newcomers"]

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

_NEAR = 0.2  # nearness from which a sighting may be somebody seen just now
_NEAR_WEAK = 0.3  # the same where the sighting is weak
_TRUST = 0.2  # nearness, size and colours from which it may be somebody who was lost or moved suddenly
_SUDDEN_SD = 0.2  # how far, in person sizes, somebody is looked for at least who is not where expected


def match(tracks: Tracks, seen: Sightings, *, recent: Mask, confident: Mask, weak: Mask) -> Rows:
    """Row of the track that each sighting continues (N,), -1 = none; the steps are described at `PoseTracker`.

    Args:
        tracks: Moved on to the time of the sightings.
        seen: The sightings.
        recent: (T,) whose place is known well, among the confirmed.
        confident: (N,) sightings to be believed.
        weak: (N,) sightings that only continue a track.
    """
    track_of = np.full(len(seen), -1, np.intp)
    if not len(tracks) or not len(seen):
        return track_of
    confirmed = tracks.ids >= 0
    free = np.ones(len(tracks), np.bool_)

    def pair(who: Mask, whom: Mask, fit: Fit, possible: Mask) -> None:
        rows, people = np.flatnonzero(who & free), np.flatnonzero(whom & (track_of < 0))
        if len(rows) and len(people):
            window = np.ix_(rows, people)
            first, second = assign(np.where(possible[window], fit.worth[window], 0))
            track_of[people[second]] = rows[first]
            free[rows[first]] = False

    fit = tracks.fit(seen)
    pair(confirmed, confident, fit, np.where(recent[:, None], fit.near >= _NEAR, fit.trust >= _TRUST))
    _part_doubles(seen, track_of, free, recent)
    pair(recent, weak, fit, fit.near >= _NEAR_WEAK)
    single = ~_doubles(seen, track_of, confident | weak)
    if (confirmed & free).any() and (confident & single & (track_of < 0)).any():
        wide = tracks.fit(seen, _SUDDEN_SD)
        pair(confirmed, confident & single, wide, wide.trust >= _TRUST)
    pair(~confirmed, (confident | weak) & single, fit, fit.near >= _NEAR)
    return track_of


def newcomers(seen: Sightings, track_of: Rows, confident: Mask) -> Rows:
    """Sightings of people not known: confident, no track's and nobody's double, the better of two doubles."""
    new = (track_of < 0) & confident
    rows = np.flatnonzero(new & ~_doubles(seen, track_of, new))
    if len(rows) < 2:
        return rows
    rows = rows[np.argsort(-seen.scores[rows], kind="stable")]
    same = seen.doubles(rows, rows)
    kept: list[int] = []
    for i in range(len(rows)):
        if not same[i, kept].any():
            kept.append(i)
    return np.sort(rows[kept])


def _doubles(seen: Sightings, track_of: Rows, whom: Mask) -> Mask:
    """Which sightings without a track, of `whom`, show somebody whom another sighting shows already."""
    doubles = np.zeros(len(seen), np.bool_)
    left, taken = np.flatnonzero((track_of < 0) & whom), np.flatnonzero(track_of >= 0)
    if len(left) and len(taken):
        doubles[left] = seen.doubles(left, taken).any(axis=1)
    return doubles


def _part_doubles(seen: Sightings, track_of: Rows, free: Mask, recent: Mask) -> None:
    """Take back from people who were lost what is only the double of somebody seen all along."""
    taken = np.flatnonzero(track_of >= 0)
    firm = recent[track_of[taken]]
    back, sure = taken[~firm], taken[firm]
    if len(back) and len(sure):
        double = back[seen.doubles(back, sure).any(axis=1)]
        free[track_of[double]] = True
        track_of[double] = -1
