# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What to do next about the volume, decided from what is wanted and what is there.

Pure functions. The rules that keep a library safe are all here, and each holds whatever the
options say:

- A claim or a volume is never deleted. (Removal asks Kubernetes to, see storage_removal.)
- An object that is not ours is never written to.
- What cannot be changed in place is not changed at all: the operator is told how to set it back.
- Nothing is offered before it is known to work, and what was offered stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import storage_names
from charmarr_lib.kubernetes import Kind, Manifest, claims, parse_quantity
from storage_options import EVERY_NODE, AccessMode, Backend, StorageOptions
from storage_state import (
    Change,
    Conclude,
    Create,
    DropRuns,
    Seen,
    StartCheck,
    Step,
    Trouble,
    Wanted,
    last_good,
)


def next_step(wanted: Wanted, seen: Seen) -> Step | Trouble | None:
    """Return the next thing to do, or why it cannot be done, or None when all is as wanted."""
    return next(_steps(wanted, seen), None)


def _steps(wanted: Wanted, seen: Seen) -> Iterator[Step | Trouble]:
    if wanted.backend is Backend.EXISTING_CLAIM:
        yield from _their_claim(wanted, seen.claim)
    else:
        yield from _our_claim(wanted, seen)
    yield from _check(wanted, seen)
    yield from _size(wanted, seen)


def _offered_another(wanted: Wanted) -> Iterator[Trouble]:
    for other in sorted(wanted.offered - {wanted.claim}):
        yield Trouble(
            f'backend-type and claim-name cannot change while related applications mount {other};'
            ' set them back, or remove the relations first'
        )


def _their_claim(wanted: Wanted, claim: claims.Claim | None) -> Iterator[Trouble]:
    name, mode = wanted.claim, wanted.options.access_mode
    yield from _offered_another(wanted)
    if claim is None:
        yield Trouble(
            f'claim-name: there is no PersistentVolumeClaim {name}'
            f' in namespace {wanted.names.namespace}'
        )
        return
    yield from _going(claim)
    if not claim.is_filesystem:
        yield Trouble(f'claim-name: {name} is a raw device; it has to be a Filesystem volume')
    if mode not in claim.access_modes:
        offers = ' and '.join(claim.access_modes)
        yield Trouble(f'access-mode: {name} offers {offers}, not {mode}')


def _our_claim(wanted: Wanted, seen: Seen) -> Iterator[Step | Trouble]:
    claim = seen.claim
    if claim is not None:
        yield from _not_ours(wanted, 'PersistentVolumeClaim', claim.name, claim.labels)
        if not claim.is_going:
            yield from _ties(wanted, claim)
        yield from _immutable(wanted, claim)
    yield from _offered_another(wanted)
    if wanted.backend.is_static:
        yield from _volume(wanted, seen)
    if claim is not None:
        yield from _going(claim)
        return
    if wanted.backend is Backend.STORAGE_CLASS:
        yield from _usable_class(wanted, seen.classes)
    yield Create(Kind.PERSISTENT_VOLUME_CLAIM, _new_claim(wanted))


def _not_ours(
    wanted: Wanted, kind: str, name: str, labels: Mapping[str, str]
) -> Iterator[Trouble]:
    if wanted.names.are_on(labels):
        return
    owner = labels.get(storage_names.MODEL), labels.get(storage_names.NAME)
    theirs = f'belongs to {owner[0]}/{owner[1]}' if all(owner) else 'was not made by this charm'
    yield Trouble(f'{kind} {name} {theirs}; deploy under another application name')


def _going(claim: claims.Claim) -> Iterator[Trouble]:
    if claim.is_going:
        yield Trouble(
            f'PersistentVolumeClaim {claim.name} is being deleted, and lives as long as pods use'
            ' it; copy what you need'
        )
    if claim.phase is claims.Phase.LOST:
        yield Trouble(f'PersistentVolumeClaim {claim.name} has lost its volume {claim.volume}')


def _ties(wanted: Wanted, claim: claims.Claim) -> Iterator[Step]:
    """Keep the claim from going with the application, and say whether it ever may."""
    kept = [each for each in claim.owners if not _is_own_set(each, wanted.names.app)]
    if len(kept) < len(claim.owners):
        yield _claim_change(claim, metadata={'ownerReferences': kept or None})
    may_go = wanted.options.cleanup_on_remove and not wanted.has_consumers
    if may_go != (storage_names.DELETABLE in claim.annotations):
        mark = {storage_names.DELETABLE: 'true' if may_go else None}
        yield _claim_change(claim, metadata={'annotations': mark})


def _is_own_set(reference: Mapping[str, Any], app: str) -> bool:
    return reference.get('kind') == 'StatefulSet' and reference.get('name') == app


def _immutable(wanted: Wanted, claim: claims.Claim) -> Iterator[Trouble]:
    options, was = wanted.options, claim.annotations
    backend = was.get(storage_names.BACKEND, options.backend_type)
    if backend != options.backend_type:
        yield _fixed(wanted, 'backend-type', backend, claim)
    elif options.backend_type is Backend.STORAGE_CLASS:
        chosen = was.get(storage_names.CLASS, '')
        if options.storage_class not in (chosen, claim.storage_class):
            yield _fixed(wanted, 'storage-class', chosen, claim)
    if options.access_mode not in claim.access_modes and claim.access_modes:
        yield _fixed(wanted, 'access-mode', claim.access_modes[0], claim)


