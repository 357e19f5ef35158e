# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Parameters of actions: checked and completed as Juju does before it queues one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from . import errors, model

Schema = Mapping[str, Any]


def complete(
    charm: model.Charm, unit: str, action: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an action's parameters with defaults filled in.

    Raises:
        errors.JujuError: if the charm has no such action, or a parameter does not fit.
    """
    if action not in charm.actions:
        raise errors.JujuError(f'action "{action}" not defined on unit "{unit}"')
    declared = charm.actions[action]
    properties: Mapping[str, Schema] = declared.get('params') or {}
    schema: Schema = {**declared, 'type': 'object', 'properties': properties}
    problem = next(_problems(schema, given, '(root)'), None)
    if problem:
        raise errors.JujuError(f'validation failed: {problem}')
    defaults = {name: each['default'] for name, each in properties.items() if 'default' in each}
    return {**defaults, **given}


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    'string': lambda value: isinstance(value, str),
    'boolean': lambda value: isinstance(value, bool),
    'integer': lambda value: isinstance(value, int) and not isinstance(value, bool),
    'number': lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    'array': lambda value: isinstance(value, list),
    'object': lambda value: isinstance(value, dict),
}


def _problems(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Yield what is wrong, in Juju's words but without the value: it may be a secret."""
    kind = schema.get('type')
    if kind in _TYPES and not _TYPES[kind](value):
        yield f'{path} : must be of type {kind}'
        return
    if 'enum' in schema and value not in schema['enum']:
        yield f'{path} : must be one of {json.dumps(schema["enum"])}'
    if 'minimum' in schema and value < schema['minimum']:
        yield f'{path} : must be greater than or equal to {schema["minimum"]}'
    if 'maximum' in schema and value > schema['maximum']:
        yield f'{path} : must be less than or equal to {schema["maximum"]}'
    if kind == 'object':
        yield from _object_problems(schema, value, path)


def _object_problems(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[str]:
    properties: Mapping[str, Schema] = schema.get('properties') or {}
    for name in schema.get('required') or ():
        if name not in value:
            yield f'{path} : "{name}" property is missing and required'
    for name, each in value.items():
        if name in properties:
            yield from _problems(properties[name], each, f'{path}.{name}')
        elif schema.get('additionalProperties') is False:
            yield f'{path} : additional property "{name}" is not allowed'
