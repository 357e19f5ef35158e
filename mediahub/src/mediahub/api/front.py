# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What every request passes first and every answer last: the log, plain paths, safe headers.

One line a request, without its query and without the part of a path that is a secret.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Iterable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import envelope
from .envelope import Problem
from .metrics import Metrics

log = logging.getLogger('mediahub.requests')

# Seconds from which on a request is worth a warning.
SLOW = 1.0

# Bytes of a request's body. Who takes more sees to that itself.
LARGEST_BODY = 64 * 1024
_LARGE_BODIES = ('/api/v1/plex/webhook',)

# What stands behind these in a path is a secret.
SECRET_BEHIND = ('/api/v1/plex/webhook/', '/api/v1/auth/link/')

# Asked for every few seconds by whoever watches the hub; logged when it goes wrong.
QUIET = frozenset({'/healthz', '/readyz', '/metrics'})

_HEADERS = (
    (b'x-content-type-options', b'nosniff'),
    (b'x-frame-options', b'DENY'),
    (b'referrer-policy', b'no-referrer'),
    (b'cross-origin-resource-policy', b'same-origin'),
    (b'content-security-policy', b"default-src 'none'; frame-ancestors 'none'"),
    (b'cache-control', b'no-store'),
)

_PLAIN = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_TRICK = re.compile(rb'[\x00-\x1f\x7f\\%]|(?:^|/)\.{1,2}(?:/|$)|//')

# Ids have to differ, also from those of the last run; nothing depends on their being secret.
_RUN, _NUMBERS = secrets.token_hex(4), itertools.count(1)

_REQUEST_ID = re.compile(rb'[A-Za-z0-9-]{8,64}')


def note(scope: Scope, code: str, message: str = '') -> None:
    """Say in a request's line of the log why it was refused."""
    _notes(scope)['code'] = code
    _notes(scope)['message'] = message


def identify(scope: Scope, who: str) -> None:
    """Say in a request's line of the log who sends it."""
    _notes(scope)['who'] = who


def request_id(scope: Scope) -> str:
    """The id that the log and the answer's header give a request."""
    return str(_notes(scope).get('id', ''))


def _notes(scope: Scope) -> MutableMapping[str, Any]:
    found: MutableMapping[str, Any] = scope.setdefault('mediahub', {})
    return found


class Front:
    """ASGI middleware; the outermost one of ours."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and see to its answer."""
        if scope['type'] not in {'http', 'websocket'}:
            await self._app(scope, receive, send)
            return
        passage = _Passage(scope, receive, send)
        try:
            problem = _refusal(scope)
            if problem is not None:
                await self._refuse(passage, receive, problem)
            else:
                await self._app(scope, passage.receive, passage.send)
        except Exception:
            await self._apologise(passage, receive)
        finally:
            passage.report()

    async def _refuse(self, passage: _Passage, receive: Receive, problem: Problem) -> None:
        note(passage.scope, problem.code, problem.message)
        await self._answer(passage, receive, problem)

    async def _apologise(self, passage: _Passage, receive: Receive) -> None:
        """Answer a fault of ours: the log gets the traceback, the client gets its request id."""
        found = request_id(passage.scope)
        log.exception('request %s failed', found)
        note(passage.scope, 'INTERNAL_ERROR')
        if not passage.status:
            await self._answer(passage, receive, envelope.unexpected(found))

    async def _answer(self, passage: _Passage, receive: Receive, problem: Problem) -> None:
        if passage.scope['type'] == 'websocket':
            passage.status = problem.status
            await passage.send({'type': 'websocket.close', 'code': 1008})
            return
        await envelope.failure(problem)(passage.scope, receive, passage.send)


