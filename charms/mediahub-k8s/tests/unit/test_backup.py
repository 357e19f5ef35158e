# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""History is kept, backed up and put back; a database of a newer version is left alone."""

import json


def test_backup_while_the_hub_goes_on(unit):
    unit.watch()
    assert unit.act('backup')['path'].startswith('/var/lib/mediahub/backups/')
    assert unit.pod.starts('mediahub') == 1


def test_restore_stops_the_hub_and_starts_it_again(unit):
    unit.watch()
    path = unit.act('backup')['path']
    results = unit.act('restore', path=path)
    assert results['restored'] == path
    assert results['before'].startswith('/var/lib/mediahub/')
    assert unit.pod.running() == ['mediahub']


def test_restore_of_something_else_changes_nothing_and_the_hub_runs(unit):
    unit.watch()
    before = (unit.folder / 'mediahub.duckdb').read_bytes()
    message = unit.failure('restore', path='/var/lib/mediahub/backups/none')
    assert message == (
        '/var/lib/mediahub/backups/none is no backup: there is no such file; nothing was changed'
    )
    assert (unit.folder / 'mediahub.duckdb').read_bytes() == before
    assert unit.pod.running() == ['mediahub']


def test_restore_from_elsewhere_is_refused(unit):
    unit.watch()
    assert unit.failure('restore', path='/etc/passwd') == (
        'path: must be a path below /var/lib/mediahub'
    )
    assert unit.failure('restore', path='/var/lib/mediahub/../../../etc/passwd').startswith('path')


def test_a_database_of_a_newer_version_is_named_and_kept(unit):
    unit.watch()
    unit.hub.age_database(9)
    unit.reboot()
    unit.deploy()
    assert unit.status == (
        'blocked',
        'mediahub.duckdb has version 9, this program knows up to 1; use a newer mediahub, '
        'nothing was changed',
    )
    assert json.loads((unit.folder / 'mediahub.duckdb').read_text())['version'] == 9


def test_recovers_when_the_database_fits_again(unit):
    unit.watch()
    unit.hub.age_database(9)
    unit.reboot()
    unit.deploy()
    (unit.folder / 'mediahub.duckdb').write_text(json.dumps({'version': 1, 'plays': {}}))
    unit.run()
    assert unit.status == ('active', 'watching plex')


def test_without_storage_nothing_is_begun(unit):
    unit.mounts.clear()
    unit.reboot()
    unit.deploy()
    assert unit.pod.running() == []
    assert unit.status == ('waiting', 'waiting for the storage "data"')


def test_actions_need_a_hub_that_runs(unit):
    assert unit.failure('backup') == 'the hub does not run; see juju status'
