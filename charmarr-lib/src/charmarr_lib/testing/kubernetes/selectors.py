# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Label and field selectors."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from . import kinds, refusals, trees

Labels: TypeAlias = Mapping[str, Any]
Rule: TypeAlias = Callable[[Labels], bool]

_KEY = r'[A-Za-z0-9][-A-Za-z0-9_./]*'
_VALUE = r'[-A-Za-z0-9_.]*'
_AMONG = re.compile(rf'\s*({_KEY})\s+(in|notin)\s+\(([^()]*)\)\s*')
_EQUAL = re.compile(rf'\s*({_KEY})\s*(==|=|!=)\s*({_VALUE})\s*')
_PRESENT = re.compile(rf'\s*(!?)\s*({_KEY})\s*')
_ALWAYS = ('metadata.name', 'metadata.namespace')


@functools.lru_cache(maxsize=256)
def labels(text: str) -> Rule:
    """The rule that a label selector is.

    Raises:
        Refused: the selector cannot be read (400).
    """
    rules = [_label_rule(part) for part in _requirements(text)]
    return lambda found: all(rule(found) for rule in rules)


def _requirements(text: str) -> list[str]:
    # Commas inside parentheses separate values, those outside separate requirements.
    return [part for part in re.split(r',(?![^()]*\))', text) if part.strip()]


def _label_rule(part: str) -> Rule:
    among = _AMONG.fullmatch(part)
    if among:
        key, operator, listed = among.groups()
        values = {value.strip() for value in listed.split(',')}
        wanted = operator == 'in'
        return lambda found: (found.get(key) in values) is wanted
    equal = _EQUAL.fullmatch(part)
    if equal:
        key, operator, value = equal.groups()
        wanted = operator != '!='
        return lambda found: (found.get(key) == value) is wanted
    present = _PRESENT.fullmatch(part)
    if present:
        absent, key = present.groups()
        return lambda found: (key in found) is not bool(absent)
    raise refusals.bad_request(f'unable to parse requirement: {part}')


def fields(text: str, kind: kinds.Kind) -> Rule:
    """The rule that a field selector is for whole objects of a kind.

    Raises:
        Refused: the kind cannot be selected by such a field (400).
    """
    rules = [_field_rule(part, kind) for part in text.split(',') if part]
    return lambda obj: all(rule(obj) for rule in rules)


def _field_rule(part: str, kind: kinds.Kind) -> Rule:
    found = re.fullmatch(r'([^=!]+)(==|=|!=)(.*)', part)
    if found is None:
        raise refusals.bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    key, operator, value = found.groups()
    if key not in _ALWAYS and key not in kind.select:
        if kind.select:
            raise refusals.bad_request(f'field label not supported: {key}')
        known = ', '.join(f'"{name}"' for name in _ALWAYS)
        detail = f'"{key}" is not a known field selector: only {known}'
        raise refusals.bad_request(detail)
    wanted = operator != '!='
    return lambda obj: (_text(trees.dig(obj, *key.split('.'))) == value) is wanted


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '' if value is None else str(value)


def matches(selector: trees.Tree, found: Labels) -> bool:
    """Whether labels fit a LabelSelector object, as a StatefulSet has one."""
    exact = trees.branch(selector, 'matchLabels')
    if any(found.get(key) != value for key, value in exact.items()):
        return False
    return all(_fits(rule, found) for rule in trees.items(selector, 'matchExpressions'))


def _fits(rule: trees.Tree, found: Labels) -> bool:
    key, operator = rule.get('key', ''), rule.get('operator')
    values = trees.items(rule, 'values')
    if operator in ('In', 'NotIn'):
        return (found.get(key) in values) is (operator == 'In')
    return (key in found) is (operator == 'Exists')
