# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reading and writing the one key that every databag of the suite has.

The wire format is that of the published charmarr charms: key ``config``, value one JSON object.
Readers ignore keys they do not know and take ``null`` for an omission, so that an older and a
newer peer can talk to each other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import ops
import pydantic

from ._answers import Absent, Answer, Malformed, Valid

logger = logging.getLogger(__name__)

KEY = 'config'

Model = TypeVar('Model', bound=pydantic.BaseModel)


class DatabagModel(pydantic.BaseModel):
    """Base of everything that is written to a databag."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra='ignore', hide_input_in_errors=True, use_enum_values=False
    )


def publish(charm: ops.CharmBase, relation: ops.Relation, data: DatabagModel) -> None:
    """Write ``data`` to our application's databag of one relation, unless it is there already.

    Only the leader may write; for a follower this does nothing.
    """
    if not charm.unit.is_leader():
        return
    text = data.model_dump_json(exclude_none=True)
    databag = relation.data[charm.app]
    if databag.get(KEY) != text:
        databag[KEY] = text


def withdraw(charm: ops.CharmBase, relation: ops.Relation) -> None:
    """Remove what we have published on one relation. For a follower this does nothing."""
    if charm.unit.is_leader() and KEY in relation.data[charm.app]:
        del relation.data[charm.app][KEY]


def has_published(charm: ops.CharmBase, relation: ops.Relation) -> bool:
    """Tell whether our application has published anything on one relation.

    Juju lets only the leader read its own application's databag. A follower takes it for granted:
    nothing that it decides depends on the answer.
    """
    return not charm.unit.is_leader() or KEY in relation.data[charm.app]


def read_own(charm: ops.CharmBase, relation: ops.Relation, model: type[Model]) -> Answer[Model]:
    """Read what our own application has published on one relation. Never raises.

    Juju lets only the leader read it; for a follower it is absent.
    """
    name = charm.app.name
    text = relation.data[charm.app].get(KEY) if charm.unit.is_leader() else None
    return Absent(relation.id, name) if text is None else parse(relation.id, name, text, model)


def read(relation: ops.Relation, model: type[Model]) -> Answer[Model]:
    """Read what the remote application has published on one relation. Never raises.

    Args:
        relation: Any relation, also one that is being removed.
        model: What the remote side is expected to publish.
    """
    # In relation-broken, and when the remote model is gone, Juju may refuse the read or not know
    # the application any more. Both mean that there is nothing to go by.
    if relation.app is None:  # pyright: ignore[reportUnnecessaryComparison] -- None in broken
        return Absent(relation.id, '')
    app = relation.app.name
    try:
        text = relation.data[relation.app].get(KEY)
    except ops.ModelError as error:
        logger.debug('relation %d with %s cannot be read: %s', relation.id, app, error)
        return Absent(relation.id, app)
    if text is None:
        return Absent(relation.id, app)
    answer = parse(relation.id, app, text, model)
    if isinstance(answer, Malformed):
        logger.warning('%s', answer)
    return answer


def parse(relation_id: int, app: str, text: str, model: type[Model]) -> Malformed | Valid[Model]:
    try:
        value = json.loads(text)
    except ValueError:
        return Malformed(relation_id, app, KEY, 'not JSON')
    except RecursionError:
        return Malformed(relation_id, app, KEY, 'nested too deeply')
    if not isinstance(value, dict):
        return Malformed(relation_id, app, KEY, 'not a JSON object')
    given = {k: v for k, v in cast('Mapping[str, Any]', value).items() if v is not None}
    try:
        return Valid(relation_id, app, model.model_validate(given))
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = '.'.join(str(part) for part in first['loc']) or KEY
        return Malformed(relation_id, app, field, _reason(first['msg']))


def _reason(message: str) -> str:
    """Turn pydantic's message into the second half of one line."""
    return message.removeprefix('Value error, ').splitlines()[0]
