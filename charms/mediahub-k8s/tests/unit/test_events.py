# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Options, scale, ingress, leaving."""

import dataclasses

import pytest


def become(unit, *, leader: bool, planned: int) -> None:
    unit.state = dataclasses.replace(unit.state, leader=leader, planned_units=planned)


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('plex_sync_interval', 'often'),
        ('plex_webhook_auth', 'none'),
        ('plex_webhook_allow', '10.0.0.0/33'),
        ('plex_auth_flow', 'oauth'),
        ('nats_url', 'http://nats'),
        ('nats_url', 'nats://user:password@nats'),
        ('tautulli_url', 'tautulli'),
        ('external_url', 'https://example.com/hub'),
        ('ingress_port', 0),
        ('retention_days', -1),
        ('log_level', 'loud'),
        ('timezone', 'Mars/../x'),
    ],
)
def test_a_wrong_option_is_named_and_the_hub_goes_on(unit, option, value):
    unit.watch()
    unit.configure(**{option: value})
    unit.run()
    assert unit.status[0] == 'blocked'
    assert unit.status[1].startswith(option.replace('_', '-') + ': ')
    assert 'password' not in unit.status[1].replace('a user or password', '')
    assert unit.pod.running() == ['mediahub']


def test_options_reach_the_hub(unit):
    unit.configure(
        plex_sync_interval='30s',
        plex_realtime=False,
        plex_auth_flow='jwt',
        retention_days=365,
        log_level='debug',
        external_url='https://hub.example.com/',
    )
    unit.deploy()
    assert unit.hub.config['hub'] == {
        'home': '/var/lib/mediahub',
        'host': '0.0.0.0',  # noqa: S104  # the pod's Service leads here
        'port': 8484,
        'enable-plex-sync': False,
        'plex-sync-interval': '30s',
        'plex-realtime-enabled': False,
        'enable-plex-webhooks': False,
        'plex-webhook-auth': 'any',
        'plex-webhook-thumbs': False,
        'plex-auth-flow': 'jwt',
        'public-url': 'https://hub.example.com',
        'allowed-hosts': 'mediahub.media.svc.cluster.local,mediahub.media.svc,mediahub.media',
        'retention-days': 365,
        'log-level': 'debug',
    }


def test_the_ingress_is_asked_for_and_its_url_told_to_the_hub(unit):
    unit.relate_ingress(tls=False)
    unit.deploy()
    (relation,) = unit.state.get_relations('ingress')
    assert 'config' in relation.local_app_data
    assert unit.hub.setting('public-url') == 'http://hub.example.com'


def test_the_version_is_told(unit):
    unit.deploy()
    assert unit.state.workload_version == '0.1.0'


def test_the_other_units_do_not_start_it(unit):
    become(unit, leader=False, planned=2)
    unit.deploy()
    assert unit.pod.running() == []
    assert unit.status == (
        'blocked',
        'only the leader runs the hub; run: juju scale-application mediahub 1',
    )


def test_one_that_is_leader_no_more_stops_it(unit):
    unit.watch()
    become(unit, leader=False, planned=2)
    unit.run()
    assert unit.pod.running() == []


def test_without_a_leader_what_runs_goes_on(unit):
    unit.watch()
    become(unit, leader=False, planned=1)
    unit.run()
    assert unit.pod.running() == ['mediahub']


def test_stops_before_its_storage_goes_and_leaves_its_files(unit):
    unit.watch()
    unit.run(unit.context.on.stop())
    assert unit.pod.running() == []
    assert (unit.folder / 'mediahub.duckdb').exists()


def test_scaled_to_zero_begins_nothing(unit):
    unit.watch()
    become(unit, leader=True, planned=0)
    unit.run()
    assert unit.pod.running() == []


def test_waits_for_pebble(unit):
    unit.run(can_connect=False)
    assert unit.status == ('waiting', 'waiting for Pebble')


def test_comes_back_after_its_pod_was_replaced(unit):
    unit.watch()
    unit.reboot()
    unit.deploy()
    assert unit.hub.token('plex') == 'token-of-the-owner'
    assert unit.status == ('active', 'watching plex')
