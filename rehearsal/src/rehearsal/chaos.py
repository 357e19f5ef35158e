# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Bad nights: a model to which everything happens that may, held to laws, and to a good end.

A night deploys the bundle, lets what its seed draws happen between the steps of the model, and
holds every law after every hook. Then the trouble ends, and the model must come to rest where one
comes that was only ever asked for what the operator asked for last.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from . import (
    acts,
    bundlecheck,
    catalogue,
    commands,
    deployment,
    doubles,
    endstate,
    engine,
    errors,
    happenings,
    laws,
    model,
    progress,
    session,
    storm,
)

END: Final = 'the end depends on the way'
RESTLESS: Final = 'the model does not come to rest'
_SEED: Final = f'{acts.PREFIX}seed '
_STEPS: Final = f'{acts.PREFIX}steps '
CALM: Final = f'{acts.PREFIX}calm'
_LIMIT: Final = 600
"""Hooks in which a model must come to rest after a night."""
_LONGEST: Final = 24
"""Acts of the longest night."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a night ended.

    Attributes:
        lines: What happened, so that it can be replayed.
        law: What did not hold, empty if all did.
        details: What showed it, one line each.
        hooks: Hooks and actions that ran.
        killed: Hooks that ended in the middle, with their pod or the charm's container.
        failed: Requests and calls to Pebble that failed.
        seconds: Wall time.
    """

    seed: str
    lines: tuple[str, ...]
    law: str = ''
    details: tuple[str, ...] = ()
    hooks: int = 0
    killed: int = 0
    failed: int = 0
    seconds: float = 0.0


