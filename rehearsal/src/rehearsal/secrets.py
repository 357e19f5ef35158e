# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Juju secrets: revisions, grants, and who reads which revision.

Contents are kept out of every ``repr``, so that none gets into a traceback or a log.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterator, Mapping

from ops import SecretRotate, testing

from . import errors

Content = Mapping[str, str]


@dataclasses.dataclass
class Consumer:
    """A unit that reads a secret.

    Attributes:
        revision: The one it tracks.
        told: Newest revision that a secret-changed has told it of.
    """

    revision: int
    label: str | None = None
    told: int = 0


@dataclasses.dataclass
class Secret:
    """A secret.

    Attributes:
        id: With its ``secret:`` in front.
        owner: An application's or unit's name; empty for a secret of the operator's.
        label: The owner's label; the name of a secret of the operator's.
        grants: Applications and units that may read it, by relation id; None for a grant of the
            operator's.
        consumers: Who reads it, by unit.
        retired: Revisions whose owner was told that nobody reads them any more.
        due: The hook by which its owner is asked for a new revision, ``secret-rotate`` or
            ``secret-expired``; empty while none is asked for.
    """

    id: str
    owner: str
    label: str | None
    revisions: dict[int, Content] = dataclasses.field(repr=False)
    description: str | None = None
    expire: datetime.datetime | None = None
    rotate: SecretRotate | None = None
    grants: dict[int | None, set[str]] = dataclasses.field(
        default_factory=dict[int | None, set[str]]
    )
    consumers: dict[str, Consumer] = dataclasses.field(default_factory=dict[str, Consumer])
    retired: set[int] = dataclasses.field(default_factory=set[int])
    due: str = ''

    @property
    def latest(self) -> int:
        """Number of the newest revision."""
        return max(self.revisions)

    def readable(self, unit: str) -> bool:
        """Tell whether a unit may read it: as owner, or by a grant to it or its application."""
        names = {unit, unit.partition('/')[0]}
        return self.owner in names or any(names & who for who in self.grants.values())

    def idle(self) -> set[int]:
        """Return old revisions that nobody tracks."""
        tracked = {each.revision for each in self.consumers.values()}
        return self.revisions.keys() - tracked - {self.latest}

    def unread(self) -> list[int]:
        """Return old revisions that nobody tracks and whose owner has not been told so."""
        return sorted(self.idle() - self.retired)


class SecretStore:
    """All secrets of a model."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.secrets: dict[str, Secret] = {}

    def add(self, name: str, content: Content) -> Secret:
        """Add a secret of the operator's.

        Raises:
            errors.JujuError: if there is one of that name.
        """
        if any(not each.owner and each.label == name for each in self.secrets.values()):
            raise errors.JujuError(f'secret with name "{name}" already exists')
        secret = Secret(f'secret:c{next(self._numbers):019d}', '', name, {1: dict(content)})
        self.secrets[secret.id] = secret
        return secret

    def named(self, name: str) -> Secret:
        """Return a secret of the operator's by name or id.

        Raises:
            errors.JujuError: if there is none.
        """
        for secret in self.secrets.values():
            if not secret.owner and name in (secret.label, secret.id, secret.id[len('secret:') :]):
                return secret
        raise errors.JujuError(f'secret "{name}" not found')

    def readable(self, unit: str) -> Iterator[Secret]:
        """Yield what a unit may read."""
        for secret in self.secrets.values():
            if secret.readable(unit):
                yield secret

    def forget_owner(self, owner: str) -> None:
        """Remove what an application or unit that is gone has owned."""
        for each in [each for each in self.secrets.values() if each.owner == owner]:
            del self.secrets[each.id]

    def forget_relation(self, relation: int) -> None:
        """End the grants that were made over a relation that is gone."""
        for secret in self.secrets.values():
            secret.grants.pop(relation, None)

    def view(self, unit: str) -> dict[str, WatchedSecret]:
        """Return what a unit's charm sees, by id."""
        return {each.id: _watched(each, unit) for each in self.readable(unit)}

    def commit(
        self, unit: str, before: Mapping[str, testing.Secret], after: Mapping[str, testing.Secret]
    ) -> int:
        """Take over what a unit's hook did with secrets and return how much it was."""
        changes = 0
        for gone in before.keys() - after.keys():
            changes += self.secrets.pop(gone, None) is not None
        for id_, secret in after.items():
            if id_ not in self.secrets:
                self.secrets[id_] = _created(secret, unit)
                changes += 1
            else:
                changes += _updated(self.secrets[id_], unit, before[id_], secret)
        return changes

    def remove_revisions(self, unit: str, revisions: list[int]) -> int:
        """Drop old revisions that an owner asked to be dropped; return how many there were.

        ``ops.testing`` says which numbers and not of which secret, so it is every secret of the
        owner's in which nobody reads that revision.
        """
        dropped = 0
        for secret in self.secrets.values():
            if secret.owner in (unit, unit.partition('/')[0]):
                for revision in set(revisions) & secret.idle():
                    del secret.revisions[revision]
                    dropped += 1
        return dropped


