# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Which changes of an object the API server refuses."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from typing import Any

from . import golang, kinds, quantities, refusals, rules, trees

_Problems = Iterator[refusals.Problem]

_STATEFUL_SET_OPEN = (
    'replicas',
    'ordinals',
    'template',
    'updateStrategy',
    'revisionHistoryLimit',
    'persistentVolumeClaimRetentionPolicy',
    'minReadySeconds',
)
_STATEFUL_SET_RULE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)
_CLAIM_RULE = (
    'spec is immutable after creation except resources.requests and volumeAttributesClassName '
    'for bound claims'
)
_POD_RULE = (
    'pod updates may not change fields other than `spec.containers[*].image`,'
    '`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only '
    'additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set '
    'to 1 if it was previously negative)'
)
_POD_OPEN = ('activeDeadlineSeconds', 'tolerations', 'terminationGracePeriodSeconds')
_IMMUTABLE = 'field is immutable'


def check(kind: kinds.Kind, old: trees.Tree, new: trees.Tree) -> list[refusals.Problem]:
    """Everything wrong with a change from one valid object to another."""
    rule = _RULES.get(kind.name)
    problems = list(_finalisers(old['metadata'], new['metadata']))
    return problems + (list(rule(old, new)) if rule else [])


def _finalisers(old: trees.Tree, new: trees.Tree) -> _Problems:
    if 'deletionTimestamp' not in old:
        return
    before = trees.items(old, 'finalizers')
    added = [name for name in trees.items(new, 'finalizers') if name not in before]
    if added:
        detail = (
            'no new finalizers can be added if the object is being deleted, '
            f'found new finalizers {golang.strings(sorted(added))}'
        )
        yield refusals.forbidden('metadata.finalizers', detail)


def _specs(old: trees.Tree, new: trees.Tree) -> tuple[trees.Tree, trees.Tree]:
    return trees.branch(old, 'spec'), trees.branch(new, 'spec')


def _stateful_set(old: trees.Tree, new: trees.Tree) -> _Problems:
    before, after = (_except(spec, *_STATEFUL_SET_OPEN) for spec in _specs(old, new))
    if before != after:
        yield refusals.forbidden('spec', _STATEFUL_SET_RULE)


def _except(tree: trees.Tree, *keys: str) -> trees.Tree:
    return {key: value for key, value in tree.items() if key not in keys}


def _claim(old: trees.Tree, new: trees.Tree) -> _Problems:
    before, after = _specs(old, new)
    asked, wants = _storage(before), _storage(after)
    bound = trees.dig(old, 'status', 'phase') == 'Bound'
    if not _same_but_for_allowed(before, after, bound=bound):
        yield refusals.forbidden('spec', f'{_CLAIM_RULE}\n{_difference(before, after)}')
    holds = trees.dig(old, 'status', 'capacity', 'storage') or asked
    if wants < asked and wants <= quantities.value(holds):
        field = 'spec.resources.requests.storage'
        yield refusals.forbidden(field, 'field can not be less than status.capacity')
    yield from _fixed(before, after, 'volumeMode', 'volumeMode')


def _storage(spec: trees.Tree) -> Any:
    return quantities.value(trees.dig(spec, 'resources', 'requests', 'storage') or '0')


def _same_but_for_allowed(before: trees.Tree, after: trees.Tree, *, bound: bool) -> bool:
    if bound:
        drop = ('resources', 'requests', 'storage')
        before, after = trees.without(before, *drop), trees.without(after, *drop)
        before = _except(before, 'volumeAttributesClassName')
        after = _except(after, 'volumeAttributesClassName')
    if not before.get('volumeName'):
        # A claim is bound to a volume once.
        before, after = _except(before, 'volumeName'), _except(after, 'volumeName')
    if not before.get('storageClassName'):
        # A claim without a class may be given one later, for a default that appears.
        before, after = _except(before, 'storageClassName'), _except(after, 'storageClassName')
    return before == after


def _difference(before: trees.Tree, after: trees.Tree) -> str:
    old, new = _lines(before), _lines(after)
    lines = list(difflib.unified_diff(old, new, lineterm='', n=2))
    # The API server shows the hunks alone, without names of files.
    return '\n'.join(lines[2:]) + '\n'


def _lines(tree: trees.Tree) -> list[str]:
    return json.dumps(tree, indent=1, sort_keys=True).splitlines()


def _persistent_volume(old: trees.Tree, new: trees.Tree) -> _Problems:
    before, after = _specs(old, new)
    sources = rules.volume_source(before), rules.volume_source(after)
    if sources[0] != sources[1]:
        field = 'spec.persistentvolumesource'
        detail = f'{field} is immutable after creation\n{_difference(*sources)}'
        yield refusals.forbidden(field, detail)
    yield from _fixed(before, after, 'volumeMode', 'volumeMode')


def _fixed(before: trees.Tree, after: trees.Tree, key: str, field: str) -> _Problems:
    if before.get(key) != after.get(key):
        yield refusals.invalid(field, after.get(key), _IMMUTABLE)


def _job(old: trees.Tree, new: trees.Tree) -> _Problems:
    before, after = _specs(old, new)
    for key in ('completions', 'selector', 'template', 'completionMode', 'podFailurePolicy'):
        yield from _fixed(before, after, key, f'spec.{key}')


def _pod(old: trees.Tree, new: trees.Tree) -> _Problems:
    before, after = (_without_images(_except(spec, *_POD_OPEN)) for spec in _specs(old, new))
    if before != after:
        detail = f'{_POD_RULE}\n{_difference(before, after)}'
        yield refusals.forbidden('spec', detail)


def _without_images(spec: trees.Tree) -> trees.Tree:
    for field in ('containers', 'initContainers'):
        spec = trees.mapped_items(spec, field, lambda container: _except(container, 'image'))
    return spec


def _storage_class(old: trees.Tree, new: trees.Tree) -> _Problems:
    for key in ('parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'):
        yield from _fixed(old, new, key, key)


def _secret(old: trees.Tree, new: trees.Tree) -> _Problems:
    yield from _fixed(old, new, 'type', 'type')
    yield from _sealed(old, new)


def _sealed(old: trees.Tree, new: trees.Tree) -> _Problems:
    if not old.get('immutable'):
        return
    detail = 'field is immutable when `immutable` is set'
    for key in ('immutable', 'data', 'binaryData'):
        if old.get(key) != new.get(key):
            yield refusals.forbidden(key, detail)


def _service(old: trees.Tree, new: trees.Tree) -> _Problems:
    before, after = _specs(old, new)
    address = before.get('clusterIP')
    unnamed = 'ExternalName' in (before.get('type'), after.get('type'))
    if address and not unnamed and after.get('clusterIP') != address:
        detail = 'may not change once set'
        yield refusals.invalid('spec.clusterIPs[0]', [after.get('clusterIP', '')], detail)


_RULES: dict[str, Callable[[trees.Tree, trees.Tree], _Problems]] = {
    'StatefulSet': _stateful_set,
    'PersistentVolumeClaim': _claim,
    'PersistentVolume': _persistent_volume,
    'Job': _job,
    'Pod': _pod,
    'StorageClass': _storage_class,
    'Secret': _secret,
    'ConfigMap': _sealed,
    'Service': _service,
}
