# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Rollouts, binding and Jobs, as the real controllers do them with what the charms write.

These need a real control plane: the fake has no controllers.
"""

from __future__ import annotations

import contextlib
import pathlib
import shutil
from collections.abc import Callable, Iterator

import pytest

from charmarr_lib.testing.kubernetes import juju_statefulset

from . import backends, manifests, nodes, overlays, servers, wire
from .units import PlexUnit, StorageUnit

CLAIM = 'PersistentVolumeClaim'
OWN_CLAIM = 'plex-config-8e0f1b2c-plex-0'
SOON = 60.0  # seconds; controllers need one or two, unless the machine is busy


class Cluster:
    """A cluster of one namespace, with controllers and one node.

    Attributes:
        api: Requests of somebody who may do everything.
        juju: Requests of Juju.
        backend: Who may do what.
        node: The node.
        disk: Files of the shared volume.
    """

    def __init__(
        self,
        real: backends.Real,
        controllers: servers.Program,
        namespace: str,
        disk: pathlib.Path,
    ) -> None:
        self.api = wire.Api(real.transport(), namespace)
        self.juju = wire.Api(real.transport(), namespace, 'juju')
        self.backend = real
        self.disk = disk
        self._controllers = controllers
        self.node = nodes.Node(self.api, self._check)

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the controllers and the node work until something is so."""

        def look() -> bool:
            self.node.step()
            return condition()

        self._controllers.wait_until(look, SOON)

    def is_rolled_out(self, name: str) -> bool:
        """Tell whether all pods of a StatefulSet are as its template says, and ready."""
        found = self.api.get('StatefulSet', name).done
        status, wanted = found['status'], found['spec']['replicas']
        return (
            status.get('observedGeneration') == found['metadata']['generation']
            and status.get('updateRevision') == status.get('currentRevision')
            and status.get('updatedReplicas', wanted) == wanted
            and status.get('readyReplicas', 0) == wanted
            and len(self.api.names('Pod', labelSelector=f'app.kubernetes.io/name={name}'))
            == wanted
        )

    def phase(self, claim: str) -> str:
        """Return the phase of a claim."""
        return self.api.get(CLAIM, claim).done['status']['phase']

    def _check(self, pod: wire.Manifest) -> nodes.Ended:
        """Run the program of the storage check on the disk, as its pod would."""
        import storage_check  # found once the charm is loaded

        job = pod['metadata']['labels']['job-name']
        check = storage_check.Check(self.disk, f'.{job}', with_layout=False)
        code, answer = storage_check.run(check)
        return code, storage_check.as_text(answer)


@pytest.fixture(scope='module')
def real(
    control_plane: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[backends.Real, servers.Program]]:
    """A control plane of its own, whose controllers no other test meets."""
    if shutil.which('kube-controller-manager', path=control_plane) is None:
        pytest.skip(f'there is no kube-controller-manager in {control_plane}')
    folder = tmp_path_factory.mktemp('controllers')
    with (
        servers.api_server(control_plane, folder) as server,
        contextlib.closing(backends.Real(server)) as backend,
        servers.controllers(server) as controllers,
    ):
        yield backend, controllers


@pytest.fixture
def cluster(
    real: tuple[backends.Real, servers.Program], tmp_path: pathlib.Path, unique: str
) -> Iterator[Cluster]:
    backend, controllers = real
    disk = tmp_path / 'disk'
    disk.mkdir()
    made = Cluster(backend, controllers, f'media-{unique}', disk)
    namespace = {
        'apiVersion': 'v1',
        'kind': 'Namespace',
        'metadata': {'name': made.api.namespace},
    }
    with made.api, made.juju:
        assert made.api.create(namespace).done
        made.node.join()
        yield made
        assert made.api.delete('Node', nodes.NAME).done


@pytest.fixture
def own_volume(cluster: Cluster, unique: str) -> str:
    """A volume that the claim of plex's own storage is bound to."""
    capacity = {'storage': '1Gi'}
    modes = ['ReadWriteOnce']
    volume = manifests.volume(f'{unique}-config', capacity=capacity, accessModes=modes)
    return cluster.api.create(volume).done['metadata']['name']


@pytest.fixture
def plex_unit(cluster: Cluster, own_volume: str, tmp_path: pathlib.Path) -> Iterator[PlexUnit]:
    """A unit of plex whose first pod runs, and that is trusted."""
    namespace = cluster.api.namespace
    cluster.juju.create(
        juju_statefulset(
            'plex', namespace, 'plex', 'example/plex:1', storage={'config': '/config'}
        )
    )
    cluster.until(lambda: cluster.is_rolled_out('plex'))
    account = cluster.backend.account(namespace, 'plex')
    cluster.backend.trust(namespace, 'plex')

    def template() -> wire.Manifest:
        return cluster.api.get('StatefulSet', 'plex').done

    unit = PlexUnit(namespace, account, tmp_path, template)
    yield unit
    unit.close()


@pytest.fixture
def storage(cluster: Cluster) -> Iterator[StorageUnit]:
    """A unit of charmarr-storage that is trusted, for files on a server."""
    namespace = cluster.api.namespace
    cluster.juju.create(juju_statefulset('storage', namespace, 'none', 'example/none:1'))
    account = cluster.backend.account(namespace, 'storage')
    cluster.backend.trust(namespace, 'storage')
    unit = StorageUnit(namespace, account)
    yield unit
    unit.close()


def pod(cluster: Cluster) -> wire.Manifest:
    """Return the pod of the only unit of plex."""
    return cluster.api.get('Pod', 'plex-0').done


