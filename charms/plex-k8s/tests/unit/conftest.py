# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One unit of Plex in a pod that follows its StatefulSet, and the API that has it."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import pathlib
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import httpx2
import ops
import pytest
import yaml
from ops import testing

from charmarr_lib import http, interfaces
from charmarr_lib.testing import deployment, relation_for_provider, relation_for_requirer
from charmarr_lib.testing.kubernetes import KubernetesFake, juju_statefulset
from charmarr_lib.testing.pebble import Owners, PebbleFake, Surround, use_pebble
from charmarr_lib.testing.plex import PlexDouble

CHARM: Final = pathlib.Path(__file__).parents[2]
sys.path.append(str(CHARM / 'src'))

NAMESPACE: Final = 'media'
CLAIM: Final = 'charmarr-storage-shared'
METADATA: Final[dict[str, Any]] = yaml.safe_load((CHARM / 'charmcraft.yaml').read_text('utf-8'))
VOLUME: Final = interfaces.MediaStorageProviderData(pvc_name=CLAIM)


class Unit:
    """A unit of the charm, its pod, and the cluster around it.

    What one dispatch leaves behind is there for the next: relation data, files, services. The pod
    is replaced when a test says so, as the StatefulSet has it by then.

    Attributes:
        kube: The Kubernetes API.
        plex: The program in the pod.
        pod: The workload container.
        gpu: Devices of the node: path and group.
        lost: Mount points that the next pod comes up without.
        read_only: Mount points that the next pod cannot write to.
        on_request: Called with each request of the charm before it is answered.
        surround: Surrounds each call of Pebble, if it is set.
        state: What Juju knows.
        context: How the charm is run.
    """

    def __init__(self, charm: type[ops.CharmBase], folder: pathlib.Path, number: int = 0):
        self.kube = KubernetesFake()
        self.kube.add(
            juju_statefulset(
                'plex', NAMESPACE, 'plex', 'example/plex:1', storage={'config': '/config'}
            ),
            manager='juju',
        )
        self.add_claim(CLAIM)
        self.plex = PlexDouble()
        self.gpu: dict[str, int] = {}
        self.lost: set[str] = set()
        self.read_only: set[str] = set()
        self.on_request: Callable[[httpx2.Request], None] = lambda request: None
        self.surround: Surround | None = None
        self.owners = Owners()
        self._folder = folder
        self.pod = self._boot()
        # Without charm_root: ops.testing writes files there, and two tests at once would take them
        # from each other.
        self.context = testing.Context(
            charm, app_name='plex', unit_id=number, meta=copy.deepcopy(METADATA)
        )
        self.state = testing.State(
            leader=True,
            planned_units=1,
            model=testing.Model(name=NAMESPACE),
            storages={testing.Storage('config')},
        )

    # The cluster.

    def add_claim(self, name: str) -> None:
        """Create a claim that can be mounted."""
        self.kube.add(
            {
                'apiVersion': 'v1',
                'kind': 'PersistentVolumeClaim',
                'metadata': {'name': name, 'namespace': NAMESPACE},
                'spec': {
                    'accessModes': ['ReadWriteMany'],
                    'resources': {'requests': {'storage': '1Gi'}},
                },
            }
        )

    @property
    def statefulset(self) -> dict[str, Any]:
        """The StatefulSet as it is."""
        found = self.kube.get('StatefulSet', 'plex', NAMESPACE)
        assert found is not None
        return found

    @property
    def container_spec(self) -> dict[str, Any]:
        """The workload container in the pod template."""
        containers = self.statefulset['spec']['template']['spec']['containers']
        return next(each for each in containers if each['name'] == 'plex')

    @property
    def volumes(self) -> dict[str, Any]:
        """The volumes that the charm has added to the pod template, by name."""
        volumes = self.statefulset['spec']['template']['spec']['volumes']
        return {each['name']: each for each in volumes if each['name'].startswith('charmarr-')}

    @property
    def generation(self) -> int:
        """How often the pod template has changed."""
        return self.statefulset['metadata']['generation']

    def roll(self) -> None:
        """Replace the pod by one that is as the StatefulSet has it now."""
        self.pod.close()
        self.pod = self._boot()

    def _boot(self) -> PebbleFake:
        mounted = {each['mountPath']: each['name'] for each in self.container_spec['volumeMounts']}
        volumes = self.volumes
        mounts = {'/config': self._disk('config')}
        for path, name in mounted.items():
            if name in volumes and path != '/dev/dri':
                mounts[path] = self._disk(name)
        for path in self.lost:
            del mounts[path]
        spec = self.container_spec
        limits = spec.get('resources', {}).get('limits', {})
        privileged = spec.get('securityContext', {}).get('privileged', False)
        opens = privileged or any('gpu' in each for each in limits)
        devices = self.gpu if opens else {}
        return PebbleFake(
            self.plex,
            mounts=mounts,
            read_only=self.read_only,
            devices=devices,
            owners=self.owners,
        )

    def _disk(self, name: str) -> pathlib.Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    # The model.

    def relate_storage(
        self, data: interfaces.MediaStorageProviderData | str | None = VOLUME
    ) -> testing.Relation:
        """Relate the storage, or change what it publishes."""
        return self.relate(
            relation_for_requirer(
                'media-storage', data, remote_app='charmarr-storage', relation_id=1
            )
        )

    def relate_seerr(self) -> testing.Relation:
        """Relate a request manager."""
        seerr = interfaces.MediaServerRequirerData(
            requester=interfaces.RequestManager.SEERR, instance_name='seerr'
        )
        return self.relate(
            relation_for_provider('media-server', seerr, remote_app='seerr', relation_id=2)
        )

    def relate_ingress(self, **data: str) -> testing.Relation:
        """Relate an ingress that has published ``data``."""
        return self.relate(
            testing.Relation(
                'ingress',
                interface='istio_ingress_route',
                id=3,
                remote_app_name='istio-ingress',
                remote_app_data=data,
            )
        )

    def relate(self, relation: testing.Relation) -> testing.Relation:
        """Add a relation; what we published on one of the same number is kept."""
        before = [each for each in self.state.relations if each.id == relation.id]
        if before:
            relation = dataclasses.replace(relation, local_app_data=before[0].local_app_data)
        self.state = dataclasses.replace(
            self.state,
            relations={each for each in self.state.relations if each.id != relation.id}
            | {relation},
        )
        return relation

    def relation(self, endpoint: str) -> testing.Relation:
        """Return the relation of an endpoint."""
        found = next(each for each in self.state.relations if each.endpoint == endpoint)
        assert isinstance(found, testing.Relation)
        return found

    def break_relation(self, endpoint: str) -> testing.State:
        """Remove a relation: relation-broken runs, then it is gone."""
        relation = self.relation(endpoint)
        state = self.run(self.context.on.relation_broken(relation))
        gone = {each for each in state.relations if each.id != relation.id}
        self.state = dataclasses.replace(state, relations=gone)
        return self.state

    def configure(self, **options: str | bool | int) -> testing.State:
        """Set options, dashes as underscores, and run config-changed."""
        named = {name.replace('_', '-'): value for name, value in options.items()}
        self.state = dataclasses.replace(self.state, config={**self.state.config, **named})
        return self.run(self.context.on.config_changed())

    def scale(self, units: int, *, leader: bool) -> None:
        """Say how many units are wanted, and whether this one leads."""
        self.state = dataclasses.replace(self.state, planned_units=units, leader=leader)

    # Dispatches.

    def run(self, event: Any = None, *, connected: bool = True) -> testing.State:
        """Run one dispatch, update-status if no event is given."""
        container = self.pod.as_container('plex', can_connect=connected)
        state = dataclasses.replace(self.state, containers={container})
        with self._environment():
            self.state = self.context.run(event or self.context.on.update_status(), state)
        return self.state

    def act(self, name: str, **params: Any) -> dict[str, Any]:
        """Run an action and return its results."""
        self.run(self.context.on.action(name, params=params))
        return self.context.action_results or {}

    def settle(self) -> testing.State:
        """Let everything come to rest: pods are replaced, time passes."""
        for _ in range(10):
            generation = self.generation
            self.run()
            if self.generation != generation:
                self.roll()
                continue
            if self.state.unit_status.name != 'waiting':
                break
            self.pod.tick()
        return self.state

    @contextlib.contextmanager
    def _environment(self) -> Generator[None]:
        with (
            use_pebble({'plex': self.pod}, self.surround),
            http.use_transport(httpx2.MockTransport(self._network)),
        ):
            yield

    def _network(self, request: httpx2.Request) -> httpx2.Response:
        self.on_request(request)
        if request.url.host == 'kubernetes.default.svc':
            return self.kube.handle(request)
        assert request.url.host == '127.0.0.1', f'the charm called {request.url.host}'
        return self.pod.handle(request, '127.0.0.1')

    # What is asserted.

    @property
    def status(self) -> str:
        """The unit's status and message, as ``active: ready``."""
        return f'{self.state.unit_status.name}: {self.state.unit_status.message}'

    def published(self, endpoint: str) -> str | None:
        """Return what the charm has published on an endpoint."""
        return self.relation(endpoint).local_app_data.get('config')

    def close(self) -> None:
        """End the pod and remove the context's files."""
        self.pod.close()
        self.context.__exit__(None, None, None)


@pytest.fixture(scope='session')
def plex_charm() -> type[ops.CharmBase]:
    return deployment.load(CHARM).PlexCharm


@pytest.fixture
def make_unit(
    plex_charm: type[ops.CharmBase], tmp_path: pathlib.Path
) -> Iterator[Callable[[int], Unit]]:
    """Makes units that were deployed a moment ago, each in a pod and a cluster of its own."""
    made: list[Unit] = []

    def make(number: int) -> Unit:
        folder = tmp_path / str(number)
        folder.mkdir()
        made.append(Unit(plex_charm, folder, number))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def unit(plex_charm: type[ops.CharmBase], tmp_path: pathlib.Path) -> Iterator[Unit]:
    """A unit that was deployed a moment ago."""
    made = Unit(plex_charm, tmp_path)
    yield made
    made.close()


@pytest.fixture
def running(unit: Unit) -> Unit:
    """A unit with storage and a request manager, whose Plex runs."""
    unit.relate_storage()
    unit.relate_seerr()
    unit.settle()
    assert unit.status.startswith('active'), unit.status
    return unit
