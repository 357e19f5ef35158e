# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The three answers that reading a relation can give."""

from __future__ import annotations

import dataclasses
from typing import Generic, TypeAlias, TypeVar

Data = TypeVar('Data', covariant=True)


@dataclasses.dataclass(frozen=True)
class Absent:
    """The remote application has published nothing yet, or is gone.

    Attributes:
        relation_id: Juju's number of the relation.
        app: Name of the remote application, empty when Juju no longer knows it.
    """

    relation_id: int
    app: str


@dataclasses.dataclass(frozen=True)
class Malformed:
    """The remote application has published something that does not follow the interface.

    Attributes:
        relation_id: Juju's number of the relation.
        app: Name of the remote application.
        field: The field at fault, or ``config`` when the whole value is unreadable.
        reason: What is wrong with it, without the value itself.
    """

    relation_id: int
    app: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f'{self.app} published malformed data: {self.field}: {self.reason}'


@dataclasses.dataclass(frozen=True)
class Valid(Generic[Data]):
    """The remote application has published data that follows the interface.

    Attributes:
        relation_id: Juju's number of the relation.
        app: Name of the remote application.
        data: What it published.
    """

    relation_id: int
    app: str
    data: Data


Answer: TypeAlias = Absent | Malformed | Valid[Data]
