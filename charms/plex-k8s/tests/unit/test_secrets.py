# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""No token of any kind is ever written down where somebody else may read it."""

from __future__ import annotations

import dataclasses
import json
import logging
import typing

import pytest
from ops import testing

import plex_options
import plex_preferences
from charmarr_lib.testing.plex import Mood, PlexTv

if typing.TYPE_CHECKING:
    from conftest import Unit

TOKEN = 'claim-aBcDeFgHiJkLmNoPqRsT'


def everything(unit: Unit) -> str:
    """Return all that a dispatch leaves behind, as one text."""
    context = unit.context
    parts: list[object] = [
        [each.message for each in context.juju_log],
        context.action_logs,
        context.action_results,
        context.unit_status_history,
        context.app_status_history,
        context.exec_history,
        context.trace_data,
        dataclasses.asdict(unit.state.unit_status),
        unit.state,
        unit.pod.plan().to_dict(),
        unit.pod.executed,
        unit.kube.requests,
        unit.statefulset,
    ]
    return '\n'.join(repr(each) for each in parts)


def claim(unit: Unit, **params: typing.Any) -> str:
    try:
        unit.act('claim-server', token=TOKEN, **params)
    except testing.ActionFailed as failure:
        return f'{failure.message} {failure.state!r}'
    return ''


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.NOTSET)
    return caplog


@pytest.mark.parametrize('plex_tv', list(PlexTv))
@pytest.mark.parametrize('force', [False, True])
def test_a_claim_token_appears_nowhere(
    running: Unit, records: pytest.LogCaptureFixture, plex_tv: PlexTv, force: bool
):
    running.configure(log_level='trace')
    if force:
        claim(running)
    running.plex.plex_tv = plex_tv
    said = claim(running, force=force)
    running.run()
    own = running.plex.preference('PlexOnlineToken')
    for secret in [TOKEN, *filter(None, [own])]:
        assert secret not in said
        assert secret not in everything(running)
        assert secret not in records.text
    assert any(each.query.get('token') == TOKEN for each in running.plex.heard) or (
        plex_tv in (PlexTv.SILENT, PlexTv.LOST_REPLY)
    )


@pytest.mark.parametrize('mood', list(Mood))
def test_nor_when_plex_is_not_well(running: Unit, records: pytest.LogCaptureFixture, mood: Mood):
    running.plex.mood = mood
    said = claim(running)
    assert TOKEN not in said + everything(running) + records.text


def test_the_token_is_not_in_any_file_of_the_container(running: Unit):
    claim(running)
    texts = [
        each.read_bytes().decode(errors='replace')
        for each in running.pod.root.rglob('*')
        if each.is_file()
    ]
    assert texts
    assert not any(TOKEN in text for text in texts)


def test_the_servers_own_token_is_not_shown(running: Unit, records: pytest.LogCaptureFixture):
    claim(running)
    own = running.plex.preference('PlexOnlineToken')
    assert own
    info = running.act('show-info')
    running.act('scan-libraries')
    running.configure(log_level='debug')
    assert own in {each.token for each in running.plex.heard}, 'it is used'
    for text in (json.dumps(info), everything(running), records.text):
        assert own not in text


def test_values_do_not_show_their_token():
    params = plex_options.ClaimServer(token=TOKEN)
    assert TOKEN not in repr(params)
    assert TOKEN not in str(params)
    found = plex_preferences.Preferences.parse(f'<Preferences PlexOnlineToken="{TOKEN}"/>')
    assert found.token == TOKEN
    assert TOKEN not in repr(found)
