# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Strategic merge patch, the patch format that knows which lists are keyed.

Held to ``kubectl patch --local --type=strategic``, which runs the API server's own code, by
tests/unit/testing_kubernetes/test_strategic_against_kubectl.py.
"""

from __future__ import annotations

from typing import Any

from . import golang, shapes, trees

_DIRECTIVE = '$patch'
_ORDER = '$setElementOrder/'
_DELETE_FROM = '$deleteFromPrimitiveList/'
_RETAIN = '$retainKeys'


class BadPatch(ValueError):
    """The patch cannot be applied: a wrong directive, or an item without its merge key."""


def merge(live: trees.Tree, patch: trees.Tree, shape: shapes.Shape) -> trees.Tree:
    """The object that a strategic merge patch makes of a live one, which is left as it is.

    Raises:
        BadPatch: the patch does not fit the object.
    """
    if _DIRECTIVE in patch:
        return _directed(patch)
    merged = _retained(live, patch)
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            field = key.removeprefix(_DELETE_FROM)
            merged = _less(merged, field, value)
        elif not key.startswith('$'):
            merged = _with_field(merged, key, value, shape.field(key))
    return trees.shared(_ordered(live, merged, patch, shape), live)


def _directed(patch: trees.Tree) -> trees.Tree:
    directive = patch[_DIRECTIVE]
    if directive == 'replace':
        return {key: value for key, value in patch.items() if key != _DIRECTIVE}
    if directive == 'delete':
        return {}
    raise BadPatch(f'unknown patch type: {directive} in map: {golang.shown(patch)}')


def _retained(live: trees.Tree, patch: trees.Tree) -> trees.Tree:
    if _RETAIN not in patch:
        return dict(live)
    keep = trees.items(patch, _RETAIN)
    given = [key for key, value in patch.items() if value is not None and key[0] != '$']
    strays = [key for key in given if key not in keep]
    if strays:
        raise BadPatch('patch fields must be listed in $retainKeys: ' + ', '.join(strays))
    return {key: value for key, value in live.items() if key in keep}


def _less(merged: trees.Tree, field: str, unwanted: Any) -> trees.Tree:
    if field not in merged:
        return merged
    kept = [item for item in trees.items(merged, field) if item not in unwanted]
    return {**merged, field: kept}


def _with_field(merged: trees.Tree, key: str, value: Any, shape: shapes.Shape) -> trees.Tree:
    if value is None:
        return trees.without(merged, key)
    present = merged.get(key)
    if trees.same(present, value):
        return merged
    if trees.is_map(present) and trees.is_map(value):
        merged[key] = merge(present, value, shape)
    elif trees.is_list(present) and trees.is_list(value) and shape.patch_merges:
        merged[key] = _merged_list(present, value, shape)
    elif trees.is_list(present) and trees.is_list(value):
        # A list that is replaced is taken as it stands, directives and all.
        merged[key] = value
    else:
        merged[key] = _plain(value)
    return merged


def _plain(value: Any) -> Any:
    """A patch value where nothing is to merge with: without directives and nulls."""
    if trees.is_list(value):
        return [_plain(item) for item in value if not _is_order_to_delete(item)]
    if not trees.is_map(value):
        return value
    if value.get(_DIRECTIVE) == 'delete':
        return {}
    return {
        key: _plain(item)
        for key, item in value.items()
        if item is not None and not key.startswith('$')
    }


def _is_order_to_delete(item: Any) -> bool:
    return trees.is_map(item) and item.get(_DIRECTIVE) is not None and len(item) <= 2


def _merged_list(present: list[Any], patch: list[Any], shape: shapes.Shape) -> list[Any]:
    if not shape.patch_key:
        fresh = [item for item in dict.fromkeys(patch) if item not in present]
        return _interleaved([*present, *fresh], present, patch, '')
    if any(trees.is_map(item) and item.get(_DIRECTIVE) == 'replace' for item in patch):
        present = []
    kept, wanted = _split_by_directive(present, patch, shape.patch_key)
    merged = _merged_items(kept, wanted, shape)
    return trees.shared_list(_interleaved(merged, kept, wanted, shape.patch_key), present)


def _split_by_directive(
    present: list[Any], patch: list[Any], key: str
) -> tuple[list[Any], list[Any]]:
    wanted: list[Any] = []
    for item in patch:
        directive = item.get(_DIRECTIVE) if trees.is_map(item) else None
        if directive is None:
            wanted.append(item)
        elif directive == 'delete':
            gone = _identity(item, key)
            present = [old for old in present if _identity(old, key) != gone]
        elif directive != 'replace':
            raise BadPatch(f'unknown patch type: {directive} in map: {golang.shown(item)}')
    return present, wanted


def _merged_items(present: list[Any], wanted: list[Any], shape: shapes.Shape) -> list[Any]:
    merged = list(present)
    places = {_identity(item, shape.patch_key): index for index, item in enumerate(merged)}
    for item in wanted:
        identity = _identity(item, shape.patch_key)
        if identity in places:
            index = places[identity]
            merged[index] = merge(merged[index], item, shape.items)
        else:
            places[identity] = len(merged)
            merged.append(_plain(item))
    return merged


def _identity(item: Any, key: str) -> Any:
    """What tells an item of a list from the others: its merge key, or the scalar itself."""
    if not key:
        return item
    if not trees.is_map(item) or key not in item:
        shown = golang.shown(item)
        raise BadPatch(f'map: {shown} does not contain declared merge key: {key}')
    return item[key]


def _ordered(
    live: trees.Tree, merged: trees.Tree, patch: trees.Tree, shape: shapes.Shape
) -> trees.Tree:
    for directive, order in patch.items():
        field = directive.removeprefix(_ORDER)
        if field == directive or field not in merged:
            continue
        key = shape.field(field).patch_key
        before = trees.items(live, field)
        merged[field] = _interleaved(merged[field], before, order, key)
    return merged


def _interleaved(merged: list[Any], before: list[Any], order: list[Any], key: str) -> list[Any]:
    """Items in the order of the patch, with those it does not name where they were, if possible.

    An item that only the server has goes before the first patch item that followed it earlier.
    """
    rank = {_identity(item, key): place for place, item in enumerate(order)}
    past = {_identity(item, key): place for place, item in enumerate(before)}
    named = [item for item in merged if _identity(item, key) in rank]
    named.sort(key=lambda item: rank[_identity(item, key)])
    others = [item for item in merged if _identity(item, key) not in rank]
    others.sort(key=lambda item: past.get(_identity(item, key), len(past)))
    return _zipped(others, named, past, key)


def _zipped(others: list[Any], named: list[Any], past: dict[Any, int], key: str) -> list[Any]:
    result: list[Any] = []
    waiting = list(reversed(others))
    for item in named:
        place = past.get(_identity(item, key), -1)
        while waiting and past.get(_identity(waiting[-1], key), place) < place:
            result.append(waiting.pop())
        result.append(item)
    return result + waiting[::-1]
