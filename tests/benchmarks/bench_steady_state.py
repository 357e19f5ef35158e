# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a charm does to its surroundings when there is nothing to do.

The bundle is rehearsed until nothing moves; then update-status runs on every unit once more, and
requests to the Kubernetes API and databag writes are counted. The goals: no write of either kind,
at most one read by the charms of applications, two by the storage (its claim and its checks).

    make bench ARGS=tests/benchmarks/bench_steady_state.py
"""

from __future__ import annotations

import contextlib
import io
import pathlib
import sys

from rehearsal import bundle, bundlecheck, catalogue, deployment, engine, session

ROOT = pathlib.Path(__file__).parents[2]
MOST_READS = {'charmarr-storage': 2, 'plex': 1, 'overseerr': 0, 'mediahub': 0}


def main() -> None:
    """Measure and print."""
    with contextlib.ExitStack() as stack:
        charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
        rehearsal = stack.enter_context(engine.Rehearsal(charms))
        at = session.Session(rehearsal, io.StringIO(), io.StringIO())
        read = bundle.load(ROOT / 'bundle.yaml')
        deployment.deploy_bundle(at, bundlecheck.check(read, charms), trust=True)
        at.settle()
        if at.failed:
            sys.exit('the bundle does not settle; run: make rehearse')
        missed = report(rehearsal, at.totals.quiet_round.databag_writes)
    print('goals reached' if not missed else f'goals missed: {", ".join(missed)}')


def report(rehearsal: engine.Rehearsal, databag_writes: int) -> list[str]:
    """Print the last update-status of each unit; return what is beyond its goal."""
    last = {run.unit: run for run in rehearsal.history if run.hook == 'update-status'}
    missed: list[str] = []
    print(f'{"unit":<22}{"reads":>6}{"writes":>8}{"ms":>8}')
    for unit, run in sorted(last.items()):
        print(f'{unit:<22}{run.reads:>6}{run.writes:>8}{run.seconds * 1000:>8.1f}')
        application = unit.partition('/')[0]
        if run.writes or run.reads > MOST_READS[application]:
            missed.append(f'{unit}: {run.reads} reads, {run.writes} writes')
    print(f'databag writes in a round of update-status: {databag_writes}')
    return [*missed, 'databag writes'] if databag_writes else missed


if __name__ == '__main__':
    main()
