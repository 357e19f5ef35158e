# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the model of Pebble promises, held against every Pebble there is."""

from __future__ import annotations

import stat

import ops
import pytest

from charmarr_lib import pebble

from .backends import CHECK, SERVICE, VOLUME, check, layer


def run(backend, **service):
    return pebble.replan(backend.container, 'one', layer(**service))


def service(backend):
    return backend.container.get_service(SERVICE)


def up(backend):
    return backend.container.get_check(CHECK).status is ops.pebble.CheckStatus.UP


# Services


def test_starts_what_is_enabled_and_leaves_it_alone(backend):
    assert run(backend) is True
    assert run(backend) is False
    assert (service(backend).is_running(), backend.starts()) == (True, 1)


@pytest.mark.parametrize(
    'change',
    [
        {'environment': {'A': '1'}},
        {'kill-delay': '120s'},
        {'user-id': 911, 'group-id': 911},
        {'summary': 'Other'},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_difference_restarts_once(backend, change):
    run(backend)
    assert run(backend, **change) is True
    assert run(backend, **change) is False
    assert backend.starts() == 2


def test_what_is_not_enabled_waits_to_be_started(backend):
    run(backend, startup='disabled')
    assert (service(backend).is_running(), backend.starts()) == (False, 0)
    backend.container.start(SERVICE)
    assert service(backend).is_running()


def test_stopped_is_stopped_until_the_next_replan(backend):
    run(backend)
    assert pebble.stop(backend.container, SERVICE) is True
    assert pebble.stop(backend.container, SERVICE) is False
    assert service(backend).current is ops.pebble.ServiceStatus.INACTIVE
    assert run(backend) is True
    assert service(backend).is_running()


def test_a_replan_starts_what_was_stopped_and_has_changed(backend):
    run(backend, startup='disabled')
    backend.container.start(SERVICE)
    backend.container.stop(SERVICE)
    run(backend, startup='disabled', environment={'A': '1'})
    assert service(backend).is_running()


def test_what_exits_at_once_is_an_error_and_tried_again(backend):
    backend.refuse('no such folder')
    with pytest.raises(ops.pebble.ChangeError, match='exited quickly') as raised:
        run(backend)
    assert 'no such folder' in str(raised.value)
    assert 'will restart' in raised.value.err
    assert not service(backend).is_running()
    backend.accept()
    backend.until(lambda: service(backend).is_running())
    assert run(backend) is False


def test_what_must_not_be_tried_again_is_in_error(backend):
    backend.refuse('no such folder')
    with pytest.raises(ops.pebble.ChangeError, match='will ignore'):
        run(backend, **{'on-failure': 'ignore'})
    assert service(backend).current is ops.pebble.ServiceStatus.ERROR
    backend.accept()
    assert run(backend, **{'on-failure': 'ignore'}) is True
    assert service(backend).is_running()


@pytest.mark.parametrize('verb', ['start', 'stop', 'restart'])
def test_a_service_that_there_is_not_is_a_bad_request(backend, verb):
    with pytest.raises(ops.pebble.APIError, match='"other" does not exist') as raised:
        getattr(backend.container.pebble, f'{verb}_services')(['other'])
    assert raised.value.code == 400


# Layers


def test_layers_merge_or_replace_as_they_say(backend):
    container = backend.container
    container.add_layer('one', layer(environment={'A': '1', 'B': '1'}))
    merged = {'services': {SERVICE: {'override': 'merge', 'environment': {'B': '2'}}}}
    container.add_layer('two', merged)
    assert container.get_plan().services[SERVICE].environment == {'A': '1', 'B': '2'}
    container.add_layer('one', layer(environment={'C': '1'}), combine=True)
    assert container.get_plan().services[SERVICE].environment == {'C': '1', 'B': '2'}


@pytest.mark.parametrize(
    ('refused', 'why'),
    [
        (layer(override=''), 'must define "override"'),
        (layer(override='add'), 'invalid "override"'),
        (layer(command=''), 'must define "command"'),
        (check(http={'url': ''}), 'must set "url"'),
        (check(tcp={'port': 9}), 'must specify one of'),
    ],
    ids=['no override', 'another override', 'no command', 'no url', 'two kinds'],
)
def test_refuses_a_layer_that_makes_no_plan(backend, refused, why):
    with pytest.raises(ops.pebble.APIError, match=why) as raised:
        backend.container.add_layer('one', refused)
    assert raised.value.code == 400
    assert backend.container.get_plan().to_dict() == {}


def test_refuses_a_second_layer_of_a_name(backend):
    backend.container.add_layer('one', layer())
    with pytest.raises(ops.pebble.APIError, match='already exists'):
        backend.container.add_layer('one', layer())


# Checks


def test_a_check_goes_down_at_its_threshold_and_comes_up_again(backend):
    run(backend)
    backend.container.add_layer('two', check(threshold=2))
    assert up(backend)
    backend.accept(healthy=False)
    backend.until(lambda: not up(backend))
    assert backend.container.get_check(CHECK).failures >= 2
    backend.accept(healthy=True)
    backend.until(lambda: up(backend))
    assert backend.container.get_check(CHECK).failures == 0
    assert backend.starts() == 1


def test_a_check_of_a_program_that_does_not_run_goes_down(backend):
    backend.container.add_layer('two', check(threshold=1))
    backend.until(lambda: not up(backend))


def test_a_changed_check_begins_anew(backend):
    backend.container.add_layer('two', check(threshold=1))
    backend.until(lambda: not up(backend))
    backend.container.add_layer('two', check(threshold=1, period='1m'), combine=True)
    assert (up(backend), backend.container.get_check(CHECK).failures) == (True, 0)


# Files


def seen(backend, path):
    """Return owner, group and mode as Pebble tells them."""
    (info,) = backend.container.list_files(path, itself=True)
    return info.user_id, info.group_id, info.permissions


def test_a_pushed_file_has_the_owner_and_mode_it_was_given(backend):
    path = f'{VOLUME}/d/f'
    backend.container.push(path, 'x', make_dirs=True, permissions=0o600, user_id=7, group_id=8)
    assert seen(backend, path) == (7, 8, 0o600)
    assert seen(backend, f'{VOLUME}/d') == (7, 8, 0o755)
    assert stat.S_IMODE(backend.outside(path).stat().st_mode) == 0o600


def test_a_pushed_file_is_roots_where_nobody_is_named_whoevers_it_was(backend):
    path = f'{VOLUME}/f'
    backend.container.push(path, 'x', permissions=0o600, user_id=7, group_id=8)
    backend.container.push(path, 'y')
    assert seen(backend, path) == (0, 0, 0o644)
    with backend.container.pull(path) as file:
        assert file.read() == 'y'


def test_an_owner_may_be_named_as_the_image_names_it(backend):
    backend.container.push('/f', b'', user='abc', group_id=911)
    (info,) = backend.container.list_files('/f')
    assert (info.user, info.user_id, info.group_id) == ('abc', 911, 911)


def test_a_user_that_the_image_does_not_know_is_an_error(backend):
    with pytest.raises(ops.pebble.PathError, match='unknown user nobody-here'):
        backend.container.push('/f', b'', user='nobody-here', group_id=1)


def test_a_folder_is_made_with_those_above_it_alike(backend):
    backend.container.make_dir(
        f'{VOLUME}/a/b', make_parents=True, permissions=0o750, user_id=7, group_id=8
    )
    assert seen(backend, f'{VOLUME}/a') == seen(backend, f'{VOLUME}/a/b') == (7, 8, 0o750)
    backend.container.make_dir(f'{VOLUME}/a/b', make_parents=True, permissions=0o700)
    assert seen(backend, f'{VOLUME}/a/b') == (7, 8, 0o750)


@pytest.mark.parametrize(
    ('act', 'kind'),
    [
        pytest.param(lambda c: c.pull('/missing'), 'not-found', id='pull'),
        pytest.param(lambda c: c.pull('/etc'), 'generic-file-error', id='pull a folder'),
        pytest.param(lambda c: c.push('/missing/f', ''), 'not-found', id='push'),
        pytest.param(lambda c: c.push('f', ''), 'generic-file-error', id='push relative'),
        pytest.param(lambda c: c.make_dir('/missing/d'), 'not-found', id='make'),
        pytest.param(lambda c: c.make_dir(VOLUME), 'generic-file-error', id='make again'),
        pytest.param(
            lambda c: c.make_dir('/etc/passwd/d', make_parents=True),
            'generic-file-error',
            id='make in a file',
        ),
        pytest.param(lambda c: c.remove_path('/missing'), 'not-found', id='remove'),
        pytest.param(lambda c: c.remove_path('/etc'), 'generic-file-error', id='remove full'),
        pytest.param(
            lambda c: c.remove_path(VOLUME, recursive=True),
            'generic-file-error',
            id='remove a volume',
        ),
    ],
)
def test_what_cannot_be_done_with_a_file_is_told_by_its_kind(backend, act, kind):
    with pytest.raises(ops.pebble.PathError) as raised:
        act(backend.container)
    assert raised.value.kind == kind


def test_a_path_that_there_is_not_cannot_be_listed(backend):
    with pytest.raises(ops.pebble.APIError) as raised:
        backend.container.list_files('/missing')
    assert raised.value.code == 404


def test_to_remove_what_is_not_there_can_be_enough(backend):
    backend.container.remove_path('/missing', recursive=True)
    assert not backend.container.exists('/missing')


def test_a_listing_is_in_order_and_takes_a_pattern(backend):
    for name in ('b.txt', 'a.txt', 'c'):
        backend.container.push(f'{VOLUME}/{name}', name)
    assert [each.name for each in backend.container.list_files(VOLUME)] == ['a.txt', 'b.txt', 'c']
    found = backend.container.list_files(VOLUME, pattern='*.txt')
    assert [(each.path, each.size) for each in found] == [
        (f'{VOLUME}/a.txt', 5),
        (f'{VOLUME}/b.txt', 5),
    ]


def test_tells_a_volume_from_a_folder(backend):
    assert pebble.is_mounted(backend.container, VOLUME) is True
    assert pebble.is_mounted(backend.container, '/etc') is False


def test_gives_a_tree_away_once(backend):
    backend.container.push(f'{VOLUME}/a/b c', '', make_dirs=True)
    assert pebble.ensure_owner(backend.container, VOLUME, 1000, 1001) is True
    assert pebble.ensure_owner(backend.container, VOLUME, 1000, 1001) is False
    for path in (VOLUME, f'{VOLUME}/a', f'{VOLUME}/a/b c'):
        assert seen(backend, path)[:2] == (1000, 1001)


# Commands


def test_a_command_that_is_missing_and_one_that_fails_are_told_apart(backend):
    with pytest.raises(ops.pebble.APIError, match='cannot find executable "no-such-program"'):
        backend.container.exec(['no-such-program'])
    with pytest.raises(ops.pebble.ExecError) as raised:
        backend.container.exec(['cat', '/missing']).wait_output()
    assert raised.value.exit_code == 1


def test_a_command_says_what_it_finds(backend):
    backend.container.push('/f', 'text', permissions=0o640, user_id=1, group_id=2)
    output, _ = backend.container.exec(['stat', '-c', '%u:%g %a', '/f']).wait_output()
    assert output == '1:2 640\n'