class WatchedSecret(testing.Secret):
    """A secret that knows whether it was read: from then on the unit tracks a revision."""

    @property
    def tracked_content(self) -> dict[str, str]:
        """The revision that the unit tracks, or would from its first look."""
        object.__setattr__(self, 'was_read', True)
        return self.__dict__['_content']

    @tracked_content.setter
    def tracked_content(  # pyright: ignore[reportIncompatibleVariableOverride]  # a field, watched
        self, content: dict[str, str]
    ) -> None:
        if '_content' in self.__dict__:
            # Not the making of this object, but a refresh: it reads the newest one.
            object.__setattr__(self, 'was_read', True)
        self.__dict__['_content'] = content


def _watched(secret: Secret, unit: str) -> WatchedSecret:
    owners = {unit: 'unit', unit.partition('/')[0]: 'app'}
    consumer = secret.consumers.get(unit)
    tracked = consumer.revision if consumer else secret.latest
    owned = secret.owner in owners
    watched = WatchedSecret(
        dict(secret.revisions[tracked]),
        latest_content=dict(secret.revisions[secret.latest]),
        id=secret.id,
        owner=owners.get(secret.owner),  # pyright: ignore[reportArgumentType]  # 'unit' or 'app'
        remote_grants={rel: who for rel, who in secret.grants.items() if rel is not None},
        label=secret.label if owned else consumer.label if consumer else None,
        description=secret.description,
        expire=secret.expire,
        rotate=secret.rotate,
    )
    # ops.testing has no parameters for revision numbers, but decides by them what may be removed.
    object.__setattr__(watched, '_tracked_revision', tracked)
    object.__setattr__(watched, '_latest_revision', secret.latest)
    return watched


def _created(secret: testing.Secret, unit: str) -> Secret:
    owner = unit if secret.owner == 'unit' else unit.partition('/')[0]
    created = Secret(secret.id, owner, secret.label, {1: dict(secret.tracked_content)})
    created.consumers[unit] = Consumer(1, told=1)
    _describe(created, secret)
    return created


def _describe(secret: Secret, seen: testing.Secret) -> None:
    secret.description = seen.description
    secret.expire = seen.expire
    secret.rotate = seen.rotate
    kept = {None: secret.grants[None]} if None in secret.grants else {}
    secret.grants = {**kept, **{rel: set(who) for rel, who in seen.remote_grants.items()}}


def _updated(secret: Secret, unit: str, before: testing.Secret, after: testing.Secret) -> int:
    if not after.owner:
        return _consumed(secret, unit, after)
    old = (secret.label, secret.description, secret.expire, secret.rotate, secret.grants)
    secret.label = after.label
    _describe(secret, after)
    new = (secret.label, secret.description, secret.expire, secret.rotate, secret.grants)
    renewed = after.latest_content != before.latest_content
    if renewed:
        secret.revisions[secret.latest + 1] = dict(after.latest_content or {})
    return int(old != new) + int(renewed) + _consumed(secret, unit, after)


def _consumed(secret: Secret, unit: str, after: testing.Secret) -> int:
    """Record that a unit has read a secret, and which revision it tracks now."""
    if not getattr(after, 'was_read', False):
        return 0
    tracked = int(getattr(after, '_tracked_revision'))  # noqa: B009  # private to ops.testing
    present = secret.consumers.get(unit)
    label = None if after.owner else after.label
    consumer = Consumer(tracked, label, max(tracked, present.told if present else 0))
    secret.consumers[unit] = consumer
    return int(present != consumer)
