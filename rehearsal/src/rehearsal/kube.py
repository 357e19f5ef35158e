# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Requests of Juju and of the cluster's controllers to the Kubernetes API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from charmarr_lib.testing.kubernetes import KubernetesFake

Manifest = dict[str, Any]

_SERVER: Final = 'https://kubernetes.default.svc'
_PLURALS: Final = {
    'StatefulSet': '/apis/apps/v1/namespaces/{namespace}/statefulsets',
    'Service': '/api/v1/namespaces/{namespace}/services',
    'PersistentVolumeClaim': '/api/v1/namespaces/{namespace}/persistentvolumeclaims',
    'PersistentVolume': '/api/v1/persistentvolumes',
}
_MERGE: Final = 'application/merge-patch+json'
_STRATEGIC: Final = 'application/strategic-merge-patch+json'


class Api:
    """The Kubernetes API as one user of one namespace.

    Args:
        fake: The API server.
        namespace: Where namespaced objects are.
        user: Who asks.
        manager: Field manager that is recorded for what is written.
    """

    def __init__(self, fake: KubernetesFake, namespace: str, user: str, manager: str) -> None:
        self._fake = fake
        self._namespace = namespace
        self._user = user
        self._manager = manager

    def create(self, manifest: Mapping[str, Any]) -> Manifest:
        """Create an object."""
        return self._send('POST', self._path(manifest['kind']), manifest)

    def merge(self, kind: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """Change an object by JSON merge patch."""
        return self._send('PATCH', self._path(kind, name), patch, _MERGE)

    def strategic(self, kind: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """Change an object by strategic merge patch."""
        return self._send('PATCH', self._path(kind, name), patch, _STRATEGIC)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object if there is one."""
        namespace = None if '{namespace}' not in _PLURALS.get(kind, '') else self._namespace
        if self._fake.peek(kind, name, namespace) is not None:
            self._send('DELETE', self._path(kind, name), None)

    def _path(self, kind: str, name: str = '') -> str:
        collection = _PLURALS[kind].format(namespace=self._namespace)
        return f'{collection}/{name}' if name else collection

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        content_type: str = 'application/json',
    ) -> Manifest:
        request = httpx2.Request(
            method,
            f'{_SERVER}{path}',
            params={'fieldManager': self._manager} if body is not None else None,
            content=json.dumps(body).encode() if body is not None else None,
            headers={'Content-Type': content_type} if body is not None else None,
        )
        response = self._fake.handle(request, self._user)
        answer: Manifest = response.json()
        if response.is_error:
            # Nobody but a charm may be refused here: this is a defect of the model.
            raise AssertionError(f'{method} {path}: {answer.get("message")}')
        return answer


def section(obj: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a map inside an object; empty where there is none."""
    inner: Any = obj
    for key in keys:
        inner = inner.get(key) or {}
    return inner


def items(obj: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list inside an object; empty where there is none."""
    found: Any = obj.get(key) or []
    return found
