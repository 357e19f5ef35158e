# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import logging
import typing

import pytest

from charmarr_lib.testing.plex import Mood

if typing.TYPE_CHECKING:
    from conftest import Unit

FILE = '/config/Library/Application Support/Plex Media Server/Preferences.xml'


def switches(unit: Unit) -> tuple[str, str]:
    return unit.plex.preference('logDebug'), unit.plex.preference('logVerbose')


def asked(unit: Unit) -> list[str]:
    return [each.method for each in unit.plex.heard if each.path == '/:/prefs']


@pytest.mark.parametrize(
    ('level', 'wanted', 'own'),
    [
        ('error', ('0', '0'), logging.ERROR),
        ('warning', ('0', '0'), logging.WARNING),
        ('info', ('0', '0'), logging.INFO),
        ('debug', ('1', '0'), logging.DEBUG),
        ('trace', ('1', '1'), logging.DEBUG),
    ],
)
def test_sets_the_level_of_plex_and_of_the_charm(
    running: Unit, level: str, wanted: tuple[str, str], own: int
):
    running.configure(log_level=level)
    assert switches(running) == wanted
    assert logging.getLogger().level == own
    running.run()
    assert switches(running) == wanted


def test_a_running_plex_is_asked_and_not_restarted(running: Unit):
    starts = running.pod.starts('plex')
    running.configure(log_level='trace')
    assert running.pod.starts('plex') == starts
    assert asked(running)[-1] == 'PUT'


def test_it_is_asked_with_its_own_token_once_claimed(running: Unit):
    running.act('claim-server', token='claim-abc')
    running.configure(log_level='trace')
    assert switches(running) == ('1', '1')


def test_it_is_not_asked_again(running: Unit):
    running.configure(log_level='trace')
    before = asked(running)
    running.run()
    assert asked(running) == before


def test_a_stopped_plex_has_its_file_changed(running: Unit):
    running.plex.prefer('FriendlyName', 'R&D "films"')
    running.pod.files.host(FILE).chmod(0o640)
    running.pod.files.owners.give(running.pod.files.host(FILE), (1000, 1000))
    running.state = running.run(running.context.on.stop())
    before = asked(running)
    running.configure(log_level='trace')
    assert switches(running) == ('1', '1')
    assert asked(running) == before, 'there was nothing left to ask for'
    assert running.plex.preference('FriendlyName') == 'R&D "films"'
    assert running.pod.files.describe(FILE).permissions == 0o640
    assert running.pod.files.owner(FILE) == (1000, 1000)


def test_a_file_that_does_not_exist_yet_is_left_to_plex(unit: Unit):
    unit.relate_storage()
    unit.run()
    unit.roll()
    pushed = unit.pod.files.host(FILE)
    assert not pushed.exists()
    unit.run()
    assert pushed.exists()
    assert switches(unit) == ('0', '0')


def test_says_when_plex_does_not_let_it(running: Unit):
    running.act('claim-server', token='claim-abc')
    token = running.plex.preference('PlexOnlineToken')
    text = running.pod.files.host(FILE).read_text()
    running.pod.files.host(FILE).write_text(text.replace(token, 'stale'))
    running.configure(log_level='trace')
    assert running.status == (
        'active: logDebug, logVerbose not set yet: '
        'Plex does not accept its own token; is the server claimed?'
    )
    assert switches(running) == ('0', '0')


def test_an_unreadable_file_is_left_alone(running: Unit):
    running.pod.files.host(FILE).write_text('<Preferences')
    running.configure(log_level='trace')
    assert running.status.startswith('active')
    assert running.pod.files.host(FILE).read_text() == '<Preferences'


def test_waits_until_plex_answers(running: Unit):
    running.plex.mood = Mood.MAINTENANCE
    running.configure(log_level='trace')
    assert switches(running) == ('0', '0')
    running.plex.mood = Mood.WELL
    running.run()
    assert switches(running) == ('1', '1')
