# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a Plex server tells about itself, in our words. Sessions are in :mod:`.plex_seen`.

Of an id only its text counts. Times are aware and in UTC, durations whole milliseconds; a text
that is not told is empty, anything else that is not told is None.
"""

from __future__ import annotations

import datetime

import msgspec

from .. import plays
from . import plex_seen
from .nodes import Node

Moment = datetime.datetime | None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers; asked for without a token.

    Attributes:
        machine_id: The server's own id, which outlives its name and address.
    """

    machine_id: str
    version: str
    claimed: bool | None


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a server can do.

    Attributes:
        account: The owner's account at plex.tv, an e-mail address as a rule.
        subscription: Whether that account has Plex Pass.
        owner_features: What plex.tv has unlocked, such as ``webhooks`` or ``session_kick``.
        event_stream: Whether it offers server-sent events.
        transcodes: Transcodes of video at the moment.
        live_tv: Tuners and guides; 0 where there are none.
    """

    name: str
    machine_id: str
    version: str
    platform: str
    platform_version: str
    account: str
    signed_in: bool
    subscription: bool | None
    owner_features: tuple[str, ...]
    multiuser: bool | None
    event_stream: bool | None
    media_deletion: bool | None
    sync: bool | None
    live_tv: int | None
    transcodes: int | None
    transcoder_video: bool | None
    transcoder_audio: bool | None
    updated_at: Moment


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as this server numbers it: 1 is the owner, 0 somebody unknown."""

    account_id: str
    name: str
    thumb: str


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device that has played something, with the number that the history uses."""

    device_id: str
    name: str
    platform: str
    client_id: str
    created_at: Moment


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the server does in the background.

    Attributes:
        progress: Percent; None where it cannot tell.
        library_id: Key of the section that it is about.
    """

    activity_id: str
    type: str
    title: str
    subtitle: str
    progress: int | None
    cancellable: bool | None
    account_id: str
    library_id: str


