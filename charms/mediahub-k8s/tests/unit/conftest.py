# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One unit of the charm and the hub in its pod."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.util
import pathlib
import sys
from collections.abc import Generator, Iterator
from types import ModuleType
from typing import Any, Final

import httpx2
import ops
import pytest
import yaml
from ops import testing

from charmarr_lib import http
from charmarr_lib.interfaces import MediaServer, MediaServerProviderData
from charmarr_lib.testing import relation_for_requirer
from charmarr_lib.testing.mediahub import MediahubDouble
from charmarr_lib.testing.pebble import Owners, PebbleFake, use_pebble

CHARM: Final = pathlib.Path(__file__).parents[2]
sys.path.append(str(CHARM / 'src'))

CONTAINER: Final = 'mediahub'
FOLDER: Final = '/var/lib/mediahub'
PLEX_URL: Final = 'http://plex.media.svc.cluster.local:32400'
TOKEN: Final = 'token-of-the-owner'


def _load() -> ModuleType:
    """Load charm.py under a name of its own: every charm has a module of that name."""
    name = 'charm_of_mediahub_k8s'
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, CHARM / 'src' / 'charm.py')
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@functools.cache
def _metadata() -> dict[str, Any]:
    """Return what Juju knows of the charm."""
    charmcraft = yaml.safe_load((CHARM / 'charmcraft.yaml').read_text('utf-8'))
    names = ('name', 'containers', 'resources', 'storage', 'requires')
    return {
        'meta': {name: charmcraft[name] for name in names},
        'config': charmcraft['config'],
        'actions': charmcraft['actions'],
    }


