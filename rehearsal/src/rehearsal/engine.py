# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The rehearsal itself: an operator's verbs, and running until nothing moves."""

from __future__ import annotations

import hashlib
import itertools
import pathlib
import re
import tempfile
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

import httpx2

from charmarr_lib.testing.kubernetes import KubernetesFake

from . import (
    accidents,
    catalogue,
    cluster,
    dispatch,
    endpoints,
    errors,
    folders,
    options,
    parameters,
    progress,
    provisioner,
    runner,
    scheduler,
)
from . import model as _model
from .dispatch import AgentKilled, PodKilled

__all__ = ['AgentKilled', 'PodKilled', 'Rehearsal']

Tamper = Callable[[_model.Unit, httpx2.BaseTransport], httpx2.BaseTransport]
"""Takes a unit and the network as its pod sees it, and returns what the charm shall see."""

_NAME = re.compile(r'[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*')


class Rehearsal:
    """A Juju model on an embedded Kubernetes, with the real code of charms.

    The verbs change what is wanted and return at once; :meth:`settle` lets the units' agents and
    the cluster's controllers run until nothing moves.

    Args:
        charms: What can be deployed.
        model: Name of the Juju model, which is the Kubernetes namespace too.
        juju_version: As charms see it.
        onlooker: Is told what happens while it happens.
        schedule: Decides where Juju promises no order.
        tamper: Stands between a unit's pod and the network.
        surround: Stands between a unit's charm and Pebble.

    Attributes:
        applications: Applications by name.
        relations: Relations, oldest first; peer relations among them.
        secrets: Secrets of charms and of the operator.
        cluster: The Kubernetes API.
        kubernetes: The cluster behind it: its controllers, pods, node and network.
        accidents: What can happen to it that no operator asks for.
    """

    def __init__(
        self,
        charms: catalogue.Catalogue,
        *,
        model: str = 'media',
        juju_version: str = '3.6.12',
        onlooker: progress.Progress | None = None,
        schedule: scheduler.Scheduler | None = None,
        tamper: Tamper | None = None,
        surround: dispatch.Surround | None = None,
    ) -> None:
        self._tamper = tamper
        self.catalogue = charms
        self._progress = onlooker or progress.Silence()
        self._juju = _model.JujuModel(model, _uuid(model), juju_version)
        self.applications = self._juju.applications
        self.relations = self._juju.relations
        self.secrets = self._juju.secrets
        self._relation_ids = itertools.count()
        self._uuids = itertools.count(1)
        self._task_ids = itertools.count(2, 2)
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix='rehearsal-'))
        self._delete = weakref.finalize(self, folders.remove, self._folder)
        self.cluster = KubernetesFake()
        self.kubernetes = cluster.Cluster(
            self.cluster,
            model,
            self._folder,
            program=charms.program,
            rollout=self._rollout,
        )
        self._workers = provisioner.Provisioner(self.cluster, self._juju)
        self._dispatcher = dispatch.Dispatcher(
            self._juju,
            transport=self._transport,
            folders=self.kubernetes.volumes.folder,
            unpacked=self._folder / 'charms',
            log=self._progress.log,
            pause=self._pause,
            surround=surround,
        )
        self._runner = runner.Runner(
            self._juju,
            self.kubernetes,
            self._workers,
            self._dispatcher,
            self._progress,
            schedule or scheduler.RoundRobin(),
        )
        self.accidents = accidents.Accidents(
            self._juju, self.kubernetes, self._workers, self._runner
        )

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all programs and delete the temporary folders: volumes, containers, charms."""
        self.kubernetes.close()
        self._dispatcher.close()
        self._delete()

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._juju.name

    @property
    def juju_version(self) -> str:
        """Version of Juju that charms see."""
        return self._juju.juju_version

    @property
    def history(self) -> list[_model.HookRun]:
        """Every hook and action that ran, oldest first."""
        return self._runner.history

    @property
    def errors(self) -> list[_model.HookError]:
        """Every hook and action that failed, oldest first."""
        return self._runner.errors

    @property
    def actions(self) -> list[_model.ActionRun]:
        """Every action that was started, oldest first."""
        return self._juju.actions

    def _transport(self, unit: _model.Unit) -> httpx2.BaseTransport:
        account = self._workers.account(unit.application)
        network = self.kubernetes.network.transport(unit.pod, account)
        return self._tamper(unit, network) if self._tamper else network

    def _pause(self, _: float) -> None:
        """Let an action that waits see what the cluster does meanwhile."""
        self.kubernetes.reconcile()

    def _rollout(self, application: str) -> None:
        self.applications[application].rollouts += 1
        self._progress.rollout(application)

    def deploy(
        self,
        charm: str,
        application: str | None = None,
        *,
        units: int = 1,
        trust: bool = False,
        config: Mapping[str, options.Value] | None = None,
        resources: Mapping[str, str] | None = None,
        storage: Mapping[str, str] | None = None,
    ) -> _model.Application:
        """Deploy a charm.

        Args:
            charm: Its name in the catalogue.
            application: Name of the application; the charm's when not given.
            units: How many.
            trust: As ``--trust``: the charm may do anything in the cluster.
            config: Options, typed or as text.
            resources: Image of each resource that shall not be the charm's own.
            storage: Size of each storage that shall not be 1G, such as ``10G``.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        name = application or charm
        loaded = self.catalogue.charm(charm)
        if not _NAME.fullmatch(name):
            raise errors.JujuError(f'invalid application name "{name}"')
        if name in self.applications:
            raise errors.JujuError(f'cannot add application "{name}": application already exists')
        if units < 0:
            raise errors.JujuError('scale must be a positive integer')
        deployed = _model.Application(
            name,
            loaded,
            scale=units,
            uuid=f'{next(self._uuids):08x}',
            trust=trust,
            config=options.parse(loaded, config or {}),
            resources={**_images(loaded), **_checked_resources(loaded, resources or {})},
            storage=_checked_storage(loaded, storage or {}),
            units=[_model.Unit(name, number) for number in range(units)],
        )
        self.applications[name] = deployed
        self._add_peers(deployed)
        self._workers.ensure(deployed)
        return deployed

    def _add_peers(self, application: _model.Application) -> None:
        for endpoint in application.charm.endpoints.values():
            if endpoint.role is _model.Role.PEERS:
                side = _model.EndpointRef(application.name, endpoint.name)
                self._add_relation(side, side, endpoint.interface)

    def _add_relation(
        self, provider: _model.EndpointRef, requirer: _model.EndpointRef, interface: str
    ) -> _model.Relation:
        number = next(self._relation_ids)
        relation = _model.Relation(number, provider, requirer, interface)
        self._juju.relate(relation)
        return relation

    def integrate(self, first: str, second: str) -> _model.Relation:
        """Relate two applications, each written ``plex`` or ``plex:media-storage``.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        provider, requirer = endpoints.match(self.applications, first, second)
        key = f'{requirer} {provider}'
        if any(each.key == key for each in self.relations):
            raise errors.JujuError(
                f'cannot add relation "{key}"\nrelation {key} (already exists): '
                "Use 'juju status --relations' to view the current relations."
            )
        for side in (requirer, provider):
            self._check_limit(key, side)
        interface = self._endpoint(provider).interface
        return self._add_relation(provider, requirer, interface)

    def _endpoint(self, side: _model.EndpointRef) -> _model.Endpoint:
        return self.applications[side.application].charm.endpoints[side.endpoint]

    def _check_limit(self, key: str, side: _model.EndpointRef) -> None:
        limit = self._endpoint(side).limit
        taken = sum(side in (each.provider, each.requirer) for each in self.relations)
        if limit is not None and taken >= limit:
            raise errors.JujuError(
                f'cannot add relation "{key}": establishing a new relation for {side} '
                f'would exceed its maximum relation limit of {limit}'
            )

    def remove_relation(self, first: str, second: str) -> None:
        """Remove the relation between two applications or endpoints.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        for text in (first, second):
            endpoints.application(self.applications, endpoints.split(text)[0])
        found = [
            each for each in self.relations if not each.is_peer and _named(each, first, second)
        ]
        if not found:
            raise errors.JujuError(f'relation matching "{first} {second}" not found (not found)')
        if len(found) > 1:
            keys = '; '.join(f'"{each.key}"' for each in found)
            raise errors.JujuError(f'ambiguous relation: "{first} {second}" could refer to {keys}')
        found[0].life = _model.Life.DYING

    def configure(self, application: str, settings: Mapping[str, options.Value]) -> list[str]:
        """Set options; ``trust`` is one of them.

        Returns:
            Juju's warnings about options that have the value already.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        target = endpoints.application(self.applications, application)
        rest = {name: value for name, value in settings.items() if name != 'trust'}
        parsed = options.parse(target.charm, rest)
        if 'trust' in settings:
            self.trust(application, remove=not options.boolean('trust', settings['trust']))
        warnings = [
            f'the configuration setting "{name}" already has the value "{value}"'
            for name, value in parsed.items()
            if target.config.get(name) == value
        ]
        target.config.update(parsed)
        return warnings

    def reset_config(self, application: str, names: Iterable[str]) -> None:
        """Set options back to the charm's defaults.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        target = endpoints.application(self.applications, application)
        wanted = list(names)
        for name in wanted:
            if name != 'trust':
                options.require(target.charm, name)
        for name in wanted:
            target.config.pop(name, None)
        if 'trust' in wanted:
            self.trust(application, remove=True)

    def trust(self, application: str, *, remove: bool = False) -> None:
        """Let an application's charm do anything in the cluster, or no longer.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        target = endpoints.application(self.applications, application)
        target.trust = not remove
        self._workers.ensure(target)

    def scale(self, application: str, units: int) -> None:
        """Set how many units an application has.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        target = endpoints.application(self.applications, application)
        if units < 0:
            raise errors.JujuError('scale must be a positive integer')
        target.scale = units
        for unit in target.units:
            if unit.number >= units:
                unit.life = _model.Life.DYING

    def refresh(self, application: str, *, resources: Mapping[str, str] | None = None) -> None:
        """Deploy the charm's next revision, and other images where given.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        target = endpoints.application(self.applications, application)
        target.resources.update(_checked_resources(target.charm, resources or {}))
        target.revision += 1
        self._workers.ensure(target)

    def remove_application(self, application: str, *, destroy_storage: bool = False) -> None:
        """Remove an application; its claims stay unless ``destroy_storage``.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        target = endpoints.application(self.applications, application)
        target.life = _model.Life.DYING
        target.destroy_storage = destroy_storage
        target.scale = 0
        for unit in target.units:
            unit.life = _model.Life.DYING
        for relation in self._juju.of(application):
            relation.life = _model.Life.DYING

    def add_secret(self, name: str, content: Mapping[str, str]) -> str:
        """Add a secret of the operator's and return its id (``secret:...``)."""
        return self.secrets.add(name, content).id

    def update_secret(self, name: str, content: Mapping[str, str]) -> None:
        """Give a secret, named by name or id, a new revision."""
        secret = self.secrets.named(name)
        if dict(content) != secret.revisions[secret.latest]:
            secret.revisions[secret.latest + 1] = dict(content)

    def grant_secret(self, name: str, application: str) -> None:
        """Let an application read a secret."""
        self._grants(name, application).add(application)

    def revoke_secret(self, name: str, application: str) -> None:
        """Let an application no longer read a secret."""
        self._grants(name, application).discard(application)

    def _grants(self, name: str, application: str) -> set[str]:
        secret = self.secrets.named(name)
        endpoints.application(self.applications, application)
        return secret.grants.setdefault(None, set())

    def remove_secret(self, name: str) -> None:
        """Remove a secret with all its revisions."""
        del self.secrets.secrets[self.secrets.named(name).id]

    def start_action(
        self, unit: str, action: str, params: Mapping[str, Any] | None = None
    ) -> _model.ActionRun:
        """Queue an action; it runs in the agent's next idle moment, within :meth:`settle`.

        Raises:
            errors.JujuError: if there is no such unit or action, or a parameter does not fit.
        """
        found = self._unit(unit)
        charm = self.applications[found.application].charm
        checked = parameters.complete(charm, unit, action, params or {})
        run = _model.ActionRun(next(self._task_ids), unit, action, checked)
        self._juju.actions.append(run)
        return run

    def _unit(self, name: str) -> _model.Unit:
        for unit in self._juju.units():
            if unit.name == name:
                return unit
        raise errors.JujuError(f'unit "{name}" not found')

    def resolved(self, unit: str) -> None:
        """Run the hook that failed again now.

        Raises:
            errors.JujuError: if the unit is not in error.
        """
        found = self._unit(unit)
        if found.failure is None:
            raise errors.JujuError(f'unit "{unit}" is not in an error state')
        found.failure.attempts = 0

    def settle(self, limit: int = 500) -> _model.Settled:
        """Run until nothing moves, or until ``limit`` hooks have run."""
        return self._runner.settle(limit)

    def advance(self) -> bool:
        """Let one hook or action run, or ten seconds pass; tell whether anything ran."""
        return self._runner.advance()


def _uuid(name: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))


def _images(charm: _model.Charm) -> dict[str, str]:
    return {
        name: each.get('upstream-source') or f'{charm.name}/{name}'
        for name, each in charm.resources.items()
    }


def _checked_resources(charm: _model.Charm, given: Mapping[str, str]) -> dict[str, str]:
    for name in given:
        if name not in charm.resources:
            raise errors.JujuError(f'unrecognized resource "{name}"')
    return dict(given)


def _checked_storage(charm: _model.Charm, given: Mapping[str, str]) -> dict[str, str]:
    for name in given:
        if name not in charm.storage:
            raise errors.JujuError(f'charm "{charm.name}" has no store called "{name}"')
    return {name: directive.rpartition(',')[2] for name, directive in given.items()}


def _named(relation: _model.Relation, first: str, second: str) -> bool:
    sides = (relation.provider, relation.requirer)
    return any(
        all(_is_side(text, side) for text, side in zip(texts, sides, strict=True))
        for texts in ((first, second), (second, first))
    )


def _is_side(text: str, side: _model.EndpointRef) -> bool:
    application, endpoint = endpoints.split(text)
    return application == side.application and endpoint in (None, side.endpoint)
