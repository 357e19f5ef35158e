# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A settings file that Seerr could not start with. Nothing in it is ever lost."""

import pytest
from ops import pebble

from charmarr_lib.testing.seerr import SeerrDouble


def restart_with(unit, content) -> None:
    """Let the pod come back to a folder in which somebody has replaced the settings."""
    unit.set_up_with_plex()
    unit.pod.close()
    unit.write_settings(content)
    unit.reboot()
    unit.deploy()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{"main":', 'settings.json is damaged: repair it, or run the action restore'),
        ('', 'there is a database but settings.json is empty: run the action restore'),
        ('{}', 'there is a database but settings.json is empty: run the action restore'),
        (
            '{"plex": {"ip": "plex"}}',
            'settings.json has no "main" but there is a database: run the action restore',
        ),
        ('[1, 2]', 'settings.json is damaged: repair it, or run the action restore'),
    ],
    ids=['truncated', 'empty', 'empty object', 'no main', 'a list'],
)
def test_blocks_and_leaves_the_file_alone(unit, content, message):
    restart_with(unit, content)
    assert unit.status == ('blocked', message)
    assert (unit.folder / 'settings.json').read_text() == content
    assert unit.pod.running() == []
    assert unit.seerr.crashes == []


def test_goes_on_when_the_file_is_repaired(unit):
    unit.set_up_with_plex()
    good = unit.settings()
    unit.reboot()
    unit.write_settings('{"main":')
    unit.deploy()
    unit.write_settings(good)
    unit.run(unit.context.on.update_status())
    assert unit.status[0] == 'active'
    assert unit.seerr.settings['public']['initialized'] is True


@pytest.mark.parametrize(
    'content', ['', '{}', '{"plex": {"port": 1}}', '{"main": {"apiKey": "mine"}}', '{"main": []}']
)
def test_on_an_empty_volume_a_partial_file_is_completed(unit, content):
    unit.write_settings(content)
    unit.deploy()
    assert unit.seerr.crashes == []
    assert unit.status[0] == 'active'
    assert unit.settings()['main']['mediaServerType'] == 4


def test_a_preset_key_is_taken_up(unit):
    unit.write_settings('{"main": {"apiKey": "mine"}}')
    unit.deploy()
    assert unit.api_key == 'mine'


def test_settings_of_a_set_up_seerr_without_its_database_are_not_started(unit):
    unit.write_settings('{"main": {"mediaServerType": 1}, "public": {"initialized": true}}')
    unit.deploy()
    assert unit.status[0] == 'blocked'
    assert 'database is missing' in unit.status[1]
    assert unit.pod.running() == []


def test_a_database_without_its_log_is_not_started(unit):
    old = SeerrDouble('overseerr')
    unit.reboot(old)
    unit.deploy()
    old.add_administrator('token')
    unit.pod.close()
    (unit.folder / 'db' / 'db.sqlite3-wal').unlink()
    unit.reboot(SeerrDouble())
    unit.deploy()
    assert unit.status == (
        'blocked',
        'the database is empty: copy db.sqlite3-wal as well as db.sqlite3',
    )
    assert unit.seerr.crashes == []


def test_a_file_caught_in_the_middle_of_a_save_changes_nothing(unit):
    unit.set_up_with_plex()
    unit.write_settings('{"main":')
    unit.run(unit.context.on.update_status())
    assert unit.pod.running() == ['seerr']
    assert (unit.folder / 'settings.json').read_text() == '{"main":'
    unit.seerr.save()
    unit.run(unit.context.on.update_status())
    assert unit.status[0] == 'active'


def test_files_of_another_user_are_given_to_seerr(unit):
    unit.set_up_with_plex()
    unit.reboot()
    for name in ('settings.json', 'db', 'db/db.sqlite3'):
        unit.owners.give(unit.folder / name, (0, 0))
    unit.deploy()
    assert unit.status[0] == 'active'
    assert unit.pod.files.owner('/app/config/db/db.sqlite3') == (1000, 1000)
    assert unit.pod.files.owner('/app/config/settings.json') == (1000, 1000)


def test_a_folder_of_another_user_is_given_to_seerr(unit):
    unit.set_up_with_plex()
    unit.reboot()
    unit.owners.give(unit.folder, (0, 0))
    unit.deploy()
    assert unit.status[0] == 'active'
    assert unit.seerr.crashes == []


def test_a_lost_and_found_of_the_volume_is_left_to_root(unit):
    unit.deploy()
    (unit.folder / 'lost+found').mkdir()
    unit.owners.give(unit.folder / 'lost+found', (0, 0))
    executed = len(unit.pod.executed)
    unit.run()
    assert len(unit.pod.executed) == executed


def test_a_read_only_volume_is_named(unit):
    unit.read_only = ('/app/config',)
    unit.reboot()
    unit.deploy()
    assert unit.status[0] in ('waiting', 'blocked')
    assert '/app/config' in unit.status[1]


def test_a_full_disk_leaves_seerr_running_with_its_old_settings(unit, monkeypatch):
    unit.deploy()
    before = unit.settings()

    def refuse(path, content, **rest):
        raise pebble.PathError('generic-file-error', f'write {path}: no space left on device')

    monkeypatch.setattr(unit.pod.files, 'write', refuse)
    unit.relate()
    unit.run()
    assert unit.pod.running() == ['seerr']
    assert unit.settings() == before
    assert unit.status == (
        'blocked',
        '/app/config/settings.json: write /app/config/settings.json: no space left on device',
    )
