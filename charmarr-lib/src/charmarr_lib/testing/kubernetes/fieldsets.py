# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Sets of field paths, in which ``metadata.managedFields`` says who owns what.

A set is a tree of path elements in the notation of FieldsV1: ``f:name`` for a field,
``k:{...}`` for an item of a keyed list, ``v:...`` for an item of a set. A path that is a member
has the key ``.`` at its end. FieldsV1 leaves that key out at the leaves; only
`from_json` and `to_json` know of that.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from . import shapes, trees

FieldSet: TypeAlias = dict[str, 'FieldSet']

HERE = '.'
LEAF: FieldSet = {HERE: {}}
"""The set of the path that leads here. Never changed, like every set."""


def from_json(node: trees.Tree) -> FieldSet:
    """A set from its FieldsV1 notation."""
    return {key: _from_json(inner) for key, inner in node.items()}


def _from_json(node: trees.Tree) -> FieldSet:
    return LEAF if not node else {key: _inner(key, value) for key, value in node.items()}


def _inner(key: str, node: trees.Tree) -> FieldSet:
    return {} if key == HERE else _from_json(node)


def to_json(fields: FieldSet) -> trees.Tree:
    """A set in FieldsV1 notation, sorted as the API server sorts it."""
    return {key: _to_json(fields[key]) for key in sorted(fields)}


def _to_json(node: FieldSet) -> trees.Tree:
    if len(node) == 1 and HERE in node:
        return {}
    return {key: {} if key == HERE else _to_json(node[key]) for key in sorted(node)}


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths in either set."""
    if not left or not right or left is right:
        return left or right
    merged = dict(left)
    for key, inner in right.items():
        merged[key] = union(merged[key], inner) if key in merged else inner
    return merged


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths in the left set alone."""
    if not right:
        return left
    kept: FieldSet = {}
    for key, inner in left.items():
        if key not in right:
            kept[key] = inner
        elif key != HERE:
            rest = difference(inner, right[key])
            if rest:
                kept[key] = rest
    return kept


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths in both sets."""
    common: FieldSet = {}
    for key in left.keys() & right.keys():
        if key == HERE:
            common[key] = {}
            continue
        both = intersection(left[key], right[key])
        if both:
            common[key] = both
    return common


def less_branches(left: FieldSet, unwanted: FieldSet) -> FieldSet:
    """The paths of the left set that no path of the other one equals or leads to."""
    kept: FieldSet = {}
    for key, inner in left.items():
        below = unwanted.get(key)
        if below is None:
            kept[key] = inner
        elif HERE not in below:
            rest = less_branches(inner, below)
            if rest:
                kept[key] = rest
    return kept


def with_parents(fields: FieldSet) -> FieldSet:
    """The set, and with it every field that leads to one of its paths.

    Items of lists are not added: that a manager owns something in an item does not make the item
    its own.
    """
    named: FieldSet = {}
    for key, inner in fields.items():
        if key == HERE:
            named[key] = inner
            continue
        grown = with_parents(inner)
        named[key] = {HERE: {}, **grown} if key.startswith('f:') else grown
    return named


def projected(fields: FieldSet, frame: FieldSet) -> FieldSet:
    """The part of `with_parents` of a set that is on the way to the paths of another, or below.

    The same as working with the whole set, but the cost is that of the frame.
    """
    part: FieldSet = {}
    for key in fields.keys() & frame.keys():
        if key == HERE:
            part[key] = {}
            continue
        node, cover = fields[key], frame[key]
        inner = with_parents(node) if HERE in cover else projected(node, cover)
        if key.startswith('f:'):
            inner = {HERE: {}, **inner}
        if inner:
            part[key] = inner
    return part


def paths(fields: FieldSet, prefix: str = '') -> Iterator[str]:
    """Every path of a set in the notation of messages: ``.spec.containers[name="plex"].image``.

    The order is the API server's: at each level what is a member itself, then what lies below.
    """
    below = [key for key in sorted(fields) if key != HERE]
    yield from (prefix + readable(key) for key in below if HERE in fields[key])
    for key in below:
        yield from paths(fields[key], prefix + readable(key))


def readable(element: str) -> str:
    """A path element in the notation of messages."""
    kind, _, text = element.partition(':')
    if kind == 'f':
        return f'.{text}'
    if kind == 'v':
        return f'[={text}]'
    pairs = (f'{key}={_compact(value)}' for key, value in json.loads(text).items())
    return f'[{",".join(pairs)}]'


@functools.lru_cache(maxsize=4096)
def _keyed_element(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    return f'k:{_compact(dict(zip(names, values, strict=True)))}'


def element(item: Any, shape: shapes.Shape) -> str | None:
    """The path element of an item of an associative list, or None where a key is missing."""
    if shape.form is shapes.Form.SET:
        return f'v:{_compact(item)}'
    values = tuple(item.get(key, shape.key_defaults.get(key)) for key in shape.keys)
    return None if None in values else _keyed_element(shape.keys, values)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(',', ':'), ensure_ascii=False)
