# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import ops
import pytest
from ops import testing

from charmarr_lib import reconcile

META = {
    'name': 'sample',
    'containers': {'work-load': {'mounts': [{'storage': 'config', 'location': '/config'}]}},
    'storage': {'config': {'type': 'filesystem'}},
    'provides': {'media-server': {'interface': 'media-server'}},
    'peers': {'peers': {'interface': 'sample_peers'}},
    'actions': {'claim': {}},
}


class Sample(ops.CharmBase):
    runs = 0

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        reconcile.observe(self, self._reconcile)

    def _reconcile(self, _: ops.EventBase):
        Sample.runs += 1


CONTAINER = testing.Container('work-load', can_connect=True)
RELATION = testing.Relation('media-server')
PEERS = testing.PeerRelation('peers', peers_data={1: {}})
STORAGE = testing.Storage('config')
SECRET = testing.Secret({'key': 'value'})
LAYER = ops.pebble.Layer({'checks': {'ready': {'override': 'replace', 'exec': {'command': 'x'}}}})
CHECKED = testing.Container(
    'work-load',
    can_connect=True,
    layers={'sample': LAYER},
    check_infos={testing.CheckInfo('ready')},
)


@pytest.fixture
def context():
    Sample.runs = 0
    with testing.Context(Sample, meta=META) as context:
        yield context


def run(context, event):
    checked = 'check' in event.name
    state = testing.State(
        leader=True,
        containers={CHECKED if checked else CONTAINER},
        relations={RELATION, PEERS},
        storages={STORAGE},
        secrets={SECRET},
    )
    context.run(event, state)
    return Sample.runs


LIFECYCLE = (
    *('install', 'start', 'config_changed'),
    *('leader_elected', 'upgrade_charm', 'update_status'),
)


@pytest.mark.parametrize('name', LIFECYCLE)
def test_reconciles_once_on_lifecycle_events(context, name):
    assert run(context, getattr(context.on, name)()) == 1


@pytest.mark.parametrize('what', ['created', 'joined', 'changed', 'departed', 'broken'])
def test_reconciles_once_on_relation_events(context, what):
    assert run(context, getattr(context.on, f'relation_{what}')(RELATION)) == 1


def test_reconciles_once_on_peer_changes(context):
    assert run(context, context.on.relation_changed(PEERS, remote_unit=1)) == 1


def test_reconciles_once_on_pebble_events(context):
    assert run(context, context.on.pebble_ready(CONTAINER)) == 1


@pytest.mark.parametrize('what', ['failed', 'recovered'])
def test_reconciles_once_on_check_events(context, what):
    [check] = CHECKED.check_infos
    if what == 'failed':
        event = context.on.pebble_check_failed(CHECKED, check)
    else:
        event = context.on.pebble_check_recovered(CHECKED, check)
    assert run(context, event) == 1


def test_reconciles_once_on_storage_attached(context):
    assert run(context, context.on.storage_attached(STORAGE)) == 1


def test_reconciles_once_on_secret_changed(context):
    assert run(context, context.on.secret_changed(SECRET)) == 1


def test_leaves_out_the_events_that_need_an_answer_of_their_own(context):
    for event in (
        context.on.stop(),
        context.on.remove(),
        context.on.storage_detaching(STORAGE),
        context.on.action('claim'),
    ):
        assert run(context, event) == 0
