# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The API key: one in the secret, the same in Seerr, and a way back when it is replaced."""

import dataclasses

import httpx2
import ops
import pytest
from ops import pebble, testing

from charmarr_lib import http
from charmarr_lib.testing.seerr import Mood


def client() -> httpx2.Client:
    return http.client('http://localhost:5055')


def opens(unit, key: str) -> bool:
    with unit.online(), client() as seerr:
        return seerr.get('/api/v1/auth/me', headers={'X-Api-Key': key}).status_code == 200


def key_of(unit) -> str:
    return unit.seerr.settings['main']['apiKey']


def rotate(unit) -> testing.State:
    """Let Juju say that the key is due."""
    return unit.run(unit.context.on.secret_rotate(unit.api_key_secret))


def test_a_key_is_made_and_kept_in_the_applications_secret(unit):
    unit.deploy()
    assert len(unit.api_key) == 64
    assert key_of(unit) == unit.api_key
    assert unit.api_key_secret.owner == 'app'
    assert unit.api_key_secret.rotate is ops.SecretRotate.NEVER


def test_the_key_opens_seerr_after_the_set_up(unit):
    unit.set_up_with_plex()
    assert opens(unit, unit.api_key)


def test_a_key_of_the_secret_goes_into_a_new_volume(unit):
    unit.deploy()
    key = unit.api_key
    unit.pod.close()
    for path in sorted(unit.folder.rglob('*'), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    unit.reboot()
    unit.deploy()
    assert key_of(unit) == key == unit.api_key


def test_a_key_that_is_changed_in_the_browser_is_kept(unit):
    unit.set_up_with_plex()
    old = unit.api_key
    with unit.online(), client() as seerr:
        seerr.post('/api/v1/settings/main/regenerate', headers={'X-Api-Key': old})
    starts = unit.pod.starts('seerr')
    unit.run(unit.context.on.update_status())
    assert unit.api_key == key_of(unit) != old
    assert unit.pod.starts('seerr') == starts


def test_rotation_by_action_replaces_the_key(unit):
    unit.set_up_with_plex()
    old = unit.api_key
    assert unit.act('rotate-api-key') == {'secret-label': 'api-key'}
    assert unit.api_key == key_of(unit) != old
    assert opens(unit, unit.api_key)
    assert not opens(unit, old)


def test_rotation_keeps_every_other_setting(unit):
    unit.set_up_with_plex()
    unit.seerr.settings['main']['hideAvailable'] = True
    unit.seerr.save()
    before = unit.settings()
    unit.act('rotate-api-key')
    after = unit.settings()
    for settings in (before, after):
        del settings['main']['apiKey']
    assert after == before


def test_rotation_keeps_a_setting_that_is_saved_just_before_the_stop(unit, monkeypatch):
    unit.set_up_with_plex()
    stop = unit.seerr.stop

    def save_and_stop():
        unit.seerr.settings['main']['hideAvailable'] = True
        unit.seerr.save()
        stop()

    monkeypatch.setattr(unit.seerr, 'stop', save_and_stop)
    unit.act('rotate-api-key')
    assert unit.settings()['main']['hideAvailable'] is True


def test_rotation_works_before_the_set_up(unit):
    unit.deploy()
    old = unit.api_key
    unit.act('rotate-api-key')
    assert unit.api_key == key_of(unit) != old


def test_rotation_when_juju_says_so_replaces_the_key(unit):
    unit.configure(api_key_rotation='daily')
    unit.set_up_with_plex()
    old = unit.api_key
    rotate(unit)
    assert unit.api_key == key_of(unit) != old


def test_rotation_of_another_secret_is_none_of_ours(unit):
    unit.set_up_with_plex()
    other = testing.Secret({'some': 'thing'}, label='other', owner='app')
    secrets = frozenset({*unit.state.secrets, other})
    unit.state = dataclasses.replace(unit.state, secrets=secrets)
    old = unit.api_key
    unit.run(unit.context.on.secret_rotate(other))
    assert unit.api_key == old


@pytest.mark.parametrize(
    ('option', 'policy'),
    [
        ('daily', ops.SecretRotate.DAILY),
        ('monthly', ops.SecretRotate.MONTHLY),
        ('yearly', ops.SecretRotate.YEARLY),
        ('disabled', ops.SecretRotate.NEVER),
    ],
)
def test_the_option_sets_jujus_policy(unit, option, policy):
    unit.deploy()
    unit.configure(api_key_rotation=option)
    unit.run()
    assert unit.api_key_secret.rotate is policy


def test_switching_rotation_off_really_switches_it_off(unit):
    unit.configure(api_key_rotation='daily')
    unit.deploy()
    unit.configure(api_key_rotation='disabled')
    unit.run()
    assert unit.api_key_secret.rotate is ops.SecretRotate.NEVER


def test_a_seerr_that_does_not_come_up_gets_its_old_key_back(unit):
    unit.set_up_with_plex()
    old = unit.api_key
    unit.seerr.slow_start = 1  # the double's first request after a start is refused
    message = unit.failure('rotate-api-key')
    assert message == 'Seerr does not answer; the old API key is back'
    unit.seerr.slow_start = 0
    unit.pod.tick()
    assert unit.api_key == key_of(unit) == old
    assert opens(unit, old)


def test_a_seerr_that_refuses_the_new_key_gets_its_old_one_back(unit):
    unit.set_up_with_plex()
    old = unit.api_key
    unit.wire.sent.clear()

    def refuse(request, handler):
        handler(request)
        return httpx2.Response(403, json={'status': 403, 'error': 'no'})

    unit.wire.break_at, unit.wire.fault = 2, refuse
    message = unit.failure('rotate-api-key')
    assert message == 'Seerr refuses the API key; the old API key is back'
    assert unit.api_key == key_of(unit) == old


def test_a_failed_rotation_is_said_and_tried_again(unit):
    unit.configure(api_key_rotation='daily')
    unit.set_up_with_plex()
    old = unit.api_key
    unit.seerr.mood = Mood.BROKEN
    rotate(unit)
    assert unit.api_key == old
    assert unit.status[0] == 'waiting'
    assert 'the API key was not replaced: ' in unit.status[1]
    unit.seerr.mood = Mood.WELL
    rotate(unit)
    assert unit.api_key == key_of(unit) != old


def test_a_full_disk_leaves_the_old_key(unit, monkeypatch):
    unit.set_up_with_plex()
    old = unit.api_key

    def refuse(path, content, **rest):
        raise pebble.PathError('generic-file-error', f'write {path}: no space left on device')

    monkeypatch.setattr(unit.pod.files, 'write', refuse)
    message = unit.failure('rotate-api-key')
    assert message.endswith('no space left on device; the old API key is back')
    assert unit.pod.running() == ['seerr']
    assert unit.api_key == key_of(unit) == old


def test_a_pod_that_is_killed_in_the_middle_converges(unit):
    unit.set_up_with_plex()
    unit.pod.stop('seerr')
    settings = unit.settings()
    settings['main']['apiKey'] = 'written-but-never-stored'
    unit.write_settings(settings)
    unit.reboot()
    unit.deploy()
    assert unit.api_key == key_of(unit) == 'written-but-never-stored'


def test_rotation_needs_a_seerr_that_runs(unit):
    unit.set_up_with_plex()
    unit.reboot()
    unit.write_settings('{"main":')
    unit.run()
    assert unit.failure('rotate-api-key') == 'Seerr does not run; see juju status'


def test_old_revisions_are_removed(unit):
    unit.set_up_with_plex()
    unit.act('rotate-api-key')
    unit.run(unit.context.on.secret_remove(unit.api_key_secret, revision=1))
    assert unit.context.removed_secret_revisions == [1]


def test_revisions_of_another_secret_are_none_of_ours(unit):
    unit.deploy()
    other = testing.Secret({'some': 'thing'}, label='other', owner='app')
    secrets = frozenset({*unit.state.secrets, other})
    unit.state = dataclasses.replace(unit.state, secrets=secrets)
    unit.run(unit.context.on.secret_remove(other, revision=1))
    assert unit.context.removed_secret_revisions == []


def test_the_key_is_in_no_plan_log_status_or_databag(unit, caplog):
    unit.relate_ingress()
    unit.set_up_with_plex()
    keys = [unit.api_key]
    unit.act('rotate-api-key')
    keys.append(unit.api_key)
    unit.act('backup')
    unit.act('show-info')
    shown = [
        str(unit.pod.plan().to_dict()),
        str([each.command for each in unit.pod.executed]),
        str([each.environment for each in unit.pod.executed]),
        str(unit.context.juju_log),
        caplog.text,
        str(unit.context.unit_status_history),
        str(unit.state.unit_status),
        str(unit.context.action_results),
        str([each.local_app_data for each in unit.state.relations]),
        ' '.join(unit.wire.sent),
    ]
    for secret in (*keys, 'plex-token-of-the-owner'):
        assert not [each for each in shown if secret in each]


def test_the_password_is_in_no_plan_log_or_status(unit, caplog):
    unit.set_up_with_jellyfin()
    credentials = unit.secret(username='root', password='another horse')
    unit.act('setup-jellyfin', credentials=credentials)
    shown = caplog.text + str(unit.context.juju_log) + str(unit.context.unit_status_history)
    assert 'horse' not in shown + str(unit.pod.plan().to_dict())
    assert 'horse' not in (unit.folder / 'settings.json').read_text()
