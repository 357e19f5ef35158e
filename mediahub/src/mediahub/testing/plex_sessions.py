# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Who plays what on a Plex server at the moment, and the truth of what was played."""

from __future__ import annotations

import datetime
import itertools
import random
import threading
import uuid
from collections.abc import Callable, Iterator

from . import plex_delivery
from .clocks import Clock
from .plex_delivery import DIRECT, Delivery
from .plex_documents import Node
from .plex_people import (
    Device,
    Pause,
    Person,
    Playable,
    TruePlay,
    milliseconds,
    player,
    user,
)

_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

# Where a play counts as watched.
WATCHED = 0.9

# Ends that nobody is told of.
_SILENT = frozenset({'vanished', 'restart'})

Announce = Callable[[str, 'Session'], None]


class Session:
    """Something that plays: drive it as its player would.

    Attributes:
        key: A small number that starts at 1 with the server, as text.
        id: Empty for a player that gives none.
        truth: What really happens.
    """

    def __init__(
        self,
        stage: Stage,
        session_id: str,
        who: tuple[Person, Device],
        item: Playable,
        delivery: Delivery,
    ):
        self._stage = stage
        self.id = session_id
        self.person, self.device = who
        self.item = item
        self.delivery = delivery
        self.state = 'playing'
        self.scrobbled = False
        self.visible_from = stage.clock()
        self.queue_item = stage.number()
        self.transcode_key = ''
        self.rating = 0.0

    def begin(self, key: str, offset_ms: int) -> None:
        """Start; called by :meth:`Stage.play`."""
        now = self._stage.clock()
        self.key, self._offset, self._since = key, offset_ms, now
        self.scrobbled = False
        node = self.item.node
        self.truth = TruePlay(
            session_id=self.id,
            session_keys=[key],
            rating_key=node['ratingKey'],
            kind='live' if node.get('live') else node['type'],
            title=node['title'],
            person=self.person,
            device=self.device,
            started=now,
            start_offset_ms=offset_ms,
            offset_ms=offset_ms,
        )
        self._stage.truth.append(self.truth)
        self._deliver(self.delivery)

    # What a player does

    def pause(self) -> None:
        """Pause."""
        with self._stage.lock:
            if self.live and self.state != 'paused':
                self._settle('paused')
                self.truth.pauses.append(Pause(self._since))
                self._stage.announce('pause', self)

    def resume(self) -> None:
        """Go on after a pause or a break in the data."""
        with self._stage.lock:
            if self.live and self.state != 'playing':
                self._settle('playing')
                self._close_pause()
                self._stage.announce('resume', self)

    def buffer(self) -> None:
        """Run out of data; :meth:`resume` ends that."""
        with self._stage.lock:
            if self.live and self.state == 'playing':
                self._settle('buffering')
                self._stage.announce('buffer', self)

    def seek(self, offset_ms: int) -> None:
        """Jump."""
        with self._stage.lock:
            if self.live:
                self._settle(self.state)
                self._offset = self.truth.offset_ms = offset_ms
                self._stage.announce('seek', self)

    def deliver(self, delivery: Delivery) -> None:
        """Have it delivered in another way, as after a change of quality."""
        with self._stage.lock:
            if self.live:
                ended = self.transcode_key
                self._deliver(delivery)
                if ended:
                    self._stage.announce_transcode('end', ended)
                self._stage.announce('deliver', self)

    def next(self, item: Playable, delivery: Delivery | None = None) -> None:
        """Go on with another item in the same session, as music players do."""
        with self._stage.lock:
            if self.live:
                self._end('finished')
                self._stage.announce('stop', self)
                self.item = item
                self.delivery = delivery or self.delivery
                self.state = 'playing'
                self.begin(self.key, 0)
                self._stage.announce('play', self)

    def rate(self, stars: float) -> None:
        """Give it up to 10 points."""
        with self._stage.lock:
            self.rating = stars
            self._stage.announce('rate', self)

    def stop(self) -> None:
        """Stop."""
        self.leave('stopped')

    def vanish(self, linger: float = 0) -> None:
        """Go without a word: a dead battery.

        Args:
            linger: Seconds for which the server goes on showing it where it stood.
        """
        self.leave('vanished', linger)

    def leave(self, how: str, linger: float | None = None) -> None:
        """End in a way that :attr:`TruePlay.how` names."""
        with self._stage.lock:
            if self.live:
                self._end(how)
                self._stage.drop(self, linger)
                if how not in _SILENT:
                    self._stage.announce('stop', self)

    # What the server makes of it

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.truth.stopped is None

    @property
    def offset_ms(self) -> int:
        """Where in the item it is now."""
        offset = self._offset
        if self.state == 'playing' and self.live:
            passed = milliseconds(self._stage.clock() - self._since)
            offset += int(passed * self._stage.pace)
        return min(offset, self.item.duration_ms) if self.item.duration_ms else offset

    @property
    def finished(self) -> bool:
        """Whether it has come to the end of the item."""
        return 0 < self.item.duration_ms <= self.offset_ms

    @property
    def watched(self) -> bool:
        """Whether it is so far that it counts as watched."""
        return 0 < self.item.duration_ms * WATCHED <= self.offset_ms

    def rekey(self, key: str) -> None:
        """Take another key: the server started again and the player did not notice."""
        self.key = self._node['sessionKey'] = key
        self.truth.session_keys.append(key)

    def snapshot(self) -> Node:
        """The session as it is at the moment; the same object every time."""
        node = self._node
        if not node.get('live'):
            node['viewOffset'] = self.offset_ms
        node['Player']['state'] = self.state
        if 'TranscodeSession' in node:
            self._progress(node['TranscodeSession'])
        return node

    def transcode(self) -> Node | None:
        """Its transcode session, where it has one."""
        return self.snapshot().get('TranscodeSession')

    def _progress(self, node: Node) -> None:
        # The transcoder is two minutes ahead of the player.
        length = self.item.duration_ms or 7_200_000
        done = min(100.0, 100 * (self.offset_ms + 120_000) / length)
        node |= {'progress': round(done, 2), 'complete': done == 100, 'throttled': done < 100}
        node['speed'] = 0.0 if node['throttled'] else 2.5

    def _settle(self, state: str) -> None:
        self._offset = self.truth.offset_ms = self.offset_ms
        self._since = self._stage.clock()
        self.state = state

    def _close_pause(self) -> None:
        if self.truth.pauses and self.truth.pauses[-1].ended is None:
            self.truth.pauses[-1].ended = self._since

    def _end(self, how: str) -> None:
        watched = self.watched
        self._settle(self.state)
        self._close_pause()
        if watched and not self.scrobbled:
            self.scrobbled = True
            self._stage.announce('scrobble', self)
        self.truth.stopped, self.truth.how = self._since, how
        if self.scrobbled:
            self._stage.announce('history', self)

    def _deliver(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.transcode_key = self._stage.key() if delivery.protocol else ''
        self.truth.transcoded |= delivery.transcodes
        self._node = self._built()
        if self.transcode_key:
            self._stage.announce_transcode('start', self.transcode_key, self)

    def _built(self) -> Node:
        node: Node = {
            **self.item.node,
            'sessionKey': self.key,
            'viewOffset': 0,
            'Media': plex_delivery.shown(self.item.media, self.delivery),
            'User': user(self.person),
            'Player': player(self.device, self.person),
        }
        if 'librarySectionID' in node:
            node['librarySectionID'] = str(node['librarySectionID'])
        if node.get('live'):
            del node['viewOffset']
        if self.id:
            place = 'lan' if self.device.local else 'wan'
            rate = node['Media'][0].get('bitrate', 900)
            node['Session'] = {'id': self.id, 'bandwidth': rate * 11 // 10, 'location': place}
        if self.transcode_key:
            facts = (self.transcode_key, self.item.media[0], self.delivery, self.item.duration_ms)
            node['TranscodeSession'] = plex_delivery.transcode(*facts)
        return node


class Stage:
    """All sessions of a server.

    Attributes:
        truth: Every play that took place, in the order in which they began.
        lock: Held while anything changes or is shown.
        pace: How many seconds of a film go by in a second of the clock: a demonstration shows an
            evening in minutes, and all times it tells are still those of the day.
    """

    def __init__(self, clock: Clock, announce: Announce, seed: int = 8):
        self.clock = clock
        self.lock = threading.RLock()
        self.truth: list[TruePlay] = []
        self.lag: Callable[[], float] = lambda: 0
        self.pace = 1.0
        self.announce = announce
        self.announce_transcode: Callable[..., None] = _nobody
        self._sessions: dict[str, Session] = {}
        self._leaving: list[tuple[datetime.datetime, Session]] = []
        self._keys: Iterator[int] = itertools.count(1)
        self._numbers = itertools.count(1)
        self._random = random.Random(seed)  # noqa: S311 - ids that a test can repeat

    def play(
        self,
        who: tuple[Person, Device],
        item: Playable,
        delivery: Delivery = DIRECT,
        offset_ms: int = 0,
        *,
        with_id: bool = True,
    ) -> Session:
        """Start a session.

        Args:
            who: Who plays it, and with what.
            item: What is played.
            delivery: How it is delivered.
            offset_ms: Where it begins.
            with_id: Whether the player gives the session an id; not every one does.
        """
        with self.lock:
            session = Session(self, self._id() if with_id else '', who, item, delivery)
            session.begin(str(next(self._keys)), offset_ms)
            session.visible_from += datetime.timedelta(seconds=self.lag())
            self._sessions[session.key] = session
            self.announce('play', session)
            return session

    def number(self) -> int:
        """A number that nothing else has."""
        return next(self._numbers)

    def key(self) -> str:
        """A key for a transcode."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _id(self) -> str:
        return ''.join(self._random.choices(_LETTERS, k=24))

    @property
    def sessions(self) -> list[Session]:
        """Those that go on."""
        return list(self._sessions.values())

    def find(self, session_id: str) -> Session | None:
        """The session of an id, or of a key."""
        found = (each for each in self.sessions if session_id in {each.id, each.key})
        return next(found, None)

    def transcoding(self, key: str) -> Session | None:
        """The session that a transcode belongs to."""
        return next((each for each in self.sessions if key and each.transcode_key == key), None)

    def shown(self) -> list[Session]:
        """Those that the server lists at the moment."""
        now = self.clock()
        self._leaving = [pair for pair in self._leaving if pair[0] > now]
        here = [each for each in self._sessions.values() if each.visible_from <= now]
        return here + [session for _, session in self._leaving]

    def drop(self, session: Session, linger: float | None) -> None:
        """Take a session off; called by the session."""
        del self._sessions[session.key]
        seconds = self.lag() if linger is None else linger
        if seconds > 0:
            until = self.clock() + datetime.timedelta(seconds=seconds)
            self._leaving.append((until, session))

    def tick(self) -> None:
        """Tell of progress, end what is over, count what is watched."""
        with self.lock:
            for session in self.sessions:
                if session.watched and not session.scrobbled:
                    session.scrobbled = True
                    self.announce('scrobble', session)
                if session.finished:
                    session.leave('finished')
                else:
                    self.announce('progress', session)

    def restart(self, *, survivors: bool) -> None:
        """Begin again with key 1.

        Args:
            survivors: Whether players go on, with the same session ids and other keys.
        """
        with self.lock:
            here, self._sessions, self._leaving = self.sessions, {}, []
            self._keys = itertools.count(1)
            for session in here:
                self._survive(session) if survivors else self._cut(session)

    def _survive(self, session: Session) -> None:
        session.rekey(str(next(self._keys)))
        self._sessions[session.key] = session

    def _cut(self, session: Session) -> None:
        self._sessions[session.key] = session
        session.leave('restart', 0)


def _nobody(what: str, key: str, session: Session | None = None) -> None:
    """Tell nobody."""
