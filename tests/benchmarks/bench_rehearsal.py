# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How long the rehearsal takes for the bundle, and where the time goes.

The goal is a settled bundle in under five seconds of the rehearsal's own time. Printed beside it
is the cost of a process that imports the same and does nothing, for comparison; then what a model
takes that has up to a hundred applications on one storage.

    make bench ARGS=tests/benchmarks/bench_rehearsal.py
"""

from __future__ import annotations

import collections
import contextlib
import io
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from rehearsal import bundle, bundlecheck, catalogue, deployment, engine, outcomes, session

ROOT = pathlib.Path(__file__).parents[2]
RUNS = 5
GOAL = 5.0
SIZES = (1, 10, 30, 100)
MOST_HOOKS = 100_000
IMPORTS = 'import rehearsal.run, charmarr_lib.testing.kubernetes, lightkube, pydantic'


def main() -> None:
    """Measure and print."""
    runs = [settle() for _ in range(RUNS)]
    seconds = sorted(each.seconds for each, _ in runs)
    median = statistics.median(seconds)
    settled, history = runs[-1]
    print(f'bundle settles: median {median:.2f} s of {RUNS} runs', end=' ')
    print(f'(fastest {seconds[0]:.2f}, slowest {seconds[-1]:.2f})')
    print(f'goal {GOAL:.0f} s: {median / GOAL:.2f} of it')
    print(f'hooks {settled.hooks}, API reads {settled.reads}, API writes {settled.writes}')
    for line in breakdown(settled, history):
        print(line)
    whole, bare = process('-m', 'rehearsal', 'bundle.yaml', '--quiet'), process('-c', IMPORTS)
    print(
        f'whole command {whole:.2f} s, importing the same and doing nothing {bare:.2f} s:', end=' '
    )
    print(f'ratio {whole / bare:.2f}')
    print(f'{"applications":>12}{"hooks":>8}{"seconds":>9}{"ms a hook":>11}')
    for size in SIZES:
        grown = grow(size)
        each = grown.seconds / grown.hooks * 1000
        print(f'{size:>12}{grown.hooks:>8}{grown.seconds:>9.1f}{each:>11.1f}', flush=True)


def grow(size: int) -> outcomes.Settled:
    """Deploy that many Plex beside one storage, relate them all to it, and let them settle."""
    charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
    with engine.Rehearsal(charms) as rehearsal:
        rehearsal.deploy('charmarr-storage', 'storage', trust=True)
        for number in range(size):
            rehearsal.deploy('plex-k8s', f'plex{number}', trust=True)
            rehearsal.integrate(f'plex{number}', 'storage')
        settled = rehearsal.settle(MOST_HOOKS)
        if not settled.quiet or settled.errors:
            sys.exit(f'{size} applications do not settle')
        return settled


def settle() -> tuple[outcomes.Settled, list[outcomes.HookRun]]:
    """Deploy the bundle once, in this process."""
    with contextlib.ExitStack() as stack:
        charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
        rehearsal = stack.enter_context(engine.Rehearsal(charms))
        at = session.Session(rehearsal, io.StringIO(), io.StringIO())
        read = bundle.load(ROOT / 'bundle.yaml')
        deployment.deploy_bundle(at, bundlecheck.check(read, charms), trust=True)
        settled = rehearsal.settle()
        if not settled.quiet or settled.errors:
            sys.exit('the bundle does not settle; run: make rehearse')
        return settled, list(rehearsal.history)


def breakdown(settled: outcomes.Settled, history: list[outcomes.HookRun]) -> Iterator[str]:
    """Yield where the time of one run went: each application's hooks, and the rest."""
    spent: collections.defaultdict[str, float] = collections.defaultdict(float)
    for run in history:
        spent[run.unit.split('/')[0]] += run.seconds
    for application, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        count = sum(run.unit.startswith(f'{application}/') for run in history)
        each = seconds / count * 1000
        yield f'  {application:<20}{seconds:6.2f} s  {count:3} hooks, {each:5.1f} ms each'
    rest = settled.seconds - sum(spent.values())
    yield f'  {"Juju and Kubernetes":<20}{rest:6.2f} s  agents, controllers, workloads'


def process(*arguments: str) -> float:
    """Return the wall time of a fresh process, in seconds."""
    started = time.perf_counter()
    subprocess.run(  # noqa: S603 -- our own interpreter on our own code
        [sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True
    )
    return time.perf_counter() - started


if __name__ == '__main__':
    main()
