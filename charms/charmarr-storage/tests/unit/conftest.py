# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One application of the charm in a model, and the cluster around it."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import ops
import pytest
from ops import testing

from charmarr_lib import http, interfaces, waiting
from charmarr_lib.testing import deployment, relation_for_provider
from charmarr_lib.testing.kubernetes import KubernetesFake, Recorded, juju_statefulset

CHARM: Final = pathlib.Path(__file__).parents[2]
sys.path.append(str(CHARM / 'src'))

import storage_check  # noqa: E402 -- found only now

APP: Final = 'storage'
NAMESPACE: Final = 'media'
CLAIM: Final = 'storage-shared'
VOLUME: Final = 'media-storage-shared'
ENDPOINT: Final = 'media-storage'

Manifest = dict[str, Any]


class Clock:
    """Tells the time of the cluster: one second more at each look."""

    def __init__(self) -> None:
        self._now = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        self._now += datetime.timedelta(seconds=1)
        return self._now


class Cluster:
    """A Kubernetes cluster: the API, and what its controllers do when a test says so.

    Attributes:
        api: The API server.
        disk: The files of the shared volume.
    """

    def __init__(self, disk: pathlib.Path) -> None:
        self.api = KubernetesFake(clock=Clock())
        self.disk = disk
        self.add_class('standard', is_default=True)
        self.add_node('node-1')
        self.api.add(juju_statefulset(APP, NAMESPACE, 'none', 'example/none:1'), manager='juju')

    def add_class(
        self,
        name: str,
        *,
        is_default: bool = False,
        binding: str = 'Immediate',
        grows: bool = True,
    ) -> None:
        """Create a StorageClass."""
        key = 'storageclass.kubernetes.io/is-default-class'
        annotations = {key: 'true'} if is_default else {}
        self.api.add(
            {
                'apiVersion': 'storage.k8s.io/v1',
                'kind': 'StorageClass',
                'metadata': {'name': name, 'annotations': annotations},
                'provisioner': 'example.org/disk',
                'volumeBindingMode': binding,
                'allowVolumeExpansion': grows,
            }
        )

    def add_node(self, name: str) -> None:
        """Create a node, whose host name is not its name."""
        labels = {'kubernetes.io/hostname': f'{name}.example.org'}
        self.api.add(
            {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name, 'labels': labels}}
        )

    def add_claim(self, name: str, *, bound: bool = True, **spec: Any) -> Manifest:
        """Create a claim that is not the charm's."""
        claim = self.api.add(
            {
                'apiVersion': 'v1',
                'kind': 'PersistentVolumeClaim',
                'metadata': {'name': name, 'namespace': NAMESPACE},
                'spec': {
                    'accessModes': ['ReadWriteMany'],
                    'resources': {'requests': {'storage': '2Ti'}},
                    **spec,
                },
            }
        )
        if bound:
            self.bind(name)
        return claim

    def add_pod(
        self,
        name: str,
        claim: str = '',
        *,
        node: str = '',
        owner: Manifest | None = None,
        **labels: str,
    ) -> None:
        """Create a pod, with a claim mounted if one is named."""
        volumes = [{'name': 'data', 'persistentVolumeClaim': {'claimName': claim}}]
        spec: Manifest = {'containers': [{'name': 'main', 'image': 'example/main:1'}]}
        spec |= {'volumes': volumes} if claim else {}
        spec |= {'nodeName': node} if node else {}
        metadata: Manifest = {'name': name, 'namespace': NAMESPACE, 'labels': labels}
        if owner is not None:
            reference = {key: owner[key] for key in ('apiVersion', 'kind')}
            reference |= {key: owner['metadata'][key] for key in ('name', 'uid')}
            metadata['ownerReferences'] = [reference]
        self.api.add({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': metadata, 'spec': spec})

    def add_event(
        self,
        kind: str,
        name: str,
        reason: str,
        message: str,
        *,
        type_: str = 'Warning',
        at: str = '2026-11-20T00:00:00Z',
    ) -> None:
        """Record an event about an object."""
        number = len(self.api.list('Event', NAMESPACE))
        self.api.add(
            {
                'apiVersion': 'v1',
                'kind': 'Event',
                'metadata': {'name': f'event-{number}', 'namespace': NAMESPACE},
                'involvedObject': {'kind': kind, 'name': name, 'namespace': NAMESPACE},
                'type': type_,
                'reason': reason,
                'message': message,
                'lastTimestamp': at,
            }
        )

    @property
    def claim(self) -> Manifest:
        """The charm's claim."""
        found = self.api.get('PersistentVolumeClaim', CLAIM, NAMESPACE)
        assert found is not None
        return found

    @property
    def volume(self) -> Manifest:
        """The charm's static volume."""
        found = self.api.get('PersistentVolume', VOLUME)
        assert found is not None
        return found

    @property
    def jobs(self) -> list[Manifest]:
        """The Jobs, the oldest first."""
        jobs = self.api.list('Job', NAMESPACE)
        return sorted(
            jobs, key=lambda job: int(job['metadata']['labels']['charmarr.io/check-run'])
        )

    @property
    def job(self) -> Manifest:
        """The newest Job."""
        return self.jobs[-1]

    @property
    def job_pod(self) -> Manifest:
        """The pod spec of the newest Job."""
        return self.job['spec']['template']['spec']

    def bind(self, name: str = CLAIM, capacity: str = '') -> None:
        """Give a claim its volume, as the volume controllers do."""
        claim = self.api.get('PersistentVolumeClaim', name, NAMESPACE)
        assert claim is not None
        size = capacity or claim['spec']['resources']['requests']['storage']
        status = {'phase': 'Bound', 'capacity': {'storage': size}}
        self.api.set_status('PersistentVolumeClaim', name, NAMESPACE, status)
        volume = claim['spec'].get('volumeName')
        if volume is not None and self.api.get('PersistentVolume', volume) is not None:
            self._take(volume, claim)

    def _take(self, volume: str, claim: Manifest) -> None:
        reference = {'spec': {'claimRef': {'uid': claim['metadata']['uid']}}}
        self.merge(f'/api/v1/persistentvolumes/{volume}', reference)
        self.api.set_status('PersistentVolume', volume, None, {'phase': 'Bound'})

    def merge(self, path: str, patch: Mapping[str, Any]) -> None:
        """Change an object as somebody else."""
        import httpx2

        with httpx2.Client(
            transport=self.api.transport(), base_url='https://kubernetes.default.svc'
        ) as client:
            headers = {'Content-Type': 'application/merge-patch+json'}
            client.patch(path, json=patch, headers=headers).raise_for_status()

    def patch_claim(self, patch: Mapping[str, Any], name: str = CLAIM) -> None:
        """Change a claim as somebody else."""
        self.merge(f'/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/{name}', patch)

    def move(self) -> bool:
        """Do what the controllers have to do; tell whether there was anything."""
        claim = self.api.get('PersistentVolumeClaim', CLAIM, NAMESPACE)
        if claim is None:
            return False
        wanted = claim['spec']['resources']['requests']
        if claim.get('status', {}).get('capacity') != wanted:
            self.bind()
        elif self.jobs and not self.job.get('status', {}).get('conditions'):
            self.finish()
        else:
            return False
        return True

    def finish(self, *, with_pod: bool = True) -> None:
        """Run the newest Job's program on the disk, and end the Job as it says."""
        name = self.job['metadata']['name']
        check = storage_check.Check(self.disk, f'.{name}', with_layout='layout' in self._stages())
        code, answer = storage_check.run(check)
        self.end(code, storage_check.as_text(answer) if with_pod else None)

    def _stages(self) -> set[str]:
        return {each['name'] for each in self.job_pod.get('initContainers', [])}

    def end(self, code: int, message: str | None = '', reason: str = '') -> None:
        """End the newest Job with an exit code and a termination message (None for no pod)."""
        name = self.job['metadata']['name']
        if message is not None:
            self._end_pod(name, code, message)
        denied = 'PodFailurePolicy' if code == storage_check.DENIED else 'BackoffLimitExceeded'
        condition = {'type': 'Complete' if code == 0 else 'Failed', 'status': 'True'}
        condition |= {'lastTransitionTime': '2026-11-20T12:00:00Z'}
        condition |= {'reason': reason or denied} if code else {}
        self.api.set_status('Job', name, NAMESPACE, {'conditions': [condition]})

    def _end_pod(self, job: str, code: int, message: str) -> None:
        pod = f'{job}-x7k2p'
        labels = self.job['spec']['template']['metadata']['labels']
        self.add_pod(pod, owner=self.job, **labels)
        ended = {'exitCode': code, 'message': message, 'finishedAt': '2026-11-20T12:00:00Z'}
        states = [{'name': 'check', 'state': {'terminated': ended}}]
        status = {'phase': 'Failed' if code else 'Succeeded', 'containerStatuses': states}
        self.api.set_status('Pod', pod, NAMESPACE, status)


class Storage:
    """The charm's application, seen by its leader.

    What one dispatch leaves behind is there for the next: options, relation data, the cluster.

    Attributes:
        cluster: The cluster.
        state: What Juju knows.
        context: How the charm is run.
    """

    def __init__(self, context: testing.Context[Any], cluster: Cluster) -> None:
        self.context = context
        self.cluster = cluster
        self.state = testing.State(leader=True, model=testing.Model(name=NAMESPACE))
        self._pauses = 0

    def copy(self) -> Storage:
        """Return another one that is just as far."""
        other = Storage(self.context, copy.deepcopy(self.cluster))
        other.state = self.state
        return other

    # What Juju does.

    def run(self, event: Any = None, **changes: Any) -> testing.State:
        """Run one dispatch, update-status if no event is given."""
        self.state = dataclasses.replace(self.state, **changes)
        event = event or self.context.on.update_status()
        with http.use_transport(self.cluster.api.transport()), waiting.use_pause(self._pause):
            self.state = self.context.run(event, self.state)
        return self.state

    def _pause(self, seconds: float) -> None:
        """Let the check end while somebody waits for it."""
        self._pauses += 1
        if self._pauses > 1 and not self.cluster.job.get('status', {}).get('conditions'):
            self.cluster.finish()

    def configure(self, **options: str | int | bool) -> testing.State:
        """Set options, dashes as underscores, and run config-changed."""
        named = {name.replace('_', '-'): value for name, value in options.items()}
        config = {**self.state.config, **named}
        return self.run(self.context.on.config_changed(), config=config)

    def act(self, name: str, **params: Any) -> dict[str, Any]:
        """Run an action and return its results."""
        self.run(self.context.on.action(name, params=params))
        return dict(self.context.action_results or {})

    def relate(self, app: str = 'plex', *, known: bool = True, number: int = 1) -> testing.State:
        """Relate an application, and run the event that follows."""
        data = interfaces.MediaStorageRequirerData(instance_name=app) if known else None
        relation = relation_for_provider(ENDPOINT, data, remote_app=app, relation_id=number)
        relations = {*self.state.relations, relation}
        self.state = dataclasses.replace(self.state, relations=relations)
        return self.run(self.context.on.relation_changed(relation))

    def break_relation(self, number: int = 1, *, planned_units: int = 1) -> testing.State:
        """Remove a relation: relation-broken runs, then it is gone."""
        relation = self.state.get_relation(number)
        state = self.run(self.context.on.relation_broken(relation), planned_units=planned_units)
        gone = {each for each in state.relations if each.id != number}
        self.state = dataclasses.replace(state, relations=gone)
        return self.state

    def remove(self) -> testing.State:
        """Run the hooks of a removal, or of a scaling to zero: they are the same."""
        for relation in self.state.relations:
            self.break_relation(relation.id, planned_units=0)
        self.run(self.context.on.stop(), leader=False, planned_units=0)
        return self.run(self.context.on.remove())

    def delete_application(self) -> None:
        """Do what Juju and Kubernetes do after the hooks of a removal."""
        self.cluster.api.remove('StatefulSet', APP, NAMESPACE)
        self.cluster.api.collect_garbage()
        self.cluster.api.release_protection()

    def settle(self) -> testing.State:
        """Let the volume be bound and checked."""
        self.run()
        if self.cluster.claim.get('status', {}).get('phase') != 'Bound':
            self.cluster.bind()
        self.run()
        if self.cluster.jobs and not self.cluster.job.get('status', {}).get('conditions'):
            self.cluster.finish()
        return self.run()

    # What is asserted.

    def published(self, number: int = 1) -> interfaces.MediaStorageProviderData | None:
        """What an application has been told."""
        text = self.state.get_relation(number).local_app_data.get('config')
        model = interfaces.MediaStorageProviderData
        return model.model_validate_json(text) if text else None

    @property
    def status(self) -> tuple[str, str]:
        """Name and text of the unit's status."""
        return self.state.unit_status.name, self.state.unit_status.message

    @property
    def logs(self) -> str:
        """Everything that was logged."""
        return '\n'.join(f'{each.level} {each.message}' for each in self.context.juju_log)

    def requests(self) -> tuple[list[Recorded], list[Recorded]]:
        """Return the reads and the writes of one quiet dispatch."""
        self.cluster.api.requests.clear()
        self.run()
        return self.cluster.api.reads(), self.cluster.api.writes()


@pytest.fixture
def charm_type() -> type[ops.CharmBase]:
    """The charm."""
    return deployment.load(CHARM).CharmarrStorageCharm


@pytest.fixture
def cluster(tmp_path: pathlib.Path) -> Cluster:
    """A cluster with one default StorageClass, one node, and the charm's StatefulSet."""
    disk = tmp_path / 'disk'
    disk.mkdir()
    return Cluster(disk)


@pytest.fixture
def context(charm_type: type[ops.CharmBase]) -> Iterator[testing.Context[Any]]:
    """How the charm is run."""
    with testing.Context(charm_type, app_name=APP, **deployment.metadata(CHARM)) as context:
        yield context


@pytest.fixture
def storage(context: testing.Context[Any], cluster: Cluster) -> Storage:
    """The application, deployed with its defaults and not yet run."""
    return Storage(context, cluster)


@pytest.fixture
def new_storage(
    context: testing.Context[Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Storage]:
    """Deploys the application in a new cluster, as often as a test wants."""
    return lambda: Storage(context, Cluster(tmp_path_factory.mktemp('disk')))
