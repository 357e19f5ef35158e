# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The OpenAPI document. What is answered is described from the very structs that are encoded.

Parameters and bodies are pydantic's, whose description FastAPI makes; answers are msgspec's, which
encode ten times as fast. A route names its answer with :func:`answers`.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import fastapi
import fastapi.openapi.utils
import msgspec

from ..engine import wire
from . import access, envelope

F = TypeVar('F', bound=Callable[..., Any])

_REF = '#/components/schemas/{name}'

# Codes that a route of the kind can answer with, beside those it names.
_ALWAYS = (400, 401, 429, 500, 503)

_MEANINGS: Mapping[int, str] = {
    400: 'The request cannot be carried out as it is (INVALID_REQUEST).',
    401: 'Nobody is signed in (UNAUTHORIZED).',
    403: 'More rights are needed (FORBIDDEN).',
    404: 'There is no such thing (NOT_FOUND).',
    409: 'It contradicts what is going on (CONFLICT).',
    410: 'It was there and is over (PIN_EXPIRED, LINK_USED).',
    413: 'The body is too large (BODY_TOO_LARGE).',
    415: 'The body is of another type (UNSUPPORTED_MEDIA_TYPE).',
    429: 'Too many requests; see Retry-After (RATE_LIMITED).',
    500: 'A fault of the hub; its log has the request id (INTERNAL_ERROR).',
    501: 'The server does not offer that (PLEX_UNSUPPORTED).',
    502: 'The server or plex.tv cannot be reached, or fails (PLEX_ERROR, PLEXTV_ERROR).',
    503: 'Nothing is set up (PLEX_DISABLED), or it has to rest (PLEX_ERROR, STORE_ERROR).',
    504: 'The server did not answer in time (PLEX_ERROR).',
}


@dataclasses.dataclass(frozen=True)
class Answers:
    """How a route answers.

    Attributes:
        shape: Of the envelope's data; None where the answer is no envelope.
        media: Other content types that it can have.
        open: Whether everybody may ask.
        people: Whether only somebody with a session may.
        redirects: Whether browsers are sent on instead.
    """

    shape: Any
    status: int
    problems: tuple[int, ...]
    media: tuple[str, ...]
    open: bool
    people: bool
    redirects: bool


def answers(
    shape: Any = None,
    *problems: int,
    status: int = 200,
    media: tuple[str, ...] = (),
    open: bool = False,  # noqa: A002 - reads as what it means where it is used
    people: bool = False,
    redirects: bool = False,
) -> Callable[[F], F]:
    """Say how an endpoint answers.

    Args:
        shape: Type of the envelope's data; None where there is no envelope.
        problems: Statuses of errors, beside those that every route has.
        status: Of a good answer.
        media: Content types beside, or in place of, the envelope's.
        open: Whether it needs no sign-in.
        people: Whether it needs a session, and an API token will not do.
        redirects: Whether browsers, which ask for HTML, are sent on to another page instead.
    """

    def mark(endpoint: F) -> F:
        vars(endpoint)['answers'] = Answers(
            shape, status, problems, media, open, people, redirects
        )
        return endpoint

    return mark


# The sets of paths that ask a media server.
SERVER = (404, 501, 502, 504)


class Document:
    """Makes an application's document, once.

    Args:
        app: Whose routes it describes.
        endpoints: Its endpoints by operation id.
    """

    def __init__(self, app: fastapi.FastAPI, endpoints: Mapping[str, Callable[..., Any]]):
        self._app = app
        self._endpoints = endpoints

    @functools.cached_property
    def content(self) -> dict[str, Any]:
        """The document."""
        made = fastapi.openapi.utils.get_openapi(
            title='mediahub',
            version=wire.VERSION,
            description='What plays on your Plex servers, and what has been played.',
            routes=self._app.routes,
            separate_input_output_schemas=False,
        )
        described = list(self._described(made))
        shapes = [entry.shape for _, entry in described if entry.shape is not None]
        refs, components = msgspec.json.schema_components(
            [*shapes, envelope.AnswerMetadata, envelope.Fault], ref_template=_REF
        )
        schemas = made.setdefault('components', {}).setdefault('schemas', {})
        for unused in ('HTTPValidationError', 'ValidationError'):
            schemas.pop(unused, None)
        schemas.update(components)
        *data, metadata, fault = refs
        schemas['Failure'] = _failure(metadata, fault)
        found = iter(data)
        for operation, entry in described:
            schema = _success(next(found), metadata) if entry.shape is not None else None
            operation['responses'] = _responses(entry, schema)
            if not entry.open:
                token: list[Any] = [] if entry.people else [{'token': []}]
                operation['security'] = [*token, {'session': []}]
                operation['x-role'] = _role(self._endpoints[operation['operationId']])
        made['components']['securitySchemes'] = _SECURITY
        return made

    @functools.cached_property
    def encoded(self) -> bytes:
        """The document as it is sent."""
        return msgspec.json.encode(self.content)

    def reference(self) -> list[str]:
        """The rows of the reference's table: method, path, who may ask, meaning."""
        rows = list[str]()
        for path, kinds in self.content['paths'].items():
            for method, operation in kinds.items():
                meaning = operation['description'].split('. ')[0].rstrip('.').replace('\n', ' ')
                who = 'all' if 'security' not in operation else operation['x-role']
                rows.append(f'| `{method.upper()} {path}` | {who} | {meaning} |')
        return rows

    def _described(self, made: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Answers]]:
        for path in made['paths'].values():
            for operation in path.values():
                endpoint = self._endpoints[operation['operationId']]
                yield operation, vars(endpoint)['answers']


def _role(endpoint: Callable[..., Any]) -> str:
    """Who has to ask at least, by the guard among the endpoint's parameters."""
    guards = typing.get_type_hints(endpoint, include_extras=True).values()
    return 'admin' if access.Admin in guards else 'viewer'


_SECURITY = {
    'token': {'type': 'http', 'scheme': 'bearer', 'description': 'An API token.'},
    'session': {
        'type': 'apiKey',
        'in': 'cookie',
        'name': '__Host-mediahub',
        'description': 'Set by signing in; changes need the CSRF header besides.',
    },
}


def _success(data: Any, metadata: Any) -> dict[str, Any]:
    return {
        'type': 'object',
        'required': ['status', 'data', 'metadata'],
        'properties': {'status': {'const': 'success'}, 'data': data, 'metadata': metadata},
    }


def _failure(metadata: Any, fault: Any) -> dict[str, Any]:
    return {
        'type': 'object',
        'required': ['status', 'data', 'metadata', 'error'],
        'properties': {
            'status': {'const': 'error'},
            'data': {'type': 'null'},
            'metadata': metadata,
            'error': fault,
        },
    }


def _responses(entry: Answers, schema: Any) -> dict[str, Any]:
    content: dict[str, Any] = {envelope.JSON: {'schema': schema}} if schema else {}
    content |= {media: {'schema': {}} for media in entry.media}
    found: dict[str, Any] = {str(entry.status): {'description': 'Done.', 'content': content}}
    if entry.redirects:
        found['303'] = {'description': 'For browsers: go on to Location.'}
    problems = {*_ALWAYS, *entry.problems} - ({401} if entry.open else set())
    for status in sorted(problems):
        failure = {'$ref': _REF.format(name='Failure')}
        found[str(status)] = {
            'description': _MEANINGS[status],
            'content': {envelope.JSON: {'schema': failure}},
        }
    return found
