# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The cluster's one node: whether a pod fits on it, and what it makes of one."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from charmarr_lib.kubernetes import parse_quantity
from charmarr_lib.testing.kubernetes import KubernetesFake
from charmarr_lib.testing.pebble import Owners, PebbleFake
from charmarr_lib.testing.workload import Workload

from . import kube, network, pods, volumes

Manifest = dict[str, Any]

NAME: Final = 'node-1'
# What every node offers; anything else a pod asks for is an extended resource such as a GPU's.
_ORDINARY: Final = frozenset({'cpu', 'memory', 'ephemeral-storage'})
_CHARM: Final = 'charm'
_READY: Final = ('PodScheduled', 'Initialized', 'ContainersReady', 'Ready')


class Node:
    """A node that runs the pods of one namespace.

    Args:
        fake: The Kubernetes API.
        namespace: The pods' namespace.
        storage: Finds the folders behind volumes.
        internet: The network that containers see.
        program: Gives the program of an image.

    Attributes:
        devices: Device files by path, with the group that may use them.
        owners: Who owns the files on volumes.
    """

    def __init__(
        self,
        fake: KubernetesFake,
        namespace: str,
        *,
        storage: volumes.Volumes,
        internet: network.Network,
        program: Callable[[str], Workload | None],
    ) -> None:
        self.devices: dict[str, int] = {}
        self.owners = Owners()
        self._fake = fake
        self._namespace = namespace
        self._volumes = storage
        self._network = internet
        self._program = program
        offers = {'cpu': '8', 'memory': '32Gi', 'pods': '110'}
        labels = {'kubernetes.io/arch': 'amd64', 'kubernetes.io/hostname': NAME}
        fake.add(
            {
                'apiVersion': 'v1',
                'kind': 'Node',
                'metadata': {'name': NAME, 'labels': labels},
                'status': {'capacity': offers, 'allocatable': offers},
            }
        )

    def offer(self, resource: str, amount: int) -> None:
        """Let the node have an extended resource, such as ``gpu.intel.com/i915``."""
        offers = {**self._offers(), resource: str(amount)}
        self._fake.set_status('Node', NAME, None, {'capacity': offers, 'allocatable': offers})

    def _offers(self) -> dict[str, Any]:
        return kube.section(self._fake.peek('Node', NAME) or {}, 'status', 'allocatable')

    def start(self, pod: pods.Pod) -> bool:
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
            if container['name'] != _CHARM
        }
        return True

    def restart(self, pod: pods.Pod, name: str) -> None:
        """Start one container of a running pod anew: only what lies on volumes is still there."""
        for container in pod.template['spec']['containers']:
            if container['name'] == name and name in pod.containers:
                pod.containers[name].close()
                pod.containers[name] = self._boot(pod, container)

    def _obstacle(self, pod: pods.Pod) -> str:
        spec = pod.template['spec']
        for claim in claims(spec):
            if self._fake.peek('PersistentVolumeClaim', claim, self._namespace) is None:
                return f'0/1 nodes are available: persistentvolumeclaim "{claim}" not found.'
            if not self._volumes.is_bound(claim):
                return '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.'
        offered = self._offers()
        for name, amount in _extended(spec).items():
            if amount > parse_quantity(offered.get(name, '0')):
                return f'0/1 nodes are available: 1 Insufficient {name}.'
        return ''

    def _show(self, pod: pods.Pod, spec: Manifest, status: Manifest) -> None:
        """Put the pod's object into the API.

        The API is not modelled as far as binding a pod to a node, which is the one change of a
        pod's spec that a scheduler makes; so a pod that had to wait is put there anew.
        """
        if self._fake.peek('Pod', pod.name, self._namespace) is not None:
            self._fake.remove('Pod', pod.name, self._namespace)
        metadata = pod.template['metadata']
        made = self._fake.add(
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

    def _report_obstacle(self, pod: pods.Pod) -> None:
        condition = {
            'type': 'PodScheduled',
            'status': 'False',
            'reason': 'Unschedulable',
            'message': pod.why,
        }
        self._show(pod, {}, {'phase': 'Pending', 'conditions': [condition]})
        number = sum(1 for _ in self._fake.browse('Event', self._namespace))
        self._fake.add(
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
            'conditions': [{'type': kind, 'status': 'True'} for kind in _READY],
            'containerStatuses': [
                {'name': each['name'], 'ready': True, 'restartCount': 0, 'image': each['image']}
                for each in pod.template['spec']['containers']
            ],
        }
        self._show(pod, {'nodeName': NAME}, status)

    def _boot(self, pod: pods.Pod, container: Manifest) -> PebbleFake:
        """Start one workload container: a fresh file system with the pod's volumes in it."""
        named = {each['name']: each for each in kube.items(pod.template['spec'], 'volumes')}
        mounts: dict[str, pathlib.Path] = {}
        read_only: set[str] = set()
        devices: dict[str, int] = {}
        for mount in kube.items(container, 'volumeMounts'):
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
            localhost=self._network.localhost(pod),
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
            folder = self._volumes.folder(volume['persistentVolumeClaim']['claimName'])
        elif 'emptyDir' in volume:
            folder = self._volumes.folder_of({'pod': pod.uid, 'name': volume['name']})
        else:
            source = {key: value for key, value in volume.items() if key != 'name'}
            folder = self._volumes.folder_of(source)
        if mount.get('subPath'):
            folder = folder / mount['subPath']
            folder.mkdir(parents=True, exist_ok=True)
        return folder


def claims(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the claims that a pod mounts."""
    for volume in kube.items(spec, 'volumes'):
        if 'persistentVolumeClaim' in volume:
            yield volume['persistentVolumeClaim']['claimName']


def _extended(spec: Mapping[str, Any]) -> dict[str, int]:
    asked: dict[str, int] = {}
    for container in spec['containers']:
        limits = kube.section(container, 'resources', 'limits')
        for name, amount in limits.items():
            if name not in _ORDINARY:
                asked[name] = asked.get(name, 0) + int(parse_quantity(amount))
    return asked


def _is_devices(volume: Manifest) -> bool:
    return str(kube.section(volume, 'hostPath').get('path')).startswith('/dev')
