# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How a Plex server delivers a stream, and how a session shows it."""

from __future__ import annotations

import copy
import dataclasses

from .plex_documents import Node

# What a session says of a part that is sent as it is.
_DIRECT = {'decision': 'directplay', 'selected': True}


@dataclasses.dataclass(frozen=True)
class Delivery:
    """How a stream is delivered; DIRECT sends the file as it is.

    Attributes:
        video, audio: ``copy`` or ``transcode``; empty where there is none.
        subtitles: ``burn``, ``transcode``, ``copy``, or empty for none.
        container, video_codec, audio_codec, resolution, bitrate: Of what is sent; what is empty or
            0 is as in the file.
        hardware: Whether the server has its graphics card do it.
        protocol: How it is sent; empty for DIRECT alone.
    """

    video: str = ''
    audio: str = ''
    subtitles: str = ''
    container: str = ''
    video_codec: str = ''
    audio_codec: str = ''
    resolution: str = ''
    bitrate: int = 0
    channels: int = 2
    hardware: bool = False
    protocol: str = ''

    @property
    def transcodes(self) -> bool:
        """Whether any part is transcoded."""
        return 'transcode' in {self.video, self.audio} or self.subtitles == 'burn'

    @property
    def height(self) -> int:
        """Lines of the picture that is sent; 0 where they are as in the file."""
        lines = {'4k': 2160, '1080': 1080, '720': 720, 'sd': 480}
        return lines.get(self.resolution, 0)


DIRECT = Delivery()

# Another container, nothing else: what Plex calls direct stream.
REMUX = Delivery('copy', 'copy', container='mp4', protocol='dash')

# A player that cannot do the sound.
SOUND = Delivery('copy', 'transcode', container='mkv', audio_codec='aac', protocol='http')

# Music for a telephone on the road.
MUSIC = Delivery(
    audio='transcode', container='mp3', audio_codec='mp3', bitrate=128, protocol='http'
)


def picture(
    resolution: str = '720', bitrate: int = 4_000, *, burn: bool = False, hardware: bool = True
) -> Delivery:
    """Picture and sound transcoded, for a slow line or a player that cannot do the codec."""
    return Delivery(
        video='transcode',
        audio='transcode',
        subtitles='burn' if burn else '',
        container='mp4',
        video_codec='h264',
        audio_codec='aac',
        resolution=resolution,
        bitrate=bitrate,
        hardware=hardware,
        protocol='dash',
    )


def shown(media: list[Node], delivery: Delivery) -> list[Node]:
    """The media of a session: those of the item, changed to what is sent."""
    found = copy.deepcopy(media)
    for medium in found:
        medium['selected'] = True
        for part in medium['Part']:
            part.update(_DIRECT if not delivery.protocol else {})
            for stream in part.get('Stream', ()):
                stream['location'] = 'direct'
        if delivery.protocol:
            _change(medium, delivery)
    return found


def _change(medium: Node, delivery: Delivery) -> None:
    medium.update(_changed(medium, delivery))
    for part in medium['Part']:
        part.update({'decision': 'transcode', 'selected': True, 'container': medium['container']})
        part['protocol'] = delivery.protocol
        for name in ('key', 'file', 'size'):
            part.pop(name, None)
        for stream in part.get('Stream', ()):
            stream.update(_stream(stream, delivery))


def _changed(medium: Node, delivery: Delivery) -> Node:
    found: Node = {
        'protocol': delivery.protocol,
        'container': delivery.container or medium.get('container', ''),
        'optimizedForStreaming': True,
    }
    if delivery.audio == 'transcode':
        found |= {'audioCodec': delivery.audio_codec, 'audioChannels': delivery.channels}
    if delivery.video == 'transcode':
        found['videoCodec'] = delivery.video_codec
    if delivery.bitrate:
        found['bitrate'] = delivery.bitrate
    if delivery.height:
        height = delivery.height
        # Of a session Plex writes the lines with a p.
        name = delivery.resolution if delivery.resolution == '4k' else f'{height}p'
        found |= {'videoResolution': name, 'height': height, 'width': height * 16 // 9}
    return found


def _stream(stream: Node, delivery: Delivery) -> Node:
    kind = stream['streamType']
    decision = {1: delivery.video, 2: delivery.audio, 3: delivery.subtitles}[kind]
    where = {1: 'segments-video', 2: 'segments-audio', 3: 'burn' if decision == 'burn' else ''}
    found: Node = {'decision': decision or 'ignore', 'location': where[kind] or 'sidecar-subs'}
    if kind == 1 and decision == 'transcode':
        found['codec'] = delivery.video_codec
        if delivery.height:
            found |= {'height': delivery.height, 'width': delivery.height * 16 // 9}
    if kind == 2 and decision == 'transcode':
        found |= {'codec': delivery.audio_codec, 'channels': delivery.channels}
    return found


def transcode(key: str, source: Node, delivery: Delivery, duration_ms: int) -> Node:
    """The transcode session of a delivery that is not direct; its progress comes later.

    Args:
        key: By which it can be ended.
        source: The medium as the file has it.
        delivery: How it is delivered.
        duration_ms: Of the item.
    """
    node: Node = {
        'key': f'/transcode/sessions/{key}',
        'throttled': False,
        'complete': False,
        'progress': 0.0,
        'size': -22,
        'speed': 2.5,
        'error': False,
        'duration': duration_ms,
        'context': 'streaming',
        'sourceAudioCodec': source.get('audioCodec', ''),
        'audioDecision': delivery.audio,
        'protocol': delivery.protocol,
        'container': delivery.container,
        'audioCodec': delivery.audio_codec or source.get('audioCodec', ''),
        'audioChannels': delivery.channels,
    }
    if delivery.video:
        node |= {
            'sourceVideoCodec': source.get('videoCodec', ''),
            'videoDecision': delivery.video,
            'videoCodec': delivery.video_codec or source.get('videoCodec', ''),
            'transcodeHwRequested': True,
            'transcodeHwFullPipeline': delivery.hardware,
        }
    if delivery.hardware:
        node |= {'transcodeHwDecoding': 'vaapi', 'transcodeHwEncoding': 'vaapi'}
    return node | ({'subtitleDecision': delivery.subtitles} if delivery.subtitles else {})
