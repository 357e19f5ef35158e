# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The life of an object: created, updated, on its way out, gone."""

from __future__ import annotations

import dataclasses
import datetime
import random
import uuid
from collections.abc import Callable
from typing import Any

from . import (
    admission,
    defaults,
    fieldsets,
    immutability,
    kinds,
    ownership,
    refusals,
    rules,
    shapes,
    trees,
)
from . import store as stores

_SYSTEM_FIELDS = (
    'uid',
    'creationTimestamp',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'resourceVersion',
)
_OMITTED_WHEN_EMPTY = ('annotations', 'labels')
_SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'
ORPHAN, FOREGROUND = 'orphan', 'foregroundDeletion'
_PROPAGATION = {'Orphan': ORPHAN, 'Foreground': FOREGROUND, 'Background': ''}
_STATUS = fieldsets.from_json({'f:status': {}})
_ALL_BUT_STATUS = fieldsets.from_json({'f:spec': {}, 'f:metadata': {}})

Claim = Callable[[trees.Tree], ownership.Shares]
"""Who owns what in an object that has its defaults."""


@dataclasses.dataclass(frozen=True)
class Removal:
    """How an object is to be deleted.

    Args:
        grace: seconds given to a pod; None for what the pod itself says.
        propagation: what becomes of dependents; None for the kind's default.
        uid: the object's uid, if only that very object is meant.
        revision: its resourceVersion, if only that version is meant.
    """

    grace: int | None = None
    propagation: str | None = None
    uid: str | None = None
    revision: str | None = None


