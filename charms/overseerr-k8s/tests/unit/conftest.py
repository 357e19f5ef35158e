# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One unit of the charm, the Seerr in its pod, and the servers that both can reach."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx2
import ops
import pytest
from ops import testing

from charmarr_lib.interfaces import MediaServer, MediaServerProviderData
from charmarr_lib.testing import deployment, relation_for_requirer
from charmarr_lib.testing.jellyfin import Account, JellyfinDouble, Library
from charmarr_lib.testing.pebble import PebbleFake
from charmarr_lib.testing.seerr import PlexTvDouble, SeerrDouble

CHARM: Final = pathlib.Path(__file__).parents[2]
sys.path.append(str(CHARM / 'src'))

CONTAINER: Final = 'seerr'
PLEX_URL: Final = 'http://plex.media.svc.cluster.local:32400'
JELLYFIN_URL: Final = 'http://jellyfin.media.svc.cluster.local:8096'
PLEX_TOKEN: Final = 'plex-token-of-the-owner'
PASSWORD: Final = 'correct horse'

Handler = Callable[[httpx2.Request], httpx2.Response]


class PlexStandIn:
    """A Plex with a film library, which lets its owner in and nobody else.

    Attributes:
        libraries: Titles of its libraries.
        token: The token that it takes.
    """

    def __init__(self, name: str = 'plex') -> None:
        self.libraries = ['Films']
        self.token = PLEX_TOKEN
        self._name = name

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path == '/identity':
            return _container({'machineIdentifier': f'machine-{self._name}'})
        if request.headers.get('X-Plex-Token') != self.token:
            return httpx2.Response(401)
        if path == '/':
            names = {'friendlyName': self._name, 'machineIdentifier': f'machine-{self._name}'}
            return _container(names)
        assert path == '/library/sections'
        sections = [
            {'key': str(number), 'title': title, 'type': 'movie'}
            for number, title in enumerate(self.libraries, start=1)
        ]
        return _container({'Directory': sections})


def _container(values: Mapping[str, object]) -> httpx2.Response:
    return httpx2.Response(200, json={'MediaContainer': values})


@dataclasses.dataclass
class Wire:
    """What goes over the network, and what goes wrong on it.

    Attributes:
        hosts: Who answers, by host and port.
        sent: Requests that were sent: method and URL without its host's domain.
        break_at: Number of the request, from 1, that meets ``fault``; 0 for none.
        fault: What becomes of that request; it may let it through and spoil the answer.
    """

    hosts: dict[tuple[str, int], Handler]
    sent: list[str] = dataclasses.field(default_factory=list[str])
    break_at: int = 0
    fault: Callable[[httpx2.Request, Handler], httpx2.Response] | None = None

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        port = request.url.port or (443 if request.url.scheme == 'https' else 80)
        self.sent.append(f'{request.method} {request.url}')
        handler = self.hosts.get((request.url.host, port), _nobody)
        if self.fault is not None and len(self.sent) == self.break_at:
            return self.fault(request, handler)
        return handler(request)


