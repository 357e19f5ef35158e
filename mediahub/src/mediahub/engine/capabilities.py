# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a live server can do, known after the handshake and not before."""

from __future__ import annotations

import enum

import msgspec


class Capability(enum.Enum):
    """Something that not every server offers. An undeclared one raises ``Unsupported``."""

    CHANGES = 'changes since a moment'
    SEARCH = 'search'
    RECENTLY_ADDED = 'recently added albums'
    LIBRARIES = 'listing libraries'
    SCAN = 'starting a library scan'
    SCAN_STATE = 'the state of a library scan'
    PLAYLISTS = 'playlists'
    PLAYLIST_EDIT = 'editing playlists'
    PLAYLIST_MOVE = 'moving an entry within a playlist'
    PLAYLIST_OVERWRITE = 'replacing all entries of a playlist in one request'
    HISTORY = 'play history'
    PLAY_COUNTS = 'play counts'
    ARTIST_GENRES = 'writing genres of artists'
    ARTIST_POSTER = 'writing posters of artists'
    ALBUM_POSTER = 'writing posters of albums'
    ARTIST_BIOGRAPHY = 'writing biographies of artists'
    WATCH = 'being told of changes'


class Handshake(msgspec.Struct, frozen=True, kw_only=True):
    """What a server said of itself when it was last greeted.

    Attributes:
        product: Name of the program, such as ``Plex Media Server``.
        machine_id: Id that this one installation keeps; tells a replaced server from a restarted
            one.
        account: User that the credential stands for; None for an administrator's key.
        page_size: Items that one request may ask for.
    """

    product: str
    version: str
    machine_id: str
    capabilities: frozenset[Capability]
    account: str | None = None
    page_size: int = 1000


class ConnectionState(enum.Enum):
    """How things stand between us and a server."""

    UNTRIED = 'not tried yet'
    CONNECTED = 'connected'
    UNREACHABLE = 'unreachable'
    ACCESS_DENIED = 'access denied'
    INCOMPATIBLE = 'not the expected kind of server'
    FAILING = 'failing'


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A connection state with its reason and its age.

    Attributes:
        reason: One line for the operator; empty while connected.
        checked_at: Reading of the client's monotonic clock, in seconds; None when untried.
    """

    state: ConnectionState
    reason: str = ''
    checked_at: float | None = None
    handshake: Handshake | None = None
