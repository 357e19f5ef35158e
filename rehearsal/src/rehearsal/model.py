# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a Juju controller knows of a model: applications, units, relations, actions.

Nothing here decides or runs anything. What a unit's agent has *seen* so far is kept beside what
*is*, because every hook follows from the difference between the two.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import pathlib
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import ops
import yaml
from ops import testing

from .outcomes import HookError as HookError
from .outcomes import HookRun as HookRun
from .outcomes import Outcome as Outcome
from .outcomes import RoundCost as RoundCost
from .outcomes import Settled as Settled
from .secrets import SecretStore

if typing.TYPE_CHECKING:
    from .pods import Pod


class Life(enum.Enum):
    """How far an entity is from being gone."""

    ALIVE = 'alive'
    DYING = 'dying'
    DEAD = 'dead'


class Role(enum.Enum):
    """What an endpoint does in its relations."""

    PROVIDES = 'provides'
    REQUIRES = 'requires'
    PEERS = 'peers'


@dataclasses.dataclass(frozen=True)
class Status:
    """A status as Juju keeps it: one of its words and a free message."""

    name: str
    message: str = ''


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A relation endpoint that a charm declares; ``limit`` is None when there is none."""

    name: str
    role: Role
    interface: str
    limit: int | None = None
    optional: bool = True


@dataclasses.dataclass(frozen=True)
class Charm:
    """A charm: its folder, its ``charmcraft.yaml`` and its class."""

    name: str
    root: pathlib.Path
    metadata: Mapping[str, Any]
    charm_type: type[ops.CharmBase]

    def section(self, *keys: str) -> Mapping[str, Any]:
        """Return a map of the metadata; empty where the charm has none."""
        body: Any = self.metadata
        for key in keys:
            body = body.get(key) or {}
        return body

    def _named(self, section: str) -> Mapping[str, Mapping[str, Any]]:
        return {name: body or {} for name, body in self.section(section).items()}

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """Every endpoint by name, in the order of the metadata."""
        return {each.name: each for role in Role for each in self._declared(role)}

    def _declared(self, role: Role) -> Iterator[Endpoint]:
        for name, body in self._named(role.value).items():
            yield Endpoint(
                name=name,
                role=role,
                interface=body['interface'],
                limit=body.get('limit'),
                optional=body.get('optional', True),
            )

    @property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Config options by name: ``type``, ``default``, ``description``."""
        return self.section('config', 'options')

    @property
    def actions(self) -> Mapping[str, Mapping[str, Any]]:
        """Actions by name."""
        return self._named('actions')

    @property
    def containers(self) -> Mapping[str, Mapping[str, Any]]:
        """Workload containers by name."""
        return self._named('containers')

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Resources by name."""
        return self._named('resources')

    @property
    def storage(self) -> Mapping[str, Mapping[str, Any]]:
        """Storage that Juju provides, by name."""
        return self._named('storage')

    @functools.cached_property
    def files(self) -> Mapping[str, str]:
        """The files that charmcraft parts the metadata into, by name; kept, as YAML is slow."""
        own = ('config', 'actions')
        parts = {
            'metadata': {k: v for k, v in self.metadata.items() if k not in own},
            **{name: dict(self.section(name)) for name in own},
        }
        return {f'{name}.yaml': yaml.safe_dump(content) for name, content in parts.items()}

    @functools.cached_property
    def meta(self) -> ops.CharmMeta:
        """The metadata as ops reads it from these files; kept, as nobody changes it."""
        texts = (self.files[f'{name}.yaml'] for name in ('metadata', 'actions', 'config'))
        return ops.CharmMeta.from_yaml(*texts)


@dataclasses.dataclass
class Databag:
    """Relation settings of one application or unit.

    Attributes:
        content: What was committed last.
        version: Goes up with each commit that changed something; 0 means never written.
    """

    content: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    version: int = 0

    def commit(self, content: Mapping[str, str]) -> bool:
        """Store new content and tell whether it differs from the old."""
        if dict(content) == self.content:
            return False
        self.content = dict(content)
        self.version += 1
        return True


@dataclasses.dataclass(frozen=True)
class EndpointRef:
    """One side of a relation."""

    application: str
    endpoint: str

    def __str__(self) -> str:
        return f'{self.application}:{self.endpoint}'


@dataclasses.dataclass
class Relation:
    """A relation; a peer relation has the same provider and requirer.

    Attributes:
        scope: Units that take part, so that the other side can see them.
    """

    id: int
    provider: EndpointRef
    requirer: EndpointRef
    interface: str
    life: Life = Life.ALIVE
    databags: dict[str, Databag] = dataclasses.field(default_factory=dict[str, Databag])
    scope: set[str] = dataclasses.field(default_factory=set[str])

    @property
    def is_peer(self) -> bool:
        """Whether this relates an application with itself."""
        return self.provider == self.requirer

    @property
    def key(self) -> str:
        """Juju's name of the relation: the requirer first, or the one peer endpoint."""
        return str(self.provider) if self.is_peer else f'{self.requirer} {self.provider}'

    @property
    def applications(self) -> set[str]:
        """Names of the applications on its sides."""
        return {self.provider.application, self.requirer.application}

    def involves(self, application: str) -> bool:
        """Tell whether the application is on either side."""
        return application in (self.provider.application, self.requirer.application)

    def local(self, application: str) -> EndpointRef:
        """Return the side of the given application."""
        return self.provider if self.provider.application == application else self.requirer

    def remote(self, application: str) -> EndpointRef:
        """Return the other side of the given application; its own side for a peer relation."""
        return self.requirer if self.provider.application == application else self.provider

    def bag(self, name: str) -> Databag:
        """Return the settings of an application or unit."""
        return self.databags.setdefault(name, Databag())


