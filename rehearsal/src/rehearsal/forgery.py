# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Relation settings as older and newer charms write them, and as nobody should."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from typing import Any, Final, cast

_KEY: Final = 'config'
_OLDEST: Final = ('pvc_name', 'api_url', 'instance_name', 'requester')


class Kind(enum.Enum):
    """A sort of settings."""

    GARBAGE = 'garbage'
    EMPTY = 'empty'
    NOTHING = 'nothing'
    NO_OBJECT = 'no-object'
    WRONG_TYPES = 'wrong-types'
    NULLS = 'nulls'
    OLDER = 'older'
    """Only the fields that every version has had."""
    NEWER = 'newer'
    """Fields that no version has had yet, and a key beside the one."""


def forge(kind: Kind, content: Mapping[str, str]) -> dict[str, str]:
    """Return what another charm, or nobody in his right mind, had written in place of settings."""
    told = _object(content.get(_KEY, ''))
    if kind is Kind.NOTHING:
        return {}
    if kind is Kind.GARBAGE:
        return {_KEY: '{"pvc_name": "half a'}
    if kind is Kind.NEWER:
        return {_KEY: json.dumps({**told, 'quota': {'bytes': 1}, 'version': 9}), 'v2': '{}'}
    return {_KEY: json.dumps(_changed(kind, told))}


def _changed(kind: Kind, told: Mapping[str, Any]) -> object:
    if kind is Kind.NO_OBJECT:
        return [*told]
    if kind is Kind.WRONG_TYPES:
        return {name: {'value': value} for name, value in told.items()}
    if kind is Kind.NULLS:
        return dict.fromkeys(told)
    if kind is Kind.OLDER:
        return {name: value for name, value in told.items() if name in _OLDEST}
    return {}


def _object(text: str) -> dict[str, Any]:
    try:
        found: object = json.loads(text)
    except ValueError:
        return {}
    return cast('dict[str, Any]', found) if isinstance(found, dict) else {}
