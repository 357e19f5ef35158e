# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One handler for every event after which the world may look different.

Events that need an answer of their own are left out: actions, ``stop``, ``remove``,
``storage-detaching``, ``secret-remove``, ``secret-rotate``, ``secret-expired`` and the
collect-status events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ops

Handler = Callable[[Any], None]


def observe(charm: ops.CharmBase, handler: Handler) -> None:
    """Run ``handler`` once for every dispatch that should reconcile.

    Args:
        charm: The charm; its metadata says which relations, containers and storages it has.
        handler: A method of the charm that takes the event.

    One dispatch emits one of these events, so the handler runs once. Deferred events would be the
    exception; a reconciler never defers.
    """
    for event in events(charm):
        charm.framework.observe(event, handler)


def events(charm: ops.CharmBase) -> Iterator[ops.BoundEvent]:
    """Yield the events that :func:`observe` attaches to."""
    on = charm.on
    yield from (
        on.install,
        on.start,
        on.config_changed,
        on.leader_elected,
        on.upgrade_charm,
        on.update_status,
        on.secret_changed,
    )
    for name in charm.meta.relations:
        relation = on[name]
        yield from (
            relation.relation_created,
            relation.relation_joined,
            relation.relation_changed,
            relation.relation_departed,
            relation.relation_broken,
        )
    for name in charm.meta.containers:
        container = on[name]
        yield from (
            container.pebble_ready,
            container.pebble_check_failed,
            container.pebble_check_recovered,
        )
    for name in charm.meta.storages:
        yield on[name].storage_attached
