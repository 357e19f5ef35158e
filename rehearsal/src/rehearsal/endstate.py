# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What an operator wants of a model, and what has come of it, in a form that can be compared.

Two models of which the same is wanted have to end alike, however they came there. Left out is
what Juju and Kubernetes draw anew each time: numbers of units and relations, ids, addresses.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from . import engine, model, options

_NUMBER: Final = re.compile(r'(?<=[a-z])([-/])\d+\b')
_UUID: Final = re.compile(r'\b[0-9a-f]{8}\b')
_AGENT: Final = frozenset({'charm', 'charm-init'})
_KEPT: Final = frozenset({'webhook-secret'})
"""Secrets that outlive their option: those who were given one still have it."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is wanted of one application.

    Attributes:
        claimed: Whether its server is to belong to an account.
        secrets: Options that name a secret, and whether the application may read it.
    """

    name: str
    charm: str
    config: tuple[tuple[str, options.Value], ...]
    scale: int
    trust: bool
    resources: tuple[tuple[str, str], ...]
    claimed: bool = False
    secrets: tuple[tuple[str, bool], ...] = ()


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What is wanted of a model."""

    applications: tuple[Wish, ...]
    relations: tuple[tuple[str, str], ...]

    def deploy(self, rehearsal: engine.Rehearsal) -> None:
        """Ask all of it of an empty model."""
        for each in self.applications:
            given = {option: _secret(rehearsal, each, option) for option, _ in each.secrets}
            rehearsal.deploy(
                each.charm,
                each.name,
                units=each.scale,
                trust=each.trust,
                config={**dict(each.config), **given},
                resources=dict(each.resources),
            )
            for option, granted in each.secrets:
                if granted:
                    rehearsal.grant_secret(given[option], each.name)
        for first, second in self.relations:
            rehearsal.integrate(first, second)


def _secret(rehearsal: engine.Rehearsal, wish: Wish, option: str) -> str:
    """Add a secret for an option, and return its id."""
    return rehearsal.add_secret(f'{wish.name}-{option}', {'token': 'x' * 20})


def wishes(rehearsal: engine.Rehearsal, claimed: frozenset[str]) -> Wishes:
    """Return what is wanted of a model now.

    Args:
        rehearsal: The model.
        claimed: Applications whose server belongs to an account.
    """
    alive = [each for each in rehearsal.applications.values() if each.life is model.Life.ALIVE]
    applications = tuple(
        _wish(rehearsal, each, claimed=each.name in claimed)
        for each in sorted(alive, key=lambda each: each.name)
    )
    relations = sorted(
        (str(each.provider), str(each.requirer))
        for each in rehearsal.relations
        if not each.is_peer and each.life is model.Life.ALIVE
    )
    return Wishes(applications, tuple(relations))


def _wish(rehearsal: engine.Rehearsal, application: model.Application, *, claimed: bool) -> Wish:
    config = {
        name: value
        for name, value in application.config.items()
        if value != application.charm.options[name].get('default')
    }
    known = rehearsal.secrets.secrets
    secrets = [
        (name, str(value) in known and known[str(value)].readable(application.name))
        for name, value in config.items()
        if application.charm.options[name]['type'] == 'secret'
    ]
    for name, _ in secrets:
        del config[name]
    return Wish(
        name=application.name,
        charm=application.charm.name,
        config=tuple(sorted(config.items())),
        scale=application.scale,
        trust=application.trust,
        resources=tuple(sorted(application.resources.items())),
        claimed=claimed,
        secrets=tuple(sorted(secrets)),
    )


def observe(rehearsal: engine.Rehearsal) -> dict[str, str]:
    """Return everything that must not depend on how a model came to where it is."""
    seen: dict[str, str] = {}
    for application in rehearsal.applications.values():
        for key, value in _application(rehearsal, application):
            seen[f'{application.name} {key}'] = value
    for relation in rehearsal.relations:
        seen |= _relation(relation)
    for claim in rehearsal.cluster.browse('PersistentVolumeClaim', rehearsal.model):
        name = claim['metadata']['name']
        if _is_used(rehearsal, name):
            seen[f'claim {_plain(name)}'] = _json(
                {'spec': _without(claim['spec'], 'volumeName'), 'phase': claim['status']['phase']}
            )
    return seen


def differences(wanted: Mapping[str, str], seen: Mapping[str, str]) -> list[str]:
    """Say where a model differs from one that was left in peace, a line each."""
    return [
        f'{key}: {seen.get(key, "(nothing)")} instead of {wanted.get(key, "(nothing)")}'
        for key in sorted(wanted.keys() | seen.keys())
        if wanted.get(key) != seen.get(key)
    ]


def _application(
    rehearsal: engine.Rehearsal, application: model.Application
) -> Iterator[tuple[str, str]]:
    yield 'status', f'{application.status.name}: {_plain(application.status.message)}'
    if any(_running(unit) for unit in application.units):
        yield 'version', application.version  # Juju keeps the last one of a program that is off
    yield 'units', _json(sorted(_unit(unit) for unit in application.units))
    secrets = rehearsal.secrets.secrets.values()
    own = [
        (each.label, str(each.rotate))
        for each in secrets
        if each.owner == application.name and each.label not in _KEPT
    ]
    yield 'secrets', _json(sorted(own, key=str))
    found = rehearsal.cluster.peek('StatefulSet', application.name, rehearsal.model)
    if found is not None:
        yield from _template(found)


def _running(unit: model.Unit) -> dict[str, list[str]]:
    fakes = unit.pod.containers if unit.pod else {}
    return {name: fake.running() for name, fake in fakes.items() if fake.running()}


def _unit(unit: model.Unit) -> str:
    fakes = unit.pod.containers if unit.pod else {}
    return _json(
        {
            'leader': unit.leader,
            'status': unit.status.name,
            'message': _plain(unit.status.message),
            'agent': unit.agent.name,
            'ports': unit.opened_ports,
            'plans': {name: fake.plan().to_dict() for name, fake in fakes.items()},
            'running': _running(unit),
            'storage': sorted(unit.storage),
        }
    )


def _template(stateful_set: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spec = stateful_set['spec']
    yield 'replicas', str(spec['replicas'])
    pod = spec['template']['spec']
    yield 'volumes', _json(sorted(pod.get('volumes') or (), key=_json))
    for container in pod['containers']:
        if container['name'] not in _AGENT:
            mounts = sorted(container.get('volumeMounts') or (), key=_json)
            yield (
                f'container {container["name"]}',
                _plain(_json({**container, 'volumeMounts': mounts})),
            )


def _relation(relation: model.Relation) -> dict[str, str]:
    sides = {relation.provider.application, relation.requirer.application}
    return {
        f'{relation.key} {name}': _json(_settings(relation.bag(name).content)) for name in sides
    }


def _settings(content: Mapping[str, str]) -> dict[str, Any]:
    # Other keys are not the suite's: nobody reads them, and nobody takes them away.
    return {key: json.loads(value) for key, value in content.items() if key == 'config'}


def _is_used(rehearsal: engine.Rehearsal, claim: str) -> bool:
    pods = rehearsal.cluster.browse('Pod', rehearsal.model)
    sources = (
        volume.get('persistentVolumeClaim', {}).get('claimName')
        for pod in pods
        for volume in pod['spec'].get('volumes') or ()
    )
    return claim in sources


def _plain(text: str) -> str:
    return _NUMBER.sub(r'\g<1>N', _UUID.sub('UUID', text))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}