def _fixed(wanted: Wanted, option: str, was: str, claim: claims.Claim | None = None) -> Trouble:
    """Say that an option cannot change any more, and how to set it back."""
    names = wanted.names
    setting = f'{option}={was}' if was else f'--reset {option}'
    text = f'{option} cannot change once there is a volume; run: juju config {names.app} {setting}'
    if claim is not None and claim.phase is claims.Phase.PENDING and not wanted.has_consumers:
        text += (
            f' - or, as it holds nothing yet: kubectl delete pvc {claim.name}'
            f' --namespace {names.namespace}'
        )
    return Trouble(text)


def _volume(wanted: Wanted, seen: Seen) -> Iterator[Step | Trouble]:
    volume, claim = seen.volume, seen.claim
    if volume is None:
        node = _node(wanted, seen.nodes)
        found = {each['metadata']['name']: claims.hostname(each) for each in seen.nodes}
        if isinstance(node, Trouble):
            yield node
        else:
            yield _new_volume(wanted, claim, node, found.get(node, ''))
        return
    yield from _not_ours(wanted, 'PersistentVolume', volume.name, volume.labels)
    yield from _sound(wanted, volume)
    yield from _other_source(wanted, volume)
    is_anothers = volume.claim_uid and (claim is None or volume.claim_uid != claim.uid)
    # While it says Bound, the volume controller has not let go of it yet.
    if is_anothers and volume.phase != 'Bound':
        yield _readopt(wanted, volume, claim)
    if volume.mount_options != wanted.options.mount_options:
        options = list(wanted.options.mount_options) or None
        yield _volume_change(volume, spec={'mountOptions': options})


def _sound(wanted: Wanted, volume: claims.Volume) -> Iterator[Trouble]:
    if volume.is_going:
        yield Trouble(
            f'PersistentVolume {volume.name} is being deleted; its files stay, and it is made anew'
            ' once it is gone'
        )
    if volume.phase == 'Failed':
        yield Trouble(f'PersistentVolume {volume.name} failed: {claims.one_line(volume.message)}')
    if volume.claim not in (None, (wanted.names.namespace, wanted.names.claim)):
        yield Trouble(f'PersistentVolume {volume.name} is kept for {"/".join(volume.claim or ())}')


def _other_source(wanted: Wanted, volume: claims.Volume) -> Iterator[Trouble]:
    """Say which option would move the volume elsewhere."""
    for option, is_at, should_be in _places(wanted.options, volume):
        if is_at == should_be:
            continue
        trouble = _fixed(wanted, option, is_at)
        if volume.phase in ('Released', 'Available'):
            freed = (
                f' - or forget the old place, whose files stay: kubectl delete pv {volume.name}'
            )
            trouble = dataclasses.replace(trouble, text=trouble.text + freed)
        yield trouble


def _places(options: StorageOptions, volume: claims.Volume) -> Iterator[tuple[str, str, str]]:
    """Yield each option that says where the files are: its name, what it was, what it is."""
    if options.backend_type is Backend.NATIVE_NFS:
        nfs: Mapping[str, str] = volume.source.get('nfs') or {}
        yield 'nfs-server', nfs.get('server', ''), options.nfs_server
        yield 'nfs-path', nfs.get('path', ''), options.nfs_path
        return
    folder: Mapping[str, str] = volume.source.get('hostPath') or {}
    yield 'hostpath', folder.get('path', ''), options.hostpath
    if options.hostpath_node:
        node = volume.annotations.get(storage_names.NODE, '')
        yield 'hostpath-node', node, options.hostpath_node


def _readopt(wanted: Wanted, volume: claims.Volume, claim: claims.Claim | None) -> Change:
    """Free a volume from a claim that is gone, for the claim that has its place.

    The reference keeps namespace and name: they reserve the volume. The uid of the old claim is
    what keeps it Released, and null is what takes it away. A claim that was bound to it before
    knows it again only by its own uid.
    """
    uid = claim.uid if claim is not None else None
    spec: Manifest = {'claimRef': {'uid': uid, 'resourceVersion': None}}
    if claim is None:
        spec['capacity'] = {'storage': wanted.options.size}
    return _volume_change(volume, spec=spec)


def _node(wanted: Wanted, nodes: Sequence[Manifest]) -> str | Trouble:
    """Return the name of the node that has the folder."""
    option = wanted.options.hostpath_node
    if wanted.backend is not Backend.HOSTPATH or option == EVERY_NODE:
        return option
    known = [each['metadata']['name'] for each in nodes]
    if option and option not in known:
        return Trouble(f'hostpath-node: there is no node {option}; there is {_some(known)}')
    if not option and len(known) != 1:
        return Trouble(
            f'hostpath-node: name the node that has the folder ({_some(known)}),'
            f' or {EVERY_NODE} if all have it'
        )
    return option or known[0]


