# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Generator
from typing import Any

import ops
import pytest
from ops import pebble, testing

from charmarr_lib.testing import _pebble_client
from charmarr_lib.testing.pebble import PebbleFake, use_pebble

LAYER: Any = {
    'services': {'main': {'override': 'replace', 'startup': 'enabled', 'command': 'program'}},
    'checks': {'up': {'override': 'replace', 'tcp': {'port': 8080}}},
}


def test_the_output_state_shows_plan_services_and_checks(act: Any):
    def use(container: ops.Container):
        container.add_layer('one', LAYER)
        container.replan()
        assert container.get_service('main').is_running()

    shown = act(use)
    assert shown.plan.to_dict() == LAYER
    assert shown.service_statuses == {'main': pebble.ServiceStatus.ACTIVE}
    assert shown.get_check_info('up').status is pebble.CheckStatus.UP


def test_a_later_hook_finds_what_an_earlier_one_left(act: Any):
    act(lambda container: container.add_layer('one', LAYER))
    shown = act(lambda container: container.replan())
    assert shown.service_statuses == {'main': pebble.ServiceStatus.ACTIVE}


def test_an_output_state_does_not_change_afterwards(act: Any, fake: PebbleFake):
    shown = act(lambda container: container.add_layer('one', LAYER))
    fake.add_layer(
        'one', {'services': {'main': {'override': 'merge', 'command': 'b'}}}, combine=True
    )
    assert shown.plan.services['main'].command == 'program'


def test_files_are_where_ops_testing_looks_for_them(fake: PebbleFake):
    class Charm(ops.CharmBase):
        pass

    meta: dict[str, Any] = {'name': 'sample', 'containers': {'main': {}}}
    container = testing.Container('main', can_connect=True)
    with testing.Context(Charm, meta=meta) as ctx, use_pebble({('sample/0', 'main'): fake}):
        with ctx(ctx.on.start(), testing.State(containers={container})) as manager:
            manager.charm.unit.get_container('main').push('/f', 'text')
        assert (container.get_filesystem(ctx) / 'f').read_text() == 'text'


def test_a_container_that_cannot_be_reached_refuses_all(fake: PebbleFake):
    class Charm(ops.CharmBase):
        pass

    meta: dict[str, Any] = {'name': 'sample', 'containers': {'main': {}}}
    state = testing.State(containers={testing.Container('main', can_connect=False)})
    with (
        testing.Context(Charm, meta=meta) as ctx,
        use_pebble({'main': fake}),
        ctx(ctx.on.start(), state) as manager,
    ):
        container = manager.charm.unit.get_container('main')
        assert not container.can_connect()
        with pytest.raises(pebble.ConnectionError):
            container.pull('/etc/passwd')


def test_a_command_that_is_missing_and_one_that_fails_are_told_apart(act: Any):
    def use(container: ops.Container):
        with pytest.raises(pebble.APIError, match='ffmpeg'):
            container.exec(['ffmpeg'])
        with pytest.raises(pebble.ExecError) as raised:
            container.exec(['cat', '/missing']).wait_output()
        assert raised.value.exit_code == 1
        output, _ = container.exec(['program', '--version']).wait_output()
        assert output == '1.0\n'

    act(use)


def test_methods_take_what_the_real_client_takes():
    modelled = {
        name: method
        for name, method in inspect.getmembers(_pebble_client.PebbleClient, inspect.isfunction)
        if not name.startswith('_')
    }
    for name, method in modelled.items():
        real = inspect.signature(getattr(pebble.Client, name)).parameters
        assert list(inspect.signature(method).parameters) == list(real), name


def test_every_call_can_be_surrounded(fake: PebbleFake):
    class Charm(ops.CharmBase):
        pass

    calls: list[str] = []

    @contextlib.contextmanager
    def surround(container: PebbleFake, call: str) -> Generator[None]:
        assert container is fake
        calls.append(call)
        yield
        calls.append(f'{call} is over')

    meta: dict[str, Any] = {'name': 'sample', 'containers': {'main': {}}}
    state = testing.State(containers={testing.Container('main', can_connect=True)})
    with (
        testing.Context(Charm, meta=meta) as ctx,
        use_pebble({'main': fake}, surround),
        ctx(ctx.on.start(), state) as manager,
    ):
        container = manager.charm.unit.get_container('main')
        assert container.can_connect()
        container.push('/f', 'text')
    assert calls == ['get_system_info', 'get_system_info is over', 'push', 'push is over']
