# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What show-info shows, in every state of the unit."""

import pytest
from ops import testing


def test_shows_a_set_up_seerr(unit):
    unit.relate_jellyfin()
    unit.relate_ingress()
    unit.set_up_with_plex()
    assert unit.act('show-info') == {
        'flavour': 'seerr',
        'version': '3.4.1',
        'running': 'true',
        'url': 'http://overseerr.media.svc.cluster.local:5055',
        'initialized': 'true',
        'media-server-type': 'plex',
        'media-server-host': 'http://plex.media.svc.cluster.local:32400',
        'media-server': 'plex',
        'ignored-media-servers': 'jellyfin',
        'external-url': 'http://requests.example.com',
        'exposed': 'true',
    }


def test_shows_a_new_seerr(unit):
    unit.relate_ingress()
    unit.deploy()
    info = unit.act('show-info')
    assert info['initialized'] == 'false'
    assert info['media-server-type'] == info['media-server'] == 'none'
    assert info['exposed'] == 'false'


def test_shows_what_is_wrong(unit):
    unit.set_up_with_plex()
    unit.reboot()
    unit.write_settings('{')
    unit.deploy()
    info = unit.act('show-info')
    assert info['running'] == 'false'
    assert info['problem'] == 'settings.json is damaged: repair it, or run the action restore'


def test_shows_a_wrong_option(unit):
    unit.deploy()
    unit.configure(log_level='loud')
    assert unit.act('show-info')['problem'].startswith('log-level: ')


def test_shows_no_secret(unit):
    unit.set_up_with_plex()
    shown = str(unit.act('show-info'))
    assert unit.api_key not in shown
    assert 'plex-token' not in shown


def test_changes_nothing(unit):
    unit.set_up_with_plex()
    changes, before = unit.pod.changes, unit.settings()
    unit.act('show-info')
    assert unit.pod.changes == changes
    assert unit.settings() == before


def test_needs_a_container(unit):
    unit.deploy()
    unit.reboot()
    action = unit.context.on.action('show-info')
    with pytest.raises(testing.ActionFailed, match='the container cannot be reached yet'):
        unit.run(action, can_connect=False)