@dataclasses.dataclass
class RelationMemory:
    """What one unit's agent knows of one relation.

    Attributes:
        created: Its relation-created has run.
        members: Remote units that have joined, with the version of their settings last shown.
        application: Version of the remote application's settings last shown.
    """

    created: bool = False
    members: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    application: int = 0


@dataclasses.dataclass(frozen=True)
class Hook:
    """A hook that an agent runs, with all that tells it from others of its kind.

    Attributes:
        name: As in ``JUJU_HOOK_NAME``, such as ``plex-pebble-ready``.
        kind: The part after the name of what it is about, such as ``pebble-ready``.
        subject: The endpoint, container, storage or secret it is about.
        relation: The relation's id.
        remote_unit: The remote unit of joined, changed (None for settings of the application) and
            departed.
        departing: The unit that goes, in departed.
        revision: Of a secret.
        check: Name of a Pebble check.
    """

    name: str
    kind: str
    subject: str = ''
    relation: int | None = None
    remote_unit: str | None = None
    departing: str | None = None
    revision: int | None = None
    check: str | None = None


@dataclasses.dataclass
class Memory:
    """What a unit's agent remembers. The controller keeps it, so it outlives pods.

    Attributes:
        queued: Hooks that must come next and before all else, in this order.
        leader: This unit has accepted leadership.
        config: Digest of what the last config-changed saw.
        interrupted: The hook that the last pod died in; the next pod begins with it.
        storage: Storage ids (``config/0``) whose storage-attached has run.
    """

    installed: bool = False
    started: bool = False
    stopped: bool = False
    removed: bool = False
    leader: bool = False
    config: str | None = None
    queued: list[Hook] = dataclasses.field(default_factory=list[Hook])
    interrupted: Hook | None = None
    relations: dict[int, RelationMemory] = dataclasses.field(
        default_factory=dict[int, RelationMemory]
    )
    storage: set[str] = dataclasses.field(default_factory=set[str])
    ports: frozenset[testing.Port] = frozenset()


@dataclasses.dataclass(frozen=True)
class StorageInstance:
    """Storage of a unit, such as ``config/0``, and the claim behind it."""

    id: str
    name: str
    claim: str
    location: str


@dataclasses.dataclass
class Failure:
    """A hook that failed and waits to be run again."""

    hook: Hook
    attempts: int = 1


@dataclasses.dataclass
class Unit:
    """A unit of an application.

    Attributes:
        application: Name of its application.
        leader: Juju's answer to who leads; the agent may not have acted on it yet.
        workload: Status that the charm set.
        agent: Status of the unit agent.
        cloud: What Kubernetes says of a pod that cannot run, None while it can.
        failure: The hook in error, None when there is none.
        pod: Where it runs; None while there is none.
    """

    application: str
    number: int
    life: Life = Life.ALIVE
    leader: bool = False
    workload: Status = Status('waiting', 'installing agent')
    agent: Status = Status('allocating')
    cloud: Status | None = None
    workload_version: str = ''
    address: str = ''
    memory: Memory = dataclasses.field(default_factory=Memory)
    storage: dict[str, StorageInstance] = dataclasses.field(
        default_factory=dict[str, StorageInstance]
    )
    failure: Failure | None = None
    pod: Pod | None = None

    @property
    def name(self) -> str:
        """Juju's name, such as ``plex/0``."""
        return f'{self.application}/{self.number}'

    @property
    def status(self) -> Status:
        """The workload status that ``juju status`` shows.

        A hook in error hides what the charm set, and so does a pod that cannot run.
        """
        if self.agent.name == 'error':
            return self.agent
        return self.cloud or self.workload

    @property
    def opened_ports(self) -> tuple[str, ...]:
        """Open ports as ``juju status`` writes them, in order."""
        ports = sorted(self.memory.ports, key=lambda each: (each.port or 0, each.protocol))
        return tuple(f'{port.port}/{port.protocol}' for port in ports)


