# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The cluster's storage: claims are bound, grown and let go, and every volume has a folder."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from charmarr_lib.kubernetes import parse_quantity
from charmarr_lib.testing.kubernetes import KubernetesFake

from . import kube

DEFAULT_CLASS: Final = {
    'apiVersion': 'storage.k8s.io/v1',
    'kind': 'StorageClass',
    'metadata': {
        'name': 'standard',
        'annotations': {'storageclass.kubernetes.io/is-default-class': 'true'},
    },
    'provisioner': 'rehearsal.charmarr/folder',
    'reclaimPolicy': 'Delete',
    'volumeBindingMode': 'Immediate',
    'allowVolumeExpansion': True,
}

_SOURCES: Final = ('hostPath', 'nfs', 'csi', 'local')

Manifest = dict[str, Any]


class Volumes:
    """The volume controllers of a cluster.

    Args:
        fake: The Kubernetes API.
        namespace: Where claims are.
        folder: Where the volumes' folders go.
    """

    def __init__(self, fake: KubernetesFake, namespace: str, folder: pathlib.Path) -> None:
        self._fake = fake
        self._namespace = namespace
        self._folder = folder
        self._folders: dict[str, pathlib.Path] = {}
        self._api = kube.Api(fake, namespace, 'system:volume-controller', 'volume-controller')

    def reconcile(self) -> bool:
        """Bind, grow and release claims and volumes; tell whether anything changed."""
        moved = self._release()
        for claim in self._fake.browse('PersistentVolumeClaim', self._namespace):
            if 'deletionTimestamp' in claim['metadata']:
                continue
            if _phase(claim) == 'Bound':
                moved |= self._grow(claim)
            else:
                moved |= self._bind(claim)
        for volume in self._fake.browse('PersistentVolume'):
            if not _phase(volume):
                self._set_phase(volume, 'Available')
                moved = True
        return moved

    def _release(self) -> bool:
        going = [
            each
            for kind in ('PersistentVolumeClaim', 'PersistentVolume')
            for each in self._fake.browse(kind)
            if 'deletionTimestamp' in each['metadata']
        ]
        before = len(self._fake.browse('PersistentVolumeClaim', self._namespace))
        if going:
            self._fake.release_protection()
        moved = len(self._fake.browse('PersistentVolumeClaim', self._namespace)) != before
        for volume in self._fake.browse('PersistentVolume'):
            if _phase(volume) == 'Bound' and self._claim_of(volume) is None:
                self._let_go(volume)
                moved = True
        return moved

    def _claim_of(self, volume: Manifest) -> Manifest | None:
        reference = kube.section(volume, 'spec', 'claimRef')
        claim = self._fake.peek(
            'PersistentVolumeClaim', reference.get('name', ''), reference.get('namespace')
        )
        same = claim is not None and claim['metadata']['uid'] == reference.get('uid')
        return claim if same else None

    def _let_go(self, volume: Manifest) -> None:
        name = volume['metadata']['name']
        if volume['spec'].get('persistentVolumeReclaimPolicy') == 'Delete':
            self._api.delete('PersistentVolume', name)
            self._fake.release_protection()
        else:
            self._set_phase(volume, 'Released')

    def _bind(self, claim: Manifest) -> bool:
        volume = self._chosen(claim) or self._provision(claim)
        if volume is None:
            return self._set_pending(claim)
        name, claim_name = volume['metadata']['name'], claim['metadata']['name']
        reference = {
            'apiVersion': 'v1',
            'kind': 'PersistentVolumeClaim',
            'name': claim_name,
            'namespace': self._namespace,
            'uid': claim['metadata']['uid'],
        }
        if kube.section(volume, 'spec', 'claimRef').get('uid') != reference['uid']:
            self._api.merge('PersistentVolume', name, {'spec': {'claimRef': reference}})
        if claim['spec'].get('volumeName') != name:
            patch = {'spec': {'volumeName': name}}
            self._api.merge('PersistentVolumeClaim', claim_name, patch)
        self._set_phase(volume, 'Bound')
        self._set_bound(claim_name, volume)
        return True

    def _set_bound(self, claim: str, volume: Manifest) -> None:
        status = {
            'phase': 'Bound',
            'accessModes': volume['spec']['accessModes'],
            'capacity': volume['spec']['capacity'],
        }
        self._fake.set_status('PersistentVolumeClaim', claim, self._namespace, status)

    def _set_pending(self, claim: Manifest) -> bool:
        if _phase(claim) == 'Pending':
            return False
        name = claim['metadata']['name']
        self._fake.set_status('PersistentVolumeClaim', name, self._namespace, {'phase': 'Pending'})
        return True

    def _set_phase(self, volume: Manifest, phase: str) -> None:
        name = volume['metadata']['name']
        self._fake.set_status('PersistentVolume', name, None, {'phase': phase})

    def _chosen(self, claim: Manifest) -> Manifest | None:
        """Return a volume that is there already and may be bound to the claim."""
        wanted = claim['spec'].get('volumeName')
        fitting = [each for each in self._free(claim) if _fits(claim, each)]
        if wanted:
            fitting = [each for each in fitting if each['metadata']['name'] == wanted]
        return min(fitting, key=_capacity, default=None)

    def _free(self, claim: Manifest) -> Iterator[Manifest]:
        for volume in self._fake.browse('PersistentVolume'):
            reference = kube.section(volume, 'spec', 'claimRef')
            meant = (reference.get('namespace'), reference.get('name')) == (
                self._namespace,
                claim['metadata']['name'],
            )
            free = reference.get('uid') in (None, claim['metadata']['uid'])
            if not reference or (meant and free):
                yield volume

    def _provision(self, claim: Manifest) -> Manifest | None:
        """Make a volume for the claim, if its class exists."""
        spec = claim['spec']
        found = self._fake.peek('StorageClass', spec.get('storageClassName') or '')
        if found is None or spec.get('volumeName'):
            return None
        name = f'pvc-{claim["metadata"]["uid"]}'
        return self._fake.add(
            {
                'apiVersion': 'v1',
                'kind': 'PersistentVolume',
                'metadata': {'name': name},
                'spec': {
                    'capacity': {'storage': _requested(claim)},
                    'accessModes': spec['accessModes'],
                    'persistentVolumeReclaimPolicy': found.get('reclaimPolicy', 'Delete'),
                    'storageClassName': found['metadata']['name'],
                    'hostPath': {'path': f'/var/lib/volumes/{name}'},
                },
            },
            manager='volume-controller',
        )

    def _grow(self, claim: Manifest) -> bool:
        wanted = _requested(claim)
        present = kube.section(claim, 'status', 'capacity').get('storage', '0')
        volume = self._fake.peek('PersistentVolume', claim['spec']['volumeName'])
        if volume is None or parse_quantity(wanted) <= parse_quantity(present):
            return False
        name = volume['metadata']['name']
        self._api.merge('PersistentVolume', name, {'spec': {'capacity': {'storage': wanted}}})
        grown = self._fake.peek('PersistentVolume', name) or volume
        self._set_bound(claim['metadata']['name'], grown)
        return True

    def is_bound(self, claim: str) -> bool:
        """Tell whether a claim exists and has a volume."""
        found = self._fake.peek('PersistentVolumeClaim', claim, self._namespace)
        return found is not None and _phase(found) == 'Bound'

    def folder(self, claim: str) -> pathlib.Path:
        """Return the folder of the volume that a claim is bound to."""
        found = self._fake.peek('PersistentVolumeClaim', claim, self._namespace) or {}
        name = kube.section(found, 'spec').get('volumeName', '')
        volume = self._fake.peek('PersistentVolume', name)
        if volume is None:
            raise LookupError(f'claim {claim} is bound to no volume')
        source = {key: volume['spec'][key] for key in _SOURCES if key in volume['spec']}
        return self.folder_of(source)

    def folder_of(self, source: Mapping[str, Any]) -> pathlib.Path:
        """Return the folder of a volume source; the same source always has the same one."""
        text = json.dumps(source, sort_keys=True)
        if text not in self._folders:
            folder = self._folder / hashlib.sha256(text.encode()).hexdigest()[:16]
            folder.mkdir(parents=True)
            self._folders[text] = folder
        return self._folders[text]


def _phase(obj: Manifest) -> str:
    return kube.section(obj, 'status').get('phase', '')


def _requested(claim: Manifest) -> str:
    return claim['spec']['resources']['requests']['storage']


def _capacity(volume: Manifest) -> int:
    return int(parse_quantity(volume['spec']['capacity']['storage']))


def _fits(claim: Manifest, volume: Manifest) -> bool:
    spec = claim['spec']
    return (
        (volume['spec'].get('storageClassName') or '') == (spec.get('storageClassName') or '')
        and set(spec['accessModes']) <= set(volume['spec']['accessModes'])
        and _capacity(volume) >= int(parse_quantity(_requested(claim)))
        and _selected(kube.section(spec, 'selector'), volume)
    )


def _selected(selector: Mapping[str, Any], volume: Manifest) -> bool:
    labels = kube.section(volume, 'metadata', 'labels')
    return kube.section(selector, 'matchLabels').items() <= labels.items()
