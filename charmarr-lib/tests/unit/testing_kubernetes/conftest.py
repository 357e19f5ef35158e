# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The fake API server, and real lightkube clients that talk to it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx2
import lightkube
import pytest
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, Context, User

from charmarr_lib.testing.kubernetes import JUJU_MANAGER, KubernetesFake, juju_statefulset

MakeClient = Callable[..., lightkube.Client]
Send = Callable[..., httpx2.Response]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.moment = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.moment

    def advance(self, **amount: float) -> None:
        self.moment += datetime.timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> KubernetesFake:
    return KubernetesFake(clock=clock)


@pytest.fixture
def make_client(fake: KubernetesFake) -> Iterator[MakeClient]:
    config = SingleConfig(
        context_name='test',
        context=Context(cluster='test', user='test'),
        cluster=Cluster(server='https://kubernetes', insecure=True),
        user=User(token='test'),
    )
    with ExitStack() as stack:

        def make(user: str = 'admin', **options: Any) -> lightkube.Client:
            options = {'namespace': 'media', 'field_manager': 'charm', **options}
            transport = fake.transport(user)
            return stack.enter_context(lightkube.Client(config, transport=transport, **options))

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> lightkube.Client:
    return make_client()


@pytest.fixture
def plex() -> dict[str, Any]:
    """What Juju writes for the application plex."""
    return juju_statefulset(
        'plex', 'media', 'plex', 'example/plex:1.42', storage={'config': '/config'}
    )


@pytest.fixture
def deployed(fake: KubernetesFake, plex: dict[str, Any]) -> dict[str, Any]:
    """The StatefulSet plex as the server holds it."""
    return fake.add(plex, manager=JUJU_MANAGER)


@pytest.fixture
def send(fake: KubernetesFake) -> Send:
    """Send a request that lightkube would not, and return the answer."""

    def send(
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = 'application/json',
        params: Mapping[str, str] | None = None,
        agent: str = 'kubectl/v1.34 (linux)',
    ) -> httpx2.Response:
        with httpx2.Client(
            transport=fake.transport(), base_url='https://kubernetes', trust_env=False
        ) as http:
            headers = {'user-agent': agent}
            if body is None:
                return http.request(method, path, params=params, headers=headers)
            headers['content-type'] = content_type
            return http.request(method, path, params=params, headers=headers, json=body)

    return send


@pytest.fixture
def overlay() -> dict[str, Any]:
    """What a charm wants of its StatefulSet: a shared claim, and a GPU."""
    workload = {
        'name': 'plex',
        'resources': {'limits': {'gpu.intel.com/i915': '1'}},
        'volumeMounts': [{'name': 'media', 'mountPath': '/data'}],
    }
    volume = {'name': 'media', 'persistentVolumeClaim': {'claimName': 'media'}}
    return wish({'containers': [workload], 'volumes': [volume]})


def wish(pod: dict[str, Any]) -> dict[str, Any]:
    return {
        'apiVersion': 'apps/v1',
        'kind': 'StatefulSet',
        'metadata': {'name': 'plex', 'namespace': 'media'},
        'spec': {'template': {'spec': pod}},
    }


@pytest.fixture
def pod_wish() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Make a partial StatefulSet that says something of the pod only."""
    return wish
