# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What each verb of the API does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from . import (
    applied,
    golang,
    kinds,
    lifecycle,
    ownership,
    patches,
    refusals,
    shapes,
    strategic,
    trees,
    wire,
)
from . import store as stores

_SCALE_SHAPE = shapes.struct(metadata=shapes.METADATA)
_OPTIONS = kinds.Kind('PatchOptions', 'meta.k8s.io', 'v1', 'patchoptions')

# Where the server keeps objects under another name than that of their path.
_REGISTRY = {'nodes': 'minions', 'services': 'services/specs'}

May = Callable[[str], bool]
"""Whether the user may use a verb on the object in question."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a request comes to.

    Args:
        code: the HTTP status.
        body: the answer, encoded.
        changed: whether an object in the store changed.
    """

    code: int
    body: bytes
    changed: bool = False


class Operations:
    """The writing verbs.

    Args:
        life: writes to the store.
    """

    def __init__(self, life: lifecycle.Lifecycle) -> None:
        self._life = life
        self._store = life.store

    def create(self, call: wire.Call) -> Outcome:
        """POST to a collection."""
        stored = self.created(call, keep_status=False)
        return Outcome(201, stored.encoded, changed=not call.dry_run)

    def created(self, call: wire.Call, *, keep_status: bool) -> stores.Stored:
        """The object that a create makes, with the status it was sent if that is to be kept."""
        obj = _checked(call, call.body)
        if trees.dig(obj, 'metadata', 'resourceVersion'):
            detail = 'resourceVersion should not be set on objects to be created'
            raise refusals.broken(detail)
        obj = self._life.named(_placed(call, obj))
        writer = self._writer(call, ownership.UPDATE)
        blank = dict(call.kind.blank)
        return self._life.create(
            call.kind,
            obj,
            lambda new: ownership.update(blank, new, {}, writer),
            keep_status=keep_status,
            dry_run=call.dry_run,
        )

    def update(self, call: wire.Call) -> Outcome:
        """PUT of a whole object."""
        current = self.present(call)
        if call.subresource == 'scale':
            return self._scaled(call, current, lambda _: call.body)
        obj = _placed(call, _checked(call, call.body))
        return self._replaced(call, current, obj)

    def patch(self, call: wire.Call, may: May) -> Outcome:
        """PATCH of any sort."""
        if call.applies:
            return self._apply(call, may)
        if 'force' in call.query:
            detail = 'may not be specified for non-apply patch'
            raise refusals.unprocessable(_OPTIONS, '', [refusals.forbidden('force', detail)])
        current = self.present(call)
        if call.subresource == 'scale':
            return self._scaled(call, current, lambda scale: _patched(call, scale, _SCALE_SHAPE))
        wanted = _patched(call, current.obj, call.kind.shape)
        return self._replaced(call, current, _placed(call, _checked(call, wanted)))

    def _replaced(self, call: wire.Call, current: stores.Stored, obj: trees.Tree) -> Outcome:
        _check_version(call, current, obj)
        writer = self._writer(call, ownership.UPDATE)
        shares = _shares_sent(current, obj)
        stored, changed = self._life.update(
            call.kind,
            current,
            obj,
            lambda new: ownership.update(current.obj, new, shares, writer),
            subresource=call.subresource,
            dry_run=call.dry_run,
        )
        return Outcome(200, stored.encoded, changed=changed and not call.dry_run)

    def _writer(self, call: wire.Call, operation: str) -> ownership.Writer:
        return self._life.writer(call.kind, call.manager, operation, call.subresource)

    def _apply(self, call: wire.Call, may: May) -> Outcome:
        config = self._readable(call)
        current = self._store.get(call.kind, call.namespace, call.name)
        if current is not None:
            return self._applied(call, current, config)
        if call.subresource:
            raise refusals.not_found(call.kind, call.name)
        _check_no_uid(call, config)
        if not may('create'):
            raise refusals.not_authorised(attempt(call, 'create'))
        return self._created_by_apply(call, config)

    def _readable(self, call: wire.Call) -> trees.Tree:
        if call.subresource == 'scale':
            raise refusals.UnexpectedRequest('server-side apply on /scale is not modelled')
        if 'fieldManager' not in call.query:
            problem = refusals.required('fieldManager', 'is required for apply patch')
            raise refusals.unprocessable(_OPTIONS, '', [problem])
        config = _placed(call, _checked(call, call.body, patch=True))
        if trees.dig(config, 'metadata', 'managedFields'):
            raise refusals.bad_request('metadata.managedFields must be nil')
        wrong = shapes.misfit(config, call.kind.shape)
        if wrong is not None:
            got = f'expected {wrong.wanted}, got &{{{golang.shown(wrong.value)}}}'
            raise _untyped(call, f'{wrong.path}: {got}')
        try:
            applied.check(config, call.kind.shape)
        except applied.Unreadable as error:
            raise _untyped(call, str(error)) from error
        return config

    def _applied(self, call: wire.Call, current: stores.Stored, config: trees.Tree) -> Outcome:
        _check_version(call, current, config)
        writer = self._writer(call, ownership.APPLY)
        force = call.query.get('force') in ('true', '1')
        wanted, shares = ownership.apply(current.obj, config, current.shares, writer, force=force)
        try:
            stored, changed = self._life.update(
                call.kind,
                current,
                wanted,
                lambda _: shares,
                subresource=call.subresource,
                dry_run=call.dry_run,
            )
        except refusals.Unreadable as error:
            raise _inconvertible(call, error.detail) from error
        return Outcome(200, stored.encoded, changed=changed and not call.dry_run)

    def _created_by_apply(self, call: wire.Call, config: trees.Tree) -> Outcome:
        writer = self._writer(call, ownership.APPLY)
        blank = dict(call.kind.blank)
        wanted, shares = ownership.apply(blank, config, {}, writer, force=True)
        try:
            stored = self._life.create(
                call.kind, wanted, lambda _: shares, keep_status=False, dry_run=call.dry_run
            )
        except refusals.Unreadable as error:
            raise _inconvertible(call, error.detail) from error
        return Outcome(201, stored.encoded, changed=not call.dry_run)

    def delete(self, call: wire.Call) -> Outcome:
        """DELETE of one object."""
        current = self.present(call)
        removal = _removal(call)
        last, held = self._life.delete(call.kind, current, removal, dry_run=call.dry_run)
        changed = last is not current and not call.dry_run
        if held or call.kind.returned:
            return Outcome(200, last.encoded, changed=changed)
        details = {'name': call.name, 'group': call.kind.group, 'kind': call.kind.plural}
        details['uid'] = current.metadata['uid']
        status: trees.Tree = {
            'kind': 'Status',
            'apiVersion': 'v1',
            'metadata': {},
            'status': 'Success',
        }
        status['details'] = {key: value for key, value in details.items() if value}
        return Outcome(200, stores.encode(status), changed=changed)

    def delete_all(self, call: wire.Call, found: list[stores.Stored]) -> Outcome:
        """DELETE of those objects of a collection that were selected."""
        removal = _removal(call)
        lasts = [
            self._life.delete(call.kind, current, removal, dry_run=call.dry_run)[0]
            for current in found
        ]
        changed = any(map(_differs, lasts, found)) and not call.dry_run
        body = listing(call.kind, [last.obj for last in lasts], self._store.revision)
        return Outcome(200, stores.encode(body), changed=changed)

    def present(self, call: wire.Call) -> stores.Stored:
        """The object that a call names.

        Raises:
            Refused: there is none (404).
        """
        found = self._store.get(call.kind, call.namespace, call.name)
        if found is None:
            raise refusals.not_found(call.kind, call.name)
        return found

    def _scaled(
        self, call: wire.Call, current: stores.Stored, change: Callable[[trees.Tree], Any]
    ) -> Outcome:
        wanted = change(scale(current.obj))
        _check_version(call, current, wanted)
        replicas = trees.dig(wanted, 'spec', 'replicas') or 0
        obj = trees.graft(current.obj, replicas, 'spec', 'replicas')
        # A write through the scale leaves no time behind.
        writer = dataclasses.replace(self._writer(call, ownership.UPDATE), now='')
        stored, changed = self._life.update(
            call.kind,
            current,
            obj,
            lambda new: ownership.update(current.obj, new, current.shares, writer),
            dry_run=call.dry_run,
        )
        body = stores.encode(scale(stored.obj))
        return Outcome(200, body, changed=changed and not call.dry_run)


