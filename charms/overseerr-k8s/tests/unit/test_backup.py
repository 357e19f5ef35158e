# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Taking a backup, and putting one back without losing what is there."""

import dataclasses
import errno
import hashlib
import tarfile
import tempfile

import pytest
from ops import pebble

from charmarr_lib.testing.seerr import SeerrDouble


@pytest.fixture
def set_up(unit):
    """A unit that uses Plex."""
    unit.set_up_with_plex()
    return unit


def on_disk(unit, path: str):
    """Return the file of this machine behind a path in the config storage."""
    return unit.folder / path.removeprefix('/app/config/')


def emails(unit) -> list[str]:
    return [each['email'] for each in unit.seerr.state.users]


def add_user(unit, email: str) -> None:
    unit.seerr.state.database.run('INSERT INTO user (email) VALUES (?)', email)


def test_an_archive_is_written_for_nobody_else_to_read(set_up):
    results = set_up.act('backup')
    file = on_disk(set_up, results['path'])
    assert results['path'].startswith('/app/config/backups/seerr-')
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert set_up.pod.files.owner(results['path']) == (1000, 1000)
    assert results['sha256'] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert results['size'] == str(file.stat().st_size)


def test_an_archive_holds_the_log_of_the_database(set_up):
    path = set_up.act('backup')['path']
    with tarfile.open(on_disk(set_up, path)) as archive:
        assert archive.getnames() == [
            'manifest.json',
            'settings.json',
            'db/db.sqlite3',
            'db/db.sqlite3-wal',
            'db/db.sqlite3-shm',
        ]


def test_seerr_is_stopped_meanwhile_and_runs_again(set_up):
    starts = set_up.pod.starts('seerr')
    set_up.act('backup')
    assert set_up.pod.starts('seerr') == starts + 1
    assert set_up.pod.running() == ['seerr']


def test_a_backup_never_replaces_another(set_up):
    paths = {set_up.act('backup')['path'] for _ in range(4)}
    assert len(paths) == 4


def test_seerr_runs_again_when_the_disk_is_full(set_up, monkeypatch):
    def refuse(path, content, **rest):
        raise pebble.PathError('generic-file-error', f'write {path}: no space left on device')

    monkeypatch.setattr(set_up.pod.files, 'write', refuse)
    message = set_up.failure('backup')
    assert message.startswith('no backup was written: /app/config/backups/seerr-')
    assert set_up.pod.running() == ['seerr']


@pytest.mark.parametrize('action', ['backup', 'restore'])
def test_seerr_runs_again_when_the_disk_of_the_charm_is_full(set_up, monkeypatch, action):
    path = set_up.act('backup')['path']

    def refuse():
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(tempfile, 'TemporaryFile', refuse)
    params = {'path': path} if action == 'restore' else {}
    assert set_up.failure(action, **params).endswith('No space left on device')
    assert set_up.pod.running() == ['seerr']
    assert not (set_up.folder / '.restoring').exists()


def test_there_is_nothing_to_back_up_before_the_first_start(unit):
    assert unit.failure('backup') == 'there is nothing to back up yet'


def test_damaged_settings_can_be_backed_up(set_up):
    set_up.reboot()
    set_up.write_settings('{"main":')
    assert on_disk(set_up, set_up.act('backup')['path']).exists()
    assert set_up.pod.running() == []


def test_restoring_brings_settings_and_database_back(set_up):
    archive = set_up.act('backup')
    add_user(set_up, 'later@example.com')
    set_up.seerr.settings['main']['hideAvailable'] = True
    set_up.seerr.save()
    results = set_up.act('restore', path=archive['path'], sha256=archive['sha256'])
    assert emails(set_up) == ['owner@example.com']
    assert set_up.seerr.settings['main']['hideAvailable'] is False
    assert set_up.pod.running() == ['seerr']
    assert set_up.status[0] == 'active'
    assert results['restored'] == archive['path']


def test_what_was_there_before_can_be_had_back(set_up):
    archive = set_up.act('backup')
    add_user(set_up, 'later@example.com')
    before = set_up.act('restore', path=archive['path'])['before']
    set_up.act('restore', path=before)
    assert emails(set_up) == ['owner@example.com', 'later@example.com']


def test_the_key_of_the_archive_is_kept_in_the_secret(set_up):
    archive = set_up.act('backup')
    old = set_up.api_key
    set_up.act('rotate-api-key')
    set_up.act('restore', path=archive['path'])
    assert set_up.api_key == old == set_up.settings()['main']['apiKey']


def test_restoring_mends_damaged_settings(set_up):
    archive = set_up.act('backup')
    set_up.reboot()
    set_up.write_settings('{"main":')
    set_up.deploy()
    assert set_up.status[0] == 'blocked'
    set_up.act('restore', path=archive['path'])
    assert set_up.status[0] == 'active'
    assert set_up.pod.running() == ['seerr']


def test_restoring_fills_an_empty_volume(set_up):
    archive = set_up.act('backup')
    content = on_disk(set_up, archive['path']).read_bytes()
    set_up.pod.close()
    for path in sorted(set_up.folder.rglob('*'), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    set_up.reboot()
    (set_up.folder / 'mine.tar.gz').write_bytes(content)
    results = set_up.act('restore', path='/app/config/mine.tar.gz')
    assert results['before'] == 'none'
    assert emails(set_up) == ['owner@example.com']


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda content: content[:-30], 'the archive is damaged, or none of ours'),
        (lambda content: b'', 'the archive is damaged, or none of ours'),
    ],
)
def test_a_damaged_archive_touches_nothing(set_up, spoil, message):
    path = set_up.act('backup')['path']
    file = on_disk(set_up, path)
    file.write_bytes(spoil(file.read_bytes()))
    starts, before = set_up.pod.starts('seerr'), set_up.settings()
    assert set_up.failure('restore', path=path) == f'nothing was restored: {message}'
    assert set_up.pod.starts('seerr') == starts
    assert set_up.settings() == before


