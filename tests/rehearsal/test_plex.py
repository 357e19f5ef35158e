# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An operator's life with Plex, in Juju's own commands."""

import json
import pathlib
from typing import Any

import pytest

HERE = pathlib.Path(__file__).parent
TOKEN = 'claim-xxxxxxxxxxxxxxxxxxxx'
UNCLAIMED = 'unclaimed; run: juju run plex/leader claim-server token=(from https://plex.tv/claim)'
NO_GPU = 'hardware transcoding is on, but this node has no /dev/dri/renderD*'
# The charm's first description promises these commands, in this order.
PROMISED = f"""\
# Deploy Plex
juju deploy plex-k8s plex --trust

# Relate to storage (required)
juju relate plex charmarr-storage

# Relate to ingress (optional but recommended)
juju relate plex istio-ingress

# Wait for deployment
juju status --watch 2s

# Apply token
juju run plex/0 claim-server token={TOKEN}

# Enable hardware transcoding
juju config plex hardware-transcoding=true
"""


def workload(operator: Any) -> Any:
    return next(each for each in operator.pod('plex')['containers'] if each['name'] == 'plex')


@pytest.fixture
def storage(operator: Any) -> Any:
    """A model with the storage alone."""
    operator.types('juju deploy charmarr-storage --trust')
    return operator


@pytest.fixture
def plex(storage: Any) -> Any:
    """A model in which Plex runs."""
    storage.types('juju deploy plex-k8s plex --trust\njuju relate plex charmarr-storage')
    assert storage.status('plex') == ('active', UNCLAIMED)
    return storage


def test_what_was_promised_works_word_for_word(storage: Any):
    storage.rehearsal.catalogue.add(HERE / 'charms' / 'istio-ingress-stand-in')
    storage.types('juju deploy istio-ingress-stand-in istio-ingress')
    said = storage.types(PROMISED)
    assert 'message: the server is claimed' in said
    assert storage.status('plex') == ('active', NO_GPU)
    info = storage.types('juju run plex/0 show-info')
    assert 'external-url: http://plex.example.org' in info
    assert 'api-url: http://plex.media.svc.cluster.local:32400' in info
    assert storage.rollouts() == {'plex': 2}, 'one for the storage, one for the GPU'


def test_storage_and_gpu_together_are_one_rollout(storage: Any):
    storage.types(
        'juju deploy plex-k8s plex --trust --config hardware-transcoding=true '
        '--config transcode-size=20Gi\n'
        'juju relate plex charmarr-storage'
    )
    assert storage.rollouts() == {'plex': 1}
    assert {each['mountPath'] for each in workload(storage)['volumeMounts']} >= {
        *('/data', '/dev/dri', '/transcode'),
    }


def test_plex_is_stopped_before_every_change_of_its_pod(plex: Any):
    for command in (
        'juju config plex hardware-transcoding=true',
        'juju config plex transcode-size=20Gi',
        'juju remove-relation plex charmarr-storage',
    ):
        before = plex.generation('plex')
        plex.stops.clear()
        plex.types(command)
        assert plex.generation('plex') == before + 1
        assert plex.stops[0] == before


def test_the_server_comes_back_with_its_storage(plex: Any):
    plex.types(f'juju run plex/leader claim-server token={TOKEN}')  # as its status says
    before = plex.types('juju run plex/0 show-info')
    plex.types('juju remove-relation plex charmarr-storage')
    assert plex.status('plex') == (
        'blocked',
        'needs storage; run: juju relate plex charmarr-storage',
    )
    plex.types('juju relate plex charmarr-storage')
    assert plex.status('plex') == ('active', '')
    machine = next(each for each in before.splitlines() if each.startswith('machine-identifier'))
    assert machine in plex.types('juju run plex/0 show-info')


def test_without_trust_it_asks_for_it_and_goes_on_when_it_has_it(storage: Any):
    storage.types('juju deploy plex-k8s plex\njuju relate plex charmarr-storage')
    status, message = storage.status('plex')
    assert status == 'blocked'
    assert message.endswith('run: juju trust plex --scope=cluster')
    storage.types('juju trust plex --scope=cluster')
    assert storage.status('plex') == ('active', UNCLAIMED)


def test_a_second_unit_stays_idle_and_goes_again(plex: Any):
    plex.types('juju scale-application plex 2')
    units = {each.name: each.status for each in plex.rehearsal.applications['plex'].units}
    assert units['plex/0'].name == 'active'
    assert units['plex/1'].message == (
        'only the leader runs Plex; run: juju scale-application plex 1'
    )
    plex.types('juju scale-application plex 1')
    assert plex.status('plex') == ('active', UNCLAIMED)


def test_a_refresh_keeps_owner_and_overlay(plex: Any):
    plex.types(f'juju run plex/0 claim-server token={TOKEN}')
    before = plex.pod('plex')['volumes']
    plex.types('juju refresh plex')
    assert plex.status('plex') == ('active', '')
    assert plex.pod('plex')['volumes'] == before


def test_scaling_to_zero_and_back_keeps_the_server(plex: Any):
    plex.types(f'juju run plex/0 claim-server token={TOKEN}')
    plex.types('juju scale-application plex 0')
    plex.types('juju scale-application plex 1')
    assert plex.status('plex') == ('active', '')


def test_removing_the_application_leaves_the_media(plex: Any):
    plex.types('juju remove-application plex --no-prompt')
    assert 'charmarr-storage-shared' in plex.claims()
    assert plex.status('charmarr-storage')[0] == 'active'


def test_the_token_is_in_nothing_that_is_printed_or_kept(plex: Any):
    plex.types(f'juju run plex/0 claim-server token={TOKEN}')
    said = plex.out.getvalue() + plex.err.getvalue()
    assert TOKEN not in said
    kept = [vars(each) for each in plex.rehearsal.applications['plex'].units]
    objects = plex.rehearsal.cluster.list('StatefulSet', 'media')
    assert TOKEN not in repr(kept) + json.dumps(objects)


def test_a_quiet_round_writes_nothing_and_reads_once(plex: Any):
    assert plex.rehearsal.settle().quiet
    last = [each for each in plex.rehearsal.history if each.unit == 'plex/0'][-1]
    assert (last.hook, last.reads, last.writes, last.changes) == ('update-status', 1, 0, 0)
