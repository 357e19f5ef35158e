# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import typing

import pytest
from ops import testing

from charmarr_lib.testing.plex import VERSION, Mood, Section

if typing.TYPE_CHECKING:
    from conftest import Unit

LIBRARIES = [Section('1', 'Movies'), Section('2', 'TV Shows', 'show'), Section('7', 'Ünsere')]


@pytest.fixture
def library(running: Unit) -> Unit:
    """A claimed server with libraries."""
    running.plex.sections = list(LIBRARIES)
    running.act('claim-server', token='claim-abc')
    return running


def refusal(unit: Unit, action: str, **params: typing.Any) -> str:
    with pytest.raises(testing.ActionFailed) as failed:
        unit.act(action, **params)
    assert '\n' not in failed.value.message
    return failed.value.message


def test_shows_everything_there_is_to_know(library: Unit):
    library.plex.sessions = 2
    assert library.act('show-info') == {
        'version': VERSION,
        'claimed': 'true',
        'machine-identifier': library.plex.preference('ProcessedMachineIdentifier'),
        'api-url': 'http://plex.media.svc.cluster.local:32400',
        'external-url': 'none',
        'mounts': '/config /data',
        'device': 'none',
        'sessions': '2',
    }


def test_shows_what_it_can_of_an_unclaimed_server(running: Unit):
    info = running.act('show-info')
    assert info['claimed'] == 'false'
    assert info['sessions'] == '0'


def test_shows_what_it_can_of_a_server_that_is_off(unit: Unit):
    unit.run()
    info = unit.act('show-info')
    assert info['plex'] == 'Plex is still starting, or stopped; try again in a minute'
    assert info['mounts'] == '/config'


def test_says_why_it_does_not_know_the_sessions(library: Unit):
    token = library.plex.preference('PlexOnlineToken')
    file = library.pod.files.host(
        '/config/Library/Application Support/Plex Media Server/Preferences.xml'
    )
    file.write_text(file.read_text().replace(token, 'stale'))
    assert library.act('show-info')['sessions'] == (
        'unknown: Plex does not accept its own token; is the server claimed?'
    )


@pytest.mark.parametrize('mood', [each for each in Mood if each is not Mood.WELL])
def test_shows_why_plex_says_nothing(running: Unit, mood: Mood):
    running.plex.mood = mood
    assert running.act('show-info')['plex'].startswith('Plex ')


def test_shows_something_while_an_option_is_wrong(running: Unit):
    running.configure(ingress_port=0)
    assert running.act('show-info')['version'] == VERSION


def test_scans_all_libraries(library: Unit):
    assert library.act('scan-libraries') == {'scanning': 'Movies, TV Shows, Ünsere'}
    assert library.plex.scanned == ['1', '2', '7']


@pytest.mark.parametrize('title', ['TV Shows', 'tv shows'])
def test_scans_one_library(library: Unit, title: str):
    assert library.act('scan-libraries', library=title) == {'scanning': 'TV Shows'}
    assert library.plex.scanned == ['2']


def test_knows_libraries_with_other_letters(library: Unit):
    assert library.act('scan-libraries', library='ÜNSERE') == {'scanning': 'Ünsere'}


@pytest.mark.parametrize('title', ['Music', '../1', ' '])
def test_names_the_libraries_there_are(library: Unit, title: str):
    assert refusal(library, 'scan-libraries', library=title) == (
        'there is no such library; the libraries are: Movies, TV Shows, Ünsere'
    )
    assert library.plex.scanned == []


def test_a_server_without_libraries_has_nothing_to_scan(running: Unit):
    assert running.act('scan-libraries') == {'scanning': 'none: there are no libraries'}


def test_a_stale_token_is_named(library: Unit):
    file = library.pod.files.host(
        '/config/Library/Application Support/Plex Media Server/Preferences.xml'
    )
    file.write_text('<Preferences PlexOnlineToken="stale"/>')
    assert refusal(library, 'scan-libraries') == (
        'Plex does not accept its own token; is the server claimed?'
    )


@pytest.mark.parametrize('mood', [each for each in Mood if each is not Mood.WELL])
def test_a_plex_that_does_not_answer_well_is_named(library: Unit, mood: Mood):
    library.plex.mood = mood
    assert refusal(library, 'scan-libraries').startswith('Plex ')


def test_nothing_to_scan_where_plex_does_not_run(unit: Unit):
    unit.run()
    assert refusal(unit, 'scan-libraries') == (
        'Plex does not run on this unit; juju status says why'
    )


@pytest.mark.parametrize('action', ['show-info', 'scan-libraries'])
def test_an_unreachable_container_is_named(running: Unit, action: str):
    with pytest.raises(testing.ActionFailed, match='the Plex container cannot be reached'):
        running.run(running.context.on.action(action), connected=False)


def test_no_action_changes_the_cluster_or_the_plan(library: Unit):
    plan, generation = library.pod.plan(), library.generation
    writes = len(library.kube.writes())
    for action in ('show-info', 'scan-libraries'):
        library.act(action)
    assert library.pod.plan() == plan
    assert library.generation == generation
    assert len(library.kube.writes()) == writes
