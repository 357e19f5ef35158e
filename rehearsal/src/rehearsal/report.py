# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a rehearsal prints at its end: Kubernetes objects, counts, and all of it for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import session, status, tables

FORMAT_VERSION = 1
"""Version of the JSON document. Adding keys keeps it; a changed or removed key raises it."""

KINDS = (
    'StatefulSet',
    'Pod',
    'Service',
    'PersistentVolumeClaim',
    'PersistentVolume',
    'Job',
)


def kubernetes_objects(at: session.Session) -> Iterator[dict[str, Any]]:
    """Yield the objects of the model's namespace and the cluster's volumes, by kind and name."""
    cluster = at.rehearsal.cluster
    for kind in KINDS:
        found = cluster.browse(kind)
        yield from sorted(found, key=lambda each: tables.natural(each['metadata']['name']))


def kubernetes_table(objects: Sequence[Mapping[str, Any]]) -> str:
    """Return the objects as a table of kind, name, status and what is notable about each."""
    rows = [
        (each['kind'], each['metadata']['name'], state(each), detail(each)) for each in objects
    ]
    return '\n'.join(tables.table(('Kubernetes object', 'Name', 'Status', 'Detail'), rows))


def state(each: Mapping[str, Any]) -> str:
    """Return an object's status in a word, empty when its kind has none."""
    stands: Mapping[str, Any] = each.get('status') or {}
    if each['kind'] == 'StatefulSet':
        return f'{stands.get("readyReplicas", 0)}/{each["spec"].get("replicas", 1)} ready'
    if each['kind'] == 'Job':
        return _job_state(stands)
    return str(stands.get('phase', ''))


def _job_state(stands: Mapping[str, Any]) -> str:
    for condition in stands.get('conditions') or ():
        if condition['status'] == 'True':
            return str(condition['type'])
    return 'Active'


def detail(each: Mapping[str, Any]) -> str:
    """Return what is notable about an object."""
    describe = {
        'StatefulSet': _overlay,
        'Service': _ports,
        'PersistentVolumeClaim': _claim,
        'PersistentVolume': _volume,
        'Pod': _node,
    }.get(each['kind'])
    return describe(each['spec']) if describe else ''


def _overlay(spec: Mapping[str, Any]) -> str:
    """Name what was added to the pods: Juju's own claims come from claim templates instead."""
    mounted = list(_mounted(spec['template']['spec']))
    return f'mounts {", ".join(mounted)}' if mounted else ''


def _mounted(pod: Mapping[str, Any]) -> Iterator[str]:
    volumes = {volume['name']: _source(volume) for volume in pod.get('volumes') or ()}
    for container in pod['containers']:
        for mount in container.get('volumeMounts') or ():
            if volumes.get(mount['name']):
                yield f'{volumes[mount["name"]]} at {mount["mountPath"]} in {container["name"]}'


def _source(volume: Mapping[str, Any]) -> str:
    """Return the claim or the node's folder behind a volume, empty for anything else."""
    claim: Mapping[str, str] = volume.get('persistentVolumeClaim') or {}
    folder: Mapping[str, str] = volume.get('hostPath') or {}
    return claim.get('claimName') or (f'node {folder["path"]}' if folder else '')


def _node(spec: Mapping[str, Any]) -> str:
    return f'on {spec["nodeName"]}' if spec.get('nodeName') else ''


def _ports(spec: Mapping[str, Any]) -> str:
    ports = spec.get('ports') or ()
    return ', '.join(f'{port["port"]}/{port.get("protocol", "TCP")}' for port in ports)


def _claim(spec: Mapping[str, Any]) -> str:
    size = spec.get('resources', {}).get('requests', {}).get('storage', '')
    return _joined(size, *spec.get('accessModes', ()), spec.get('storageClassName', ''))


def _volume(spec: Mapping[str, Any]) -> str:
    reference: Mapping[str, str] = spec.get('claimRef') or {}
    claim = reference.get('name')
    size = spec.get('capacity', {}).get('storage', '')
    return _joined(size, *spec.get('accessModes', ()), f'for {claim}' if claim else '')


def _joined(*parts: str) -> str:
    return ' '.join(part for part in parts if part)


def counts(at: session.Session) -> dict[str, Any]:
    """Return what the rehearsal has cost, for programs.

    ``api_reads`` and ``api_writes`` are requests of charms to the Kubernetes API; ``steady`` is
    the cost of one update-status on every unit once nothing moves; ``seconds`` is wall time.
    """
    totals = at.totals
    return {
        'hooks': totals.hooks,
        'api_reads': totals.reads,
        'api_writes': totals.writes,
        'rollouts': {name: count for name, count in sorted(totals.rollouts.items()) if count},
        'seconds': round(totals.seconds, 3),
        'steady': {
            'hooks': totals.quiet_round.hooks,
            'api_reads': totals.quiet_round.reads,
            'api_writes': totals.quiet_round.writes,
            'databag_writes': totals.quiet_round.databag_writes,
        },
    }


def counts_text(at: session.Session) -> str:
    """Return the counts as the sentences that end a rehearsal."""
    totals, steady = at.totals, at.totals.quiet_round
    rollouts = ', '.join(f'{name} {n}' for name, n in sorted(totals.rollouts.items()) if n)
    verdict = 'Not settled' if at.moving else 'Settled'
    return '\n'.join(
        (
            f'{verdict} in {totals.seconds:.1f} s: {totals.hooks} hooks, '
            f'{totals.reads} API reads, {totals.writes} API writes, '
            f'rollouts: {rollouts or "none"}.',
            f'Steady state, one update-status on each unit: {steady.hooks} hooks, '
            f'{steady.reads} API reads, {steady.writes} API writes, '
            f'{steady.databag_writes} databag writes.',
        )
    )


def document(at: session.Session, ran: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return everything about a rehearsal for programs.

    Args:
        at: The session.
        ran: What each command of a script printed.
    """
    return {
        'version': FORMAT_VERSION,
        'settled': not at.moving,
        'moving': list(at.moving),
        'errors': [
            {'unit': each.unit, 'hook': each.hook, 'traceback': each.traceback}
            for each in at.errors
        ],
        'commands': list(ran),
        'status': status.document(at.rehearsal),
        'kubernetes': [_summary(each) for each in kubernetes_objects(at)],
        'counts': counts(at),
    }


def _summary(each: Mapping[str, Any]) -> dict[str, Any]:
    summary = {
        'kind': each['kind'],
        'name': each['metadata']['name'],
        'namespace': each['metadata'].get('namespace'),
        'status': state(each),
        'detail': detail(each),
    }
    return {key: value for key, value in summary.items() if value}
