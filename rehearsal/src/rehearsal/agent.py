# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A unit's agent: which hooks Juju may run next, and what a hook's success means.

Nothing is queued beforehand, except what Juju itself queues. Every hook follows from the
difference between what is and what the agent remembers to have seen, so changes that pile up
while a unit is busy are seen once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from . import model, secrets

START = model.Hook('start', 'start')
STOP = model.Hook('stop', 'stop')
INSTALL = model.Hook('install', 'install')
REMOVE = model.Hook('remove', 'remove')
CONFIG_CHANGED = model.Hook('config-changed', 'config-changed')
UPGRADE_CHARM = model.Hook('upgrade-charm', 'upgrade-charm')
LEADER_ELECTED = model.Hook('leader-elected', 'leader-elected')
UPDATE_STATUS = model.Hook('update-status', 'update-status')

NEW_POD = (UPGRADE_CHARM, CONFIG_CHANGED, START)
"""What runs in a new pod of a unit that was installed before: its charm folder is new."""

MAX_ATTEMPTS = 3
"""How often a failing hook is run until somebody has to look; Juju itself never gives up."""


class Agent:
    """The agents of all units of a model; they remember in the units."""

    def __init__(self, juju: model.JujuModel) -> None:
        self._juju = juju

    def legal(self, unit: model.Unit) -> list[model.Hook]:
        """Return the hooks that may run next; the usual one first, none when it is idle.

        Where several are returned, Juju promises no order: they come from different sources.
        """
        pod = unit.pod
        if pod is None or not pod.is_running:
            return []
        if unit.failure is not None:
            return [*self._pebble_ready(unit), *_retry(unit.failure)]
        if pod.terminating and unit.life is model.Life.ALIVE:
            return [STOP]
        if unit.memory.queued:
            return unit.memory.queued[:1]
        if unit.life is model.Life.DYING:
            return list(self._teardown(unit))
        if not unit.memory.installed:
            return [INSTALL]
        return list(self._idle(unit))

    def is_idle(self, unit: model.Unit) -> bool:
        """Tell whether actions may run: between hooks, and while one is in error."""
        pod = unit.pod
        return bool(
            pod
            and pod.is_running
            and not pod.terminating
            and unit.memory.installed
            and (unit.failure is not None or not unit.memory.queued)
        )

    def _idle(self, unit: model.Unit) -> Iterator[model.Hook]:
        """Yield the hooks that may come next; all of them race, where there are several."""
        created = list(self._relation_created(unit))
        if created:
            # Nothing overtakes these, so a unit knows all its relations before it is told to lead.
            yield from created
        elif unit.leader and not unit.memory.leader:
            yield LEADER_ELECTED
        else:
            yield from self._racing(unit)

    def _racing(self, unit: model.Unit) -> Iterator[model.Hook]:
        """Yield the first hook of each source, in the order of a first deployment."""
        memory = unit.memory
        if memory.started:
            yield from self._secrets(unit)
        changed = memory.config != self.digest(unit)
        if changed:
            yield CONFIG_CHANGED
        # Races with config-changed: Pebble is polled every five seconds, claims bind when they do.
        # Never between config-changed and start, which is queued.
        yield from self._pebble_ready(unit)
        yield from self._checks(unit)
        yield from self._storage_attached(unit)
        if memory.started:
            yield from self._relations(unit)

    def digest(self, unit: model.Unit) -> str:
        """Return a digest of what config-changed is about: options, trust, address."""
        application = self._juju.applications[unit.application]
        seen = [application.config, application.trust, unit.address]
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()

    def _relation_created(self, unit: model.Unit) -> Iterator[model.Hook]:
        for relation in self._juju.of(unit.application):
            memory = unit.memory.relations.get(relation.id)
            if (memory is None or not memory.created) and relation.life is model.Life.ALIVE:
                yield self._hook(unit, relation, 'relation-created')

    def _hook(
        self,
        unit: model.Unit,
        relation: model.Relation,
        kind: str,
        remote: str | None = None,
        departing: str | None = None,
    ) -> model.Hook:
        endpoint = relation.local(unit.application).endpoint
        return model.Hook(
            f'{endpoint}-{kind}', kind, endpoint, relation.id, remote, departing=departing
        )

    def _pebble_ready(self, unit: model.Unit) -> Iterator[model.Hook]:
        if unit.pod is None or not unit.memory.installed:
            return
        for name in unit.pod.containers:
            if name not in unit.pod.ready:
                yield model.Hook(f'{name}-pebble-ready', 'pebble-ready', name)

    def _checks(self, unit: model.Unit) -> Iterator[model.Hook]:
        for name, fake in unit.pod.containers.items() if unit.pod else ():
            for event in fake.check_events[:1]:
                kind = 'pebble-check-failed' if event.failed else 'pebble-check-recovered'
                if event.check in fake.checks.known:
                    yield model.Hook(f'{name}-{kind}', kind, name, check=event.check)
                else:
                    fake.check_events.remove(event)

    def _storage_attached(self, unit: model.Unit) -> Iterator[model.Hook]:
        for instance in unit.storage.values():
            if instance.id not in unit.memory.storage:
                name = f'{instance.name}-storage-attached'
                yield model.Hook(name, 'storage-attached', instance.id)

    def _secrets(self, unit: model.Unit) -> Iterator[model.Hook]:
        for secret in self._juju.secrets.readable(unit.name):
            consumer = secret.consumers.get(unit.name)
            if secret.owner == unit.application and not unit.leader:
                continue  # who leads is asked, and nobody in the application is an observer
            if secret.owner in (unit.name, unit.application):
                if secret.due:
                    yield self._due(secret)
                for revision in secret.unread():
                    name = 'secret-remove'
                    yield model.Hook(name, name, secret.id, revision=revision)
            elif consumer and max(consumer.revision, consumer.told) < secret.latest:
                yield model.Hook('secret-changed', 'secret-changed', secret.id)

    def _due(self, secret: secrets.Secret) -> model.Hook:
        expired = secret.due == 'secret-expired'
        revision = secret.latest if expired else None
        return model.Hook(secret.due, secret.due, secret.id, revision=revision)

    def _relations(self, unit: model.Unit) -> Iterator[model.Hook]:
        """Yield the next hook of each relation: in Juju the first match wins."""
        for relation in self._juju.of(unit.application):
            memory = unit.memory.relations.get(relation.id)
            if memory is None:
                continue
            hooks = self._relation(unit, relation, memory)
            yield from list(hooks)[:1]

    def _relation(
        self, unit: model.Unit, relation: model.Relation, memory: model.RelationMemory
    ) -> Iterator[model.Hook]:
        if relation.life is not model.Life.ALIVE:
            yield from self._leave(unit, relation, memory)
            return
        others = self._others(unit, relation)
        for name in sorted(memory.members.keys() - set(others), key=_number):
            yield self._hook(unit, relation, 'relation-departed', name, name)
        remote = relation.remote(unit.application).application
        if relation.bag(remote).version != memory.application:
            yield self._hook(unit, relation, 'relation-changed')
        yield from self._members(unit, relation, memory, others)

    def _members(
        self,
        unit: model.Unit,
        relation: model.Relation,
        memory: model.RelationMemory,
        others: Iterable[str],
    ) -> Iterator[model.Hook]:
        for name in others:
            if memory.members.get(name) == 0:
                yield self._hook(unit, relation, 'relation-changed', name)
        for name in others:
            if name not in memory.members:
                yield self._hook(unit, relation, 'relation-joined', name)
        for name in others:
            if memory.members.get(name) != relation.bag(name).version:
                yield self._hook(unit, relation, 'relation-changed', name)

    def _others(self, unit: model.Unit, relation: model.Relation) -> list[str]:
        others = sorted(relation.scope - {unit.name}, key=_number)
        if relation.is_peer:
            return others
        return [name for name in others if not _is_of(name, unit.application)]

    def _leave(
        self, unit: model.Unit, relation: model.Relation, memory: model.RelationMemory
    ) -> Iterator[model.Hook]:
        for name in sorted(memory.members, key=_number):
            departing = unit.name if self._goes(unit) else name
            yield self._hook(unit, relation, 'relation-departed', name, departing)
        if not relation.is_peer:
            yield self._hook(unit, relation, 'relation-broken')

    def _goes(self, unit: model.Unit) -> bool:
        application = self._juju.applications[unit.application]
        return model.Life.DYING in (unit.life, application.life)

    def _teardown(self, unit: model.Unit) -> Iterator[model.Hook]:
        memory = unit.memory
        if memory.installed and not memory.stopped:
            yield from self._farewells(unit)
            if not memory.storage and not memory.relations:
                yield STOP
        elif not memory.removed and memory.installed:
            yield REMOVE

    def _farewells(self, unit: model.Unit) -> Iterator[model.Hook]:
        for id_ in sorted(unit.memory.storage):
            name = id_.partition('/')[0]
            yield model.Hook(f'{name}-storage-detaching', 'storage-detaching', id_)
        for relation in self._juju.of(unit.application):
            memory = unit.memory.relations.get(relation.id)
            if memory is not None:
                yield from list(self._leave(unit, relation, memory))[:1]

    def is_gone(self, unit: model.Unit) -> bool:
        """Tell whether a dying unit has done all it has to."""
        memory = unit.memory
        return unit.life is model.Life.DYING and (memory.removed or not memory.installed)

    def begin(self, unit: model.Unit, hook: model.Hook) -> None:
        """Do what the agent does before a hook: a unit joins a relation before it hears of it."""
        if hook.kind == 'relation-created' and hook.relation is not None:
            relation = self._juju.relation(hook.relation)
            if relation is not None and unit.name not in relation.scope:
                self._enter(unit, relation)
        elif hook is INSTALL:
            unit.workload = model.Status('maintenance', 'installing charm software')

    def _enter(self, unit: model.Unit, relation: model.Relation) -> None:
        address = self._juju.applications[unit.application].address
        settings = ('ingress-address', 'private-address')
        relation.bag(unit.name).commit(
            {**dict.fromkeys(settings, address), 'egress-subnets': f'{address}/32'}
        )
        relation.scope.add(unit.name)
        unit.memory.relations.setdefault(relation.id, model.RelationMemory())
        self._juju.changes += 1

    def seen(self, unit: model.Unit, hook: model.Hook) -> int | str:
        """Return the version of what a hook is about, to be remembered when it succeeds."""
        relation = None if hook.relation is None else self._juju.relation(hook.relation)
        if hook.kind == 'relation-changed' and relation is not None:
            remote = hook.remote_unit or relation.remote(unit.application).application
            return relation.bag(remote).version
        return self.digest(unit) if hook.kind == 'config-changed' else 0

    def succeeded(self, unit: model.Unit, hook: model.Hook, seen: int | str) -> None:
        """Remember that a hook has run."""
        memory = unit.memory
        if memory.queued and memory.queued[0] == hook:
            memory.queued.pop(0)
        if hook.relation is not None:
            self._relation_done(unit, hook, int(seen))
        elif hook.kind.startswith('pebble-'):
            _pebble_done(unit, hook)
        elif hook.kind == 'storage-attached':
            memory.storage.add(hook.subject)
        elif hook.kind == 'storage-detaching':
            memory.storage.discard(hook.subject)
        elif hook.kind.startswith('secret-'):
            self._secret_done(unit, hook)
        else:
            _lifecycle_done(unit, hook, str(seen))

    def _relation_done(self, unit: model.Unit, hook: model.Hook, seen: int) -> None:
        number = hook.relation if hook.relation is not None else -1
        memory = unit.memory.relations.setdefault(number, model.RelationMemory())
        if hook.kind == 'relation-created':
            memory.created = True
        elif hook.kind == 'relation-joined' and hook.remote_unit:
            memory.members[hook.remote_unit] = 0
        elif hook.kind == 'relation-changed' and hook.remote_unit:
            memory.members[hook.remote_unit] = seen
        elif hook.kind == 'relation-changed':
            memory.application = seen
        elif hook.kind == 'relation-departed' and hook.remote_unit:
            del memory.members[hook.remote_unit]
        elif hook.kind == 'relation-broken':
            self.leave_scope(unit, number)

    def leave_scope(self, unit: model.Unit, number: int) -> None:
        """Take a unit out of a relation."""
        unit.memory.relations.pop(number, None)
        relation = self._juju.relation(number)
        if relation is not None:
            relation.scope.discard(unit.name)

    def _secret_done(self, unit: model.Unit, hook: model.Hook) -> None:
        secret = self._juju.secrets.secrets.get(hook.subject)
        if secret is None:
            return
        if hook.kind == 'secret-changed':
            secret.consumers[unit.name].told = secret.latest
        elif hook.kind == secret.due:
            secret.due = ''
        elif hook.revision is not None:
            secret.retired.add(hook.revision)

    def after(self, unit: model.Unit) -> None:
        """Let a unit leave the peer relations that it has no more to do with.

        Peer relations have no broken, so nothing else would.
        """
        if not self._goes(unit):
            return
        for number, memory in list(unit.memory.relations.items()):
            relation = self._juju.relation(number)
            if (relation is None or relation.is_peer) and not memory.members:
                self.leave_scope(unit, number)


