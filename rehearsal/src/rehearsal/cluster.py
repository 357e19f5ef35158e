# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The cluster: its controllers, its one node, and what the node makes of pods."""

from __future__ import annotations

import collections
import hashlib
import itertools
import json
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from charmarr_lib import http
from charmarr_lib.testing.kubernetes import KubernetesFake
from charmarr_lib.testing.workload import Workload

from . import jobs, kube, manifests, model, network, node, pods, volumes

Manifest = dict[str, Any]

_REVISION: Final = 'controller-revision-hash'
_COMPLETE: Final = {'succeeded': 1, 'conditions': [{'type': 'Complete', 'status': 'True'}]}
_FAILED: Final = {'failed': 1, 'conditions': [{'type': 'Failed', 'status': 'True'}]}

Jobs = Callable[[Manifest], bool]
"""Runs a Job, and tells whether it succeeded."""


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
        jobs: Runs Jobs; may be replaced by what decides how they end.
        volumes: Its volume controllers.
        network: Its network.
        node: Its one node.
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
        self._owned: collections.defaultdict[str, dict[str, pods.Pod]] = collections.defaultdict(
            dict[str, pods.Pod]
        )
        self.volumes = volumes.Volumes(fake, namespace, folder / 'volumes')
        self.jobs: Jobs = jobs.Runner(fake, namespace, self.volumes).run
        self.network = network.Network(namespace, fake, lambda: list(self.pods.values()))
        self._namespace = namespace
        self._rollout = rollout
        self._templates: dict[str, tuple[Manifest, str]] = {}
        self._numbers = itertools.count(10)
        self._at_rest: tuple[object, ...] | None = None
        self._furnish()
        self.node = node.Node(
            fake, namespace, storage=self.volumes, internet=self.network, program=program
        )

    def _furnish(self) -> None:
        self.fake.add(volumes.DEFAULT_CLASS)
        namespace = {'metadata': {'name': self._namespace}, 'status': {'phase': 'Active'}}
        self.fake.add({'apiVersion': 'v1', 'kind': 'Namespace', **namespace})

    def close(self) -> None:
        """End all containers."""
        for pod in self.pods.values():
            pod.close()
        self.pods.clear()
        self._owned.clear()

    def reconcile(self) -> bool:
        """Let every controller look once, and tell whether anything changed."""
        state = self._state()
        if state == self._at_rest:
            return False
        moved = self._control()
        self._at_rest = state if not moved else None
        return moved

    def tick(self) -> None:
        """Let ten seconds pass in every container; its programs may use the network meanwhile."""
        for pod in self.pods.values():
            with http.use_transport(self.network.transport(pod, 'system:anonymous')):
                for fake in pod.containers.values():
                    fake.tick()

    def _state(self) -> tuple[object, ...]:
        shown = [
            (pod.name, pod.phase, pod.terminating, pod.is_ready) for pod in self.pods.values()
        ]
        return (self.fake.revision, tuple(shown))

    def _control(self) -> bool:
        moved = self.volumes.reconcile()
        sets = self.fake.browse('StatefulSet', self._namespace)
        for stateful_set in sets:
            moved |= self._stateful_set(stateful_set)
        moved |= self._drop_pods_of({each['metadata']['name'] for each in sets})
        for pod in list(self.pods.values()):
            if not pod.is_running:
                moved |= self.node.start(pod)
        for job in self.fake.browse('Job', self._namespace):
            moved |= self._job(job)
        self.fake.collect_garbage()
        return moved

    def _stateful_set(self, stateful_set: Manifest) -> bool:
        name, spec = stateful_set['metadata']['name'], stateful_set['spec']
        present = self._of(name)
        known, revision = self._templates.get(name, (None, ''))
        if spec['template'] != known:
            revision = _revision(spec['template'])
            self._templates[name] = (spec['template'], revision)
            if known is not None and present:
                self._rollout(name)
        moved = self._make_claims(stateful_set)
        moved |= self._scale(stateful_set, present, revision)
        moved |= self._replace_one(stateful_set, revision)
        return moved | self._report(stateful_set, revision)

    def _of(self, name: str) -> list[pods.Pod]:
        return list(self._owned[name].values())

    def _make_claims(self, stateful_set: Manifest) -> bool:
        moved = False
        for template in kube.items(stateful_set['spec'], 'volumeClaimTemplates'):
            for ordinal in range(stateful_set['spec']['replicas']):
                name = f'{template["metadata"]["name"]}-{_pod_name(stateful_set, ordinal)}'
                if self.fake.peek('PersistentVolumeClaim', name, self._namespace) is None:
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
            for each in kube.items(stateful_set['spec'], 'volumeClaimTemplates')
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
        self.pods[name] = self._owned[_owner(name)][name] = pods.Pod(
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
        self._owned[_owner(pod.name)].pop(pod.name, None)
        if self.fake.peek('Pod', pod.name, self._namespace) is not None:
            self.fake.remove('Pod', pod.name, self._namespace)

    def _drop_pods_of(self, sets: set[str]) -> bool:
        lost = [name for name in self._owned if name not in sets]
        orphans = [pod for name in lost for pod in self._of(name)]
        for pod in orphans:
            self.end(pod)
        for name in self._templates.keys() - sets:
            del self._templates[name]
        return bool(orphans)

    def _report(self, stateful_set: Manifest, revision: str) -> bool:
        name = stateful_set['metadata']['name']
        present = self._of(name)
        updated = [pod for pod in present if pod.revision == revision]
        done = len(updated) == len(present)
        before = kube.section(stateful_set, 'status')
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

    def _job(self, job: Manifest) -> bool:
        if kube.items(kube.section(job, 'status'), 'conditions'):
            return False
        spec = job['spec']['template']['spec']
        if not all(self.volumes.is_bound(claim) for claim in node.claims(spec)):
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
