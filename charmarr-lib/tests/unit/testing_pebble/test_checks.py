# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import pytest
from ops import pebble

from charmarr_lib.testing.pebble import CheckEvent, PebbleFake


def with_check(fake: PebbleFake, check: dict[str, Any], **service: Any) -> None:
    body: Any = {
        'services': {
            'main': {
                'override': 'replace',
                'startup': 'enabled',
                'command': 'program',
                **service,
            }
        },
        'checks': {'up': {'override': 'replace', **check}},
    }
    fake.add_layer('one', body, combine=True)
    fake.replan()


HTTP = {'http': {'url': 'http://localhost:8080/health'}}


def test_an_http_check_goes_down_after_the_threshold_and_comes_up_again(
    fake: PebbleFake, program: Any
):
    with_check(fake, {**HTTP, 'threshold': 2})
    program.healthy = False
    fake.tick()
    assert (fake.checks.info('up').failures, fake.check_events) == (1, [])
    fake.tick()
    assert fake.checks.info('up').status is pebble.CheckStatus.DOWN
    program.healthy = True
    fake.tick()
    assert fake.checks.info('up').status is pebble.CheckStatus.UP
    assert fake.check_events == [CheckEvent('up', failed=True), CheckEvent('up', failed=False)]


def test_a_check_runs_as_often_as_its_period_says(fake: PebbleFake, program: Any):
    with_check(fake, {**HTTP, 'period': '1m', 'threshold': 1})
    program.healthy = False
    for _ in range(5):
        fake.tick()
    assert fake.check_events == []
    fake.tick()
    assert fake.check_events == [CheckEvent('up', failed=True)]


@pytest.mark.parametrize(
    'check',
    [
        pytest.param({'tcp': {'port': 9}}, id='tcp'),
        pytest.param({'http': {'url': 'http://localhost:9/'}}, id='http'),
        pytest.param({'http': {'url': 'http://example.com:8080/'}}, id='elsewhere'),
        pytest.param({'exec': {'command': 'test -f /missing'}}, id='exec'),
    ],
)
def test_a_check_fails_where_nothing_answers(fake: PebbleFake, check: dict[str, Any]):
    with_check(fake, check)
    fake.tick()
    assert fake.checks.info('up').failures == 1


@pytest.mark.parametrize(
    'check',
    [
        pytest.param({'tcp': {'port': 8080}}, id='tcp'),
        pytest.param(HTTP, id='http'),
        pytest.param({'exec': {'command': 'program --version'}}, id='exec'),
    ],
)
def test_a_check_passes_where_the_program_answers(fake: PebbleFake, check: dict[str, Any]):
    with_check(fake, check)
    fake.tick()
    assert (fake.checks.info('up').failures, fake.checks.info('up').successes) == (0, 1)


def test_a_changed_check_begins_anew(fake: PebbleFake, program: Any):
    program.healthy = False
    with_check(fake, HTTP)
    fake.tick()
    with_check(fake, HTTP)
    assert fake.checks.info('up').failures == 1
    with_check(fake, {**HTTP, 'threshold': 5})
    assert fake.checks.info('up').failures == 0


def test_a_check_that_is_off_does_not_run(fake: PebbleFake, program: Any):
    program.healthy = False
    with_check(fake, {**HTTP, 'startup': 'disabled'})
    fake.tick()
    assert fake.checks.info('up').status is pebble.CheckStatus.INACTIVE
    assert fake.checks.switch(['up'], on=True) == ['up']
    fake.tick()
    assert fake.checks.info('up').failures == 1


def test_a_failing_check_restarts_the_service_that_says_so(fake: PebbleFake, program: Any):
    with_check(fake, {**HTTP, 'threshold': 1}, **{'on-check-failure': {'up': 'restart'}})
    program.healthy = False
    fake.tick()
    assert (program.stops, fake.starts('main')) == (1, 2)
