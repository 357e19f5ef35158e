# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The storage with 1, 10, 100 and 1,000 consumers, when nothing has changed.

The storage is rehearsed with one consumer until it is bound and checked. Then its charm runs
update-status under ops.testing with ever more relations, twice: the first time it may tell the
newcomers what to mount. What the second time takes is printed beside what ops.testing takes for a
charm that does nothing with the same relations; the difference is the charm's. The goals: no
databag write, and time that grows no faster than the consumers.

    make bench ARGS=tests/benchmarks/bench_storage_consumers.py
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import pathlib
import sys
import tempfile
import time
from collections.abc import Generator
from typing import Any

import httpx2
import ops
from ops import testing

from charmarr_lib import http, interfaces
from charmarr_lib.testing import relation_for_provider
from rehearsal import bundle, bundlecheck, catalogue, deployment, engine, model, session

ROOT = pathlib.Path(__file__).parents[2]
CONSUMERS = (1, 10, 100, 1000)
APPLICATION = 'charmarr-storage'
OWN_FILES = ('config', 'actions')


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of update-status.

    Attributes:
        seconds: CPU time.
        requests: How often it asked the Kubernetes API.
    """

    seconds: float
    requests: int
    after: testing.State


class Idle(ops.CharmBase):
    """Does nothing, with the same relations."""


def main() -> None:
    """Measure and print."""
    with rehearsed() as rehearsal:
        storage = rehearsal.applications[APPLICATION]
        unit = storage.units[0]
        account = f'system:serviceaccount:{rehearsal.model}:{APPLICATION}'
        network = rehearsal.kubernetes.network.transport(unit.pod, account)
        charm = storage.charm
        header = ('consumers', 'told', 'written', 'requests', 'ms', 'idle charm', 'ms a consumer')
        print(''.join(f'{each:>14}' for each in header))
        written = [measure(charm, rehearsal.model, network, count) for count in CONSUMERS]
    if any(written):
        sys.exit('goal missed: the charm writes databags although nothing has changed')
    print('goal reached: no databag write')


@contextlib.contextmanager
def rehearsed() -> Generator[engine.Rehearsal]:
    """Deploy the bundle and let it come to rest."""
    charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
    with engine.Rehearsal(charms) as rehearsal:
        at = session.Session(rehearsal, io.StringIO(), io.StringIO())
        read = bundle.load(ROOT / 'bundle.yaml')
        deployment.deploy_bundle(at, bundlecheck.check(read, charms), trust=True)
        at.settle()
        if at.failed:
            sys.exit('the bundle does not settle; run: make rehearse')
        yield rehearsal


def measure(charm: model.Charm, namespace: str, network: httpx2.BaseTransport, count: int) -> int:
    """Print one line; return how many databags the charm wrote with nothing to say."""
    state = testing.State(
        leader=True,
        model=testing.Model(namespace),
        planned_units=1,
        relations=[consumer(number) for number in range(count)],
    )
    told = update(charm, charm.charm_type, network, state)
    again = update(charm, charm.charm_type, network, told.after)
    idle = update(charm, Idle, network, told.after)
    if told.after.unit_status.name != 'active':
        sys.exit(f'the storage is not active: {told.after.unit_status}')
    own = (again.seconds - idle.seconds) * 1000
    first, second = changed(state, told.after), changed(told.after, again.after)
    print(f'{count:>14}{first:>14}{second:>14}{again.requests:>14}{own:>14.1f}', end='')
    print(f'{idle.seconds * 1000:>14.1f}{own / count:>14.3f}', flush=True)
    return second


def consumer(number: int) -> testing.Relation:
    """Return the relation with one application that has said its name."""
    name = f'app-{number}'
    data = interfaces.MediaStorageRequirerData(instance_name=name)
    return relation_for_provider('media-storage', data, remote_app=name)


def update(
    charm: model.Charm,
    charm_type: type[ops.CharmBase],
    network: httpx2.BaseTransport,
    state: testing.State,
) -> Run:
    """Run update-status."""
    requests: list[httpx2.Request] = []

    def note(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return network.handle_request(request)

    meta = {name: body for name, body in charm.metadata.items() if name not in OWN_FILES}
    files: dict[str, Any] = {name: dict(charm.section(name)) for name in OWN_FILES}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(http.use_transport(httpx2.MockTransport(note)))
        context = stack.enter_context(
            testing.Context(
                charm_type, meta, **files, charm_root=folder, app_name=APPLICATION, unit_id=0
            )
        )
        started = time.process_time()
        after = context.run(context.on.update_status(), state)
        return Run(time.process_time() - started, len(requests), after)


def changed(before: testing.State, after: testing.State) -> int:
    """Return how many relations have another databag of ours."""
    old = {each.id: each.local_app_data for each in before.relations}
    return sum(each.local_app_data != old[each.id] for each in after.relations)


if __name__ == '__main__':
    main()
