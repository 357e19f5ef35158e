# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The answers other than success, as the Status objects that a real API server sends."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from . import kinds, trees

_CAUSES = {
    'Required value': 'FieldValueRequired',
    'Invalid value': 'FieldValueInvalid',
    'Duplicate value': 'FieldValueDuplicate',
    'Forbidden': 'FieldValueForbidden',
    'Not found': 'FieldValueNotFound',
    'Unsupported value': 'FieldValueNotSupported',
}

_REASONS = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    405: 'MethodNotAllowed',
    409: 'Conflict',
    410: 'Expired',
    413: 'RequestEntityTooLarge',
    415: 'UnsupportedMediaType',
    422: 'Invalid',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
}


class UnexpectedRequest(AssertionError):  # the public name says what happened
    """A request that no correct client of ours sends: the test fails, it gets no answer."""


class Refused(Exception):  # an answer of the server, not an error of this program
    """The API server answered with something other than success.

    Args:
        body: the Status object.
    """

    def __init__(self, body: trees.Tree) -> None:
        super().__init__(body['message'])
        self.body = body

    @property
    def code(self) -> int:
        """The HTTP status code."""
        return self.body['code']


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing wrong with one field.

    Args:
        field: the path of the field, such as ``spec.template.spec.containers[0].name``.
        what: what sort of thing, in the API server's words, such as ``Required value``.
        detail: what follows, such as the value; may be empty.
    """

    field: str
    what: str
    detail: str = ''

    @property
    def text(self) -> str:
        """The problem without its field, as in a Status cause."""
        return f'{self.what}: {self.detail}' if self.detail else self.what

    def cause(self) -> trees.Tree:
        """The problem as a cause in a Status."""
        return {'reason': _CAUSES[self.what], 'message': self.text, 'field': self.field}


def required(field: str, detail: str = '') -> Problem:
    """A field that must be there is not."""
    return Problem(field, 'Required value', detail)


def forbidden(field: str, detail: str) -> Problem:
    """A field that may not be set, or not changed."""
    return Problem(field, 'Forbidden', detail)


def invalid(field: str, value: Any, detail: str) -> Problem:
    """A field with a value that it may not have."""
    return Problem(field, 'Invalid value', f'{_shown(value)}: {detail}')


def duplicate(field: str, value: Any) -> Problem:
    """An item that occurs more than once."""
    return Problem(field, 'Duplicate value', _shown(value))


def missing(field: str, value: Any) -> Problem:
    """A reference to something that is not there."""
    return Problem(field, 'Not found', _shown(value))


def unsupported(field: str, value: Any, allowed: Sequence[str]) -> Problem:
    """A value that is none of the allowed ones."""
    choices = ', '.join(json.dumps(choice) for choice in allowed)
    return Problem(field, 'Unsupported value', f'{_shown(value)}: supported values: {choices}')


def _shown(value: Any) -> str:
    return json.dumps(value, separators=(',', ':'))


def _status(code: int, message: str, reason: str, details: trees.Tree | None = None) -> Refused:
    body = {
        'kind': 'Status',
        'apiVersion': 'v1',
        'metadata': {},
        'status': 'Failure',
        'message': message,
        'reason': reason,
        'details': details,
        'code': code,
    }
    return Refused({key: value for key, value in body.items() if value not in (None, '')})


def _details(kind: kinds.Kind, name: str, *, label: str = '') -> trees.Tree:
    found = {'name': name, 'group': kind.group, 'kind': label or kind.plural}
    return {key: value for key, value in found.items() if value}


def not_found(kind: kinds.Kind, name: str) -> Refused:
    """404: there is no such object."""
    message = f'{kind.resource} "{name}" not found'
    return _status(404, message, 'NotFound', _details(kind, name))


def already_exists(kind: kinds.Kind, name: str, *, going: bool = False) -> Refused:
    """409: a create of what is there, if only until its finalisers are gone."""
    prefix = 'object is being deleted: ' if going else ''
    message = f'{prefix}{kind.resource} "{name}" already exists'
    return _status(409, message, 'AlreadyExists', _details(kind, name))


def modified(kind: kinds.Kind, name: str) -> Refused:
    """409: the resourceVersion sent is not the newest."""
    detail = (
        'the object has been modified; '
        'please apply your changes to the latest version and try again'
    )
    return conflict(kind, name, detail)


def conflict(kind: kinds.Kind, name: str, detail: str) -> Refused:
    """409: the object is not what the request takes it to be."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {detail}'
    return _status(409, message, 'Conflict', _details(kind, name))


