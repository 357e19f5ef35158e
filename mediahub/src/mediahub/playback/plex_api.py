# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub asks a Plex server, and the few things that it tells it to do.

The official path comes first. Where a server does not know it, its predecessor does; which of the
two it was is remembered until :meth:`PlexApi.forget`. Paths that Plex never published (accounts,
devices, transcodes) are the ones that every client of it uses.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
import msgspec

from .. import plays
from ..engine import breaker, coerce, errors, wire
from . import plex_seen, plex_shapes
from .nodes import Node

T = TypeVar('T')

PAGE = 1000

# Seconds for what is asked again and again: a server that hangs must not hold up the watch.
SOON = 10.0

# A server that restarts is back within a minute, and what plays must be seen soon after.
POLICY = wire.Policy(limits=breaker.Limits(rest=10.0))

# Ids of items in one request: what fits a URL that every proxy lets pass.
IDS = 50

# Predecessors of official paths.
_PATHS: Mapping[str, tuple[str, ...]] = {
    'sections': ('/library/sections/all', '/library/sections'),
    'on deck': ('/hubs/continueWatching', '/library/onDeck'),
}

_RATING_KEY = re.compile(r'[A-Za-z0-9_-]{1,64}')
_SECTION = re.compile(r'[0-9]{1,12}')
# What clients make up for a transcode; a dot alone would be a step in a path.
_SESSION_KEY = re.compile(r'[A-Za-z0-9_~:@-][A-Za-z0-9._~:@-]{0,127}')


