# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What is stored: objects by kind, a counter of revisions, and the history for watches."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator

from . import kinds, ownership, trees


@dataclasses.dataclass(frozen=True)
class Stored:
    """One version of an object. Neither it nor anything in it is ever changed.

    Args:
        obj: the object as clients get it.
        shares: who owns which of its fields.
    """

    obj: trees.Tree
    shares: ownership.Shares

    @property
    def metadata(self) -> trees.Tree:
        """The object's metadata."""
        return self.obj['metadata']

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata['name']

    @property
    def namespace(self) -> str | None:
        """The object's namespace, if its kind lives in one."""
        return self.metadata.get('namespace')

    @functools.cached_property
    def encoded(self) -> bytes:
        """The object as JSON. Kept, as most objects are read far more often than written."""
        return encode(self.obj)


def encode(body: trees.Tree) -> bytes:
    """A body as the API server sends it."""
    return json.dumps(body, separators=(',', ':')).encode()


@dataclasses.dataclass(frozen=True)
class Change:
    """One step of history.

    Args:
        revision: the counter after the step.
        kind: the kind that changed.
        before: the version before, None for a new object.
        after: the version after, None for one that is gone.
    """

    revision: int
    kind: str
    before: Stored | None
    after: Stored | None


class Store:
    """All objects.

    Attributes:
        revision: the resourceVersion of the last change anywhere.
        history: every change since the start.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.history: list[Change] = []
        self._objects: dict[str, dict[tuple[str, str], Stored]] = {}

    def get(self, kind: kinds.Kind, namespace: str | None, name: str) -> Stored | None:
        """The newest version of an object."""
        return self._of(kind).get((namespace or '', name))

    def all(self, kind: kinds.Kind, namespace: str | None = None) -> list[Stored]:
        """The objects of a kind, of one namespace if given, sorted by namespace and name."""
        found = self._of(kind)
        keys = sorted(key for key in found if namespace is None or key[0] == namespace)
        return [found[key] for key in keys]

    def everything(self) -> Iterator[tuple[kinds.Kind, Stored]]:
        """Every object of every kind, as of now."""
        for kind in kinds.ALL:
            for stored in self.all(kind):
                yield kind, stored

    def put(self, kind: kinds.Kind, stored: Stored) -> Stored:
        """Store a version, which gets the next resourceVersion."""
        self.revision += 1
        obj = trees.graft(stored.obj, str(self.revision), 'metadata', 'resourceVersion')
        numbered = Stored(obj, stored.shares)
        key = (numbered.namespace or '', numbered.name)
        self._log(kind, self._of(kind).get(key), numbered)
        self._of(kind)[key] = numbered
        return numbered

    def drop(self, kind: kinds.Kind, stored: Stored) -> None:
        """Remove an object."""
        self.revision += 1
        del self._of(kind)[(stored.namespace or '', stored.name)]
        # The last event of an object carries the revision of its removal.
        obj = trees.graft(stored.obj, str(self.revision), 'metadata', 'resourceVersion')
        self._log(kind, Stored(obj, stored.shares), None)

    def _of(self, kind: kinds.Kind) -> dict[tuple[str, str], Stored]:
        return self._objects.setdefault(kind.name, {})

    def _log(self, kind: kinds.Kind, before: Stored | None, after: Stored | None) -> None:
        self.history.append(Change(self.revision, kind.name, before, after))