def _nobody(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError('[Errno -2] Name or service not known', request=request)


class Deployment(deployment.Deployment):
    """A unit of the charm.

    Attributes:
        seerr: The program in the pod.
        plex: A Plex in the cluster.
        jellyfin: A Jellyfin in the cluster.
        plex_tv: plex.tv.
        wire: The network.
    """

    def __init__(self, charm: type[ops.CharmBase], folder: pathlib.Path) -> None:
        self.seerr = SeerrDouble()
        self.plex = PlexStandIn()
        self.jellyfin = _jellyfin()
        self.plex_tv = PlexTvDouble({PLEX_TOKEN: 'owner'})
        self.read_only: tuple[str, ...] = ()
        super().__init__(charm, CHARM, app='overseerr', container=CONTAINER, storage=folder)
        self.wire = Wire(
            {
                ('localhost', 5055): lambda request: self.pod.handle(request, '127.0.0.1'),
                ('plex.media.svc.cluster.local', 32400): self.plex,
                ('jellyfin.media.svc.cluster.local', 8096): self._ask_jellyfin,
                ('plex.tv', 443): self.plex_tv,
            }
        )

    def _ask_jellyfin(self, request: httpx2.Request) -> httpx2.Response:
        return self.jellyfin.handle(request, '10.1.0.2')

    def boot(self) -> PebbleFake:
        return PebbleFake(
            self.seerr,
            mounts={'/app/config': self.folder},
            owners=self.owners,
            read_only=self.read_only,
        )

    def reboot(self, seerr: SeerrDouble | None = None) -> None:
        """Start the container anew, with another image if one is given."""
        self.pod.close()
        self.seerr = seerr or self.seerr
        self.pod = self.boot()

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        return self.wire(request)

    # Arranging.

    def relate(
        self, app: str = 'plex', url: str = PLEX_URL, kind: MediaServer = MediaServer.PLEX
    ) -> testing.Relation:
        """Relate a media server."""
        data = MediaServerProviderData(api_url=url, server=kind, instance_name=app)
        return self.add(relation_for_requirer('media-server', data, remote_app=app))

    def relate_jellyfin(self, app: str = 'jellyfin', url: str = JELLYFIN_URL) -> testing.Relation:
        """Relate a Jellyfin."""
        return self.relate(app, url, MediaServer.JELLYFIN)

    def relate_ingress(self, host: str = 'requests.example.com', tls: bool = False) -> None:
        """Relate a gateway that has a host."""
        data = {'external_host': host, 'tls_enabled': str(tls)} if host else {}
        self.add(testing.Relation('ingress', remote_app_name='istio', remote_app_data=data))

    def unrelate(self, endpoint: str) -> None:
        """Remove all relations of an endpoint."""
        for relation in self.state.get_relations(endpoint):
            assert isinstance(relation, testing.Relation)
            self.take_away(relation)

    def secret(self, **content: str) -> str:
        """Add a user's secret that is granted to the application, and return its id."""
        return self.add_secret(content).id

    def set_up_with_plex(self) -> None:
        """Deploy, relate Plex, and go through the set-up."""
        self.relate()
        self.deploy()
        self.act('setup-plex', credentials=self.secret(token=PLEX_TOKEN))
        self.run()

    def set_up_with_jellyfin(self) -> None:
        """Deploy, relate Jellyfin, and go through the set-up."""
        self.relate_jellyfin()
        self.deploy()
        credentials = self.secret(username='root', password=PASSWORD)
        self.act('setup-jellyfin', credentials=credentials)
        self.run()

    # Looking.

    def settings(self) -> dict[str, Any]:
        """Return what is in the settings file."""
        return json.loads((self.folder / 'settings.json').read_text('utf-8'))

    def write_settings(self, content: object) -> None:
        """Put something into the settings file behind everybody's back."""
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / 'settings.json').write_text(text, 'utf-8')

    @property
    def api_key(self) -> str:
        """The API key in the application's secret."""
        return (self.api_key_secret.latest_content or {})['api-key']

    @property
    def api_key_secret(self) -> testing.Secret:
        """The application's secret."""
        return next(each for each in self.state.secrets if each.label == 'api-key')

    def asked_for_ingress(self) -> bool:
        """Tell whether the charm has asked the gateway to let people in."""
        (relation,) = self.state.get_relations('ingress')
        return 'config' in relation.local_app_data

    def sent(self, method: str) -> list[str]:
        """Return the URLs of requests of a method, and forget all requests."""
        found = [each.partition(' ')[2] for each in self.wire.sent if each.startswith(method)]
        self.wire.sent.clear()
        return found


def _jellyfin() -> JellyfinDouble:
    double = JellyfinDouble(
        [Account('root', PASSWORD, 'id-of-root', True), Account('bob', PASSWORD, 'id-of-bob')],
        [Library('lib1', 'Films', 'movies'), Library('lib2', 'Series', 'tvshows')],
    )
    double.running = True
    return double


@pytest.fixture
def unit(tmp_path: pathlib.Path) -> Iterator[Deployment]:
    """A unit that has been given its pod, and has not been started yet."""
    folder = tmp_path / 'config'
    folder.mkdir()
    made = Deployment(deployment.load(CHARM).OverseerrCharm, folder)
    with made.context:
        yield made
    made.pod.close()
