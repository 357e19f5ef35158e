# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pytest

from rehearsal import engine


def test_without_trust_the_api_says_no(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player')
    settled = rehearsal.settle()
    (unit,) = rehearsal.applications['player'].units
    assert settled.quiet
    assert unit.status.name == 'blocked'
    assert 'juju trust player --scope=cluster' in unit.status.message
    refused = [each for each in rehearsal.cluster.requests if each.status == 403]
    assert refused[0].user == 'system:serviceaccount:media:player'


def test_trust_lifts_it_and_its_removal_brings_it_back(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player')
    rehearsal.settle()
    rehearsal.trust('player')
    rehearsal.settle()
    assert rehearsal.applications['player'].status.name == 'active'
    rehearsal.configure('player', {'trust': 'false'})
    rehearsal.settle()
    assert rehearsal.applications['player'].status.name == 'blocked'


@pytest.mark.parametrize(
    ('verb', 'kind', 'namespace', 'allowed'),
    [
        ('get', 'Pod', 'media', True),
        ('patch', 'Service', 'media', True),
        ('list', 'Namespace', None, True),
        ('delete', 'Pod', 'media', False),
        ('get', 'Pod', 'other', False),
        ('get', 'StatefulSet', 'media', False),
        ('get', 'PersistentVolume', None, False),
    ],
)
def test_an_untrusted_application_may_do_what_juju_grants(
    rehearsal: engine.Rehearsal, verb: str, kind: str, namespace: str | None, allowed: bool
):
    rehearsal.deploy('player')
    account = 'system:serviceaccount:media:player'
    assert rehearsal.cluster.authorise(account, verb, kind, namespace) is allowed


def test_an_application_that_is_gone_may_do_nothing(rehearsal: engine.Rehearsal):
    account = 'system:serviceaccount:media:nobody'
    assert not rehearsal.cluster.authorise(account, 'get', 'Pod', 'media')
