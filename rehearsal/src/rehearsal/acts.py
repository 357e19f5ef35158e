# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What an operator and the world may do to a model in a night, each as one line of text.

A line is a command of Juju's, or begins with ``#chaos:``. An act first finds a line that is legal
just now; the line alone then says what happens, so that a script of lines replays a night.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from . import accidents, doubles, engine, forgery, model, storm

PREFIX: Final = '#chaos: '

Choose = Callable[[random.Random, engine.Rehearsal], str | None]
"""Finds a line that is legal just now, None if there is none."""


@dataclasses.dataclass(frozen=True)
class Act:
    """One sort of thing that may happen.

    Attributes:
        weight: How often it happens, beside the others.
        choose: Finds a line.
    """

    name: str
    weight: int
    choose: Choose


_CHANGES: Final[Mapping[str, tuple[str, ...]]] = {
    'plex-k8s': (
        'hardware-transcoding=true',
        'hardware-transcoding=false',
        'gpu-resource=gpu.intel.com/i915',
        'gpu-resource=',
        'transcode-size=20Gi',
        'transcode-size=',
        'timezone=Europe/Berlin',
        'timezone=Etc/UTC',
        'log-level=debug',
        'log-level=info',
        'ingress-port=8443',
    ),
    'charmarr-storage': (
        'size=200Gi',
        'puid=1001',
        'puid=1000',
        'mount-path=/media',
        'mount-path=/data',
        'create-layout=false',
        'create-layout=true',
        'cleanup-on-remove=true',
        'cleanup-on-remove=false',
    ),
    'overseerr-k8s': (
        'api-key-rotation=daily',
        'api-key-rotation=disabled',
        'log-level=debug',
        'log-level=info',
        'timezone=Europe/Berlin',
        'timezone=Etc/UTC',
        'external-url=https://requests.example.org',
        'external-url=',
    ),
    'mediahub-k8s': (
        'plex-webhooks=true',
        'plex-webhooks=false',
        'plex-sync-interval=30s',
        'plex-sync-interval=5m',
        'retention-days=365',
        'retention-days=0',
        'log-level=debug',
        'log-level=info',
        'timezone=Europe/Berlin',
        'timezone=Etc/UTC',
        'external-url=https://hub.example.org',
        'external-url=',
    ),
}
"""What an operator may want; all of it can be had, in any order, and none twice."""

_MISTAKES: Final[Mapping[str, Mapping[str, str]]] = {
    'plex-k8s': {'timezone': 'Nowhere', 'transcode-size': 'big', 'gpu-resource': 'intel'},
    'charmarr-storage': {
        'size': 'big',
        'access-mode': 'ReadWriteOnce',
        'backend-type': 'tape',
        'mount-path': 'data',
    },
    'overseerr-k8s': {'log-level': 'loud', 'timezone': 'Nowhere', 'api-key-rotation': 'never'},
    'mediahub-k8s': {'plex-sync-interval': 'soon', 'timezone': 'Nowhere', 'log-level': 'loud'},
}
"""What an operator may type and has to take back."""

_RIGHT: Final[Mapping[str, str]] = {
    'timezone': 'Etc/UTC',
    'transcode-size': '',
    'gpu-resource': '',
    'access-mode': 'ReadWriteMany',
    'backend-type': 'storage-class',
    'mount-path': '/data',
    'log-level': 'info',
    'api-key-rotation': 'disabled',
    'plex-sync-interval': '5m',
}

_HUB: Final = 'mediahub'
_TOKEN: Final = 'plex-token'  # noqa: S105  # the name of a secret, and of the option for it
_FIRST: Final = 'secret:c0000000000000000001'
_WATCHED: Final = 0.7  # of all nights begin with a hub that watches
# What the double calls its first backup.
_RESTORE: Final = 'restore path=/var/lib/mediahub/backups/mediahub-20260101T000000Z.duckdb'