def not_deleted(kind: kinds.Kind, name: str, detail: str) -> Refused:
    """409: a delete of another object or version than the present one, named by its kind."""
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {detail}'
    return _status(409, message, 'Conflict', _details(kind, name, label=kind.name))


def owned_by_others(message: str, causes: list[trees.Tree]) -> Refused:
    """409: server-side apply would change what other managers own."""
    return _status(409, message, 'Conflict', {'causes': causes})


def unprocessable(kind: kinds.Kind, name: str, problems: Sequence[Problem]) -> Refused:
    """422: the object would not be valid."""
    texts = [f'{problem.field}: {problem.text}' for problem in problems]
    listed = texts[0] if len(texts) == 1 else f'[{", ".join(texts)}]'
    details = _details(kind, name, label=kind.name)
    details['causes'] = [problem.cause() for problem in problems]
    return _status(422, f'{kind.qualified} "{name}" is invalid: {listed}', 'Invalid', details)


def rejected_patch() -> Refused:
    """422: a JSON patch whose operations do not fit the object."""
    message = 'the server rejected our request due to an error in our request'
    return _status(422, message, 'Invalid', {})


def bad_request(message: str) -> Refused:
    """400: the request contradicts itself or cannot be read."""
    return _status(400, message, 'BadRequest')


class Unreadable(Refused):
    """400: the object does not decode into its kind.

    Args:
        kind: the kind.
        detail: what is wrong with it.
    """

    def __init__(self, kind: kinds.Kind, detail: str) -> None:
        as_kind = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}'
        super().__init__(bad_request(f'{as_kind}: {detail}').body)
        self.detail = detail


def broken(message: str) -> Refused:
    """500 without a reason, as for an apply that the server's schema cannot read."""
    return _status(500, message, '')


def not_admitted(kind: kinds.Kind, name: str, detail: str) -> Refused:
    """403 from an admission plugin."""
    message = f'{kind.resource} "{name}" is forbidden: {detail}'
    return _status(403, message, 'Forbidden', _details(kind, name))


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What a user tried to do, for the message that says they may not.

    Args:
        user: who.
        verb: the Kubernetes verb, such as ``patch``.
        kind: on which kind of object.
        subresource: on which part of it; empty for the object itself.
        namespace: where; None for the cluster scope.
        name: on which object; empty for a collection.
    """

    user: str
    verb: str
    kind: kinds.Kind
    subresource: str
    namespace: str | None
    name: str


def not_authorised(attempt: Attempt) -> Refused:
    """403 from RBAC."""
    kind = attempt.kind
    subject = f'{kind.resource} "{attempt.name}"' if attempt.name else kind.resource
    parts = (kind.plural, attempt.subresource)
    resource = '/'.join(part for part in parts if part)
    scope = (
        f'in the namespace "{attempt.namespace}"' if attempt.namespace else 'at the cluster scope'
    )
    message = (
        f'{subject} is forbidden: User "{attempt.user}" cannot {attempt.verb} '
        f'resource "{resource}" in API group "{kind.group}" {scope}'
    )
    return _status(403, message, 'Forbidden', _details(kind, attempt.name))


def plain(code: int, message: str = '', retry_after: int | None = None) -> Refused:
    """Any status code, for faults that a test arranges."""
    details = None if retry_after is None else {'retryAfterSeconds': retry_after}
    reason = _REASONS.get(code, '')
    text = message or f'an error on the server ({reason or code}) has prevented the request'
    return _status(code, text, reason, details)
