# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One unit of the charm and the hub in its pod."""

from __future__ import annotations

import dataclasses
import pathlib
import sys
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import ops
import pytest
from ops import testing

from charmarr_lib.interfaces import MediaServer, MediaServerProviderData
from charmarr_lib.testing import deployment, relation_for_requirer
from charmarr_lib.testing.mediahub import MediahubDouble
from charmarr_lib.testing.pebble import PebbleFake

CHARM: Final = pathlib.Path(__file__).parents[2]
sys.path.append(str(CHARM / 'src'))

CONTAINER: Final = 'mediahub'
FOLDER: Final = '/var/lib/mediahub'
PLEX_URL: Final = 'http://plex.media.svc.cluster.local:32400'
TOKEN: Final = 'token-of-the-owner'


class Deployment(deployment.Deployment):
    """A unit of the charm.

    Attributes:
        hub: The program in the pod.
        mounts: What is mounted in the pod.
    """

    def __init__(self, charm: type[ops.CharmBase], folder: pathlib.Path) -> None:
        self.hub = MediahubDouble()
        self.mounts: dict[str, pathlib.Path] = {FOLDER: folder}
        super().__init__(charm, CHARM, app='mediahub', container=CONTAINER, storage=folder)

    def boot(self) -> PebbleFake:
        return PebbleFake(self.hub, mounts=self.mounts, owners=self.owners)

    def reboot(self) -> None:
        """Start the container anew: only what lies on the storage is still there."""
        self.pod.close()
        self.hub = MediahubDouble()
        self.pod = self.boot()

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        assert (request.url.host, request.url.port) == ('127.0.0.1', 8484)
        return self.pod.handle(request, '127.0.0.1')

    # Arranging.

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

    def unrelate(self, relation: testing.Relation) -> None:
        """Remove a relation."""
        self.take_away(relation)

    def secret(self, **content: str) -> testing.Secret:
        """Add a user's secret that is granted to the application; ``_`` stands for ``-``."""
        return self.add_secret({name.replace('_', '-'): text for name, text in content.items()})

    def revoke(self, secret: testing.Secret) -> None:
        """Take the grant of a secret back."""
        rest = frozenset(each for each in self.state.secrets if each.id != secret.id)
        self.state = dataclasses.replace(self.state, secrets=rest)

    def give_token(self, **content: str) -> testing.Secret:
        """Configure Plex tokens; without content one for all servers."""
        secret = self.secret(**(content or {'token': TOKEN}))
        self.configure(plex_token=secret.id)
        return secret

    def watch(self) -> testing.Relation:
        """Bring up a hub that watches one Plex."""
        relation = self.relate()
        self.give_token()
        self.deploy()
        return relation

    # Looking.

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
    made = Deployment(deployment.load(CHARM).MediahubCharm, folder)
    with made.context:
        yield made
    made.pod.close()
