# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The cluster: its controllers, its one node, and what the node makes of pods."""

from __future__ import annotations

import hashlib
import itertools
import json
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from charmarr_lib.kubernetes import parse_quantity
from charmarr_lib.testing.kubernetes import KubernetesFake
from charmarr_lib.testing.pebble import Owners, PebbleFake
from charmarr_lib.testing.workload import Workload

from . import kube, manifests, model, network, pods, volumes

Manifest = dict[str, Any]

NODE: Final = 'node-1'
_REVISION: Final = 'controller-revision-hash'
# What every node offers; anything else a pod asks for is an extended resource such as a GPU's.
_ORDINARY: Final = frozenset({'cpu', 'memory', 'ephemeral-storage'})
_COMPLETE: Final = {'succeeded': 1, 'conditions': [{'type': 'Complete', 'status': 'True'}]}
_FAILED: Final = {'failed': 1, 'conditions': [{'type': 'Failed', 'status': 'True'}]}
_NO_JUJU: Final = frozenset({'charm'})

Jobs = Callable[[Manifest], bool]
"""Decides whether a Job's program succeeds."""


class Cluster:
    """A cluster with one node.

    Args:
        fake: Its API.
        namespace: The namespace that is looked after.
        folder: Where volumes and the node's own files go.
        program: Gives the program of an image.
        rollout: Is told of a StatefulSet whose pods will be replaced.

    Attributes:
        pods: Pods of StatefulSets by name.
        jobs: Decides how Jobs end; they succeed unless this is replaced.
        devices: Device files of the node by path, with the group that may use them.
        owners: Who owns the files on volumes.
    """

    def __init__(
        self,
        fake: KubernetesFake,
        namespace: str,
        folder: pathlib.Path,
        *,
        program: Callable[[str], Workload | None],
        rollout: Callable[[str], None],
    ) -> None:
        self.fake = fake
        self.pods: dict[str, pods.Pod] = {}
        self.jobs: Jobs = lambda job: True
        self.devices: dict[str, int] = {}
        self.owners = Owners()
        self.volumes = volumes.Volumes(fake, namespace, folder / 'volumes')
        self.network = network.Network(namespace, fake, lambda: list(self.pods.values()))
        self._namespace = namespace
        self._program = program
        self._rollout = rollout
        self._revisions: dict[str, str] = {}
        self._numbers = itertools.count(10)
        self._api = kube.Api(fake, namespace, 'system:controller', 'kube-controller-manager')
        self._at_rest: tuple[object, ...] | None = None
        self._furnish()

    def _furnish(self) -> None:
        self.fake.add(volumes.DEFAULT_CLASS)
        namespace = {'metadata': {'name': self._namespace}, 'status': {'phase': 'Active'}}
        self.fake.add({'apiVersion': 'v1', 'kind': 'Namespace', **namespace})
        offers = {'cpu': '8', 'memory': '32Gi', 'pods': '110'}
        self.fake.add(
            {
                'apiVersion': 'v1',
                'kind': 'Node',
                'metadata': {'name': NODE, 'labels': {'kubernetes.io/arch': 'amd64'}},
                'status': {'capacity': offers, 'allocatable': offers},
            }
        )

    def offer(self, resource: str, amount: int) -> None:
        """Let the node have an extended resource, such as ``gpu.intel.com/i915``."""
        node = self.fake.get('Node', NODE) or {}
        offers = {**node['status']['allocatable'], resource: str(amount)}
        self.fake.set_status('Node', NODE, None, {'capacity': offers, 'allocatable': offers})

    def close(self) -> None:
        """End all containers."""
        for pod in self.pods.values():
            pod.close()
        self.pods.clear()

    def reconcile(self) -> bool:
        """Let every controller look once, and tell whether anything changed."""
        state = self._state()
        if state == self._at_rest:
            return False
        moved = self._control()
        self._at_rest = state if not moved else None
        return moved

    def _state(self) -> tuple[object, ...]:
        shown = [(pod.name, pod.phase, pod.terminating, pod.is_ready) for pod in self.pods.values()]
        return (self._api.revision(), tuple(shown))

    def _control(self) -> bool:
        moved = self.volumes.reconcile()
        sets = self.fake.list('StatefulSet', self._namespace)
        for stateful_set in sets:
            moved |= self._stateful_set(stateful_set)
        moved |= self._drop_pods_of({each['metadata']['name'] for each in sets})
        for pod in list(self.pods.values()):
            if not pod.is_running:
                moved |= self._start(pod)
        for job in self.fake.list('Job', self._namespace):
            moved |= self._job(job)
        self.fake.collect_garbage()
        return moved

    def _stateful_set(self, stateful_set: Manifest) -> bool:
        name, spec = stateful_set['metadata']['name'], stateful_set['spec']
        revision = _revision(spec['template'])
        present = self._of(name)
        if revision != self._revisions.get(name, revision) and present:
            self._rollout(name)
        self._revisions[name] = revision
        moved = self._make_claims(stateful_set)
        moved |= self._scale(stateful_set, present, revision)
        moved |= self._replace_one(stateful_set, revision)
        return moved | self._report(stateful_set, revision)

    def _of(self, name: str) -> list[pods.Pod]:
        return [pod for pod in self.pods.values() if _owner(pod.name) == name]

    def _make_claims(self, stateful_set: Manifest) -> bool:
        moved = False
        for template in stateful_set['spec'].get('volumeClaimTemplates') or ():
            for ordinal in range(stateful_set['spec']['replicas']):
                name = f'{template["metadata"]["name"]}-{_pod_name(stateful_set, ordinal)}'
                if self.fake.get('PersistentVolumeClaim', name, self._namespace) is None:
                    self._make_claim(template, name)
                    moved = True
        return moved

    def _make_claim(self, template: Manifest, name: str) -> None:
        metadata = {**template['metadata'], 'name': name, 'namespace': self._namespace}
        kind = {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim'}
        claim = {**kind, 'metadata': metadata, 'spec': template['spec']}
        self.fake.add(claim, manager='kube-controller-manager')

    def _scale(self, stateful_set: Manifest, present: list[pods.Pod], revision: str) -> bool:
        wanted = {
            _pod_name(stateful_set, ordinal) for ordinal in range(stateful_set['spec']['replicas'])
        }
        names = {pod.name for pod in present}
        for name in names - wanted:
            self.end(self.pods[name])
        for name in sorted(wanted - names):
            self._make_pod(stateful_set, name, revision)
        return names != wanted

    def _make_pod(self, stateful_set: Manifest, name: str, revision: str) -> None:
        template = stateful_set['spec']['template']
        labels = {
            **template['metadata']['labels'],
            _REVISION: f'{_owner(name)}-{revision}',
            'statefulset.kubernetes.io/pod-name': name,
        }
        claimed = [
            {
                'name': each['metadata']['name'],
                'persistentVolumeClaim': {'claimName': f'{each["metadata"]["name"]}-{name}'},
            }
            for each in stateful_set['spec'].get('volumeClaimTemplates') or ()
        ]
        spec = {**template['spec'], 'volumes': [*template['spec'].get('volumes', ()), *claimed]}
        metadata = {
            'name': name,
            'namespace': self._namespace,
            'labels': labels,
            'annotations': template['metadata'].get('annotations') or {},
            'ownerReferences': [_reference(stateful_set)],
        }
        number = next(self._numbers)
        self.pods[name] = pods.Pod(
            name=name,
            revision=revision,
            address=f'10.1.{number // 250}.{number % 250}',
            template={'metadata': metadata, 'spec': spec},
        )

    def _replace_one(self, stateful_set: Manifest, revision: str) -> bool:
        """Replace the highest pod of an old revision, unless a higher new one is not ready yet."""
        if stateful_set['spec']['updateStrategy']['type'] != 'RollingUpdate':
            return False
        for ordinal in reversed(range(stateful_set['spec']['replicas'])):
            pod = self.pods.get(_pod_name(stateful_set, ordinal))
            if pod is None or pod.terminating:
                return False
            if pod.revision != revision:
                self.terminate(pod)
                return True
            if not pod.is_ready:
                return False
        return False

    def terminate(self, pod: pods.Pod) -> None:
        """Tell a pod to stop: its agent runs ``stop`` first, if it runs at all."""
        if pod.is_running:
            pod.terminating = True
        else:
            self.end(pod)

    def end(self, pod: pods.Pod) -> None:
        """Take a pod away with all that is only in it."""
        pod.close()
        self.pods.pop(pod.name, None)
        if self.fake.get('Pod', pod.name, self._namespace) is not None:
            self.fake.remove('Pod', pod.name, self._namespace)

    def _drop_pods_of(self, sets: set[str]) -> bool:
        orphans = [pod for pod in self.pods.values() if _owner(pod.name) not in sets]
        for pod in orphans:
            self.end(pod)
        for name in self._revisions.keys() - sets:
            del self._revisions[name]
        return bool(orphans)

    def _report(self, stateful_set: Manifest, revision: str) -> bool:
        name = stateful_set['metadata']['name']
        present = self._of(name)
        updated = [pod for pod in present if pod.revision == revision]
        done = len(updated) == len(present)
        before = stateful_set.get('status') or {}
        status = {
            'observedGeneration': stateful_set['metadata']['generation'],
            'replicas': len(present),
            'readyReplicas': sum(pod.is_ready for pod in present),
            'availableReplicas': sum(pod.is_ready for pod in present),
            'updatedReplicas': len(updated),
            'currentReplicas': len(updated) if done else len(present) - len(updated),
            'updateRevision': f'{name}-{revision}',
            'currentRevision': f'{name}-{revision}' if done else before.get('currentRevision', ''),
            'collisionCount': 0,
        }
        if status == before:
            return False
        self.fake.set_status('StatefulSet', name, self._namespace, status)
        return True

    def _start(self, pod: pods.Pod) -> bool:
        """Start a pod's containers once nothing keeps it from being scheduled."""
        why = self._obstacle(pod)
        if why:
            if why == pod.why:
                return False
            pod.why = why
            self._report_obstacle(pod)
            return True
        pod.why = ''
        self._report_running(pod)
        pod.phase = pods.Phase.RUNNING
        pod.containers = {
            container['name']: self._boot(pod, container)
            for container in pod.template['spec']['containers']
            if container['name'] not in _NO_JUJU
        }
        return True

    def _show(self, pod: pods.Pod, spec: Manifest, status: Manifest) -> None:
        """Put the pod's object into the API.

        The API is not modelled as far as binding a pod to a node, which is the one change of a
        pod's spec that a scheduler makes; so a pod that had to wait is put there anew.
        """
        if self.fake.get('Pod', pod.name, self._namespace) is not None:
            self.fake.remove('Pod', pod.name, self._namespace)
        metadata = pod.template['metadata']
        made = self.fake.add(
            {
                'apiVersion': 'v1',
                'kind': 'Pod',
                'metadata': metadata,
                'spec': {**pod.template['spec'], **spec},
                'status': status,
            },
            manager='kube-controller-manager',
        )
        pod.uid = made['metadata']['uid']

    def _obstacle(self, pod: pods.Pod) -> str:
        spec = pod.template['spec']
        for claim in _claims(spec):
            if self.fake.get('PersistentVolumeClaim', claim, self._namespace) is None:
                return f'0/1 nodes are available: persistentvolumeclaim "{claim}" not found.'
            if not self.volumes.is_bound(claim):
                return '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.'
        node = self.fake.get('Node', NODE) or {}
        offered: Mapping[str, str] = node['status']['allocatable']
        for name, amount in _extended(spec).items():
            if amount > parse_quantity(offered.get(name, '0')):
                return f'0/1 nodes are available: 1 Insufficient {name}.'
        return ''

    def storage(
        self, application: model.Application, number: int
    ) -> Iterator[model.StorageInstance]:
        """Yield the storage of a unit whose claim is bound."""
        for name in application.charm.storage:
            template = manifests.claim_template(application, name)
            claim = f'{template}-{application.name}-{number}'
            if self.volumes.is_bound(claim):
                place = f'/var/lib/juju/storage/{name}/0'
                yield model.StorageInstance('', name, claim, place)

    def _report_obstacle(self, pod: pods.Pod) -> None:
        condition = {
            'type': 'PodScheduled',
            'status': 'False',
            'reason': 'Unschedulable',
            'message': pod.why,
        }
        self._show(pod, {}, {'phase': 'Pending', 'conditions': [condition]})
        number = sum(1 for _ in self.fake.list('Event', self._namespace))
        self.fake.add(
            {
                'apiVersion': 'v1',
                'kind': 'Event',
                'metadata': {'name': f'{pod.name}.{number:x}', 'namespace': self._namespace},
                'involvedObject': {
                    'apiVersion': 'v1',
                    'kind': 'Pod',
                    'name': pod.name,
                    'namespace': self._namespace,
                    'uid': pod.uid,
                },
                'type': 'Warning',
                'reason': 'FailedScheduling',
                'message': pod.why,
                'reportingComponent': 'default-scheduler',
            }
        )

    def _report_running(self, pod: pods.Pod) -> None:
        status = {
            'phase': 'Running',
            'podIP': pod.address,
            'podIPs': [{'ip': pod.address}],
            'conditions': [
                {'type': kind, 'status': 'True'}
                for kind in ('PodScheduled', 'Initialized', 'ContainersReady', 'Ready')
            ],
            'containerStatuses': [
                {'name': each['name'], 'ready': True, 'restartCount': 0, 'image': each['image']}
                for each in pod.template['spec']['containers']
            ],
        }
        self._show(pod, {'nodeName': NODE}, status)

    def _boot(self, pod: pods.Pod, container: Manifest) -> PebbleFake:
        """Start one workload container: a fresh file system with the pod's volumes in it."""
        named = {each['name']: each for each in pod.template['spec'].get('volumes') or ()}
        mounts: dict[str, pathlib.Path] = {}
        read_only: set[str] = set()
        devices: dict[str, int] = {}
        for mount in container.get('volumeMounts') or ():
            if mount['mountPath'].startswith('/charm/'):
                continue  # the agent's own: Pebble's binary and socket
            volume = named[mount['name']]
            devices.update(self._devices(volume, mount['mountPath']))
            if not _is_devices(volume):
                mounts[mount['mountPath']] = self._folder(pod, volume, mount)
                read_only |= {mount['mountPath']} if mount.get('readOnly') else set()
        if _extended({'containers': [container]}):
            devices.update(self.devices)
        return PebbleFake(
            self._program(container['image']),
            mounts=mounts,
            read_only=read_only,
            devices=devices,
            owners=self.owners,
            localhost=self.network.localhost(pod),
        )

    def _devices(self, volume: Manifest, place: str) -> Iterator[tuple[str, int]]:
        """Yield the node's devices that a volume brings into a container."""
        if _is_devices(volume):
            host = volume['hostPath']['path']
            for path, group in self.devices.items():
                if path == host or path.startswith(f'{host}/'):
                    yield place + path[len(host) :], group

    def _folder(self, pod: pods.Pod, volume: Manifest, mount: Manifest) -> pathlib.Path:
        if 'persistentVolumeClaim' in volume:
            folder = self.volumes.folder(volume['persistentVolumeClaim']['claimName'])
        elif 'emptyDir' in volume:
            folder = self.volumes.folder_of({'pod': pod.uid, 'name': volume['name']})
        else:
            source = {key: value for key, value in volume.items() if key != 'name'}
            folder = self.volumes.folder_of(source)
        if mount.get('subPath'):
            folder = folder / mount['subPath']
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _job(self, job: Manifest) -> bool:
        if (job.get('status') or {}).get('conditions'):
            return False
        spec = job['spec']['template']['spec']
        if not all(self.volumes.is_bound(claim) for claim in _claims(spec)):
            return False
        status = _COMPLETE if self.jobs(job) else _FAILED
        self.fake.set_status('Job', job['metadata']['name'], self._namespace, status)
        return True


def _pod_name(stateful_set: Manifest, ordinal: int) -> str:
    return f'{stateful_set["metadata"]["name"]}-{ordinal}'


def owner(pod: pods.Pod) -> str:
    """Return the name of the StatefulSet that a pod belongs to."""
    return _owner(pod.name)


def _owner(pod: str) -> str:
    return pod.rpartition('-')[0]


def ordinal(pod: pods.Pod) -> int:
    """Return the number of a StatefulSet's pod."""
    return int(pod.name.rpartition('-')[2])


def _revision(template: Manifest) -> str:
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
    return re.sub('[^0-9a-z]', '', digest)[:10]


def _reference(stateful_set: Manifest) -> Manifest:
    return {
        'apiVersion': 'apps/v1',
        'kind': 'StatefulSet',
        'name': stateful_set['metadata']['name'],
        'uid': stateful_set['metadata']['uid'],
        'controller': True,
        'blockOwnerDeletion': True,
    }


def _claims(spec: Mapping[str, Any]) -> Iterator[str]:
    for volume in spec.get('volumes') or ():
        if 'persistentVolumeClaim' in volume:
            yield volume['persistentVolumeClaim']['claimName']


def _extended(spec: Mapping[str, Any]) -> dict[str, int]:
    asked: dict[str, int] = {}
    for container in spec['containers']:
        limits: Mapping[str, str] = (container.get('resources') or {}).get('limits') or {}
        for name, amount in limits.items():
            if name not in _ORDINARY:
                asked[name] = asked.get(name, 0) + int(parse_quantity(amount))
    return asked


def _is_devices(volume: Manifest) -> bool:
    return (volume.get('hostPath') or {}).get('path', '').startswith('/dev')
