#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Charm of the storage that media applications share.

It has no workload. Its leader keeps one PersistentVolumeClaim in the cluster, finds out in a Job
whether it can be used, and tells related applications what to mount. What it knows is written on
the Kubernetes objects, so nothing is lost with its pod.
"""

from __future__ import annotations

import time
from typing import Final

import ops

import shared_storage
import storage_check_job as check_job
import storage_names
import storage_report
import storage_state
from charmarr_lib import config, interfaces, kubernetes, reconcile, waiting
from storage_options import CheckStorageParams, ShowStorageParams, StorageOptions

_POLL: Final = 2.0  # seconds between two looks at a running check


class CharmarrStorageCharm(ops.CharmBase):
    """Keeps a volume, and offers it on ``media-storage``."""

    config_type = StorageOptions
    action_types: Final = {
        'check-storage': CheckStorageParams,
        'show-storage': ShowStorageParams,
    }

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self._provider = interfaces.MediaStorageProvider(self)
        self._names = storage_names.Names(self.app.name, self.model.name)
        self._cluster = kubernetes.Cluster(
            self.app.name, self.model.name, field_manager=storage_names.MANAGER
        )
        self._storage: shared_storage.Storage | None = None
        reconcile.observe(self, self._reconcile)
        observe = framework.observe
        observe(self.on.remove, self._on_remove)
        observe(self.on.check_storage_action, self._on_check_storage)
        observe(self.on.show_storage_action, self._on_show_storage)
        observe(self.on.collect_unit_status, self._on_collect_unit_status)

    def _reconcile(self, _: ops.EventBase) -> None:
        options = config.load(self, self.config_type)
        if isinstance(options, config.Invalid) or not self._acts:
            return
        self._keep(self._shared(options).reconcile())

    @property
    def _acts(self) -> bool:
        """Whether this unit looks after the storage: the leader does, until the application goes.

        In the hooks of a removal the relations end one by one; none of that is news about them.
        """
        return self.unit.is_leader() and not self._is_going

    @property
    def _is_going(self) -> bool:
        return self.app.planned_units() == 0

    def _shared(self, options: StorageOptions) -> shared_storage.SharedStorage:
        wanted = storage_state.Wanted(
            options,
            self._names,
            has_consumers=bool(self._provider.relations),
            offered=frozenset(each.pvc_name for each in self._provider.get_published()),
        )
        return shared_storage.SharedStorage(self._cluster, wanted)

    def _keep(self, storage: shared_storage.Storage) -> None:
        """Tell applications what may be told now, and remember it for the status."""
        self._storage = storage
        offer = storage.offer
        if offer is not None:
            self._provider.publish_data(
                interfaces.MediaStorageProviderData(
                    pvc_name=offer.claim,
                    mount_path=offer.mount_path,
                    puid=offer.puid,
                    pgid=offer.pgid,
                )
            )

    def _on_remove(self, _: ops.RemoveEvent) -> None:
        if not self._is_going:
            return
        import storage_removal  # no other hook needs it

        loaded = config.load(self, self.config_type)
        options = None if isinstance(loaded, config.Invalid) else loaded
        outcome = storage_removal.conclude(self._cluster, self._names, options)
        is_static = options is None or options.backend_type.is_static
        storage_removal.log(outcome, self._names, with_volume=is_static)

    def _on_check_storage(self, event: ops.ActionEvent) -> None:
        params = config.load_params(event, CheckStorageParams)
        options = self._options_for(event)
        if isinstance(params, config.Invalid):
            event.fail(str(params))
        elif options is not None:
            self._check(event, self._shared(options), params.wait)

    def _check(
        self, event: ops.ActionEvent, shared: shared_storage.SharedStorage, wait: int
    ) -> None:
        begun = shared.check_anew()
        if begun.trouble is not None:
            event.fail(begun.trouble.text)
            return
        run = begun.seen.run if begun.seen is not None else None
        number = run.number if run is not None else 0
        storage = self._await(shared, number, wait)
        self._keep(storage)
        self._report(event, storage, number)

    def _await(
        self, shared: shared_storage.SharedStorage, number: int, seconds: int
    ) -> shared_storage.Storage:
        deadline = time.monotonic() + seconds
        storage = shared.reconcile()
        for _ in range(int(seconds / _POLL)):
            if _answer(storage, number) is not None or time.monotonic() >= deadline:
                break
            if not waiting.pause(_POLL):
                break
            storage = shared.reconcile()
        return storage

    def _report(
        self, event: ops.ActionEvent, storage: shared_storage.Storage, number: int
    ) -> None:
        answer = _answer(storage, number)
        if answer is None:
            event.set_results({'check': f'run {number} is under way; see show-storage'})
            return
        event.set_results(storage_report.answer(answer))
        if answer.result is not check_job.Result.PASSED:
            event.fail(f'{answer.result}: {answer.reason}')

    def _on_show_storage(self, event: ops.ActionEvent) -> None:
        options = self._options_for(event)
        if options is None:
            return
        self._storage = self._shared(options).view()
        event.set_results(storage_report.overview(self._storage, self._consumers()))
        if self._storage.seen is None and self._storage.trouble is not None:
            event.fail(self._storage.trouble.text)

    def _options_for(self, event: ops.ActionEvent) -> StorageOptions | None:
        """Return the options for an action, or None after it has been failed."""
        options = config.load(self, self.config_type)
        if not self.unit.is_leader():
            event.fail(f'only the leader can tell; run it on {self.app.name}/leader')
        elif isinstance(options, config.Invalid):
            event.fail(str(options))
        else:
            return options
        return None

    def _consumers(self) -> list[storage_report.Consumer]:
        return [_consumer(answer) for answer in self._provider.read()]

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self._is_going:
            event.add_status(ops.MaintenanceStatus('going away'))
            return
        options = config.load(self, self.config_type)
        if isinstance(options, config.Invalid):
            event.add_status(ops.BlockedStatus(str(options)))
        elif not self.unit.is_leader():
            event.add_status(ops.ActiveStatus('the leader looks after the storage'))
        else:
            storage = self._storage or self._shared(options).view()
            status = storage_report.status(storage, self._consumers())
            event.add_status(status.for_juju())


def _answer(storage: shared_storage.Storage, number: int) -> check_job.Answer | None:
    """Return the answer of one run, or of one after it."""
    run = storage.seen.run if storage.seen is not None else None
    return run.answer if run is not None and run.number >= number else None


def _consumer(
    answer: interfaces.Answer[interfaces.MediaStorageRequirerData],
) -> storage_report.Consumer:
    if isinstance(answer, interfaces.Valid):
        return storage_report.Consumer(answer.data.instance_name, is_known=True)
    return storage_report.Consumer(answer.app, is_known=False)


if __name__ == '__main__':
    ops.main(CharmarrStorageCharm)
