# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Pebble that goes away, or breaks off, at any moment of a dispatch."""

from __future__ import annotations

import http.client
import typing
from collections.abc import Callable
from typing import Any

import ops
import pytest
from ops import testing

if typing.TYPE_CHECKING:
    from conftest import Unit

METHODS = [
    *('pull', 'push', 'list_files', 'exec', 'get_plan', 'add_layer', 'replan', 'start', 'stop'),
    *('get_services', 'get_checks'),
]
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

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception):
        self.calls = 0
        self.nth = 0
        self._error = error
        for name in METHODS:
            monkeypatch.setattr(ops.Container, name, self._wrap(getattr(ops.Container, name)))

    def _wrap(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.nth:
                raise self._error
            return method(*arguments, **options)

        return call

    def at(self, nth: int) -> None:
        self.calls, self.nth = 0, nth


@pytest.mark.parametrize('error', ERRORS.values(), ids=ERRORS)
def test_no_call_of_pebble_can_end_a_start_in_error(
    unit: Unit, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    fault = Fault(monkeypatch, error)
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
    running: Unit, event: str, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    fault = Fault(monkeypatch, error)
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
def test_no_call_of_pebble_can_end_a_claim_in_error(
    running: Unit, force: bool, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    if force:
        running.act('claim-server', token='claim-abc')
    fault = Fault(monkeypatch, error)
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
