# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Shared by mediahub's tests."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from mediahub.engine.registry import Registry
from mediahub.servers import filesystem, jellyfin, plex, subsonic
from mediahub.store.database import Database
from mediahub.testing.clocks import HandClock
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.rig import Calendar, PlexRig


@pytest.fixture
def anyio_backend() -> str:
    return 'asyncio'


@pytest.fixture
def registry() -> Registry:
    return Registry(
        [
            plex.SERVER_TYPE,
            jellyfin.SERVER_TYPE,
            jellyfin.EMBY_SERVER_TYPE,
            subsonic.SERVER_TYPE,
            filesystem.SERVER_TYPE,
        ]
    )


@pytest.fixture
def database() -> Generator[Database]:
    with Database() as opened:
        yield opened


@pytest.fixture
def clock() -> Calendar:
    return Calendar()


@pytest.fixture
def rig() -> PlexRig:
    made = PlexRig()
    made.server.library.fill(artists=3, albums=2, tracks=4)
    return made


@pytest.fixture
def hand_clock() -> HandClock:
    """Stands still until a test moves it; what the doubles of playback go by."""
    return HandClock()


@pytest.fixture
def living_plex(hand_clock: HandClock) -> Generator[LivingPlex]:
    """A Plex on a port, with a few films, a show, a broadcast and music, and nobody who plays."""
    made = LivingPlex(hand_clock).stocked()
    with made.served():
        yield made
