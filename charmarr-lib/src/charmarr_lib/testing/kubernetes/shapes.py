# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server knows about the structure of its objects, as far as merging needs it.

Kubernetes declares for each list how a strategic merge patch matches its items
(``patchMergeKey``) and how server-side apply does (``x-kubernetes-list-map-keys``), and for some
maps that they are changed as one value (``x-kubernetes-map-type: atomic``). What is not named here
has the defaults of Kubernetes: maps merge key by key, lists are replaced whole.
The declarations are those of the public OpenAPI document of Kubernetes 1.34.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import trees


class Form(enum.Enum):
    """How server-side apply treats a value."""

    OPEN = 'open'
    """Whatever comes: an object merges by key, a list is one value."""
    STRUCT = 'struct'
    """An object whose keys are fields."""
    DICTIONARY = 'dictionary'
    """An object whose keys are data, such as labels."""
    ATOMIC = 'atomic'
    """One value, owned and replaced whole."""
    KEYED = 'keyed'
    """A list of objects told apart by some of their fields."""
    SET = 'set'
    """A list of scalars without duplicates."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """The merge rules of one place in an object.

    Args:
        form: how server-side apply treats the value.
        fields: the shapes of the keys that are not open.
        item: the shape of the items of a list.
        keys: the fields that tell items of a keyed list apart, sorted by name.
        key_defaults: what a key field counts as where an item leaves it out.
        patch_key: the field by which a strategic merge patch matches items; empty for a list
            that such a patch replaces. A set merges under strategic merge too if `patch_merges`.
        patch_merges: whether a strategic merge patch merges this list.
    """

    form: Form = Form.OPEN
    fields: Mapping[str, Shape] = dataclasses.field(default_factory=dict[str, 'Shape'])
    item: Shape | None = None
    keys: tuple[str, ...] = ()
    key_defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    patch_key: str = ''
    patch_merges: bool = False

    def field(self, name: str) -> Shape:
        """The shape of the value under a key."""
        return self.fields.get(name, OPEN)

    @property
    def items(self) -> Shape:
        """The shape of the items of a list."""
        return self.item or OPEN

    @property
    def associative(self) -> bool:
        """Whether this is a list whose items have owners of their own."""
        return self.form is Form.KEYED or self.form is Form.SET


_NUMBERS = ('containerPort', 'port')

OPEN = Shape()
ATOMIC = Shape(form=Form.ATOMIC)
DICTIONARY = Shape(form=Form.DICTIONARY)
SET = Shape(form=Form.SET, patch_merges=True)


def struct(**fields: Shape) -> Shape:
    """An object with fields; those not named are open."""
    return Shape(form=Form.STRUCT, fields=fields)


def keyed(
    *keys: str, item: Shape = OPEN, patch_key: str | None = None, **key_defaults: Any
) -> Shape:
    """A list of objects told apart by fields; a strategic patch uses the first one if not told.

    A key that an item leaves out counts as empty, as the server's schema has it.
    """
    chosen = keys[0] if patch_key is None else patch_key
    empty = {key: 0 if key in _NUMBERS else '' for key in keys}
    return Shape(
        form=Form.KEYED,
        item=item,
        keys=tuple(sorted(keys)),
        key_defaults={**empty, **key_defaults},
        patch_key=chosen,
        patch_merges=bool(chosen),
    )


def patched_only(key: str, item: Shape = OPEN) -> Shape:
    """A list that strategic merge matches by a key, but that server-side apply replaces."""
    return Shape(form=Form.ATOMIC, item=item, patch_key=key, patch_merges=True)


CONDITIONS = keyed('type')

METADATA = struct(
    labels=DICTIONARY,
    annotations=DICTIONARY,
    finalizers=SET,
    ownerReferences=keyed('uid', item=ATOMIC),
    managedFields=ATOMIC,
)

_RESOURCES = struct(limits=DICTIONARY, requests=DICTIONARY, claims=keyed('name', patch_key=''))

CLAIM_SPEC = struct(
    selector=ATOMIC,
    dataSource=ATOMIC,
    resources=struct(limits=DICTIONARY, requests=DICTIONARY),
)

_ENV_SOURCE = struct(
    fieldRef=ATOMIC,
    secretKeyRef=ATOMIC,
    configMapKeyRef=ATOMIC,
    resourceFieldRef=ATOMIC,
    fileKeyRef=ATOMIC,
)

_CONTAINER = struct(
    env=keyed('name', item=struct(valueFrom=_ENV_SOURCE)),
    ports=keyed('containerPort', 'protocol', protocol='TCP'),
    volumeMounts=keyed('mountPath'),
    volumeDevices=keyed('devicePath'),
    resources=_RESOURCES,
)

_VOLUME = struct(
    emptyDir=struct(),
    hostPath=struct(),
    csi=struct(volumeAttributes=DICTIONARY, nodePublishSecretRef=ATOMIC),
    flexVolume=struct(options=DICTIONARY, secretRef=ATOMIC),
    cephfs=struct(secretRef=ATOMIC),
    iscsi=struct(secretRef=ATOMIC),
    rbd=struct(secretRef=ATOMIC),
    storageos=struct(secretRef=ATOMIC),
    ephemeral=struct(volumeClaimTemplate=struct(metadata=METADATA, spec=CLAIM_SPEC)),
)

_NODE_AFFINITY = struct(requiredDuringSchedulingIgnoredDuringExecution=ATOMIC)

POD_SPEC = struct(
    containers=keyed('name', item=_CONTAINER),
    initContainers=keyed('name', item=_CONTAINER),
    ephemeralContainers=keyed('name', item=_CONTAINER),
    volumes=keyed('name', item=_VOLUME),
    imagePullSecrets=keyed('name', item=ATOMIC),
    hostAliases=keyed('ip'),
    nodeSelector=ATOMIC,
    affinity=struct(nodeAffinity=_NODE_AFFINITY),
    overhead=DICTIONARY,
    resourceClaims=keyed('name'),
    resources=_RESOURCES,
    schedulingGates=keyed('name'),
    topologySpreadConstraints=keyed(
        'topologyKey', 'whenUnsatisfiable', item=struct(labelSelector=ATOMIC)
    ),
)

POD_TEMPLATE = struct(metadata=METADATA, spec=POD_SPEC)


class Misfit(NamedTuple):
    """A value that is not what its place calls for.

    Args:
        path: the dotted path of the place.
        wanted: what belongs there: ``map``, ``list`` or ``scalar``.
        value: what is there.
    """

    path: str
    wanted: str
    value: Any


def misfit(value: Any, shape: Shape, known: Any = None, path: str = '') -> Misfit | None:
    """Where a value is not the object or the list that its shape calls for.

    Args:
        value: what to look at.
        shape: what it should be.
        known: a value known to fit; branches shared with it are not looked at.
        path: where the value is, for the answer.

    Returns:
        The first such place, or None.
    """
    if value is None or value is known or shape.form is Form.OPEN or shape.form is Form.ATOMIC:
        return None
    if shape.associative:
        return _misfit_in_list(value, shape, known, path)
    if not trees.is_map(value):
        return Misfit(path, 'map', value)
    if shape.form is Form.DICTIONARY:
        return None
    near = known if trees.is_map(known) else {}
    for name, inner in shape.fields.items():
        found = misfit(value.get(name), inner, near.get(name), f'{path}.{name}')
        if found is not None:
            return found
    return None


def _misfit_in_list(value: Any, shape: Shape, known: Any, path: str) -> Misfit | None:
    if not trees.is_list(value):
        return Misfit(path, 'list', value)
    near = known if trees.is_list(known) else []
    for index, item in enumerate(value):
        if trees.is_map(item) is (shape.form is Form.SET):
            wanted = 'scalar' if shape.form is Form.SET else 'map'
            return Misfit(f'{path}[{index}]', wanted, item)
        other = near[index] if index < len(near) else None
        found = misfit(item, shape.items, other, f'{path}[{index}]')
        if found is not None:
            return found
    return None
