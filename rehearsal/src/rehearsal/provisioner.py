# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What Juju's workers write to Kubernetes, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from charmarr_lib.testing import kubernetes

from . import kube, manifests, model

# Roles that Juju gives an application it does not trust (prov/application.go, trust.go).
_UNTRUSTED: Final = {
    'Namespace': frozenset({'get', 'list'}),
    'Pod': frozenset({'get', 'list', 'patch'}),
    'Service': frozenset({'get', 'list', 'patch'}),
}
_OWN_PORT: Final = 'juju-'


class Provisioner:
    """Juju's provisioner and firewaller for one model.

    Args:
        fake: The Kubernetes API.
        juju: The model.
    """

    def __init__(self, fake: kubernetes.KubernetesFake, juju: model.JujuModel) -> None:
        self._fake = fake
        self._juju = juju
        self._api = kube.Api(fake, juju.name, 'juju', kubernetes.JUJU_MANAGER)
        # Scaling and ports are written by workers that name no field manager, so the API server
        # takes the client's default name.
        self._worker = kube.Api(fake, juju.name, 'juju', 'jujud')
        fake.authorise = self._authorise

    def _authorise(self, user: str, verb: str, kind: str, namespace: str | None) -> bool:
        prefix = f'system:serviceaccount:{self._juju.name}:'
        if not user.startswith(prefix):
            return True
        application = self._juju.applications.get(user[len(prefix) :])
        if application is None:
            return False
        if application.trust:
            return True
        here = kind == 'Namespace' or namespace == self._juju.name
        return here and verb in _UNTRUSTED.get(kind, ())

    def account(self, application: str) -> str:
        """Return the name that the Kubernetes API knows an application's pods by."""
        return f'system:serviceaccount:{self._juju.name}:{application}'

    def ensure(self, application: model.Application) -> None:
        """Create an application's objects, or write its StatefulSet anew over what is there.

        Juju does the latter on refresh, with a new resource, for trust, and when its provisioner
        starts. It is a strategic merge of the whole object without replicas, so what a charm has
        added to the pod template stays.
        """
        wanted = manifests.stateful_set(application, self._juju.name)
        present = self._fake.peek('StatefulSet', application.name, self._juju.name)
        if present is None:
            self._create(application, wanted)
            return
        version = present['metadata']['resourceVersion']
        patch = kubernetes.juju_reapply(wanted, resource_version=version)
        self._api.strategic('StatefulSet', application.name, patch)

    def _create(self, application: model.Application, stateful_set: kube.Manifest) -> None:
        for manifest in manifests.account(application.name, self._juju.name):
            self._fake.add(manifest, manager=kubernetes.JUJU_MANAGER)
        front, endpoints = kubernetes.juju_services(application.name, self._juju.name)
        application.address = self._api.create(front)['spec']['clusterIP']
        self._api.create(endpoints)
        self._api.create(stateful_set)

    def scale(self, application: model.Application, replicas: int) -> bool:
        """Set the number of pods and tell whether it was another one."""
        present = self._fake.peek('StatefulSet', application.name, self._juju.name)
        if present is None or present['spec']['replicas'] == replicas:
            return False
        self._worker.strategic('StatefulSet', application.name, {'spec': {'replicas': replicas}})
        return True

    def open_ports(self, application: model.Application) -> bool:
        """Bring the Service's ports to what the units have opened; tell whether that changed it.

        Ports that Juju did not name stay, and the placeholder goes.
        """
        service = self._fake.peek('Service', application.name, self._juju.name)
        if service is None:
            return False
        present: list[dict[str, Any]] = service['spec'].get('ports') or []
        foreign = [each for each in present if not _is_own(each)]
        ports = [*foreign, *_ports(application)] or [dict(manifests.PLACEHOLDER)]
        if _numbers(ports) == _numbers(present):
            return False
        self._worker.merge('Service', application.name, {'spec': {'ports': ports}})
        return True

    def remove(self, application: model.Application) -> None:
        """Delete what Juju made for an application; its claims stay."""
        for kind, name in (
            ('StatefulSet', application.name),
            ('Service', application.name),
            ('Service', f'{application.name}-endpoints'),
        ):
            self._api.delete(kind, name)
        self._fake.remove('Secret', f'{application.name}-application-config', self._juju.name)
        self._fake.remove('ServiceAccount', application.name, self._juju.name)
        self._fake.collect_garbage()

    def remove_claims(self, application: model.Application) -> None:
        """Delete the claims of an application's storage, as ``--destroy-storage`` wants."""
        for claim in self._fake.browse('PersistentVolumeClaim', self._juju.name):
            name = claim['metadata']['name']
            templates = (
                manifests.claim_template(application, s) for s in application.charm.storage
            )
            if any(name.startswith(f'{template}-') for template in templates):
                self._api.delete('PersistentVolumeClaim', name)


def _is_own(port: dict[str, Any]) -> bool:
    name = str(port.get('name', ''))
    return name.startswith(_OWN_PORT) or name == manifests.PLACEHOLDER['name']


def _ports(application: model.Application) -> Iterator[dict[str, Any]]:
    opened = {port for unit in application.units for port in unit.memory.ports if port.port}
    for port in sorted(opened, key=lambda each: (each.port or 0, each.protocol)):
        yield {
            'name': f'{_OWN_PORT}{port.port}-{port.protocol}',
            'port': port.port,
            'targetPort': port.port,
            'protocol': port.protocol.upper(),
        }


def _numbers(ports: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(each.get('name'), each['port']) for each in ports}
