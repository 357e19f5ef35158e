# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Makes values of what ``/status/sessions`` shows.

While a server transcodes, it describes what it sends in ``Media`` and what it reads in
``TranscodeSession``; otherwise both are the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from .. import plays
from .nodes import Node, chosen

_TYPES = {kind.value: kind for kind in plays.MediaType}
_STATES = {state.value: state for state in plays.State}
_OVER = frozenset({'stopped', 'error'})
_DECISIONS = {
    'directplay': plays.Decision.DIRECT_PLAY,
    'copy': plays.Decision.COPY,
    'transcode': plays.Decision.TRANSCODE,
    'burn': plays.Decision.TRANSCODE,
}
_VIDEO, _AUDIO, _SUBTITLES = 1, 2, 3

# Codecs of a stream that is passed on as it is.
_ANY = '*'


class Listing(msgspec.Struct, frozen=True):
    """The sessions of a snapshot, each as it was sent.

    Attributes:
        size: How many the server counts; as it was sent.
    """

    size: object = None
    sessions: list[msgspec.Raw] = msgspec.field(name='Metadata', default_factory=list[msgspec.Raw])

    @property
    def came(self) -> int:
        """How many there are; what is no object is none, and neither is one that says nothing."""
        return sum(bool(_SOMETHING.match(bytes(sent))) for sent in self.sessions)


_SOMETHING = re.compile(rb'{\s*[^\s}]')


class Document(msgspec.Struct, frozen=True):
    """A snapshot, in the shape in which almost every server sends it."""

    listing: Listing = msgspec.field(name='MediaContainer')


def listing(container: Node) -> Listing:
    """The same of a snapshot in any other shape: a single session need not be in a list."""
    sessions = [msgspec.json.encode(node.fields()) for node in container.nodes('Metadata')]
    return Listing(container.value('size'), [msgspec.Raw(session) for session in sessions])


class Sessions:
    """Reads snapshots one after the other.

    A server is asked twice a second while much happens, and of most sessions nothing but the
    offset is another one then. What else was sent is compared as it came, which is a tenth of the
    work of reading it.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, plays.Seen | None] = {}

    def read(self, sessions: Iterable[msgspec.Raw]) -> list[plays.Seen]:
        """The sessions of a snapshot, less those that say that they are over.

        Raises:
            msgspec.DecodeError: One of them is no JSON after all.
        """
        before, self._known = self._known, {}
        found: list[plays.Seen] = []
        for sent in map(bytes, sessions):
            rest, offset = _parted(sent)
            if rest in before:
                now = before[rest]
                if now is not None and offset not in (None, now.offset_ms):
                    now = msgspec.structs.replace(now, offset_ms=offset)
            else:
                now = _decoded(sent)
                if now is not None and now.offset_ms != offset:
                    rest = sent  # that was no offset of a session
            self._known[rest] = now
            if now is not None:
                found.append(now)
        return found


_OFFSET = re.compile(rb'"viewOffset": ?("?)([0-9]{1,15})\1(?=[,}])')


def _parted(sent: bytes) -> tuple[bytes, int | None]:
    """What was sent of a session but its offset, and that; None where it cannot be taken out."""
    match = _OFFSET.search(sent)
    if match is None or sent.count(b'viewOffset') != 1:
        return sent, None
    return sent[: match.start()] + sent[match.end() :], int(match[2])


def _decoded(sent: bytes) -> plays.Seen | None:
    node = Node(msgspec.json.decode(sent))
    if not node or node.node('Player').text('state') in _OVER:
        return None
    return seen(node)


def seen(data: Node) -> plays.Seen:
    """One session of a snapshot."""
    player = data.node('Player')
    session = data.node('Session')
    return plays.Seen(
        session_id=session.text('id'),
        session_key=data.text('sessionKey'),
        state=_STATES.get(player.text('state'), plays.State.PLAYING),
        offset_ms=data.integer('viewOffset'),
        item=item(data),
        viewer=_viewer(data.node('User'), player),
        player=_player(player),
        stream=stream(data),
    )


def item(data: Node) -> plays.Item:
    """What an object of Plex's library describes."""
    return plays.Item(
        rating_key=data.text('ratingKey', 'key'),
        media_type=media_type(data),
        title=data.text('title'),
        parent_title=data.text('parentTitle'),
        grandparent_title=data.text('grandparentTitle'),
        parent_rating_key=data.text('parentRatingKey'),
        grandparent_rating_key=data.text('grandparentRatingKey'),
        guid=data.text('guid'),
        year=data.integer('year', 'parentYear'),
        index=data.integer('index'),
        parent_index=data.integer('parentIndex'),
        duration_ms=data.integer('duration') or data.node('Media').integer('duration'),
        library_id=data.text('librarySectionID'),
        library=data.text('librarySectionTitle'),
        thumb=data.text('thumb', 'parentThumb', 'grandparentThumb'),
    )


def media_type(data: Node) -> plays.MediaType:
    """The kind of an item; what comes from a tuner is live whatever else it is."""
    if data.flag('live') or data.node('Media').text('origin') == 'livetv':
        return plays.MediaType.LIVE
    return _TYPES.get(data.text('type'), plays.MediaType.OTHER)


def _viewer(user: Node, player: Node) -> plays.Viewer:
    return plays.Viewer(
        account_id=user.text('id') or player.text('userID'),
        name=user.text('title'),
        thumb=user.text('thumb'),
    )


