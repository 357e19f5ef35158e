# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The way over from Overseerr, as docs/how-to/overseerr-to-seerr.md describes it."""

import json

import pytest

from charmarr_lib.testing.seerr import SeerrDouble


@pytest.fixture
def old(unit):
    """A unit that has run Overseerr with Plex for a while."""
    unit.reboot(SeerrDouble('overseerr', '1.33.2'))
    unit.set_up_with_plex()
    unit.seerr.settings['main']['applicationUrl'] = 'https://requests.example.com'
    unit.seerr.settings['main']['trustProxy'] = True
    unit.seerr.save()
    unit.run()
    return unit


def test_seerr_takes_the_data_over(old):
    key = old.api_key
    archive = old.act('backup')
    old.reboot(SeerrDouble())  # juju refresh, with the resource
    old.run(old.context.on.upgrade_charm())
    old.deploy()
    assert old.seerr.crashes == []
    assert old.status == ('active', '')
    info = old.act('show-info')
    assert info['flavour'] == 'seerr'
    assert info['initialized'] == 'true'
    assert info['media-server-type'] == 'plex'
    assert old.api_key == key == old.settings()['main']['apiKey']
    assert [each['email'] for each in old.seerr.state.users] == ['owner@example.com']
    assert old.settings()['network']['trustProxy'] is True
    assert (old.folder / archive['path'].removeprefix('/app/config/')).exists()


def test_the_data_are_not_touched_before_seerr_has_taken_them_over(old, monkeypatch):
    before = old.settings()
    seen = []
    double = SeerrDouble()
    start = double.start

    def look_and_start(launch):
        seen.append(json.loads((old.folder / 'settings.json').read_text()))
        start(launch)

    monkeypatch.setattr(double, 'start', look_and_start)
    old.reboot(double)
    old.configure(external_url='https://new.example.com')
    old.relate('plex-4k', 'http://plex-4k:32400')
    old.deploy()
    assert seen[0] == before


def test_what_the_charm_wants_is_set_once_they_are_taken_over(old):
    old.reboot(SeerrDouble())
    old.configure(external_url='https://new.example.com')
    old.deploy()
    old.run(old.context.on.update_status())
    assert old.seerr.settings['main']['applicationUrl'] == 'https://new.example.com'
    assert old.seerr.crashes == []


def test_the_way_back_leads_over_the_backup(old):
    archive = old.act('backup')
    old.reboot(SeerrDouble())
    old.deploy()
    old.reboot(SeerrDouble('overseerr', '1.33.2'))
    old.deploy()
    old.act('restore', path=archive['path'])
    assert old.status == ('active', '')
    assert 'mediaServerType' not in old.settings()['main']


def test_media_servers_learn_that_another_program_asks(old):
    old.reboot(SeerrDouble())
    old.deploy()
    (relation,) = old.state.get_relations('media-server')
    assert json.loads(relation.local_app_data['config'])['requester'] == 'seerr'


def test_an_archive_of_overseerr_can_be_restored_into_seerr(old):
    archive = old.act('backup')
    old.reboot(SeerrDouble())
    old.deploy()
    old.act('restore', path=archive['path'])
    assert old.status == ('active', '')
    assert old.seerr.settings['main']['mediaServerType'] == 1


def test_jellyfin_is_no_choice_for_overseerr(old):
    old.unrelate('media-server')
    old.relate_jellyfin()
    old.run()
    assert old.status == (
        'blocked',
        'set up for plex but related to jellyfin (jellyfin)',
    )


def test_jellyfin_is_no_choice_for_a_new_overseerr(unit):
    unit.reboot(SeerrDouble('overseerr'))
    unit.relate_jellyfin()
    unit.deploy()
    assert unit.status == (
        'blocked',
        'this image knows only Plex but is related to jellyfin (jellyfin)',
    )
