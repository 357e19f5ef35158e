#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Seerr on Kubernetes: a request manager that already knows its media server."""

from __future__ import annotations

import dataclasses
import logging
import secrets
from typing import Final

import ops

import seerr
import seerr_options
import seerr_plan
import seerr_status
import seerr_work
from charmarr_lib import config, ingress, interfaces, pebble, reconcile
from seerr_options import Rotation
from seerr_plan import Duty, Plan, Room, World
from seerr_status import Level, Seen

logger = logging.getLogger(__name__)

_STATUSES: Final = {
    Level.ACTIVE: ops.ActiveStatus,
    Level.WAITING: ops.WaitingStatus,
    Level.BLOCKED: ops.BlockedStatus,
}
_ROTATIONS: Final = {
    Rotation.DISABLED: ops.SecretRotate.NEVER,
    Rotation.DAILY: ops.SecretRotate.DAILY,
    Rotation.MONTHLY: ops.SecretRotate.MONTHLY,
    Rotation.YEARLY: ops.SecretRotate.YEARLY,
}
_KEY: Final = 'api-key'  # label of the secret, and the key in its content


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
        return secret.peek_content().get(_KEY) if secret else None

    # Reconcile.

    def _reconcile(self, _: ops.EventBase) -> None:
        self.unit.set_ports(seerr.PORT)
        self._converge()

    def _converge(self) -> None:
        world = self._look()
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
        plan = seerr_plan.decide(now, fresh_key := secrets.token_hex(32))

        def decide(room: Room) -> Plan | None:
            then = seerr_plan.ready(dataclasses.replace(world, room=room))
            return seerr_plan.decide(then, fresh_key) if then else None

        outcome = seerr_work.converge(self._program, now, plan, decide)
        self._keep_key(plan.api_key, now.options.api_key_rotation)
        self.unit.set_workload_version(now.image.version)
        return outcome

    def _keep_key(self, key: str, rotation: Rotation) -> None:
        """Keep the key that holds in the application's secret, and Juju's plans for it in step."""
        secret = self._secret()
        rotate = _ROTATIONS[rotation]
        if secret is None:
            description = 'API key of the request manager'
            self.app.add_secret({_KEY: key}, label=_KEY, description=description, rotate=rotate)
            return
        if secret.peek_content().get(_KEY) != key:
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
        event.add_status(_STATUSES[status.level](status.message))


if __name__ == '__main__':
    ops.main(OverseerrCharm)
