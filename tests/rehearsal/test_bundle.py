# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import json

SHARED = 'charmarr-storage-shared'


def shared_mounts(operator, application='plex'):
    return [
        (container['name'], mount['mountPath'])
        for container in operator.pod(application)['containers']
        for mount in container['volumeMounts']
        if mount['name'] == 'charmarr-shared'
    ]


def test_ends_with_everything_active(suite):
    for application in ('charmarr-storage', 'plex', 'overseerr', 'mediahub'):
        assert suite.status(application)[0] == 'active'


def test_plex_carries_the_shared_volume_after_one_rollout(suite):
    assert suite.rollouts() == {'plex': 1}
    assert shared_mounts(suite) == [('plex', '/data')]
    volumes = {each['name']: each for each in suite.pod('plex')['volumes']}
    claim = volumes['charmarr-shared']['persistentVolumeClaim']
    assert claim == {'claimName': SHARED}


def test_the_request_manager_holds_the_address_of_plex(suite):
    [unit] = suite.rehearsal.applications['overseerr'].units
    [config] = unit.storage.values()
    folder = suite.rehearsal.kubernetes.volumes.folder(config.claim)
    settings = json.loads((folder / 'settings.json').read_text())
    assert settings['main']['mediaServerType'] == 4
    assert settings['plex']['ip'] == 'plex.media.svc.cluster.local'
    assert settings['plex']['port'] == 32400


def test_steady_state_costs_no_write_and_one_read_a_charm(suite):
    cost = suite.at.totals.quiet_round
    assert (cost.writes, cost.databag_writes) == (0, 0)
    assert cost.reads <= len(suite.rehearsal.applications)


def test_removing_the_storage_stops_plex_first_and_deletes_no_claim(suite):
    claims = suite.claims()
    generation = suite.generation('plex')
    suite.stops.clear()
    suite.types('juju remove-relation plex charmarr-storage')
    level, message = suite.status('plex')
    assert (level, message) == (
        'blocked',
        'needs storage; run: juju relate plex charmarr-storage',
    )
    assert shared_mounts(suite) == []
    assert suite.claims() == claims
    assert suite.stops == [generation]
    assert suite.generation('plex') == generation + 1


def test_relating_the_storage_again_brings_plex_back(suite):
    suite.types("""
        juju remove-relation plex charmarr-storage
        juju relate plex charmarr-storage
    """)
    assert suite.status('plex')[0] == 'active'
    assert shared_mounts(suite) == [('plex', '/data')]


def test_storage_and_gpu_together_are_one_rollout(operator):
    operator.types("""
        juju deploy charmarr-storage --trust
        juju deploy plex-k8s plex --trust --config hardware-transcoding=true
        juju relate plex charmarr-storage
    """)
    assert operator.rollouts() == {'plex': 1}


def test_the_commands_of_the_readme(suite):
    suite.types('juju config plex hardware-transcoding=true')
    said = suite.types('juju run plex/0 claim-server token=claim-xxxxxxxxxxxxxxxxxxxx')
    assert 'claimed' in said
    assert 'claim-xxxx' not in suite.out.getvalue() + suite.err.getvalue()
    table = suite.types('juju status --relations')
    assert 'plex:media-server' in table


def test_without_trust_it_says_what_to_type_and_goes_on_when_typed(operator):
    operator.types("""
        juju deploy charmarr-storage --trust
        juju deploy plex-k8s plex
        juju relate plex charmarr-storage
    """)
    assert operator.status('plex')[0] == 'blocked'
    assert 'juju trust plex --scope=cluster' in operator.status('plex')[1]
    operator.types('juju trust plex --scope=cluster')
    assert operator.status('plex')[0] == 'active'
