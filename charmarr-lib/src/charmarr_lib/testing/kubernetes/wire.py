# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""HTTP requests read strictly: what no client of ours sends is an error of the test."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import httpx2

from . import kinds, refusals, trees

JSON = 'application/json'
JSON_PATCH = 'application/json-patch+json'
MERGE_PATCH = 'application/merge-patch+json'
STRATEGIC_PATCH = 'application/strategic-merge-patch+json'
APPLY_PATCH = 'application/apply-patch+yaml'

MUTATING = frozenset({'create', 'update', 'patch', 'delete', 'deletecollection'})

_PATCHES = frozenset({JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH})
_COMMON = frozenset({'pretty'})
_SELECT = frozenset({'labelSelector', 'fieldSelector', 'limit', 'continue', 'resourceVersion'})
_LIST = _SELECT | {'resourceVersionMatch', 'timeoutSeconds', 'watch', 'allowWatchBookmarks'}
_WRITE = frozenset({'fieldManager', 'fieldValidation', 'dryRun'})
_DELETE = frozenset({'dryRun', 'gracePeriodSeconds', 'propagationPolicy'})
_PARAMETERS: Mapping[str, frozenset[str]] = {
    'get': _COMMON | {'resourceVersion'},
    'list': _COMMON | _LIST,
    'watch': _COMMON | _LIST,
    'create': _COMMON | _WRITE,
    'update': _COMMON | _WRITE,
    'patch': _COMMON | _WRITE | {'force'},
    'delete': _COMMON | _DELETE,
    'deletecollection': _COMMON | _DELETE | _SELECT,
}
_VERBS_ON_ONE = {'GET': 'get', 'PUT': 'update', 'PATCH': 'patch', 'DELETE': 'delete'}
_VERBS_ON_ALL = {'GET': 'list', 'POST': 'create', 'DELETE': 'deletecollection'}
_LONGEST_MANAGER = 128


@dataclasses.dataclass(frozen=True)
class Call:
    """A request as the API server understands it.

    Args:
        verb: the Kubernetes verb.
        kind: what is asked for.
        namespace: where; None for all namespaces and for kinds outside any.
        name: which object; empty for a collection.
        subresource: which part of it; empty for the object itself.
        query: the query parameters.
        content_type: the media type of the body; empty where there is none.
        body: the body, decoded.
        user: who asks.
        manager: the field manager that writes.
    """

    verb: str
    kind: kinds.Kind
    namespace: str | None = None
    name: str = ''
    subresource: str = ''
    query: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    content_type: str = JSON
    body: Any = None
    user: str = 'admin'
    manager: str = 'unknown'

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        in_body = self.body.get('dryRun') if self.verb.startswith('delete') and self.body else None
        return 'dryRun' in self.query or bool(in_body)

    @property
    def applies(self) -> bool:
        """Whether this is a server-side apply."""
        return self.content_type == APPLY_PATCH

    @property
    def writes(self) -> bool:
        """Whether the verb is one that changes things."""
        return self.verb in MUTATING


def read(request: httpx2.Request, user: str) -> Call:
    """The call that a request is.

    Raises:
        UnexpectedRequest: the path, verb, parameters or body are none that a client of ours
            should send.
    """
    kind, namespace, name, subresource = _target(request.url.path)
    query = _query(request)
    verb = _verb(request.method, query, on_one=bool(name))
    unknown = query.keys() - _PARAMETERS.get(verb, frozenset())
    if not verb or unknown:
        what = f'parameters {sorted(unknown)}' if verb else 'method'
        raise _unexpected(request, f'unknown {what}')
    _check_scope(request, kind, namespace, subresource, verb)
    content_type, body = _body(request, verb)
    return Call(
        verb=verb,
        kind=kind,
        namespace=namespace,
        name=name,
        subresource=subresource,
        query=query,
        content_type=content_type,
        body=body,
        user=user,
        manager=query.get('fieldManager') or _agent(request),
    )


def _unexpected(request: httpx2.Request, why: str) -> refusals.UnexpectedRequest:
    return refusals.UnexpectedRequest(f'{request.method} {request.url.path}: {why}')


def _target(path: str) -> tuple[kinds.Kind, str | None, str, str]:
    segments = path.strip('/').split('/')
    if segments[0] == 'api':
        group, segments = '', segments[1:]
    elif segments[0] == 'apis' and len(segments) > 1:
        group, segments = segments[1], segments[2:]
    else:
        raise refusals.UnexpectedRequest(f'unknown path {path}')
    version, *rest = segments or ['']
    namespace = None
    if len(rest) > 2 and rest[0] == 'namespaces' and rest[2] not in ('status', 'finalize'):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = [*rest, '', '', ''][:3]
    kind = kinds.BY_PATH.get((group, version, plural))
    if kind is None or len(rest) > 3:
        raise refusals.UnexpectedRequest(f'unknown path {path}')
    return kind, namespace, name, subresource


def _query(request: httpx2.Request) -> dict[str, str]:
    if not request.url.query:
        return {}
    pairs = request.url.params.multi_items()
    query = dict(pairs)
    if len(query) < len(pairs):
        raise _unexpected(request, 'a parameter is given twice')
    if query.get('dryRun', 'All') != 'All':
        raise _unexpected(request, 'dryRun is All or absent')
    return query


def _verb(method: str, query: Mapping[str, str], *, on_one: bool) -> str:
    verb = (_VERBS_ON_ONE if on_one else _VERBS_ON_ALL).get(method, '')
    watching = query.get('watch') in ('true', '1')
    return 'watch' if verb == 'list' and watching else verb


def _check_scope(
    request: httpx2.Request,
    kind: kinds.Kind,
    namespace: str | None,
    subresource: str,
    verb: str,
) -> None:
    if not kind.namespaced and namespace is not None:
        raise _unexpected(request, f'{kind.name} is in no namespace')
    if kind.namespaced and namespace is None and verb not in ('list', 'watch'):
        raise _unexpected(request, f'{verb} {kind.name} needs a namespace')
    known = {'': True, 'status': kind.status, 'scale': kind.scale}
    if not known.get(subresource) or (subresource and verb == 'delete'):
        raise _unexpected(request, f'{kind.name} has no {verb} on {subresource or "itself"}')


def _body(request: httpx2.Request, verb: str) -> tuple[str, Any]:
    content_type = request.headers.get('content-type', '')
    if verb not in MUTATING:
        if request.content:
            raise _unexpected(request, f'{verb} has a body')
        return '', None
    if verb.startswith('delete') and not request.content:
        return '', None
    expected = _PATCHES if verb == 'patch' else {JSON}
    if content_type not in expected:
        raise _unexpected(request, f'content type {content_type!r}')
    try:
        # Server-side apply takes YAML, of which JSON is a part; our clients send JSON.
        body: Any = json.loads(request.content)
    except ValueError as error:
        raise _unexpected(request, f'the body is not JSON: {error}') from error
    fits = trees.is_list(body) if content_type == JSON_PATCH else trees.is_map(body)
    if not fits:
        raise _unexpected(request, f'the body is not what {content_type} is')
    return content_type, body


def _agent(request: httpx2.Request) -> str:
    """The manager of a client that names none: its program's name, as kube-apiserver does it."""
    return request.headers.get('user-agent', '').split('/')[0][:_LONGEST_MANAGER] or 'unknown'
