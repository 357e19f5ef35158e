# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Which fields a manager owns, and whether an object holds what a manifest says.

A path is a tuple of steps: a field name, or the key of an item of a keyed list written as the API
server writes it in ``managedFields`` (``k:{"name":"plex"}``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from ._quantity import InvalidQuantityError, parse_quantity

Path: TypeAlias = tuple[str, ...]

# The lists inside a pod template that the API server merges by key; all others are one value.
LIST_KEYS: Final[Mapping[str, str]] = {
    'containers': 'name',
    'volumes': 'name',
    'volumeMounts': 'mountPath',
    'env': 'name',
}
_QUANTITY_PARENTS: Final = frozenset({'limits', 'requests'})
_QUANTITY_FIELDS: Final = frozenset({'sizeLimit'})


def wished(manifest: Mapping[str, Any]) -> frozenset[Path]:
    """Return the paths that applying ``manifest`` makes its manager own.

    The identity of the object (apiVersion, kind, name, namespace) is owned by nobody.
    """
    body = {key: manifest[key] for key in manifest if key not in ('apiVersion', 'kind')}
    meta = cast('Mapping[str, Any]', body.pop('metadata', {}))
    rest = {key: meta[key] for key in meta if key not in ('name', 'namespace')}
    return frozenset(_leaves({'metadata': rest, **body} if rest else body))


def owned(live: Mapping[str, Any], manager: str) -> frozenset[Path]:
    """Return the paths that ``manager`` owns on a live object through server-side apply."""
    entries = cast('Sequence[Mapping[str, Any]]', live['metadata'].get('managedFields') or ())
    return frozenset(
        path
        for entry in entries
        if entry.get('manager') == manager
        and entry.get('operation') == 'Apply'
        and not entry.get('subresource')
        for path in _fields_v1(cast('Mapping[str, Any]', entry.get('fieldsV1') or {}))
    )


def holds(live: Any, wanted: Any, name: str = '', parent: str = '') -> bool:
    """Tell whether ``live`` has every value of ``wanted``, whatever else it has.

    Quantities are compared by value: the API server writes ``1024Mi`` back as ``1Gi``.
    """
    if isinstance(wanted, Mapping):
        items = cast('Mapping[str, Any]', wanted)
        return isinstance(live, Mapping) and all(
            key in live and holds(cast('Any', live)[key], items[key], key, name) for key in items
        )
    if name in LIST_KEYS:
        return _list_holds(live or [], cast('Sequence[Any]', wanted), LIST_KEYS[name])
    if parent in _QUANTITY_PARENTS or name in _QUANTITY_FIELDS or name in _QUANTITY_PARENTS:
        return _same_quantity(live, wanted)
    return live == wanted


def _list_holds(live: Sequence[Any], wanted: Sequence[Any], key: str) -> bool:
    by_key = {item.get(key): item for item in live}
    return all(item[key] in by_key and holds(by_key[item[key]], item) for item in wanted)


def _same_quantity(live: Any, wanted: Any) -> bool:
    try:
        return parse_quantity(str(live)) == parse_quantity(str(wanted))
    except InvalidQuantityError:
        return live == wanted


def _leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    name = path[-1] if path else ''
    if isinstance(value, Mapping) and value:
        for key, child in cast('Mapping[str, Any]', value).items():
            yield from _leaves(child, (*path, key))
    elif name in LIST_KEYS:
        for item in cast('Sequence[Mapping[str, Any]]', value):
            key = LIST_KEYS[name]
            yield from _leaves(item, (*path, _item(key, item[key])))
    elif path:
        yield path


def _item(key: str, value: Any) -> str:
    return 'k:' + json.dumps({key: value}, separators=(',', ':'))


def _fields_v1(fields: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """Walk the API server's notation: ``f:`` a field, ``k:`` a list item, ``.`` itself."""
    children = {key: child for key, child in fields.items() if key != '.'}
    if not children and path:
        yield path
    for key, child in children.items():
        step = key.removeprefix('f:')
        if key.startswith('k:'):
            step = 'k:' + json.dumps(json.loads(key[2:]), separators=(',', ':'))
        yield from _fields_v1(cast('Mapping[str, Any]', child), (*path, step))
