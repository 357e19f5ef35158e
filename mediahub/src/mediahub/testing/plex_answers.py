# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a living Plex answers, path by path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import pictures, plex_shelves
from .http import Answer, Asked, NotModelled, answer_html
from .plex_documents import Node, container, rendered
from .plex_shelves import FILMS, KINDS, MUSIC, SHOWS, VideoRow

if TYPE_CHECKING:
    from .plex_living import LivingPlex

Found = Node | Answer

_GONE = answer_html(404, 'Not Found')

_TYPES = {FILMS: 'movie', SHOWS: 'show', MUSIC: 'artist'}
_AGENTS = {FILMS: 'movie', SHOWS: 'series', MUSIC: 'music'}
_SCANNERS = {FILMS: 'Plex Movie', SHOWS: 'Plex TV Series', MUSIC: 'Plex Music'}


class Answers:
    """The routes of a living Plex; what is not among them, its music library knows or nobody."""

    def __init__(self, plex: LivingPlex):
        self._plex = plex
        routes: list[tuple[str, str, Callable[..., Found | None]]] = [
            ('GET', '/', self._root),
            ('GET', '/identity', self._identity),
            ('GET', '/accounts', self._accounts),
            ('GET', '/devices', self._devices),
            ('GET', '/activities', self._activities),
            ('GET', '/status/sessions', self._sessions),
            ('GET', '/status/sessions/history/all', self._history),
            ('GET|POST', '/status/sessions/terminate', self._terminate),
            ('GET', '/transcode/sessions', self._transcodes),
            ('DELETE', '/transcode/sessions/([^/]+)', self._cancel),
            ('GET', '/library/sections(?:/all)?', self._sections),
            ('GET', '/library/onDeck', self._on_deck),
            ('GET', '/hubs/continueWatching', self._continue),
            ('GET', '/hubs/continueWatching/items', self._on_deck),
            ('GET', rf'/library/sections/([{FILMS}{SHOWS}])/all', self._listing),
            ('GET|POST', r'/library/sections/(\d+)/refresh', self._refresh),
            ('GET', r'/library/metadata/([\d,]+)', self._metadata),
            ('GET', r'/library/metadata/(\d+)/children', self._children),
            ('GET', r'/library/metadata/(\d+)/allLeaves', self._leaves),
            ('GET', r'/library/metadata/(\d+)/(?:thumb|art)/\d+', self._picture),
            ('GET', '/photo/:/transcode', self._photo),
        ]
        self._routes = [
            (re.compile(methods), re.compile(path), answer) for methods, path, answer in routes
        ]

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        for methods, path, answer in self._routes:
            match = path.fullmatch(asked.path)
            if match and methods.fullmatch(asked.method):
                found = answer(asked, *match.groups())
                if found is not None:
                    return self._rendered(asked, found)
        return self._plex.music(asked)

    def _rendered(self, asked: Asked, found: Found) -> Answer:
        if isinstance(found, Answer):
            return found
        if self._plex.quirks.text_sizes:
            found = {**found, 'size': str(found['size'])}
        return rendered(asked, found)

    # The server

    def _root(self, asked: Asked) -> Node:
        plex = self._plex
        video = [session for session in plex.stage.sessions if session.delivery.video]
        return {
            'size': 0,
            'allowCameraUpload': True,
            'allowMediaDeletion': True,
            'allowSharing': True,
            'allowSync': True,
            'backgroundProcessing': True,
            'certificate': True,
            'companionProxy': True,
            'eventStream': True,
            'friendlyName': plex.name,
            'machineIdentifier': plex.machine,
            'livetv': 7,
            'multiuser': True,
            'myPlex': True,
            'myPlexMappingState': 'mapped',
            'myPlexSigninState': 'ok',
            'myPlexSubscription': True,
            'myPlexUsername': 'owner@example.com',
            'ownerFeatures': 'hardware_transcoding,pass,session_kick,sync,webhooks',
            'platform': 'Linux',
            'platformVersion': '6.8.0',
            'pluginHost': False,
            'streamingBrainABRVersion': 3,
            'streamingBrainVersion': 2,
            'transcoderActiveVideoSessions': len(video),
            'transcoderAudio': True,
            'transcoderVideo': True,
            'updatedAt': plex.seconds(),
            'updater': True,
            'version': plex.version,
        }

    def _identity(self, asked: Asked) -> Node:
        plex = self._plex
        known = {'machineIdentifier': plex.machine, 'version': plex.version}
        return {'size': 0, 'claimed': True, **known}

    def _accounts(self, asked: Asked) -> Node:
        nobody: Node = {'id': 0, 'key': '/accounts/0', 'name': ''}
        known = [
            {
                'id': person.id,
                'key': f'/accounts/{person.id}',
                'name': person.name,
                'defaultAudioLanguage': 'en',
                'autoSelectAudio': True,
                'defaultSubtitleLanguage': 'en',
                'subtitleMode': 0,
                'thumb': person.thumb,
            }
            for person in self._plex.people.values()
        ]
        found = container('Account', [nobody, *known])
        return {**found, 'identifier': 'com.plexapp.system.accounts'}

    def _devices(self, asked: Asked) -> Node:
        known: list[Node] = [
            {
                'id': device.id,
                'name': device.title,
                'platform': device.platform,
                'clientIdentifier': device.client_id,
                'createdAt': 1_700_000_000 + device.id,
            }
            for device in self._plex.devices.values()
        ]
        return {**container('Device', known), 'identifier': 'com.plexapp.system.devices'}

    def _activities(self, asked: Asked) -> Node:
        return container('Activity', [scan.node() for scan in self._plex.scans.values()])

    # Sessions

    def _sessions(self, asked: Asked) -> Node:
        if self._plex.quirks.starting == 'empty':
            return container('Metadata', [])
        return container('Metadata', self._plex.snapshot())

    def _history(self, asked: Asked) -> Node:
        return self._plex.history.answer(asked, *_window(asked))

    def _terminate(self, asked: Asked) -> Answer:
        if not asked.first('sessionId'):
            return answer_html(403, 'Forbidden')
        session = self._plex.stage.find(asked.first('sessionId'))
        if session is None:
            return _GONE
        session.leave('terminated')
        return Answer()

    def _transcodes(self, asked: Asked) -> Node:
        found = [node for each in self._plex.stage.shown() if (node := each.transcode())]
        return container('TranscodeSession', found)

    def _cancel(self, asked: Asked, key: str) -> Answer:
        session = self._plex.stage.transcoding(key)
        if session is None:
            return _GONE
        session.leave('terminated')
        return Answer(204)

    # Libraries

    def _sections(self, asked: Asked) -> Node:
        found = [self._section(key) for key in (FILMS, SHOWS, MUSIC)]
        return {**container('Directory', found), 'allowSync': False, 'title1': 'Plex Library'}

    def _section(self, key: str) -> Node:
        plex = self._plex
        return {
            'key': key,
            'uuid': f'00000000-0000-4000-8000-00000000000{key}',
            'type': _TYPES[key],
            'title': plex_shelves.SECTIONS[key],
            'agent': f'tv.plex.agents.{_AGENTS[key]}',
            'scanner': _SCANNERS[key],
            'language': 'en-US',
            'refreshing': key in plex.scans,
            'allowSync': True,
            'filters': True,
            'composite': f'/library/sections/{key}/composite/{plex.scanned[key]}',
            'createdAt': plex_shelves.EPOCH,
            'updatedAt': plex_shelves.EPOCH,
            'scannedAt': plex.scanned[key],
            'content': True,
            'directory': True,
            'hidden': False,
            'Location': [{'id': int(key), 'path': plex_shelves.FOLDERS[key]}],
        }

    def _refresh(self, asked: Asked, section: str) -> Answer:
        if section not in plex_shelves.SECTIONS:
            return _GONE
        self._plex.scan(section, asked.first('path'))
        return Answer()

    def _listing(self, asked: Asked, section: str) -> Node:
        _refuse_unknown(asked)
        kind = KINDS[asked.first('type', section)]
        wanted = asked.first('title').casefold()
        found = [
            row
            for row in self._plex.shelves.of_kind(kind)
            if row.section == section and wanted in row.title.casefold()
        ]
        field, _, direction = asked.first('sort', 'titleSort').partition(':')
        found.sort(key=_ORDERS[field], reverse=direction == 'desc')
        return self._page(asked, found)

    def _page(self, asked: Asked, rows: Sequence[VideoRow]) -> Node:
        start, size = _window(asked)
        shown = rows[start : None if size is None else start + size]
        nodes = [self._video(row) for row in shown]
        return container('Metadata', nodes, total=len(rows), offset=start)

    def _video(self, row: VideoRow) -> Node:
        shelves = self._plex.shelves
        node, found = shelves.node(row), plex_shelves.media(row)
        node |= self._plex.watched_facts(row.id)
        if self._plex.on_deck.get(row.id):
            node['viewOffset'] = self._plex.on_deck[row.id]
        return node | ({'Media': found} if found else {})

    def _on_deck(self, asked: Asked) -> Node:
        return self._page(asked, self._deck())

    def _deck(self) -> list[VideoRow]:
        rows = self._plex.shelves.rows
        return [rows[key] for key in self._plex.on_deck if key in rows]

    def _continue(self, asked: Asked) -> Node:
        nodes = [self._video(row) for row in self._deck()[: asked.number('count', 20)]]
        hub: Node = {
            'hubKey': f'/library/metadata/{",".join(node["ratingKey"] for node in nodes)}',
            'key': '/hubs/home/continueWatching',
            'title': 'Continue Watching',
            'type': 'mixed',
            'hubIdentifier': 'home.continue',
            'context': 'hub.home.continue',
            'size': len(nodes),
            'more': False,
            'style': 'hero',
            'promoted': True,
        }
        return container('Hub', [hub | ({'Metadata': nodes} if nodes else {})])

    def _metadata(self, asked: Asked, keys: str) -> Found | None:
        rows = self._plex.shelves.rows
        wanted = keys.split(',')
        nodes = [self._video(rows[key]) for key in wanted if key in rows]
        if nodes:
            return container('Metadata', nodes)
        return None

    def _children(self, asked: Asked, key: str) -> Found | None:
        shelves = self._plex.shelves
        return self._page(asked, shelves.children(key)) if key in shelves.rows else None

    def _leaves(self, asked: Asked, key: str) -> Found | None:
        row = self._plex.shelves.rows.get(key)
        return self._page(asked, self._plex.shelves.episodes(row)) if row else None

    # Pictures

    def _picture(self, asked: Asked, key: str) -> Found | None:
        row = self._plex.shelves.rows.get(key)
        if row is None:
            return None
        return Answer(200, pictures.poster_jpeg(row.title, row.id), 'image/jpeg')

    def _photo(self, asked: Asked) -> Answer:
        match = re.match(r'/library/metadata/(\d+)/(?:thumb|art)', asked.first('url'))
        title = self._plex.title(match[1]) if match else None
        if match is None or title is None:
            return _GONE
        if asked.first('format') == 'png':
            return Answer(200, pictures.poster(title, match[1]).png(), 'image/png')
        return Answer(200, pictures.poster_jpeg(title, match[1]), 'image/jpeg')


_ORDERS: dict[str, Callable[[VideoRow], Any]] = {
    'titleSort': lambda row: row.title.removeprefix('The ').removeprefix('A '),
    'addedAt': lambda row: row.added,
    'updatedAt': lambda row: row.updated,
    'year': lambda row: row.year,
    'duration': lambda row: row.duration_ms,
}

# What a listing takes besides headers that come as parameters; include… asks for more, which is
# there anyway.
_TAKEN = re.compile(r'type|title|sort|X-Plex-.*|include\w+|check\w+')


def _refuse_unknown(asked: Asked) -> None:
    unknown = [name for name, _ in asked.query if not _TAKEN.fullmatch(name)]
    if unknown:
        raise NotModelled(f'{asked.path} with {", ".join(unknown)}')


def _window(asked: Asked) -> tuple[int, int | None]:
    def given(name: str) -> str:
        return asked.headers.get(name.lower()) or asked.first(name)

    size = given('X-Plex-Container-Size')
    return int(given('X-Plex-Container-Start') or 0), int(size) if size else None
