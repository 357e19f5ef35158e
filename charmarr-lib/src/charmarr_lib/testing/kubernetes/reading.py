# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Get, list and watch."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from . import operations, refusals, selectors, trees, wire
from . import store as stores

_PATIENCE = 20


class Reading:
    """The reading verbs.

    Args:
        store: where objects are.
    """

    def __init__(self, store: stores.Store) -> None:
        self._store = store
        self._idle_watches = 0

    def get(self, call: wire.Call, current: stores.Stored) -> operations.Outcome:
        """One object, or its scale."""
        if call.subresource == 'scale':
            body = stores.encode(operations.scale(current.obj))
            return operations.Outcome(200, body)
        return operations.Outcome(200, current.encoded)

    def selected(self, call: wire.Call) -> list[stores.Stored]:
        """The objects that a call's selectors choose."""
        fits = _selection(call)
        found = self._store.all(call.kind, call.namespace)
        return [stored for stored in found if fits(stored)]

    def list(self, call: wire.Call) -> operations.Outcome:
        """The objects of a collection, in chunks if a limit is set."""
        found = self.selected(call)
        start = _start(call.query.get('continue', ''))
        limit = int(call.query.get('limit', 0)) or len(found)
        chunk = [stored.obj for stored in found[start : start + limit]]
        rest = start + limit < len(found)
        more = base64.b64encode(str(start + limit).encode()).decode() if rest else ''
        body = operations.listing(call.kind, chunk, self._store.revision, more)
        return operations.Outcome(200, stores.encode(body))

    def watch(self, call: wire.Call) -> operations.Outcome:
        """What has happened since a version, and no more: the stream ends at the present.

        Raises:
            UnexpectedRequest: a client watches again and again while nothing happens. It waits
                for something that no part of the test will do.
        """
        since = call.query.get('resourceVersion', '')
        events = self._events(call, int(since)) if since not in ('', '0') else self._added(call)
        self._idle_watches = 0 if events else self._idle_watches + 1
        if self._idle_watches > _PATIENCE:
            raise refusals.UnexpectedRequest(
                f'{_PATIENCE} watches of {call.kind.plural} in a row saw nothing: '
                'what they wait for never comes'
            )
        return operations.Outcome(200, b''.join(stores.encode(event) + b'\n' for event in events))

    def _added(self, call: wire.Call) -> list[trees.Tree]:
        return [{'type': 'ADDED', 'object': stored.obj} for stored in self.selected(call)]

    def _events(self, call: wire.Call, since: int) -> list[trees.Tree]:
        fits = _selection(call)
        events: list[trees.Tree] = []
        for change in self._store.history:
            if change.revision <= since or change.kind != call.kind.name:
                continue
            before = change.before if change.before and fits(change.before) else None
            after = change.after if change.after and fits(change.after) else None
            events += _event(before, after, change.revision)
        return events


def _selection(call: wire.Call) -> Callable[[stores.Stored], bool]:
    by_label = selectors.labels(call.query.get('labelSelector', ''))
    by_field = selectors.fields(call.query.get('fieldSelector', ''), call.kind)

    def fits(stored: stores.Stored) -> bool:
        inside = call.namespace is None or stored.namespace == call.namespace
        labels = trees.branch(stored.metadata, 'labels')
        return inside and by_label(labels) and by_field(stored.obj)

    return fits


def _event(
    before: stores.Stored | None, after: stores.Stored | None, revision: int
) -> list[trees.Tree]:
    if after is not None:
        return [{'type': 'MODIFIED' if before else 'ADDED', 'object': after.obj}]
    if before is None:
        return []
    # Gone, or no longer selected, which looks the same from here.
    last = trees.graft(before.obj, str(revision), 'metadata', 'resourceVersion')
    return [{'type': 'DELETED', 'object': last}]


def _start(token: str) -> int:
    try:
        return int(base64.b64decode(token)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise refusals.bad_request('continue key is not valid') from error
