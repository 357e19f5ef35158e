# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The values of playback: what a server shows now, a play from start to end, and its changes.

All are frozen. Times are aware and in UTC, durations and offsets are whole milliseconds, rates are
kilobits a second. A text that the server did not tell is empty, a number that it did not is None.

No value can be part of a cycle, and a page of history has thousands: the collector of garbage need
not look at them.
"""

from __future__ import annotations

import datetime
import enum
import uuid

import msgspec

# Of what goes over the bus. A reader ignores fields that it does not know; a change that would
# mislead an older reader gets the next number.
SCHEMA_VERSION = 1

# Of the identities below: the same play gets the same id on every hub and after every restart.
_PLAYS = uuid.UUID('6f0c2b1e-5a55-4c1d-9d3f-0f5f7d0f8c11')


class MediaType(enum.Enum):
    """What is played, in Plex's words."""

    MOVIE = 'movie'
    EPISODE = 'episode'
    TRACK = 'track'
    LIVE = 'live'
    CLIP = 'clip'
    PHOTO = 'photo'
    OTHER = 'other'


class State(enum.Enum):
    """What a player does at the moment."""

    PLAYING = 'playing'
    PAUSED = 'paused'
    BUFFERING = 'buffering'


class Decision(enum.Enum):
    """How a server delivers, in Tautulli's words.

    Attributes:
        COPY: What Plex calls direct stream.
        UNKNOWN: Nobody told; Plex's own history does not.
    """

    DIRECT_PLAY = 'direct play'
    COPY = 'copy'
    TRANSCODE = 'transcode'
    UNKNOWN = 'unknown'


class Transition(enum.Enum):
    """What happened to a play."""

    STARTED = 'started'
    PAUSED = 'paused'
    RESUMED = 'resumed'
    PROGRESS = 'progress'
    TRANSCODE_CHANGED = 'transcode_changed'
    STOPPED = 'stopped'


class Source(enum.Enum):
    """Where the knowledge of a play comes from.

    Attributes:
        PLEX: We watched it.
        PLEX_HISTORY: The server's own history, of a time when we did not watch.
        TAUTULLI: Tautulli's history.
    """

    PLEX = 'plex'
    PLEX_HISTORY = 'plex-history'
    TAUTULLI = 'tautulli'


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is played.

    Attributes:
        rating_key: Its id on the server; servers give a new one after some refreshes.
        title: Of the film, episode or track.
        parent_title: Of the season or album.
        grandparent_title: Of the show or artist.
        index: Number of the episode or track.
        parent_index: Number of the season or disc.
        library_id: Key of the library section.
        thumb: Path of its poster on the server.
    """

    rating_key: str = ''
    media_type: MediaType = MediaType.OTHER
    title: str = ''
    parent_title: str = ''
    grandparent_title: str = ''
    parent_rating_key: str = ''
    grandparent_rating_key: str = ''
    guid: str = ''
    year: int | None = None
    index: int | None = None
    parent_index: int | None = None
    duration_ms: int | None = None
    library_id: str = ''
    library: str = ''
    thumb: str = ''


class Viewer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who plays it.

    Attributes:
        account_id: The account's number on this server: 1 is its owner, 0 somebody unknown.
    """

    account_id: str = ''
    name: str = ''
    thumb: str = ''


