#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Seerr on Kubernetes: a request manager that already knows its media server."""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import ops

import seerr
import seerr_info
import seerr_keys
import seerr_options
import seerr_plan
import seerr_setup
import seerr_status
import seerr_work
from charmarr_lib import config, ingress, interfaces, pebble, reconcile
from charmarr_lib.interfaces import MediaServer
from seerr import Failed
from seerr_options import Rotation
from seerr_plan import Duty, Plan, Room, World
from seerr_servers import Server
from seerr_settings import Fault
from seerr_status import Seen
from seerr_work import Note

logger = logging.getLogger(__name__)

_ROTATIONS: Final = {
    Rotation.DISABLED: ops.SecretRotate.NEVER,
    Rotation.DAILY: ops.SecretRotate.DAILY,
    Rotation.MONTHLY: ops.SecretRotate.MONTHLY,
    Rotation.YEARLY: ops.SecretRotate.YEARLY,
}
_JELLYFIN_KINDS: Final = (MediaServer.JELLYFIN, MediaServer.EMBY)  # they speak one language
_KEY: Final = 'api-key'  # label of the secret, and the key in its content

Params = TypeVar('Params', bound=config.Options)

Work = Callable[['OverseerrCharm', ops.ActionEvent], dict[str, Any]]


def _action(work: Work) -> Callable[[OverseerrCharm, ops.ActionEvent], None]:
    """Make an action's handler of a method that returns the results, or raises ``Failed``."""

    @functools.wraps(work)
    def handle(self: OverseerrCharm, event: ops.ActionEvent) -> None:
        try:
            results = work(self, event)
        except Failed as error:
            event.fail(str(error))
        else:
            event.set_results(seerr_info.texts(results))

    return handle