def _retry(failure: model.Failure) -> Iterable[model.Hook]:
    return [failure.hook] if failure.attempts < MAX_ATTEMPTS else []


def _pebble_done(unit: model.Unit, hook: model.Hook) -> None:
    if unit.pod is None:
        return
    if hook.check is None:
        unit.pod.ready.add(hook.subject)
    else:
        unit.pod.containers[hook.subject].check_events.pop(0)


def _lifecycle_done(unit: model.Unit, hook: model.Hook, seen: str) -> None:
    memory = unit.memory
    if hook == INSTALL:
        memory.installed = True
    elif hook == LEADER_ELECTED:
        memory.leader = True
    elif hook == CONFIG_CHANGED:
        memory.config = seen
        if not memory.started and not memory.queued:
            memory.queued.append(START)
    elif hook == START:
        memory.started = True
        if unit.workload == model.Status('maintenance', 'installing charm software'):
            unit.workload = model.Status('unknown')
    elif hook == STOP:
        memory.stopped = unit.life is model.Life.DYING
    elif hook == REMOVE:
        memory.removed = True


def _number(unit: str) -> tuple[str, int]:
    application, _, number = unit.partition('/')
    return application, int(number)


def _is_of(unit: str, application: str) -> bool:
    return unit.partition('/')[0] == application