class Player(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What it is played with.

    Attributes:
        client_id: The player's own id (``machineIdentifier``, a client identifier).
        title: The name that its owner gave it.
        local: Whether it is in the server's network.
        relayed: Whether plex.tv relays the stream.
    """

    client_id: str = ''
    title: str = ''
    product: str = ''
    platform: str = ''
    device: str = ''
    version: str = ''
    address: str = ''
    local: bool | None = None
    relayed: bool | None = None
    secure: bool | None = None


class Stream(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How it is delivered.

    Attributes:
        decision: For the whole: TRANSCODE where any part is transcoded.
        video, audio, subtitles: For each part; None where there is none or it was not told.
        container, video_codec, audio_codec, resolution: Of what is sent.
        source_video_codec, source_audio_codec, source_resolution: Of the file.
        bandwidth: Reserved for it.
        reason: Why it is transcoded, for people; empty where it is not.
        transcode_key: By which the server cancels the transcode.
        hardware: Whether hardware decodes or encodes it.
    """

    decision: Decision = Decision.DIRECT_PLAY
    video: Decision | None = None
    audio: Decision | None = None
    subtitles: Decision | None = None
    container: str = ''
    video_codec: str = ''
    audio_codec: str = ''
    resolution: str = ''
    source_container: str = ''
    source_video_codec: str = ''
    source_audio_codec: str = ''
    source_resolution: str = ''
    bitrate: int | None = None
    bandwidth: int | None = None
    reason: str = ''
    transcode_key: str = ''
    transcode_progress: float | None = None
    speed: float | None = None
    throttled: bool | None = None
    hardware: bool | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One session in one snapshot of a server.

    Attributes:
        session_id: The server's id of the session; not every client has one.
        session_key: A small number that starts at 1 again with every start of the server.
    """

    session_id: str = ''
    session_key: str = ''
    state: State = State.PLAYING
    offset_ms: int | None = None
    item: Item
    viewer: Viewer = msgspec.field(default_factory=Viewer)
    player: Player = msgspec.field(default_factory=Player)
    stream: Stream = msgspec.field(default_factory=Stream)


class Play(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A play from its start to now, or to its end.

    Attributes:
        play_id: The same on every hub; see :func:`play_id`.
        server: The server's machine identifier.
        ordinal: How many changes it has had; of two versions the greater one is newer.
        seen_at: When it was last there.
        stopped_at: None while it plays.
        state: The last known one.
        start_offset_ms: Where in the item it began.
        offset_ms: Where in the item it is, or ended.
        played_ms: Time spent playing, without pauses.
        paused_ms: Time spent paused.
        pauses: How often it was paused.
        transcoded: Whether it was transcoded at any time.
    """

    play_id: str
    server: str
    source: Source = Source.PLEX
    ordinal: int = 0
    session_id: str = ''
    session_key: str = ''
    started_at: datetime.datetime
    seen_at: datetime.datetime
    stopped_at: datetime.datetime | None = None
    state: State = State.PLAYING
    start_offset_ms: int | None = None
    offset_ms: int | None = None
    played_ms: int = 0
    paused_ms: int = 0
    pauses: int = 0
    transcoded: bool = False
    item: Item
    viewer: Viewer = msgspec.field(default_factory=Viewer)
    player: Player = msgspec.field(default_factory=Player)
    stream: Stream = msgspec.field(default_factory=Stream)

    @property
    def percent(self) -> int | None:
        """How far into the item it is, 0 to 100; None where that is not known."""
        if not self.item.duration_ms or self.offset_ms is None:
            return None
        return max(0, min(100, round(100 * self.offset_ms / self.item.duration_ms)))


class PlaybackEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A change of a play, together with all that is known of it afterwards.

    Carrying the whole play makes events safe to repeat, to lose and to receive in any order: the
    greatest ordinal of a play is the truth.

    Attributes:
        event_id: The same however often it is sent; see :func:`event_id`.
        at: When it happened.
    """

    event_id: str
    schema_version: int = SCHEMA_VERSION
    transition: Transition
    at: datetime.datetime
    play: Play


def play_id(server: str, session_id: str, session_key: str, rating_key: str, start: float) -> str:
    """The id of a play: server, session, item and the second in which it was first seen.

    A session key alone would not do: it starts at 1 again with the server.
    """
    parts = (server, session_id, session_key, rating_key, str(int(start)))
    return str(uuid.uuid5(_PLAYS, '\n'.join(parts)))


def event_id(play: str, transition: Transition, ordinal: int) -> str:
    """The id of a change: its play, its kind and its place among the play's changes."""
    return str(uuid.uuid5(_PLAYS, f'{play}\n{transition.value}\n{ordinal}'))
