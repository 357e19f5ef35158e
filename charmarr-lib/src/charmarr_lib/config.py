# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Options and action parameters as checked, typed values; mistakes as one line.

Options are loaded in the reconciler and again for the status, never in ``__init__``: an error
there would swallow the event (relation-broken and stop included).
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import ops
import pydantic

Model = TypeVar('Model', bound=pydantic.BaseModel)

Secret = ops.Secret
"""What an option of type ``secret`` holds: the secret, unread."""


class Options(pydantic.BaseModel):
    """Base of a charm's options and of its action parameters; ``-`` in a name becomes ``_``."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra='forbid', hide_input_in_errors=True, arbitrary_types_allowed=True
    )


@dataclasses.dataclass(frozen=True)
class Invalid:
    """Options or parameters that cannot be used.

    Attributes:
        problems: Name and reason of each, without the value given.
    """

    problems: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return '; '.join(f'{name}: {reason}' for name, reason in self.problems)


def load(charm: ops.CharmBase, model: type[Model]) -> Model | Invalid:
    """Return the charm's options, or everything that is wrong with them. Never raises."""
    try:
        return charm.load_config(model)
    except pydantic.ValidationError as error:
        return _invalid(error)


def load_params(event: ops.ActionEvent, model: type[Model]) -> Model | Invalid:
    """Return the parameters of an action, or everything that is wrong with them. Never raises."""
    try:
        return event.load_params(model)
    except pydantic.ValidationError as error:
        return _invalid(error)


def _invalid(error: pydantic.ValidationError) -> Invalid:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return Invalid(tuple((_name(each['loc']), _reason(each['msg'])) for each in problems))


def _name(location: tuple[int | str, ...]) -> str:
    return str(location[0]).replace('_', '-') if location else 'options'


def _reason(message: str) -> str:
    text = message.removeprefix('Value error, ').splitlines()[0]
    return text[:1].lower() + text[1:]
