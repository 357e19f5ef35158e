# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What ``juju status`` prints, from rows of plain text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from . import tables

VERSION_WIDTH = 30
"""Longest workload version that is shown whole."""


@dataclasses.dataclass(frozen=True)
class ModelRow:
    """The model. ``sla`` is None for a Juju that has no such column (4.0)."""

    name: str
    controller: str
    cloud: str
    version: str
    sla: str | None
    timestamp: str


@dataclasses.dataclass(frozen=True)
class AppRow:
    """An application; ``have`` counts its units, ``want`` is its scale."""

    name: str
    version: str
    status: str
    have: int
    want: int
    charm: str
    channel: str
    revision: int
    address: str
    exposed: bool
    message: str


@dataclasses.dataclass(frozen=True)
class UnitRow:
    """A unit; ``doing`` is the hook or action it runs, empty when it runs none."""

    name: str
    leader: bool
    workload: str
    agent: str
    address: str
    ports: str
    message: str
    doing: str = ''


@dataclasses.dataclass(frozen=True)
class RelationRow:
    """A relation between two endpoints, written ``application:endpoint``."""

    provider: str
    requirer: str
    interface: str
    kind: str
    message: str = ''


@dataclasses.dataclass(frozen=True)
class StorageRow:
    """A storage instance of a unit."""

    unit: str
    name: str
    kind: str
    pool: str
    mountpoint: str
    size: str
    status: str
    message: str = ''


@dataclasses.dataclass(frozen=True)
class Status:
    """Everything ``juju status`` can show of a model."""

    model: ModelRow
    applications: Sequence[AppRow] = ()
    units: Sequence[UnitRow] = ()
    relations: Sequence[RelationRow] = ()
    storage: Sequence[StorageRow] = ()


def render(status: Status, *, relations: bool = False, storage: bool = False) -> str:
    """Return the text ``juju status`` prints, sections parted by an empty line.

    Args:
        status: What to show.
        relations: Show the section of integrations (``--relations``).
        storage: Show the section of storage (``--storage``).
    """
    sections = [model_section(status.model)]
    if status.applications:
        sections.append(_applications(status.applications))
    if status.units:
        sections.append(_units(status.units))
    if relations and status.relations:
        sections.append(_relations(status.relations))
    if storage and status.storage:
        sections.append(_storage(status.storage))
    return '\n\n'.join('\n'.join(lines) for lines in sections)


def model_section(model: ModelRow) -> list[str]:
    """Return the two lines about the model."""
    cells = {
        'Model': model.name,
        'Controller': model.controller,
        'Cloud/Region': model.cloud,
        'Version': model.version,
        'SLA': model.sla,
        'Timestamp': model.timestamp,
    }
    shown = {name: cell for name, cell in cells.items() if cell is not None}
    return tables.table(list(shown), [list(shown.values())])


def _applications(rows: Iterable[AppRow]) -> list[str]:
    header = ('App', 'Version', 'Status', 'Scale', 'Charm')
    header += ('Channel', 'Rev', 'Address', 'Exposed', 'Message')
    cells = [_application(row) for row in sorted(rows, key=lambda row: tables.natural(row.name))]
    return tables.table(header, cells, right=('Scale', 'Rev'))


def _application(row: AppRow) -> list[str]:
    version = row.version
    if len(version) > VERSION_WIDTH:
        version = version[:VERSION_WIDTH] + '...'
    scale = str(row.want) if row.have == row.want else f'{row.have}/{row.want}'
    exposed = 'yes' if row.exposed else 'no'
    revision = str(row.revision)
    return [
        *(row.name, version, row.status, scale, row.charm, row.channel, revision),
        *(row.address, exposed, row.message),
    ]


def _units(rows: Iterable[UnitRow]) -> list[str]:
    header = ('Unit', 'Workload', 'Agent', 'Address', 'Ports', 'Message')
    ordered = sorted(rows, key=lambda row: tables.natural(row.name))
    return tables.table(header, [_unit(row) for row in ordered])


def _unit(row: UnitRow) -> list[str]:
    name = f'{row.name}*' if row.leader else row.name
    message = f'({row.doing}) {row.message}' if row.doing else row.message
    return [name, row.workload, row.agent, row.address, row.ports, message]


def _relations(rows: Iterable[RelationRow]) -> list[str]:
    header = ('Integration provider', 'Requirer', 'Interface', 'Type', 'Message')
    ordered = sorted(rows, key=lambda r: (tables.natural(r.provider), tables.natural(r.requirer)))
    return tables.table(
        header, [(r.provider, r.requirer, r.interface, r.kind, r.message) for r in ordered]
    )


def _storage(rows: Iterable[StorageRow]) -> list[str]:
    header = ('Storage Unit', 'Storage ID', 'Type', 'Pool', 'Mountpoint')
    header += ('Size', 'Status', 'Message')
    ordered = sorted(rows, key=lambda row: tables.natural(row.unit))
    return tables.table(
        header,
        [
            (r.unit, r.name, r.kind, r.pool, r.mountpoint, r.size, r.status, r.message)
            for r in ordered
        ],
    )