def test_a_wrong_checksum_touches_nothing(set_up):
    path = set_up.act('backup')['path']
    starts = set_up.pod.starts('seerr')
    message = set_up.failure('restore', path=path, sha256='0' * 64)
    assert message == 'nothing was restored: the checksum is not that of the archive'
    assert set_up.pod.starts('seerr') == starts


@pytest.mark.parametrize(
    ('params', 'message'),
    [
        ({'path': '/app/config/missing.tar.gz'}, 'no such file or directory'),
        ({'path': '/etc/passwd'}, 'path: must be a path below /app/config'),
        ({'path': '/app/config/../../etc/passwd'}, 'path: must be a path below /app/config'),
        ({'path': '/app/config/x', 'sha256': 'abc'}, 'sha256: must be the 64 digits'),
    ],
)
def test_a_wrong_path_touches_nothing(set_up, params, message):
    starts = set_up.pod.starts('seerr')
    assert message in set_up.failure('restore', **params)
    assert set_up.pod.starts('seerr') == starts


def test_overseerr_cannot_take_what_its_successor_wrote(set_up):
    archive = set_up.act('backup')
    set_up.reboot(SeerrDouble('overseerr'))
    message = set_up.failure('restore', path=archive['path'])
    assert message == 'nothing was restored: overseerr cannot read a seerr'


def test_a_seerr_that_does_not_answer_gets_its_old_data_back(set_up):
    archive = set_up.act('backup')
    add_user(set_up, 'later@example.com')
    set_up.wire.sent.clear()
    set_up.seerr.slow_start = 1
    message = set_up.failure('restore', path=archive['path'])
    assert message == (
        'Seerr does not run with the archive: Seerr does not answer; what was there before is back'
    )
    set_up.seerr.slow_start = 0
    set_up.pod.tick()
    assert emails(set_up) == ['owner@example.com', 'later@example.com']
    assert not (set_up.folder / '.restoring').exists()


@pytest.mark.parametrize('nth', range(1, 9))
def test_a_disk_that_fills_up_in_the_middle_loses_nothing(set_up, monkeypatch, nth):
    archive = set_up.act('backup')
    add_user(set_up, 'later@example.com')
    write, count = set_up.pod.files.write, []

    def refuse(path, content, **rest):
        count.append(path)
        if len(count) == nth:
            raise pebble.PathError('generic-file-error', f'write {path}: no space left on device')
        write(path, content, **rest)

    monkeypatch.setattr(set_up.pod.files, 'write', refuse)
    if nth <= 6:  # the archive, the note, and four files
        assert 'no space left on device' in set_up.failure('restore', path=archive['path'])
        wanted = ['owner@example.com', 'later@example.com']
    else:
        set_up.act('restore', path=archive['path'])
        wanted = ['owner@example.com']
    set_up.run()
    assert emails(set_up) == wanted
    assert set_up.pod.running() == ['seerr']


@pytest.mark.parametrize('nth', range(1, 9))
def test_a_pod_that_is_killed_in_the_middle_comes_back_with_the_old_data(set_up, monkeypatch, nth):
    """Every write and removal of a restore is the last thing that the pod sees once."""

    class KilledError(BaseException):
        pass

    archive = set_up.act('backup')
    add_user(set_up, 'later@example.com')
    files, count = set_up.pod.files, []
    write, remove = files.write, files.remove

    def counted(method):
        def call(path, *arguments, **rest):
            count.append(path)
            if len(count) == nth:
                raise KilledError
            method(path, *arguments, **rest)

        return call

    monkeypatch.setattr(files, 'write', counted(write))
    monkeypatch.setattr(files, 'remove', counted(remove))
    state = set_up.state
    killed = False
    try:
        set_up.act('restore', path=archive['path'])
    except KilledError:
        killed = True
        set_up.state = state
    set_up.reboot()
    set_up.deploy()
    assert set_up.status[0] == 'active'
    assert set_up.seerr.crashes == []
    assert not (set_up.folder / '.restoring').exists()
    assert emails(set_up)[0] == 'owner@example.com'
    assert killed is (nth <= 7)  # the archive, the note, four files, the note again
    assert (len(emails(set_up)) == 2) is killed


def test_a_note_of_a_restore_whose_archive_is_gone_is_not_guessed_at(set_up):
    set_up.reboot()
    (set_up.folder / '.restoring').write_text('/app/config/backups/gone.tar.gz')
    before = set_up.settings()
    set_up.deploy()
    assert set_up.status[0] in ('blocked', 'waiting')
    assert set_up.settings() == before
    assert set_up.pod.running() == []
    (set_up.folder / 'backups').mkdir()
    (set_up.folder / 'backups' / 'gone.tar.gz').write_bytes(b'spoilt')
    set_up.run()
    assert set_up.status == (
        'blocked',
        'a restore was cut short, and cannot be undone: run the action restore again',
    )


def test_only_the_unit_that_runs_seerr_may(set_up):
    set_up.state = dataclasses.replace(set_up.state, leader=False, planned_units=2)
    for name, params in (('backup', {}), ('restore', {'path': '/app/config/x'})):
        assert 'only the leader runs Seerr' in set_up.failure(name, **params)
