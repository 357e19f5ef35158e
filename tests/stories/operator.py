# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a story needs to happen somewhere: the rehearsal, or a real Juju."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Task:
    """The end of an action.

    Attributes:
        completed: Whether it did what it was asked for.
        message: Why not.
        results: What it answered.
    """

    completed: bool
    message: str
    results: Mapping[str, Any]


class Operator(typing.Protocol):
    """Somebody at a model, which is empty at first, with the charms of this tree at hand."""

    def deploys_bundle(self, *, previous: bool = False) -> None:
        """Deploy the suite's bundle with ``--trust``, and wait until nothing moves.

        Args:
            previous: Take the charms' previous revision, for a story that refreshes them. A
                rehearsal has one revision only; what it shows of a refresh is the new pod.
        """
        ...

    def types(self, text: str) -> str:
        """Run Juju commands, one a line, wait until nothing moves, and return what they print.

        Charms are deployed by the names in their metadata.

        Raises:
            AssertionError: if Juju refuses one, or a hook fails.
        """
        ...

    def runs(self, unit: str, action: str, **params: str | int | bool) -> Task:
        """Run an action and wait for its end."""
        ...

    def expects(self, application: str, level: str, message: str = '') -> None:
        """Hold an application's leader to a status; ``message`` is in it.

        Raises:
            AssertionError: if it is otherwise, and stays so.
        """
        ...

    def has(self, application: str) -> bool:
        """Tell whether there is an application of that name."""
        ...

    def printed(self) -> str:
        """Return everything that was printed for the operator so far: results, statuses, logs."""
        ...
