# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One run of a charm: what it sees, and what is kept of what it did.

Juju flushes settings, secrets, ports and stored state together, and only when the hook succeeds.
Statuses, the workload version and everything done to Kubernetes and Pebble are kept in any case.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import pathlib
import traceback
import typing
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import httpx2
from ops import testing
from scenario.errors import UncaughtCharmError

from charmarr_lib import http, waiting
from charmarr_lib.testing.pebble import PebbleFake, use_pebble

from . import charm_context, model

CharmContext = testing.Context[Any]


class PodKilled(BaseException):
    """The pod dies while its charm runs; a transport may raise it between two requests."""


class AgentKilled(BaseException):
    """The charm's container dies while its charm runs; the workload's containers go on."""


class LeadershipLost(Exception):
    """The unit wrote what only the leader may write, and leads no more when it commits."""


@dataclasses.dataclass(frozen=True)
class Ran:
    """How a run of a charm went.

    Attributes:
        changes: How much was committed.
        traceback: The charm's own, when it failed.
    """

    outcome: model.Outcome
    changes: int = 0
    traceback: str = ''


Run = Callable[[], Ran]

Surround = Callable[[model.Unit, PebbleFake, str], contextlib.AbstractContextManager[None]]
"""Surrounds each call of a unit to a container's Pebble, of which it gets the method's name."""


@dataclasses.dataclass(frozen=True)
class _Ended:
    """The end of a charm's process, before anything is committed; a message is action-fail's."""

    outcome: model.Outcome
    state: testing.State
    traceback: str = ''
    message: str | None = None


class MountedStorage(testing.Storage):
    """Storage whose folder is the claim's, so that it outlives pods."""

    def get_filesystem(self, ctx: CharmContext) -> pathlib.Path:
        """Return the claim's folder."""
        return self.__dict__['folder']


