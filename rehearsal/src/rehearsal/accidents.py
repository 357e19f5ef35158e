# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What happens to a model without any operator asking for it."""

from __future__ import annotations

from . import agent, cluster, model, provisioner, runner

REPEATABLE = {each.name: each for each in (agent.UPDATE_STATUS, agent.CONFIG_CHANGED)}
"""Hooks that Juju fires again whenever it likes: an address that changes is a change of config."""


class Accidents:
    """Pods that die, leaders that change, time that passes.

    Whatever names a unit that has no running pod, or cannot happen just now, does nothing.

    Args:
        juju: The model.
        kubernetes: The cluster.
        workers: What writes to the cluster on Juju's behalf.
        running: Runs the model.
    """

    def __init__(
        self,
        juju: model.JujuModel,
        kubernetes: cluster.Cluster,
        workers: provisioner.Provisioner,
        running: runner.Runner,
    ) -> None:
        self._juju = juju
        self._cluster = kubernetes
        self._workers = workers
        self._runner = running

    def kill(self, unit: model.Unit) -> None:
        """Lose a pod between two hooks, without grace."""
        if unit.pod is not None:
            self._runner.lose_pod(unit)

    def evict(self, unit: model.Unit) -> None:
        """Delete a pod as ``kubectl drain`` does; its agent runs ``stop`` first."""
        if unit.pod is not None:
            self._cluster.terminate(unit.pod)

    def restart_container(self, unit: model.Unit, container: str) -> None:
        """Restart one workload container; Juju fires pebble-ready for its new Pebble."""
        if unit.pod is not None and unit.pod.is_running:
            self._cluster.node.restart(unit.pod, container)
            unit.pod.ready.discard(container)

    def restart_agent(self, unit: model.Unit) -> None:
        """Restart the charm's container: ``start``, and pebble-ready for every container anew."""
        ready = unit.pod is not None and unit.pod.is_running and not unit.pod.terminating
        if unit.pod is None or not ready or unit.failure is not None:
            return
        unit.pod.ready.clear()
        if unit.memory.started and agent.START not in unit.memory.queued:
            unit.memory.queued.append(agent.START)

    def repeat(self, unit: model.Unit, hook: str) -> None:
        """Fire one of the hooks that Juju fires whenever it likes."""
        self._runner.repeat(unit, REPEATABLE[hook])

    def retry(self) -> None:
        """Let the hooks in error be tried again, as Juju does after a while."""
        self._runner.retry()

    def lead(self, unit: model.Unit) -> None:
        """Let another unit of an application lead it."""
        if unit.life is model.Life.ALIVE:
            for each in self._juju.applications[unit.application].units:
                each.leader = each is unit

    def reapply(self, application: str) -> None:
        """Let Juju write a StatefulSet again, as its provisioner does when it starts."""
        if self._juju.applications[application].life is model.Life.ALIVE:
            self._workers.ensure(self._juju.applications[application])

    def ask_for_secret(self, application: str, hook: str) -> None:
        """Ask the owner of an application's secrets for new revisions of them.

        Args:
            application: Who owns them.
            hook: ``secret-rotate`` or ``secret-expired``.
        """
        for secret in self._juju.secrets.secrets.values():
            if secret.owner == application:
                secret.due = hook
