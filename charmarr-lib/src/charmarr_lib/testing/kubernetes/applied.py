# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What server-side apply does to a value: merge what is sent, take away what is sent no more."""

from __future__ import annotations

import collections
from typing import Any

from . import fieldsets, shapes, trees


class Unreadable(ValueError):
    """The object that is applied has list items that cannot be told apart."""


def check(config: Any, shape: shapes.Shape, path: str = '') -> None:
    """Refuse lists whose items lack a key or repeat one.

    Raises:
        Unreadable: with the API server's message for the first such list.
    """
    if shape.form is shapes.Form.ATOMIC:
        return
    if trees.is_map(config):
        for key, value in config.items():
            check(value, shape.field(key), f'{path}.{key}')
    elif trees.is_list(config) and shape.associative:
        _check_list(config, shape, path)


def _check_list(config: list[Any], shape: shapes.Shape, path: str) -> None:
    seen: set[str] = set()
    for index, item in enumerate(config):
        element = fieldsets.element(item, shape)
        if element is None:
            raise Unreadable(f'{path}: element {index}: {_omission(item, shape)}')
        if element in seen:
            raise Unreadable(f'{path}: duplicate entries for key {fieldsets.readable(element)}')
        seen.add(element)
        check(item, shape.items, path + fieldsets.readable(element))


def _omission(item: trees.Tree, shape: shapes.Shape) -> str:
    lacking = next(
        key for key in shape.keys if item.get(key) is None and key not in shape.key_defaults
    )
    return (
        f'associative list with keys has an element that omits key field "{lacking}" '
        "(and doesn't have default value)"
    )


def merge(live: Any, config: Any, shape: shapes.Shape) -> Any:
    """The live value with everything that is applied set in it."""
    if trees.same(live, config):
        return live
    if shape.form is shapes.Form.ATOMIC:
        return config
    if trees.is_map(live) and trees.is_map(config):
        return _merged_map(live, config, shape)
    if shape.associative and trees.is_list(live) and trees.is_list(config):
        return _merged_list(live, config, shape)
    return config


def _merged_map(live: trees.Tree, config: trees.Tree, shape: shapes.Shape) -> trees.Tree:
    merged = dict(live)
    for key, value in config.items():
        merged[key] = merge(live[key], value, shape.field(key)) if key in live else value
    return trees.shared(merged, live)


def _merged_list(live: list[Any], config: list[Any], shape: shapes.Shape) -> list[Any]:
    """Items in the order applied; a live item that is not applied keeps its place among them."""
    sent = {fieldsets.element(item, shape): item for item in config}
    waiting = collections.deque((fieldsets.element(item, shape), item) for item in live)
    present = dict(reversed(waiting))
    result: list[Any] = []
    for element, landmark in _with_landmarks(list(sent), present):
        result += _taken(waiting, landmark, sent)
        if waiting and waiting[0][0] == element:
            waiting.popleft()
        result.append(merge(present.get(element), sent[element], shape.items))
    result += _taken(waiting, None, sent)
    return trees.shared_list(result, live)


_Elements = list[str | None]
_Items = dict[str | None, Any]


def _with_landmarks(order: _Elements, present: _Items) -> list[tuple[str | None, str | None]]:
    """Each applied item with the first one from there on that is live already."""
    landmarks: _Elements = []
    landmark: str | None = None
    for element in reversed(order):
        landmark = element if element in present else landmark
        landmarks.append(landmark)
    return list(zip(order, reversed(landmarks), strict=True))


def _taken(
    waiting: collections.deque[tuple[str | None, Any]], landmark: str | None, sent: _Items
) -> list[Any]:
    """The live items before a landmark, or all that are left, less those that are applied too."""
    taken: list[Any] = []
    while waiting and (landmark is None or waiting[0][0] != landmark):
        element, item = waiting.popleft()
        if element not in sent:
            taken.append(item)
    return taken


def remove(value: Any, unwanted: fieldsets.FieldSet, shape: shapes.Shape) -> Any:
    """The value without the paths of a set and all below them; None where nothing is left.

    What was empty before stays as it is.
    """
    if trees.is_map(value) and value:
        return _kept_fields(value, unwanted, shape) or None
    if trees.is_list(value) and value and shape.associative:
        return _kept_items(value, unwanted, shape) or None
    return value


def _kept_fields(
    value: trees.Tree, unwanted: fieldsets.FieldSet, shape: shapes.Shape
) -> trees.Tree:
    kept: trees.Tree = {}
    for key, item in value.items():
        below = unwanted.get(f'f:{key}')
        if below is None:
            kept[key] = item
        elif fieldsets.HERE not in below:
            kept[key] = remove(item, below, shape.field(key))
    return kept


def _kept_items(value: list[Any], unwanted: fieldsets.FieldSet, shape: shapes.Shape) -> list[Any]:
    kept: list[Any] = []
    for item in value:
        below = unwanted.get(fieldsets.element(item, shape) or '')
        if below is None:
            kept.append(item)
        elif fieldsets.HERE not in below:
            kept.append(remove(item, below, shape.items))
    return kept