class Dispatcher:
    """Runs the code of charms.

    Args:
        juju: What they see and change.
        transport: Gives the network as a unit's pod sees it.
        folders: Gives the folder of this machine behind a claim.
        unpacked: Where charms are unpacked.
        log: Takes what charms write to Juju's log: unit, level, message.
        pause: Lets seconds pass while an action waits.
        surround: Stands between charms and Pebble.
    """

    def __init__(
        self,
        juju: model.JujuModel,
        *,
        transport: Callable[[model.Unit], httpx2.BaseTransport],
        folders: Callable[[str], pathlib.Path],
        unpacked: pathlib.Path,
        log: Callable[[str, str, str], None],
        pause: Callable[[float], None],
        surround: Surround | None = None,
    ) -> None:
        self._juju = juju
        self._pause = pause
        self._surround = surround
        self._transport = transport
        self._folders = folders
        self._unpacked = unpacked
        self._log = log
        self._contexts: dict[str, CharmContext] = {}

    def close(self) -> None:
        """Delete the temporary folders of the contexts."""
        for context in self._contexts.values():
            context.close()
        self._contexts.clear()

    def forget(self, unit: model.Unit) -> None:
        """Drop what is kept for a unit that is gone or whose charm changes."""
        context = self._contexts.pop(unit.name, None)
        if context is not None:
            context.close()

    def run_hook(self, unit: model.Unit, hook: model.Hook) -> Ran:
        """Run one hook and commit or discard what it did."""
        context = self._context(unit)
        state = self._state(unit, hook)
        event = _event(context, state, hook)
        return self._run(unit, context, event, state, changes=_corrections(hook))

    def run_action(self, unit: model.Unit, action: model.ActionRun) -> Ran:
        """Run an action, and write its results into ``action``."""
        context = self._context(unit)
        event = context.on.action(action.name, params=action.params, id=str(action.id))
        ran = self._run(unit, context, event, self._state(unit, None), action)
        action.log = list(context.action_logs)
        action.results = _nested(context.action_results or {})
        if ran.outcome is model.Outcome.FAILED:
            action.status, action.return_code = model.ActionStatus.FAILED, 1
        elif action.status is model.ActionStatus.PENDING:
            action.status = model.ActionStatus.COMPLETED
        return ran

    def _context(self, unit: model.Unit) -> CharmContext:
        application = self._juju.applications[unit.application]
        context = self._contexts.get(unit.name)
        if context is None:
            context = self._contexts[unit.name] = CharmContext(
                application.charm.charm_type,
                meta=dict(application.charm.metadata),
                app_name=application.name,
                unit_id=unit.number,
                juju_version=self._juju.juju_version,
            )
        context.app_trusted = application.trust
        return context

    def _run(
        self,
        unit: model.Unit,
        context: CharmContext,
        event: Any,
        state: testing.State,
        action: model.ActionRun | None = None,
        changes: Mapping[str, str] | None = None,
    ) -> Ran:
        with self._surroundings(unit, changes or {}):
            ended = _execute(context(event, state), state)
        kept = self._keep(unit, state, ended.state)
        self._drain_log(unit, context)
        if ended.outcome is model.Outcome.DONE:
            try:
                kept += self._commit(unit, state, ended.state, context)
            except LeadershipLost as error:
                failed = dataclasses.replace(ended, outcome=model.Outcome.FAILED)
                ended = dataclasses.replace(failed, traceback=f'{error}\n')
        context.removed_secret_revisions.clear()
        if action is not None and ended.message is not None:
            action.status, action.message = model.ActionStatus.FAILED, ended.message
        self._juju.changes += kept
        return Ran(ended.outcome, kept, ended.traceback)

    @contextlib.contextmanager
    def _surroundings(self, unit: model.Unit, changes: Mapping[str, str]) -> Generator[None]:
        fakes = unit.pod.containers if unit.pod else {}
        named: dict[str | tuple[str, str], PebbleFake] = {
            (unit.name, name): fake for name, fake in fakes.items()
        }
        charm = self._juju.applications[unit.application].charm
        with (
            http.use_transport(self._transport(unit)),
            waiting.use_pause(self._pause),
            use_pebble(named, self._surround and functools.partial(self._surround, unit)),
            charm_context.hook_surroundings(charm, self._charm_folder(charm), changes),
        ):
            yield

    def _charm_folder(self, charm: model.Charm) -> pathlib.Path:
        """Return where a charm is unpacked, which all of its units share."""
        folder = self._unpacked / charm.name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            charm_context.unpack(charm, folder)
        return folder

    def _drain_log(self, unit: model.Unit, context: CharmContext) -> None:
        for line in context.juju_log:
            self._log(unit.name, line.level, line.message)
        for recorded in (
            context.juju_log,
            context.emitted_events,
            context.unit_status_history,
            context.app_status_history,
            context.workload_version_history,
        ):
            recorded.clear()

    def _state(self, unit: model.Unit, hook: model.Hook | None) -> testing.State:
        application = self._juju.applications[unit.application]
        pod = unit.pod
        return testing.State(
            leader=unit.leader,
            config=dict(application.config),
            relations=frozenset(self._relations(unit, hook)),
            networks=frozenset(_networks(application, unit)),
            containers=frozenset(_containers(application, unit)),
            storages=frozenset(self._storages(unit)),
            opened_ports=unit.memory.ports,
            model=testing.Model(self._juju.name, uuid=self._juju.uuid),
            secrets=frozenset(self._juju.secrets.view(unit.name).values()),
            planned_units=sum(each.life is model.Life.ALIVE for each in application.units),
            deferred=list(pod.deferred) if pod else [],
            stored_states=pod.stored_states if pod else frozenset(),
            app_status=_status(application.own_status or model.Status('unknown')),
            unit_status=_status(unit.workload),
            workload_version=unit.workload_version,
        )

    def _relations(
        self, unit: model.Unit, hook: model.Hook | None
    ) -> Iterator[testing.RelationBase]:
        for relation in self._juju.of(unit.application):
            memory = unit.memory.relations.get(relation.id)
            current = hook if hook is not None and hook.relation == relation.id else None
            if memory is not None:  # it has entered the scope, and Juju lists the relation
                yield _relation(unit, relation, memory, current)

    def _storages(self, unit: model.Unit) -> Iterator[testing.Storage]:
        for instance in unit.storage.values():
            storage = MountedStorage(instance.name, index=int(instance.id.partition('/')[2]))
            object.__setattr__(storage, 'folder', self._folders(instance.claim))
            yield storage

    def _commit(
        self,
        unit: model.Unit,
        before: testing.State,
        after: testing.State,
        context: CharmContext,
    ) -> int:
        changes = self._commit_settings(unit, after)
        changes += self._commit_secrets(unit, before, after, context)
        ports = frozenset(after.opened_ports)
        changes += ports != unit.memory.ports
        unit.memory.ports = ports
        if unit.pod is not None:
            unit.pod.stored_states = frozenset(after.stored_states)
            unit.pod.deferred = tuple(after.deferred)
        return changes

    def _commit_settings(self, unit: model.Unit, after: testing.State) -> int:
        self._check_leadership(unit, after)
        changes = 0
        for seen in after.relations:
            relation = self._juju.relation(seen.id)
            if relation is None or unit.name not in relation.scope:
                continue
            changes += relation.bag(unit.name).commit(_filled(seen.local_unit_data))
            if unit.leader and relation.bag(unit.application).commit(_filled(seen.local_app_data)):
                changes += 1
                if relation.is_peer:
                    # Nobody is told of what it wrote itself.
                    version = relation.bag(unit.application).version
                    unit.memory.relations[relation.id].application = version
        self._juju.databag_writes += changes
        return changes

    def _check_leadership(self, unit: model.Unit, after: testing.State) -> None:
        for seen in after.relations:
            relation = self._juju.relation(seen.id)
            if relation is None or unit.leader:
                continue
            if _filled(seen.local_app_data) != relation.bag(unit.application).content:
                raise LeadershipLost(
                    f'{unit.name} is not the leader: cannot write {seen.endpoint}'
                )

    def _commit_secrets(
        self,
        unit: model.Unit,
        before: testing.State,
        after: testing.State,
        context: CharmContext,
    ) -> int:
        store = self._juju.secrets
        seen = {secret.id: secret for secret in before.secrets}
        left = {secret.id: secret for secret in after.secrets}
        changes = store.commit(unit.name, seen, left)
        return changes + store.remove_revisions(unit.name, context.removed_secret_revisions)

    def _keep(self, unit: model.Unit, before: testing.State, after: testing.State) -> int:
        """Take over what Juju keeps even of a hook that fails."""
        application = self._juju.applications[unit.application]
        old = (unit.workload, application.own_status, unit.workload_version)
        unit.workload = model.Status(after.unit_status.name, after.unit_status.message)
        unit.workload_version = after.workload_version
        if after.app_status != before.app_status:
            application.own_status = model.Status(after.app_status.name, after.app_status.message)
        return int(old != (unit.workload, application.own_status, unit.workload_version))


