#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plex Media Server on Kubernetes, on storage that all media applications share."""

from __future__ import annotations

import dataclasses
import logging
from typing import Final

import ops

import plex
import plex_actions
import plex_container
import plex_layer
import plex_options
import plex_plan
import plex_status
from charmarr_lib import config, ingress, interfaces, kubernetes, pebble, reconcile
from charmarr_lib.kubernetes import overlay

logger = logging.getLogger(__name__)

_LOG_LEVELS: Final = {
    plex_options.LogLevel.ERROR: logging.ERROR,
    plex_options.LogLevel.WARNING: logging.WARNING,
    plex_options.LogLevel.INFO: logging.INFO,
    plex_options.LogLevel.DEBUG: logging.DEBUG,
    plex_options.LogLevel.TRACE: logging.DEBUG,
}
# What may come before a unit has been told of all its relations: it is told one by one, and begins
# anew where its pod is replaced meanwhile. That storage is not among those it knows says nothing
# then, and what the pod carries may be right: an application that was scaled to zero and back has
# it from before. What has to be let go is, by relation-broken, and at the latest by the next
# update-status.
_EARLY: Final = (
    ops.InstallEvent,
    ops.RelationCreatedEvent,
    ops.UpgradeCharmEvent,
    ops.ConfigChangedEvent,
    ops.StartEvent,
)


