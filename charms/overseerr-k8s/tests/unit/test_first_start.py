# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The first start: what Seerr finds when nobody has ever used it."""

import pytest
from ops import pebble, testing

import seerr
from charmarr_lib.testing.seerr import SeerrDouble


def test_starts_seerr_with_its_media_server_in_the_settings(unit):
    unit.relate()
    unit.deploy()
    settings = unit.settings()
    assert settings['main']['mediaServerType'] == 4
    assert settings['plex']['ip'] == 'plex.media.svc.cluster.local'
    assert settings['plex']['port'] == 32400
    assert unit.pod.running() == ['seerr']
    assert unit.status[0] == 'active'


def test_starts_seerr_once(unit):
    unit.relate()
    unit.deploy()
    unit.run()
    assert unit.pod.starts('seerr') == 1


def test_the_wizard_is_still_to_be_done_by_whoever_signs_in(unit):
    unit.relate()
    unit.deploy()
    assert unit.seerr.settings['public']['initialized'] is False
    assert unit.seerr.state.users == []


def test_the_set_up_survives_the_sign_in(unit):
    unit.set_up_with_plex()
    assert unit.seerr.settings['plex']['ip'] == 'plex.media.svc.cluster.local'
    assert unit.seerr.settings['main']['mediaServerType'] == 1


def test_never_presets_a_jellyfin_host(unit):
    unit.relate_jellyfin()
    unit.deploy()
    assert 'ip' not in unit.settings().get('jellyfin', {})


def test_a_media_server_that_is_related_later_gets_into_the_settings(unit):
    unit.deploy()
    assert 'plex' not in unit.settings() or not unit.settings()['plex'].get('ip')
    relation = unit.relate()
    unit.run(unit.context.on.relation_changed(relation))
    assert unit.settings()['plex']['ip'] == 'plex.media.svc.cluster.local'
    assert unit.pod.starts('seerr') == 2


def test_the_settings_belong_to_seerr(unit):
    unit.deploy()
    assert unit.pod.files.owner('/app/config/settings.json') == seerr.OWNER
    assert unit.pod.files.owner('/app/config') == seerr.OWNER


def test_nobody_else_may_read_the_settings_that_the_charm_writes(unit):
    unit.reboot(SeerrDouble('overseerr'))  # it writes into the file and leaves its mode
    unit.deploy()
    assert (unit.folder / 'settings.json').stat().st_mode & 0o777 == 0o600


def test_the_layer_runs_the_program_itself(unit):
    unit.configure(log_level='debug', timezone='Europe/Berlin')
    unit.deploy()
    service = unit.pod.plan().services['seerr'].to_dict()
    assert service == {
        'override': 'replace',
        'summary': 'Request manager',
        'command': 'node dist/index.js',
        'working-dir': '/app',
        'startup': 'enabled',
        'user-id': 1000,
        'group-id': 1000,
        'kill-delay': '20s',
        'on-failure': 'restart',
        'environment': {
            'NODE_ENV': 'production',
            'CONFIG_DIRECTORY': '/app/config',
            'HOME': '/app/config',
            'PORT': '5055',
            'LOG_LEVEL': 'debug',
            'TZ': 'Europe/Berlin',
        },
    }


def test_the_check_does_not_depend_on_github(unit):
    unit.deploy()
    unit.seerr.github_drops = True
    for _ in range(3):
        unit.pod.tick()
    (check,) = unit.pod.plan().checks.values()
    assert check.level is pebble.CheckLevel.READY
    assert '/api/v1/settings/public' in str(check.http)
    unit.run()
    assert unit.status[0] == 'active'


def test_tells_the_version(unit):
    assert unit.deploy().workload_version == '3.4.1'


def test_tells_the_tag_of_an_unreleased_build(unit):
    unit.reboot(SeerrDouble(version='0.1.0'))
    assert unit.deploy().workload_version == 'local'


def test_opens_its_port(unit):
    assert unit.deploy().opened_ports == {testing.TCPPort(5055)}


@pytest.mark.parametrize('flavour', ['seerr', 'jellyseerr', 'overseerr'])
def test_tells_media_servers_which_program_asks(unit, flavour):
    unit.reboot(SeerrDouble(flavour))
    relation = unit.relate()
    state = unit.deploy()
    published = state.get_relation(relation.id).local_app_data['config']
    assert published == f'{{"requester":"{flavour}","instance_name":"overseerr"}}'


def test_runs_the_image_of_linuxserver(unit):
    unit.reboot(SeerrDouble('overseerr', linuxserver=True))
    unit.deploy()
    assert unit.pod.running() == ['seerr']
    assert unit.pod.plan().services['seerr'].working_dir == '/app/overseerr'


def test_overseerr_gets_no_media_server_type(unit):
    unit.reboot(SeerrDouble('overseerr'))
    unit.relate()
    unit.deploy()
    assert 'mediaServerType' not in unit.settings()['main']
    assert unit.seerr.settings['plex']['ip'] == 'plex.media.svc.cluster.local'


def test_waits_for_pebble(unit):
    unit.run(can_connect=False)
    assert unit.status == ('waiting', 'waiting for Pebble')


def test_refuses_an_image_that_holds_no_seerr(unit):
    double = SeerrDouble('petclinic')
    unit.reboot(double)
    unit.run()
    assert unit.status[0] == 'blocked'
    assert 'refresh' in unit.status[1]
    assert unit.pod.running() == []


def test_a_steady_unit_is_left_alone(unit):
    unit.set_up_with_plex()
    unit.wire.sent.clear()
    executed, changes = len(unit.pod.executed), unit.pod.changes
    before = unit.state
    after = unit.run(unit.context.on.update_status())
    assert unit.wire.sent == []
    assert len(unit.pod.executed) == executed
    assert unit.pod.changes == changes
    assert after.relations == before.relations
    assert after.secrets == before.secrets


def test_comes_back_with_a_new_pod(unit):
    unit.set_up_with_plex()
    key = unit.api_key
    unit.reboot()
    unit.deploy()
    assert unit.pod.running() == ['seerr']
    assert unit.settings()['main']['apiKey'] == key
    assert unit.status[0] == 'active'