def _execute(manager: Any, before: testing.State) -> _Ended:
    outcome, trace, message = model.Outcome.DONE, '', None
    try:
        with manager:
            manager.run()
    except testing.ActionFailed as failure:
        # action-fail is an answer, not a crash: what the charm did is flushed all the same.
        message = failure.message
    except UncaughtCharmError as error:
        outcome, trace = model.Outcome.FAILED, _traceback(error)
    except PodKilled:
        outcome = model.Outcome.KILLED
    except AgentKilled:
        outcome = model.Outcome.ABANDONED
    after = manager.ops.state if manager.ops is not None else before
    return _Ended(outcome, after, trace, message)


def _nested(results: Mapping[str, Any]) -> dict[str, Any]:
    """Part dotted keys into maps, as Juju does with what a charm answers."""
    nested: dict[str, Any] = {}
    for key, value in results.items():
        *way, last = key.split('.')
        inner = nested
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = (
            _nested(typing.cast('Mapping[str, Any]', value))
            if isinstance(value, dict)
            else str(value)
        )
    return nested


def _filled(content: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in content.items() if value}


def _relation(
    unit: model.Unit,
    relation: model.Relation,
    memory: model.RelationMemory,
    hook: model.Hook | None,
) -> testing.RelationBase:
    breaking = hook is not None and hook.kind == 'relation-broken'
    known = set(memory.members)
    if hook is not None and hook.remote_unit:
        known.add(hook.remote_unit)
    others = {
        int(name.partition('/')[2]): dict(relation.bag(name).content)
        for name in (() if breaking else known)
    }
    common: dict[str, Any] = {
        'endpoint': relation.local(unit.application).endpoint,
        'interface': relation.interface,
        'id': relation.id,
        'local_app_data': dict(relation.bag(unit.application).content),
        'local_unit_data': dict(relation.bag(unit.name).content),
    }
    if relation.is_peer:
        return testing.PeerRelation(**common, peers_data=others)
    remote = relation.remote(unit.application).application
    seen = testing.Relation(
        **common,
        remote_app_name=remote,
        remote_app_data={} if breaking else dict(relation.bag(remote).content),
        remote_units_data=others,
    )
    if hook is not None and hook.kind == 'relation-departed' and hook.remote_unit:
        return charm_context.parting(seen, int(hook.remote_unit.partition('/')[2]))
    return seen


