# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Takes Plex's webhooks. One only rings its server's bell, so that a forged one writes nothing.

A route of Starlette rather than FastAPI: it reads the body piece by piece, and has to keep up with
every server at once.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from ..settings import Settings
from . import envelope
from .envelope import Problem
from .front import note
from .metrics import Metrics
from .webhook_body import LIMITS, Payload, Reader, Webhook, reader, too_large
from .webhook_trust import SIGNATURE, Signed, Trust

log = logging.getLogger(__name__)

PATH = '/api/v1/plex/webhook'

EVENTS = frozenset(
    {
        'library.on.deck',
        'library.new',
        'media.play',
        'media.pause',
        'media.resume',
        'media.stop',
        'media.scrobble',
        'media.rate',
        'admin.database.backup',
        'admin.database.corrupted',
        'device.new',
        'playback.started',
    }
)

_EVENT = re.compile(r'[a-z]+(?:\.[a-z]+){1,3}')

# Of servers that are not ours; more than this many would be somebody's game with our log.
_MOST_STRANGERS = 100

Ring = Callable[[str, str], bool]
Keep = Callable[[str, str, bytes], Awaitable[None]]
Admit = Callable[[str], None]


def is_for(scope: Scope) -> bool:
    """Whether a request is a webhook, by its method and path; notes the token in the path."""
    if scope['type'] != 'http' or scope['method'] != 'POST':
        return False
    path: str = scope['path']
    if path == PATH:
        return True
    start, _, token = path.rpartition('/')
    if start != PATH or not token:
        return False
    scope['path_params'] = {'token': token}
    return True


class Received(msgspec.Struct, frozen=True):
    """A webhook was taken."""

    received: bool
    event: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Head:
    """What a request says before its body."""

    content_type: bytes
    length: int | None
    signature: bytes
    token: bytes
    address: str


class WebhookEndpoint:
    """The ASGI application behind the route.

    Args:
        settings: Whether and from whom webhooks are taken.
        ring: Rings for a server (its machine identifier) and an event; False where it is not ours.
        keep: Takes a server, the path of a picture on it, and the picture.
        metrics: Counts them.
        admit: Takes a sender's address; raises where that sends too many.
    """

    def __init__(self, settings: Settings, ring: Ring, keep: Keep, metrics: Metrics, admit: Admit):
        self._enabled = settings.enable_plex_webhooks
        self._keep_thumbs = settings.plex_webhook_thumbs
        self._trust = Trust(settings)
        self._ring = ring
        self._keep = keep
        self._metrics = metrics
        self._admit = admit
        self._strangers = set[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one."""
        scope['endpoint'] = self
        try:
            event = await self._take(await self._read(_head(scope), receive))
        except Problem as problem:
            note(scope, problem.code, problem.message)
            self._metrics.webhooks.labels('refused', problem.code).inc()
            await envelope.failure(problem)(scope, receive, send)
            return
        self._metrics.webhooks.labels(event if event in EVENTS else 'other', 'taken').inc()
        await envelope.success(Received(True, event))(scope, receive, send)

    async def _read(self, head: _Head, receive: Receive) -> Webhook:
        if not self._enabled:
            message = 'webhooks are off; set ENABLE_PLEX_WEBHOOKS=true to take them'
            raise Problem(404, 'WEBHOOKS_DISABLED', message)
        self._admit(head.address)
        signed = self._trust.judge(head.token, head.signature, head.address)
        parser = reader(head.content_type, self._keep_thumbs)
        if head.length is not None and head.length > LIMITS.body:
            raise too_large('the body', LIMITS.body)
        await _stream(receive, signed, parser)
        signed.finish()
        return parser.finish()

    async def _take(self, webhook: Webhook) -> str:
        payload = webhook.payload
        if not _EVENT.fullmatch(payload.event) or len(payload.event) > 64:
            raise Problem(400, 'INVALID_PAYLOAD', 'the payload names no event')
        if not self._ring(payload.server.uuid, payload.event):
            raise self._stranger(payload)
        if webhook.thumb and payload.metadata and isinstance(payload.metadata.thumb, str):
            await self._keep(payload.server.uuid, payload.metadata.thumb, webhook.thumb)
        return payload.event

    def _stranger(self, payload: Payload) -> Problem:
        """A server that is not ours: webhooks belong to accounts, and follow them everywhere."""
        uuid = payload.server.uuid[:64]
        if uuid not in self._strangers and len(self._strangers) < _MOST_STRANGERS:
            self._strangers.add(uuid)
            title = payload.server.title[:64]
            log.warning('webhooks of server %r (%r) are refused: it is not ours', uuid, title)
        return Problem(403, 'UNKNOWN_SERVER', 'the webhook is of a server that is not set up here')


async def _stream(receive: Receive, signed: Signed, parser: Reader) -> None:
    total, more = 0, True
    while more:
        message = await receive()
        if message['type'] == 'http.disconnect':
            raise envelope.invalid('the sender went away')
        piece: bytes = message.get('body', b'')
        more = message.get('more_body', False)
        total += len(piece)
        if total > LIMITS.body:
            raise too_large('the body', LIMITS.body)
        signed.feed(piece)
        parser.feed(piece)


def _head(scope: Scope) -> _Head:
    headers: Mapping[bytes, bytes] = dict(scope['headers'])
    length = headers.get(b'content-length', b'')
    client = scope.get('client')
    return _Head(
        content_type=headers.get(b'content-type', b''),
        length=int(length) if length.isdigit() else None,
        signature=headers.get(SIGNATURE, b''),
        token=_token(scope),
        address=client[0] if client else '',
    )


def _token(scope: Scope) -> bytes:
    in_path: str = scope.get('path_params', {}).get('token', '')
    if in_path:
        return in_path.encode()
    try:
        query = parse_qsl(scope.get('query_string', b''), max_num_fields=20)
    except ValueError as error:
        raise envelope.invalid('the query has too many fields') from error
    return next((value for name, value in query if name == b'token'), b'')
