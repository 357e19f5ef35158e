# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The cluster's network, as one pod sees it.

Names resolve as the cluster's DNS resolves them, from the Services and pods there are; nothing
leaves this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx2

from charmarr_lib.testing.kubernetes import KubernetesFake

from . import pods

Outside = Callable[[httpx2.Request], httpx2.Response]
"""Answers for a host outside the cluster."""

_OWN: Final = frozenset({'localhost', '127.0.0.1', '::1'})
_API: Final = frozenset({'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'})


class Network:
    """Everything that can be reached.

    Args:
        namespace: Where bare names of Services are looked up.
        api: The Kubernetes API.
        running: Gives the pods there are.

    Attributes:
        outside: Hosts outside the cluster that answer, by name, such as ``plex.tv``.
    """

    def __init__(
        self, namespace: str, api: KubernetesFake, running: Callable[[], list[pods.Pod]]
    ) -> None:
        self._namespace = namespace
        self._api = api
        self._pods = running
        self.outside: dict[str, Outside] = {}

    def transport(self, pod: pods.Pod | None, account: str) -> httpx2.BaseTransport:
        """Return the network as seen from a pod.

        Args:
            pod: Where requests come from.
            account: Whom the Kubernetes API takes the pod for.
        """
        return httpx2.MockTransport(lambda request: self._route(request, pod, account))

    def localhost(self, pod: pods.Pod) -> Callable[[httpx2.Request], httpx2.Response]:
        """Return what answers a pod's requests to its own address."""

        def handle(request: httpx2.Request) -> httpx2.Response:
            if request.url.host not in _OWN:
                raise httpx2.ConnectError('[Errno 113] No route to host', request=request)
            return pod.handle(request, '127.0.0.1')

        return handle

    def _route(
        self, request: httpx2.Request, pod: pods.Pod | None, account: str
    ) -> httpx2.Response:
        host = request.url.host
        if host in _API:
            return self._api.handle(request, account)
        if host in self.outside:
            return self.outside[host](request)
        if host in _OWN:
            if pod is None:
                raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
            return pod.handle(request, '127.0.0.1')
        target = self._resolve(request)
        return target.handle(request, pod.address if pod else '')

    def _resolve(self, request: httpx2.Request) -> pods.Pod:
        """Find the pod that a name or address of the cluster leads to.

        Raises:
            httpx2.ConnectError: if the name is unknown, or nobody is behind it.
        """
        host = request.url.host
        for pod in self._pods():
            if host == pod.address:
                return pod
        for service in self._api.browse('Service'):
            target = self._behind(service, request)
            if target is not None:
                return target
        raise httpx2.ConnectError('[Errno -2] Name or service not known', request=request)

    def _behind(self, service: Mapping[str, Any], request: httpx2.Request) -> pods.Pod | None:
        host = request.url.host
        members = list(self._members(service))
        headless = service['spec'].get('clusterIP') == 'None'
        names = self._names(service)
        for pod in members if headless else ():
            if host in {f'{pod.name}.{name}' for name in names}:
                return pod
        if host not in names and host != service['spec'].get('clusterIP'):
            return None
        ready = members if headless else [pod for pod in members if pod.is_ready]
        if not ready or not (headless or _forwards(service, pods.port_of(request))):
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        return ready[0]

    def _members(self, service: Mapping[str, Any]) -> Iterator[pods.Pod]:
        selector: Mapping[str, str] = service['spec'].get('selector') or {}
        if service['metadata']['namespace'] != self._namespace or not selector:
            return
        for pod in self._pods():
            labels: Mapping[str, str] = pod.template['metadata'].get('labels') or {}
            if pod.is_running and selector.items() <= labels.items():
                yield pod

    def _names(self, service: Mapping[str, Any]) -> set[str]:
        name, namespace = service['metadata']['name'], service['metadata']['namespace']
        full = f'{name}.{namespace}'
        short = {name} if namespace == self._namespace else set[str]()
        return {full, f'{full}.svc', f'{full}.svc.cluster.local', *short}


def _forwards(service: Mapping[str, Any], port: int) -> bool:
    return any(each['port'] == port for each in service['spec'].get('ports') or ())
