# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads what a Tautulli has recorded, by its API.

Its key goes into the query, for its API knows no other place; it is kept out of every error and
log. Rows are asked for ungrouped: Tautulli joins plays of an item that follow each other, and a
group tells nothing of its parts.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx2
import msgspec

from .. import plays
from ..engine import errors, wire
from .importing import Shelf
from .nodes import Node

# Rows to a request.
PAGE = 1000

# Tautulli numbers accounts as plex.tv does, a server calls its own owner 1.
OWNER = '1'

_TYPES = {kind.value: kind for kind in plays.MediaType}
_DECISIONS = {decision.value: decision for decision in plays.Decision}


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What rows refer to.

    Attributes:
        machine_id: Of the server that this Tautulli watches.
        owners: Account numbers of its owner.
        thumbs: Pictures by account number.
        libraries: Titles by section key.
    """

    machine_id: str
    owners: frozenset[str] = frozenset()
    thumbs: Mapping[str, str] = {}
    libraries: Mapping[str, str] = {}


class Tautulli:
    """Asks one Tautulli. All failure is raised, as :mod:`mediahub.engine.errors`.

    Args:
        url: Its address, with its HTTP root where it has one.
        api_key: From its settings.
        client: The pool of connections; not closed here.
        policy: How patiently it is asked.
        name: For errors.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        client: httpx2.AsyncClient,
        policy: wire.Policy | None = None,
        name: str = 'Tautulli',
    ):
        self.name = name
        self._key = api_key
        self._wire = wire.Wire(name, url, client, secrets=(api_key,), policy=policy)

    async def surroundings(self) -> Surroundings:
        """The server, its accounts and its libraries.

        Raises:
            Incompatible: It knows of no server yet.
        """
        machine = Node(await self._ask('get_server_info')).text('pms_identifier')
        if not machine:
            detail = 'it watches no Plex server yet; finish its set-up first'
            raise errors.Incompatible(self.name, detail)
        users = _nodes(await self._ask('get_users'))
        libraries = _nodes(await self._ask('get_libraries'))
        return Surroundings(
            machine_id=machine,
            owners=frozenset(user.text('user_id') for user in users if user.flag('is_admin')),
            thumbs={user.text('user_id'): user.text('user_thumb', 'thumb') for user in users},
            libraries={
                library.text('section_id'): library.text('section_name') for library in libraries
            },
        )

    async def history(
        self,
        around: Surroundings,
        since: datetime.datetime | None = None,
        shelf: Shelf | None = None,
        page: int = PAGE,
    ) -> AsyncGenerator[list[plays.Play]]:
        """Everything that was played to its end, page by page, each play once.

        A row does not name its library, so libraries are asked for one by one, and then for all
        that is left: what was in a library that is no more.

        Args:
            around: From :meth:`surroundings`.
            since: Leaves out what began more than two days before; Tautulli filters by days of its
                own time zone.
            shelf: Of the Plex server, if the hub knows it: tells how long items are, which
                Tautulli does not.
            page: Rows to a request.
        """
        known: set[str] = set()
        for library in (*around.libraries, ''):
            async for rows in self._rows(library, since, page):
                fresh = [row for row in rows if _row_id(row) not in known]
                known.update(_row_id(row) for row in fresh)
                if shelf is not None:
                    await shelf.learn(row.text('rating_key') for row in fresh)
                made = [_play(row, _item(row, around, library, shelf), around) for row in fresh]
                yield [play for play in made if play is not None]

    async def _rows(
        self, library: str, since: datetime.datetime | None, page: int
    ) -> AsyncGenerator[list[Node]]:
        params = [
            ('grouping', '0'),
            ('include_activity', '0'),
            ('order_column', 'date'),
            ('order_dir', 'asc'),
            ('length', str(page)),
        ]
        if library:
            params.append(('section_id', library))
        if since is not None:
            day = (since - datetime.timedelta(days=2)).date()
            params.append(('after', day.isoformat()))
        start = 0
        while True:
            data = Node(await self._ask('get_history', *params, ('start', str(start))))
            if 'recordsFiltered' not in data or data.text('error'):
                detail = data.text('error') or 'get_history came without a count'
                raise errors.ProtocolError(self.name, detail)
            rows = data.nodes('data')
            yield rows
            start += len(rows)
            if not rows or start >= (data.integer('recordsFiltered') or 0):
                return

    async def _ask(self, command: str, *params: tuple[str, str]) -> Any:
        """The data of an answer.

        Raises:
            CredentialsRefused: The key is wrong, or the API is switched off.
            ServerFailed: It says that it failed.
        """
        asked = (('apikey', self._key), ('cmd', command), *params)
        patience = self._wire.policy.first_page_timeout
        response = await self._wire.get('/api/v2', asked, timeout=patience)
        document = Node(self._wire.decode(response, dict[str, Any]))
        answer = document.node('response')
        if not answer:
            raise self._wire.protocol_error(f'{command}: no answer of Tautulli', response)
        if answer.text('result') != 'success':
            message = self._wire.clean(answer.text('message')) or 'no reason given'
            refused = 'apikey' in message.lower() or 'not enabled' in message.lower()
            kind = errors.CredentialsRefused if refused else errors.ServerFailed
            raise kind(self.name, f'{command}: {message}')
        return answer.value('data')