def shared_claim(cluster: Cluster, unique: str) -> None:
    """Make a claim with a volume that it is bound to."""
    cluster.api.create(manifests.volume(f'{unique}-shared'))
    cluster.api.create(manifests.claim(volumeName=f'{unique}-shared', storageClassName=''))
    cluster.until(lambda: cluster.phase('shared') == 'Bound')


def test_the_claim_of_a_unit_is_made_and_bound(cluster: Cluster, plex_unit: PlexUnit):
    assert cluster.phase(OWN_CLAIM) == 'Bound'
    volumes = {each['name']: each for each in pod(cluster)['spec']['volumes']}
    claim = volumes['plex-config-8e0f1b2c']['persistentVolumeClaim']
    assert claim['claimName'] == OWN_CLAIM


def test_storage_and_device_take_one_rollout(cluster: Cluster, plex_unit: PlexUnit, unique: str):
    shared_claim(cluster, unique)
    first = pod(cluster)['metadata']['uid']
    plex_unit.configure(hardware_transcoding=True, transcode_size='20Gi')
    plex_unit.relate_storage('shared')
    cluster.until(lambda: cluster.is_rolled_out('plex'))
    second = pod(cluster)
    assert cluster.node.started == [first, second['metadata']['uid']]
    mounts = {each['name'] for each in overlays.workload(_as_template(second))['volumeMounts']}
    assert {'charmarr-shared', 'charmarr-device', 'charmarr-scratch'} <= mounts
    plex_unit.roll()
    for _ in range(3):
        plex_unit.run()
        cluster.node.step()
    assert plex_unit.plex.running
    assert cluster.is_rolled_out('plex')
    assert len(cluster.node.started) == 2
    assert cluster.api.version('StatefulSet', 'plex')[1] == 2


def test_an_unchanged_reapply_by_juju_restarts_nothing(
    cluster: Cluster, plex_unit: PlexUnit, unique: str
):
    shared_claim(cluster, unique)
    plex_unit.relate_storage('shared')
    cluster.until(lambda: cluster.is_rolled_out('plex'))
    uid = pod(cluster)['metadata']['uid']
    version = cluster.api.version('StatefulSet', 'plex')
    again = juju_statefulset(
        *('plex', cluster.api.namespace, 'plex', 'example/plex:1'),
        storage={'config': '/config'},
    )
    assert cluster.juju.patch('StatefulSet', 'plex', again, wire.STRATEGIC).done
    assert cluster.api.version('StatefulSet', 'plex') == version
    assert pod(cluster)['metadata']['uid'] == uid


def test_every_unit_is_replaced_once(cluster: Cluster, plex_unit: PlexUnit, unique: str):
    for number in (1, 2):
        volume = manifests.volume(
            f'{unique}-more-{number}',
            capacity={'storage': '1Gi'},
            accessModes=['ReadWriteOnce'],
        )
        cluster.api.create(volume)
    cluster.juju.patch('StatefulSet', 'plex', {'spec': {'replicas': 3}}, wire.STRATEGIC)
    cluster.until(lambda: cluster.is_rolled_out('plex'))
    assert len(cluster.node.started) == 3
    shared_claim(cluster, unique)
    plex_unit.relate_storage('shared')
    cluster.until(lambda: cluster.is_rolled_out('plex'))
    assert len(cluster.node.started) == len(set(cluster.node.started)) == 6


def test_a_claim_that_is_deleted_lives_as_long_as_a_pod_mounts_it(
    cluster: Cluster, plex_unit: PlexUnit, unique: str
):
    shared_claim(cluster, unique)
    plex_unit.relate_storage('shared')
    cluster.until(lambda: cluster.is_rolled_out('plex'))
    assert cluster.api.delete(CLAIM, 'shared').code == 200
    plex_unit.roll()
    plex_unit.run()
    assert plex_unit.plex.running
    assert 'deletionTimestamp' in cluster.api.get(CLAIM, 'shared').done['metadata']
    plex_unit.part(1)
    cluster.until(lambda: cluster.api.get(CLAIM, 'shared').code == 404)
    cluster.until(lambda: cluster.is_rolled_out('plex'))


def test_storage_is_bound_checked_offered_and_mounted(
    cluster: Cluster, storage: StorageUnit, plex_unit: PlexUnit
):
    storage.relate_plex()
    storage.configure(backend_type='native-nfs', nfs_server='nas.lan', nfs_path='/media')
    cluster.until(lambda: cluster.phase('storage-shared') == 'Bound')
    storage.run()
    assert storage.offer is None

    def is_checked() -> bool:
        [job] = cluster.api.list('Job').done['items']
        ends = {each['type'] for each in job['status'].get('conditions', ())}
        return bool(ends & {'Complete', 'Failed'})

    cluster.until(is_checked)
    assert storage.run() == 'active: 100Gi for plex'
    assert storage.offer is not None
    plex_unit.relate_storage(storage.offer.pvc_name)
    cluster.until(lambda: cluster.is_rolled_out('plex'))
    mounts = overlays.workload(_as_template(pod(cluster)))['volumeMounts']
    assert {'name': 'charmarr-shared', 'mountPath': '/data'} in mounts


def test_a_claim_outlives_the_application_that_made_it(cluster: Cluster, storage: StorageUnit):
    storage.configure(backend_type='native-nfs', nfs_server='nas.lan', nfs_path='/media')
    cluster.until(lambda: cluster.phase('storage-shared') == 'Bound')
    cluster.juju.delete('StatefulSet', 'storage', {'propagationPolicy': 'Foreground'})
    cluster.until(lambda: cluster.api.get('StatefulSet', 'storage').code == 404)
    assert cluster.phase('storage-shared') == 'Bound'


def _as_template(pod: wire.Manifest) -> wire.Manifest:
    return {'spec': {'template': pod}}
