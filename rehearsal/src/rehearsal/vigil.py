# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Many bad nights: on several processors, tallied, the failing ones shortened to a script."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import multiprocessing
import pathlib
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence

from . import bundle, bundlecheck, catalogue, chaos, errors, minimise


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which nights to play.

    Attributes:
        bundle: The bundle that each begins with.
        overlays: Files laid over the bundle.
        charms: Folders of charms.
    """

    bundle: pathlib.Path
    overlays: tuple[pathlib.Path, ...]
    charms: tuple[pathlib.Path, ...]

    def nights(self) -> chaos.Nights:
        """Return what plays them.

        Raises:
            errors.InputError: The bundle cannot be used.
        """
        read = bundle.load(self.bundle, self.overlays)
        charms = catalogue.Catalogue(self.charms)
        return chaos.Nights(charms, bundlecheck.check(read, charms))


@dataclasses.dataclass
class Tally:
    """How nights went.

    Attributes:
        failed: Seeds of failing nights, by what did not hold.
    """

    nights: int = 0
    hooks: int = 0
    killed: int = 0
    refused: int = 0
    seconds: float = 0.0
    failed: dict[str, list[str]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict[str, list[str]](list)
    )

    def add(self, verdict: chaos.Verdict) -> None:
        """Count one night."""
        self.nights += 1
        self.hooks += verdict.hooks
        self.killed += verdict.killed
        self.refused += verdict.failed
        self.seconds += verdict.seconds
        if verdict.law:
            self.failed[verdict.law].append(verdict.seed)

    def lines(self) -> Iterator[str]:
        """Yield the tally as text."""
        yield (
            f'{self.nights} nights, {self.hooks} hooks, {self.killed} hooks killed, '
            f'{self.refused} requests failed, {self.seconds / max(self.nights, 1):.2f} s a night'
        )
        for law, seeds in sorted(self.failed.items()):
            yield f'{law}: {len(seeds)} nights fail, seeds {", ".join(seeds)}'
        if not self.failed:
            yield 'every law held at every step, and every night ended where it should'


_player: chaos.Nights | None = None
"""What plays nights in this process, when it is one of several."""


def _begin(plan: Plan) -> None:
    global _player  # a pool's processes can be given something in no other way
    _player = plan.nights()


def _play(seed: str) -> chaos.Verdict:
    if _player is None:
        raise RuntimeError('the process was not begun')
    return _player.play(seed)


def play(plan: Plan, seeds: Iterable[str], jobs: int) -> Iterator[chaos.Verdict]:
    """Play nights and yield how each went, in the order of their seeds.

    Args:
        plan: The nights.
        seeds: One for each.
        jobs: How many processes play.
    """
    if jobs == 1:
        yield from map(plan.nights().play, seeds)
        return
    # A process that is forked off would share open files with this one.
    fresh = multiprocessing.get_context('spawn')
    with concurrent.futures.ProcessPoolExecutor(jobs, fresh, _begin, (plan,)) as pool:
        yield from pool.map(_play, seeds)


def shorten(nights: chaos.Nights, verdict: chaos.Verdict, patience: float) -> chaos.Verdict:
    """Return how the shortest script fails that fails as a night has.

    The seed stays, because it decides races, and so does all that follows when the trouble ends.
    """
    head, body, tail = _parts(verdict.lines)

    def fails(lines: Sequence[str]) -> bool:
        return nights.replay([*head, *lines, *tail]).law == verdict.law

    shortest = minimise.minimise(body, fails, patience=patience)
    shortened = nights.replay([*head, *shortest, *tail])
    return shortened if shortened.law == verdict.law else verdict


def _parts(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    end = lines.index(chaos.CALM) if chaos.CALM in lines else len(lines)
    return lines[:1], lines[1:end], lines[end:]


def read(file: pathlib.Path) -> list[str]:
    """Read the script of a night.

    Raises:
        errors.InputError: It cannot be read.
    """
    try:
        text = file.read_text(encoding='utf-8')
    except OSError as error:
        raise errors.InputError(f'{file}: cannot be read: {error.strerror}') from None
    except ValueError:
        raise errors.InputError(f'{file}: not text in UTF-8') from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def report(verdict: chaos.Verdict, say: Callable[[str], None]) -> None:
    """Print how a failing night failed, and the script that replays it."""
    say(f'seed {verdict.seed}: {verdict.law}')
    for line in verdict.details:
        say(f'- {line}')
    say('save these lines and replay them with: rehearse BUNDLE --replay FILE')
    for line in verdict.lines:
        say(f'    {line}')


def watch(
    plan: Plan,
    seeds: Sequence[str],
    jobs: int,
    out: typing.TextIO,
    patience: float = minimise.PATIENCE,
) -> Tally:
    """Play nights, print those that fail and the tally, and return that.

    Raises:
        errors.InputError: The bundle cannot be used.
    """
    nights, tally = plan.nights(), Tally()

    def say(line: str) -> None:
        print(line, file=out, flush=True)

    for verdict in play(plan, seeds, jobs):
        tally.add(verdict)
        if verdict.law:
            # One example of each kind is enough to begin with.
            first = len(tally.failed[verdict.law]) == 1
            report(shorten(nights, verdict, patience) if first else verdict, say)
    for line in tally.lines():
        say(line)
    return tally
