# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""JSON trees: the plain dicts and lists that Kubernetes objects are.

Stored objects are never changed in place. Every write builds the branches it touches anew and
shares the rest, so a comparison of two versions can stop at the first branch both share.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeGuard

Tree: TypeAlias = dict[str, Any]

MISSING: Any = object()
"""Stands for a key that is not there, where None means a key that holds null."""

_LEAVES: Final = frozenset({str, int, float, bool, type(None)})


def is_map(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def copy(value: Any) -> Any:
    """A deep copy of a JSON value, several times as fast as copy.deepcopy."""
    # A rehearsal spends a third of its time here, and a call for each leaf is most of that.
    if is_map(value):
        return {key: item if type(item) in _LEAVES else copy(item) for key, item in value.items()}
    if is_list(value):
        return [item if type(item) in _LEAVES else copy(item) for item in value]
    return value


def dig(tree: Any, *keys: str) -> Any:
    """The value under a path of keys, or None where any step is missing."""
    for key in keys:
        if not is_map(tree):
            return None
        tree = tree.get(key)
    return tree


def branch(tree: Any, *keys: str) -> Tree:
    """The object under a path of keys, or an empty one."""
    found = dig(tree, *keys)
    return found if is_map(found) else {}


def items(tree: Any, *keys: str) -> list[Any]:
    """The list under a path of keys, or an empty one."""
    found = dig(tree, *keys)
    return found if is_list(found) else []


def graft(tree: Tree, value: Any, *keys: str) -> Tree:
    """A tree with one value put in; untouched branches are shared, missing ones are made."""
    head, *rest = keys
    inner = graft(branch(tree, head), value, *rest) if rest else value
    return {**tree, head: inner}


def without(tree: Tree, *keys: str) -> Tree:
    """A tree less the value under a path; the same tree where there is none."""
    head, *rest = keys
    if head not in tree:
        return tree
    if not rest:
        return {key: value for key, value in tree.items() if key != head}
    inner = branch(tree, head)
    pruned = without(inner, *rest)
    return tree if pruned is inner else {**tree, head: pruned}


def with_defaults(tree: Tree, **defaults: Any) -> Tree:
    """A tree that has at least these keys; the same tree where it has them all."""
    absent = {key: value for key, value in defaults.items() if key not in tree}
    return {**tree, **absent} if absent else tree


def mapped(tree: Tree, key: str, change: Callable[[Any], Any]) -> Tree:
    """A tree with one value changed by a function; the same tree where nothing changes."""
    if key not in tree:
        return tree
    value = change(tree[key])
    return tree if value is tree[key] else {**tree, key: value}


def mapped_items(tree: Tree, key: str, change: Callable[[Tree], Tree]) -> Tree:
    """A tree with every object of one list changed; the same tree where nothing changes."""
    old = items(tree, key)
    new = [change(item) if is_map(item) else item for item in old]
    return tree if shared_list(new, old) is old else {**tree, key: new}


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal, where true is not 1.

    Deeper down Python's equality has to do: no field of Kubernetes takes a boolean and a number.
    """
    return left == right and type(left) is type(right)


def shared(new: Tree, old: Tree) -> Tree:
    """The old object where the new one holds the very same values."""
    kept = len(new) == len(old) and all(new[key] is old.get(key, MISSING) for key in new)
    return old if kept else new


def shared_list(new: list[Any], old: list[Any]) -> list[Any]:
    """The old list where the new one holds the very same items."""
    return old if len(new) == len(old) and all(map(operator.is_, new, old)) else new


def without_nulls(value: Any, known: Any = None) -> Any:
    """A value less the object keys that hold null; the same value where there are none.

    The API server decodes into structs, where null and absent are one.

    Args:
        value: what to clean.
        known: a value known to be clean; branches shared with it are not looked at.
    """
    return _cleaned(value, known, _is_null)


def as_stored(value: Any, known: Any = None) -> Any:
    """A value less the object keys that hold null or an empty list, neither of which is stored.

    Args:
        value: what to clean.
        known: a value known to be clean; branches shared with it are not looked at.
    """
    return _cleaned(value, known, _is_nothing)


def _is_null(value: Any) -> bool:
    return value is None


def _is_nothing(value: Any) -> bool:
    return value is None or value == []


def _cleaned(value: Any, known: Any, is_absent: Callable[[Any], bool]) -> Any:
    if value is known:
        return value
    if is_map(value):
        near = known if is_map(known) else {}
        kept = {
            key: _cleaned(item, near.get(key), is_absent)
            for key, item in value.items()
            if not is_absent(item)
        }
        return shared(kept, value)
    if is_list(value):
        near = known if is_list(known) else ()
        cleaned = [
            _cleaned(item, other, is_absent)
            for item, other in itertools.zip_longest(value, near[: len(value)])
        ]
        return shared_list(cleaned, value)
    return value
