# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Where a page of history ended, as a text that means nothing to those who keep it."""

from __future__ import annotations

import base64
import binascii
import datetime
import uuid
from typing import Annotated, Any

import msgspec

from .asking import Order
from .ranges import QueryError

# As the database keeps it: UTC without a zone.
_Moment = Annotated[datetime.datetime, msgspec.Meta(tz=False)]
_Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

# What plays are sorted by, where that is no text.
_KINDS: dict[Order, Any] = {
    Order.STARTED: _Moment,
    Order.STOPPED: _Moment,
    Order.PLAYED: _Number,
    Order.PAUSED: _Number,
}


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last play of a page.

    Attributes:
        value: Of what plays are sorted by.
    """

    order: Order
    descending: bool
    value: Any
    started_at: _Moment
    play_id: uuid.UUID


class _Written(Place, frozen=True, array_like=True):
    value: msgspec.Raw


_DECODER = msgspec.json.Decoder(_Written)


def written(place: Place) -> str:
    """The cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip('=')


def read(cursor: str) -> Place:
    """What a cursor says.

    Raises:
        QueryError: It was not made by :func:`written`.
    """
    try:
        content = base64.urlsafe_b64decode(cursor + '=' * (-len(cursor) % 4))
        found = _DECODER.decode(content)
        value = msgspec.json.decode(found.value, type=_KINDS.get(found.order, str))
    except (binascii.Error, ValueError) as error:
        raise QueryError('the cursor is none of ours; begin at the first page') from error
    return Place(found.order, found.descending, value, found.started_at, found.play_id)
