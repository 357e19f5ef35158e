# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Servers come and go with their relations, and a bad moment takes none of them away."""

import json

import pytest

from charmarr_lib.interfaces import MediaServer

JELLYFIN = 'http://jellyfin.media.svc.cluster.local:8096'


def test_without_a_server_the_hub_runs_and_says_how_to_relate_one(unit):
    unit.deploy()
    assert unit.pod.running() == ['mediahub']
    assert unit.status == ('active', 'no media server; run: juju relate mediahub plex')
    assert unit.hub.setting('enable-plex-sync') is False


def test_watches_a_related_plex_with_the_owners_token(unit):
    unit.watch()
    assert unit.watched() == {'plex': 'http://plex.media.svc.cluster.local:32400'}
    assert unit.hub.token('plex') == 'token-of-the-owner'
    assert unit.hub.setting('enable-plex-sync') is True
    assert unit.status == ('active', 'watching plex')


def test_without_a_token_says_how_to_give_one(unit):
    unit.relate()
    unit.deploy()
    assert unit.watched() == {}
    assert unit.status == (
        'active',
        'no token for plex; run: juju add-secret plex-token token#file=./token, '
        'juju grant-secret plex-token mediahub, '
        'juju config mediahub plex-token=(id of the secret)',
    )


def test_each_server_gets_its_own_token_where_there_is_one(unit):
    unit.relate()
    unit.relate('plex-4k', 'http://plex-4k.media.svc.cluster.local:32400')
    unit.give_token(token='for-all', plex_4k='for-4k')
    unit.deploy()
    assert unit.hub.token('plex') == 'for-all'
    assert unit.hub.token('plex-4k') == 'for-4k'


def test_takes_the_token_that_a_server_grants_itself(unit):
    granted = unit.secret(token='granted')
    unit.relate(credentials_secret_id=granted.id)
    unit.deploy()
    assert unit.hub.token('plex') == 'granted'


def test_jellyfin_has_tokens_of_its_own(unit):
    unit.relate('jellyfin', JELLYFIN, MediaServer.JELLYFIN)
    unit.give_token()
    unit.deploy()
    assert unit.watched() == {}
    assert 'jellyfin-token' in unit.status[1]
    unit.configure(jellyfin_token=unit.secret(token='key').id)
    unit.run()
    assert unit.watched() == {'jellyfin': JELLYFIN}
    assert unit.hub.setting('enable-plex-sync') is False


def test_follows_a_server_that_moves(unit):
    relation = unit.watch()
    unit.silence(
        relation,
        json.dumps(
            {'api_url': 'http://elsewhere:32400', 'server': 'plex', 'instance_name': 'plex'}
        ),
    )
    unit.run()
    assert unit.watched() == {'plex': 'http://elsewhere:32400'}
    assert unit.pod.starts('mediahub') == 2


def test_drops_a_server_with_its_relation(unit):
    relation = unit.watch()
    unit.unrelate(relation)
    unit.run()
    assert unit.watched() == {}
    assert unit.hub.setting('enable-plex-sync') is False
    assert not list((unit.pod.root / 'etc/mediahub/secrets').iterdir())


@pytest.mark.parametrize('said', [None, 'no JSON', '{"server": "plex"}', '[]', '{"api_url": 7}'])
def test_keeps_a_server_that_says_nothing_or_nonsense_for_a_moment(unit, said):
    relation = unit.watch()
    unit.silence(relation, said)
    unit.run()
    assert unit.watched() == {'plex': 'http://plex.media.svc.cluster.local:32400'}
    assert unit.pod.starts('mediahub') == 1


def test_does_not_claim_to_watch_a_server_that_nobody_speaks_for(unit):
    relation = unit.watch()
    unit.silence(relation)
    unit.run()
    assert unit.status == ('active', 'waiting for plex to say where it is')


def test_keeps_it_even_when_the_pod_is_replaced_meanwhile(unit):
    relation = unit.watch()
    unit.silence(relation)
    unit.reboot()
    unit.deploy()
    assert unit.watched() == {'plex': 'http://plex.media.svc.cluster.local:32400'}
    assert unit.hub.token('plex') == 'token-of-the-owner'


def test_names_the_server_that_says_nonsense(unit):
    relation = unit.watch()
    unit.silence(relation, '{"server": "plex", "instance_name": "plex"}')
    unit.run()
    assert unit.status[0] == 'waiting'
    assert unit.status[1].startswith('plex published malformed data: api_url: ')


def test_two_servers_of_one_name_are_named_and_the_first_is_watched(unit):
    unit.watch()
    unit.relate('plex-two', 'http://two:32400', instance='plex')
    unit.run()
    assert unit.watched() == {'plex': 'http://plex.media.svc.cluster.local:32400'}
    assert unit.status == (
        'blocked',
        'plex-two and plex are both named plex; only plex is watched: remove one relation',
    )


def test_a_name_that_the_hub_does_not_take_is_made_fit(unit):
    unit.relate('remote-1', instance='4K Plex (attic)')
    unit.give_token()
    unit.deploy()
    assert list(unit.watched()) == ['server-4k-plex-attic']


def test_says_what_is_wrong_with_a_server_and_what_to_do(unit):
    unit.watch()
    unit.hub.troubles['plex'] = ('its machine identifier changed', 'run: juju ssh')
    unit.run()
    assert unit.status == ('waiting', 'plex: its machine identifier changed; run: juju ssh')


def test_a_quiet_hook_changes_nothing(unit):
    unit.watch()
    before = unit.pod.changes
    unit.run(unit.context.on.update_status())
    assert (unit.pod.changes, unit.pod.starts('mediahub')) == (before, 1)
    assert [each.command for each in unit.pod.executed if 'check' in each.command] == []
