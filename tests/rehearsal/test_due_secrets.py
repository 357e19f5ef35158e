# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the request manager does when Juju asks for a new API key."""

from __future__ import annotations


def key(operator):
    [secret] = operator.rehearsal.secrets.secrets.values()
    return secret.revisions[secret.latest]['api-key']


def ran(operator, hook):
    return [run.unit for run in operator.rehearsal.history if run.hook == hook]


def test_a_key_is_replaced_when_juju_asks(suite):
    before = key(suite)
    suite.rehearsal.accidents.ask_for_secret('overseerr', 'secret-rotate')
    suite.at.settle()
    assert ran(suite, 'secret-rotate') == ['overseerr/0']
    assert key(suite) != before
    assert suite.status('overseerr')[0] == 'active'


def test_a_key_that_expires_is_told_of_once_and_holds(suite):
    before = key(suite)
    suite.rehearsal.accidents.ask_for_secret('overseerr', 'secret-expired')
    suite.at.settle()
    assert ran(suite, 'secret-expired') == ['overseerr/0']
    assert key(suite) == before


def test_who_no_longer_leads_is_not_told_of_the_key_that_its_successor_has_replaced(suite):
    suite.types('juju scale-application overseerr 2')
    suite.at.settle()
    first, second = suite.rehearsal.applications['overseerr'].units
    suite.rehearsal.accidents.lead(second)
    suite.rehearsal.accidents.ask_for_secret('overseerr', 'secret-rotate')
    suite.at.settle()
    [secret] = suite.rehearsal.secrets.secrets.values()
    assert secret.consumers[first.name].revision < secret.latest
    assert ran(suite, 'secret-changed') == []