def _nodes(data: object) -> list[Node]:
    return Node({'': data}).nodes('')


def _row_id(row: Node) -> str:
    return row.text('row_id', 'id')


def _play(row: Node, item: plays.Item, around: Surroundings) -> plays.Play | None:
    """A play; None for one that goes on, or says not when it was."""
    started, stopped = row.epoch('started'), row.epoch('stopped')
    if not started or not stopped or stopped < started or row.text('state'):
        return None
    decision = _DECISIONS.get(row.text('transcode_decision'), plays.Decision.UNKNOWN)
    lasted = int((stopped - started).total_seconds())
    paused = min(max(0, row.integer('paused_counter') or 0), lasted)
    played = row.integer('play_duration', 'duration')
    return plays.Play(
        play_id=plays.play_id(
            around.machine_id, 'tautulli', _row_id(row), item.rating_key, started.timestamp()
        ),
        server=around.machine_id,
        source=plays.Source.TAUTULLI,
        started_at=started,
        seen_at=stopped,
        stopped_at=stopped,
        offset_ms=_offset(row, item),
        played_ms=1000 * min(lasted - paused, max(0, lasted if played is None else played)),
        paused_ms=1000 * paused,
        pauses=int(paused > 0),
        transcoded=decision is plays.Decision.TRANSCODE,
        item=item,
        viewer=_viewer(row, around),
        player=_player(row),
        stream=plays.Stream(decision=decision),
    )


def _offset(row: Node, item: plays.Item) -> int | None:
    """Where a play ended, of which Tautulli tells the percentage."""
    percent = row.integer('percent_complete')
    if percent is None or not item.duration_ms:
        return None
    return item.duration_ms * min(100, max(0, percent)) // 100


def _item(row: Node, around: Surroundings, library: str, shelf: Shelf | None) -> plays.Item:
    kind = _TYPES.get(row.text('media_type'), plays.MediaType.OTHER)
    noted = plays.Item(
        rating_key=row.text('rating_key'),
        media_type=plays.MediaType.LIVE if row.flag('live') else kind,
        title=row.text('title', 'full_title'),
        parent_title=row.text('parent_title'),
        grandparent_title=row.text('grandparent_title'),
        parent_rating_key=row.text('parent_rating_key'),
        grandparent_rating_key=row.text('grandparent_rating_key'),
        guid=row.text('guid'),
        year=row.integer('year'),
        index=row.integer('media_index'),
        parent_index=row.integer('parent_media_index'),
        library_id=library,
        library=around.libraries.get(library, ''),
        thumb=row.text('thumb'),
    )
    return noted if shelf is None else shelf.completed(noted)


def _viewer(row: Node, around: Surroundings) -> plays.Viewer:
    number = row.text('user_id')
    return plays.Viewer(
        account_id=OWNER if number in around.owners else number,
        name=row.text('friendly_name', 'user'),
        thumb=around.thumbs.get(number, ''),
    )


def _player(row: Node) -> plays.Player:
    location = row.text('location')
    return plays.Player(
        client_id=row.text('machine_id'),
        title=row.text('player'),
        product=row.text('product'),
        platform=row.text('platform'),
        address=row.text('ip_address'),
        local=location == 'lan' if location else None,
        relayed=row.flag('relayed'),
        secure=row.flag('secure'),
    )
