# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Any

import pytest

from rehearsal import engine, errors, model


@pytest.fixture
def running(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    return rehearsal


def test_an_action_answers_with_results_and_log(running: engine.Rehearsal):
    run = running.start_action('player/0', 'greet', {'name': 'Ann'})
    running.settle()
    assert (run.id, run.status, run.return_code) == (2, model.ActionStatus.COMPLETED, 0)
    assert run.results == {'greeting': 'hello Ann'}
    assert run.log == ['about to greet']
    assert run.params == {'name': 'Ann', 'loud': False}


def test_an_action_that_fails_is_kept_all_the_same(running: engine.Rehearsal):
    run = running.start_action('player/0', 'greet', {'name': 'nobody'})
    settled = running.settle()
    assert (run.status, run.message) == (model.ActionStatus.FAILED, 'nobody there')
    assert (run.return_code, settled.errors) == (0, ())
    assert running.applications['player'].units[0].workload.name == 'active'


def test_an_action_that_crashes_is_an_error_without_a_failed_hook(running: engine.Rehearsal):
    run = running.start_action('player/0', 'greet', {'name': 'bug'})
    settled = running.settle()
    assert (run.status, run.return_code) == (model.ActionStatus.FAILED, 1)
    assert [each.hook for each in settled.errors] == ['greet-action']
    assert 'a bug in an action' in settled.errors[0].traceback
    assert running.applications['player'].units[0].failure is None


def test_an_action_waits_for_its_unit_to_be_installed(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True)
    run = rehearsal.start_action('player/0', 'greet', {'name': 'Ann'})
    rehearsal.settle()
    assert run.status is model.ActionStatus.COMPLETED
    assert hooks('player/0').index('install') < hooks('player/0').index('greet-action')


def test_an_action_runs_while_a_hook_is_in_error(running: engine.Rehearsal):
    running.configure('player', {'mood': 'buggy'})
    running.settle()
    run = running.start_action('player/0', 'greet', {'name': 'Ann'})
    running.settle()
    assert run.status is model.ActionStatus.COMPLETED
    assert running.applications['player'].units[0].failure is not None


@pytest.mark.parametrize(
    ('unit', 'action', 'params', 'message'),
    [
        pytest.param('player/9', 'greet', {}, 'unit "player/9" not found', id='unit'),
        pytest.param(
            'player/0', 'nope', {}, 'action "nope" not defined on unit "player/0"', id='action'
        ),
        pytest.param(
            'player/0',
            'greet',
            {},
            'validation failed: (root) : "name" property is missing and required',
            id='missing',
        ),
        pytest.param(
            'player/0',
            'greet',
            {'name': 'Ann', 'loud': 'very'},
            'validation failed: (root).loud : must be of type boolean',
            id='type',
        ),
        pytest.param(
            'player/0',
            'greet',
            {'name': 'Ann', 'soft': True},
            'validation failed: (root) : additional property "soft" is not allowed',
            id='additional',
        ),
    ],
)
def test_juju_refuses_an_action_in_its_own_words(
    running: engine.Rehearsal, unit: str, action: str, params: dict[str, Any], message: str
):
    with pytest.raises(errors.JujuError) as raised:
        running.start_action(unit, action, params)
    assert str(raised.value) == message
