# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The charms themselves, on the fake API server and on a real one: the same stories."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from charmarr_lib.testing.kubernetes import juju_reapply, juju_statefulset

from . import backends, manifests, overlays, wire
from .units import PlexUnit, StorageUnit

CLAIM = 'PersistentVolumeClaim'
SHARED = {'name': 'charmarr-shared', 'mountPath': '/data'}
TRUST = 'juju trust {app} --scope=cluster'


@pytest.fixture
def plex_unit(
    backend: backends.Backend,
    juju: wire.Api,
    deployed: wire.Manifest,
    tmp_path: pathlib.Path,
) -> Iterator[PlexUnit]:
    """A unit of plex that was deployed a moment ago, and is not trusted."""
    account = backend.account(juju.namespace, 'plex')

    def template() -> wire.Manifest:
        return juju.get('StatefulSet', 'plex').done

    unit = PlexUnit(juju.namespace, account, tmp_path, template)
    yield unit
    unit.close()


@pytest.fixture
def trusted_plex(backend: backends.Backend, plex_unit: PlexUnit, api: wire.Api) -> PlexUnit:
    """The same, trusted, with a claim in its namespace that it could mount."""
    backend.trust(api.namespace, 'plex')
    api.create(manifests.claim()).done.keys()
    return plex_unit


@pytest.fixture
def storage(backend: backends.Backend, juju: wire.Api) -> Iterator[StorageUnit]:
    """A unit of charmarr-storage that was deployed with trust a moment ago."""
    namespace = juju.namespace
    assert juju.create(juju_statefulset('storage', namespace, 'none', 'example/none:1')).done
    account = backend.account(namespace, 'storage')
    backend.trust(namespace, 'storage')
    unit = StorageUnit(namespace, account)
    yield unit
    unit.close()


@pytest.fixture
def default_class(api: wire.Api, unique: str) -> Iterator[str]:
    """A class that lets claims grow, marked as the default one."""
    assert api.create(
        manifests.storage_class(unique, is_default=True, allowVolumeExpansion=True)
    ).done
    yield unique
    api.delete('StorageClass', unique)


def stateful_set(api: wire.Api) -> wire.Manifest:
    return api.get('StatefulSet', 'plex').done


def test_plex_asks_for_trust_and_goes_on_once_it_has_it(
    plex_unit: PlexUnit, backend: backends.Backend, api: wire.Api
):
    api.create(manifests.claim())
    assert TRUST.format(app='plex') in plex_unit.relate_storage('shared')
    assert plex_unit.writes() == []
    backend.trust(api.namespace, 'plex')
    plex_unit.run()
    assert stateful_set(api)['metadata']['generation'] == 2


def test_plex_mounts_storage_and_device_in_one_new_generation(
    trusted_plex: PlexUnit, api: wire.Api
):
    trusted_plex.configure(hardware_transcoding=True, transcode_size='20480Mi')
    trusted_plex.relate_storage('shared')
    after = stateful_set(api)
    assert after['metadata']['generation'] == 2
    assert SHARED in overlays.workload(after)['volumeMounts']
    assert overlays.workload(after)['securityContext'] == {
        'privileged': True,
        'runAsUser': 0,
        'runAsGroup': 0,
    }
    assert {each['name'] for each in overlays.pod(after)['volumes']} == {
        'charm-data',
        'charmarr-device',
        'charmarr-scratch',
        'charmarr-shared',
    }


def test_plex_runs_in_the_pod_that_has_the_volume(trusted_plex: PlexUnit, api: wire.Api):
    trusted_plex.relate_storage('shared')
    assert not trusted_plex.plex.running
    trusted_plex.roll()
    trusted_plex.run()
    assert trusted_plex.plex.running
    assert stateful_set(api)['metadata']['generation'] == 2


def test_plex_writes_nothing_when_nothing_has_changed(trusted_plex: PlexUnit, api: wire.Api):
    trusted_plex.configure(hardware_transcoding=True, transcode_size='20480Mi')
    trusted_plex.relate_storage('shared')
    trusted_plex.roll()
    before = stateful_set(api)
    trusted_plex.requests.clear()
    for _ in range(3):
        trusted_plex.run()
    assert trusted_plex.writes() == []
    assert stateful_set(api) == before


