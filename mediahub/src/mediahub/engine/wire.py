# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""HTTP to one media server: typed errors, retries where a repetition is harmless, a breaker.

All servers share one pool of connections (:func:`pool`); what differs between them, addresses and
credentials, travels with the request. Credentials go into headers or bodies, and what reaches an
error message is cleaned of them once more.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import email.utils
import functools
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import httpx2
import msgspec
import stamina

from . import breaker, coerce, errors

T = TypeVar('T')

# What a client of ours is called where a protocol wants a name.
PRODUCT = 'mediahub'
VERSION = '0.1.0'

# Bytes of an answer that are looked at for an error's quotation.
LONGEST_QUOTED = 20_000

Params = Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """How patiently a server is asked; times are seconds.

    Attributes:
        timeout: For connecting, and again for each read and write.
        first_page_timeout: For a list's first page, whose total takes a large server long.
        attempts: Tries of a request that may be repeated.
        wait: Pause after the first failed try; it doubles up to ``longest_wait``.
        longest_wait: A server that asks for a longer pause than this is given up instead.
        concurrency: Requests in flight to one server.
    """

    timeout: float = 30.0
    first_page_timeout: float = 120.0
    attempts: int = 3
    wait: float = 0.2
    longest_wait: float = 10.0
    concurrency: int = 4
    limits: breaker.Limits = dataclasses.field(default_factory=breaker.Limits)


