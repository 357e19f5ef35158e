# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Server-side apply held to what the API server's own library was recorded to do.

golden/main.go recorded golden/apply.jsonl; it says how to do that again.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import applied, kinds, ownership, refusals, trees

_FILE = pathlib.Path(__file__).parent / 'golden' / 'apply.jsonl'
_SCENARIOS: list[dict[str, Any]] = [
    json.loads(line) for line in _FILE.read_text(encoding='utf-8').splitlines()
]


@pytest.mark.parametrize('scenario', _SCENARIOS, ids=lambda scenario: scenario['name'])
def test_does_what_the_api_server_does(scenario: dict[str, Any]) -> None:
    kind = kinds.BY_NAME['StatefulSet']
    live: trees.Tree = {**kind.blank, 'metadata': {}}
    shares: ownership.Shares = {}
    for number, step in enumerate(scenario['steps'], 1):
        if 'error' in step:
            with pytest.raises((refusals.Refused, applied.Unreadable)) as caught:
                _write(step, kind, live, shares)
            assert str(caught.value) in step['error'], f'step {number}'
            continue
        live, shares = _write(step, kind, live, shares)
        assert _content(live) == _content(step['outcome']), f'step {number}'
        assert _owners(ownership.render(shares)) == _owners(
            step['outcome']['metadata'].get('managedFields', [])
        ), f'step {number}'


def _write(
    step: dict[str, Any], kind: kinds.Kind, live: trees.Tree, shares: ownership.Shares
) -> tuple[trees.Tree, ownership.Shares]:
    operation = ownership.APPLY if step['operation'] == 'apply' else ownership.UPDATE
    manager = ownership.Manager(step['manager'], operation, kind.api_version)
    writer = ownership.Writer(manager, kind.shape, {}, 'now')
    if operation == ownership.UPDATE:
        return step['object'], ownership.update(live, step['object'], shares, writer)
    applied.check(step['object'], kind.shape)
    force = step.get('force', False)
    live, shares = ownership.apply(live, step['object'], shares, writer, force=force)
    return _as_go_holds_it(live), shares


def _as_go_holds_it(obj: trees.Tree) -> trees.Tree:
    """An object with the fields that the server's structs cannot leave out."""
    spec = trees.branch(obj, 'spec')
    spec = trees.with_defaults(spec, selector=None, serviceName='', template={}, updateStrategy={})
    template = trees.with_defaults(spec['template'], metadata={}, spec={})
    pod = trees.with_defaults(template['spec'], containers=None)
    for field in ('containers', 'initContainers'):
        pod = trees.mapped_items(
            pod, field, lambda container: trees.with_defaults(container, resources={})
        )
    spec = {**spec, 'template': {**template, 'spec': pod}}
    return {**trees.with_defaults(obj, status={'replicas': 0}), 'spec': spec}


def _content(value: Any) -> Any:
    """A value less what is empty, which Go sometimes writes and sometimes does not."""
    if trees.is_list(value):
        return [_content(item) for item in value]
    if not trees.is_map(value):
        return value
    inner = {
        key: _content(item)
        for key, item in value.items()
        if key not in ('managedFields', 'status')
    }
    return {key: item for key, item in inner.items() if item not in (None, {}, '')}


def _owners(entries: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Any, bool]]:
    return {
        (entry['manager'], entry['operation']): (entry['fieldsV1'], 'time' in entry)
        for entry in entries
    }
