# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a living Plex tells of what happens: frames, webhooks, history."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

from . import pictures
from .plex_documents import Node
from .plex_people import Device
from .plex_sessions import Session
from .plex_shelves import SECTIONS, VideoRow
from .plex_webhooks import WITH_THUMB, Webhook

if TYPE_CHECKING:
    from .plex_living import LivingPlex

# The state in the frame of each thing that happens; empty for the session's own.
_STATES = {
    'play': 'playing',
    'pause': 'paused',
    'resume': 'playing',
    'buffer': 'buffering',
    'seek': '',
    'progress': '',
    'deliver': '',
    'stop': 'stopped',
}

# What it means for a transcode.
_TRANSCODES = {'stop': 'end', 'progress': 'update'}

# What makes a webhook.
_HOOKED = frozenset({'play', 'pause', 'resume', 'stop', 'scrobble', 'rate'})

# States of an item in a timeline.
PROCESSED, DELETED = 5, 9


@dataclasses.dataclass
class Scan:
    """A scan that runs; ``done`` in percent."""

    section: str
    began: datetime.datetime
    uuid: str
    done: int = 0

    @property
    def title(self) -> str:
        """What it does, for people."""
        return f'Scanning {SECTIONS[self.section]}'

    def node(self) -> Node:
        """The scan as an activity."""
        return {
            'uuid': self.uuid,
            'type': 'library.update.section',
            'cancellable': False,
            'userID': 1,
            'title': self.title,
            'subtitle': '',
            'progress': self.done,
            'Context': {'librarySectionID': self.section},
        }


class Telling:
    """Tells of one server."""

    def __init__(self, plex: LivingPlex):
        self._plex = plex
        self._known: set[str] = set()

    # Sessions

    def announce(self, what: str, session: Session) -> None:
        """Something happened to a session."""
        if what == 'history':
            self._remember(session)
        elif what in _STATES:
            self._playing(session, _STATES[what] or session.state)
        if what in _TRANSCODES and session.transcode_key:
            self.transcode(_TRANSCODES[what], session.transcode_key, session)
        if what == 'stop':
            self._keep_place(session)
        for event in self._events(what, session):
            self.post(event, session)

    def _playing(self, session: Session, state: str) -> None:
        notices, node = self._plex.notices, session.item.node
        frame: Node = {
            'sessionKey': session.key,
            'clientIdentifier': session.device.client_id,
            'guid': '',
            'ratingKey': node['ratingKey'],
            'url': '',
            'key': node['key'],
            'viewOffset': session.offset_ms,
            'playQueueItemID': session.queue_item,
            'playQueueID': session.queue_item,
            'state': state,
        }
        if session.transcode_key:
            frame['transcodeSession'] = session.transcode_key
        notices.tell('playing', frame)
        if state == 'stopped' and self._plex.quirks.triple_stops:
            bare = {'url': '', 'viewOffset': 0, 'state': state, 'sessionKey': session.key}
            for _ in range(2):
                notices.tell('playing', bare)

    def transcode(self, what: str, key: str, session: Session | None = None) -> None:
        """A transcode began, went on or ended; without its session where that has another now."""
        node = session.transcode() if session else None
        known = node or {'key': f'/transcode/sessions/{key}'}
        self._plex.notices.tell(f'transcodeSession.{what}', known)

    def _remember(self, session: Session) -> None:
        plex, node = self._plex, session.item.node
        if not node.get('live'):
            plex.history.add(node, plex.seconds(), session.person.id, session.device.id)

    def _keep_place(self, session: Session) -> None:
        """Put on deck what the owner may go on with."""
        plex, key = self._plex, session.truth.rating_key
        row = plex.shelves.rows.get(key)
        if row is None or row.live or session.person.id != 1:
            return
        known = set(plex.on_deck)
        plex.on_deck.pop(key, None)
        if not session.scrobbled:
            plex.on_deck[key] = session.truth.offset_ms
        elif following := plex.shelves.following(row):
            plex.on_deck[following.id] = 0
        for new in plex.on_deck.keys() - known:
            self.post('library.on.deck', item=plex.shelves.node(plex.shelves.rows[new]))

    # Libraries

    def scan(self, event: str, scan: Scan) -> None:
        """A scan ``started``, was ``updated`` or ``ended``."""
        notices = self._plex.notices
        self._activity(event, scan)
        if event == 'updated':
            notices.tell('progress', {'message': scan.title})
        if event == 'ended':
            told = {'title': 'Library scan complete', 'description': f'{scan.title} is over.'}
            notices.tell('status', {**told, 'notificationName': 'LIBRARY_UPDATE'})

    def _activity(self, event: str, scan: Scan) -> None:
        told: Node = {'event': event, 'uuid': scan.uuid, 'Activity': scan.node()}
        self._plex.notices.tell('activity', told)

    def timeline(self, row: VideoRow, state: int) -> None:
        """A film or episode came into a library, or left it."""
        kind = {'movie': 1, 'episode': 4}[row.kind]
        entry: Node = {
            'identifier': 'com.plexapp.plugins.library',
            'sectionID': row.section,
            'itemID': row.id,
            'type': -1 if state == DELETED else kind,
            'title': row.title,
            'state': state,
            'updatedAt': self._plex.seconds(),
        }
        if state == DELETED:
            entry['metadataState'] = 'deleted'
        self._plex.notices.tell('timeline', entry)

    def bustle(self, row: VideoRow) -> None:
        """What one new film sets off: 146 frames, as were counted on a server of 1.43."""
        title = f'Adding {row.title}'
        for number in range(80):
            scan = Scan(row.section, self._plex.clock(), f'{row.id}-{number // 3}', number)
            self._activity('started' if number % 3 == 0 else 'updated', scan)
        for _ in range(52):
            self._plex.notices.tell('progress', {'message': title})
        for number in range(14):
            self.timeline(row, min(number // 2, PROCESSED))

    # Webhooks

    def _events(self, what: str, session: Session) -> list[str]:
        found: list[str] = []
        if what == 'play':
            if session.device.client_id not in self._known:
                self._known.add(session.device.client_id)
                found.append('device.new')
            if session.person.id != 1:
                found.append('playback.started')
        return found + ([f'media.{what}'] if what in _HOOKED else [])

    def post(self, event: str, session: Session | None = None, item: Node | None = None) -> None:
        """Send a webhook, where anybody takes them; see :meth:`webhook`."""
        if self._plex.hooks.urls:
            self._plex.hooks.send(self.webhook(event, session, item))

    def webhook(
        self, event: str, session: Session | None = None, item: Node | None = None
    ) -> Webhook:
        """A message.

        Args:
            event: Such as ``media.play`` or ``admin.database.backup``.
            session: Whose it is; None for what the server does by itself.
            item: What it is of, where there is no session.
        """
        plex = self._plex
        person = session.person if session else plex.owner
        payload: Node = {
            'event': event,
            'user': person.id == 1,
            'owner': True,
            'Account': {'id': person.id, 'thumb': person.thumb, 'title': person.name},
            'Server': {'title': plex.name, 'uuid': plex.machine},
        }
        if session:
            item = session.item.node
            payload['Player'] = _player(session.device)
            payload |= {'rating': str(session.rating)} if event == 'media.rate' else {}
        if item is None:
            return Webhook(payload)
        payload['Metadata'] = item
        if event not in WITH_THUMB:
            return Webhook(payload)
        return Webhook(payload, pictures.poster_jpeg(item['title'], item['ratingKey']))


def _player(device: Device) -> Node:
    known = {'local': device.local, 'publicAddress': device.public_address}
    return {**known, 'title': device.title, 'uuid': device.client_id}
