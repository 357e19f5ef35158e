#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plex Media Server on Kubernetes, on storage that all media applications share."""

from __future__ import annotations

import dataclasses
import logging
from typing import Final, cast

import ops

import plex
import plex_actions
import plex_layer
import plex_options
import plex_plan
import plex_preferences
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
_STATUSES: Final = {
    plex_status.Level.ACTIVE: ops.ActiveStatus,
    plex_status.Level.WAITING: ops.WaitingStatus,
    plex_status.Level.BLOCKED: ops.BlockedStatus,
}
# A restart, a busy disk or a migration of the database is a blip: five minutes.
_BLIP: Final = 300 // plex_layer.CHECK_PERIOD
# Tries after 0, 0.5, 1, 2... seconds for a Plex that was started a moment ago: about 8 s. If it
# takes longer, its check has failed once by then, and Juju says when it recovers.
_PATIENCE: Final = 5
_PEBBLE_GONE: Final = 'the Plex container cannot be reached; try again in a minute'


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
        self._container = self.unit.get_container(plex_layer.CONTAINER)
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
        return plex_plan.World(
            app=self.app.name,
            options=options,
            planned=self.app.planned_units(),
            leader=self.unit.is_leader(),
            storage=self._storage.read(),
            room=self._room(options),
        )

    def _room(self, options: plex_options.PlexOptions | config.Invalid) -> plex_plan.Room | None:
        if not self._container.can_connect():
            return None
        wants_gpu = not isinstance(options, config.Invalid) and options.hardware_transcoding
        try:
            return plex_plan.Room(
                mounts=pebble.mounts(self._container),
                devices=self._devices() if wants_gpu else (),
                running=pebble.is_running(self._container, plex_layer.SERVICE),
            )
        except ops.pebble.Error as error:
            logger.info('Pebble went away: %s', error)
            return None

    def _devices(self) -> tuple[plex_layer.Device, ...]:
        try:
            found = self._container.list_files(plex_layer.DEVICES)
        except ops.pebble.APIError:  # there is no such folder
            return ()
        return tuple(
            plex_layer.Device(each.name, each.group_id or 0, each.permissions) for each in found
        )

    def _prepare(self, world: plex_plan.World) -> plex_plan.PodOutcome | None:
        wanted = plex_plan.overlay(world)
        if wanted is None:
            return None
        return plex_plan.settled(overlay.prepare(self._cluster, self.app.name, wanted))

    def _preferences(self) -> plex_preferences.Preferences | None:
        """Return Plex's settings, None if there are none yet or they cannot be read."""
        try:
            return plex_preferences.Preferences.parse(
                self._container.pull(plex_layer.PREFERENCES).read()
            )
        except ops.pebble.PathError:
            return None
        except (plex_preferences.MalformedPreferencesError, UnicodeDecodeError) as error:
            logger.warning('leaving the preferences alone: %s', error)
            return None

    # Reconcile.

    def _reconcile(self, _: ops.EventBase) -> None:
        world = self._look()
        if not isinstance(world.options, config.Invalid):
            logging.getLogger().setLevel(_LOG_LEVELS[world.options.log_level])
        pod = self._prepare(world)
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
            if course is plex_plan.Rest.STOP:
                pebble.stop(self._container, plex_layer.SERVICE)
                return seen
            patience = 0
            if isinstance(course, plex_plan.Run) and self._run(course):
                patience = _PATIENCE
            identity = self._identity(patience)
            if identity is None or not isinstance(course, plex_plan.Run):
                return dataclasses.replace(seen, identity=identity)
            return dataclasses.replace(seen, identity=identity, notes=self._tune(course))
        except ops.pebble.Error as error:
            return dataclasses.replace(seen, trouble=self._trouble(error))

    def _run(self, course: plex_plan.Run) -> bool:
        """Start Plex, or restart it where its plan has changed; return whether that was so."""
        launch = course.launch
        if not self._owns_config(launch):
            # What Plex still writes would belong to its old user.
            pebble.stop(self._container, plex_layer.SERVICE)
            pebble.ensure_owner(
                self._container, plex_layer.CONFIG, launch.user_id, launch.group_id
            )
        if not pebble.is_running(self._container, plex_layer.SERVICE):
            self._edit_preferences(lambda found: found.replaced(_changes(found, course)))
        layer = cast('ops.pebble.LayerDict', plex_layer.layer(launch))
        return pebble.replan(self._container, plex_layer.LABEL, layer)

    def _owns_config(self, launch: plex_layer.Launch) -> bool:
        top = self._container.list_files(plex_layer.CONFIG, itself=True)[0]
        return (top.user_id, top.group_id) == (launch.user_id, launch.group_id)

    def _edit_preferences(self, edit: plex_actions.Edit) -> None:
        """Change the file of a Plex that is stopped; owner and mode stay."""
        found = self._preferences()
        if found is None:
            return
        text = edit(found).to_xml()
        if text == found.to_xml():
            return
        file = self._container.list_files(plex_layer.PREFERENCES, itself=True)[0]
        self._container.push(
            plex_layer.PREFERENCES,
            text,
            user_id=file.user_id,
            group_id=file.group_id,
            permissions=file.permissions,
        )

    def _identity(self, patience: int = 0) -> plex.Identity | None:
        if not pebble.is_running(self._container, plex_layer.SERVICE):
            return None
        try:
            return plex.Server().identity(patience=patience)
        except plex.PlexError as error:
            logger.info('%s', error)
            return None

    def _tune(self, course: plex_plan.Run) -> tuple[str, ...]:
        """Change what differs in the preferences of a running Plex."""
        found = self._preferences()
        if found is None:
            return ()
        wanted = _changes(found, course)
        if not wanted:
            return ()
        try:
            plex.Server(found.token).set_preferences(wanted)
        except plex.PlexError as error:
            logger.warning('cannot set %s: %s', ', '.join(wanted), error)
            return (f'{", ".join(wanted)} not set yet: {error}',)
        return ()

    def _trouble(self, error: ops.pebble.Error) -> plex_status.Status:
        """Turn what Pebble says into one line; all of it goes to the log."""
        logger.warning('the workload could not be brought up: %s', error)
        if isinstance(error, ops.pebble.ConnectionError):
            return plex_status.waiting('waiting for Pebble')
        if isinstance(error, ops.pebble.ChangeError):
            pod = self.unit.name.replace('/', '-')
            return plex_status.blocked(
                f'Plex does not stay up; run: kubectl logs -n {self.model.name} {pod} '
                f'-c {plex_layer.CONTAINER}'
            )
        if isinstance(error, ops.pebble.ExecError):
            return plex_status.blocked(
                f'cannot change the owner of {plex_layer.CONFIG}; check the storage "config"'
            )
        return plex_status.waiting('Pebble could not do it; see juju debug-log')

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
        elif self._is_off(seen.world) or self._is_down():
            self._media_server.clear_data()

    @property
    def _api_url(self) -> str:
        return f'http://{self.app.name}.{self.model.name}.svc.cluster.local:{plex_layer.PORT}'

    def _is_off(self, world: plex_plan.World) -> bool:
        """Tell whether Plex is meant to stay stopped, and not only while its pod is replaced."""
        return plex_plan.course(world, rollout=False) is plex_plan.Rest.STOP

    def _is_down(self) -> bool:
        """Tell whether Plex has been silent for longer than a blip."""
        try:
            checks = self._container.get_checks(plex_layer.READY_CHECK)
        except ops.pebble.Error:
            return False
        check = checks.get(plex_layer.READY_CHECK)
        return check is not None and check.failures >= _BLIP

    # Other events.

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self._leaving:
            return
        status = plex_status.report(self._seen or self._survey())
        event.add_status(_STATUSES[status.level](status.message))

    def _survey(self) -> plex_status.Seen:
        """Look how things are, without changing anything."""
        world = self._look()
        pod = self._prepare(world)
        if world.room is None:
            return plex_status.Seen(world, pod)
        try:
            return plex_status.Seen(world, pod, identity=self._identity())
        except ops.pebble.Error as error:
            return plex_status.Seen(world, pod, self._trouble(error))

    def _on_leaving(self, _: ops.EventBase) -> None:
        """Let Plex close its database before the pod, or its volume, goes."""
        self._leaving = True
        if not self._container.can_connect():
            return
        try:
            pebble.stop(self._container, plex_layer.SERVICE)
        except ops.pebble.Error as error:
            logger.warning('Plex could not be stopped: %s', error)

    # Actions.

    def _on_claim_server(self, event: ops.ActionEvent) -> None:
        params = config.load_params(event, plex_options.ClaimServer)
        if isinstance(params, config.Invalid):
            event.fail(str(params))
            return
        event.log('asking plex.tv through the local server; this may take a minute')
        try:
            self._check_running()
            identity = plex_actions.claim(self, params.token, force=params.force)
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
            event.fail(_PEBBLE_GONE)
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
            | plex_actions.observe(self)
        )

    def _on_scan_libraries(self, event: ops.ActionEvent) -> None:
        params = config.load_params(event, plex_options.ScanLibraries)
        if isinstance(params, config.Invalid):
            event.fail(str(params))
            return
        try:
            self._check_running()
            titles = plex_actions.scan(self, params.library)
        except plex.PlexError as error:
            event.fail(str(error))
        else:
            event.set_results({'scanning': ', '.join(titles) or 'none: there are no libraries'})

    def _check_running(self) -> None:
        """Check that there is a Plex here for an action to talk to.

        Raises:
            plex.PlexError: if there is none.
        """
        try:
            running = pebble.is_running(self._container, plex_layer.SERVICE)
        except ops.pebble.Error:
            raise plex.SilentError(_PEBBLE_GONE) from None
        if not running:
            raise plex.SilentError('Plex does not run on this unit; juju status says why')

    # What plex_actions.Host asks for.

    def preferences(self) -> plex_preferences.Preferences | None:
        """Return Plex's settings, None if there are none yet or they cannot be read.

        Raises:
            plex.PlexError: if Pebble has gone away.
        """
        try:
            return self._preferences()
        except ops.pebble.Error:
            raise plex.SilentError(_PEBBLE_GONE) from None

    def restart_with(self, edit: plex_actions.Edit) -> None:
        """Change the settings while Plex is stopped, and start it again in any case.

        Raises:
            plex.PlexError: if that could not be done.
        """
        try:
            pebble.stop(self._container, plex_layer.SERVICE)
            try:
                self._edit_preferences(edit)
            finally:
                self._container.start(plex_layer.SERVICE)
        except ops.pebble.Error as error:
            logger.warning('Plex could not be restarted: %s', error)
            raise plex.SilentError('Plex could not be restarted; see juju debug-log') from None


def _changes(found: plex_preferences.Preferences, course: plex_plan.Run) -> dict[str, str]:
    return plex_preferences.changes(
        found, course.log_level, plex_layer.TRANSCODE, has_scratch=course.has_scratch
    )


if __name__ == '__main__':  # what the charm's dispatch script runs
    ops.main(PlexCharm)
