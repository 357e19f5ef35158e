# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Who owns which field: ``metadata.managedFields`` on updates and on server-side apply."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from . import applied, comparison, fieldsets, refusals, shapes, trees

APPLY = 'Apply'
UPDATE = 'Update'

# Fields that every request carries or the server fills in: nobody owns them.
_NOBODYS = fieldsets.from_json(
    {
        'f:apiVersion': {},
        'f:kind': {},
        'f:metadata': {
            f'f:{name}': {}
            for name in (
                'name',
                'namespace',
                'creationTimestamp',
                'selfLink',
                'uid',
                'generation',
                'managedFields',
                'resourceVersion',
            )
        },
    }
)
_STRIPPED = fieldsets.union(_NOBODYS, {'f:metadata': fieldsets.LEAF})


class Manager(NamedTuple):
    """Who wrote, and how; each has one entry in managedFields.

    Args:
        name: the field manager.
        operation: `APPLY` or `UPDATE`.
        api_version: the version of the API that was used.
        subresource: the part of the object that was written; empty for the object itself.
    """

    name: str
    operation: str
    api_version: str
    subresource: str = ''


@dataclasses.dataclass(frozen=True)
class Share:
    """What one manager owns.

    Args:
        fields: the paths.
        time: when the manager last changed the object, in RFC 3339; empty where all it did was
            to claim fields that had their values already.
    """

    fields: fieldsets.FieldSet
    time: str

    @functools.cached_property
    def rendered(self) -> trees.Tree:
        """The paths as FieldsV1. Kept, as most shares outlive many versions of their object."""
        return fieldsets.to_json(self.fields)


Shares: TypeAlias = Mapping[Manager, Share]


def update(
    old: trees.Tree,
    new: trees.Tree,
    shares: Shares,
    writer: Writer,
) -> Shares:
    """The shares after a write that is not an apply: what changed belongs to the writer."""
    change = comparison.compare(bare(old), bare(new), writer.shape).less(writer.ignored)
    if not change:
        return shares
    left = _yielded(shares, writer.manager, change)
    before = left.get(writer.manager)
    owned = before.fields if before else {}
    taken = fieldsets.difference(change.changed, _STRIPPED)
    owned = fieldsets.union(fieldsets.difference(owned, change.removed), taken)
    return _with_share(left, writer, owned, touched=bool(taken))


@dataclasses.dataclass(frozen=True)
class Writer:
    """One write, as far as ownership needs it.

    Args:
        manager: who writes.
        shape: how the object merges.
        ignored: the branches that this way of writing cannot change, such as the status.
        now: the time of the write in RFC 3339.
    """

    manager: Manager
    shape: shapes.Shape
    ignored: fieldsets.FieldSet
    now: str


def _with_share(
    shares: dict[Manager, Share], writer: Writer, owned: fieldsets.FieldSet, *, touched: bool
) -> Shares:
    before = shares.get(writer.manager)
    time = writer.now if touched else before.time if before else ''
    return _nonempty({**shares, writer.manager: Share(owned, time)})


def _nonempty(shares: Shares) -> dict[Manager, Share]:
    return {manager: share for manager, share in shares.items() if share.fields}


def _yielded(
    shares: Shares, writer: Manager, change: comparison.Difference
) -> dict[Manager, Share]:
    """The shares less what others lose by a change; the writer's own stays as it is."""
    lost = fieldsets.union(change.changed, change.removed)
    left: dict[Manager, Share] = {}
    for manager, share in shares.items():
        if manager == writer:
            left[manager] = share
        elif fieldsets.intersection(share.fields, lost):
            left[manager] = Share(fieldsets.difference(share.fields, lost), share.time)
        else:
            left[manager] = share
    return _nonempty(left)


def apply(
    live: trees.Tree,
    config: trees.Tree,
    shares: Shares,
    writer: Writer,
    *,
    force: bool,
) -> tuple[trees.Tree, Shares]:
    """The object and the shares after a server-side apply.

    Raises:
        Refused: others own what would change and `force` is not set (409), or the lists of the
            object that is applied cannot be read (500).
    """
    shape = writer.shape
    live, config = bare(live), bare(config)
    last = shares.get(writer.manager)
    claim = fieldsets.less_branches(comparison.claimed(config, shape), writer.ignored)
    owned = {**shares, writer.manager: Share(claim, last.time if last else '')}
    merged = applied.merge(live, config, shape)
    if last is not None and fieldsets.difference(last.fields, claim):
        merged = _pruned(merged, owned, last.fields, shape)
    change = comparison.compare(live, merged, shape).less(writer.ignored)
    if not force:
        _refuse_conflicts(shares, writer.manager, change)
    left = _yielded(owned, writer.manager, change)
    claim = fieldsets.difference(claim, _STRIPPED)
    shares = _with_share(left, writer, claim, touched=merged != live)
    return trees.without_nulls(merged, live), shares