class Deployment:
    """A unit of the charm that keeps from one dispatch to the next what Juju and the pod keep.

    Attributes:
        folder: The data storage.
        hub: The program in the pod.
        pod: The workload container.
        state: What Juju knows.
        context: How the charm is run.
    """

    def __init__(self, charm: type[ops.CharmBase], folder: pathlib.Path) -> None:
        self.folder = folder
        self.owners = Owners()
        self.hub = MediahubDouble()
        self.mounts: dict[str, pathlib.Path] = {FOLDER: folder}
        self.pod = self._boot()
        # With the charm's own folder for its root, ops.testing would write files there, and two
        # tests at once would take them from each other.
        root = folder.parent / 'charm'
        root.mkdir()
        self.context = testing.Context(charm, app_name='mediahub', charm_root=root, **_metadata())
        self.state: testing.State = testing.State(
            leader=True, planned_units=1, model=testing.Model('media', type='kubernetes')
        )

    def _boot(self) -> PebbleFake:
        return PebbleFake(self.hub, mounts=self.mounts, owners=self.owners)

    def reboot(self) -> None:
        """Start the container anew: only what lies on the storage is still there."""
        self.pod.close()
        self.hub = MediahubDouble()
        self.pod = self._boot()

    def run(self, event: Any = None, **changes: Any) -> testing.State:
        """Dispatch an event (config-changed if none is given) and keep what it leaves behind."""
        can_connect = changes.pop('can_connect', True)
        container = self.pod.as_container(CONTAINER, can_connect=can_connect)
        state = dataclasses.replace(self.state, containers=frozenset({container}), **changes)
        with use_pebble({CONTAINER: self.pod}), self.online():
            self.state = self.context.run(event or self.context.on.config_changed(), state)
        return self.state

    def act(self, name: str, **params: Any) -> dict[str, Any]:
        """Run an action and return its results."""
        self.run(self.context.on.action(name, params=params))
        return dict(self.context.action_results or {})

    def failure(self, name: str, **params: Any) -> str:
        """Run an action that fails, and return what it says."""
        with pytest.raises(testing.ActionFailed) as caught:
            self.run(self.context.on.action(name, params=params))
        state = caught.value.state
        assert isinstance(state, testing.State)
        self.state = state
        assert '\n' not in caught.value.message
        return caught.value.message

    @contextlib.contextmanager
    def online(self) -> Generator[None]:
        """Let what is inside reach the hub, and nothing else."""

        def answer(request: httpx2.Request) -> httpx2.Response:
            assert (request.url.host, request.url.port) == ('127.0.0.1', 8484)
            return self.pod.handle(request, '127.0.0.1')

        with http.use_transport(httpx2.MockTransport(answer)):
            yield

    # Arranging.

    def configure(self, **options: str | int | bool) -> None:
        """Set options; ``_`` stands for ``-``."""
        new = {name.replace('_', '-'): value for name, value in options.items()}
        self.state = dataclasses.replace(self.state, config={**self.state.config, **new})

    def relate(
        self,
        app: str = 'plex',
        url: str = PLEX_URL,
        kind: MediaServer = MediaServer.PLEX,
        instance: str = '',
        **data: Any,
    ) -> testing.Relation:
        """Relate a media server."""
        said = MediaServerProviderData(
            api_url=url, server=kind, instance_name=instance or app, **data
        )
        return self.add(relation_for_requirer('media-server', said, remote_app=app))

    def silence(self, relation: testing.Relation, config: str | None = None) -> None:
        """Let a media server say nothing any more, or something else."""
        data = {} if config is None else {'config': config}
        changed = dataclasses.replace(relation, remote_app_data=data)
        rest = (each for each in self.state.relations if each.id != relation.id)
        self.state = dataclasses.replace(self.state, relations=frozenset({*rest, changed}))

    def relate_ingress(self, host: str = 'hub.example.com', tls: bool = True) -> None:
        """Relate a gateway that has a host."""
        data = {'external_host': host, 'tls_enabled': str(tls)} if host else {}
        self.add(testing.Relation('ingress', remote_app_name='istio', remote_app_data=data))

    def add(self, relation: testing.Relation) -> testing.Relation:
        """Add a relation."""
        relations = frozenset({*self.state.relations, relation})
        self.state = dataclasses.replace(self.state, relations=relations)
        return relation

    def unrelate(self, relation: testing.Relation) -> None:
        """Remove a relation, and dispatch its relation-broken."""
        current = self.state.get_relation(relation.id)
        assert isinstance(current, testing.Relation)
        self.run(self.context.on.relation_broken(current))
        rest = frozenset(each for each in self.state.relations if each.id != relation.id)
        self.state = dataclasses.replace(self.state, relations=rest)

    def secret(self, **content: str) -> testing.Secret:
        """Add a user's secret that is granted to the application; ``_`` stands for ``-``."""
        plain = {name.replace('_', '-'): value for name, value in content.items()}
        secret = testing.Secret(plain, owner=None)
        secrets = frozenset({*self.state.secrets, secret})
        self.state = dataclasses.replace(self.state, secrets=secrets)
        return secret

    def revoke(self, secret: testing.Secret) -> None:
        """Take the grant of a secret back."""
        rest = frozenset(each for each in self.state.secrets if each.id != secret.id)
        self.state = dataclasses.replace(self.state, secrets=rest)

    def give_token(self, **content: str) -> testing.Secret:
        """Configure Plex tokens; without content one for all servers."""
        secret = self.secret(**(content or {'token': TOKEN}))
        self.configure(plex_token=secret.id)
        return secret

    def deploy(self) -> testing.State:
        """Bring the hub up for the first time."""
        return self.run(self.context.on.pebble_ready(self.pod.as_container(CONTAINER)))

    def watch(self) -> testing.Relation:
        """Bring up a hub that watches one Plex."""
        relation = self.relate()
        self.give_token()
        self.deploy()
        return relation

    # Looking.

    @property
    def status(self) -> tuple[str, str]:
        """The unit's status: name and message."""
        message = self.state.unit_status.message
        assert '\n' not in message
        return self.state.unit_status.name, message

    def watched(self) -> dict[str, str]:
        """Return the servers that the hub was told of: name and URL."""
        return {each['name']: each['url'] for each in self.hub.servers()}

    @property
    def webhook_secret(self) -> testing.Secret:
        """The application's secret for webhooks."""
        return next(each for each in self.state.secrets if each.label == 'webhook-secret')


@pytest.fixture
def unit(tmp_path: pathlib.Path) -> Iterator[Deployment]:
    """A unit that has been given its pod, and has not been started yet."""
    folder = tmp_path / 'data'
    folder.mkdir()
    deployment = Deployment(_load().MediahubCharm, folder)
    with deployment.context:
        yield deployment
    deployment.pod.close()
