# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A Plex Media Server that is alive: people play, pause and stop, and it tells of it as Plex does.

One state behind everything: JSON and XML over HTTP, frames over websockets (both spellings), an
event source, webhooks. It stands on a clock that the caller gives, so that an evening takes no
time.

    clock = HandClock()
    plex = LivingPlex(clock).stocked()
    with plex.served():                      # a real port of 127.0.0.1; plex.url, plex.token
        anna = plex.person('Anna')
        tv = plex.device('Living room')
        film = plex.shelves.add_film('The Long Ferry', minutes=100)

        session = plex.play(anna, tv, film.id)          # a frame goes out at once
        clock.go(600); plex.tick()                      # ten minutes later; frames of progress
        session.pause(); clock.go(60); session.resume()
        session.deliver(plex_delivery.picture('720', burn=True))
        session.stop()                                  # or vanish(), or leave('terminated')

    assert plex.truth[0].paused_ms == 60_000            # what really happened, to count by

``plex.truth`` holds every play that took place, whatever the server told of it. ``plex.quirks``
holds the habits of servers (:class:`~mediahub.testing.plex_quirks.Quirks`), ``plex.faults`` what
goes wrong on the way (:class:`~mediahub.testing.faults.Fault`): ``plex.faults.add(Fault(
'/status/.*', status=503, times=2))``. ``plex.restart()`` starts the server again, with keys
from 1; ``plex.served()`` gives a :class:`~mediahub.testing.serving.Serving` whose
``drop_connections()``, ``go_down()`` and ``come_back()`` are the network. Without a port,
``InProcess(plex)`` is a transport for httpx2. Webhooks go to ``plex.hooks.urls``;
``plex.telling.webhook(...).body()`` is one to post by yourself.

