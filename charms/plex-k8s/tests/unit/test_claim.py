# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import typing

import httpx2
import pytest
from ops import testing

from charmarr_lib.testing.plex import Mood, PlexTv

if typing.TYPE_CHECKING:
    from conftest import Unit

TOKEN = 'claim-aBcDeFgHiJkLmNoPqRsT'
OTHER = 'claim-0123456789_-abcdefgh'


def refusal(unit: Unit, **params: typing.Any) -> str:
    with pytest.raises(testing.ActionFailed) as failed:
        unit.act('claim-server', **{'token': TOKEN, **params})
    assert '\n' not in failed.value.message
    return failed.value.message


@pytest.fixture
def claimed(running: Unit) -> Unit:
    """A unit whose server has an owner."""
    running.act('claim-server', token=TOKEN)
    assert running.plex.claimed
    return running


def test_claims_the_server(running: Unit):
    results = running.act('claim-server', token=TOKEN)
    assert running.plex.claimed
    assert results['message'] == 'the server is claimed'
    assert results['machine-identifier'] == running.act('show-info')['machine-identifier']


def test_needs_neither_restart_nor_file(running: Unit):
    changes, generation = running.pod.changes, running.generation
    running.act('claim-server', token=TOKEN)
    assert running.pod.changes == changes
    assert running.generation == generation


def test_the_status_follows_at_once(running: Unit):
    running.act('claim-server', token=TOKEN)
    assert running.status == 'active: '


def test_takes_a_token_with_blanks_around_it(running: Unit):
    running.act('claim-server', token=f' {TOKEN}\n')
    claims = [each.query for each in running.plex.heard if each.path == '/myplex/claim']
    assert claims == [{'token': TOKEN}]


@pytest.mark.parametrize(
    'token', ['', 'claim-', 'abc', 'claim-a b', 'claim-a&b=c', 'CLAIM-abc', 'claim-ä', 'claim-a/b']
)
def test_a_token_of_another_form_never_reaches_plex(running: Unit, token: str):
    before = len(running.plex.heard)
    message = refusal(running, token=token)
    assert message == (
        'token: must look like claim-xxxxxxxxxxxxxxxxxxxx; get one from plex.tv/claim'
    )
    asked = [each.path for each in running.plex.heard[before:]]
    assert '/myplex/claim' not in asked


def test_an_expired_token_is_named(running: Unit):
    running.plex.plex_tv = PlexTv.EXPIRED
    assert refusal(running) == (
        'the token was not accepted: it is valid for 4 minutes and for one use; '
        'get another from https://plex.tv/claim'
    )


@pytest.mark.parametrize('plex_tv', [PlexTv.UNREACHABLE, PlexTv.SILENT])
def test_an_unreachable_plex_tv_is_named(running: Unit, plex_tv: PlexTv):
    running.plex.plex_tv = plex_tv
    assert refusal(running) == (
        'Plex could not reach plex.tv; check that the pod may connect to it'
    )


def test_a_starting_plex_is_named(unit: Unit):
    unit.plex.slow_start = 3
    unit.relate_storage()
    unit.run()
    unit.roll()
    unit.run()
    assert refusal(unit) == 'Plex is still starting, or stopped; try again in a minute'


def test_a_plex_in_maintenance_is_named(running: Unit):
    running.plex.mood = Mood.MAINTENANCE
    assert refusal(running) == (
        'Plex is still starting (its startup maintenance); try again later'
    )


@pytest.mark.parametrize('mood', [Mood.HANGING, Mood.BROKEN, Mood.GARBLED])
def test_a_plex_that_does_not_answer_well_is_named(running: Unit, mood: Mood):
    running.plex.mood = mood
    assert refusal(running).startswith('Plex ')
    assert not running.plex.claimed


def test_a_stopped_plex_is_named(unit: Unit):
    unit.run()
    assert refusal(unit) == 'Plex does not run on this unit; juju status says why'


def test_a_follower_says_that_it_has_no_plex(running: Unit):
    running.scale(2, leader=False)
    running.run()
    assert refusal(running) == 'Plex does not run on this unit; juju status says why'


def test_an_unreachable_container_is_named(running: Unit):
    with pytest.raises(testing.ActionFailed, match='the Plex container cannot be reached'):
        running.run(
            running.context.on.action('claim-server', params={'token': TOKEN}), connected=False
        )


def test_a_lost_answer_is_looked_into(running: Unit):
    running.plex.plex_tv = PlexTv.LOST_REPLY
    assert running.act('claim-server', token=TOKEN)['claimed'] == 'true'


def test_a_claimed_server_is_not_taken_away(claimed: Unit):
    before = claimed.plex.preference('PlexOnlineToken')
    assert refusal(claimed) == (
        'the server is claimed already; to give it to another account, add force=true'
    )
    assert claimed.plex.preference('PlexOnlineToken') == before


def test_an_empty_token_in_the_file_does_not_count_as_claimed(running: Unit):
    running.plex.prefer('PlexOnlineToken', '')
    assert running.act('claim-server', token=TOKEN)['claimed'] == 'true'


def test_force_gives_the_server_to_the_new_owner(claimed: Unit):
    before = claimed.plex.preference('PlexOnlineToken')
    machine = claimed.act('show-info')['machine-identifier']
    results = claimed.act('claim-server', token=OTHER, force=True)
    assert claimed.plex.claimed
    assert claimed.plex.preference('PlexOnlineToken') != before
    assert results['machine-identifier'] == machine
    assert claimed.pod.running() == ['plex']


def test_force_on_an_unclaimed_server_restarts_nothing(running: Unit):
    starts = running.pod.starts('plex')
    running.act('claim-server', token=TOKEN, force=True)
    assert running.plex.claimed
    assert running.pod.starts('plex') == starts


@pytest.mark.parametrize('plex_tv', [PlexTv.EXPIRED, PlexTv.UNREACHABLE, PlexTv.SILENT])
def test_a_failed_force_gives_the_server_back(claimed: Unit, plex_tv: PlexTv):
    before = {
        name: claimed.plex.preference(name)
        for name in ('PlexOnlineToken', 'PlexOnlineMail', 'PlexOnlineUsername', 'PlexOnlineHome')
    }
    claimed.plex.plex_tv = plex_tv
    assert refusal(claimed, token=OTHER, force=True).endswith('; the old claim is back in place')
    assert claimed.plex.claimed
    assert {name: claimed.plex.preference(name) for name in before} == before
    assert claimed.pod.running() == ['plex']


def test_a_force_that_finds_plex_too_slow_gives_the_server_back(claimed: Unit):
    before = claimed.plex.preference('PlexOnlineToken')
    claimed.plex.slow_start = 20
    assert refusal(claimed, token=OTHER, force=True) == (
        'Plex is still starting, or stopped; try again in a minute; the old claim is back in place'
    )
    assert claimed.plex.preference('PlexOnlineToken') == before


def test_force_keeps_owner_and_mode_of_the_file(claimed: Unit):
    path = '/config/Library/Application Support/Plex Media Server/Preferences.xml'
    claimed.pod.files.host(path).chmod(0o600)
    claimed.act('claim-server', token=OTHER, force=True)
    assert claimed.pod.files.describe(path).permissions == 0o600
    assert claimed.pod.files.owner(path) == (1000, 1000)


def test_plex_sees_the_claim_from_its_own_pod(running: Unit):
    hosts: set[str] = set()

    def watch(request: httpx2.Request) -> None:
        if request.url.path == '/myplex/claim':
            hosts.add(request.url.host)

    running.on_request = watch
    running.act('claim-server', token=TOKEN)
    assert hosts == {'127.0.0.1'}
