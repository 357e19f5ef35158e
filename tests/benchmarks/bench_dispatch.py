# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""CPU time of one update-status of each charm in steady state, against a charm that does nothing.

The bundle is rehearsed until nothing moves. Each charm is then run in fresh processes with the
answers that the rehearsed model gives: hook tools, Pebble, Kubernetes and workload are there. The
charms take turns, so that a busy machine is busy for all of them. The goal is 1.35 times a bare
charm of ops; what Juju's own programs take is left out on both sides.

    make bench ARGS=tests/benchmarks/bench_dispatch.py
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import pathlib
import statistics
import sys
import tempfile
from collections.abc import Generator, Iterable

import dispatch_answers
import dispatch_servers
import dispatch_stage
import ops

from rehearsal import bundle, bundlecheck, catalogue, deployment, engine, model, session

ROOT = pathlib.Path(__file__).parents[2]
BARE = pathlib.Path(__file__).parent / 'bare'
GOAL = 1.35
TURNS = 9
HEAVY = ('pydantic', 'lightkube', 'httpx2', 'xml.etree.ElementTree', 'charmlibs')
WORKLOADS = {'plex': 32400, 'overseerr': 5055, 'mediahub': 8484}
"""Ports on which charms expect their workload; they have to be free on this machine."""


@dataclasses.dataclass(frozen=True)
class Taken:
    """Seconds of CPU time of one charm: medians of all turns.

    Attributes:
        dispatch: The whole process.
        imports: A process that only imports the charm.
        tools: Hook tools called.
        modules: Heavy modules that the dispatch loads.
    """

    dispatch: float
    imports: float
    tools: int
    modules: tuple[str, ...]


def main() -> None:
    """Measure and print."""
    with contextlib.ExitStack() as stack:
        rehearsal = stack.enter_context(settled())
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='b-')))
        changes: list[str] = []
        stages = {'bare': bare(folder)}
        for application in rehearsal.applications.values():
            unit = application.units[0]
            stages[unit.application] = stack.enter_context(
                staged(folder, rehearsal, unit, changes)
            )
        floors = modules(stages['bare'])
        taken = measure(stages)
    if changes:
        sys.exit(f'not a steady state: {", ".join(changes)}')
    report(taken, floors)


@contextlib.contextmanager
def settled() -> Generator[engine.Rehearsal]:
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


def bare(folder: pathlib.Path) -> dispatch_stage.Stage:
    """Set a charm up that does nothing."""
    metadata = {'name': 'bare', 'containers': {'idle': {}}}
    charm = model.Charm('bare', BARE, metadata, ops.CharmBase)
    (folder / 'bare').mkdir()
    return dispatch_stage.Stage(folder / 'bare', charm, 'bare/0', 'media', nothing, {})


def nothing(tool: str, words: Iterable[str]) -> str:
    """Answer what ops itself asks, and refuse the rest."""
    if tool == 'is-leader':
        return 'true'
    raise dispatch_stage.NotSteadyError(f'the bare charm calls {tool} {" ".join(words)}')


@contextlib.contextmanager
def staged(
    folder: pathlib.Path, rehearsal: engine.Rehearsal, unit: model.Unit, changes: list[str]
) -> Generator[dispatch_stage.Stage]:
    """Set a unit's charm up, with everything that it talks to."""
    name = unit.application
    place = folder / name
    place.mkdir()
    stage = dispatch_stage.Stage(
        place,
        rehearsal.applications[name].charm,
        unit.name,
        rehearsal.model,
        dispatch_answers.Answers(rehearsal, unit),
        {'BENCH_ACCOUNT': str(place)} if rehearsal.applications[name].trust else {},
    )
    assert unit.pod is not None
    account = f'system:serviceaccount:{rehearsal.model}:{name}'
    network = rehearsal.kubernetes.network.transport(unit.pod, account)
    with contextlib.ExitStack() as stack:
        for container, fake in unit.pod.containers.items():
            (stage.sockets / container).mkdir()
            socket = stage.sockets / container / 'pebble.socket'
            api = dispatch_servers.pebble_api(fake, changes)
            stack.enter_context(dispatch_servers.serving(api, 'http://localhost', socket))
        if name in WORKLOADS:
            own = f'http://127.0.0.1:{WORKLOADS[name]}'
            stack.enter_context(
                dispatch_servers.serving(network.handle_request, own, WORKLOADS[name])
            )
        tls = dispatch_servers.service_account(place)
        cluster = dispatch_servers.serving(
            network.handle_request, 'https://kubernetes.default.svc', 0, tls
        )
        stage.reach_kubernetes_at(stack.enter_context(cluster))
        yield stage


def modules(stage: dispatch_stage.Stage) -> dict[str, float]:
    """Return what importing each module takes on top of ops, in seconds."""
    pieces = {'python': '', 'ops': 'import ops'}
    pieces |= {each: f'import ops, {each}' for each in HEAVY if each != 'charmlibs'}
    seconds: dict[str, list[float]] = {name: [] for name in pieces}
    for turn in range(TURNS + 1):
        for name, code in pieces.items():
            cost = stage.imports(code)
            if turn:  # the first one compiles
                seconds[name].append(cost.seconds)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    floor = {'python': medians['python'], 'ops': medians['ops'] - medians['python']}
    return floor | {
        name: value - medians['ops'] for name, value in medians.items() if name not in floor
    }


def measure(stages: dict[str, dispatch_stage.Stage]) -> dict[str, Taken]:
    """Run all charms in turns."""
    loaded = {name: loads(stage.modules()) for name, stage in stages.items()}
    whole: dict[str, list[dispatch_stage.Cost]] = {name: [] for name in stages}
    imports: dict[str, list[float]] = {name: [] for name in stages}
    for turn in range(TURNS + 1):
        for name, stage in stages.items():
            dispatch, imported = stage.dispatch(), stage.imports('import charm')
            if turn:
                whole[name].append(dispatch)
                imports[name].append(imported.seconds)
    return {
        name: Taken(
            statistics.median(each.seconds for each in costs),
            statistics.median(imports[name]),
            costs[-1].tools,
            loaded[name],
        )
        for name, costs in whole.items()
    }


def loads(names: frozenset[str]) -> tuple[str, ...]:
    """Return the heavy modules among those that were loaded."""
    return tuple(each for each in HEAVY if each in names)


def report(taken: dict[str, Taken], floors: dict[str, float]) -> None:
    """Print what was measured, in milliseconds of CPU time."""
    print(f'update-status in steady state, a fresh process each: ms of CPU, median of {TURNS}')
    for name, seconds in floors.items():
        print(f'  import of {name:<24}{seconds * 1000:7.1f}')
    bare_dispatch = taken['bare'].dispatch
    print(f'{"charm":<20}{"imports":>9}{"the rest":>10}{"sum":>8}{"ratio":>8}  tools  loads')
    for name, each in taken.items():
        rest = each.dispatch - each.imports
        ratio = each.dispatch / bare_dispatch
        print(
            f'{name:<20}{each.imports * 1000:9.1f}{rest * 1000:10.1f}{each.dispatch * 1000:8.1f}'
            f'{ratio:8.2f}{each.tools:7}  {", ".join(each.modules) or "nothing heavy"}'
        )
    worst = max(each.dispatch for each in taken.values()) / bare_dispatch
    verdict = 'reached' if worst <= GOAL else 'missed'
    print(f'goal: at most {GOAL} x bare; the worst is {worst:.2f} x: {verdict}')


if __name__ == '__main__':
    main()