def _pruned(
    merged: trees.Tree, owned: Shares, last: fieldsets.FieldSet, shape: shapes.Shape
) -> trees.Tree:
    """The object without what its manager applied before and nobody owns now."""
    kept: fieldsets.FieldSet = {}
    for share in owned.values():
        kept = fieldsets.union(kept, fieldsets.projected(share.fields, last))
    gone = _abandoned(fieldsets.with_parents(last), kept)
    pruned: trees.Tree = applied.remove(merged, gone, shape) or {}
    return pruned


def _abandoned(before: fieldsets.FieldSet, kept: fieldsets.FieldSet) -> fieldsets.FieldSet:
    """The topmost paths of a set that are not kept.

    What lies in a list item that nobody owns goes with it, even where it has an owner.
    """
    gone: fieldsets.FieldSet = {}
    for key, node in before.items():
        if key == fieldsets.HERE:
            continue
        owned = kept.get(key, {})
        inner = _abandoned(node, owned) if fieldsets.HERE in owned else node
        if inner:
            gone[key] = inner
    return gone


def _refuse_conflicts(shares: Shares, writer: Manager, change: comparison.Difference) -> None:
    conflicts: list[tuple[Manager, str]] = []
    for manager, share in sorted(shares.items()):
        if manager != writer:
            contested = fieldsets.intersection(share.fields, change.changed)
            conflicts += [(manager, path) for path in fieldsets.paths(contested)]
    if conflicts:
        causes = [
            {
                'reason': 'FieldManagerConflict',
                'message': f'conflict with {_introduced(manager)}',
                'field': path,
            }
            for manager, path in conflicts
        ]
        raise refusals.owned_by_others(_conflict_text(conflicts), causes)


def _conflict_text(conflicts: list[tuple[Manager, str]]) -> str:
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        return f'Apply failed with 1 conflict: conflict with {_introduced(manager)}: {path}'
    lines: list[str] = []
    for manager in dict.fromkeys(manager for manager, _ in conflicts):
        lines.append(f'conflicts with {_introduced(manager)}:')
        lines += [f'- {path}' for owner, path in conflicts if owner == manager]
    return f'Apply failed with {len(conflicts)} conflicts: ' + '\n'.join(lines)


def _introduced(manager: Manager) -> str:
    text = json.dumps(manager.name)
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    if manager.operation == UPDATE:
        text += f' using {manager.api_version}'
    return text


def bare(obj: trees.Tree) -> trees.Tree:
    """An object without its managedFields."""
    return trees.without(obj, 'metadata', 'managedFields') if 'metadata' in obj else obj


def render(shares: Shares) -> list[trees.Tree]:
    """The shares as metadata.managedFields, in the API server's order."""
    ordered = sorted(shares.items(), key=_rank)
    return [_entry(manager, share) for manager, share in ordered]


def _rank(entry: tuple[Manager, Share]) -> tuple[str, ...]:
    manager, share = entry
    return manager.operation, share.time, manager.name, manager.api_version, manager.subresource


def _entry(manager: Manager, share: Share) -> trees.Tree:
    entry: trees.Tree = {
        'manager': manager.name,
        'operation': manager.operation,
        'apiVersion': manager.api_version,
        'time': share.time,
        'fieldsType': 'FieldsV1',
        'fieldsV1': share.rendered,
        'subresource': manager.subresource,
    }
    return {key: value for key, value in entry.items() if value != ''}


def parse(entries: Iterable[Any]) -> Shares:
    """The shares that managedFields tells of."""
    return {
        Manager(
            entry.get('manager', ''),
            entry.get('operation', ''),
            entry.get('apiVersion', ''),
            entry.get('subresource', ''),
        ): Share(fieldsets.from_json(entry.get('fieldsV1', {})), entry.get('time', ''))
        for entry in entries
        if entry
    }