def _player(data: Node) -> plays.Player:
    return plays.Player(
        client_id=data.text('machineIdentifier'),
        title=data.text('title'),
        product=data.text('product'),
        platform=data.text('platform', 'platformTitle'),
        device=data.text('device', 'model'),
        version=data.text('version'),
        address=data.text('address', 'remotePublicAddress'),
        local=data.flag('local'),
        relayed=data.flag('relayed'),
        secure=data.flag('secure'),
    )


def stream(data: Node) -> plays.Stream:
    """How a session is delivered."""
    media = chosen(data.nodes('Media'))
    part = chosen(media.nodes('Part'))
    transcode = data.node('TranscodeSession') or media.node('TranscodeSession')
    video, audio, subtitles = (_stream(part, kind) for kind in (_VIDEO, _AUDIO, _SUBTITLES))
    decisions = (
        _decision(transcode.text('videoDecision') or video.text('decision'), video),
        _decision(transcode.text('audioDecision') or audio.text('decision'), audio),
        _decision(transcode.text('subtitleDecision') or subtitles.text('decision'), subtitles),
    )
    overall = _overall(set(decisions), part.text('decision'), bool(transcode))
    resolution = _resolution(media, video)
    found = plays.Stream(
        decision=overall,
        video=decisions[0],
        audio=decisions[1],
        subtitles=decisions[2],
        **_codecs(media, transcode),
        resolution=resolution,
        source_resolution=_source_resolution(resolution, video),
        bitrate=media.integer('bitrate'),
        bandwidth=data.node('Session').integer('bandwidth'),
        transcode_key=last(transcode.text('key')),
        transcode_progress=transcode.number('progress'),
        speed=transcode.number('speed'),
        throttled=transcode.flag('throttled'),
        hardware=hardware(transcode),
    )
    return msgspec.structs.replace(found, reason=_reason(found, subtitles))


def _stream(part: Node, kind: int) -> Node:
    """The video, audio or subtitles of a file that are played."""
    found = [entry for entry in part.nodes('Stream') if entry.integer('streamType') == kind]
    if kind == _SUBTITLES:  # a file holds many, and mostly none is shown
        found = [entry for entry in found if entry.flag('selected') or 'decision' in entry]
    return chosen(found)


def decision(word: str) -> plays.Decision | None:
    """A decision in Plex's word."""
    return _DECISIONS.get(word.lower())


def _decision(word: str, part: Node) -> plays.Decision | None:
    """What becomes of one part; nothing said of a part that is there means that it is sent."""
    return decision(word) or (plays.Decision.DIRECT_PLAY if part and not word else None)


def _overall(known: set[plays.Decision | None], word: str, transcodes: bool) -> plays.Decision:
    """Of the whole. A part says ``transcode`` also where everything in it is copied."""
    if plays.Decision.TRANSCODE in known:
        return plays.Decision.TRANSCODE
    if not transcodes and word in ('', 'directplay'):
        return plays.Decision.DIRECT_PLAY
    if word == 'transcode' and not transcodes and plays.Decision.COPY not in known:
        return plays.Decision.TRANSCODE
    return plays.Decision.COPY


def _codecs(media: Node, transcode: Node) -> dict[str, str]:
    video, audio = media.text('videoCodec'), media.text('audioCodec')
    sent_video, sent_audio = (
        '' if codec == _ANY else codec
        for codec in (transcode.text('videoCodec'), transcode.text('audioCodec'))
    )
    return {
        'container': transcode.text('container') or media.text('container'),
        'video_codec': sent_video or video,
        'audio_codec': sent_audio or audio,
        'source_container': transcode.text('sourceContainer')
        or ('' if transcode else media.text('container')),
        'source_video_codec': transcode.text('sourceVideoCodec') or video,
        'source_audio_codec': transcode.text('sourceAudioCodec') or audio,
    }


def _resolution(media: Node, video: Node) -> str:
    """In the words of Plex: ``4k``, ``1080``, ``720``, ``sd``."""
    named = media.text('videoResolution').lower().removesuffix('p')
    if named:
        return named
    height = video.integer('height') or media.integer('height')
    return str(height) if height else ''


def _source_resolution(sent: str, video: Node) -> str:
    """A stream's title describes the file also while something else is sent: ``1080p (H.264)``."""
    word = video.text('displayTitle').split(' ')[0].lower()
    named = word.rstrip('pi')
    return named if named.isdigit() or named in ('4k', '8k', 'sd') else sent


def _reason(found: plays.Stream, subtitles: Node) -> str:
    reasons: list[str] = []
    if found.video is plays.Decision.TRANSCODE:
        reasons.append(_change('video', found.source_video_codec, found.video_codec))
    if found.audio is plays.Decision.TRANSCODE:
        reasons.append(_change('audio', found.source_audio_codec, found.audio_codec))
    if found.subtitles is plays.Decision.TRANSCODE:
        burnt = subtitles.text('decision') == 'burn'
        reasons.append('subtitles burnt in' if burnt else 'subtitles')
    return ', '.join(reasons)


def _change(part: str, source: str, sent: str) -> str:
    return f'{part} {source} to {sent}' if source and sent else part


def hardware(transcode: Node) -> bool | None:
    """Whether hardware decodes or encodes; None where nothing is transcoded."""
    if not transcode:
        return None
    used = transcode.text('transcodeHwDecoding', 'transcodeHwEncoding') not in ('', '0', 'None')
    return used or bool(transcode.flag('transcodeHwFullPipeline'))


def last(key: str) -> str:
    """The last part of a path such as ``/transcode/sessions/abc``."""
    return key.rstrip('/').rpartition('/')[2]
