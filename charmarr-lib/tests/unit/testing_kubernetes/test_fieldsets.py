# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Sets of field paths, and the schema that merging goes by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charmarr_lib.testing.kubernetes import fieldsets, kinds, selectors, strategic

_law = settings(max_examples=50, deadline=None)
_elements = st.sampled_from(['f:a', 'f:b', 'k:{"name":"x"}', 'v:"y"'])
_nodes: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.just({}),
    lambda inner: st.dictionaries(_elements | st.just('.'), inner, min_size=1, max_size=3).map(
        lambda node: {key: {} if key == '.' else value for key, value in node.items()}
    ),
    max_leaves=8,
)
_sets = st.dictionaries(_elements, _nodes, max_size=3).map(fieldsets.from_json)


@_law
@given(_sets)
def test_notation_is_read_back(fields: fieldsets.FieldSet) -> None:
    assert fieldsets.from_json(fieldsets.to_json(fields)) == fields


@_law
@given(_sets, _sets)
def test_sets_are_sets(left: fieldsets.FieldSet, right: fieldsets.FieldSet) -> None:
    assert _paths(fieldsets.union(left, right)) == _paths(left) | _paths(right)
    assert _paths(fieldsets.difference(left, right)) == _paths(left) - _paths(right)
    assert _paths(fieldsets.intersection(left, right)) == _paths(left) & _paths(right)


def _paths(fields: fieldsets.FieldSet) -> set[str]:
    return set(fieldsets.paths(fields))


@_law
@given(_sets, _sets)
def test_projection_is_a_part_of_the_whole(
    fields: fieldsets.FieldSet, frame: fieldsets.FieldSet
) -> None:
    part = _paths(fieldsets.projected(fields, frame))
    whole = _paths(fieldsets.with_parents(fields))
    assert part <= whole
    assert whole & _paths(frame) <= part


def test_paths_are_readable() -> None:
    fields = fieldsets.from_json(
        {
            'f:ports': {'k:{"containerPort":1,"protocol":"TCP"}': {'.': {}, 'f:name': {}}},
            'f:finalizers': {'v:"a/b"': {}},
        }
    )
    assert list(fieldsets.paths(fields)) == [
        '.finalizers[="a/b"]',
        '.ports[containerPort=1,protocol="TCP"]',
        '.ports[containerPort=1,protocol="TCP"].name',
    ]


@pytest.mark.parametrize(
    'patch',
    [
        {'spec': {'template': {'spec': {'containers': [{'image': 'x'}]}}}},
        {'spec': {'template': {'spec': {'containers': [{'name': 'a', '$patch': 'nope'}]}}}},
        {'spec': {'$patch': 'nope'}},
        {'spec': {'$retainKeys': ['a'], 'b': 1}},
    ],
)
def test_bad_strategic_patches_are_refused(patch: dict[str, Any]) -> None:
    live = {'spec': {'template': {'spec': {'containers': [{'name': 'a'}]}}}}
    with pytest.raises(strategic.BadPatch):
        strategic.merge(live, patch, kinds.BY_NAME['StatefulSet'].shape)


@pytest.mark.parametrize(
    ('selector', 'fits'),
    [
        ({'matchLabels': {'a': '1'}}, True),
        ({'matchLabels': {'a': '2'}}, False),
        ({'matchExpressions': [{'key': 'a', 'operator': 'In', 'values': ['1', '2']}]}, True),
        ({'matchExpressions': [{'key': 'a', 'operator': 'NotIn', 'values': ['1']}]}, False),
        ({'matchExpressions': [{'key': 'b', 'operator': 'Exists'}]}, False),
        ({'matchExpressions': [{'key': 'b', 'operator': 'DoesNotExist'}]}, True),
    ],
)
def test_label_selector_objects(selector: dict[str, Any], fits: bool) -> None:
    assert selectors.matches(selector, {'a': '1'}) is fits
