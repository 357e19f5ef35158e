# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds that the fake API server knows: one row each.

To add a kind, add a row. What the row does not say (defaults, validation) is looked up by the
kind's name in defaults.py and validation.py, where an absent kind simply has none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from . import shapes

_ORPHAN = 'Orphan'
_BACKGROUND = 'Background'


@dataclasses.dataclass(frozen=True)
class Kind:
    """A resource type.

    Args:
        name: the kind, as in an object's ``kind``.
        group: the API group; empty for the core group.
        version: the API version in the group.
        plural: the name in paths.
        namespaced: whether objects live in a namespace.
        shape: how objects merge.
        status: whether there is a ``/status`` subresource.
        scale: whether there is a ``/scale`` subresource.
        generations: whether ``metadata.generation`` counts changes of the spec.
        protection: the finaliser that admission puts on a new object.
        orphans: whether a plain delete leaves dependents alone, as it does for a Job.
        returned: whether a delete answers with the object that is gone, not with a Status.
        blank: what the server holds before a create: the fields that its Go structs cannot leave
            out. Their keys are never recorded as added by the creator.
        select: the fields, besides name and namespace, that a field selector may name.
    """

    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    shape: shapes.Shape = shapes.OPEN
    status: bool = False
    scale: bool = False
    generations: bool = False
    protection: str = ''
    orphans: bool = False
    returned: bool = False
    blank: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    select: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` of objects."""
        return f'{self.group}/{self.version}' if self.group else self.version

    @property
    def resource(self) -> str:
        """The name used in messages about the resource, such as ``statefulsets.apps``."""
        return f'{self.plural}.{self.group}' if self.group else self.plural

    @property
    def qualified(self) -> str:
        """The name used in messages about an object, such as ``StatefulSet.apps``."""
        return f'{self.name}.{self.group}' if self.group else self.name

    @property
    def default_propagation(self) -> str:
        """What happens to dependents when a delete does not say."""
        return _ORPHAN if self.orphans else _BACKGROUND


def _shape(**fields: shapes.Shape) -> shapes.Shape:
    return shapes.struct(metadata=shapes.METADATA, **fields)


# The one list of which the server's schema has no empty key.
_SECRETS = dataclasses.replace(shapes.keyed('name', item=shapes.ATOMIC), key_defaults={})

_COUNTED = shapes.Shape(form=shapes.Form.SET)

_STATEFUL_SET = Kind(
    'StatefulSet',
    'apps',
    'v1',
    'statefulsets',
    shape=_shape(
        spec=shapes.struct(selector=shapes.ATOMIC, template=shapes.POD_TEMPLATE),
        status=shapes.struct(conditions=shapes.CONDITIONS),
    ),
    status=True,
    scale=True,
    generations=True,
    blank={
        'spec': {
            'selector': None,
            'serviceName': '',
            'template': {'metadata': {}, 'spec': {'containers': None}},
            'updateStrategy': {},
        },
        'status': {'availableReplicas': 0, 'replicas': 0},
    },
)

_CLAIM = Kind(
    'PersistentVolumeClaim',
    '',
    'v1',
    'persistentvolumeclaims',
    returned=True,
    shape=_shape(
        spec=shapes.CLAIM_SPEC,
        status=shapes.struct(
            capacity=shapes.DICTIONARY,
            allocatedResources=shapes.DICTIONARY,
            allocatedResourceStatuses=shapes.DICTIONARY,
            conditions=shapes.CONDITIONS,
        ),
    ),
    status=True,
    protection='kubernetes.io/pvc-protection',
    blank={'spec': {'resources': {}}, 'status': {}},
)

_VOLUME = Kind(
    'PersistentVolume',
    '',
    'v1',
    'persistentvolumes',
    namespaced=False,
    returned=True,
    shape=_shape(
        spec=shapes.struct(
            capacity=shapes.DICTIONARY,
            csi=shapes.struct(
                volumeAttributes=shapes.DICTIONARY,
                controllerExpandSecretRef=shapes.ATOMIC,
                controllerPublishSecretRef=shapes.ATOMIC,
                nodeExpandSecretRef=shapes.ATOMIC,
                nodePublishSecretRef=shapes.ATOMIC,
                nodeStageSecretRef=shapes.ATOMIC,
            ),
            nodeAffinity=shapes.struct(required=shapes.ATOMIC),
        ),
    ),
    status=True,
    protection='kubernetes.io/pv-protection',
    blank={'spec': {}, 'status': {}},
)

_POD = Kind(
    'Pod',
    '',
    'v1',
    'pods',
    returned=True,
    shape=_shape(
        spec=shapes.POD_SPEC,
        status=shapes.struct(
            conditions=shapes.CONDITIONS,
            podIPs=shapes.keyed('ip'),
            hostIPs=shapes.patched_only('ip'),
            resourceClaimStatuses=shapes.keyed('name'),
        ),
    ),
    status=True,
    generations=True,
    blank={'spec': {'containers': None}, 'status': {}},
    select=(
        'spec.nodeName',
        'spec.restartPolicy',
        'spec.schedulerName',
        'spec.serviceAccountName',
        'spec.hostNetwork',
        'status.phase',
        'status.podIP',
        'status.nominatedNodeName',
    ),
)

_JOB = Kind(
    'Job',
    'batch',
    'v1',
    'jobs',
    shape=_shape(
        spec=shapes.struct(selector=shapes.ATOMIC, template=shapes.POD_TEMPLATE),
        status=shapes.struct(
            conditions=shapes.patched_only('type'),
            uncountedTerminatedPods=shapes.struct(
                failed=_COUNTED,
                succeeded=_COUNTED,
            ),
        ),
    ),
    status=True,
    generations=True,
    orphans=True,
    blank={
        'spec': {'template': {'metadata': {}, 'spec': {'containers': None}}},
        'status': {},
    },
    select=('status.successful',),
)

_EVENT = Kind(
    'Event',
    '',
    'v1',
    'events',
    shape=_shape(involvedObject=shapes.ATOMIC, related=shapes.ATOMIC),
    blank={
        'involvedObject': {},
        'source': {},
        'eventTime': None,
        'firstTimestamp': None,
        'lastTimestamp': None,
        'reportingComponent': '',
        'reportingInstance': '',
    },
    select=(
        'involvedObject.kind',
        'involvedObject.namespace',
        'involvedObject.name',
        'involvedObject.uid',
        'involvedObject.apiVersion',
        'involvedObject.resourceVersion',
        'involvedObject.fieldPath',
        'reason',
        'reportingComponent',
        'source',
        'type',
    ),
)

_STORAGE_CLASS = Kind(
    'StorageClass',
    'storage.k8s.io',
    'v1',
    'storageclasses',
    namespaced=False,
    returned=True,
    shape=_shape(parameters=shapes.DICTIONARY),
    blank={'provisioner': ''},
)

_SERVICE = Kind(
    'Service',
    '',
    'v1',
    'services',
    returned=True,
    shape=_shape(
        spec=shapes.struct(
            ports=shapes.keyed('port', 'protocol', protocol='TCP'), selector=shapes.ATOMIC
        ),
        status=shapes.struct(conditions=shapes.CONDITIONS),
    ),
    status=True,
    blank={'spec': {}, 'status': {'loadBalancer': {}}},
    select=('spec.clusterIP', 'spec.type'),
)

_NODE = Kind(
    'Node',
    '',
    'v1',
    'nodes',
    namespaced=False,
    shape=_shape(
        spec=shapes.struct(podCIDRs=shapes.SET),
        status=shapes.struct(
            addresses=shapes.keyed('type'),
            allocatable=shapes.DICTIONARY,
            capacity=shapes.DICTIONARY,
            conditions=shapes.CONDITIONS,
        ),
    ),
    status=True,
    blank={'spec': {}, 'status': {}},
    select=('spec.unschedulable',),
)

_SECRET = Kind(
    'Secret',
    '',
    'v1',
    'secrets',
    shape=_shape(data=shapes.DICTIONARY, stringData=shapes.DICTIONARY),
    select=('type',),
)

_CONFIG_MAP = Kind(
    'ConfigMap',
    '',
    'v1',
    'configmaps',
    shape=_shape(data=shapes.DICTIONARY, binaryData=shapes.DICTIONARY),
)

_SERVICE_ACCOUNT = Kind(
    'ServiceAccount',
    '',
    'v1',
    'serviceaccounts',
    returned=True,
    shape=_shape(secrets=_SECRETS),
)

_NAMESPACE = Kind(
    'Namespace',
    '',
    'v1',
    'namespaces',
    namespaced=False,
    shape=_shape(status=shapes.struct(conditions=shapes.CONDITIONS)),
    status=True,
    blank={'spec': {}, 'status': {}},
    select=('status.phase',),
)

ALL = (
    _STATEFUL_SET,
    _CLAIM,
    _VOLUME,
    _POD,
    _JOB,
    _EVENT,
    _STORAGE_CLASS,
    _SERVICE,
    _NODE,
    _SECRET,
    _CONFIG_MAP,
    _SERVICE_ACCOUNT,
    _NAMESPACE,
)

BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in ALL})
BY_PATH: Mapping[tuple[str, str, str], Kind] = MappingProxyType(
    {(kind.group, kind.version, kind.plural): kind for kind in ALL}
)
