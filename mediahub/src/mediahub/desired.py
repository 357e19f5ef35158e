# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Playlists as a file says they shall be.

A JSON file::

    {"title": "Evening", "tracks": [{"title": "Teardrop", "artist": "Massive Attack"},
                                    {"id": "3000017"}]}

A track is named by the server's id, or by title and artist and then looked for.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import msgspec

from .engine import matching
from .engine.contract import MediaServerClient
from .engine.errors import ConfigurationError
from .engine.values import ItemRef, Kind

# A search that answers less well than this found something else.
GOOD_ENOUGH = 80


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A track that a playlist shall hold."""

    id: str | None = None
    title: str | None = None
    artist: str = ''

    def __str__(self) -> str:
        return self.id or (f'{self.artist} - {self.title}' if self.artist else str(self.title))


class DesiredPlaylist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A playlist as it shall be."""

    title: str
    tracks: tuple[Wanted, ...]


def load(path: pathlib.Path) -> DesiredPlaylist:
    """Read the file.

    Raises:
        ConfigurationError: It cannot be read, or does not say what it has to.
    """
    try:
        desired = msgspec.json.decode(path.read_bytes(), type=DesiredPlaylist)
    except (OSError, msgspec.DecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError([f'{path}: {reason}']) from error
    nameless = [place for place, row in enumerate(desired.tracks, 1) if not (row.id or row.title)]
    mistakes = [f'{path}: track {place} has neither id nor title' for place in nameless]
    if not desired.title.strip():
        mistakes.append(f'{path}: the title is empty')
    if mistakes:
        raise ConfigurationError(mistakes)
    return desired


class Resolved(msgspec.Struct, frozen=True):
    """Wanted tracks as a server has them.

    Attributes:
        tracks: In order.
        missing: What was not found, in the words of the file.
        words: How the file calls a track, by native id.
    """

    tracks: tuple[ItemRef, ...]
    missing: tuple[str, ...]
    words: dict[str, str]


async def resolve(client: MediaServerClient, wanted: Sequence[Wanted]) -> Resolved:
    """Find the wanted tracks on a server."""
    known: dict[Wanted, ItemRef | None] = {}
    for row in dict.fromkeys(wanted):
        known[row] = await _find(client, row)
    return Resolved(
        tracks=tuple(ref for row in wanted if (ref := known[row])),
        missing=tuple(str(row) for row in wanted if not known[row]),
        words={ref.native_id: str(row) for row, ref in known.items() if ref},
    )


async def _find(client: MediaServerClient, wanted: Wanted) -> ItemRef | None:
    if wanted.id:
        return ItemRef(client.name, Kind.TRACK, wanted.id)
    title = wanted.title or ''
    for track in await client.search_tracks(title, wanted.artist, limit=1):
        if matching.score(track, title, wanted.artist) >= GOOD_ENOUGH:
            return track.ref
    return None
