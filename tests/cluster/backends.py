# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The two Kubernetes APIs that the suite runs against, seen in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import httpx2

from charmarr_lib.testing.kubernetes import KubernetesFake

from . import servers, wire

_RBAC: Final = '/apis/rbac.authorization.k8s.io/v1'
_PROPAGATION: Final = 20.0  # seconds until RBAC knows of a new rule; it takes a tenth of one

# What Juju grants an application that is not trusted, in its own namespace.
UNTRUSTED: Final[Mapping[str, tuple[str, ...]]] = {
    'pods': ('get', 'list', 'patch'),
    'services': ('get', 'list', 'patch'),
}


class Backend(Protocol):
    """A Kubernetes API, and who may do what there."""

    def transport(self) -> httpx2.BaseTransport:
        """Return a way in for somebody who may do everything."""
        ...

    def account(self, namespace: str, app: str) -> httpx2.BaseTransport:
        """Return a way in for an application that Juju has just deployed: it is not trusted."""
        ...

    def trust(self, namespace: str, app: str) -> None:
        """Let an application do everything, as ``juju trust --scope=cluster`` does."""
        ...


class Fake:
    """The API server in memory."""

    def __init__(self) -> None:
        self.kube = KubernetesFake()
        self.kube.authorise = self._may
        self._trusted: set[str] = set()

    def transport(self) -> httpx2.BaseTransport:
        """Return a way in for the administrator."""
        return self.kube.transport()

    def account(self, namespace: str, app: str) -> httpx2.BaseTransport:
        """Return a way in for an application."""
        return self.kube.transport(_user(namespace, app))

    def trust(self, namespace: str, app: str) -> None:
        """Let an application do everything."""
        self._trusted.add(_user(namespace, app))

    def _may(self, user: str, verb: str, kind: str, namespace: str | None) -> bool:
        if user == 'admin' or user in self._trusted:
            return True
        home = user.split(':')[2]
        plural = f'{kind.lower()}s'
        return namespace == home and verb in UNTRUSTED.get(plural, ())


class Real:
    """A real API server.

    Args:
        server: The server.
    """

    def __init__(self, server: servers.Server) -> None:
        self._server = server
        self._admin = wire.ServerTransport(server)
        self._accounts: list[wire.ServerTransport] = []

    def transport(self) -> httpx2.BaseTransport:
        """Return a way in for the administrator."""
        return self._admin

    def account(self, namespace: str, app: str) -> httpx2.BaseTransport:
        """Return a way in with the token of a service account, as in a pod."""
        home = f'/api/v1/namespaces/{namespace}/serviceaccounts'
        self._post(home, {'apiVersion': 'v1', 'kind': 'ServiceAccount', **_named(app)})
        rules = [
            {'apiGroups': [''], 'resources': [resource], 'verbs': list(verbs)}
            for resource, verbs in UNTRUSTED.items()
        ]
        place = f'{_RBAC}/namespaces/{namespace}'
        self._grant(place, app, namespace, app, rules, cluster=False)
        self._await_grant(namespace, app, 'list', 'pods')
        request = {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenRequest', 'spec': {}}
        token = self._post(f'{home}/{app}/token', request)['status']['token']
        self._accounts.append(wire.ServerTransport(self._server, token))
        return self._accounts[-1]

    def trust(self, namespace: str, app: str) -> None:
        """Let an application do everything, in all of the cluster."""
        rules = [{'apiGroups': ['*'], 'resources': ['*'], 'verbs': ['*']}]
        self._grant(_RBAC, f'{namespace}-{app}', namespace, app, rules, cluster=True)
        self._await_grant(namespace, app, 'delete', 'nodes')

    def close(self) -> None:
        """Close all connections."""
        for each in (self._admin, *self._accounts):
            each.disconnect()

    def _grant(
        self,
        place: str,
        name: str,
        namespace: str,
        app: str,
        rules: list[Any],
        *,
        cluster: bool,
    ) -> None:
        role = 'ClusterRole' if cluster else 'Role'
        version = {'apiVersion': 'rbac.authorization.k8s.io/v1'}
        self._post(
            f'{place}/{role.lower()}s', {**version, 'kind': role, **_named(name), 'rules': rules}
        )
        binding = {
            **version,
            'kind': f'{role}Binding',
            **_named(name),
            'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': role, 'name': name},
            'subjects': [{'kind': 'ServiceAccount', 'name': app, 'namespace': namespace}],
        }
        self._post(f'{place}/{role.lower()}bindings', binding)

    def _await_grant(self, namespace: str, app: str, verb: str, resource: str) -> None:
        """Wait until RBAC has seen a new rule: it reads its rules from a cache."""
        review = {
            'apiVersion': 'authorization.k8s.io/v1',
            'kind': 'SubjectAccessReview',
            'spec': {
                'user': _user(namespace, app),
                'resourceAttributes': {
                    'namespace': namespace,
                    'verb': verb,
                    'resource': resource,
                },
            },
        }
        path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
        self._server.process.wait_until(
            lambda: self._post(path, review)['status']['allowed'], _PROPAGATION
        )

    def _post(self, path: str, obj: Mapping[str, Any]) -> dict[str, Any]:
        with wire.Api(self._admin, '') as api:
            return api.post(path, obj).done


def _user(namespace: str, app: str) -> str:
    return f'system:serviceaccount:{namespace}:{app}'


def _named(name: str) -> dict[str, Any]:
    return {'metadata': {'name': name}}
