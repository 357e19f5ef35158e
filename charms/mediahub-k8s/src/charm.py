#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""mediahub on Kubernetes: who watches what, on every media server that is related."""

from __future__ import annotations

import dataclasses
import functools
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import ops

import hub
import hub_config
import hub_container
import hub_info
import hub_options
import hub_plan
import hub_servers
import hub_status
from charmarr_lib import config, ingress, interfaces, pebble, reconcile
from charmarr_lib.interfaces import MediaServer
from hub import Failed
from hub_container import Health
from hub_plan import Duty, Room, Secrets, World
from hub_servers import Server
from hub_status import Seen

logger = logging.getLogger(__name__)

_WEBHOOK: Final = 'webhook-secret'  # label of the secret that webhooks show
_CURRENT: Final = 'secret'
_PREVIOUS: Final = 'previous'

Params = TypeVar('Params', bound=config.Options)

Work = Callable[['MediahubCharm', ops.ActionEvent], dict[str, Any]]


def _action(work: Work) -> Callable[[MediahubCharm, ops.ActionEvent], None]:
    """Make an action's handler of a method that returns the results, or raises ``Failed``."""

    @functools.wraps(work)
    def handle(self: MediahubCharm, event: ops.ActionEvent) -> None:
        try:
            results = work(self, event)
        except (Failed, pebble.ProgramError) as error:
            event.fail(str(error))
        else:
            event.set_results({name: _text(value) for name, value in results.items()})

    return handle


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class MediahubCharm(ops.CharmBase):
    """Reads the model and the container, lets :mod:`hub_plan` decide, and does it."""

    config_type = hub_options.Options
    action_types: Final = hub_options.ACTIONS

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self._program = pebble.Program(self.unit.get_container(hub.SERVICE), hub.SERVICE)
        self._media_server = interfaces.MediaServerRequirer(self)
        self._ingress = ingress.IstioIngress(self, hub.PORT)
        self._seen: Seen | None = None
        reconcile.observe(self, self._reconcile)
        observe = framework.observe
        observe(self.on.stop, self._on_leaving)
        observe(self.on.remove, self._on_leaving)
        observe(self.on['data'].storage_detaching, self._on_leaving)
        observe(self.on.collect_unit_status, self._on_collect_unit_status)
        observe(self.on.secret_remove, self._on_secret_remove)
        observe(self.on.backup_action, self._on_backup)
        observe(self.on.register_webhook_action, self._on_register_webhook)
        observe(self.on.restore_action, self._on_restore)
        observe(self.on.rotate_webhook_secret_action, self._on_rotate_webhook_secret)
        observe(self.on.show_info_action, self._on_show_info)

    # Read.

    def _look(self) -> World:
        options = config.load(self, self.config_type)
        answers = tuple(self._media_server.read())
        room = self._room()
        known = hub_config.known(room.config) if room is not None else {}
        roster = hub_servers.roster(answers, known)
        port = 0 if isinstance(options, config.Invalid) else options.ingress_port
        return World(
            model=self.model.name,
            app=self.app.name,
            options=options,
            planned=self.app.planned_units(),
            leader=self.unit.is_leader(),
            answers=answers,
            roster=roster,
            ingress_url=self._ingress.url(port),
            secrets=self._secrets(options, roster.servers),
            room=room,
        )

    def _room(self) -> Room | None:
        if not self._program.can_connect():
            return None
        try:
            return hub_container.look(self._program)
        except pebble.ProgramError as error:
            logger.info('cannot look into the container: %s', error)
            return None

    # Secrets.

    def _secrets(
        self, options: hub_options.Options | config.Invalid, servers: tuple[Server, ...]
    ) -> Secrets:
        if isinstance(options, config.Invalid):
            return Secrets()
        faults: list[str] = []
        values = self._webhook_secrets(options)
        nats = self._content(options.nats_credentials, 'nats-credentials', faults)
        values |= {f'nats-{key}': text for key, text in nats.items() if key in _NATS_KEYS}
        tautulli = self._content(options.tautulli_api_key, 'tautulli-api-key', faults)
        if options.tautulli_api_key is not None and tautulli and 'api-key' not in tautulli:
            faults.append('the secret of tautulli-api-key lacks the key api-key')
        values |= {'tautulli-api-key': tautulli['api-key']} if 'api-key' in tautulli else {}
        tokens = dict(self._tokens(options, servers, faults))
        return Secrets(values, tokens, tuple(faults))

    def _tokens(
        self, options: hub_options.Options, servers: tuple[Server, ...], faults: list[str]
    ) -> Iterator[tuple[str, str]]:
        """Yield each server's name with its token.

        A user's secret may hold a token for one application under its name, and one for all others
        under ``token``.
        """
        plex = self._content(options.plex_token, 'plex-token', faults)
        others = self._content(options.jellyfin_token, 'jellyfin-token', faults)
        for server in servers:
            given = plex if server.kind is MediaServer.PLEX else others
            token = given.get(server.app) or given.get('token') or self._granted(server)
            if token:
                yield server.name, token

    def _granted(self, server: Server) -> str:
        """Return the token that the server's application has granted us, if it has."""
        if not server.granted:
            return ''
        try:
            secret = self.model.get_secret(id=server.granted)
            return secret.get_content(refresh=True).get('token', '')
        except (ops.SecretNotFoundError, ops.ModelError) as error:
            logger.info('the secret of %s cannot be read: %s', server.app, error)
            return ''

    def _content(
        self, secret: ops.Secret | None, option: str, faults: list[str]
    ) -> Mapping[str, str]:
        """Return the content of a user's secret, and note where it cannot be read."""
        if secret is None:
            return {}
        try:
            return secret.get_content(refresh=True)
        except (ops.SecretNotFoundError, ops.ModelError):
            # Juju does not tell a secret that is gone from one that is not granted.
            faults.append(
                f'cannot read the secret of {option}; run: juju grant-secret (name) '
                f'{self.app.name}'
            )
            return {}

    def _webhook(self) -> ops.Secret | None:
        try:
            return self.model.get_secret(label=_WEBHOOK)
        except (ops.SecretNotFoundError, ops.ModelError):
            return None

    def _webhook_secrets(self, options: hub_options.Options) -> dict[str, str]:
        """Return what webhooks show, making it when it is wanted for the first time."""
        if not options.plex_webhooks or not self.unit.is_leader():
            return {}
        secret = self._webhook()
        if secret is None:
            secret = self.app.add_secret(
                {_CURRENT: secrets.token_urlsafe(32)},
                label=_WEBHOOK,
                description='What Plex webhooks show to mediahub',
            )
        content = secret.get_content(refresh=True)
        found = {hub_config.WEBHOOK_SECRET: content[_CURRENT]}
        return found | ({hub_config.PREVIOUS: content[_PREVIOUS]} if _PREVIOUS in content else {})

    # Reconcile.

    def _reconcile(self, _: ops.EventBase) -> None:
        self.unit.set_ports(hub.PORT)
        self._converge()

    def _converge(self) -> None:
        world = self._look()
        if not isinstance(world.options, config.Invalid):
            # The hub asks everybody to sign in, so there is nothing to wait for.
            self._ingress.publish(world.options.ingress_port)
        self._seen = self._work(world)

    def _work(self, world: World) -> Seen:
        """Bring the workload to what was decided, and look how it is."""
        room = world.room
        if room is None:
            return Seen(world)
        try:
            if world.duty in (Duty.IDLE, Duty.LEAVE):
                self._program.stop()
                return self._seen_again(world)
            plan = hub_plan.decide(world) if world.duty is Duty.RUN else None
            if plan is None:
                return Seen(world)
            health = hub_container.converge(self._program, room, plan)
        except pebble.Disconnected:
            return Seen(dataclasses.replace(world, room=None))
        except pebble.ProgramError as error:
            logger.warning('%s', error)
            return self._seen_again(world, trouble=str(error))
        if health.version:
            self.unit.set_workload_version(health.version)
        return self._seen_again(world, health=health)

    def _seen_again(
        self, world: World, *, trouble: str = '', health: Health | None = None
    ) -> Seen:
        return Seen(dataclasses.replace(world, room=self._room()), trouble, health)

    def _on_leaving(self, _: ops.EventBase) -> None:
        """Stop the hub before its storage goes; it writes down what plays."""
        try:
            self._program.stop()
        except pebble.ProgramError as error:
            logger.info('cannot stop the hub: %s', error)

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        status = hub_status.report(self._seen or self._survey())
        event.add_status(status.for_juju())

    def _survey(self) -> Seen:
        """Look how things are, without changing anything."""
        world = self._look()
        if world.room is None or not world.room.running:
            return Seen(world)
        try:
            return Seen(world, health=hub_container.health(self._program))
        except pebble.ProgramError as error:
            return Seen(world, str(error))

    def _on_secret_remove(self, event: ops.SecretRemoveEvent) -> None:
        if event.secret.label == _WEBHOOK:
            event.remove_revision()

    # Actions.

    @_action
    def _on_backup(self, event: ops.ActionEvent) -> dict[str, Any]:
        hub_plan.running(self._look())
        self._params(event, hub_options.NoParams)
        return {'path': hub_container.run(self._program, 'backup', '--folder', hub.BACKUPS)}

    @_action
    def _on_restore(self, event: ops.ActionEvent) -> dict[str, Any]:
        params = self._params(event, hub_options.RestoreParams)
        hub_plan.own(self._look())
        self._program.stop()
        try:
            before = hub_container.run(self._program, 'restore', params.path)
        finally:
            self._converge()
        return {'restored': params.path, 'before': before or 'none'}

    @_action
    def _on_register_webhook(self, event: ops.ActionEvent) -> dict[str, Any]:
        """Have the hub tell plex.tv where to send webhooks; those of others stay."""
        self._params(event, hub_options.NoParams)
        world = self._look()
        hub_plan.running(world)
        options = world.options
        if isinstance(options, config.Invalid) or not options.plex_webhooks:
            raise Failed(f'run: juju config {world.app} plex-webhooks=true')
        url = f'{world.origin or world.url}{hub.WEBHOOK}'
        hub_container.run(self._program, 'register-webhook', '--url', url)
        return {'registered': url}

    @_action
    def _on_rotate_webhook_secret(self, event: ops.ActionEvent) -> dict[str, Any]:
        """Make a new secret; the one before is taken until the next rotation."""
        self._params(event, hub_options.NoParams)
        hub_plan.own(self._look())
        secret = self._webhook()
        if secret is None:
            raise Failed(f'there is none yet; run: juju config {self.app.name} plex-webhooks=true')
        before = secret.get_content(refresh=True)[_CURRENT]
        secret.set_content({_CURRENT: secrets.token_urlsafe(32), _PREVIOUS: before})
        self._converge()
        return hub_info.webhook(self._look(), secret.id or secret.get_info().id)

    @_action
    def _on_show_info(self, event: ops.ActionEvent) -> dict[str, Any]:
        self._params(event, hub_options.NoParams)
        world = self._look()
        if world.room is None:
            raise Failed('the container cannot be reached yet')
        health = hub_container.health(self._program) if world.room.running else Health()
        secret = self._webhook() if self.unit.is_leader() else None
        version = hub_container.version(self._program)
        return hub_info.about(world, health, version, secret.get_info().id if secret else None)

    def _params(self, event: ops.ActionEvent, model: type[Params]) -> Params:
        params = config.load_params(event, model)
        if isinstance(params, config.Invalid):
            raise Failed(str(params))
        return params


_NATS_KEYS: Final = ('user', 'password', 'token')


if __name__ == '__main__':
    ops.main(MediahubCharm)
