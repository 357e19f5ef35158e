# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Charm options: from what an operator types to the value a charm sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from . import errors, model

Value = str | int | float | bool

# Go's strconv.ParseBool, which Juju uses.
_TRUE: Final = frozenset({'1', 't', 'T', 'TRUE', 'true', 'True'})
_FALSE: Final = frozenset({'0', 'f', 'F', 'FALSE', 'false', 'False'})
_SECRET: Final = re.compile(r'secret:(?:[0-9a-f-]{36}/)?[0-9a-v]{20}')


def parse(charm: model.Charm, settings: Mapping[str, Value]) -> dict[str, Value]:
    """Turn settings into typed values.

    Args:
        charm: Whose options they are.
        settings: Values as typed on a command line, or as a bundle gives them.

    Raises:
        errors.JujuError: if an option is unknown or its value is of another type.
    """
    return {name: _parse(charm, name, value) for name, value in settings.items()}


def boolean(name: str, value: Value) -> bool:
    """Read a boolean as Juju does.

    Raises:
        errors.JujuError: if it is none.
    """
    parsed = _boolean(value)
    if not isinstance(parsed, bool):
        raise errors.JujuError(f'option "{name}" expected boolean, got {_quoted(value)}')
    return parsed


def require(charm: model.Charm, name: str) -> Mapping[str, object]:
    """Return the declaration of an option.

    Raises:
        errors.JujuError: if there is none.
    """
    if name not in charm.options:
        raise errors.JujuError(f'parsing settings for application: unknown option "{name}"')
    return charm.options[name]


def _parse(charm: model.Charm, name: str, value: Value) -> Value:
    kind = str(require(charm, name)['type'])
    parsed = _PARSERS[kind](value)
    if parsed is None:
        # A secret's id is no secret, but whoever pastes the secret itself must not see it echoed.
        shown = '' if kind == 'secret' else f', got {_quoted(value)}'
        raise errors.JujuError(f'option "{name}" expected {kind}{shown}')
    return parsed


def _quoted(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _string(value: Value) -> Value | None:
    return value if isinstance(value, str) else None


def _int(value: Value) -> Value | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r'[+-]?[0-9]{1,18}', value) else None
    return int(value) if value == int(value) else None


def _float(value: Value) -> Value | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _boolean(value: Value) -> Value | None:
    if isinstance(value, bool):
        return value
    if value in _TRUE:
        return True
    return False if value in _FALSE else None


def _secret(value: Value) -> Value | None:
    return value if isinstance(value, str) and _SECRET.fullmatch(value) else None


_PARSERS: Final[Mapping[str, Callable[[Value], Value | None]]] = {
    'string': _string,
    'int': _int,
    'float': _float,
    'boolean': _boolean,
    'secret': _secret,
}