def _networks(application: model.Application, unit: model.Unit) -> Iterator[testing.Network]:
    for name in application.charm.endpoints:
        yield testing.Network(
            name,
            bind_addresses=[testing.BindAddress([testing.Address(unit.address)])],
            ingress_addresses=[application.address],
            egress_subnets=[f'{application.address}/32'],
        )


def _containers(application: model.Application, unit: model.Unit) -> Iterator[testing.Container]:
    for name in application.charm.containers:
        fake = unit.pod.containers.get(name) if unit.pod else None
        if fake is None:
            yield testing.Container(name, can_connect=False)
        else:
            yield fake.as_container(name)


_STATUSES: Mapping[str, Callable[[str], Any]] = {
    'active': testing.ActiveStatus,
    'blocked': testing.BlockedStatus,
    'maintenance': testing.MaintenanceStatus,
    'waiting': testing.WaitingStatus,
    'error': testing.ErrorStatus,
    'unknown': lambda message: testing.UnknownStatus(),
}


def _status(status: model.Status) -> Any:
    return _STATUSES[status.name](status.message)


def _event(context: CharmContext, state: testing.State, hook: model.Hook) -> Any:
    subject = hook.subject
    if hook.relation is not None:
        return _relation_event(context, state.get_relation(hook.relation), hook)
    if hook.kind.startswith('pebble-'):
        return _pebble_event(context, state.get_container(subject), hook)
    if hook.kind.startswith('storage-'):
        name, _, index = subject.partition('/')
        storage = state.get_storage(name, index=int(index))
        return getattr(context.on, _method(hook.kind))(storage)
    if hook.kind.startswith('secret-'):
        return _secret_event(context, state.get_secret(id=subject), hook)
    return getattr(context.on, _method(hook.kind))()


def _relation_event(context: CharmContext, relation: Any, hook: model.Hook) -> Any:
    make: Any = getattr(context.on, _method(hook.kind))
    if hook.kind in ('relation-created', 'relation-broken'):
        return make(relation)
    number = int(hook.remote_unit.partition('/')[2]) if hook.remote_unit else None
    return make(relation, remote_unit=number)


def _pebble_event(context: CharmContext, container: testing.Container, hook: model.Hook) -> Any:
    make: Any = getattr(context.on, _method(hook.kind))
    if hook.check is None:
        return make(container)
    return make(container, container.get_check_info(hook.check))


def _secret_event(context: CharmContext, secret: testing.Secret, hook: model.Hook) -> Any:
    make: Any = getattr(context.on, _method(hook.kind))
    return make(secret) if hook.revision is None else make(secret, revision=hook.revision)


def _method(kind: str) -> str:
    return kind.replace('-', '_')


def _corrections(hook: model.Hook) -> dict[str, str]:
    if hook.kind == 'relation-changed' and hook.remote_unit is None:
        return {'JUJU_REMOTE_UNIT': ''}
    if hook.kind == 'relation-departed' and hook.departing:
        return {'JUJU_DEPARTING_UNIT': hook.departing}
    return {}


def _traceback(error: UncaughtCharmError) -> str:
    return ''.join(traceback.format_exception(error.__cause__ or error))
