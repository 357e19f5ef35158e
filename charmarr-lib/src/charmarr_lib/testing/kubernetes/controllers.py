# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What controllers would do, for a test to have done at a moment of its choice."""

from __future__ import annotations

from collections.abc import Callable

from . import kinds, lifecycle, trees
from . import store as stores

_CLAIM = kinds.BY_NAME['PersistentVolumeClaim']
_VOLUME = kinds.BY_NAME['PersistentVolume']
_POD = kinds.BY_NAME['Pod']
_STATEFUL_SET = kinds.BY_NAME['StatefulSet']
_NAMESPACE = kinds.BY_NAME['Namespace']


def release_protection(life: lifecycle.Lifecycle) -> None:
    """Take the protecting finaliser off deleted claims and volumes that are not in use.

    A claim is in use while a pod, or the template of a StatefulSet, mounts it; a volume while
    its claim exists.
    """
    mounted = _mounted(life.store)
    for claim in life.store.all(_CLAIM):
        if _going(claim) and (claim.namespace, claim.name) not in mounted:
            _without_finaliser(life, _CLAIM, claim, _CLAIM.protection)
    for volume in life.store.all(_VOLUME):
        if _going(volume) and not _claimed(life.store, volume):
            _without_finaliser(life, _VOLUME, volume, _VOLUME.protection)


def _going(stored: stores.Stored) -> bool:
    return 'deletionTimestamp' in stored.metadata


def _mounted(store: stores.Store) -> set[tuple[str | None, str]]:
    pods = [(pod.namespace, trees.branch(pod.obj, 'spec')) for pod in store.all(_POD)]
    templates = [
        (owner.namespace, trees.branch(owner.obj, 'spec', 'template', 'spec'))
        for owner in store.all(_STATEFUL_SET)
    ]
    return {
        (namespace, trees.dig(volume, 'persistentVolumeClaim', 'claimName'))
        for namespace, spec in pods + templates
        for volume in trees.items(spec, 'volumes')
    }


def _claimed(store: stores.Store, volume: stores.Stored) -> bool:
    reference = trees.branch(volume.obj, 'spec', 'claimRef')
    named = store.get(_CLAIM, reference.get('namespace'), reference.get('name', ''))
    users = (trees.dig(claim.obj, 'spec', 'volumeName') for claim in store.all(_CLAIM))
    return named is not None or volume.name in users


def _without_finaliser(
    life: lifecycle.Lifecycle, kind: kinds.Kind, stored: stores.Stored, name: str
) -> None:
    def change(obj: trees.Tree) -> trees.Tree:
        present = trees.items(obj, 'metadata', 'finalizers')
        kept = [other for other in present if other != name]
        if not kept:
            return trees.without(obj, 'metadata', 'finalizers')
        return trees.graft(obj, kept, 'metadata', 'finalizers')

    _change(life, kind, stored, change)


def _change(
    life: lifecycle.Lifecycle,
    kind: kinds.Kind,
    stored: stores.Stored,
    change: Callable[[trees.Tree], trees.Tree],
) -> None:
    # An earlier step may have changed the object since it was looked up.
    newest = life.store.get(kind, stored.namespace, stored.name) or stored
    life.update(kind, newest, change(newest.obj), lambda _: newest.shares)


def collect_garbage(life: lifecycle.Lifecycle) -> None:
    """Carry deletions through until nothing more follows from them."""
    while any([_orphan(life), _delete_dependents(life), _empty_namespaces(life)]):
        pass


def _orphan(life: lifecycle.Lifecycle) -> bool:
    """Cut dependents loose from owners that were deleted without them."""
    found = [
        (kind, owner)
        for kind, owner in life.store.everything()
        if _going(owner) and lifecycle.ORPHAN in trees.items(owner.metadata, 'finalizers')
    ]
    for kind, owner in found:
        for dependent_kind, dependent in _dependents(life.store, owner):
            _cut_loose(life, dependent_kind, dependent, owner)
        _without_finaliser(life, kind, owner, lifecycle.ORPHAN)
    return bool(found)


def _dependents(
    store: stores.Store, owner: stores.Stored
) -> list[tuple[kinds.Kind, stores.Stored]]:
    uid = owner.metadata['uid']
    return [(kind, other) for kind, other in store.everything() if uid in _owners(other)]


def _owners(stored: stores.Stored) -> set[str]:
    return {owner['uid'] for owner in trees.items(stored.metadata, 'ownerReferences')}


def _cut_loose(
    life: lifecycle.Lifecycle, kind: kinds.Kind, dependent: stores.Stored, owner: stores.Stored
) -> None:
    uid = owner.metadata['uid']

    def change(obj: trees.Tree) -> trees.Tree:
        references = trees.items(obj, 'metadata', 'ownerReferences')
        kept = [other for other in references if other['uid'] != uid]
        return trees.graft(obj, kept, 'metadata', 'ownerReferences')

    _change(life, kind, dependent, change)


def _delete_dependents(life: lifecycle.Lifecycle) -> bool:
    """Delete what has no owner left, and let owners go that waited for that."""
    everything = list(life.store.everything())
    present = {stored.metadata['uid'] for _, stored in everything if not _in_foreground(stored)}
    owned = [(kind, stored) for kind, stored in everything if _owners(stored)]
    doomed = [
        (kind, stored)
        for kind, stored in owned
        if not _owners(stored) & present and not _going(stored)
    ]
    for kind, stored in doomed:
        removal = lifecycle.Removal(propagation='Background')
        life.delete(kind, stored, removal, dry_run=False)
    waiting = [
        (kind, stored)
        for kind, stored in life.store.everything()
        if _in_foreground(stored) and not _dependents(life.store, stored)
    ]
    for kind, stored in waiting:
        _without_finaliser(life, kind, stored, lifecycle.FOREGROUND)
    return bool(doomed or waiting)


def _in_foreground(stored: stores.Stored) -> bool:
    return _going(stored) and lifecycle.FOREGROUND in trees.items(stored.metadata, 'finalizers')


def _empty_namespaces(life: lifecycle.Lifecycle) -> bool:
    """Delete what is in deleted namespaces, and then the namespaces."""
    changed = False
    for namespace in life.store.all(_NAMESPACE):
        if not _going(namespace):
            continue
        inside = [
            (kind, stored)
            for kind, stored in life.store.everything()
            if stored.namespace == namespace.name
        ]
        for kind, stored in inside:
            if not _going(stored):
                removal = lifecycle.Removal(propagation='Background')
                life.delete(kind, stored, removal, dry_run=False)
                changed = True
        if not inside:
            obj = trees.graft(namespace.obj, [], 'spec', 'finalizers')
            life.update(_NAMESPACE, namespace, obj, lambda _, kept=namespace: kept.shares)
            changed = True
    return changed
