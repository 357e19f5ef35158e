# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The one form of every answer under ``/api/v1``, good or bad.

``{"status": "success", "data": …, "metadata": {"timestamp", "query_time_ms", "cached"}}``. Where
the status is ``"error"``, data is null and ``"error": {"code", "message", "details"}`` is there.
"""

from __future__ import annotations

import contextvars
import datetime
import http
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..engine import errors
from ..store.database import StoreError
from ..store.history import QueryError

JSON = 'application/json'

# When the request came in, in seconds of time.perf_counter(); the request log sets it.
began: contextvars.ContextVar[float] = contextvars.ContextVar('began')


class AnswerMetadata(msgspec.Struct, frozen=True):
    """About an answer.

    Attributes:
        query_time_ms: Milliseconds from the request to its answer.
        cached: Whether the data was not fetched or computed anew.
    """

    timestamp: datetime.datetime
    query_time_ms: int
    cached: bool


class Fault(msgspec.Struct, frozen=True):
    """What is wrong.

    Attributes:
        code: For programs; it does not change.
        message: One line for people, with what to do where that can be said.
        details: More for programs.
    """

    code: str
    message: str
    details: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class Success(msgspec.Struct, frozen=True):
    """A good answer."""

    status: Literal['success']
    data: Any
    metadata: AnswerMetadata


class Failure(msgspec.Struct, frozen=True):
    """A bad answer."""

    status: Literal['error']
    data: None
    metadata: AnswerMetadata
    error: Fault


class Problem(Exception):
    """Ends a request with an error of the envelope.

    Args:
        status: HTTP status.
        code: As in :class:`Fault`.
        message: As in :class:`Fault`; no secret may be in it.
        details: As in :class:`Fault`.
        headers: Of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def success(
    data: Any, *, status: int = 200, cached: bool = False, headers: Mapping[str, str] | None = None
) -> Response:
    """The response that carries data, which is anything that msgspec encodes."""
    body = msgspec.json.encode(Success('success', data, _metadata(cached)))
    return Response(body, status, headers, JSON)


def failure(problem: Problem) -> Response:
    """The response that says what is wrong."""
    fault = Fault(problem.code, problem.message, problem.details)
    body = msgspec.json.encode(Failure('error', None, _metadata(False), fault))
    return Response(body, problem.status, problem.headers, JSON)


def _metadata(cached: bool) -> AnswerMetadata:
    now = datetime.datetime.now(datetime.UTC)
    taken = time.perf_counter() - began.get(time.perf_counter())
    return AnswerMetadata(now, round(taken * 1000), cached)


def invalid(message: str, **details: Any) -> Problem:
    """The request is not one that can be carried out."""
    return Problem(400, 'INVALID_REQUEST', message, details=details)


def disabled() -> Problem:
    """There is no server to ask."""
    return Problem(
        503,
        'PLEX_DISABLED',
        'no Plex server is set up; set ENABLE_PLEX_SYNC=true, PLEX_URL and PLEX_TOKEN',
    )


def of_server(error: errors.MediaServerError) -> Problem:
    """What went wrong between us and a server, as those who asked us see it."""
    details = {'server': error.server, 'reason': type(error).__name__}
    if isinstance(error, errors.NotFound):
        return Problem(404, 'NOT_FOUND', str(error), details=details)
    if isinstance(error, errors.Unsupported):
        return Problem(501, 'PLEX_UNSUPPORTED', str(error), details=details)
    if isinstance(error, errors.Conflict):
        return Problem(409, 'CONFLICT', str(error), details=details)
    if isinstance(error, errors.CircuitOpen | errors.RateLimited):
        wait = {'Retry-After': str(max(1, round(error.retry_after or 1)))}
        return Problem(503, 'PLEX_ERROR', str(error), details=details, headers=wait)
    status = 504 if isinstance(error, errors.TimedOut) else 502
    return Problem(status, 'PLEX_ERROR', str(error), details=details)


def of_key(error: errors.InvalidKey | QueryError) -> Problem:
    """A key that no server gives out, or a question that makes no sense."""
    return Problem(400, 'INVALID_REQUEST', str(error))


def of_request(error: RequestValidationError) -> Problem:
    """What is wrong with a request's parameters or body, all of it; their values are not told."""
    found: Sequence[Any] = error.errors()
    mistakes = [
        {'where': '.'.join(str(part) for part in entry['loc']), 'message': str(entry['msg'])}
        for entry in found
    ]
    first = mistakes[0] if mistakes else {'where': 'request', 'message': 'not valid'}
    more = f' (and {len(mistakes) - 1} more)' if len(mistakes) > 1 else ''
    message = f'{first["where"]}: {first["message"]}{more}'
    return Problem(400, 'INVALID_REQUEST', message, details={'mistakes': mistakes})


def of_http(error: HTTPException) -> Problem:
    """What the framework refuses: unknown paths, other methods, bodies that are too large."""
    phrase = http.HTTPStatus(error.status_code).phrase
    code, message = _REFUSALS.get(
        error.status_code, (phrase.upper().replace(' ', '_').replace('-', '_'), phrase.lower())
    )
    return Problem(error.status_code, code, message, headers=error.headers)


_REFUSALS: Mapping[int, tuple[str, str]] = {
    400: ('INVALID_REQUEST', 'the request cannot be read'),
    401: ('UNAUTHORIZED', 'sign in, or send an API token'),
    403: ('FORBIDDEN', 'this needs more rights than you have'),
    404: ('NOT_FOUND', 'there is nothing at this path'),
    405: ('METHOD_NOT_ALLOWED', 'this path does not take that method'),
    413: ('BODY_TOO_LARGE', 'the body is larger than this path takes'),
}


def of_store(error: StoreError) -> Problem:
    """The database cannot be used; why is for the log and for readiness."""
    return Problem(503, 'STORE_ERROR', 'the database cannot be used just now; see /readyz')


def unexpected(request_id: str) -> Problem:
    """A fault of ours. What it was stands in the log."""
    message = 'something went wrong here; the log has it under this request id'
    return Problem(500, 'INTERNAL_ERROR', message, details={'request_id': request_id})


def of(error: Exception) -> Problem | None:
    """The problem that an exception stands for; None where it is a fault of ours."""
    if isinstance(error, Problem):
        return error
    for kind, explain in _EXPLAINED:
        if isinstance(error, kind):
            return explain(error)
    return None


_EXPLAINED: Sequence[tuple[type[Exception], Callable[[Any], Problem]]] = (
    (errors.MediaServerError, of_server),
    (errors.InvalidKey, of_key),
    (StoreError, of_store),
    (QueryError, of_key),
    (RequestValidationError, of_request),
    (HTTPException, of_http),
)

HANDLED = (Problem, *(kind for kind, _ in _EXPLAINED))
