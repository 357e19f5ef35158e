# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tokens come from Juju, lie in files that only the hub reads, and show nowhere else."""

import pytest


def test_a_secret_that_is_not_granted_is_named_with_the_command(unit):
    unit.relate()
    secret = unit.give_token()
    unit.revoke(secret)
    unit.deploy()
    assert unit.status == (
        'blocked',
        'cannot read the secret of plex-token; run: juju grant-secret (name) mediahub',
    )
    assert unit.pod.running() == ['mediahub']


def test_a_grant_that_is_taken_back_leaves_what_is_watched(unit):
    unit.watch()
    unit.revoke(next(iter(unit.state.secrets)))
    unit.run()
    assert unit.hub.token('plex') == 'token-of-the-owner'
    assert unit.pod.starts('mediahub') == 1
    assert unit.status[0] == 'blocked'


def test_a_new_token_restarts_the_hub_with_it(unit):
    unit.watch()
    unit.give_token(token='a-new-one')
    unit.run()
    assert unit.hub.token('plex') == 'a-new-one'
    assert unit.pod.starts('mediahub') == 2


def test_files_are_the_hubs_alone(unit):
    unit.watch()
    path = '/etc/mediahub/secrets/server-plex'
    assert unit.pod.files.owner(path) == (584792, 584792)
    assert (unit.pod.root / path.lstrip('/')).stat().st_mode & 0o777 == 0o600


def test_no_secret_is_in_plan_configuration_or_log(unit):
    unit.configure(plex_webhooks=True, nats_url='nats://nats:4222')
    unit.configure(nats_credentials=unit.secret(user='hub', password='of-the-broker').id)
    unit.watch()
    info = unit.act('show-info')
    webhook = (unit.webhook_secret.latest_content or {})['secret']
    shown = [
        str(unit.pod.plan().to_dict()),
        (unit.folder / 'mediahub.toml').read_text(),
        ''.join(line.message for line in unit.context.juju_log),
        str(info),
        unit.status[1],
        str([each.command for each in unit.pod.executed]),
    ]
    for secret in ('token-of-the-owner', 'of-the-broker', webhook):
        assert not any(secret in text for text in shown)


def test_the_brokers_credentials_reach_the_hub(unit):
    unit.configure(nats_url='nats://nats:4222')
    unit.configure(nats_credentials=unit.secret(user='hub', password='pw', other='x').id)
    unit.deploy()
    assert unit.hub.setting('nats-url') == 'nats://nats:4222'
    assert unit.hub.secret('nats-user') == 'hub'
    assert unit.hub.secret('nats-password') == 'pw'


def test_tautulli_is_asked_once_its_key_is_there(unit):
    unit.configure(tautulli_url='http://tautulli:8181')
    unit.deploy()
    assert unit.hub.setting('tautulli-url') is None
    unit.configure(tautulli_api_key=unit.secret(api_key='k').id)
    unit.run()
    assert unit.hub.setting('tautulli-url') == 'http://tautulli:8181'
    assert unit.hub.secret('tautulli-api-key') == 'k'


def test_a_secret_without_the_key_is_named(unit):
    unit.configure(tautulli_url='http://t:1', tautulli_api_key=unit.secret(token='k').id)
    unit.deploy()
    assert unit.status == ('blocked', 'the secret of tautulli-api-key lacks the key api-key')


@pytest.mark.parametrize('planned', [1, 2])
def test_a_follower_makes_no_secret(unit, planned):
    unit.configure(plex_webhooks=True)
    unit.run(leader=False, planned_units=planned)
    assert [each for each in unit.state.secrets if each.label] == []


def test_a_token_that_cannot_be_written_leaves_the_hub_as_it_was(unit, monkeypatch):
    unit.watch()
    monkeypatch.setattr(unit.pod.files, 'writable', lambda path: not path.startswith('/etc'))
    unit.give_token(token='a-new-one')
    unit.run()
    assert unit.pod.running() == ['mediahub']
    assert unit.hub.token('plex') == 'token-of-the-owner'
    assert unit.status[0] == 'blocked'