class Lifecycle:
    """Writes objects to the store as the generic registry of the API server does.

    Args:
        store: where objects are.
        clock: the present time.
    """

    def __init__(self, store: stores.Store, clock: Callable[[], datetime.datetime]) -> None:
        self.store = store
        self._clock = clock
        self._random = random.Random(0)  # noqa: S311  # names that repeat from run to run

    def now(self, seconds_later: int = 0) -> str:
        """The time as the API server writes it."""
        moment = self._clock() + datetime.timedelta(seconds=seconds_later)
        return moment.astimezone(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')

    def writer(
        self, kind: kinds.Kind, manager: str, operation: str, subresource: str = ''
    ) -> ownership.Writer:
        """A write by a manager, as ownership needs to know it."""
        version = kind.api_version
        who = ownership.Manager(manager, operation, version, subresource)
        ignored: fieldsets.FieldSet = {}
        if subresource == 'status':
            ignored = _ALL_BUT_STATUS
        elif kind.status:
            ignored = _STATUS
        return ownership.Writer(who, kind.shape, ignored, self.now())

    def decoded(
        self, kind: kinds.Kind, obj: trees.Tree, known: trees.Tree | None = None
    ) -> trees.Tree:
        """An object as the server's types hold it: with defaults and in canonical form.

        There are no nulls and no empty lists. Branches that it shares with a known version are
        not looked at again.

        Raises:
            Refused: a value is of the wrong type, or is no quantity (400).
        """
        wrong = shapes.misfit(obj, kind.shape, known)
        if wrong is not None:
            detail = f'json: cannot unmarshal into Go struct field {kind.name}{wrong.path}'
            raise refusals.Unreadable(kind, detail)
        try:
            return defaults.fill_in(kind.name, _without_empty(trees.as_stored(obj, known)))
        except ValueError as error:
            raise refusals.Unreadable(kind, str(error)) from error

    def named(self, obj: trees.Tree) -> trees.Tree:
        """An object with a name, made from its `generateName` if it has no other."""
        metadata = trees.branch(obj, 'metadata')
        if metadata.get('name') or not metadata.get('generateName'):
            return obj
        suffix = ''.join(self._random.choices(_SUFFIX_LETTERS, k=5))
        return trees.graft(obj, f'{metadata["generateName"]}{suffix}', 'metadata', 'name')

    def create(
        self, kind: kinds.Kind, obj: trees.Tree, claim: Claim, *, keep_status: bool, dry_run: bool
    ) -> stores.Stored:
        """A new object.

        Raises:
            Refused: it is there already (409), or it is not valid (422).
        """
        metadata = trees.branch(obj, 'metadata')
        name, namespace = metadata.get('name', ''), metadata.get('namespace')
        present = self.store.get(kind, namespace, name)
        if present is not None:
            going = 'deletionTimestamp' in present.metadata
            raise refusals.already_exists(kind, name, going=going)
        if kind.status and not keep_status:
            obj = trees.without(obj, 'status')
        obj = self.decoded(kind, obj)
        shares = claim(obj)
        obj = admission.admit(kind, self._born(kind, obj), self.store)
        self._refuse(kind, name, rules.check(kind, obj))
        return self._keep(kind, obj, shares, dry_run=dry_run)

    def _born(self, kind: kinds.Kind, obj: trees.Tree) -> trees.Tree:
        metadata = {
            key: value
            for key, value in trees.branch(obj, 'metadata').items()
            if key not in (*_SYSTEM_FIELDS, 'managedFields', 'selfLink')
        }
        metadata['uid'] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        metadata['creationTimestamp'] = self.now()
        if kind.generations:
            metadata['generation'] = 1
        identity = {'apiVersion': kind.api_version, 'kind': kind.name}
        return {**identity, **obj, **identity, 'metadata': metadata}

    def update(
        self,
        kind: kinds.Kind,
        current: stores.Stored,
        wanted: trees.Tree,
        claim: Claim,
        *,
        subresource: str = '',
        dry_run: bool = False,
    ) -> tuple[stores.Stored, bool]:
        """A new version of an object, and whether it differs from the one before.

        Raises:
            Refused: the object would not be valid, or may not change like that.
        """
        wanted = self._decoded_update(kind, current, wanted, subresource)
        shares = claim(wanted)
        before = ownership.bare(current.obj)
        if before == wanted and _same_fields(shares, current.shares):
            # Times alone are no reason for a new version.
            return current, False
        problems = rules.check(kind, wanted)
        if subresource != 'status':
            problems += immutability.check(kind, before, wanted)
        self._refuse(kind, current.name, problems)
        if subresource != 'status':
            admission.check_growth(kind, before, wanted, self.store)
        if kind.generations and before.get('spec') != wanted.get('spec'):
            generation = before['metadata'].get('generation', 0) + 1
            wanted = trees.graft(wanted, generation, 'metadata', 'generation')
        if _finished(wanted):
            return self._gone(kind, wanted, shares, dry_run=dry_run), True
        return self._keep(kind, wanted, shares, dry_run=dry_run), True

    def _decoded_update(
        self, kind: kinds.Kind, current: stores.Stored, wanted: trees.Tree, subresource: str
    ) -> trees.Tree:
        if subresource == 'status':
            wanted = _with_part(ownership.bare(current.obj), wanted, 'status')
        else:
            wanted = _with_metadata_of(current.obj, ownership.bare(wanted))
            if kind.status:
                wanted = _with_part(wanted, current.obj, 'status')
        wanted = admission.keep_allocated(kind, current.obj, wanted)
        wanted = admission.note_phase(kind, current.obj, wanted, self.now())
        return self.decoded(kind, wanted, current.obj)

    def delete(
        self, kind: kinds.Kind, current: stores.Stored, removal: Removal, *, dry_run: bool
    ) -> tuple[stores.Stored, bool]:
        """Delete an object, or mark it as to be deleted where something holds it.

        Returns:
            The last version, and whether the object is still there.

        Raises:
            Refused: a precondition does not hold (409).
        """
        _check_preconditions(kind, current, removal)
        finalisers = _for_propagation(kind, current, removal.propagation)
        grace = _grace(kind, current.obj, removal.grace)
        if kind.name == 'Namespace' or finalisers or grace:
            return self._marked(kind, current, finalisers, grace, dry_run=dry_run), True
        last = self._gone(kind, current.obj, current.shares, dry_run=dry_run)
        if dry_run:
            return last, False
        metadata: trees.Tree = {**last.metadata, 'resourceVersion': str(self.store.revision)}
        if kind.name == 'Pod' and 'deletionTimestamp' not in metadata:
            # A pod is always marked first, if only for the moment.
            metadata |= {'deletionTimestamp': self.now(), 'deletionGracePeriodSeconds': 0}
            metadata['generation'] += 1
        return stores.Stored({**last.obj, 'metadata': metadata}, last.shares), False

    def _marked(
        self,
        kind: kinds.Kind,
        current: stores.Stored,
        finalisers: list[Any],
        grace: int,
        *,
        dry_run: bool,
    ) -> stores.Stored:
        metadata = current.metadata
        if 'deletionTimestamp' in metadata and finalisers == metadata.get('finalizers', []):
            return current
        metadata = {
            **metadata,
            'deletionTimestamp': metadata.get('deletionTimestamp', self.now(grace)),
            'deletionGracePeriodSeconds': grace,
        }
        if finalisers:
            metadata['finalizers'] = finalisers
        if kind.generations and 'deletionTimestamp' not in current.metadata:
            metadata['generation'] = metadata.get('generation', 0) + 1
        obj = {**current.obj, 'metadata': metadata}
        if kind.name == 'Namespace':
            obj = trees.graft(obj, 'Terminating', 'status', 'phase')
        return self._keep(kind, obj, current.shares, dry_run=dry_run)

    def _keep(
        self, kind: kinds.Kind, obj: trees.Tree, shares: ownership.Shares, *, dry_run: bool
    ) -> stores.Stored:
        stored = _with_shares(obj, shares)
        return stored if dry_run else self.store.put(kind, stored)

    def _gone(
        self, kind: kinds.Kind, obj: trees.Tree, shares: ownership.Shares, *, dry_run: bool
    ) -> stores.Stored:
        stored = _with_shares(obj, shares)
        if not dry_run:
            self.store.drop(kind, stored)
        return stored

    def _refuse(self, kind: kinds.Kind, name: str, problems: list[refusals.Problem]) -> None:
        if problems:
            raise refusals.unprocessable(kind, name, problems)


def _without_empty(obj: trees.Tree) -> trees.Tree:
    """An object whose metadata does not name what it has none of."""
    for field in _OMITTED_WHEN_EMPTY:
        if trees.dig(obj, 'metadata', field) == {}:
            obj = trees.without(obj, 'metadata', field)
    return obj


def _with_shares(obj: trees.Tree, shares: ownership.Shares) -> stores.Stored:
    """An object that says who owns what, or nothing of it where nobody owns anything."""
    if not shares:
        return stores.Stored(ownership.bare(obj), shares)
    fields = ownership.render(shares)
    return stores.Stored(trees.graft(obj, fields, 'metadata', 'managedFields'), shares)


def _with_metadata_of(current: trees.Tree, wanted: trees.Tree) -> trees.Tree:
    """An object with the metadata that only the server writes taken from the present version."""
    metadata = dict(trees.branch(wanted, 'metadata'))
    for field in _SYSTEM_FIELDS:
        metadata.pop(field, None)
        if field in current['metadata']:
            metadata[field] = current['metadata'][field]
    for field in ('name', 'namespace'):
        if field in current['metadata']:
            metadata[field] = current['metadata'][field]
    identity = {'apiVersion': current['apiVersion'], 'kind': current['kind']}
    return {**wanted, **identity, 'metadata': metadata}


def _with_part(obj: trees.Tree, source: trees.Tree, part: str) -> trees.Tree:
    return {**obj, part: source[part]} if part in source else trees.without(obj, part)


def _same_fields(left: ownership.Shares, right: ownership.Shares) -> bool:
    if left is right:
        return True
    return left.keys() == right.keys() and all(
        left[manager].fields == right[manager].fields for manager in left
    )


def _finished(obj: trees.Tree) -> bool:
    metadata = trees.branch(obj, 'metadata')
    waiting = metadata.get('finalizers') or metadata.get('deletionGracePeriodSeconds')
    held = trees.items(obj, 'spec', 'finalizers') if obj['kind'] == 'Namespace' else []
    return 'deletionTimestamp' in metadata and not waiting and not held


def _check_preconditions(kind: kinds.Kind, current: stores.Stored, removal: Removal) -> None:
    uid, version = current.metadata['uid'], current.metadata['resourceVersion']
    if removal.uid not in (None, uid):
        detail = (
            f'the UID in the precondition ({removal.uid}) does not match the UID in record '
            f'({uid}). The object might have been deleted and then recreated'
        )
        raise refusals.not_deleted(kind, current.name, detail)
    if removal.revision not in (None, version):
        detail = (
            f'the ResourceVersion in the precondition ({removal.revision}) does not match the '
            f'ResourceVersion in record ({version}). The object might have been modified'
        )
        raise refusals.not_deleted(kind, current.name, detail)


def _for_propagation(kind: kinds.Kind, current: stores.Stored, asked: str | None) -> list[Any]:
    """The finalisers that a delete leaves: those that say what becomes of dependents change."""
    present = trees.items(current.metadata, 'finalizers')
    if asked is None and not {ORPHAN, FOREGROUND}.isdisjoint(present):
        # An earlier delete has decided.
        return present
    kept = [name for name in present if name not in (ORPHAN, FOREGROUND)]
    wanted = _PROPAGATION[asked or kind.default_propagation]
    return [*kept, wanted] if wanted else kept


def _grace(kind: kinds.Kind, obj: trees.Tree, asked: int | None) -> int:
    """Seconds that a pod gets to end itself; only a pod on a node has anything to end."""
    done = trees.dig(obj, 'status', 'phase') in ('Succeeded', 'Failed')
    if kind.name != 'Pod' or done or not trees.dig(obj, 'spec', 'nodeName'):
        return 0
    if asked is None:
        return trees.dig(obj, 'spec', 'terminationGracePeriodSeconds') or 0
    return asked