In tests the fixtures ``hand_clock`` and ``living_plex`` (stocked, served) of
``mediahub/tests/conftest.py`` do all that.
"""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING, Self

from . import plex_items, plex_shelves
from .clocks import Clock
from .faults import Faults
from .http import Answer, Asked, answer_html
from .library import EPOCH
from .plex import MACHINE, PlexDouble
from .plex_answers import Answers
from .plex_delivery import DIRECT, Delivery
from .plex_documents import Node
from .plex_history import History
from .plex_notifications import Notices, with_ids
from .plex_people import Device, Person, Playable, TruePlay
from .plex_quirks import Quirks
from .plex_sessions import Session, Stage
from .plex_shelves import MUSIC, SECTIONS, Shelves, VideoRow
from .plex_telling import DELETED, Scan, Telling
from .plex_webhooks import Hooks

if TYPE_CHECKING:
    from .serving import Serving

# What a session has as numbers on servers that give no texts.
_NUMBERS = frozenset({'sessionKey', 'ratingKey', 'parentRatingKey', 'grandparentRatingKey', 'id'})

# How long a scan of a library takes, in seconds.
SCAN = 90.0


class LivingPlex:
    """The server; call it with a request.

    Attributes:
        token: The only one that is accepted.
        url: Its address while it is served.
        people: By account number; 1 is the owner.
        on_deck: What the owner may go on with: ids, and offsets in milliseconds.
        hooks: Where webhooks go to: ``hooks.urls.append(...)``, later ``hooks.close()``.
        telling: Builds and sends them: ``telling.post('admin.database.backup')``.
        scans: Those that run, by section.
        scanned: When each section was last scanned.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        machine: str = MACHINE,
        name: str = 'Double',
        owner: str = 'Owner',
        token: str = 'living-plex-token',  # noqa: S107 - a double's
    ):
        self.clock = clock
        self.machine, self.name, self.token = machine, name, token
        self.version = '1.43.2.10000-0123abcd'
        self.url = ''
        self.quirks = Quirks()
        self.faults = Faults()
        self.music = PlexDouble(token=token, machine=machine)
        self.shelves = Shelves()
        self.history = History()
        self.telling = Telling(self)
        self.stage = Stage(clock, self.telling.announce)
        self.stage.announce_transcode = self.telling.transcode
        self.stage.lag = lambda: self.quirks.lag
        self.notices = Notices(self.quirks)
        self.people = {1: Person(1, owner, 9001)}
        self.devices: dict[str, Device] = {}
        self.hooks = Hooks(f'PlexMediaServer/{self.version}')
        self.on_deck: dict[str, int] = {}
        self.scans: dict[str, Scan] = {}
        self.scanned = dict.fromkeys(SECTIONS, EPOCH)
        self._answers = Answers(self)
        self._numbers = itertools.count(1)
        self._serving: Serving | None = None

    def stocked(self) -> Self:
        """Put a few films, a show, a broadcast and some music in; returns itself."""
        self.shelves.add_film('The Long Ferry', 2011, 102)
        self.shelves.add_film('Nine Lanterns', 2019, 141, plex_shelves.ULTRA_HD)
        self.shelves.add_film('A Small Orchard', 2004, 88, plex_shelves.SMALL)
        self.shelves.add_show('Harbour Street', 2016, seasons=2, episodes=6)
        self.shelves.add_broadcast('Evening News')
        self.music.library.fill(artists=2, albums=2, tracks=5)
        return self

    # People and players

    @property
    def owner(self) -> Person:
        """Whose server it is."""
        return self.people[1]

    def person(self, name: str) -> Person:
        """Somebody else who may use the server."""
        number = 20_000_000 + next(self._numbers)
        made = Person(number, name, number)
        self.people[made.id] = made
        return made

    def device(self, title: str, **facts: str | bool) -> Device:
        """A player; ``facts`` are fields of :class:`Device`."""
        number = next(self._numbers)
        known = {'client_id': f'player-{number:04}-com-plexapp-android'} | facts
        made = Device(number, title=title, **known)  # pyright: ignore[reportArgumentType]  # facts are fields by name
        self.devices[made.client_id] = made
        return made

    def play(
        self,
        person: Person,
        device: Device,
        rating_key: str,
        delivery: Delivery = DIRECT,
        offset_ms: int = 0,
        *,
        with_id: bool = True,
    ) -> Session:
        """Start a session; see :meth:`mediahub.testing.plex_sessions.Stage.play`."""
        who = (person, device)
        return self.stage.play(
            who, self.playable(rating_key), delivery, offset_ms, with_id=with_id
        )

    def playable(self, rating_key: str) -> Playable:
        """Something of the libraries, as a session takes it."""
        row = self.shelves.rows.get(rating_key)
        if row is not None:
            length = 0 if row.live else row.duration_ms
            return Playable(self.shelves.node(row), plex_shelves.media(row), length)
        track = self.music.library.tracks[rating_key]
        node = plex_items.item(self.music.library, track, 'Music')
        media = node.pop('Media')
        for medium in media:
            medium |= {'audioCodec': 'flac', 'container': 'flac', 'bitrate': 900}
        return Playable(node, media, track.duration_ms)

    @property
    def truth(self) -> list[TruePlay]:
        """Every play that took place."""
        return self.stage.truth

    # Time

    def seconds(self) -> int:
        """The time in seconds since 1970."""
        return int(self.clock().timestamp())

    def tick(self) -> None:
        """Do what a server does every ten seconds: tell of progress, end what is over."""
        with self.stage.lock:
            self.stage.tick()
            for scan in list(self.scans.values()):
                self._scan_on(scan)
        self.notices.flush()

    def restart(self, *, survivors: bool = False, starting: str = '') -> None:
        """Stop and start: connections break, keys begin at 1 again.

        Args:
            survivors: Whether players go on: the same session ids, other keys. Without, every play
                ends here and nobody is told.
            starting: What it answers until :meth:`ready`; see :class:`Quirks`.
        """
        with self.stage.lock:
            self.stage.restart(survivors=survivors)
            self.scans.clear()
            self.quirks.starting = starting
        if self._serving:
            self._serving.drop_connections()

    def ready(self) -> None:
        """Be up."""
        self.quirks.starting = ''

    # Answers

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        refused = self.refusal(asked)
        if refused is not None:
            return refused
        with self.stage.lock:
            return self._answers(asked)

    def refusal(self, asked: Asked) -> Answer | None:
        """The answer to a request that gets no further, to a websocket too."""
        if self.quirks.starting == '503':
            return answer_html(503, 'Service Unavailable')
        if not self.quirks.knows(asked.path):
            return answer_html(404, 'Not Found')
        given = asked.headers.get('x-plex-token') or asked.first('X-Plex-Token')
        if asked.path != '/identity' and given != self.token:
            return answer_html(401, 'Unauthorized')
        self.music.token = self.token
        return None

    def snapshot(self) -> list[Node]:
        """The sessions that are listed now."""
        nodes = [session.snapshot() for session in self.stage.shown()]
        if self.quirks.number_ids:
            nodes = [with_ids(node, _NUMBERS, 'number') for node in nodes]
        return nodes

    def arrive(self, row: VideoRow) -> None:
        """Tell that a film or an episode was found; :attr:`shelves` has it already."""
        self.telling.bustle(row)
        self.telling.post('library.new', item=self.shelves.node(row))

    def remove(self, rating_key: str) -> None:
        """Take a film out of the library; history keeps its title and no more."""
        with self.stage.lock:
            self.history.gone.add(rating_key)
            self.on_deck.pop(rating_key, None)
            self.telling.timeline(self.shelves.rows.pop(rating_key), DELETED)

    def title(self, rating_key: str) -> str | None:
        """The title of an item, None where there is none of that id."""
        library = self.music.library
        row = self.shelves.rows.get(rating_key) or library.albums.get(rating_key)
        if row is not None:
            return row.title
        artist, track = library.artists.get(rating_key), library.tracks.get(rating_key)
        return artist.name if artist else track.title if track else None

    def watched_facts(self, rating_key: str) -> Node:
        """How often and when the owner watched it."""
        count, last = self.history.of_owner(rating_key)
        return {'viewCount': count, 'lastViewedAt': last} if count else {}

    def served(self, port: int = 0, *, prefix: str = '', strict: bool = True) -> Serving:
        """Serve on a port of 127.0.0.1, a free one for 0; a context.

        Args:
            port: 0 for a free one.
            prefix: Below which path it stands, such as ``/plex`` behind a proxy.
            strict: Whether leaving the context raises what was asked for and is not modelled.
        """
        from . import plex_serving  # a test that sends no bytes needs no server

        self._serving = plex_serving.PlexServing(self, port, prefix, strict=strict)
        return self._serving

    # Scans

    def scan(self, section: str, path: str = '') -> Scan:
        """Start to scan a library, where no scan of it runs."""
        with self.stage.lock:
            if section == MUSIC:
                self.music.refreshing = True
                self.music.scans.append(path)
            if section not in self.scans:
                number = uuid.uuid5(uuid.NAMESPACE_URL, f'{section}{self.stage.number()}')
                self.scans[section] = Scan(section, self.clock(), str(number))
                self.telling.scan('started', self.scans[section])
            return self.scans[section]

    def _scan_on(self, scan: Scan) -> None:
        passed = (self.clock() - scan.began).total_seconds() * self.stage.pace
        scan.done = min(100, int(passed * 100 / SCAN))
        if scan.done < 100:
            self.telling.scan('updated', scan)
            return
        del self.scans[scan.section]
        self.scanned[scan.section] = self.seconds()
        self.telling.scan('ended', scan)
        if scan.section == MUSIC:
            self.music.finish_scan()
