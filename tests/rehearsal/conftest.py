# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An operator at a model that has the suite's bundle deployed; each test gets one of its own."""

from __future__ import annotations

import dataclasses
import io
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from charmarr_lib.testing.plex import PlexDouble
from rehearsal import bundle, bundlecheck, catalogue, deployment, engine, script, session

ROOT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass
class Operator:
    """Types Juju's commands, and sees what they print and what is in the cluster."""

    rehearsal: engine.Rehearsal
    stops: list[int] = dataclasses.field(default_factory=list[int])
    out: io.StringIO = dataclasses.field(default_factory=io.StringIO)
    err: io.StringIO = dataclasses.field(default_factory=io.StringIO)
    said: str = ''

    def __post_init__(self):
        self.at = session.Session(self.rehearsal, self.out, self.err, folder=ROOT)

    def deploy_bundle(self):
        read = bundle.load(ROOT / 'bundle.yaml')
        checked = bundlecheck.check(read, self.rehearsal.catalogue)
        deployment.deploy_bundle(self.at, checked, trust=True)
        self.at.settle()
        assert not self.at.failed, self.err.getvalue()

    def types(self, text: str) -> str:
        """Run commands, one a line, and return what they printed."""
        before = len(self.out.getvalue())
        script.run(self.at, script.parse(text, 'typed'), lambda _: None)
        assert not self.at.failed, self.err.getvalue()
        return self.out.getvalue()[before:]

    def status(self, application: str) -> tuple[str, str]:
        """Return the workload status and message of an application's first unit."""
        unit = self.rehearsal.applications[application].units[0]
        return unit.status.name, unit.status.message

    def pod(self, application: str) -> Any:
        found = self.rehearsal.cluster.get('StatefulSet', application, 'media')
        assert found is not None
        return found['spec']['template']['spec']

    def generation(self, application: str) -> int:
        found = self.rehearsal.cluster.get('StatefulSet', application, 'media')
        return found['metadata']['generation'] if found else 0

    def rollouts(self) -> dict[str, int]:
        """Return how often pods were replaced, for applications where they were."""
        return {name: count for name, count in self.at.totals.rollouts.items() if count}

    def claims(self) -> set[str]:
        found = self.rehearsal.cluster.list('PersistentVolumeClaim', 'media')
        return {each['metadata']['name'] for each in found}


@pytest.fixture
def operator() -> Iterator[Operator]:
    charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
    with engine.Rehearsal(charms) as rehearsal:
        operator = Operator(rehearsal)

        class WatchedPlex(PlexDouble):
            """Notes at which generation of its StatefulSet it is told to stop."""

            def stop(self):
                operator.stops.append(operator.generation('plex'))
                super().stop()

        charms.register('lscr.io/linuxserver/plex', WatchedPlex)
        yield operator


@pytest.fixture
def suite(operator: Operator) -> Operator:
    operator.deploy_bundle()
    return operator