_SEVERITY = ('error', 'blocked', 'waiting', 'maintenance', 'active', 'terminated', 'unknown')
"""Juju's order of statuses for an application that has set none (core/status)."""


@dataclasses.dataclass
class Application:
    """An application.

    Attributes:
        scale: How many units the operator wants.
        config: Options the operator has set, typed; defaults are the charm's.
        resources: Image of each resource.
        storage: Storage directives such as ``10G``, by name of the storage.
        own_status: Status the leader set for the application, None when it set none.
        rollouts: How often Kubernetes has replaced its pods; the first pods do not count.
        uuid: The part of claim names that a fresh deployment draws anew.
        destroy_storage: Its claims go with it.
    """

    name: str
    charm: Charm
    scale: int
    uuid: str
    trust: bool = False
    config: dict[str, str | int | float | bool] = dataclasses.field(
        default_factory=dict[str, str | int | float | bool]
    )
    resources: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    storage: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    own_status: Status | None = None
    units: list[Unit] = dataclasses.field(default_factory=list[Unit])
    exposed: bool = False
    revision: int = 0
    life: Life = Life.ALIVE
    address: str = ''
    rollouts: int = 0
    destroy_storage: bool = False

    @property
    def status(self) -> Status:
        """The status the leader set, else the worst of the units'."""
        if self.own_status is not None:
            return self.own_status
        worst = sorted(
            (unit.status for unit in self.units), key=lambda each: _SEVERITY.index(each.name)
        )
        return worst[0] if worst else Status('unknown')

    @property
    def version(self) -> str:
        """The workload version that a unit reported last."""
        return next((unit.workload_version for unit in self.units if unit.workload_version), '')

    @property
    def leader(self) -> Unit | None:
        """The unit that leads, if any does."""
        return next((unit for unit in self.units if unit.leader), None)


class ActionStatus(enum.Enum):
    """How far an action is."""

    PENDING = 'pending'
    COMPLETED = 'completed'
    FAILED = 'failed'


@dataclasses.dataclass
class ActionRun:
    """An action on a unit.

    Attributes:
        id: The task's number; its operation's is one less.
        results: What the charm answered, nested as it set it.
        log: Progress lines.
        message: Why it failed, empty when it did not.
        return_code: Exit status of the charm; 1 when the charm raised.
    """

    id: int
    unit: str
    name: str
    params: dict[str, Any]
    status: ActionStatus = ActionStatus.PENDING
    results: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    log: list[str] = dataclasses.field(default_factory=list[str])
    message: str = ''
    return_code: int = 0


@dataclasses.dataclass
class JujuModel:
    """A Juju model.

    Attributes:
        changes: Goes up with everything that is committed: settings, secrets, ports, statuses.
        databag_writes: How many of these changed a databag.
    """

    name: str
    uuid: str
    juju_version: str
    applications: dict[str, Application] = dataclasses.field(
        default_factory=dict[str, Application]
    )
    relations: list[Relation] = dataclasses.field(default_factory=list[Relation])
    secrets: SecretStore = dataclasses.field(default_factory=SecretStore)
    actions: list[ActionRun] = dataclasses.field(default_factory=list[ActionRun])
    changes: int = 0
    databag_writes: int = 0
    _relations_of: dict[str, list[Relation]] = dataclasses.field(
        default_factory=dict[str, list[Relation]]
    )

    def relate(self, relation: Relation) -> None:
        """Add a relation."""
        self.relations.append(relation)
        for name in relation.applications:
            self._relations_of.setdefault(name, []).append(relation)

    def unrelate(self, relation: Relation) -> None:
        """Take a relation away."""
        self.relations.remove(relation)
        for name in relation.applications:
            self._relations_of[name].remove(relation)

    def units(self) -> Iterator[Unit]:
        """Yield every unit, in order of applications and numbers."""
        for application in self.applications.values():
            yield from application.units

    def relation(self, number: int) -> Relation | None:
        """Return a relation by id, None when it is gone."""
        return next((each for each in self.relations if each.id == number), None)

    def of(self, application: str) -> list[Relation]:
        """Return the relations of an application, oldest first."""
        return list(self._relations_of.get(application, ()))