class Playlist(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist.

    Attributes:
        type: ``audio``, ``video`` or ``photo``.
        smart: Whether it is a search that the server repeats.
    """

    rating_key: str
    title: str
    type: str
    smart: bool | None
    count: int | None
    duration_ms: int | None
    views: int | None
    added_at: Moment
    updated_at: Moment
    viewed_at: Moment


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A library.

    Attributes:
        type: ``movie``, ``show``, ``artist`` or ``photo``.
        folders: As the server sees them.
    """

    key: str
    uuid: str
    title: str
    type: str
    agent: str
    scanner: str
    language: str
    hidden: bool | None
    refreshing: bool | None
    folders: tuple[str, ...]
    created_at: Moment
    updated_at: Moment
    scanned_at: Moment


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an item; more than one part where it is cut into pieces."""

    container: str
    video_codec: str
    audio_codec: str
    resolution: str
    bitrate: int | None
    audio_channels: int | None
    duration_ms: int | None
    size: int | None
    parts: int


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a library.

    Attributes:
        offset_ms: Where the token's account stopped watching.
        external_ids: In other catalogues, such as ``imdb://tt0196229``.
    """

    item: plays.Item
    summary: str
    tagline: str
    studio: str
    content_rating: str
    rating: float | None
    audience_rating: float | None
    released: str
    views: int | None
    offset_ms: int | None
    leaf_count: int | None
    viewed_leaf_count: int | None
    genres: tuple[str, ...]
    directors: tuple[str, ...]
    writers: tuple[str, ...]
    roles: tuple[str, ...]
    countries: tuple[str, ...]
    external_ids: tuple[str, ...]
    files: tuple[File, ...]
    added_at: Moment
    updated_at: Moment
    viewed_at: Moment


class Transcode(msgspec.Struct, frozen=True, kw_only=True):
    """A transcode that is running, or was a moment ago.

    Attributes:
        key: By which it is cancelled; not a session key.
        progress: Percent.
        speed: How many times faster than it is played.
        remaining_s: Seconds until it has caught up with the end.
        context: ``streaming`` or ``static`` (for a download).
    """

    key: str
    progress: float | None
    speed: float | None
    duration_ms: int | None
    remaining_s: int | None
    throttled: bool | None
    complete: bool | None
    error: bool | None
    context: str
    protocol: str
    container: str
    video: plays.Decision | None
    audio: plays.Decision | None
    subtitles: plays.Decision | None
    video_codec: str
    audio_codec: str
    source_video_codec: str
    source_audio_codec: str
    width: int | None
    height: int | None
    audio_channels: int | None
    hardware: bool | None


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the server's own history: one per account, item and view.

    Attributes:
        history_key: The entry's own path; unique.
        viewed_at: When the server took it for watched, which is near the end.
    """

    history_key: str
    item: plays.Item
    account_id: str
    device_id: str
    viewed_at: Moment


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the history.

    Attributes:
        total: Of all pages.
    """

    rows: tuple[HistoryRow, ...]
    total: int | None


def identity(data: Node) -> Identity:
    """From ``/identity``."""
    return Identity(
        machine_id=data.text('machineIdentifier'),
        version=data.text('version'),
        claimed=data.flag('claimed'),
    )


def capabilities(data: Node) -> Capabilities:
    """From ``/``."""
    return Capabilities(
        name=data.text('friendlyName'),
        machine_id=data.text('machineIdentifier'),
        version=data.text('version'),
        platform=data.text('platform'),
        platform_version=data.text('platformVersion'),
        account=data.text('myPlexUsername'),
        signed_in=data.text('myPlexSigninState') == 'ok',
        subscription=data.flag('myPlexSubscription'),
        # The official example has the first spelling, with a stray quotation mark.
        owner_features=_words(data.text('ownerFeatures', 'ownerFeatures"')),
        multiuser=data.flag('multiuser'),
        event_stream=data.flag('eventStream'),
        media_deletion=data.flag('allowMediaDeletion'),
        sync=data.flag('sync'),
        live_tv=data.integer('livetv'),
        transcodes=data.integer('transcoderActiveVideoSessions'),
        transcoder_video=data.flag('transcoderVideo'),
        transcoder_audio=data.flag('transcoderAudio'),
        updated_at=data.epoch('updatedAt'),
    )


def account(data: Node) -> Account:
    """From ``/accounts``."""
    return Account(
        account_id=data.text('id'), name=data.text('name', 'title'), thumb=data.text('thumb')
    )


def device(data: Node) -> Device:
    """From ``/devices``."""
    return Device(
        device_id=data.text('id'),
        name=data.text('name'),
        platform=data.text('platform'),
        client_id=data.text('clientIdentifier'),
        created_at=data.epoch('createdAt'),
    )


def activity(data: Node) -> Activity:
    """From ``/activities``, or from a notification of one."""
    progress = data.integer('progress')
    return Activity(
        activity_id=data.text('uuid'),
        type=data.text('type'),
        title=data.text('title'),
        subtitle=data.text('subtitle'),
        progress=progress if progress is not None and progress >= 0 else None,
        cancellable=data.flag('cancellable'),
        account_id=data.text('userID'),
        library_id=data.node('Context').text('librarySectionID'),
    )


def playlist(data: Node) -> Playlist:
    """From ``/playlists``."""
    return Playlist(
        rating_key=data.text('ratingKey'),
        title=data.text('title'),
        type=data.text('playlistType'),
        smart=data.flag('smart'),
        count=data.integer('leafCount'),
        duration_ms=data.integer('duration'),
        views=data.integer('viewCount'),
        added_at=data.epoch('addedAt'),
        updated_at=data.epoch('updatedAt'),
        viewed_at=data.epoch('lastViewedAt'),
    )


def section(data: Node) -> Section:
    """From ``/library/sections/all``."""
    return Section(
        key=data.text('key'),
        uuid=data.text('uuid'),
        title=data.text('title'),
        type=data.text('type'),
        agent=data.text('agent'),
        scanner=data.text('scanner'),
        language=data.text('language'),
        hidden=data.flag('hidden'),
        refreshing=data.flag('refreshing'),
        folders=_texts(data, 'Location', 'path'),
        created_at=data.epoch('createdAt'),
        updated_at=data.epoch('updatedAt'),
        scanned_at=data.epoch('scannedAt'),
    )


def metadata(data: Node) -> Metadata:
    """From ``/library/metadata/…``, a hub or a listing."""
    return Metadata(
        item=plex_seen.item(data),
        summary=data.text('summary'),
        tagline=data.text('tagline'),
        studio=data.text('studio'),
        content_rating=data.text('contentRating'),
        rating=data.number('rating'),
        audience_rating=data.number('audienceRating'),
        released=data.text('originallyAvailableAt'),
        views=data.integer('viewCount'),
        offset_ms=data.integer('viewOffset'),
        leaf_count=data.integer('leafCount'),
        viewed_leaf_count=data.integer('viewedLeafCount'),
        genres=_texts(data, 'Genre', 'tag'),
        directors=_texts(data, 'Director', 'tag'),
        writers=_texts(data, 'Writer', 'tag'),
        roles=_texts(data, 'Role', 'tag'),
        countries=_texts(data, 'Country', 'tag'),
        external_ids=_texts(data, 'Guid', 'id'),
        files=tuple(_file(media) for media in data.nodes('Media')),
        added_at=data.epoch('addedAt'),
        updated_at=data.epoch('updatedAt'),
        viewed_at=data.epoch('lastViewedAt'),
    )


def _file(media: Node) -> File:
    parts = media.nodes('Part')
    sizes = [size for part in parts if (size := part.integer('size')) is not None]
    return File(
        container=media.text('container'),
        video_codec=media.text('videoCodec'),
        audio_codec=media.text('audioCodec'),
        resolution=media.text('videoResolution') or str(media.integer('height') or ''),
        bitrate=media.integer('bitrate'),
        audio_channels=media.integer('audioChannels'),
        duration_ms=media.integer('duration'),
        size=sum(sizes) if sizes else None,
        parts=len(parts),
    )


def transcode(data: Node) -> Transcode:
    """From ``/transcode/sessions``."""
    return Transcode(
        key=plex_seen.last(data.text('key')),
        progress=data.number('progress'),
        speed=data.number('speed'),
        duration_ms=data.integer('duration'),
        remaining_s=data.integer('remaining'),
        throttled=data.flag('throttled'),
        complete=data.flag('complete'),
        error=data.flag('error'),
        context=data.text('context'),
        protocol=data.text('protocol'),
        container=data.text('container'),
        video=plex_seen.decision(data.text('videoDecision')),
        audio=plex_seen.decision(data.text('audioDecision')),
        subtitles=plex_seen.decision(data.text('subtitleDecision')),
        video_codec=data.text('videoCodec'),
        audio_codec=data.text('audioCodec'),
        source_video_codec=data.text('sourceVideoCodec'),
        source_audio_codec=data.text('sourceAudioCodec'),
        width=data.integer('width'),
        height=data.integer('height'),
        audio_channels=data.integer('audioChannels'),
        hardware=plex_seen.hardware(data),
    )


def history_row(data: Node) -> HistoryRow:
    """From ``/status/sessions/history/all``."""
    return HistoryRow(
        history_key=data.text('historyKey'),
        item=plex_seen.item(data),
        account_id=data.text('accountID'),
        device_id=data.text('deviceID'),
        viewed_at=data.epoch('viewedAt'),
    )


def _texts(data: Node, name: str, field: str) -> tuple[str, ...]:
    found = (entry.text(field) for entry in data.nodes(name))
    return tuple(dict.fromkeys(text for text in found if text))


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(',') if word.strip())
