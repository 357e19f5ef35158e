# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The published description is true of a running hub: what it accepts, refuses and answers.

The hub is a process with its real database and watches a living Plex. Requests are made from the
description, sensible ones and others; they are the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase
from schemathesis.specs.openapi import checks

from mediahub.api import stats_routes
from mediahub.api.app import PREFIX, ROUTERS
from mediahub.testing import plex_delivery
from mediahub.testing.clocks import real
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plextv import PlexTv

from .conftest import Running, hubs

# Enough to find what is wrong in kind.
EXAMPLES = hypothesis.settings(
    max_examples=6,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


# Strangers are in a test of their own: who guesses too often is answered with 429.
_STRANGERS: Any = vars(checks)['ignored_auth']
_ACCEPTED: Any = vars(checks)['positive_data_acceptance']


def _contradicts_itself(query: Mapping[str, Any]) -> bool:
    """Whether bounds of a chart exclude each other, or its measure what it ranks."""
    if query.get('measure') == 'viewers' and query.get('level') in {'episode', 'track'}:
        return True
    first, last = query.get('first'), query.get('last')
    if 'days' in query:
        return first is not None or last is not None
    return first is not None and last is not None and str(first) > str(last)


# What no description can say, so that what fits it may be refused all the same: by the request's
# query and the answer's status.
UNSPEAKABLE: dict[str, Callable[[Mapping[str, Any], int], bool]] = {
    '/auth/plex/callback': lambda query, status: status == 400,  # no sign-in is under way
    '/auth/link/{ticket}': lambda query, status: status == 410,  # nor was a link made
    '/history': lambda query, status: 'cursor' in query,  # it is made up
    **{
        route.path: lambda query, status: _contradicts_itself(query)
        for route in stats_routes.router.routes
        if isinstance(route, APIRoute)
    },
}

OPERATIONS = [
    (method, PREFIX + route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]


@pytest.fixture(scope='module')
def plex() -> Generator[LivingPlex]:
    made = LivingPlex(real).stocked()
    with made.served():
        yield made


@pytest.fixture(scope='module')
def plextv() -> Generator[str]:
    with PlexTv(real).served() as serving:
        yield serving.url


@pytest.fixture(scope='module')
def hub(
    tmp_path_factory: pytest.TempPathFactory, plex: LivingPlex, plextv: str
) -> Generator[Running]:
    """A hub that knows plays that go on and plays that have ended."""
    folder = tmp_path_factory.mktemp('described')
    with hubs(folder / 'home', folder) as start:
        hub = start(
            ENABLE_PLEX_SYNC='true',
            PLEX_URL=plex.url,
            PLEX_TOKEN=plex.token,
            MEDIAHUB_RATE_LIMIT='0',
            MEDIAHUB_PLEXTV_URL=plextv,
            MEDIAHUB_PLEXTV_CLIENTS_URL=plextv,
        )
        hub.wait_until_up()
        films = [row.id for row in plex.shelves.of_kind('movie')]
        titles = [*films, films[0]]
        sessions = [
            plex.play(plex.person(f'Person {number}'), plex.device(f'Player {number}'), title)
            for number, title in enumerate(titles)
        ]
        sessions[0].deliver(plex_delivery.picture('720'))
        hub.wait_for(lambda: len(hub.data('live')['plays']) == len(titles))
        for session in sessions[2:]:
            session.stop()
        hub.wait_for(lambda: len(hub.data('history')['plays']) == 2)
        yield hub


@pytest.fixture(scope='module')
def described(hub: Running) -> Any:
    return schemathesis.openapi.from_url(f'{hub.control.url}/api/v1/openapi.json')


# Schemathesis rolls dice while it makes examples; Hypothesis seeds them, so they fall the same.
@pytest.mark.filterwarnings('ignore:Do not use the `random` module')
@pytest.mark.parametrize(('method', 'path'), OPERATIONS)
def test_answers_are_as_described(method: str, path: str, described: Any, hub: Running):
    @EXAMPLES
    @hypothesis.given(case=described[path][method].as_strategy())
    def ask(case: Any) -> None:
        headers = {'Authorization': f'Bearer {hub.control.token}'}
        response = case.call(headers=headers)
        unspeakable = UNSPEAKABLE.get(path.removeprefix(PREFIX))
        query: Mapping[str, Any] = dict(case.query or ())
        excused = unspeakable is not None and unspeakable(query, response.status_code)
        case.validate_response(
            response,
            headers=headers,
            excluded_checks=[_STRANGERS, _ACCEPTED] if excused else [_STRANGERS],
        )

    ask()
