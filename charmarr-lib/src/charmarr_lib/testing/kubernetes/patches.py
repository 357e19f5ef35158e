# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386), neither of which changes its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import trees


class BadPatch(ValueError):
    """The patch is not one."""


class Unapplicable(ValueError):
    """An operation does not fit the document, or its test fails."""


def merge(document: Any, patch: Any) -> Any:
    """The document that a merge patch makes: null removes, objects merge, the rest replaces."""
    if not trees.is_map(patch):
        return patch
    merged = dict(document) if trees.is_map(document) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def apply(document: Any, operations: Any) -> Any:
    """The document after all operations of a JSON patch.

    Raises:
        BadPatch: this is not a list of operations.
        Unapplicable: an operation does not fit; none has taken effect.
    """
    if not trees.is_list(operations):
        raise BadPatch('a JSON patch is a list of operations')
    for operation in operations:
        document = _apply_one(document, operation)
    return document


def _apply_one(document: Any, operation: Any) -> Any:
    name, path = _member(operation, 'op'), _pointer(_member(operation, 'path'))
    if name == 'remove':
        return _edited(document, path, _remove)
    if name in ('add', 'replace'):
        return _placed(document, path, _member(operation, 'value'), exists=name == 'replace')
    if name == 'test':
        return _tested(document, path, _member(operation, 'value'))
    if name not in ('move', 'copy'):
        raise Unapplicable(f'unknown operation {name!r}')
    source = _pointer(_member(operation, 'from'))
    value = trees.copy(_found(document, source))
    if name == 'move':
        if path[: len(source)] == source and path != source:
            raise Unapplicable('a value cannot be moved into itself')
        document = _edited(document, source, _remove)
    return _placed(document, path, value, exists=False)


def _member(operation: Any, name: str) -> Any:
    if not trees.is_map(operation) or name not in operation:
        raise BadPatch(f'an operation needs the member {name!r}')
    return operation[name]


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith('/')):
        raise BadPatch(f'{text!r} is not a JSON pointer')
    return [part.replace('~1', '/').replace('~0', '~') for part in text.split('/')[1:]]


def _placed(document: Any, path: list[str], value: Any, *, exists: bool) -> Any:
    if not path:
        return value

    def place(holder: Any, key: str) -> Any:
        if trees.is_map(holder):
            if exists and key not in holder:
                raise Unapplicable(f'there is no {key!r} to replace')
            return {**holder, key: value}
        if exists:
            index = _index(holder, key, last=len(holder) - 1)
            return [*holder[:index], value, *holder[index + 1 :]]
        index = len(holder) if key == '-' else _index(holder, key, last=len(holder))
        return [*holder[:index], value, *holder[index:]]

    return _edited(document, path, place)


def _remove(holder: Any, key: str) -> Any:
    if trees.is_map(holder):
        if key not in holder:
            raise Unapplicable(f'there is no {key!r} to remove')
        return trees.without(holder, key)
    index = _index(holder, key, last=len(holder) - 1)
    return [*holder[:index], *holder[index + 1 :]]


def _edited(document: Any, path: list[str], edit: Callable[[Any, str], Any]) -> Any:
    """The document with the holder of the path's last step replaced by what `edit` makes of it."""
    if not path:
        raise Unapplicable('the whole document cannot be removed')
    head, *rest = path
    if not rest:
        return edit(_holder(document), head)
    inner = _edited(_child(document, head), rest, edit)
    if trees.is_map(document):
        return {**document, head: inner}
    index = _index(document, head, last=len(document) - 1)
    return [*document[:index], inner, *document[index + 1 :]]


def _holder(value: Any) -> Any:
    if not trees.is_map(value) and not trees.is_list(value):
        raise Unapplicable('the path leads into a scalar')
    return value


def _found(document: Any, path: list[str]) -> Any:
    for step in path:
        document = _child(document, step)
    return document


def _child(holder: Any, key: str) -> Any:
    if trees.is_map(_holder(holder)):
        if key not in holder:
            raise Unapplicable(f'the path leads through {key!r}, which is missing')
        return holder[key]
    return holder[_index(holder, key, last=len(holder) - 1)]


def _index(holder: list[Any], key: str, *, last: int) -> int:
    if not key.isascii() or not key.isdigit() or (len(key) > 1 and key.startswith('0')):
        raise Unapplicable(f'{key!r} is not an index')
    if int(key) > last:
        raise Unapplicable(f'the index {key} is beyond the end')
    return int(key)


def _tested(document: Any, path: list[str], value: Any) -> Any:
    if not _same(_found(document, path), value):
        raise Unapplicable('a test operation failed')
    return document


def _same(left: Any, right: Any) -> bool:
    """Equality as JSON has it, in which true is not 1."""
    if trees.is_map(left) and trees.is_map(right):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if trees.is_list(left) and trees.is_list(right):
        return len(left) == len(right) and all(map(_same, left, right))
    return isinstance(left, bool) is isinstance(right, bool) and left == right
