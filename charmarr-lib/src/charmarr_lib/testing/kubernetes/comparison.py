# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What differs between two versions of an object, and what a version holds, as sets of fields.

The rules are those of structured-merge-diff, the library in which the API server does the same.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from . import fieldsets, shapes, trees


@dataclasses.dataclass(frozen=True)
class Difference:
    """The fields by which a new version of a value differs from an old one.

    Args:
        added: paths that only the new version has.
        removed: paths that only the old version had.
        modified: paths whose one value differs.
    """

    added: fieldsets.FieldSet
    removed: fieldsets.FieldSet
    modified: fieldsets.FieldSet

    @property
    def changed(self) -> fieldsets.FieldSet:
        """What the new version has set."""
        return fieldsets.union(self.added, self.modified)

    def less(self, ignored: fieldsets.FieldSet) -> Difference:
        """The difference without some branches."""
        if not ignored:
            return self
        return Difference(
            fieldsets.less_branches(self.added, ignored),
            fieldsets.less_branches(self.removed, ignored),
            fieldsets.less_branches(self.modified, ignored),
        )

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.modified)


_NONE = Difference({}, {}, {})
_MODIFIED = Difference({}, {}, fieldsets.LEAF)


def compare(old: Any, new: Any, shape: shapes.Shape) -> Difference:
    """The difference of two versions of a value."""
    if old is new or old == new:
        return _NONE
    if old is trees.MISSING:
        return Difference(whole(new, shape), {}, {})
    if new is trees.MISSING:
        return Difference({}, whole(old, shape), {})
    if shape.form is shapes.Form.ATOMIC:
        return _MODIFIED
    if _maps(old, new):
        return _gathered(_map_parts(old or {}, new or {}, shape))
    if shape.associative and _lists(old, new):
        return _gathered(_list_parts(old or [], new or [], shape))
    return _MODIFIED


def _maps(old: Any, new: Any) -> bool:
    # A null counts as whatever the other one is, but two empties make a leaf.
    return bool(old or new) and all(value is None or trees.is_map(value) for value in (old, new))


def _lists(old: Any, new: Any) -> bool:
    return bool(old or new) and all(value is None or trees.is_list(value) for value in (old, new))


_Parts = list[tuple[str, Difference]]


def _map_parts(old: trees.Tree, new: trees.Tree, shape: shapes.Shape) -> _Parts:
    parts: _Parts = []
    for key in {**old, **new}:
        before, after = old.get(key, trees.MISSING), new.get(key, trees.MISSING)
        part = compare(before, after, shape.field(key))
        if part is not _NONE:
            parts.append((f'f:{key}', part))
    return parts


def _list_parts(old: list[Any], new: list[Any], shape: shapes.Shape) -> _Parts:
    before, after = indexed(old, shape), indexed(new, shape)
    parts: _Parts = []
    for element in {**before, **after}:
        part = _compare_items(before.get(element, []), after.get(element, []), shape.items)
        if part is not _NONE:
            parts.append((element, part))
    return parts


def _compare_items(old: list[Any], new: list[Any], shape: shapes.Shape) -> Difference:
    if len(old) > 1 or len(new) > 1:
        # Items that repeat a key cannot be told apart: they are compared as one value.
        return _compare_repeated(old, new)
    before = old[0] if old else trees.MISSING
    after = new[0] if new else trees.MISSING
    return compare(before, after, shape)


def _compare_repeated(old: list[Any], new: list[Any]) -> Difference:
    if not old:
        return Difference(fieldsets.LEAF, {}, {})
    if not new:
        return Difference({}, fieldsets.LEAF, {})
    return _NONE if old == new else _MODIFIED


def _gathered(parts: _Parts) -> Difference:
    return Difference(
        {key: part.added for key, part in parts if part.added},
        {key: part.removed for key, part in parts if part.removed},
        {key: part.modified for key, part in parts if part.modified},
    )


def indexed(values: list[Any], shape: shapes.Shape) -> dict[str, list[Any]]:
    """The items of an associative list by path element; items without a key are left out."""
    found: dict[str, list[Any]] = {}
    for item in values:
        element = fieldsets.element(item, shape)
        if element is not None:
            found.setdefault(element, []).append(item)
    return found


def whole(value: Any, shape: shapes.Shape) -> fieldsets.FieldSet:
    """Every path of a value, its own included."""
    if shape.form is shapes.Form.ATOMIC:
        return fieldsets.LEAF
    if trees.is_map(value):
        inner = {f'f:{key}': whole(item, shape.field(key)) for key, item in value.items()}
        return {fieldsets.HERE: {}, **inner}
    if trees.is_list(value) and shape.associative:
        listed = indexed(value, shape).items()
        inner = {
            element: whole(found[0], shape.items) if len(found) == 1 else fieldsets.LEAF
            for element, found in listed
        }
        return {fieldsets.HERE: {}, **inner}
    return fieldsets.LEAF


def claimed(value: Any, shape: shapes.Shape) -> fieldsets.FieldSet:
    """What a manager owns by applying a value: its leaves, list items and dictionary keys.

    Unlike `whole` this leaves out the fields that merely lead there.
    """
    if shape.form is shapes.Form.ATOMIC:
        return fieldsets.LEAF
    if trees.is_map(value):
        fields = ((f'f:{key}', _claimed_field(item, key, shape)) for key, item in value.items())
        return {element: inner for element, inner in fields if inner}
    if trees.is_list(value) and shape.associative:
        return {
            element: {fieldsets.HERE: {}, **claimed(found[0], shape.items)}
            for element, found in indexed(value, shape).items()
        }
    return fieldsets.LEAF


def _claimed_field(item: Any, key: str, shape: shapes.Shape) -> fieldsets.FieldSet:
    fields = claimed(item, shape.field(key))
    if item is None or item == {} or shape.form is shapes.Form.DICTIONARY:
        return {fieldsets.HERE: {}, **fields}
    return fields
