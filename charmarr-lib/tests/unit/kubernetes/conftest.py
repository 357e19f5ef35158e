# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Juju's StatefulSet in an in-memory Kubernetes, and a charm's view of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charmarr_lib import http, kubernetes
from charmarr_lib.testing.kubernetes import KubernetesFake, juju_statefulset


@pytest.fixture
def fake() -> KubernetesFake:
    fake = KubernetesFake()
    fake.add(
        juju_statefulset('plex', 'media', container='plex', image='example/plex:1.42'),
        manager='juju',
    )
    return fake


@pytest.fixture
def cluster(fake: KubernetesFake) -> Iterator[kubernetes.Cluster]:
    with http.use_transport(fake.transport()):
        yield kubernetes.Cluster('plex', 'media', field_manager='charmarr-plex')