_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    'plex-k8s': (
        'show-info',
        'scan-libraries',
        'scan-libraries library=Films',
        'claim-server token=claim-{token}',
        'claim-server token=nonsense',
    ),
    'charmarr-storage': ('show-storage', 'check-storage wait=0', 'check-storage'),
    'overseerr-k8s': (
        'show-info',
        'rotate-api-key',
        'backup',
        'restore path=/config/backups/none.tar.gz',
        'setup-plex credentials=secret:none',
    ),
    'mediahub-k8s': (
        'show-info',
        'backup',
        'restore path=/var/lib/mediahub/backups/none.zip',
        _RESTORE,
        'rotate-webhook-secret',
        'register-webhook',
    ),
}

_CHARMS: Final = {
    'plex': 'plex-k8s',
    'charmarr-storage': 'charmarr-storage',
    'overseerr': 'overseerr-k8s',
    'mediahub': 'mediahub-k8s',
}
_PAIRS: Final = (
    ('plex:media-storage', 'charmarr-storage:media-storage'),
    ('overseerr:media-server', 'plex:media-server'),
    ('mediahub:media-server', 'plex:media-server'),
)
_SILENT: Final = frozenset({'mediahub:media-server'})
"""Sides that publish nothing: what somebody else wrote there, their charm would never mend."""


_CALLS: Final = 16
"""Calls to Pebble that trouble may let through first; a hook makes about as many."""


def alive(rehearsal: engine.Rehearsal) -> list[model.Application]:
    """Return the applications that are not on their way out."""
    return [each for each in rehearsal.applications.values() if each.life is model.Life.ALIVE]


def _application(chance: random.Random, rehearsal: engine.Rehearsal) -> model.Application | None:
    there = alive(rehearsal)
    return chance.choice(there) if there else None


def _unit(chance: random.Random, rehearsal: engine.Rehearsal) -> model.Unit | None:
    units = [unit for each in rehearsal.applications.values() for unit in each.units]
    return chance.choice(units) if units else None