class _Passage:
    """One request on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send):
        self.scope = scope
        self.status = 0
        self._receive = receive
        self._send = send
        self._bounded = scope['type'] == 'http' and not scope['path'].startswith(_LARGE_BODIES)
        self._taken = 0
        self._began = time.perf_counter()
        envelope.began.set(self._began)
        _notes(scope)['id'] = _id(scope)

    async def receive(self) -> Message:
        message = await self._receive()
        if self._bounded:
            self._taken += len(message.get('body', b''))
            if self._taken > LARGEST_BODY:
                # The framework's own error, which it passes on while it reads a body.
                raise HTTPException(413, headers={'Connection': 'close'})
        return message

    async def send(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            self.status = message['status']
            self._harden(message)
        elif message['type'] == 'websocket.accept':
            self.status = 101
        elif message['type'] == 'websocket.close':
            self.status = self.status or 403
            _notes(self.scope).setdefault('code', message.get('code', 1000))
        await self._send(message)

    def _harden(self, message: Message) -> None:
        headers: list[tuple[bytes, bytes]] = list(message.get('headers', ()))
        present = {name.lower() for name, _ in headers}
        headers += [entry for entry in _HEADERS if entry[0] not in present]
        headers.append((b'x-request-id', request_id(self.scope).encode()))
        message['headers'] = headers

    def report(self) -> None:
        taken = time.perf_counter() - self._began
        self._count(taken)
        level = self._level(taken)
        if log.isEnabledFor(level):
            log.log(level, '%s', ' '.join(self._words(taken)))

    def _count(self, taken: float) -> None:
        if self.scope['type'] != 'http' or 'app' not in self.scope:
            return
        metrics: Metrics = self.scope['app'].state.hub.metrics
        labels = (self.scope['method'], _route(self.scope), str(self.status))
        metrics.requests.labels(*labels).observe(taken)

    def _level(self, taken: float) -> int:
        if self.status >= 500:
            return logging.ERROR if self.status == 500 else logging.WARNING
        if taken >= SLOW and self.scope['type'] == 'http':
            return logging.WARNING
        return logging.DEBUG if self.scope['path'] in QUIET else logging.INFO

    def _words(self, taken: float) -> Iterable[str]:
        notes = _notes(self.scope)
        client = self.scope.get('client')
        yield str(self.scope.get('method', 'WS'))
        yield shown(self.scope['path'])
        yield str(self.status or 'gone')
        yield f'{taken * 1000:.1f}ms'
        yield f'from={client[0] if client else "-"}'
        if 'who' in notes:
            yield f'by={_word(notes["who"])}'
        yield f'id={notes["id"]}'
        if 'code' in notes:
            yield f'code={notes["code"]}'
        if notes.get('message'):
            yield f'({_word(notes["message"])})'
        if taken >= SLOW and self.scope['type'] == 'http':
            yield 'slow'


def _route(scope: Scope) -> str:
    """The route's path in place of the request's, of which there are endlessly many."""
    if 'endpoint' not in scope:
        return 'none'
    path, parameters = scope['path'], scope.get('path_params')
    if not parameters:
        return str(path)
    # A parameter is the last part of a path everywhere here.
    return f'{path.rpartition("/")[0]}/{{{next(iter(parameters))}}}'


def _refusal(scope: Scope) -> Problem | None:
    """What is wrong with a request whatever it asks for."""
    if not plain(scope):
        return envelope.invalid('the path has parts that no path here has')
    if scope['path'].startswith(_LARGE_BODIES):
        return None
    length = next((value for name, value in scope['headers'] if name == b'content-length'), b'0')
    if length.isdigit() and int(length) > LARGEST_BODY:
        message = f'the body is larger than {LARGEST_BODY} bytes'
        return Problem(413, 'BODY_TOO_LARGE', message, headers={'Connection': 'close'})
    return None


def plain(scope: Scope) -> bool:
    """Whether a path means what it seems to: no encoded slash, no dots that climb, no controls."""
    raw = scope.get('raw_path') or scope['path'].encode()
    return bool(_PLAIN.fullmatch(raw)) and not _TRICK.search(unquote_to_bytes(raw))


def shown(path: str) -> str:
    """A path as the log shows it: short, on one line, without secrets."""
    for start in SECRET_BEHIND:
        if path.startswith(start):
            return start + '***'
    return _word(path[:200])


def _word(text: object) -> str:
    return ''.join(letter if letter.isprintable() else '?' for letter in str(text))


def _id(scope: Scope) -> str:
    """The id that the request brings, where it is a plain one, or a new one."""
    for name, value in scope['headers']:
        if name == b'x-request-id' and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return f'{_RUN}{next(_NUMBERS):08x}'