def _usable_class(wanted: Wanted, classes: Sequence[Manifest]) -> Iterator[Trouble]:
    known = [each['metadata']['name'] for each in classes]
    option, app = wanted.options.storage_class, wanted.names.app
    if option and option not in known:
        yield Trouble(f'storage-class: there is no StorageClass {option}; there is {_some(known)}')
    if not option and claims.default_class(classes) is None:
        yield Trouble(
            'no StorageClass is marked default; name one'
            f' ({_some(known)}): juju config {app} storage-class=NAME'
        )


def _some(names: Sequence[str]) -> str:
    """List names in a status line, however many there are."""
    listed = sorted(names)
    return ', '.join([*listed[:5], *(['...'] if len(listed) > 5 else [])]) or 'none'


def _check(wanted: Wanted, seen: Seen) -> Iterator[Step]:
    claim, run = seen.claim, seen.run
    if claim is None or seen.waits_for_consumer:
        # A Job would bind the volume to whatever node it happens to run on.
        return
    if run is not None and run.ended and run.answer is None:
        yield Conclude(run)
    if run is None or run.key != wanted.subject(claim).key or run.tells_nothing:
        yield start_check(wanted, seen, claim)
    elif len(seen.runs) > 1:
        yield DropRuns(tuple(each.name for each in seen.runs[:-1]))


def start_check(wanted: Wanted, seen: Seen, claim: claims.Claim) -> StartCheck:
    """Return the step that runs the check anew."""
    run = seen.run
    return StartCheck(
        number=run.number + 1 if run is not None else 1,
        subject=wanted.subject(claim),
        last_good=last_good(seen),
        previous=run.answer if run is not None and run.tells_nothing else None,
        mounts_once=AccessMode.MANY not in claim.access_modes,
    )


def _size(wanted: Wanted, seen: Seen) -> Iterator[Step | Trouble]:
    size, claim, volume = wanted.options.size, seen.claim, seen.volume
    if wanted.backend.is_static and volume is not None:
        has, change = volume.capacity, _volume_change(volume, {'capacity': {'storage': size}})
    elif wanted.backend is Backend.STORAGE_CLASS and claim is not None and claim.is_bound:
        requests = {'resources': {'requests': {'storage': size}}}
        has, change = claim.requested, _claim_change(claim, requests)
    else:
        return
    back = f'run: juju config {wanted.names.app} size={has}'
    if parse_quantity(size) < parse_quantity(has):
        yield Trouble(f'size: a volume cannot shrink, and this one has {has}; {back}')
    elif parse_quantity(size) > parse_quantity(has):
        yield dataclasses.replace(change, remedy=f'size stays {has}; {back}')


def _claim_change(
    claim: claims.Claim, spec: Manifest | None = None, metadata: Manifest | None = None
) -> Change:
    patch = _versioned(claim.version, spec, metadata)
    return Change(Kind.PERSISTENT_VOLUME_CLAIM, claim.name, patch)


def _volume_change(volume: claims.Volume, spec: Manifest) -> Change:
    return Change(Kind.PERSISTENT_VOLUME, volume.name, _versioned(volume.version, spec, None))


def _versioned(version: str, spec: Manifest | None, metadata: Manifest | None) -> Manifest:
    patch: Manifest = {'metadata': {**(metadata or {}), 'resourceVersion': version}}
    return {**patch, 'spec': spec} if spec else patch


def _new_claim(wanted: Wanted) -> Manifest:
    options, names = wanted.options, wanted.names
    is_static = options.backend_type.is_static
    annotations = {storage_names.BACKEND: str(options.backend_type)}
    if not is_static:
        annotations[storage_names.CLASS] = options.storage_class
    return claims.claim_manifest(
        names.claim,
        access_mode=options.access_mode,
        size=options.size,
        # Static volumes have no class, and must not get the default one.
        storage_class='' if is_static else options.storage_class or None,
        volume=names.volume if is_static else '',
        labels=names.labels,
        annotations=annotations,
    )


def _new_volume(wanted: Wanted, claim: claims.Claim | None, node: str, hostname: str) -> Create:
    options, names = wanted.options, wanted.names
    is_nfs = options.backend_type is Backend.NATIVE_NFS
    manifest = claims.volume_manifest(
        names.volume,
        _source(options),
        access_mode=options.access_mode,
        size=options.size,
        claim=(names.namespace, names.claim),
        claim_uid=claim.uid if claim is not None else '',
        mount_options=options.mount_options,
        node=hostname,
        labels=names.labels,
        annotations={} if is_nfs else {storage_names.NODE: node},
    )
    return Create(Kind.PERSISTENT_VOLUME, manifest)


def _source(options: StorageOptions) -> Manifest:
    if options.backend_type is Backend.NATIVE_NFS:
        return {'nfs': {'server': options.nfs_server, 'path': options.nfs_path}}
    # Never created: a disk that is not mounted would become an empty library on the wrong disk.
    return {'hostPath': {'path': options.hostpath, 'type': 'Directory'}}
