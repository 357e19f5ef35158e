# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A rehearsal with two small charms and the program that one of them runs."""

import pathlib
import sys
from collections.abc import Mapping, Sequence

import httpx2
import pytest

from charmarr_lib.testing.workload import CannotStart, Launch, Ran
from rehearsal import catalogue, engine

CHARMS = pathlib.Path(__file__).parent / 'charms'


class Player:
    """Needs some ticks until it answers, and writes a file into its folder."""

    port = 8080
    slow = 0
    made: list['Player']

    def __init__(self) -> None:
        self.launches: list[Launch] = []
        self.running = False
        self.ticks = 0

    def image_files(self) -> Mapping[str, str]:
        return {}

    def start(self, launch: Launch) -> None:
        if launch.environment['VOLUME'] == '0':
            raise CannotStart('nobody hears it')
        self.launches.append(launch)
        self.running = True
        self.ticks = 0
        (launch.root / 'config' / 'state').write_text(launch.environment['VOLUME'])
        (launch.root / 'tmp').mkdir(exist_ok=True)
        (launch.root / 'tmp' / 'lock').write_text('')

    def stop(self) -> None:
        self.running = False

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        ready = self.ticks >= type(self).slow
        return httpx2.Response(200 if ready else 503, headers={'version': '1.2'}, text=peer)

    def execute(self, command: Sequence[str]) -> Ran | None:
        return None

    def tick(self) -> None:
        self.ticks += 1


@pytest.fixture
def player():
    """The class of the program; its ``made`` lists every one that was made."""
    Player.made = []
    Player.slow = 0
    return Player


@pytest.fixture
def rehearsal(player):
    def make():
        player.made.append(player())
        return player.made[-1]

    charms = catalogue.Catalogue(
        catalogue.in_folder(CHARMS), programs={'example.com/player': make}
    )
    with engine.Rehearsal(charms) as rehearsal:
        sight(rehearsal).clear()
        yield rehearsal


def sight(rehearsal):
    module = sys.modules[rehearsal.catalogue.charm('player').charm_type.__module__]
    return module.SEEN


@pytest.fixture
def seen(rehearsal):
    """What every hook of the player charm saw, oldest first."""
    return sight(rehearsal)


@pytest.fixture
def hooks(rehearsal):
    """Return the hooks of a unit, oldest first."""

    def of(unit):
        return [run.hook for run in rehearsal.history if run.unit == unit]

    return of


@pytest.fixture
def found(rehearsal):
    """Return an object of the model's namespace, which must be there."""

    def get(kind, name):
        obj = rehearsal.cluster.get(kind, name, 'media')
        assert obj is not None, f'{kind} {name}'
        return obj

    return get


@pytest.fixture
def container(rehearsal):
    """Return the workload container of a unit of the player charm, which must run."""

    def get(application='player', number=0):
        pod = rehearsal.applications[application].units[number].pod
        assert pod is not None, application
        return pod.containers['player']

    return get
