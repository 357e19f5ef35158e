# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The state of a model as ``juju status`` words it, in rows and for programs."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from . import engine, model, tables, tabular

CONTROLLER = 'rehearsal'
CLOUD = 'embedded/localhost'
_AVAILABLE = ('idle', 'executing')
"""Agent statuses of a unit that counts as being there."""


def snapshot(
    rehearsal: engine.Rehearsal,
    applications: Collection[str] = (),
    *,
    now: datetime.datetime | None = None,
) -> tabular.Status:
    """Take down the state of a model.

    Args:
        rehearsal: The model.
        applications: Only these and what touches them; all when empty.
        now: Moment to put on it; by default the present.
    """
    shown = [
        application
        for name, application in rehearsal.applications.items()
        if not applications or name in applications
    ]
    units = [unit for application in shown for unit in application.units]
    relations = [each for each in rehearsal.relations if _touches(each, applications)]
    return tabular.Status(
        model=_model(rehearsal, now or datetime.datetime.now(datetime.UTC)),
        applications=[_application(each) for each in shown],
        units=[_unit(unit) for unit in units],
        relations=[_relation(each) for each in relations],
        storage=[row for application in shown for row in _storage(rehearsal, application)],
    )


def _touches(relation: model.Relation, applications: Collection[str]) -> bool:
    return not applications or any(relation.involves(name) for name in applications)


def _model(rehearsal: engine.Rehearsal, now: datetime.datetime) -> tabular.ModelRow:
    version = rehearsal.juju_version
    return tabular.ModelRow(
        name=rehearsal.model,
        controller=CONTROLLER,
        cloud=CLOUD,
        version=version,
        sla='unsupported' if int(version.partition('.')[0]) < 4 else None,
        timestamp=now.astimezone(datetime.UTC).strftime('%H:%M:%SZ'),
    )


def _application(application: model.Application) -> tabular.AppRow:
    status = application.status
    return tabular.AppRow(
        name=application.name,
        version=application.version,
        status=status.name,
        have=sum(unit.agent.name in _AVAILABLE for unit in application.units),
        want=application.scale,
        charm=application.charm.name,
        channel='',
        revision=application.revision,
        address=application.address,
        exposed=application.exposed,
        message=status.message,
    )


def _unit(unit: model.Unit) -> tabular.UnitRow:
    workload = shown_workload(unit)
    return tabular.UnitRow(
        name=unit.name,
        leader=unit.leader,
        workload=workload.name,
        agent=unit.agent.name,
        address=unit.address,
        ports=','.join(unit.opened_ports),
        message=workload.message,
        doing=_doing(unit.agent),
    )


def shown_workload(unit: model.Unit) -> model.Status:
    """Return the status shown for a unit: a failed hook hides what the charm set."""
    if unit.agent.name == 'error':
        return unit.agent
    return unit.workload


def _doing(agent: model.Status) -> str:
    """Return the hook or action a unit runs, from the agent's message as Juju does."""
    if agent.name != 'executing':
        return ''
    found = re.fullmatch(r'running (?:action )?(.+?)(?: hook)?', agent.message)
    return found[1] if found else ''


def _relation(relation: model.Relation) -> tabular.RelationRow:
    return tabular.RelationRow(
        provider=str(relation.provider),
        requirer=str(relation.requirer),
        interface=relation.interface,
        kind='peer' if relation.is_peer else 'regular',
    )


def _storage(
    rehearsal: engine.Rehearsal, application: model.Application
) -> Iterator[tabular.StorageRow]:
    for unit in application.units:
        for instance in unit.storage.values():
            attached = instance.id in unit.memory.storage
            yield tabular.StorageRow(
                unit=unit.name,
                name=instance.id,
                kind='filesystem',
                pool='kubernetes',
                mountpoint=instance.location,
                size=_size(rehearsal, instance.claim),
                status='attached' if attached else 'pending',
                message=instance.claim,
            )


def _size(rehearsal: engine.Rehearsal, claim: str) -> str:
    """Return the size of the volume behind a claim, empty while there is none."""
    found = rehearsal.cluster.peek('PersistentVolumeClaim', claim, rehearsal.model)
    bound: Mapping[str, Any] = (found or {}).get('status') or {}
    capacity: Mapping[str, str] = bound.get('capacity') or {}
    return capacity.get('storage', '')


def document(
    rehearsal: engine.Rehearsal,
    applications: Collection[str] = (),
    *,
    now: datetime.datetime | None = None,
) -> dict[str, Any]:
    """Return the state of a model as ``juju status --format json`` shapes it.

    Keys and values are Juju's; keys about what a rehearsal does not have are left out.

    Args:
        rehearsal: The model.
        applications: As for :func:`snapshot`.
        now: As for :func:`snapshot`.
    """
    taken = snapshot(rehearsal, applications, now=now)
    cloud, _, region = taken.model.cloud.partition('/')
    return {
        'model': {
            'name': taken.model.name,
            'type': 'caas',
            'controller': taken.model.controller,
            'cloud': cloud,
            'region': region,
            'version': taken.model.version,
            'model-status': {'current': 'available'},
            **({'sla': taken.model.sla} if taken.model.sla else {}),
        },
        'machines': {},
        'applications': {
            name: _application_document(rehearsal, rehearsal.applications[name])
            for name in sorted((row.name for row in taken.applications), key=tables.natural)
        },
        'storage': _storage_document(taken),
        'controller': {'timestamp': taken.model.timestamp},
    }


def _application_document(
    rehearsal: engine.Rehearsal, application: model.Application
) -> dict[str, Any]:
    shown = {
        'charm': application.charm.name,
        'charm-origin': 'local',
        'charm-name': application.charm.name,
        'charm-rev': application.revision,
        'scale': application.scale,
        'address': application.address,
        'exposed': application.exposed,
        'life': '' if application.life is model.Life.ALIVE else application.life.value,
        'application-status': _status_document(application.status),
        'relations': _relations_document(rehearsal, application),
        'units': {
            unit.name: _unit_document(unit)
            for unit in sorted(application.units, key=lambda unit: unit.number)
        },
        'version': application.version,
    }
    optional = ('address', 'life', 'relations', 'units', 'version')
    return {key: value for key, value in shown.items() if value or key not in optional}


def _status_document(status: model.Status) -> dict[str, str]:
    message = {'message': status.message} if status.message else {}
    return {'current': status.name, **message}


def _relations_document(
    rehearsal: engine.Rehearsal, application: model.Application
) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for relation in rehearsal.relations:
        if relation.involves(application.name):
            entry = {
                'related-application': relation.remote(application.name).application,
                'interface': relation.interface,
                'scope': 'global',
            }
            found.setdefault(relation.local(application.name).endpoint, []).append(entry)
    return found


def _unit_document(unit: model.Unit) -> dict[str, Any]:
    shown = {
        'workload-status': _status_document(shown_workload(unit)),
        'juju-status': _status_document(unit.agent),
        'leader': unit.leader,
        'open-ports': list(unit.opened_ports),
        'address': unit.address,
        'provider-id': unit.name.replace('/', '-') if unit.pod is not None else '',
    }
    return {key: value for key, value in shown.items() if value}


def _storage_document(taken: tabular.Status) -> dict[str, Any]:
    filesystems = {
        row.name: {
            'mountpoint': row.mountpoint,
            'pool': row.pool,
            'size': row.size,
            'status': {'current': row.status},
            'attachments': {'units': {row.unit: {'life': 'alive'}}},
        }
        for row in taken.storage
    }
    return {'filesystems': filesystems} if filesystems else {}