def pool(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """Open the connections that all servers share.

    Args:
        transport: In place of the network; for tests.
    """
    quiet_request_log()
    return httpx2.AsyncClient(
        transport=transport,
        follow_redirects=False,  # a redirect to a login page must not pass for an answer
        limits=httpx2.Limits(max_connections=40, max_keepalive_connections=20),
    )


@functools.cache
def quiet_request_log() -> None:
    """Keep request URLs out of the logs: with Subsonic they can hold credentials."""
    for name in ('httpx2', 'httpcore2'):
        logging.getLogger(name).addFilter(lambda record: record.levelno >= logging.WARNING)


class Wire:
    """Sends requests to one server.

    Args:
        server: Name for errors.
        base_url: Address, with a path prefix where there is one.
        client: The shared pool.
        headers: Sent with every request.
        secrets: Texts that must never show in an error.
        clock: Monotonic seconds, for the breaker.
    """

    def __init__(
        self,
        server: str,
        base_url: str,
        client: httpx2.AsyncClient,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        policy: Policy | None = None,
        clock: breaker.Clock | None = None,
    ):
        self.server = server
        self.policy = policy or Policy()
        self.breaker = breaker.Breaker(
            server, self.policy.limits, *(() if clock is None else (clock,))
        )
        self._base_url = base_url.rstrip('/')
        self._client = client
        self._headers = dict(headers or {})
        self._secrets = tuple(secret for secret in secrets if secret)
        self._judge: Callable[[httpx2.Response], None] = lambda response: None
        self._slots = asyncio.Semaphore(self.policy.concurrency)

    def renew(self, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Send other headers from now on; what was a secret before is kept out of errors, too."""
        self._headers = dict(headers)
        self._secrets = tuple(dict.fromkeys([*filter(None, secrets), *self._secrets]))

    async def get(
        self,
        path: str,
        params: Params = (),
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx2.Response:
        """Read something; repeated where the failure may pass."""
        return await self._repeated('GET', path, params=params, headers=headers, timeout=timeout)

    async def ask(self, path: str, form: Params) -> httpx2.Response:
        """Read something with POST, for protocols that allow it; repeated like :meth:`get`."""
        return await self._repeated('POST', path, form=form)

    def explained_by(self, judge: Callable[[httpx2.Response], None]) -> None:
        """Let a protocol look at refused answers first: it may say more than their status."""
        self._judge = judge

    async def send(
        self,
        method: str,
        path: str,
        params: Params = (),
        *,
        form: Params | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Change something. Never repeated: nobody knows how far the first try came."""
        typed = {'Content-Type': content_type} if content_type else {}
        return await self._once(
            method,
            path,
            params=params,
            form=form,
            content=content,
            headers={**(headers or {}), **typed},
        )

    def decode(self, response: httpx2.Response, shape: type[T]) -> T:
        """Decode a JSON answer.

        Raises:
            ProtocolError: It is no JSON, or not of that shape.
        """
        try:
            return msgspec.json.decode(response.content, type=shape, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            mended = _mended(response.content)
            try:
                if mended != response.content:
                    return msgspec.json.decode(mended, type=shape, strict=False)
            except (msgspec.DecodeError, RecursionError):
                pass  # the first error is the one that counts
            detail = f'{response.request.method} {response.request.url.path}: {error}'
            raise self.protocol_error(detail, response) from error

    def protocol_error(self, detail: str, response: httpx2.Response) -> errors.ProtocolError:
        """An error that quotes the beginning of what the server sent."""
        # Cut when it is clean: half a credential at the end would not be recognised as one.
        sent = self.clean(response.content[:LONGEST_QUOTED].decode('utf-8', 'replace'))
        return errors.ProtocolError(self.server, self.clean(detail), sent[:80])

    def clean(self, text: str) -> str:
        """The text on one line, without credentials and without what would steer a terminal."""
        for secret in self._secrets:
            text = text.replace(secret, '***')
        return ' '.join(coerce.printable(text).split())

    async def _repeated(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        form: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx2.Response:
        policy = self.policy
        async for attempt in stamina.retry_context(
            on=functools.partial(_may_pass, policy=policy),
            attempts=policy.attempts,
            timeout=None,
            wait_initial=policy.wait,
            wait_max=policy.longest_wait,
            wait_jitter=policy.wait,
        ):
            with attempt:
                return await self._once(
                    method, path, params=params, form=form, headers=headers, timeout=timeout
                )
        raise AssertionError('stamina ends with an answer or an error')

    async def _once(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        form: Params | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx2.Response:
        request = self._client.build_request(
            method,
            self._base_url + path,
            params=list(params),
            content=_encoded(form) if form is not None else content,
            headers=self._headers | dict(headers or {}) | (_FORM if form is not None else {}),
            timeout=timeout or self.policy.timeout,
        )
        async with self._slots:
            self.breaker.admit()
            response = await self._guarded(request)
        return self._accepted(response)

    async def _guarded(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and tell the breaker how it ended."""
        try:
            response = await self._client.send(request)
        except httpx2.TimeoutException as error:
            self.breaker.failed()
            detail = f'no answer to {_named(request)} from {_host(request)}'
            raise errors.TimedOut(self.server, detail) from error
        except httpx2.TransportError as error:
            self.breaker.failed()
            detail = self.clean(f'{_named(request)} at {_host(request)}: {error}')
            raise errors.Unreachable(self.server, detail) from error
        except httpx2.DecodingError as error:
            self.breaker.succeeded()
            detail = self.clean(f'{_named(request)}: {error}')
            raise errors.ProtocolError(self.server, detail) from error
        except BaseException:
            self.breaker.abandoned()
            raise
        if response.status_code >= 500:
            self.breaker.failed()
        else:
            self.breaker.succeeded()
        return response

    def _accepted(self, response: httpx2.Response) -> httpx2.Response:
        """The response, if it is one that says yes."""
        status = response.status_code
        if 200 <= status < 300:
            return response
        self._judge(response)
        what = (
            f'{_named(response.request)} was answered with HTTP {status}{_HINTS.get(status, "")}'
        )
        if status == 429:
            raise errors.RateLimited(self.server, retry_after(response))
        if status in _BY_STATUS:
            raise _BY_STATUS[status](self.server, what)
        if status >= 500:
            raise errors.ServerFailed(self.server, what)
        raise self.protocol_error(what, response)


_FORM = {'Content-Type': 'application/x-www-form-urlencoded'}

_BY_STATUS: Mapping[int, type[errors.MediaServerError]] = {
    401: errors.CredentialsRefused,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.TimedOut,
    409: errors.Conflict,
    504: errors.TimedOut,
}


_HINTS: Mapping[int, str] = {
    401: '; is the configured credential still right?',
    403: '; the account may not do this',
}


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, given as a number or as a date."""
    value = response.headers.get('Retry-After', '').strip()
    if value.isdigit():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=datetime.UTC)
    return max(0.0, (until - datetime.datetime.now(datetime.UTC)).total_seconds())


def _may_pass(error: Exception, policy: Policy) -> bool | float:
    """Whether to try again, and after how many seconds where the server named a time."""
    if isinstance(error, errors.RateLimited):
        wait = error.retry_after
        return (wait if wait <= policy.longest_wait else False) if wait is not None else True
    if isinstance(error, errors.CircuitOpen):
        return False
    return isinstance(error, errors.Unreachable | errors.ServerFailed)


def _named(request: httpx2.Request) -> str:
    """The request as an error names it: without its query, where credentials could be."""
    return f'{request.method} {request.url.path}'


def _host(request: httpx2.Request) -> str:
    return request.url.netloc.decode()


def _mended(content: bytes) -> bytes:
    """JSON whose text is no Unicode, with marks of replacement in place of what is wrong.

    A file's name in an old encoding becomes such text. It must not cost the page.
    """
    text = content.decode('utf-8', 'replace').encode()
    return _ESCAPE.sub(lambda match: b'\\ufffd' if match['lone'] else match[0], text)


# Escapes from the left: pairs of surrogates, single ones, anything else.
_ESCAPE = re.compile(
    rb'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}'
    rb'|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})'
    rb'|\\.'
)


def _encoded(form: Params) -> bytes:
    return str(httpx2.QueryParams(list(form))).encode()
