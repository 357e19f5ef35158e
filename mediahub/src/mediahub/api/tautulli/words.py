# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plays in Tautulli's words. Names, units and kinds of value are those of its API reference.

In activity most values are texts and durations milliseconds; in history ids are numbers and
durations seconds. What the hub does not know is an empty text.
"""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Sequence
from typing import Any

from ...plays import Decision, MediaType, Play

Node = dict[str, Any]

# From which share of an item on it counts as watched, in percent; Tautulli's own default.
WATCHED = 85

_RESOLUTIONS = {'sd': 'SD', '4k': '4k', '': ''}


def activity(plays: Sequence[Play]) -> Node:
    """What plays now."""
    counts = dict.fromkeys(Decision, 0)
    lan = wan = 0
    for play in plays:
        counts[play.stream.decision] += 1
        bandwidth = play.stream.bandwidth or 0
        lan, wan = (lan + bandwidth, wan) if _is_local(play) else (lan, wan + bandwidth)
    return {
        'stream_count': str(len(plays)),
        'stream_count_direct_play': counts[Decision.DIRECT_PLAY],
        'stream_count_direct_stream': counts[Decision.COPY],
        'stream_count_transcode': counts[Decision.TRANSCODE],
        'total_bandwidth': lan + wan,
        'lan_bandwidth': lan,
        'wan_bandwidth': wan,
        'sessions': [session(play) for play in plays],
    }


def session(play: Play) -> Node:
    """One that plays now."""
    return {
        **_item(play),
        **_viewer(play),
        **_player(play),
        **_stream(play),
        'session_key': play.session_key,
        'session_id': play.session_id,
        'state': play.state.value,
        'started': _seconds(play.started_at),
        'view_offset': _text(play.offset_ms),
        'progress_percent': _text(play.percent),
        'duration': _text(play.item.duration_ms),
        'stream_duration': _text(play.item.duration_ms),
    }


def _item(play: Play) -> Node:
    item = play.item
    return {
        'media_type': 'episode' if item.media_type is MediaType.LIVE else item.media_type.value,
        'live': int(item.media_type is MediaType.LIVE),
        'rating_key': item.rating_key,
        'parent_rating_key': item.parent_rating_key,
        'grandparent_rating_key': item.grandparent_rating_key,
        'title': item.title,
        'parent_title': item.parent_title,
        'grandparent_title': item.grandparent_title,
        'full_title': full_title(play),
        'original_title': '',
        'media_index': _text(item.index),
        'parent_media_index': _text(item.parent_index),
        'year': _text(item.year),
        'thumb': item.thumb,
        'parent_thumb': '',
        'grandparent_thumb': '',
        'art': '',
        'guid': item.guid,
        'section_id': item.library_id,
        'library_name': item.library,
    }


def _viewer(play: Play) -> Node:
    viewer = play.viewer
    return {
        'user': viewer.name,
        'username': viewer.name,
        'friendly_name': viewer.name,
        'user_id': number(viewer.account_id),
        'user_thumb': viewer.thumb,
    }


def _player(play: Play) -> Node:
    player = play.player
    return {
        'player': player.title,
        'machine_id': player.client_id,
        'platform': player.platform,
        'platform_name': player.platform.lower(),
        'product': player.product,
        'product_version': player.version,
        'device': player.device,
        'ip_address': player.address,
        'ip_address_public': '' if player.local else player.address,
        'local': int(bool(player.local)),
        'location': 'lan' if _is_local(play) else 'wan',
        'relayed': int(bool(player.relayed)),
        'secure': int(bool(player.secure)),
    }


def _stream(play: Play) -> Node:
    stream = play.stream
    part = {'video': stream.video, 'audio': stream.audio}
    decisions = {name: _decision(found, stream.decision) for name, found in part.items()}
    transcoding = stream.decision is Decision.TRANSCODE
    whole = _told(stream.decision)
    return {
        'transcode_decision': whole,
        'video_decision': decisions['video'],
        'audio_decision': decisions['audio'],
        'subtitle_decision': stream.subtitles.value if stream.subtitles else '',
        'stream_video_decision': decisions['video'],
        'stream_audio_decision': decisions['audio'],
        'stream_subtitle_decision': stream.subtitles.value if stream.subtitles else '',
        'container_decision': whole,
        'stream_container_decision': whole,
        'container': stream.source_container,
        'stream_container': stream.container,
        'video_codec': stream.source_video_codec,
        'stream_video_codec': stream.video_codec,
        'audio_codec': stream.source_audio_codec,
        'stream_audio_codec': stream.audio_codec,
        'video_resolution': _resolution(stream.source_resolution),
        'video_full_resolution': _full(stream.source_resolution),
        'stream_video_resolution': _resolution(stream.resolution),
        'stream_video_full_resolution': _full(stream.resolution),
        'bitrate': _text(stream.bitrate),
        'stream_bitrate': _text(stream.bitrate),
        'bandwidth': _text(stream.bandwidth),
        'quality_profile': _full(stream.resolution) if transcoding else 'Original',
        'transcode_key': stream.transcode_key,
        'transcode_progress': round(stream.transcode_progress or 0),
        'transcode_speed': _text(stream.speed),
        'transcode_throttled': int(bool(stream.throttled)),
        'throttled': str(int(bool(stream.throttled))),
        'transcode_hw_decoding': int(bool(stream.hardware)),
        'transcode_hw_encoding': int(bool(stream.hardware)),
        'transcode_hw_requested': int(bool(stream.hardware)),
        'transcode_container': stream.container if transcoding else '',
        'transcode_video_codec': stream.video_codec if transcoding else '',
        'transcode_audio_codec': stream.audio_codec if transcoding else '',
    }


def history_row(play: Play) -> Node:
    """One that was played."""
    item, percent = play.item, play.percent or 0
    stopped = play.stopped_at or play.seen_at
    live = item.media_type is MediaType.LIVE
    return {
        'reference_id': row_id(play),
        'row_id': row_id(play),
        'id': row_id(play),
        'date': _seconds(play.started_at),
        'started': _seconds(play.started_at),
        'stopped': _seconds(stopped),
        'duration': play.played_ms // 1000,
        'play_duration': play.played_ms // 1000,
        'paused_counter': play.paused_ms // 1000,
        'percent_complete': percent,
        'watched_status': watched(percent),
        **_viewer(play),
        'platform': play.player.platform,
        'product': play.player.product,
        'player': play.player.title,
        'machine_id': play.player.client_id,
        'ip_address': play.player.address,
        'location': 'lan' if _is_local(play) else 'wan',
        'live': int(live),
        'secure': int(bool(play.player.secure)),
        'relayed': int(bool(play.player.relayed)),
        'media_type': 'episode' if live else item.media_type.value,
        'rating_key': number(item.rating_key),
        'parent_rating_key': number(item.parent_rating_key, ''),
        'grandparent_rating_key': number(item.grandparent_rating_key, ''),
        'full_title': full_title(play),
        'title': item.title,
        'parent_title': item.parent_title,
        'grandparent_title': item.grandparent_title,
        'original_title': '',
        'year': item.year if item.year is not None else '',
        'media_index': item.index if item.index is not None else '',
        'parent_media_index': item.parent_index if item.parent_index is not None else '',
        'thumb': item.thumb,
        'originally_available_at': '',
        'guid': item.guid,
        'transcode_decision': _told(play.stream.decision),
        'group_count': 1,
        'group_ids': str(row_id(play)),
        'session_key': None if play.stopped_at else play.session_key,
        'state': None if play.stopped_at else play.state.value,
    }


def watched(percent: int) -> float:
    """How much counts as watched, in quarters; from :data:`WATCHED` percent on all of it."""
    quarters = min(4, percent * 4 // WATCHED)
    return quarters / 4 if quarters not in {0, 4} else quarters // 4


def row_id(play: Play) -> int:
    """A number that names a play for tools that want one; the same at every time."""
    return zlib.crc32(play.play_id.encode())


def full_title(play: Play) -> str:
    """As Tautulli puts a title and what it is part of together."""
    item = play.item
    if item.media_type in {MediaType.EPISODE, MediaType.TRACK, MediaType.LIVE}:
        first, second = item.grandparent_title, item.title
        if item.media_type is MediaType.TRACK:
            first, second = second, first
        return ' - '.join(part for part in (first, second) if part)
    return item.title


def length(milliseconds: int) -> str:
    """A length as Tautulli writes it: ``42 days 5 hrs 18 mins``."""
    minutes = milliseconds // 60_000
    parts = ((minutes // 1440, 'day'), (minutes // 60 % 24, 'hr'), (minutes % 60, 'min'))
    told = [f'{count} {unit}{"s" if count != 1 else ""}' for count, unit in parts if count]
    return ' '.join(told) or '0 mins'


def _is_local(play: Play) -> bool:
    return play.player.local is not False and not play.player.relayed


def _told(decision: Decision) -> str:
    """As Tautulli has it, which leaves empty what it does not know."""
    return '' if decision is Decision.UNKNOWN else decision.value


def _decision(part: Decision | None, whole: Decision) -> str:
    """Of a part; where the server told none, that of the whole if it is plain."""
    if part is not None:
        return part.value
    return whole.value if whole is Decision.DIRECT_PLAY else ''


def _resolution(name: str) -> str:
    return name.lower().removesuffix('p')


def _full(name: str) -> str:
    plain = _resolution(name)
    return _RESOLUTIONS.get(plain, f'{plain}p')


def _seconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp())


def _text(value: float | None) -> str:
    return '' if value is None else f'{value:g}' if isinstance(value, float) else str(value)


def number(text: str, missing: Any = 0) -> Any:
    """An id as a number; as it is where it is none."""
    return int(text) if text.isdigit() else (text or missing)
