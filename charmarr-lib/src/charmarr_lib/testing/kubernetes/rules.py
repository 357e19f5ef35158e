# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server requires of an object: the part of its validation that charms can meet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from . import kinds, names, podrules, quantities, refusals, selectors, trees

_Problems = Iterator[refusals.Problem]
_KEY = re.compile(
    r'([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
)
_VALUE = re.compile(r'([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?')
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_ACCESS_MODES = ('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod')
_STANDARD_FINALISERS = ('kubernetes', 'orphan', 'foregroundDeletion')
_OF_OWNER = {'apiVersion': 'version', 'kind': 'kind', 'name': 'name', 'uid': ''}
_NOT_SOURCES = frozenset(
    {
        'accessModes',
        'capacity',
        'claimRef',
        'mountOptions',
        'nodeAffinity',
        'persistentVolumeReclaimPolicy',
        'storageClassName',
        'volumeAttributesClassName',
        'volumeMode',
    }
)


def check(kind: kinds.Kind, obj: trees.Tree) -> list[refusals.Problem]:
    """Everything wrong with an object, apart from how it differs from an earlier version."""
    problems = list(_metadata(kind, trees.branch(obj, 'metadata')))
    rule = _RULES.get(kind.name)
    return problems + (list(rule(obj)) if rule else [])


def volume_source(spec: trees.Tree) -> trees.Tree:
    """The part of a PersistentVolume's spec that says where the data is."""
    return {key: value for key, value in spec.items() if key not in _NOT_SOURCES}


def _metadata(kind: kinds.Kind, metadata: trees.Tree) -> _Problems:
    name = str(metadata.get('name', ''))
    if not name:
        yield refusals.required('metadata.name', 'name or generateName is required')
    else:
        objection = names.objection(kind.name, name)
        if objection:
            yield refusals.invalid('metadata.name', name, objection)
    yield from _labels(trees.branch(metadata, 'labels'), 'metadata.labels')
    for key in trees.branch(metadata, 'annotations'):
        if not _KEY.fullmatch(key.lower()):
            yield refusals.invalid('metadata.annotations', key, _KEY_RULE)
    yield from _finalisers(trees.items(metadata, 'finalizers'))
    for owner in trees.items(metadata, 'ownerReferences'):
        yield from _owner(owner)


def _owner(reference: trees.Tree) -> _Problems:
    for key, what in _OF_OWNER.items():
        if not reference.get(key):
            field = f'metadata.ownerReferences.{key}'
            yield refusals.invalid(field, '', f'{what} must not be empty'.lstrip())


def _finalisers(found: list[str]) -> _Problems:
    for index, name in enumerate(found):
        if '/' not in name and name not in _STANDARD_FINALISERS:
            detail = 'name is neither a standard finalizer name nor is it fully qualified'
            yield refusals.invalid(f'metadata.finalizers[{index}]', name, detail)


def _labels(found: trees.Tree, path: str) -> _Problems:
    for key, value in found.items():
        if not _KEY.fullmatch(key):
            yield refusals.invalid(path, key, _KEY_RULE)
        if not _VALUE.fullmatch(str(value)):
            yield refusals.invalid(path, value, _VALUE_RULE)


def _stateful_set(obj: trees.Tree) -> _Problems:
    spec = trees.branch(obj, 'spec')
    selector = trees.dig(spec, 'selector')
    if selector is None:
        yield refusals.required('spec.selector')
    elif not selector:
        detail = 'empty selector is invalid for statefulset'
        yield refusals.invalid('spec.selector', selector, detail)
    if spec.get('replicas', 0) < 0:
        detail = 'must be greater than or equal to 0'
        yield refusals.invalid('spec.replicas', spec['replicas'], detail)
    claims = trees.items(spec, 'volumeClaimTemplates')
    more = frozenset(str(trees.dig(claim, 'metadata', 'name')) for claim in claims)
    yield from _template(trees.branch(spec, 'template'), selector, more)


def _template(
    template: trees.Tree, selector: trees.Tree | None, more_volumes: frozenset[str]
) -> _Problems:
    found = trees.dig(template, 'metadata', 'labels')
    if selector is None or not selectors.matches(selector, found or {}):
        detail = '`selector` does not match template `labels`'
        yield refusals.invalid('spec.template.metadata.labels', found, detail)
    yield from _labels(found or {}, 'spec.template.labels')
    yield from podrules.check(trees.branch(template, 'spec'), 'spec.template.spec', more_volumes)
    policy = trees.dig(template, 'spec', 'restartPolicy')
    if policy != 'Always':
        field = 'spec.template.spec.restartPolicy'
        yield refusals.unsupported(field, policy, ['Always'])


