# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Running the model until nothing moves: agents, controllers and the passing of time."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterable
from typing import Final

from . import agent, cluster, dispatch, model, pods, progress, provisioner, scheduler

TICKS: Final = 30
"""Ticks of ten seconds until Juju fires update-status: five minutes."""

_WRITES: Final = frozenset({'create', 'update', 'patch', 'delete', 'deletecollection'})
_STEPS: Final = 100
"""Rounds of the controllers after which they must have come to rest between two hooks."""


@dataclasses.dataclass
class _Tally:
    """What one call of ``settle`` has cost so far."""

    hooks: int = 0
    reads: int = 0
    writes: int = 0
    errors: list[model.HookError] = dataclasses.field(default_factory=list[model.HookError])


class Runner:
    """Lets a model run.

    Args:
        juju: The model.
        kubernetes: The cluster.
        juju_workers: What writes to the cluster on Juju's behalf.
        dispatcher: Runs charms.
        onlooker: Is told what happens.
        schedule: Decides races.
    """

    def __init__(
        self,
        juju: model.JujuModel,
        kubernetes: cluster.Cluster,
        juju_workers: provisioner.Provisioner,
        dispatcher: dispatch.Dispatcher,
        onlooker: progress.Progress,
        schedule: scheduler.Scheduler,
    ) -> None:
        self.history: list[model.HookRun] = []
        self.errors: list[model.HookError] = []
        self._juju = juju
        self._cluster = kubernetes
        self._workers = juju_workers
        self._dispatcher = dispatcher
        self._progress = onlooker
        self._scheduler = schedule
        self._agent = agent.Agent(juju)
        self._storage_numbers = itertools.count()
        self._storage_ids: dict[str, str] = {}
        self._charm_writes = 0

    def settle(self, limit: int) -> model.Settled:
        """Run until nothing moves, or until ``limit`` hooks have run."""
        started = time.perf_counter()
        rollouts = {name: each.rollouts for name, each in self._juju.applications.items()}
        tally, cost = _Tally(), None
        while tally.hooks < limit and cost is None:
            self._controllers()
            if self._step(tally) or self._wait():
                continue
            cost = self._quiet_round(tally)
        for unit in self._juju.units():
            if unit.cloud is not None:
                self._progress.note(f'{unit.name} cannot run: {unit.cloud.message}')
        moving = tuple(self._moving(cost is None))
        return model.Settled(
            hooks=tally.hooks,
            reads=tally.reads,
            writes=tally.writes,
            rollouts={
                name: each.rollouts - rollouts.get(name, 0)
                for name, each in self._juju.applications.items()
            },
            seconds=time.perf_counter() - started,
            quiet=not moving,
            moving=moving,
            errors=tuple(tally.errors),
            quiet_round=cost or model.RoundCost(),
        )

    def advance(self) -> bool:
        """Let one hook or action run, or ten seconds pass; tell whether anything ran."""
        self._controllers()
        ran = self._step(_Tally())
        if not ran:
            self._cluster.tick()
        self._controllers()
        return ran

    def repeat(self, unit: model.Unit, hook: model.Hook) -> None:
        """Run a hook once more, as one that Juju fires whenever it likes."""
        if self._agent.is_idle(unit) and unit.failure is None and not self._dying(unit):
            self._run_hook(unit, hook, _Tally())

    def retry(self) -> None:
        """Let every hook in error be tried again: Juju itself never gives up."""
        for unit in self._juju.units():
            if unit.failure is not None:
                unit.failure.attempts = 0

    def lose_pod(self, unit: model.Unit) -> None:
        """End a unit's pod at once, without any hook."""
        self._end_pod(unit)

    def _moving(self, bound_reached: bool) -> Iterable[str]:
        for unit in self._juju.units():
            if unit.failure is not None:
                yield f'{unit.name}: hook failed: "{unit.failure.hook.name}"'
            elif bound_reached:
                yield from (f'{unit.name}: {hook.name}' for hook in self._agent.legal(unit)[:1])
        if bound_reached and self.history:
            last = self.history[-1]
            yield f'{last.unit}: ran {last.hook} last'

    def _step(self, tally: _Tally) -> bool:
        """Let one unit run one hook or action, if any unit has something to run."""
        ready = {
            unit.name: unit
            for unit in self._juju.units()
            if self._agent.legal(unit) or self._pending(unit)
        }
        if not ready:
            return False
        unit = ready[self._scheduler.unit(list(ready))]
        action = self._pending(unit)
        if action is not None:
            self._run_action(unit, action, tally)
        else:
            legal = self._agent.legal(unit)
            self._run_hook(unit, self._scheduler.hook(unit.name, legal), tally)
        return True

    def _pending(self, unit: model.Unit) -> model.ActionRun | None:
        if not self._agent.is_idle(unit):
            return None
        waiting = model.ActionStatus.PENDING
        return next(
            (a for a in self._juju.actions if a.unit == unit.name and a.status is waiting), None
        )

    def _run_hook(self, unit: model.Unit, hook: model.Hook, tally: _Tally) -> None:
        self._agent.begin(unit, hook)
        seen = self._agent.seen(unit, hook)
        unit.agent = model.Status('executing', f'running {hook.name} hook')
        ran = self._timed(unit, hook.name, tally, lambda: self._dispatcher.run_hook(unit, hook))
        if ran.outcome is model.Outcome.DONE:
            unit.failure = None
            unit.agent = model.Status('idle')
            self._agent.succeeded(unit, hook, seen)
        elif ran.outcome is model.Outcome.FAILED:
            self._failed(unit, hook, ran, tally)
        elif ran.outcome is model.Outcome.KILLED:
            self._killed(unit, hook)
        else:
            self._abandoned(unit, hook)
        self._agent.after(unit)
        if hook == agent.STOP and not self._dying(unit):
            self._end_pod(unit)

    def _failed(
        self, unit: model.Unit, hook: model.Hook, ran: dispatch.Ran, tally: _Tally
    ) -> None:
        if unit.failure is None or unit.failure.hook != hook:
            unit.failure = model.Failure(hook, attempts=0)
            self._record(tally, model.HookError(unit.name, hook.name, ran.traceback))
        unit.failure.attempts += 1
        unit.agent = model.Status('error', f'hook failed: "{hook.name}"')

    def _killed(self, unit: model.Unit, hook: model.Hook) -> None:
        """Lose the pod in the middle of a hook: the next one takes the hook up again."""
        _interrupt(unit, hook)
        self._end_pod(unit)

    def _abandoned(self, unit: model.Unit, hook: model.Hook | None = None) -> None:
        """Lose the charm's container in the middle of a hook: the next one takes that up again."""
        doing = hook or (unit.failure and unit.failure.hook)
        if doing is not None:
            _interrupt(unit, doing)
        unit.failure = None
        unit.agent = model.Status('idle' if unit.memory.installed else 'executing')
        _take_up(unit.memory, [agent.START])
        if unit.pod is not None:
            unit.pod.ready.clear()

    def _end_pod(self, unit: model.Unit) -> None:
        if unit.pod is not None:
            self._cluster.end(unit.pod)
            self._lose_pod(unit)

    def _lose_pod(self, unit: model.Unit) -> None:
        unit.pod = None
        unit.address = ''
        if unit.failure is not None:
            _interrupt(unit, unit.failure.hook)
            unit.failure = None
        unit.agent = model.Status('lost', 'agent is not communicating with the server')

    def _run_action(self, unit: model.Unit, action: model.ActionRun, tally: _Tally) -> None:
        name = f'{action.name}-action'
        ran = self._timed(unit, name, tally, lambda: self._dispatcher.run_action(unit, action))
        if ran.outcome is model.Outcome.KILLED:
            # Juju never runs an action twice.
            action.status, action.message = model.ActionStatus.FAILED, 'action terminated'
            self._end_pod(unit)
        elif ran.outcome is model.Outcome.ABANDONED:
            action.status, action.message = model.ActionStatus.FAILED, 'action terminated'
            self._abandoned(unit)
        elif ran.outcome is model.Outcome.FAILED:
            self._record(tally, model.HookError(unit.name, name, ran.traceback))

    def _record(self, tally: _Tally, error: model.HookError) -> None:
        tally.errors.append(error)
        self.errors.append(error)

    def _timed(
        self, unit: model.Unit, name: str, tally: _Tally, run: dispatch.Run
    ) -> dispatch.Ran:
        requests = self._cluster.fake.requests
        before, started = len(requests), time.perf_counter()
        self._progress.hook_started(unit.name, name)
        ran = run()
        account = self._workers.account(unit.application)
        made = [each for each in requests[before:] if each.user == account]
        writes = [each for each in made if each.verb in _WRITES]
        self._charm_writes += sum(each.changed for each in writes)
        record = model.HookRun(
            unit=unit.name,
            hook=name,
            seconds=time.perf_counter() - started,
            reads=len(made) - len(writes),
            writes=len(writes),
            changes=ran.changes,
            outcome=ran.outcome,
        )
        tally.hooks += 1
        tally.reads += record.reads
        tally.writes += record.writes
        self.history.append(record)
        self._progress.hook_finished(record)
        return ran

    def _controllers(self) -> None:
        """Let Juju's and the cluster's controllers come to rest."""
        for _ in range(_STEPS):
            if not self._control_once():
                return
        raise AssertionError('the controllers do not come to rest')

    def _control_once(self) -> bool:
        moved = False
        for application in list(self._juju.applications.values()):
            moved |= self._retire_units(application)
            moved |= self._retire_application(application)
        self._retire_relations()
        for application in self._juju.applications.values():
            self._elect(application)
            moved |= self._workers.open_ports(application)
            wanted = max([application.scale, *(u.number + 1 for u in application.units)])
            moved |= self._workers.scale(application, wanted)
        moved |= self._cluster.reconcile()
        return moved | self._adopt()

    def _retire_units(self, application: model.Application) -> bool:
        for unit in application.units:
            self._agent.after(unit)
        gone = [unit for unit in application.units if self._agent.is_gone(unit)]
        for unit in gone:
            self._remove_unit(application, unit)
        return bool(gone)

    def _remove_unit(self, application: model.Application, unit: model.Unit) -> None:
        for number in list(unit.memory.relations):
            self._agent.leave_scope(unit, number)
        application.units.remove(unit)
        self._juju.secrets.forget_owner(unit.name)
        self._dispatcher.forget(unit)
        self._juju.changes += 1
        if unit.pod is not None:
            unit.pod.abandoned = True

    def _retire_application(self, application: model.Application) -> bool:
        if application.life is not model.Life.DYING or application.units:
            return False
        self._workers.remove(application)
        if application.destroy_storage:
            self._workers.remove_claims(application)
        self._juju.secrets.forget_owner(application.name)
        del self._juju.applications[application.name]
        self._juju.changes += 1
        return True

    def _retire_relations(self) -> None:
        """Remove relations that nobody is in any more, and those of applications that are gone."""
        present = self._juju.applications
        for relation in list(self._juju.relations):
            left = relation.life is not model.Life.ALIVE and not relation.scope
            if left or not relation.applications & present.keys():
                self._juju.unrelate(relation)
                self._juju.secrets.forget_relation(relation.id)

    def _elect(self, application: model.Application) -> None:
        """Give up leadership of who goes, and give it to the first who stays."""
        for unit in application.units:
            unit.leader &= unit.life is model.Life.ALIVE
        staying = [unit for unit in application.units if unit.life is model.Life.ALIVE]
        if staying and application.leader is None:
            staying[0].leader = True
        for unit in application.units:
            # Who has lost it resigns without a hook, and would have to be elected again.
            unit.memory.leader &= unit.leader

    def _adopt(self) -> bool:
        """Bring units and pods together: a pod introduces its unit, a lost pod leaves it."""
        moved = False
        for unit in self._juju.units():
            if unit.pod is not None and self._cluster.pods.get(unit.pod.name) is not unit.pod:
                self._lose_pod(unit)
                moved = True
        for pod in list(self._cluster.pods.values()):
            moved |= self._introduce(pod)
        for unit in self._juju.units():
            pending = self._cluster.pods.get(unit.name.replace('/', '-'))
            why = pending.why if pending else ''
            unit.cloud = model.Status('blocked', why) if why else None
        return moved

    def _introduce(self, pod: pods.Pod) -> bool:
        application = self._juju.applications.get(cluster.owner(pod))
        if application is None or not pod.is_running:
            return False
        number = cluster.ordinal(pod)
        if pod.abandoned:
            return self._replace_abandoned(application, pod)
        unit = next((each for each in application.units if each.number == number), None)
        if unit is None:
            unit = model.Unit(application.name, number)
            application.units.append(unit)
        if unit.pod is pod:
            return self._stop_without_hook(unit)
        unit.pod, unit.address = pod, pod.address
        self._begin_life(application, unit)
        return True

    def _replace_abandoned(self, application: model.Application, pod: pods.Pod) -> bool:
        """End a pod whose unit is gone, if there shall be a unit of that number again."""
        if cluster.ordinal(pod) >= application.scale:
            return False  # Juju sets the number of replicas once all who leave have left
        self._cluster.end(pod)
        return True

    def _begin_life(self, application: model.Application, unit: model.Unit) -> None:
        memory = unit.memory
        unit.agent = model.Status('idle' if memory.installed else 'executing')
        _take_up(memory, agent.NEW_POD)
        for instance in self._cluster.storage(application, unit.number):
            id_ = self._storage_ids.setdefault(
                instance.claim, f'{instance.name}/{next(self._storage_numbers)}'
            )
            unit.storage[instance.name] = dataclasses.replace(instance, id=id_)

    def _stop_without_hook(self, unit: model.Unit) -> bool:
        """End a pod whose agent cannot run ``stop``: nothing installed, or a hook in error."""
        pod = unit.pod
        if pod is None or not pod.terminating or unit.life is not model.Life.ALIVE:
            return False
        if unit.memory.installed and unit.failure is None:
            return False
        self._end_pod(unit)
        return True

    def _wait(self) -> bool:
        """Let five minutes pass, or less when something comes of it; tell whether it did."""
        for _ in range(TICKS):
            before = self._workload_state()
            self._cluster.tick()
            if self._workload_state() != before:
                self._controllers()
            if any(self._agent.legal(unit) for unit in self._juju.units()):
                return True
        return False

    def _workload_state(self) -> list[tuple[str, bool, int]]:
        return [
            (pod.name, pod.is_ready, sum(fake.changes for fake in pod.containers.values()))
            for pod in self._cluster.pods.values()
        ]

    def _quiet_round(self, tally: _Tally) -> model.RoundCost | None:
        """Fire update-status everywhere; return its cost if it changed nothing."""
        before, databags = self._fingerprint(), self._juju.databag_writes
        start = _Tally(tally.hooks, tally.reads, tally.writes)
        for unit in list(self._juju.units()):
            if self._agent.is_idle(unit) and unit.failure is None and not self._dying(unit):
                self._run_hook(unit, agent.UPDATE_STATUS, tally)
        self._controllers()
        unsettled = any(
            self._agent.legal(unit) or self._pending(unit) for unit in self._juju.units()
        )
        if unsettled or self._fingerprint() != before:
            return None
        return model.RoundCost(
            hooks=tally.hooks - start.hooks,
            reads=tally.reads - start.reads,
            writes=tally.writes - start.writes,
            databag_writes=self._juju.databag_writes - databags,
        )

    def _dying(self, unit: model.Unit) -> bool:
        return unit.life is not model.Life.ALIVE

    def _fingerprint(self) -> tuple[object, ...]:
        return (self._juju.changes, self._charm_writes, self._workload_state())


def _take_up(memory: model.Memory, otherwise: Iterable[model.Hook]) -> None:
    """Let an agent that starts anew begin with what the last one was doing."""
    if memory.interrupted is not None:
        memory.queued = [memory.interrupted, agent.START] if memory.installed else []
        memory.interrupted = None
    elif memory.installed:
        memory.queued = list(otherwise)


def _interrupt(unit: model.Unit, hook: model.Hook) -> None:
    """Remember the hook that a pod died in, unless it is about what died too or may be gone.

    Such a hook is derived again, if there is still something that it would be about.
    """
    if hook.check is None and not hook.kind.startswith('secret-'):
        unit.memory.interrupted = hook
