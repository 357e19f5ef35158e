# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A node without machine: it stands in for the scheduler and the kubelet.

It does with pods what those two would do, as far as controllers and charms can see it: a pod
whose claims are bound comes to the node, starts, gets ready, and goes when it is deleted. Nothing
is run, but for the pods of Jobs, whose program the test gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from . import wire

NAME: Final = 'node-1'

Ended = tuple[int, str]
"""Exit code and termination message."""

_OVER: Final = ('Succeeded', 'Failed')
_GPU: Final = 'gpu.intel.com/i915'


class Node:
    """The node, and what has happened to pods on it.

    Args:
        api: Requests of somebody who may do everything.
        program: What the pods of Jobs do: given the pod, says how it ends.

    Attributes:
        started: Uids of the pods that have been started, the first one first.
    """

    def __init__(self, api: wire.Api, program: Callable[[wire.Manifest], Ended]) -> None:
        self.started: list[str] = []
        self._api = api
        self._program = program

    def join(self) -> None:
        """Become part of the cluster, with one GPU to hand out."""
        node = {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': NAME}}
        assert self._api.create(node).done
        offer = {'status': {'allocatable': {_GPU: '1'}, 'capacity': {_GPU: '1'}}}
        assert self._api.merge('Node', NAME, offer, 'status').done

    def step(self) -> None:
        """Take every pod one step further."""
        for pod in self._api.list('Pod').done['items']:
            if 'deletionTimestamp' in pod['metadata']:
                self._end(pod)
            elif 'nodeName' not in pod['spec']:
                self._schedule(pod)
            elif pod['status']['phase'] == 'Pending':
                self._start(pod)

    def _end(self, pod: wire.Manifest) -> None:
        only_this = {'uid': pod['metadata']['uid']}
        self._api.delete('Pod', _name(pod), {'gracePeriodSeconds': 0, 'preconditions': only_this})

    def _schedule(self, pod: wire.Manifest) -> None:
        if all(self._is_bound(claim) for claim in _claims(pod)):
            binding = {
                'apiVersion': 'v1',
                'kind': 'Binding',
                'metadata': {'name': _name(pod)},
                'target': {'apiVersion': 'v1', 'kind': 'Node', 'name': NAME},
            }
            self._api.post(self._api.path('Pod', _name(pod), 'binding'), binding)

    def _is_bound(self, claim: str) -> bool:
        answer = self._api.get('PersistentVolumeClaim', claim)
        return answer.code == 200 and answer.body['status']['phase'] == 'Bound'

    def _start(self, pod: wire.Manifest) -> None:
        owners = {each['kind'] for each in pod['metadata'].get('ownerReferences', ())}
        status = _ended(pod, *self._program(pod)) if 'Job' in owners else _running(pod)
        if self._api.merge('Pod', _name(pod), {'status': status}, 'status').code == 200:
            self.started.append(pod['metadata']['uid'])


def _name(pod: wire.Manifest) -> str:
    return pod['metadata']['name']


def _claims(pod: wire.Manifest) -> list[str]:
    sources = (each.get('persistentVolumeClaim') for each in pod['spec'].get('volumes', ()))
    return [source['claimName'] for source in sources if source]


def _running(pod: wire.Manifest) -> dict[str, Any]:
    since = pod['metadata']['creationTimestamp']
    return {
        'phase': 'Running',
        'startTime': since,
        'conditions': [
            {'type': kind, 'status': 'True', 'lastTransitionTime': since}
            for kind in ('PodScheduled', 'Initialized', 'ContainersReady', 'Ready')
        ],
        'containerStatuses': [
            _container(each, {'running': {'startedAt': since}}, ready=True)
            for each in pod['spec']['containers']
        ],
    }


def _ended(pod: wire.Manifest, code: int, message: str) -> dict[str, Any]:
    since = pod['metadata']['creationTimestamp']
    terminated = {'exitCode': code, 'message': message, 'startedAt': since, 'finishedAt': since}
    return {
        'phase': 'Failed' if code else 'Succeeded',
        'startTime': since,
        'containerStatuses': [
            _container(each, {'terminated': terminated}, ready=False)
            for each in pod['spec']['containers']
        ],
    }


def _container(container: wire.Manifest, state: dict[str, Any], *, ready: bool) -> dict[str, Any]:
    return {
        'name': container['name'],
        'image': container['image'],
        'imageID': '',
        'ready': ready,
        'restartCount': 0,
        'state': state,
    }
