# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The charms under ops.testing, their Kubernetes API being whichever a test has.

What one dispatch leaves behind is there for the next one: options, relation data, files.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys
from collections.abc import Callable
from typing import Any, Final

import httpx2
import ops
from ops import testing

import charm_models
from charmarr_lib import http, interfaces, waiting
from charmarr_lib.testing import relation_for_provider, relation_for_requirer
from charmarr_lib.testing.pebble import Owners, PebbleFake, use_pebble
from charmarr_lib.testing.plex import PlexDouble

from . import overlays, wire

CHARMS: Final = pathlib.Path(__file__).parents[2] / 'charms'
_KUBERNETES: Final = 'kubernetes.default.svc'


def charm_type(name: str) -> type[ops.CharmBase]:
    """Load a charm, whose modules can be imported from now on."""
    folder = CHARMS / name
    source = str(folder / 'src')
    if source not in sys.path:
        sys.path.append(source)
    return charm_models.charm_class(charm_models.load(folder))


class Unit:
    """One unit, which leads, of a charm.

    Args:
        charm: The charm.
        app: Name of the application.
        namespace: The model's name.
        kubernetes: The way to the API server.
    """

    def __init__(
        self,
        charm: str,
        app: str,
        namespace: str,
        kubernetes: httpx2.BaseTransport,
    ) -> None:
        self._kubernetes = kubernetes
        self.requests: list[tuple[str, str]] = []
        self.context = testing.Context(charm_type(charm), app_name=app, charm_root=CHARMS / charm)
        self.state = testing.State(leader=True, model=testing.Model(name=namespace))

    def run(self, event: Any = None) -> str:
        """Run a dispatch, update-status if no event is given, and return the status."""
        with (
            http.use_transport(httpx2.MockTransport(self._network)),
            waiting.use_pause(lambda seconds: None),
        ):
            self.state = self.context.run(event or self.context.on.update_status(), self.state)
        return self.status

    def configure(self, **options: str | bool | int) -> str:
        """Set options, dashes as underscores, and run config-changed."""
        named = {name.replace('_', '-'): value for name, value in options.items()}
        self.state = dataclasses.replace(self.state, config={**self.state.config, **named})
        return self.run(self.context.on.config_changed())

    def relate(self, relation: testing.Relation) -> str:
        """Add or update a relation, and run relation-changed."""
        before = [each for each in self.state.relations if each.id == relation.id]
        if before:
            ours = before[0].local_app_data
            relation = dataclasses.replace(relation, local_app_data=ours)
        others = {each for each in self.state.relations if each.id != relation.id}
        self.state = dataclasses.replace(self.state, relations={*others, relation})
        return self.run(self.context.on.relation_changed(relation, remote_unit=0))

    def part(self, number: int) -> str:
        """Remove a relation: relation-broken runs, then it is gone."""
        self.run(self.context.on.relation_broken(self.state.get_relation(number)))
        kept = {each for each in self.state.relations if each.id != number}
        self.state = dataclasses.replace(self.state, relations=kept)
        return self.status

    @property
    def status(self) -> str:
        """Name and message of the unit's status."""
        return f'{self.state.unit_status.name}: {self.state.unit_status.message}'

    def writes(self) -> list[tuple[str, str]]:
        """Return method and path of the requests so far that could change something."""
        return [each for each in self.requests if each[0] != 'GET']

    def close(self) -> None:
        """Remove the files of the context."""
        self.context.__exit__(None, None, None)

    def _network(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host == _KUBERNETES:
            self.requests.append((request.method, request.url.raw_path.decode()))
            return self._kubernetes.handle_request(request)
        return self._workload(request)

    def _workload(self, request: httpx2.Request) -> httpx2.Response:
        raise AssertionError(f'the charm called {request.url.host}')


class PlexUnit(Unit):
    """A unit of plex-k8s in a pod that is as its template was when it started.

    Args:
        namespace: The model's name.
        kubernetes: The way to the API server.
        folder: Where the files of its volumes are.
        template: Returns the StatefulSet.
    """

    def __init__(
        self,
        namespace: str,
        kubernetes: httpx2.BaseTransport,
        folder: pathlib.Path,
        template: Callable[[], wire.Manifest],
    ) -> None:
        super().__init__('plex-k8s', 'plex', namespace, kubernetes)
        self._folder = folder
        self._template = template
        self._owners = Owners()
        self.plex = PlexDouble()
        self.pod = self._boot()
        storages = {testing.Storage('config')}
        self.state = dataclasses.replace(self.state, storages=storages, planned_units=1)

    def run(self, event: Any = None) -> str:
        """Run a dispatch in the present pod."""
        container = self.pod.as_container('plex', can_connect=True)
        self.state = dataclasses.replace(self.state, containers={container})
        with use_pebble({'plex': self.pod}):
            return super().run(event)

    def roll(self) -> None:
        """Replace the pod by one that is as the template has it now."""
        self.pod.close()
        self.pod = self._boot()

    def relate_storage(self, claim: str) -> str:
        """Relate a storage that offers a claim."""
        offer = interfaces.MediaStorageProviderData(pvc_name=claim)
        return self.relate(
            relation_for_requirer('media-storage', offer, remote_app='storage', relation_id=1)
        )

    def close(self) -> None:
        """End the pod."""
        self.pod.close()
        super().close()

    def _boot(self) -> PebbleFake:
        container = overlays.workload(self._template())
        mounts = {
            each['mountPath']: self._disk(each['name'])
            for each in container['volumeMounts']
            if 'subPath' not in each and each['mountPath'] != '/dev/dri'
        }
        limits = container.get('resources', {}).get('limits', {})
        privileged = container.get('securityContext', {}).get('privileged', False)
        devices = {'/dev/dri/renderD128': 109} if privileged or limits else {}
        return PebbleFake(self.plex, mounts=mounts, devices=devices, owners=self._owners)

    def _disk(self, name: str) -> pathlib.Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _workload(self, request: httpx2.Request) -> httpx2.Response:
        return self.pod.handle(request, '127.0.0.1')


class StorageUnit(Unit):
    """A unit of charmarr-storage, which has no workload.

    Args:
        namespace: The model's name.
        kubernetes: The way to the API server.
    """

    def __init__(self, namespace: str, kubernetes: httpx2.BaseTransport) -> None:
        super().__init__('charmarr-storage', 'storage', namespace, kubernetes)

    def relate_plex(self) -> str:
        """Relate an application that mounts the volume."""
        plex = interfaces.MediaStorageRequirerData(instance_name='plex')
        return self.relate(
            relation_for_provider('media-storage', plex, remote_app='plex', relation_id=1)
        )

    @property
    def offer(self) -> interfaces.MediaStorageProviderData | None:
        """What the application has been told, if anything."""
        text = self.state.get_relation(1).local_app_data.get('config')
        model = interfaces.MediaStorageProviderData
        return model.model_validate_json(text) if text else None