class Lottery:
    """Draws who goes next, where Juju promises no order."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(f'schedule {seed}')  # noqa: S311  # no secret

    def unit(self, ready: Sequence[str]) -> str:
        """Draw a unit."""
        return self._chance.choice(sorted(ready))

    def hook(self, unit: str, legal: Sequence[model.Hook]) -> model.Hook:
        """Draw a hook."""
        return self._chance.choice(legal)


class _Session(session.Session):
    """An operator who types on while the model moves."""

    def settle(self) -> None:
        """Let the model move when the night lets it."""


class _Watch(progress.Silence):
    """Holds the model to the laws after every hook."""

    def __init__(self, weather: storm.Storm) -> None:
        self.witness: laws.Witness | None = None
        self._storm = weather

    def hook_started(self, unit: str, hook: str) -> None:
        self._storm.graceless = False

    def hook_finished(self, run: model.HookRun) -> None:
        if self.witness is not None:
            laws.check(self.witness)

    def log(self, unit: str, level: str, message: str) -> None:
        if self.witness is not None:
            self.witness.heard.append(message)


class Night:
    """One model and what happens to it.

    Args:
        charms: The charms under test.
        checked: The bundle.
        seed: Decides races.
    """

    def __init__(
        self, charms: catalogue.Catalogue, checked: bundlecheck.Checked, seed: str
    ) -> None:
        self.storm = storm.Storm()
        self.troupe = doubles.Troupe(self.storm)
        charms = charms.copy()
        self.troupe.register(charms)
        watch = _Watch(self.storm)
        self.rehearsal = engine.Rehearsal(
            charms,
            onlooker=watch,
            schedule=Lottery(seed),
            tamper=self.storm.tamper,
            surround=self.storm.surround,
        )
        self.storm.guard(self.rehearsal.cluster)
        self.rehearsal.kubernetes.node.offer('gpu.intel.com/i915', 4)
        self.witness = watch.witness = laws.Witness(self.rehearsal, self.troupe)
        self._at = _Session(self.rehearsal, io.StringIO(), io.StringIO())
        deployment.deploy_bundle(self._at, checked, trust=True)

    def __enter__(self) -> Night:
        return self

    def __exit__(self, *_: object) -> None:
        self.rehearsal.close()

    def do(self, line: str) -> None:
        """Let one line happen; what is not legal just now does not.

        Raises:
            errors.InputError: The line says nothing that could happen.
            laws.LawBroken: A law does not hold.
        """
        if line.startswith(_SEED):
            return
        if line.startswith(_STEPS):
            for _ in range(int(line.removeprefix(_STEPS))):
                self.rehearsal.advance()
        elif line == CALM:
            self.storm.calm()
            self.rehearsal.accidents.retry()
            for program in ('plex', 'seerr'):
                self.troupe.set_mood(program, 'well')
        elif line.startswith(acts.PREFIX):
            happenings.happen(self, line.removeprefix(acts.PREFIX).split())
        else:
            self._type(line)

    def _type(self, line: str) -> None:
        invocation = commands.parse(line)
        if invocation is None:
            return
        self.witness.told |= {
            value
            for word in invocation.words
            for key, _, value in [word.partition('=')]
            if key == 'token'
        }
        try:
            invocation.command.run(self._at, invocation.parsed)
        except errors.JujuError:
            return  # Juju refuses it: without the lines before it, it may make no sense

    def end(self) -> None:
        """Let the model come to rest.

        Raises:
            laws.LawBroken: A law does not hold, or the model does not come to rest.
        """
        settled = self.rehearsal.settle(_LIMIT)
        if not settled.quiet:
            raise laws.LawBroken(RESTLESS, settled.moving)
        laws.check(self.witness)

    @property
    def wishes(self) -> endstate.Wishes:
        """What the operator wants now."""
        claimed = any(each.running and each.claimed for each in self.troupe.plexes)
        return endstate.wishes(self.rehearsal, frozenset({'plex'} if claimed else ()))


class Nights:
    """Plays nights.

    Args:
        charms: The charms under test.
        checked: The bundle that each night begins with.
    """

    def __init__(self, charms: catalogue.Catalogue, checked: bundlecheck.Checked) -> None:
        self._charms = charms
        self._checked = checked
        self.peaceful = functools.cache(self._peaceful)

    def play(self, seed: str) -> Verdict:
        """Play the night that a seed draws."""
        chance = random.Random(seed)  # noqa: S311  # no secret
        return self._run(seed, lambda night: _draw(seed, chance, night))

    def replay(self, lines: Sequence[str]) -> Verdict:
        """Play a night from its script.

        Raises:
            errors.InputError: A line says nothing that could happen.
        """
        seeds = [line.removeprefix(_SEED) for line in lines if line.startswith(_SEED)]
        return self._run(seeds[0] if seeds else '0', lambda night: iter(lines))

    def _run(self, seed: str, script: Callable[[Night], Iterator[str]]) -> Verdict:
        started = time.perf_counter()
        lines: list[str] = []
        with Night(self._charms, self._checked, seed) as night:
            try:
                for line in script(night):
                    lines.append(line)
                    night.do(line)
                night.end()
                law, details = END, tuple(self._compare(night))
            except laws.LawBroken as broken:
                law, details = broken.law, broken.lines
            return Verdict(
                seed=seed,
                lines=tuple(lines),
                law=law if details else '',
                details=details,
                hooks=len(night.rehearsal.history),
                killed=night.storm.killed,
                failed=night.storm.failed,
                seconds=time.perf_counter() - started,
            )

    def _compare(self, night: Night) -> list[str]:
        wanted = self.peaceful(night.wishes)
        return endstate.differences(wanted, endstate.observe(night.rehearsal))

    def _peaceful(self, wishes: endstate.Wishes) -> Mapping[str, str]:
        """Return where a model comes to rest that is only asked for what is wanted."""
        with engine.Rehearsal(self._charms) as rehearsal:
            rehearsal.kubernetes.node.offer('gpu.intel.com/i915', 4)
            wishes.deploy(rehearsal)
            rehearsal.settle(_LIMIT)
            for each in wishes.applications:
                if each.claimed:
                    token = {'token': f'claim-{"x" * 20}'}
                    rehearsal.start_action(f'{each.name}/0', 'claim-server', token)
                    rehearsal.settle(_LIMIT)
            return endstate.observe(rehearsal)


def _draw(seed: str, chance: random.Random, night: Night) -> Iterator[str]:
    """Yield the lines of a night; each is drawn from what is legal when its turn comes."""
    yield f'{_SEED}{seed}'
    yield from acts.beginning(chance)
    for _ in range(chance.randrange(4)):
        line = acts.choose_trouble(chance, night.rehearsal)
        if line is not None:
            yield line
    yield f'{_STEPS}{chance.randrange(45)}'
    for _ in range(chance.randint(4, _LONGEST)):
        line = acts.choose(chance, night.rehearsal)
        if line is not None:
            yield line
            yield f'{_STEPS}{chance.choice((0, 1, 2, 3, 5, 8, 13))}'
    yield CALM
    yield from list(acts.amends(night.rehearsal))