@dataclasses.dataclass(slots=True)
class Address:
    """Where a server is, and what we show it.

    Attributes:
        name: Of the server in the configuration, for errors.
        url: With a path prefix where there is one.
        token: Renewed while the hub runs, by :meth:`PlexApi.renew` alone.
        client_id: Of this hub, by which the server lists it among its devices.
    """

    name: str
    url: str
    token: str = dataclasses.field(repr=False)
    client_id: str = wire.PRODUCT

    @property
    def headers(self) -> dict[str, str]:
        """Sent with every request; the token is never in a URL."""
        return {
            'Accept': 'application/json',
            'X-Plex-Token': self.token,
            'X-Plex-Product': wire.PRODUCT,
            'X-Plex-Version': wire.VERSION,
            'X-Plex-Client-Identifier': self.client_id,
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must never show: the token, and a password within the URL."""
        parts = urlsplit(self.url)
        return tuple(secret for secret in (self.token, parts.password or '') if secret)


class PlexApi:
    """Speaks to one Plex server. All failure is raised, as :mod:`mediahub.engine.errors`.

    Args:
        address: The server.
        client: The pool of connections; not closed here.
        policy: How patiently it is asked.
        clock: Monotonic seconds, for the breaker.
    """

    def __init__(
        self,
        address: Address,
        client: httpx2.AsyncClient,
        policy: wire.Policy | None = None,
        clock: breaker.Clock | None = None,
    ):
        self.address = address
        self.client = client
        self._wire = wire.Wire(
            address.name,
            address.url,
            client,
            headers=address.headers,
            secrets=address.secrets,
            policy=policy or POLICY,
            clock=clock,
        )
        self._known: dict[str, str] = {}
        self._sessions = plex_seen.Sessions()

    @property
    def circuit(self) -> breaker.Circuit:
        """State of the breaker before this server."""
        return self._wire.breaker.circuit

    def renew(self, token: str) -> None:
        """Show the server another token from now on, and so do all who share the address."""
        self.address.token = token
        self._wire.renew(self.address.headers, self.address.secrets)

    def forget(self) -> None:
        """Find out again which paths the server knows: it may have been upgraded."""
        self._known.clear()

    def clean(self, text: str) -> str:
        """The text on one line, without credentials."""
        return self._wire.clean(text)

    # The server

    async def identity(self) -> plex_shapes.Identity:
        """Who answers; needs no token, so it says nothing about ours.

        Raises:
            Incompatible: It is no Plex Media Server.
        """
        return self._proven(plex_shapes.identity(await self._get('/identity', (), SOON)))

    async def capabilities(self) -> plex_shapes.Capabilities:
        """What it can do; needs the token.

        Raises:
            Incompatible: It is no Plex Media Server.
        """
        return self._proven(plex_shapes.capabilities(await self._get('/')))

    async def accounts(self) -> list[plex_shapes.Account]:
        """The accounts that this server numbers."""
        return _each(await self._get('/accounts'), 'Account', plex_shapes.account)

    async def devices(self) -> list[plex_shapes.Device]:
        """The devices that have played something."""
        return _each(await self._get('/devices'), 'Device', plex_shapes.device)

    async def activities(self) -> list[plex_shapes.Activity]:
        """What it does in the background."""
        return _each(await self._get('/activities'), 'Activity', plex_shapes.activity)

    # Sessions

    async def sessions(self) -> list[plays.Seen]:
        """Everything that plays now.

        Raises:
            ProtocolError: The answer has no count, which an empty answer of a proxy has not
                either.
            Incomplete: Fewer sessions came than the server counts.
        """
        response = await self._wire.get('/status/sessions', timeout=SOON)
        try:
            listed = self._wire.decode(response, plex_seen.Document).listing
            found = self._sessions.read(listed.sessions)
        except (errors.ProtocolError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            listed = plex_seen.listing(self._container(response))
            found = self._sessions.read(listed.sessions)
        size = coerce.integer(listed.size)
        if size is None:
            raise errors.ProtocolError(self.address.name, '/status/sessions came without a size')
        if size > listed.came:
            problem = f'{listed.came} of {size} sessions came'
            raise errors.Incomplete(self.address.name, [problem])
        return found

    async def terminate(self, session_id: str, reason: str = '') -> None:
        """End a session and tell its viewer why; needs Plex Pass.

        Args:
            session_id: :attr:`mediahub.plays.Seen.session_id`.
            reason: For the viewer to read.
        """
        key = _checked(_SESSION_KEY, 'session id', session_id)
        await self._wire.send(
            'POST', '/status/sessions/terminate', (('sessionId', key), ('reason', reason))
        )

    async def transcodes(self) -> list[plex_shapes.Transcode]:
        """The transcodes that are running."""
        data = await self._get('/transcode/sessions')
        return _each(data, 'TranscodeSession', plex_shapes.transcode)

    async def cancel_transcode(self, key: str) -> None:
        """End a transcode; its player asks for another one, or stops.

        Raises:
            NotFound: There is none of that key.
        """
        checked = _checked(_SESSION_KEY, 'transcode key', key)
        await self._wire.send('DELETE', f'/transcode/sessions/{quote(checked, safe="")}')

    # Libraries

    async def sections(self) -> list[plex_shapes.Section]:
        """The libraries."""
        return _each(await self._first_of('sections'), 'Directory', plex_shapes.section)

    async def count(self, section: str) -> int | None:
        """How many items a library lists: films, shows, artists; None where it does not tell."""
        key = _checked(_SECTION, 'library key', section)
        data = await self._get(f'/library/sections/{key}/all', _window(0, 0))
        return data.integer('totalSize')

    async def scan(self, section: str) -> None:
        """Have a library look for new files.

        Raises:
            NotFound: There is none of that key.
        """
        key = _checked(_SECTION, 'library key', section)
        path = f'/library/sections/{key}/refresh'
        try:
            await self._wire.send('POST', path)
        except errors.NotFound:
            await self._wire.send('GET', path)  # before the API was published

    async def on_deck(self) -> list[plex_shapes.Metadata]:
        """What the token's account has begun, or would watch next."""
        data = await self._first_of('on deck')
        hubs = [hub for hub in data.nodes('Hub') if _is_on_deck(hub)]
        found = [entry for holder in (*hubs, data) for entry in holder.nodes('Metadata')]
        items = {shape.item.rating_key: shape for shape in map(plex_shapes.metadata, found)}
        return list(items.values())

    async def metadata(self, rating_key: str) -> plex_shapes.Metadata:
        """One item.

        Raises:
            NotFound: There is none of that key.
        """
        found = await self.items([rating_key])
        if not found:
            raise errors.NotFound(self.address.name, f'there is no item {rating_key}')
        return found[0]

    async def items(self, rating_keys: Sequence[str]) -> list[plex_shapes.Metadata]:
        """Those of these items that are still there; at most :data:`IDS` at a time."""
        keys = ','.join(_checked(_RATING_KEY, 'rating key', key) for key in rating_keys[:IDS])
        data = await self._get(f'/library/metadata/{quote(keys, safe=",")}')
        return [_shelved(entry, data) for entry in _each(data, 'Metadata', plex_shapes.metadata)]

    async def playlists(self) -> list[plex_shapes.Playlist]:
        """The playlists of the token's account, all pages of them."""
        found: dict[str, plex_shapes.Playlist] = {}
        start = 0
        while True:
            data = await self._get('/playlists', _window(start, PAGE))
            page = _each(data, 'Metadata', plex_shapes.playlist)
            found.update((entry.rating_key, entry) for entry in page)
            start += len(page)
            total = data.integer('totalSize')
            # A server that knows no windows sends everything each time.
            if not page or total is None or start >= total:
                return list(found.values())

    async def history(
        self, start: int = 0, since: datetime.datetime | None = None, size: int = PAGE
    ) -> plex_shapes.HistoryPage:
        """A page of the server's own history, oldest first.

        Args:
            start: How many entries to pass over.
            since: Leaves out what was viewed before.
            size: Entries to a page.
        """
        params = [('sort', 'viewedAt:asc'), *_window(start, size)]
        if since is not None:
            params.append(('viewedAt>', str(int(since.timestamp()))))  # the operator is >=
        patience = self._wire.policy.first_page_timeout if start == 0 else None
        data = await self._get('/status/sessions/history/all', params, patience)
        return plex_shapes.HistoryPage(
            rows=tuple(_each(data, 'Metadata', plex_shapes.history_row)),
            total=data.integer('totalSize'),
        )

    # How

    async def _first_of(self, feature: str) -> Node:
        """From the path that this server knows.

        Raises:
            NotFound: It knows none of them.
        """
        known = self._known.get(feature)
        paths = _PATHS[feature]
        tries = (known, *(path for path in paths if path != known)) if known else paths
        missing: errors.NotFound | None = None
        for path in tries:
            try:
                data = await self._get(path)
            except errors.NotFound as error:
                missing = error
                continue
            self._known[feature] = path
            return data
        raise missing or errors.NotFound(self.address.name, f'knows nothing of {feature}')

    async def _get(
        self, path: str, params: wire.Params = (), timeout: float | None = None
    ) -> Node:
        return self._container(await self._wire.get(path, params, timeout=timeout))

    def _container(self, response: httpx2.Response) -> Node:
        document = Node(self._wire.decode(response, dict[str, Any]))
        if 'MediaContainer' not in document:
            path = response.request.url.path
            raise self._wire.protocol_error(f'GET {path}: no MediaContainer', response)
        return document.node('MediaContainer')

    def _proven(self, found: _Named) -> _Named:
        if not found.machine_id:
            detail = 'what answers is no Plex Media Server; check its URL'
            raise errors.Incompatible(self.address.name, detail)
        return found


def is_rating_key(key: str) -> bool:
    """Whether a key can be one of a library's item; those of broadcasts are paths."""
    return bool(_RATING_KEY.fullmatch(key))


_Named = TypeVar('_Named', plex_shapes.Identity, plex_shapes.Capabilities)


def _each(data: Node, name: str, make: Callable[[Node], T]) -> list[T]:
    return [make(entry) for entry in data.nodes(name)]


def _shelved(found: plex_shapes.Metadata, data: Node) -> plex_shapes.Metadata:
    """With its library, which a container names once for all items within."""
    if found.item.library_id:
        return found
    item = msgspec.structs.replace(
        found.item,
        library_id=data.text('librarySectionID'),
        library=data.text('librarySectionTitle'),
    )
    return msgspec.structs.replace(found, item=item)


def _checked(pattern: re.Pattern[str], what: str, key: str) -> str:
    """The key, if it is one that cannot leave its place in a path.

    Raises:
        InvalidKey: It could, or is empty or endless.
    """
    if not pattern.fullmatch(key):
        raise errors.InvalidKey(what, key)
    return key


def _is_on_deck(hub: Node) -> bool:
    """Whether a hub is of what was begun; some servers send all hubs of their home page."""
    identifier = hub.text('hubIdentifier').lower()
    return not identifier or 'continue' in identifier or 'ondeck' in identifier


def _window(start: int, count: int) -> wire.Params:
    return (('X-Plex-Container-Start', str(start)), ('X-Plex-Container-Size', str(count)))
