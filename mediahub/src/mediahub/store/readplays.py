# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plays that pages of history have shown, kept in memory for the next page.

Whoever watches a page asks for the same plays again and again. To read one in full takes a look
into each of some fifty columns, and plays from all the years lie apart in every one of them. A
version of a play never changes (see :mod:`mediahub.store.plays`), so nothing here is ever out of
date: which plays are on a page, and in which version, the database tells.
"""

from __future__ import annotations

import collections
import threading
import uuid
from collections.abc import Iterable, Mapping

from ..plays import Play

# Id and ordinal of a play.
Version = tuple[uuid.UUID, int]

# Plays that are kept; each takes some kilobytes.
MOST = 4000


class ReadPlays:
    """The plays that were read last. For many threads.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int = MOST):
        self._most = most
        self._lock = threading.Lock()
        self._plays: collections.OrderedDict[Version, Play] = collections.OrderedDict()

    def find(self, versions: Iterable[Version]) -> dict[Version, Play]:
        """Those of some plays that are kept."""
        found: dict[Version, Play] = {}
        with self._lock:
            for version in versions:
                play = self._plays.get(version)
                if play is not None:
                    self._plays.move_to_end(version)
                    found[version] = play
        return found

    def keep(self, plays: Mapping[Version, Play]) -> None:
        """Keep plays, in place of those that nobody has asked for for longest."""
        with self._lock:
            self._plays.update(plays)
            while len(self._plays) > self._most:
                self._plays.popitem(last=False)
