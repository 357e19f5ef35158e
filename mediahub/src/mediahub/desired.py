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


async def resolve(
    client: MediaServerClient, wanted: Sequence[Wanted]
) -> tuple[list[ItemRef], list[str]]:
    """Find the wanted tracks on a server.

    Returns:
        The tracks in order, and what was not found.
    """
    found: list[ItemRef] = []
    missing: list[str] = []
    known: dict[Wanted, ItemRef | None] = {}
    for row in wanted:
        if row not in known:
            known[row] = await _find(client, row)
        ref = known[row]
        if ref is None:
            missing.append(str(row))
        else:
            found.append(ref)
    return found, missing


async def _find(client: MediaServerClient, wanted: Wanted) -> ItemRef | None:
    if wanted.id:
        return ItemRef(client.name, Kind.TRACK, wanted.id)
    title = wanted.title or ''
    for track in await client.search_tracks(title, wanted.artist, limit=1):
        if matching.score(track, title, wanted.artist) >= GOOD_ENOUGH:
            return track.ref
    return None