def test_plex_keeps_its_overlay_through_a_refresh(
    trusted_plex: PlexUnit, juju: wire.Api, namespace: str
):
    trusted_plex.configure(hardware_transcoding=True)
    trusted_plex.relate_storage('shared')
    refreshed = juju_statefulset(
        *('plex', namespace, 'plex', 'example/plex:2'),
        storage={'config': '/config'},
        charm_modified_version=1,
    )
    version, _ = juju.version('StatefulSet', 'plex')
    patch = juju_reapply(refreshed, resource_version=version)
    assert juju.patch('StatefulSet', 'plex', patch, wire.STRATEGIC).done
    trusted_plex.requests.clear()
    trusted_plex.run(trusted_plex.context.on.upgrade_charm())
    assert trusted_plex.writes() == []
    assert SHARED in overlays.workload(stateful_set(juju))['volumeMounts']


def test_plex_leaves_the_template_as_juju_wrote_it(
    trusted_plex: PlexUnit, deployed: wire.Manifest, api: wire.Api
):
    trusted_plex.configure(hardware_transcoding=True)
    trusted_plex.relate_storage('shared')
    trusted_plex.roll()
    trusted_plex.run()
    trusted_plex.part(1)
    trusted_plex.configure(hardware_transcoding=False)
    after = stateful_set(api)
    assert after['spec'] == deployed['spec']
    assert overlays.managers(after) == [('juju', 'Update')]


def test_plex_names_a_claim_that_is_not_there(trusted_plex: PlexUnit):
    status = trusted_plex.relate_storage('nowhere')
    assert 'claim nowhere does not exist' in status
    assert trusted_plex.writes() == []


def test_storage_makes_a_claim_and_checks_it_once_it_is_bound(
    storage: StorageUnit, api: wire.Api, default_class: str
):
    storage.relate_plex()
    claim = api.get(CLAIM, 'storage-shared').done
    assert claim['spec']['storageClassName'] == default_class
    assert claim['spec']['accessModes'] == ['ReadWriteMany']
    assert storage.offer is None
    api.merge(CLAIM, 'storage-shared', manifests.bound('100Gi'), 'status')
    storage.run()
    [job] = api.list('Job').done['items']
    assert job['spec']['podReplacementPolicy'] == 'Failed'
    assert storage.offer is None


def test_storage_writes_nothing_when_nothing_has_changed(
    storage: StorageUnit, api: wire.Api, default_class: str
):
    storage.relate_plex()
    api.merge(CLAIM, 'storage-shared', manifests.bound('100Gi'), 'status')
    storage.run()
    storage.requests.clear()
    before = storage.status
    assert storage.run() == before
    assert storage.writes() == []


def test_storage_grows_its_claim(storage: StorageUnit, api: wire.Api, default_class: str):
    storage.relate_plex()
    api.merge(CLAIM, 'storage-shared', manifests.bound('100Gi'), 'status')
    storage.configure(size='200Gi')
    claim = api.get(CLAIM, 'storage-shared').done
    assert claim['spec']['resources']['requests'] == {'storage': '200Gi'}
    assert storage.configure(size='50Gi') == (
        'blocked: size: a volume cannot shrink, and this one has 200Gi; '
        'run: juju config storage size=200Gi'
    )


def test_storage_says_so_where_its_class_does_not_let_it_grow(
    storage: StorageUnit, api: wire.Api, unique: str
):
    api.create(manifests.storage_class(unique))
    storage.configure(storage_class=unique)
    api.merge(CLAIM, 'storage-shared', manifests.bound('100Gi'), 'status')
    status = storage.configure(size='200Gi')
    assert status.startswith('blocked: cannot change PersistentVolumeClaim storage-shared')
    assert status.endswith('size stays 100Gi; run: juju config storage size=100Gi')


def test_storage_makes_a_volume_for_a_file_server(
    storage: StorageUnit, api: wire.Api, namespace: str
):
    storage.configure(
        backend_type='native-nfs', nfs_server='nas.lan', nfs_path='/media', size='10240Mi'
    )
    [volume] = [
        each
        for each in api.list('PersistentVolume').done['items']
        if each['spec'].get('claimRef', {}).get('namespace') == namespace
    ]
    assert volume['spec']['nfs'] == {'server': 'nas.lan', 'path': '/media'}
    assert volume['spec']['persistentVolumeReclaimPolicy'] == 'Retain'
    claim = api.get(CLAIM, 'storage-shared').done
    assert claim['spec']['volumeName'] == volume['metadata']['name']
    assert claim['spec']['storageClassName'] == ''
    storage.requests.clear()
    storage.run()
    assert storage.writes() == []


def test_storage_that_is_not_trusted_says_how_to(backend: backends.Backend, juju: wire.Api):
    juju.create(juju_statefulset('storage', juju.namespace, 'none', 'example/none:1'))
    unit = StorageUnit(juju.namespace, backend.account(juju.namespace, 'storage'))
    try:
        assert TRUST.format(app='storage') in unit.run()
    finally:
        unit.close()