class PlexCharm(ops.CharmBase):
    """Reads the model and the pod, lets :mod:`plex_plan` decide, and does it."""

    config_type = plex_options.PlexOptions
    action_types: Final = {
        'claim-server': plex_options.ClaimServer,
        'show-info': plex_options.ShowInfo,
        'scan-libraries': plex_options.ScanLibraries,
    }

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        container = self.unit.get_container(plex_layer.CONTAINER)
        self._plex = plex_container.PlexContainer(pebble.Program(container, plex_layer.SERVICE))
        self._storage = interfaces.MediaStorageRequirer(self)
        self._media_server = interfaces.MediaServerProvider(self)
        self._ingress = ingress.IstioIngress(self, plex_layer.PORT)
        self._cluster = kubernetes.Cluster(
            self.app.name, self.model.name, field_manager=f'{self.app.name}-overlay'
        )
        self._seen: plex_status.Seen | None = None
        self._leaving = False
        reconcile.observe(self, self._reconcile)
        observe = framework.observe
        observe(self.on.stop, self._on_leaving)
        observe(self.on.remove, self._on_leaving)
        observe(self.on['config'].storage_detaching, self._on_leaving)
        observe(self.on.collect_unit_status, self._on_collect_unit_status)
        observe(self.on.claim_server_action, self._on_claim_server)
        observe(self.on.show_info_action, self._on_show_info)
        observe(self.on.scan_libraries_action, self._on_scan_libraries)

    # Read.

    def _look(self) -> plex_plan.World:
        options = config.load(self, self.config_type)
        wants_gpu = not isinstance(options, config.Invalid) and options.hardware_transcoding
        return plex_plan.World(
            app=self.app.name,
            options=options,
            planned=self.app.planned_units(),
            leader=self.unit.is_leader(),
            storage=self._storage.read(),
            room=self._plex.room(wants_gpu=wants_gpu),
        )

    def _prepare(
        self, world: plex_plan.World, event: ops.EventBase | None = None
    ) -> plex_plan.PodOutcome | None:
        wanted = plex_plan.overlay(world)
        if wanted is None or (isinstance(event, _EARLY) and not wanted.wishes):
            return None
        return plex_plan.settled(overlay.prepare(self._cluster, self.app.name, wanted))

    # Reconcile.

    def _reconcile(self, event: ops.EventBase) -> None:
        world = self._look()
        if not isinstance(world.options, config.Invalid):
            logging.getLogger().setLevel(_LOG_LEVELS[world.options.log_level])
        pod = self._prepare(world, event)
        rollout = isinstance(pod, kubernetes.Pending) and pod.rollout
        self._storage.publish_data(
            interfaces.MediaStorageRequirerData(instance_name=self.app.name)
        )
        seen = self._work(world, plex_plan.course(world, rollout=rollout))
        self._publish(seen)
        if isinstance(pod, kubernetes.Pending):
            # The last thing: it may end the pod that this runs in.
            pod = overlay.commit(self._cluster, pod)
            if rollout and not isinstance(pod, kubernetes.Applied):
                seen = self._work(world, plex_plan.course(world, rollout=False))
        self._seen = dataclasses.replace(seen, pod=pod)

    def _work(self, world: plex_plan.World, course: plex_plan.Course) -> plex_status.Seen:
        """Bring the workload to what was decided, and look how it is."""
        seen = plex_status.Seen(world)
        if world.room is None:
            return seen
        if world.planned > 1 and isinstance(course, plex_plan.Run):
            logger.warning('scaled to %d units: all but this one stay idle', world.planned)
        try:
            health = self._plex.work(course)
        except pebble.ProgramError as error:
            return dataclasses.replace(seen, trouble=self._trouble(error))
        return dataclasses.replace(seen, identity=health.identity, notes=health.notes)

    def _trouble(self, error: pebble.ProgramError) -> plex_status.Status:
        logger.warning('the workload could not be brought up: %s', error)
        return plex_status.trouble(error, self.model.name, self.unit.name.replace('/', '-'))

    def _publish(self, seen: plex_status.Seen) -> None:
        """Tell the others where Plex is, once it answers; followers write nothing."""
        options = seen.world.options
        if isinstance(options, config.Invalid) or seen.world.duty is not plex_plan.Duty.RUN:
            return
        self._ingress.publish(options.ingress_port)
        if seen.identity is not None:
            self.unit.set_ports(plex_layer.PORT)
            self.unit.set_workload_version(seen.identity.version)
            self._media_server.publish_data(
                interfaces.MediaServerProviderData(
                    api_url=self._api_url,
                    server=interfaces.MediaServer.PLEX,
                    instance_name=self.app.name,
                    web_url=self._ingress.url(options.ingress_port),
                )
            )
        elif self._is_off(seen.world):
            self.unit.set_ports()
            self._media_server.clear_data()
        elif self._plex.is_down():
            self._media_server.clear_data()

    @property
    def _api_url(self) -> str:
        return f'http://{self.app.name}.{self.model.name}.svc.cluster.local:{plex_layer.PORT}'

    def _is_off(self, world: plex_plan.World) -> bool:
        """Tell whether Plex is meant to stay stopped, and not only while its pod is replaced."""
        return plex_plan.course(world, rollout=False) is plex_plan.Rest.STOP

    # Other events.

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self._leaving:
            return
        status = plex_status.report(self._seen or self._survey())
        event.add_status(status.for_juju())

    def _survey(self) -> plex_status.Seen:
        """Look how things are, without changing anything."""
        world = self._look()
        pod = self._prepare(world)
        if world.room is None:
            return plex_status.Seen(world, pod)
        try:
            return plex_status.Seen(world, pod, identity=self._plex.identity())
        except pebble.ProgramError as error:
            return plex_status.Seen(world, pod, self._trouble(error))

    def _on_leaving(self, _: ops.EventBase) -> None:
        """Let Plex close its database before the pod, or its volume, goes."""
        self._leaving = True
        self._plex.stop()

    # Actions.

    def _on_claim_server(self, event: ops.ActionEvent) -> None:
        params = config.load_params(event, plex_options.ClaimServer)
        if isinstance(params, config.Invalid):
            event.fail(str(params))
            return
        event.log('asking plex.tv through the local server; this may take a minute')
        try:
            identity = plex_actions.claim(self._plex, params.token, force=params.force)
        except plex.PlexError as error:
            event.fail(str(error))
        else:
            event.set_results(
                {'message': 'the server is claimed'} | plex_actions.describe(identity)
            )

    def _on_show_info(self, event: ops.ActionEvent) -> None:
        params = config.load_params(event, plex_options.ShowInfo)
        if isinstance(params, config.Invalid):
            event.fail(str(params))
            return
        world = self._look()
        if world.room is None:
            event.fail(plex_container.UNREACHABLE)
            return
        interesting = {plex_layer.CONFIG, plex_layer.TRANSCODE}
        if world.volume is not None:
            interesting.add(world.volume.mount_path)
        external = None
        if not isinstance(world.options, config.Invalid):
            external = self._ingress.url(world.options.ingress_port)
        event.set_results(
            {
                'api-url': self._api_url,
                'external-url': external or 'none',
                'mounts': ' '.join(sorted(world.room.mounts & interesting)) or 'none',
                'device': ' '.join(sorted(each.name for each in world.room.devices)) or 'none',
            }
            | plex_actions.observe(self._plex)
        )

    def _on_scan_libraries(self, event: ops.ActionEvent) -> None:
        params = config.load_params(event, plex_options.ScanLibraries)
        if isinstance(params, config.Invalid):
            event.fail(str(params))
            return
        try:
            titles = plex_actions.scan(self._plex, params.library)
        except plex.PlexError as error:
            event.fail(str(error))
        else:
            event.set_results({'scanning': ', '.join(titles) or 'none: there are no libraries'})


if __name__ == '__main__':  # what the charm's dispatch script runs
    ops.main(PlexCharm)