def _differs(left: object, right: object) -> bool:
    return left is not right


def attempt(call: wire.Call, verb: str) -> refusals.Attempt:
    """What a call tries to do, for the message that forbids it."""
    return refusals.Attempt(
        call.user, verb, call.kind, call.subresource, call.namespace, call.name
    )


def scale(obj: trees.Tree) -> trees.Tree:
    """The Scale of a StatefulSet."""
    fields = ('name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp')
    labels = trees.branch(obj, 'spec', 'selector', 'matchLabels')
    return {
        'kind': 'Scale',
        'apiVersion': 'autoscaling/v1',
        'metadata': {key: obj['metadata'][key] for key in fields},
        'spec': {'replicas': trees.dig(obj, 'spec', 'replicas')},
        'status': {
            'replicas': trees.dig(obj, 'status', 'replicas') or 0,
            'selector': ','.join(f'{key}={value}' for key, value in sorted(labels.items())),
        },
    }


def listing(
    kind: kinds.Kind, found: list[trees.Tree], revision: int, more: str = ''
) -> trees.Tree:
    """A list of objects, whose items do not repeat their kind."""
    metadata = {'resourceVersion': str(revision)}
    if more:
        metadata['continue'] = more
    return {
        'kind': f'{kind.name}List',
        'apiVersion': kind.api_version,
        'metadata': metadata,
        'items': [
            {key: value for key, value in obj.items() if key not in ('kind', 'apiVersion')}
            for obj in found
        ],
    }