def _configure(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    if application is None:
        return None
    change = chance.choice(_CHANGES[application.charm.name])
    return f'juju config {application.name} {change}'


def _mistake(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    if application is None:
        return None
    option, value = chance.choice(list(_MISTAKES[application.charm.name].items()))
    claim = f'{application.name}-shared'
    if option == 'access-mode' and not rehearsal.cluster.peek(
        'PersistentVolumeClaim', claim, rehearsal.model
    ):
        return None  # what is not there yet can have any mode, and then has to keep it
    return f'juju config {application.name} {option}={value}'


def _related(rehearsal: engine.Rehearsal) -> set[tuple[str, str]]:
    return {(str(each.requirer), str(each.provider)) for each in rehearsal.relations}


def _relate(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    names = {each.name for each in alive(rehearsal)}
    missing = [
        pair
        for pair in _PAIRS
        if pair not in _related(rehearsal) and {side.partition(':')[0] for side in pair} <= names
    ]
    return f'juju integrate {" ".join(chance.choice(missing))}' if missing else None


def _unrelate(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    made = sorted(
        (str(each.requirer), str(each.provider))
        for each in rehearsal.relations
        if not each.is_peer and each.life is model.Life.ALIVE
    )
    return f'juju remove-relation {" ".join(chance.choice(made))}' if made else None


def _scale(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    if application is None:
        return None
    units = chance.choice([each for each in range(4) if each != application.scale])
    return f'juju scale-application {application.name} {units}'


def _trust(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    if application is None:
        return None
    how = '--remove' if application.trust else '--scope=cluster'
    return f'juju trust {application.name} {how}'


def _refresh(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    return f'juju refresh {application.name}' if application else None


def _remove(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    return f'juju remove-application {application.name} --no-prompt' if application else None


def _deploy(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    missing = sorted(_CHARMS.keys() - rehearsal.applications.keys())
    if not missing:
        return None
    name = chance.choice(missing)
    # A volume that was grown stays, and cannot shrink for a new application either.
    size = ' --config size=200Gi' if name == 'charmarr-storage' else ''
    return f'juju deploy {_CHARMS[name]} {name} --trust{size}'


def _act(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    unit = _unit(chance, rehearsal)
    if unit is None:
        return None
    charm = rehearsal.applications[unit.application].charm.name
    token = ''.join(chance.choices('abcdefghijklmnopqrstuvwxyz', k=20))
    action = chance.choice(_ACTIONS[charm]).format(token=token)
    return f'juju run --background {unit.name} {action}'


def _token(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    """Bring the hub nearer to a token, or give it another one, or take it away."""
    hub = rehearsal.applications.get(_HUB)
    if hub is None or hub.life is not model.Life.ALIVE:
        return None
    value = ''.join(chance.choices('abcdefghijklmnopqrstuvwxyz', k=20))
    named = (each for each in rehearsal.secrets.secrets.values() if each.label == _TOKEN)
    secret = next(named, None)
    if secret is None:
        return f'juju add-secret {_TOKEN} token={value}'
    if not secret.readable(hub.name):
        return f'juju grant-secret {_TOKEN} {hub.name}'
    if not hub.config.get(_TOKEN):
        return f'juju config {hub.name} {_TOKEN}={secret.id}'
    changes = (
        f'juju update-secret {_TOKEN} token={value}',
        f'juju revoke-secret {_TOKEN} {hub.name}',
        f'juju config {hub.name} --reset {_TOKEN}',
    )
    return chance.choice(changes)


def _history(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    """Back the hub's history up, put it back, or rotate what webhooks show."""
    hub = rehearsal.applications.get(_HUB)
    if hub is None or not hub.units:
        return None
    made = any(
        each.name == 'backup' and each.status is model.ActionStatus.COMPLETED
        for each in rehearsal.actions
    )
    action = chance.choice((_RESTORE if made else 'backup', 'backup', 'rotate-webhook-secret'))
    return f'juju run --background {hub.units[0].name} {action}'


def beginning(chance: random.Random) -> Iterator[str]:
    """Yield what the operator gives the hub in the evening, where they do: a token, webhooks.

    Ids of secrets are numbers in their order, and this one is the first.
    """
    if chance.random() < _WATCHED:
        value = ''.join(chance.choices('abcdefghijklmnopqrstuvwxyz', k=20))
        yield f'juju add-secret {_TOKEN} token={value}'
        yield f'juju grant-secret {_TOKEN} {_HUB}'
        yield f'juju config {_HUB} {_TOKEN}={_FIRST} plex-webhooks=true'


def _on_unit(act: str) -> Choose:
    def choose(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
        unit = _unit(chance, rehearsal)
        return f'{PREFIX}{act} {unit.name}' if unit else None

    return choose


def _on_application(act: str) -> Choose:
    def choose(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
        application = _application(chance, rehearsal)
        return f'{PREFIX}{act} {application.name}' if application else None

    return choose


def _trouble(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    if application is None:
        return None
    way = chance.choice([each for each in storm.Way if each not in storm.DEADLY])
    target = chance.choice(list(storm.Target))
    skip = chance.randrange(_CALLS if target is storm.Target.PEBBLE else 6)
    times = chance.choice((1, 1, 2, 5, 20))
    return f'{PREFIX}trouble {application.name} {target.value} {way.value} {skip} {times}'


def _kill_in_hook(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    application = _application(chance, rehearsal)
    if application is None:
        return None
    way = chance.choice(storm.DEADLY)
    target = chance.choice((storm.Target.ANY, storm.Target.PEBBLE))
    skip = chance.randrange(_CALLS if target is storm.Target.PEBBLE else 8)
    return f'{PREFIX}trouble {application.name} {target.value} {way.value} {skip} 1'


def _restart_container(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    unit = _unit(chance, rehearsal)
    if unit is None or unit.pod is None or not unit.pod.containers:
        return None
    container = chance.choice(sorted(unit.pod.containers))
    return f'{PREFIX}restart-container {unit.name} {container}'


def _repeat(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    unit = _unit(chance, rehearsal)
    hook = chance.choice(sorted(accidents.REPEATABLE))
    return f'{PREFIX}repeat {unit.name} {hook}' if unit else None


def _forge(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    sides = [
        (each, side.application)
        for each in rehearsal.relations
        if not each.is_peer
        for side in (each.provider, each.requirer)
        if str(side) not in _SILENT
    ]
    if not sides:
        return None
    relation, application = chance.choice(sides)
    kind = chance.choice(list(forgery.Kind)).value
    return f'{PREFIX}forge {relation.requirer} {relation.provider} {application} {kind}'


def _mood(chance: random.Random, rehearsal: engine.Rehearsal) -> str:
    program = chance.choice(('plex', 'seerr'))
    return f'{PREFIX}mood {program} {chance.choice(doubles.MOODS)}'


def _ask_for_secret(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    owners = sorted({each.owner for each in rehearsal.secrets.secrets.values()} - {''})
    hook = chance.choice(('secret-rotate', 'secret-expired'))
    return f'{PREFIX}secret {chance.choice(owners)} {hook}' if owners else None


def _time(chance: random.Random, rehearsal: engine.Rehearsal) -> str:
    return f'{PREFIX}time {chance.choice((1, 3, 40))}'


ACTS: Final = (
    Act('config', 8, _configure),
    Act('mistake', 3, _mistake),
    Act('relate', 6, _relate),
    Act('unrelate', 4, _unrelate),
    Act('scale', 4, _scale),
    Act('trust', 3, _trust),
    Act('refresh', 3, _refresh),
    Act('remove', 2, _remove),
    Act('deploy', 6, _deploy),
    Act('action', 5, _act),
    Act('token', 8, _token),
    Act('history', 6, _history),
    Act('kill', 4, _on_unit('kill')),
    Act('evict', 4, _on_unit('evict')),
    Act('lead', 4, _on_unit('lead')),
    Act('restart-agent', 3, _on_unit('restart-agent')),
    Act('restart-container', 3, _restart_container),
    Act('repeat', 4, _repeat),
    Act('reapply', 2, _on_application('reapply')),
    Act('annotate', 2, _on_application('annotate')),
    Act('edit', 1, _on_application('edit')),
    Act('rollout-restart', 1, _on_application('rollout-restart')),
    Act('deny', 2, _on_application('deny')),
    Act('allow', 2, _on_application('allow')),
    Act('trouble', 14, _trouble),
    Act('kill-in-hook', 14, _kill_in_hook),
    Act('forge', 5, _forge),
    Act('mood', 5, _mood),
    Act('secret', 3, _ask_for_secret),
    Act('time', 4, _time),
)
"""Everything that may happen."""


def choose(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    """Find something that may happen now."""
    act = chance.choices(ACTS, [each.weight for each in ACTS])[0]
    return act.choose(chance, rehearsal)


def choose_trouble(chance: random.Random, rehearsal: engine.Rehearsal) -> str | None:
    """Find trouble that may await an application."""
    return chance.choice((_trouble, _kill_in_hook))(chance, rehearsal)


def amends(rehearsal: engine.Rehearsal) -> Iterator[str]:
    """Yield what an operator types at the end of a night: mistakes are put right.

    What an application wants of its cluster while it may not have it, or with no unit to act,
    depends on what it had before; so every application ends trusted and with units.
    """
    for application in alive(rehearsal):
        for option, value in _MISTAKES[application.charm.name].items():
            if str(application.config.get(option)) == value:
                right = _RIGHT.get(option, '200Gi')
                yield f'juju config {application.name} {option}={right}'
        if not application.trust:
            yield f'juju trust {application.name} --scope=cluster'
        if application.scale != 1:
            yield f'juju scale-application {application.name} 1'