class OverseerrCharm(ops.CharmBase):
    """Reads the model and the container, lets :mod:`seerr_plan` decide, and does it."""

    config_type = seerr_options.Options
    action_types: Final = seerr_options.ACTIONS

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self._program = pebble.Program(self.unit.get_container(seerr.SERVICE), seerr.SERVICE)
        self._media_server = interfaces.MediaServerRequirer(self)
        self._ingress = ingress.IstioIngress(self, seerr.PORT)
        self._seen: Seen | None = None
        reconcile.observe(self, self._reconcile)
        observe = framework.observe
        observe(self.on.stop, self._on_leaving)
        observe(self.on.remove, self._on_leaving)
        observe(self.on['config'].storage_detaching, self._on_leaving)
        observe(self.on.collect_unit_status, self._on_collect_unit_status)
        observe(self.on.secret_rotate, self._on_secret_rotate)
        observe(self.on.secret_remove, self._on_secret_remove)
        observe(self.on.rotate_api_key_action, self._on_rotate_api_key)
        observe(self.on.setup_jellyfin_action, self._on_setup_jellyfin)
        observe(self.on.setup_plex_action, self._on_setup_plex)
        observe(self.on.show_info_action, self._on_show_info)
        observe(self.on.backup_action, self._on_backup)
        observe(self.on.restore_action, self._on_restore)

    # Read.

    def _look(self) -> World:
        options = config.load(self, self.config_type)
        port = 0 if isinstance(options, config.Invalid) else options.ingress_port
        return World(
            model=self.model.name,
            app=self.app.name,
            unit=self.unit.name,
            options=options,
            planned=self.app.planned_units(),
            leader=self.unit.is_leader(),
            servers=tuple(self._media_server.read()),
            ingress=self._ingress.is_related,
            ingress_url=self._ingress.url(port),
            api_key=self._api_key(),
            room=self._room(),
        )

    def _room(self) -> Room | None:
        if not self._program.can_connect():
            return None
        try:
            return seerr_work.look(self._program)
        except pebble.ProgramError as error:
            logger.info('cannot look into the container: %s', error)
            return None

    def _secret(self) -> ops.Secret | None:
        try:
            return self.model.get_secret(label=_KEY)
        except (ops.SecretNotFoundError, ops.ModelError):
            return None

    def _api_key(self) -> str | None:
        secret = self._secret() if self.unit.is_leader() else None
        return _content(secret) if secret else None

    # Reconcile.

    def _reconcile(self, _: ops.EventBase) -> None:
        self.unit.set_ports(seerr.PORT)
        self._converge()

    def _converge(self) -> None:
        world = self._recovered(self._look())
        self._publish(world)
        self._seen = self._work(world)

    def _work(self, world: World) -> Seen:
        """Bring the workload to what was decided, and look how it is."""
        try:
            if world.duty is Duty.IDLE and world.room is not None:
                self._program.stop()
                return Seen(dataclasses.replace(world, room=self._room()))
            outcome = self._run(world) if world.duty is Duty.RUN else None
        except pebble.Disconnected:
            return Seen(dataclasses.replace(world, room=None))
        except pebble.ProgramError as error:
            logger.warning('%s', error)
            return Seen(dataclasses.replace(world, room=self._room()), trouble=str(error))
        if outcome is None:
            return Seen(world)
        after = dataclasses.replace(world, room=self._room()) if outcome.changed else world
        return Seen(after, notes=outcome.notes)

    def _run(self, world: World) -> seerr_work.Outcome | None:
        now = seerr_plan.ready(world)
        if now is None:
            return None
        plan = seerr_plan.decide(now, fresh_key := seerr_keys.new_key())

        def decide(room: Room) -> Plan | None:
            then = seerr_plan.ready(dataclasses.replace(world, room=room))
            return seerr_plan.decide(then, fresh_key) if then else None

        outcome = seerr_work.converge(self._program, now, plan, decide)
        self._keep_key(plan.api_key, now.options.api_key_rotation)
        self.unit.set_workload_version(now.image.version)
        return outcome

    def _recovered(self, world: World) -> World:
        """Undo a restore that was cut short, and look again."""
        if world.duty is not Duty.RUN or world.fault is not Fault.RESTORING:
            return world
        import seerr_backup

        try:
            seerr_backup.recover(self._program)
        except (Failed, pebble.ProgramError, OSError) as error:
            logger.error('cannot undo the restore that was cut short: %s', error)
        return self._look()

    def _keep_key(self, key: str, rotation: Rotation) -> None:
        """Keep the key that holds in the application's secret, and Juju's plans for it in step."""
        secret = self._secret()
        rotate = _ROTATIONS[rotation]
        if secret is None:
            description = 'API key of the request manager'
            self.app.add_secret({_KEY: key}, label=_KEY, description=description, rotate=rotate)
            return
        if _content(secret) != key:
            logger.info('the API key has been changed in Seerr: keeping the new one')
            secret.set_content({_KEY: key})
        if secret.get_info().rotation is not rotate:
            secret.set_info(rotate=rotate)

    def _publish(self, world: World) -> None:
        """Tell the media servers who asks, and the gateway whether to let people in."""
        if world.room is not None and world.room.image is not None:
            requester = interfaces.RequestManager(world.room.image.flavour.value)
            self._media_server.publish_data(
                interfaces.MediaServerRequirerData(
                    requester=requester, instance_name=self.app.name
                )
            )
        now = seerr_plan.ready(world)
        if now is not None and seerr_plan.exposes(now):
            self._ingress.publish(now.options.ingress_port)
        elif now is not None or world.fault:
            self._ingress.withdraw()

    def _on_leaving(self, _: ops.EventBase) -> None:
        """Stop Seerr before its storage goes."""
        try:
            self._program.stop()
        except pebble.ProgramError as error:
            logger.info('cannot stop Seerr: %s', error)

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        status = seerr_status.report(self._seen or Seen(self._look()))
        event.add_status(status.for_juju())

    # Secrets.

    def _on_secret_rotate(self, event: ops.SecretRotateEvent) -> None:
        if event.secret.label != _KEY or not self.unit.is_leader():
            return
        try:
            self._rotate()
        except Failed as error:  # Juju asks again, until there is a new key
            logger.warning('the API key was not replaced: %s', error)
            note = Note(f'the API key was not replaced: {error}')
            self._seen = Seen(self._look(), notes=(note,))

    def _on_secret_remove(self, event: ops.SecretRemoveEvent) -> None:
        if event.secret.label == _KEY:
            event.remove_revision()

    def _rotate(self) -> None:
        """Replace the API key.

        Raises:
            Failed: if Seerr does not take the new one; the old one holds.
        """
        key = seerr_keys.new_key()
        seerr_keys.rotate(self._program, key)
        secret = self._secret()
        if secret is None:
            self._converge()  # it finds the key in the settings
        else:
            secret.set_content({_KEY: key})

    # Actions.

    @_action
    def _on_rotate_api_key(self, event: ops.ActionEvent) -> dict[str, Any]:
        seerr_plan.running(self._look())
        self._rotate()
        return {'secret-label': _KEY}

    @_action
    def _on_setup_jellyfin(self, event: ops.ActionEvent) -> dict[str, Any]:
        params = self._params(event, seerr_options.SetupJellyfinParams)
        now = seerr_plan.running(self._look())
        account = self._credentials(params.credentials, 'username', 'password')
        server = seerr_setup.pick(now.world.related, _JELLYFIN_KINDS, params.server)
        done = seerr_setup.with_jellyfin(
            now.settings.api_key, server, account['username'], account['password'], params.email
        )
        return self._set_up(server, done)

    @_action
    def _on_setup_plex(self, event: ops.ActionEvent) -> dict[str, Any]:
        params = self._params(event, seerr_options.SetupPlexParams)
        now = seerr_plan.running(self._look())
        account = self._credentials(params.credentials, 'token')
        server = seerr_setup.pick(now.world.related, (MediaServer.PLEX,), params.server)
        done = seerr_setup.with_plex(now.settings.api_key, server, account['token'])
        return self._set_up(server, done)

    def _set_up(self, server: Server, done: seerr_setup.Done) -> dict[str, Any]:
        self._converge()  # the ingress may open now
        return seerr_info.about_setup(server, done)

    def _credentials(self, secret_id: str, *keys: str) -> Mapping[str, str]:
        """Return the content of a user's secret.

        Raises:
            Failed: if it cannot be read, or lacks one of the keys.
        """
        try:
            content = self.model.get_secret(id=secret_id).get_content(refresh=True)
        except (ops.SecretNotFoundError, ops.ModelError):
            # Juju does not tell a secret that is gone from one that is not granted.
            raise Failed(
                f'cannot read that secret; run: juju grant-secret <name> {self.app.name}'
            ) from None
        return seerr_setup.checked(content, keys)

    @_action
    def _on_show_info(self, event: ops.ActionEvent) -> dict[str, Any]:
        world = self._look()
        if world.room is None:
            raise Failed('the container cannot be reached yet')
        return seerr_info.about(world)

    @_action
    def _on_backup(self, event: ops.ActionEvent) -> dict[str, Any]:
        import seerr_backup

        seerr_plan.own(self._look())
        archive = seerr_backup.backup(self._program)
        return {'path': archive.path, 'sha256': archive.sha256, 'size': archive.size}

    @_action
    def _on_restore(self, event: ops.ActionEvent) -> dict[str, Any]:
        import seerr_backup

        params = self._params(event, seerr_options.RestoreParams)
        layer = seerr_plan.layer(self._look())
        before = seerr_backup.restore(self._program, layer, params.path, params.sha256)
        self._converge()
        return {'restored': params.path, 'before': before.path if before else 'none'}

    def _params(self, event: ops.ActionEvent, model: type[Params]) -> Params:
        params = config.load_params(event, model)
        if isinstance(params, config.Invalid):
            raise Failed(str(params))
        return params


def _content(secret: ops.Secret) -> str | None:
    # Refreshing tells Juju that nobody needs the older revisions, so that it has them removed.
    return secret.get_content(refresh=True).get(_KEY)


if __name__ == '__main__':
    ops.main(OverseerrCharm)
