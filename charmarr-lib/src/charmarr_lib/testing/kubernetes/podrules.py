# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server requires of a pod spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any

from . import names, quantities, refusals, trees

_CONTAINERS = ('containers', 'initContainers')
_SOURCES = (
    'emptyDir',
    'hostPath',
    'secret',
    'nfs',
    'persistentVolumeClaim',
    'configMap',
    'projected',
    'local',
    'csi',
)


def check(
    spec: trees.Tree, path: str, more_volumes: Set[str] = frozenset()
) -> Iterator[refusals.Problem]:
    """Everything wrong with a pod spec.

    Args:
        spec: the pod spec, with defaults.
        path: where it is in the object.
        more_volumes: volumes that exist without being in the spec, as claim templates do.
    """
    volumes = trees.items(spec, 'volumes')
    # The server puts those from elsewhere before the spec's own, and counts them all.
    first = len(more_volumes)
    yield from _named(volumes, f'{path}.volumes', first=first)
    known = set[Any](more_volumes)
    for index, volume in enumerate(volumes, first):
        problems = list(_volume(volume, f'{path}.volumes[{index}]'))
        yield from problems
        if not problems:
            known.add(volume.get('name'))
    containers = trees.items(spec, 'containers')
    if not containers:
        yield refusals.required(f'{path}.containers')
    yield from _container_names(spec, path)
    for field in _CONTAINERS:
        for index, container in enumerate(trees.items(spec, field)):
            yield from _container(container, f'{path}.{field}[{index}]', known)


def _container_names(spec: trees.Tree, path: str) -> Iterator[refusals.Problem]:
    # Names are unique over both lists.
    seen: set[Any] = set()
    for field in _CONTAINERS:
        yield from _named(trees.items(spec, field), f'{path}.{field}', seen)


def _named(
    items: list[Any], path: str, seen: set[Any] | None = None, *, first: int = 0
) -> Iterator[refusals.Problem]:
    seen = set() if seen is None else seen
    for index, item in enumerate(items, first):
        name = item.get('name')
        field = f'{path}[{index}].name'
        if not name:
            yield refusals.required(field)
            continue
        objection = names.label_objection(name)
        if objection:
            yield refusals.invalid(field, name, objection)
        if name in seen:
            yield refusals.duplicate(field, name)
        seen.add(name)


def in_order(sources: Iterable[str]) -> list[str]:
    """The kinds of place that a volume names, in the order in which the server looks at them."""
    last = len(_SOURCES)
    return sorted(sources, key=lambda key: _SOURCES.index(key) if key in _SOURCES else last)


def _volume(volume: trees.Tree, path: str) -> Iterator[refusals.Problem]:
    for extra in in_order(key for key in volume if key != 'name')[1:]:
        field = f'{path}.{extra}'
        yield refusals.forbidden(field, 'may not specify more than 1 volume type')
    claim = trees.dig(volume, 'persistentVolumeClaim')
    if claim is not None and not trees.dig(claim, 'claimName'):
        yield refusals.required(f'{path}.persistentVolumeClaim.claimName')
    host = trees.dig(volume, 'hostPath')
    if host is not None and not trees.dig(host, 'path'):
        yield refusals.required(f'{path}.hostPath.path')


def _container(container: trees.Tree, path: str, volumes: Set[Any]) -> Iterator[refusals.Problem]:
    if not container.get('image'):
        yield refusals.required(f'{path}.image')
    mounts = trees.items(container, 'volumeMounts')
    seen: set[Any] = set()
    for index, mount in enumerate(mounts):
        yield from _mount(mount, f'{path}.volumeMounts[{index}]', volumes, seen)
        seen.add(mount.get('mountPath'))
    for index, variable in enumerate(trees.items(container, 'env')):
        if not variable.get('name'):
            yield refusals.required(f'{path}.env[{index}].name')
    yield from _ports(trees.items(container, 'ports'), f'{path}.ports')
    yield from _limits(trees.branch(container, 'resources'), f'{path}.resources')


def _mount(
    mount: trees.Tree, path: str, volumes: Set[Any], seen: Set[Any]
) -> Iterator[refusals.Problem]:
    name, place = mount.get('name'), mount.get('mountPath')
    if not name:
        yield refusals.required(f'{path}.name')
    if name not in volumes:
        yield refusals.missing(f'{path}.name', name or '')
    if not place:
        yield refusals.required(f'{path}.mountPath')
    elif place in seen:
        yield refusals.invalid(f'{path}.mountPath', place, 'must be unique')


def _ports(ports: list[Any], path: str) -> Iterator[refusals.Problem]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        number, name = port.get('containerPort'), port.get('name')
        if not number:
            yield refusals.required(f'{path}[{index}].containerPort')
        elif not 0 < number < 65536:
            detail = 'must be between 1 and 65535, inclusive'
            yield refusals.invalid(f'{path}[{index}].containerPort', number, detail)
        if name in seen:
            yield refusals.duplicate(f'{path}[{index}].name', name)
        if name:
            seen.add(name)


def _limits(resources: trees.Tree, path: str) -> Iterator[refusals.Problem]:
    """A limit bounds the request; extended resources, such as GPUs, are not overcommitted."""
    limits, requests = trees.branch(resources, 'limits'), trees.branch(resources, 'requests')
    for name, amount in limits.items():
        asked = requests.get(name, amount)
        if '/' in name and asked != amount:
            detail = f'must be equal to {name} limit of {amount}'
            yield refusals.invalid(f'{path}.requests', asked, detail)
        elif quantities.value(asked) > quantities.value(amount):
            detail = f'must be less than or equal to {name} limit of {amount}'
            yield refusals.invalid(f'{path}.requests', asked, detail)
    for name in requests:
        if '/' in name and name not in limits:
            detail = 'Limit must be set for non overcommitable resources'
            yield refusals.required(f'{path}.limits', detail)
