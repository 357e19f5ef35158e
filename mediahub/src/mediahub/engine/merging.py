# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Puts together what several servers answered, failures included."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from . import errors, matching
from .values import Track

T = TypeVar('T')

# Two encodings of one recording differ by less than this in length.
SAME_LENGTH_MS = 3000


@dataclasses.dataclass(frozen=True, slots=True)
class FanOut(Generic[T]):
    """Answers of several servers.

    Attributes:
        results: By server, those that answered.
        failures: By server, those that could not. Empty means that the answer is whole.
    """

    results: Mapping[str, T]
    failures: Mapping[str, errors.MediaServerError]


class Hit(msgspec.Struct, frozen=True):
    """A recording and everywhere it was found.

    Attributes:
        track: As the server lists it that matched best.
        copies: The same on all servers, that one included, in the order of the servers.
        score: 1 to 100.
    """

    track: Track
    copies: tuple[Track, ...]
    score: int


class SearchAnswer(msgspec.Struct, frozen=True):
    """A search over several servers; ``failures`` names those that did not answer, and why."""

    hits: tuple[Hit, ...]
    failures: dict[str, str]


def merge(found: Mapping[str, Sequence[Track]], title: str, artist: str, limit: int) -> list[Hit]:
    """Group the same recording of several servers, best first."""
    groups: list[list[Track]] = []
    by_key: dict[tuple[str, str], list[list[Track]]] = {}
    for track in (track for tracks in found.values() for track in tracks):
        candidates = by_key.setdefault((matching.key(track.title), matching.key(track.artist)), [])
        for group in candidates:
            if _same(group[0], track):
                group.append(track)
                break
        else:
            candidates.append([track])
            groups.append(candidates[-1])
    hits = [_hit(group, title, artist) for group in groups]
    hits.sort(key=lambda hit: -hit.score)
    return [hit for hit in hits if hit.score][:limit]


def _same(one: Track, other: Track) -> bool:
    """Whether two tracks of equal title and artist are one recording."""
    mine = {entry for entry in one.external_ids if entry.scheme == 'mbid'}
    theirs = {entry for entry in other.external_ids if entry.scheme == 'mbid'}
    if mine and theirs:
        return bool(mine & theirs)
    if one.duration_ms is None or other.duration_ms is None:
        return True
    return abs(one.duration_ms - other.duration_ms) <= SAME_LENGTH_MS


def _hit(group: Sequence[Track], title: str, artist: str) -> Hit:
    top = max(group, key=lambda track: matching.score(track, title, artist))
    return Hit(top, tuple(group), matching.score(top, title, artist))
