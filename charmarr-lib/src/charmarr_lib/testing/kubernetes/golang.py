# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Values in messages of the API server, which prints them as Go does."""

from __future__ import annotations

from typing import Any

from . import trees


def shown(value: Any) -> str:
    """A JSON value as Go's ``%v`` prints it."""
    if trees.is_map(value):
        return f'map[{" ".join(f"{key}:{shown(value[key])}" for key in sorted(value))}]'
    if trees.is_list(value):
        return f'[{" ".join(map(shown, value))}]'
    if value is None:
        return '<nil>'
    return str(value).lower() if isinstance(value, bool) else str(value)


def strings(values: list[str]) -> str:
    """A list of strings as Go's ``%#v`` prints it."""
    return '[]string{' + ', '.join(f'"{value}"' for value in values) + '}'
