# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""JSON patch and merge patch, by the examples of their RFCs and by laws."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charmarr_lib.testing.kubernetes import patches

_law = settings(max_examples=50, deadline=None)
_keys = st.sampled_from(['a', 'b', 'a/b', 'm~n', ''])
_scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.text('xy', max_size=2)
_json: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=12,
)
_objects = st.dictionaries(_keys, _json, max_size=3)


@pytest.mark.parametrize(
    ('document', 'patch', 'result'),
    [
        ({'a': 'b'}, {'a': 'c'}, {'a': 'c'}),
        ({'a': 'b'}, {'b': 'c'}, {'a': 'b', 'b': 'c'}),
        ({'a': 'b'}, {'a': None}, {}),
        ({'a': 'b', 'b': 'c'}, {'a': None}, {'b': 'c'}),
        ({'a': ['b']}, {'a': 'c'}, {'a': 'c'}),
        ({'a': 'c'}, {'a': ['b']}, {'a': ['b']}),
        ({'a': {'b': 'c'}}, {'a': {'b': 'd', 'c': None}}, {'a': {'b': 'd'}}),
        ({'a': [{'b': 'c'}]}, {'a': [1]}, {'a': [1]}),
        (['a', 'b'], ['c', 'd'], ['c', 'd']),
        ({'a': 'b'}, ['c'], ['c']),
        ({'e': None}, {'a': 1}, {'e': None, 'a': 1}),
        ([1, 2], {'a': 'b', 'c': None}, {'a': 'b'}),
        ({}, {'a': {'bb': {'ccc': None}}}, {'a': {'bb': {}}}),
    ],
)
def test_merge_patch_does_what_its_rfc_shows(document: Any, patch: Any, result: Any) -> None:
    assert patches.merge(document, patch) == result


@_law
@given(_json, _json)
def test_merging_twice_is_merging_once(document: Any, patch: Any) -> None:
    before = copy.deepcopy(document)
    once = patches.merge(document, patch)
    assert patches.merge(once, patch) == once
    assert document == before


@pytest.mark.parametrize(
    ('document', 'operations', 'result'),
    [
        ({'a': 1}, [{'op': 'add', 'path': '/b', 'value': 2}], {'a': 1, 'b': 2}),
        ([1, 3], [{'op': 'add', 'path': '/1', 'value': 2}], [1, 2, 3]),
        ([1], [{'op': 'add', 'path': '/-', 'value': [2]}], [1, [2]]),
        ({'a': 1, 'b': 2}, [{'op': 'remove', 'path': '/a'}], {'b': 2}),
        ([1, 2, 3], [{'op': 'remove', 'path': '/1'}], [1, 3]),
        ({'a': 1}, [{'op': 'replace', 'path': '/a', 'value': None}], {'a': None}),
        ([1, 2], [{'op': 'replace', 'path': '/0', 'value': 9}], [9, 2]),
        (
            {'a': {'b': 1}, 'c': {}},
            [{'op': 'move', 'from': '/a/b', 'path': '/c/d'}],
            {'a': {}, 'c': {'d': 1}},
        ),
        ([1, 2, 3, 4], [{'op': 'move', 'from': '/1', 'path': '/3'}], [1, 3, 4, 2]),
        ({'a': [1]}, [{'op': 'copy', 'from': '/a', 'path': '/b'}], {'a': [1], 'b': [1]}),
        (
            {'a/b': {'m~n': 1}},
            [{'op': 'test', 'path': '/a~1b/m~0n', 'value': 1}],
            {'a/b': {'m~n': 1}},
        ),
        ({'a': 1}, [{'op': 'replace', 'path': '', 'value': 2}], 2),
    ],
)
def test_json_patch_does_what_its_rfc_shows(document: Any, operations: Any, result: Any) -> None:
    assert patches.apply(document, operations) == result


@pytest.mark.parametrize(
    'operation',
    [
        {'op': 'add', 'path': '/x/y', 'value': 1},
        {'op': 'add', 'path': '/list/3', 'value': 1},
        {'op': 'add', 'path': '/list/01', 'value': 1},
        {'op': 'add', 'path': '/number/x', 'value': 1},
        {'op': 'replace', 'path': '/x', 'value': 1},
        {'op': 'replace', 'path': '/list/-', 'value': 1},
        {'op': 'remove', 'path': '/x'},
        {'op': 'remove', 'path': '/list/2'},
        {'op': 'remove', 'path': ''},
        {'op': 'move', 'from': '/x', 'path': '/y'},
        {'op': 'move', 'from': '/object', 'path': '/object/inner'},
        {'op': 'test', 'path': '/number', 'value': True},
        {'op': 'test', 'path': '/list', 'value': [1]},
        {'op': 'test', 'path': '/object', 'value': {}},
    ],
)
def test_operation_that_does_not_fit_is_refused(operation: dict[str, Any]) -> None:
    document = {'number': 1, 'list': [1, 2], 'object': {'a': 1}}
    before = copy.deepcopy(document)
    first = {'op': 'add', 'path': '/first', 'value': 1}
    with pytest.raises(patches.Unapplicable):
        patches.apply(document, [first, operation])
    assert document == before


@pytest.mark.parametrize(
    'operations',
    [
        {'op': 'add'},
        ['add'],
        [{'op': 'add', 'path': '/a'}],
        [{'path': '/a'}],
        [{'op': 'add', 'path': 'a', 'value': 1}],
    ],
)
def test_what_is_no_patch_is_refused(operations: Any) -> None:
    with pytest.raises(patches.BadPatch):
        patches.apply({}, operations)


@_law
@given(_objects, _keys, _json)
def test_what_is_added_is_found_and_can_be_taken_away(
    document: dict[str, Any], key: str, value: Any
) -> None:
    path = '/' + key.replace('~', '~0').replace('/', '~1')
    before = copy.deepcopy(document)
    added = patches.apply(document, [{'op': 'add', 'path': path, 'value': value}])
    assert patches.apply(added, [{'op': 'test', 'path': path, 'value': value}]) == added
    assert patches.apply(added, [{'op': 'add', 'path': path, 'value': value}]) == added
    removed = patches.apply(added, [{'op': 'remove', 'path': path}])
    assert removed == {name: item for name, item in document.items() if name != key}
    assert document == before
