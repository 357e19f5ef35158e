# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the two sides of every interface have in common."""

from __future__ import annotations

from typing import Generic, TypeVar

import ops

from . import _databag
from ._databag import DatabagModel

Mine = TypeVar('Mine', bound=DatabagModel)


class Side(ops.Object, Generic[Mine]):
    """A charm's side of its relations on one endpoint.

    Args:
        charm: The charm.
        relation_name: The endpoint.
    """

    def __init__(self, charm: ops.CharmBase, relation_name: str):
        super().__init__(charm, relation_name)
        self._charm = charm
        self._relation_name = relation_name

    @property
    def relations(self) -> list[ops.Relation]:
        """The relations there are, by id. One being removed is not among them."""
        return sorted(self.model.relations[self._relation_name], key=lambda each: each.id)

    def publish_data(self, data: Mine) -> None:
        """Publish ``data`` on every relation; what is there already is not written again.

        A follower's call does nothing.
        """
        for relation in self.relations:
            _databag.publish(self._charm, relation, data)


class Provider(Side[Mine]):
    """The side that offers. It observes nothing: its charm decides when to publish."""

    def clear_data(self) -> None:
        """Withdraw what was published on every relation. A follower's call does nothing."""
        for relation in self.relations:
            _databag.withdraw(self._charm, relation)


class RequirerEvents(ops.ObjectEvents):
    """Events of a :class:`Requirer`."""

    changed = ops.EventSource(ops.EventBase)


class Requirer(Side[Mine]):
    """The side that asks.

    It emits ``on.changed`` after relation-changed and relation-broken. A charm that reconciles on
    every event anyway has no need to observe it.
    """

    on = RequirerEvents()

    def __init__(self, charm: ops.CharmBase, relation_name: str):
        super().__init__(charm, relation_name)
        events = charm.on[relation_name]
        self.framework.observe(events.relation_changed, self._emit_changed)
        self.framework.observe(events.relation_broken, self._emit_changed)

    def _emit_changed(self, _: ops.EventBase) -> None:
        self.on.changed.emit()
