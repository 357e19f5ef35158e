# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Lets what a line of a night's script says happen.

What a line is about may not be there any more; then nothing happens.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from . import accidents, doubles, engine, errors, forgery, kube, laws, model, storm

Choice = TypeVar('Choice', bound=enum.Enum)


class Scene(typing.Protocol):
    """Where it happens."""

    storm: storm.Storm
    troupe: doubles.Troupe
    rehearsal: engine.Rehearsal
    witness: laws.Witness


def happen(scene: Scene, words: list[str]) -> None:
    """Let one line happen.

    Raises:
        errors.InputError: The line says nothing that could happen.
    """
    name, *rest = words or ['']
    known = _HAPPENINGS.get(name)
    if known is None or len(rest) != known[0]:
        raise errors.InputError(f'"{" ".join(words)}" says nothing that could happen')
    known[1](scene, rest)


def _chosen(choices: type[Choice], text: str) -> Choice:
    try:
        return choices(text)
    except ValueError:
        known = ', '.join(str(each.value) for each in choices)
        raise errors.InputError(f'there is no "{text}"; known: {known}') from None


def _number(text: str) -> int:
    if not text.isdecimal():
        raise errors.InputError(f'"{text}" is not a number')
    return int(text)


def _unit(scene: Scene, name: str) -> model.Unit | None:
    units = (unit for each in scene.rehearsal.applications.values() for unit in each.units)
    return next((unit for unit in units if unit.name == name), None)


def _kill(scene: Scene, words: list[str]) -> None:
    unit = _unit(scene, words[0])
    if unit is not None:
        scene.storm.graceless = True
        scene.rehearsal.accidents.kill(unit)
        scene.storm.graceless = False


def _evict(scene: Scene, words: list[str]) -> None:
    unit = _unit(scene, words[0])
    if unit is not None:
        scene.rehearsal.accidents.evict(unit)


def _lead(scene: Scene, words: list[str]) -> None:
    unit = _unit(scene, words[0])
    if unit is not None:
        scene.rehearsal.accidents.lead(unit)


def _restart_agent(scene: Scene, words: list[str]) -> None:
    unit = _unit(scene, words[0])
    if unit is not None:
        scene.rehearsal.accidents.restart_agent(unit)


def _restart_container(scene: Scene, words: list[str]) -> None:
    unit = _unit(scene, words[0])
    if unit is not None:
        scene.storm.graceless = True
        scene.rehearsal.accidents.restart_container(unit, words[1])
        scene.storm.graceless = False


def _repeat(scene: Scene, words: list[str]) -> None:
    if words[1] not in accidents.REPEATABLE:
        raise errors.InputError(f'"{words[1]}" does not repeat')
    unit = _unit(scene, words[0])
    if unit is not None:
        scene.rehearsal.accidents.repeat(unit, words[1])


def _reapply(scene: Scene, words: list[str]) -> None:
    if words[0] in scene.rehearsal.applications:
        scene.rehearsal.accidents.reapply(words[0])


def _annotate(scene: Scene, words: list[str]) -> None:
    """Let a stranger annotate a StatefulSet."""
    noted = {'example.org/seen': str(len(scene.rehearsal.history))}
    _patch(scene, words[0], {'metadata': {'annotations': noted}})


def _edit(scene: Scene, words: list[str]) -> None:
    """Let somebody edit a field that is neither the charm's nor Juju's."""
    _patch(scene, words[0], {'spec': {'revisionHistoryLimit': 3}})


def _rollout_restart(scene: Scene, words: list[str]) -> None:
    """Annotate the pod template as ``kubectl rollout restart`` does."""
    noted = {'kubectl.kubernetes.io/restartedAt': str(len(scene.rehearsal.history))}
    _patch(scene, words[0], {'spec': {'template': {'metadata': {'annotations': noted}}}})


def _patch(scene: Scene, application: str, patch: Mapping[str, Any]) -> None:
    rehearsal = scene.rehearsal
    if rehearsal.cluster.peek('StatefulSet', application, rehearsal.model) is not None:
        stranger = kube.Api(rehearsal.cluster, rehearsal.model, 'admin', 'kubectl-edit')
        stranger.strategic('StatefulSet', application, patch)


def _deny(scene: Scene, words: list[str]) -> None:
    scene.storm.deny(words[0])


def _allow(scene: Scene, words: list[str]) -> None:
    scene.storm.allow(words[0])


def _trouble(scene: Scene, words: list[str]) -> None:
    application, target, way, skip, times = words
    scene.storm.add(
        storm.Trouble(
            application,
            _chosen(storm.Target, target),
            _chosen(storm.Way, way),
            _number(skip),
            _number(times),
        )
    )


def _forge(scene: Scene, words: list[str]) -> None:
    requirer, provider, application, kind = words
    wanted = _chosen(forgery.Kind, kind)
    for relation in scene.rehearsal.relations:
        if relation.key == f'{requirer} {provider}' and relation.involves(application):
            bag = relation.bag(application)
            bag.commit(forgery.forge(wanted, bag.content))
            scene.witness.forged[relation.id, application] = dict(bag.content)


def _mood(scene: Scene, words: list[str]) -> None:
    if words[0] not in ('plex', 'seerr') or words[1] not in doubles.MOODS:
        raise errors.InputError(f'"{words[0]}" is never "{words[1]}"')
    scene.troupe.set_mood(words[0], words[1])


def _secret(scene: Scene, words: list[str]) -> None:
    if words[1] not in ('secret-rotate', 'secret-expired'):
        raise errors.InputError(f'"{words[1]}" does not ask for a secret')
    scene.rehearsal.accidents.ask_for_secret(words[0], words[1])


def _time(scene: Scene, words: list[str]) -> None:
    """Let time pass: ten seconds each."""
    for _ in range(_number(words[0])):
        scene.rehearsal.kubernetes.tick()


_HAPPENINGS: Final[Mapping[str, tuple[int, Callable[[Scene, list[str]], None]]]] = {
    'kill': (1, _kill),
    'evict': (1, _evict),
    'lead': (1, _lead),
    'restart-agent': (1, _restart_agent),
    'restart-container': (2, _restart_container),
    'repeat': (2, _repeat),
    'reapply': (1, _reapply),
    'annotate': (1, _annotate),
    'edit': (1, _edit),
    'rollout-restart': (1, _rollout_restart),
    'deny': (1, _deny),
    'allow': (1, _allow),
    'trouble': (5, _trouble),
    'forge': (4, _forge),
    'mood': (2, _mood),
    'secret': (2, _secret),
    'time': (1, _time),
}