def _checked(call: wire.Call, obj: Any, *, patch: bool = False) -> trees.Tree:
    """An object that is what the path says it is.

    Raises:
        Refused: its apiVersion or kind are others (400).
    """
    version, kind = obj.get('apiVersion', ''), obj.get('kind', '')
    expected = call.kind.api_version
    if patch and version != expected:
        raise refusals.bad_request(
            'Incorrect version specified in apply patch. Specified patch version: '
            f'{version}, expected: {expected}'
        )
    if version and version != expected:
        raise refusals.bad_request(
            f'the API version in the data ({version}) does not match the expected API version '
            f'({expected})'
        )
    if kind != call.kind.name and (kind or patch):
        detail = f'converting ({kind}) to ({call.kind.name}): unknown conversion'
        raise refusals.Unreadable(call.kind, detail)
    return obj


def _placed(call: wire.Call, obj: trees.Tree) -> trees.Tree:
    """An object with the name and the namespace of the path.

    Raises:
        Refused: the object has others (400).
    """
    metadata = trees.branch(obj, 'metadata')
    namespace = metadata.get('namespace') or call.namespace
    if namespace != call.namespace:
        raise refusals.bad_request(
            'the namespace of the provided object does not match the namespace sent on the request'
        )
    name = metadata.get('name') or call.name
    if call.name and name != call.name:
        raise refusals.bad_request(
            f'the name of the object ({name}) does not match the name on the URL ({call.name})'
        )
    place = {'name': name, 'namespace': namespace}
    added = {key: value for key, value in place.items() if value}
    return {**obj, 'metadata': {**metadata, **added}}


