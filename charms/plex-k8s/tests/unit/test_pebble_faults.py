# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Pebble that goes away, or breaks off, at any moment of a dispatch."""

from __future__ import annotations

import contextlib
import http.client
import typing
from collections.abc import Generator
from typing import Any

import ops
import pytest
from ops import testing

from charmarr_lib.testing.pebble import PebbleFake

if typing.TYPE_CHECKING:
    from conftest import Unit

ERRORS: dict[str, Exception] = {
    'gone': ops.pebble.ConnectionError('no such socket'),
    'refused': ops.pebble.APIError({}, 500, 'Internal Server Error', 'cannot\ndo it'),
    'slow': ops.pebble.TimeoutError('timed out'),
    'broken off': http.client.RemoteDisconnected('in the middle of an answer'),
    'socket': OSError(104, 'Connection reset by peer'),
}
MOST_CALLS = 40


class Fault:
    """Lets the n-th call of Pebble fail."""

    def __init__(self, unit: Unit, error: Exception):
        self.calls = 0
        self.nth = 0
        self._error = error
        unit.surround = self._surround

    @contextlib.contextmanager
    def _surround(self, fake: PebbleFake, call: str) -> Generator[None]:
        self.calls += 1
        if self.calls == self.nth:
            raise self._error
        yield

    def at(self, nth: int) -> None:
        self.calls, self.nth = 0, nth


@pytest.mark.parametrize('error', ERRORS.values(), ids=ERRORS)
def test_no_call_of_pebble_can_end_a_start_in_error(unit: Unit, error: Exception):
    fault = Fault(unit, error)
    unit.relate_storage()
    unit.relate_seerr()
    unit.run()
    for nth in range(1, MOST_CALLS):
        unit.roll()
        fault.at(nth)
        unit.run()
        assert '\n' not in unit.status
        if fault.calls < nth:
            break
    else:
        pytest.fail('a start takes more calls than expected')
    assert nth > 8
    fault.at(0)
    unit.run()
    assert unit.status.startswith('active')


@pytest.mark.parametrize('error', ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize('event', ['stop', 'config_changed', 'relation_broken'])
def test_no_call_of_pebble_can_end_another_event_in_error(
    running: Unit, event: str, error: Exception
):
    fault = Fault(running, error)
    relation = running.relation('media-storage')
    on = running.context.on
    made: Any = on.relation_broken(relation) if event == 'relation_broken' else getattr(on, event)
    before = running.state
    for nth in range(1, MOST_CALLS):
        running.state = before
        fault.at(nth)
        running.run(made if event == 'relation_broken' else made())
        assert '\n' not in running.status
        assert running.published('media-server') or event == 'relation_broken'
        if fault.calls < nth:
            break
    else:
        pytest.fail('the event takes more calls than expected')


@pytest.mark.parametrize('error', ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize('force', [False, True])
def test_no_call_of_pebble_can_end_a_claim_in_error(running: Unit, force: bool, error: Exception):
    if force:
        running.act('claim-server', token='claim-abc')
    fault = Fault(running, error)
    for nth in range(1, 12):
        fault.at(nth)
        try:
            running.act('claim-server', token='claim-abc', force=force)
        except testing.ActionFailed as failure:
            message = failure.message
        else:
            message = ''
        assert '\n' not in message
        assert 'claim-abc' not in message
        fault.at(0)
        running.run()
        assert running.plex.claimed or not force, 'a claim that there was stands'


def test_a_stop_that_was_cut_short_is_waited_for_before_the_settings_are_edited(running: Unit):
    with running.pod.unattended():
        running.pod.stop('plex')  # and the hook that waits for it is killed
    running.configure(log_level='debug')
    assert running.plex.lost_edits == 0
    assert not running.plex.edited
    assert running.plex.preference('logDebug') == '1'
    assert running.pod.running() == ['plex']


def test_a_stop_that_was_cut_short_is_waited_for_before_the_pod_goes(running: Unit):
    with running.pod.unattended():
        running.pod.stop('plex')
    running.run(running.context.on.stop())
    assert not running.plex.running