def _pod(obj: trees.Tree) -> _Problems:
    yield from podrules.check(trees.branch(obj, 'spec'), 'spec')


def _job(obj: trees.Tree) -> _Problems:
    template = trees.branch(obj, 'spec', 'template')
    yield from podrules.check(trees.branch(template, 'spec'), 'spec.template.spec')
    if trees.dig(template, 'spec', 'restartPolicy') == 'Always':
        field = 'spec.template.spec.restartPolicy'
        yield refusals.required(field, 'valid values: "OnFailure", "Never"')


def _claim(obj: trees.Tree) -> _Problems:
    spec = trees.branch(obj, 'spec')
    yield from _access_modes(spec, 'at least 1 access mode is required')
    storage = trees.dig(spec, 'resources', 'requests', 'storage')
    field = 'spec.resources[storage]'
    if storage is None:
        yield refusals.required(field)
    elif quantities.value(storage) <= 0:
        yield refusals.invalid(field, storage, 'must be greater than zero')


def _access_modes(spec: trees.Tree, detail: str) -> _Problems:
    modes = trees.items(spec, 'accessModes')
    if not modes:
        yield refusals.required('spec.accessModes', detail)
    for mode in modes:
        if mode not in _ACCESS_MODES:
            yield refusals.unsupported('spec.accessModes', mode, _ACCESS_MODES)


def _persistent_volume(obj: trees.Tree) -> _Problems:
    spec = trees.branch(obj, 'spec')
    yield from _access_modes(spec, '')
    capacity = trees.branch(spec, 'capacity')
    if not capacity:
        yield refusals.required('spec.capacity')
    if capacity.keys() != {'storage'}:
        yield refusals.unsupported('spec.capacity', capacity or None, ['storage'])
    sources = podrules.in_order(volume_source(spec))
    if not sources:
        yield refusals.required('spec', 'must specify a volume type')
    for extra in sources[1:]:
        detail = 'may not specify more than 1 volume type'
        yield refusals.forbidden(f'spec.{extra}', detail)


def _storage_class(obj: trees.Tree) -> _Problems:
    if not obj.get('provisioner'):
        yield refusals.required('provisioner')


def _service(obj: trees.Tree) -> _Problems:
    spec = trees.branch(obj, 'spec')
    ports = trees.items(spec, 'ports')
    headless = spec.get('clusterIP') == 'None'
    if not ports and not headless and spec.get('type') != 'ExternalName':
        yield refusals.required('spec.ports')
    seen_names: set[str] = set()
    seen_ports: set[tuple[int, str]] = set()
    for index, port in enumerate(ports):
        yield from _service_port(port, f'spec.ports[{index}]', named=len(ports) > 1)
        name, number = port.get('name'), (port.get('port'), port.get('protocol'))
        if name and name in seen_names:
            yield refusals.duplicate(f'spec.ports[{index}].name', name)
        if number in seen_ports:
            value = {'port': number[0], 'protocol': number[1]}
            yield refusals.duplicate(f'spec.ports[{index}]', value)
        seen_names.add(name)
        seen_ports.add(number)


def _service_port(port: trees.Tree, path: str, *, named: bool) -> _Problems:
    if named and not port.get('name'):
        yield refusals.required(f'{path}.name')
    number = port.get('port', 0)
    if not 0 < number < 65536:
        detail = 'must be between 1 and 65535, inclusive'
        yield refusals.invalid(f'{path}.port', number, detail)


def _event(obj: trees.Tree) -> _Problems:
    involved = trees.branch(obj, 'involvedObject').get('namespace', '')
    namespace = trees.dig(obj, 'metadata', 'namespace')
    if involved and involved != namespace:
        detail = 'does not match event.namespace'
        yield refusals.invalid('involvedObject.namespace', involved, detail)


_RULES: dict[str, Callable[[trees.Tree], _Problems]] = {
    'StatefulSet': _stateful_set,
    'Pod': _pod,
    'Job': _job,
    'PersistentVolumeClaim': _claim,
    'PersistentVolume': _persistent_volume,
    'StorageClass': _storage_class,
    'Service': _service,
    'Event': _event,
}