def _check_version(call: wire.Call, current: stores.Stored, obj: trees.Tree) -> None:
    metadata = trees.branch(obj, 'metadata')
    uid, version = metadata.get('uid'), metadata.get('resourceVersion')
    if uid and uid != current.metadata['uid']:
        if call.verb == 'update':
            raise _other_uid(call, uid, current.metadata['uid'])
        problem = refusals.invalid('metadata.uid', uid, 'field is immutable')
        raise refusals.unprocessable(call.kind, call.name, [problem])
    if version and version != current.metadata['resourceVersion']:
        raise refusals.modified(call.kind, call.name)


def _check_no_uid(call: wire.Call, config: trees.Tree) -> None:
    """Refuse to create, by an apply, an object that is taken to exist already.

    Raises:
        Refused: the apply names a uid (409).
    """
    uid = trees.dig(config, 'metadata', 'uid')
    if uid:
        detail = (
            f'uid mismatch: the provided object specified uid {uid}, '
            'and no existing object was found'
        )
        raise refusals.conflict(call.kind, call.name, detail)


def _other_uid(call: wire.Call, wanted: str, found: str) -> refusals.Refused:
    key = '/'.join(
        part
        for part in (_REGISTRY.get(call.kind.plural, call.kind.plural), call.namespace)
        if part
    )
    detail = (
        f'StorageError: invalid object, Code: 4, Key: /registry/{key}/{call.name}, '
        'ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: '
        f'UID in precondition: {wanted}, UID in object meta: {found}'
    )
    return refusals.conflict(call.kind, call.name, detail)


def _shares_sent(current: stores.Stored, obj: trees.Tree) -> ownership.Shares:
    """The shares that an update starts from: those it sends, as a way to reset them exists."""
    sent = trees.dig(obj, 'metadata', 'managedFields')
    if sent is None or sent == current.metadata.get('managedFields'):
        return current.shares
    return ownership.parse(sent)


def _patched(call: wire.Call, obj: trees.Tree, shape: shapes.Shape) -> trees.Tree:
    change = _PATCHES[call.content_type]
    try:
        return change(obj, call.body, shape)
    except patches.Unapplicable as error:
        raise refusals.rejected_patch() from error
    except patches.BadPatch as error:
        raise refusals.bad_request(str(error)) from error
    except strategic.BadPatch as error:
        raise refusals.broken(str(error)) from error


_PATCHES: dict[str, Callable[[trees.Tree, Any, shapes.Shape], trees.Tree]] = {
    wire.JSON_PATCH: lambda obj, body, _: patches.apply(obj, body),
    wire.MERGE_PATCH: lambda obj, body, _: patches.merge(obj, body),
    wire.STRATEGIC_PATCH: strategic.merge,
}


def _untyped(call: wire.Call, detail: str) -> refusals.Refused:
    return refusals.broken(f'failed to create typed patch object ({_sent(call)}): {detail}')


def _inconvertible(call: wire.Call, detail: str) -> refusals.Refused:
    kind = f'{call.kind.api_version}, Kind={call.kind.name}'
    return refusals.broken(
        f'failed to convert new object ({_sent(call)}) to proper version: '
        f'unable to convert unstructured object to {kind}: {detail}'
    )


def _sent(call: wire.Call) -> str:
    """What is applied, by the name that it gives itself."""
    metadata = trees.branch(call.body, 'metadata')
    name = f'{metadata.get("namespace", "")}/{metadata.get("name", "")}'
    return f'{name}; {call.kind.api_version}, Kind={call.kind.name}'


def _removal(call: wire.Call) -> lifecycle.Removal:
    options: dict[str, Any] = {**(call.body or {}), **call.query}
    preconditions = trees.branch(options, 'preconditions')
    grace = options.get('gracePeriodSeconds')
    return lifecycle.Removal(
        grace=None if grace is None else int(grace),
        propagation=options.get('propagationPolicy'),
        uid=preconditions.get('uid'),
        revision=preconditions.get('resourceVersion'),
    )
