# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server fills in, and the canonical form of what it is given.

Defaults matter to a charm that compares what it wants with what is there: a ``hostPath`` comes
back with a ``type``, ``1024Mi`` as ``1Gi``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from . import quantities, trees

_CONFIG_FILES = ('configMap', 'secret', 'downwardAPI', 'projected')
_FILE_MODE = 0o644
_NODE_INFO = (
    'architecture',
    'bootID',
    'containerRuntimeVersion',
    'kernelVersion',
    'kubeProxyVersion',
    'kubeletVersion',
    'machineID',
    'operatingSystem',
    'osImage',
    'systemUUID',
)
_PROBES = ('livenessProbe', 'readinessProbe', 'startupProbe')


def fill_in(kind: str, obj: trees.Tree) -> trees.Tree:
    """An object with the defaults of its kind.

    Raises:
        ValueError: a quantity cannot be read.
    """
    change = _DEFAULTS.get(kind)
    return change(obj) if change else obj


def pod_spec(spec: trees.Tree) -> trees.Tree:
    """A pod spec with its defaults."""
    spec = trees.with_defaults(
        spec,
        restartPolicy='Always',
        dnsPolicy='ClusterFirst',
        schedulerName='default-scheduler',
        securityContext={},
        terminationGracePeriodSeconds=30,
    )
    if 'serviceAccountName' in spec and spec.get('serviceAccount') != spec['serviceAccountName']:
        # The old name of the field is kept equal to the new one.
        spec = {**spec, 'serviceAccount': spec['serviceAccountName']}
    for key in ('initContainers', 'containers'):
        spec = trees.mapped_items(spec, key, _container)
    return trees.mapped_items(spec, 'volumes', _volume)


def _container(container: trees.Tree) -> trees.Tree:
    container = trees.with_defaults(
        container,
        terminationMessagePath='/dev/termination-log',
        terminationMessagePolicy='File',
        imagePullPolicy=_pull_policy(container.get('image')),
        resources={},
    )
    for probe in _PROBES:
        container = trees.mapped(container, probe, _probe)
    container = trees.mapped(container, 'resources', _resources)
    container = trees.mapped_items(container, 'ports', _container_port)
    container = trees.mapped_items(container, 'volumeMounts', _mount)
    return trees.mapped_items(container, 'env', _variable)


def _pull_policy(image: Any) -> str:
    name = str(image or '').rsplit('/', 1)[-1]
    fixed = '@' in name or (':' in name and not name.endswith(':latest'))
    return 'IfNotPresent' if fixed else 'Always'


def _probe(probe: trees.Tree) -> trees.Tree:
    probe = trees.with_defaults(
        probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3
    )
    return trees.mapped(probe, 'httpGet', lambda get: trees.with_defaults(get, scheme='HTTP'))


def _container_port(port: trees.Tree) -> trees.Tree:
    return trees.with_defaults(port, protocol='TCP')


def _variable(variable: trees.Tree) -> trees.Tree:
    def with_version(source: trees.Tree) -> trees.Tree:
        return trees.mapped(
            source, 'fieldRef', lambda ref: trees.with_defaults(ref, apiVersion='v1')
        )

    return trees.mapped(variable, 'valueFrom', with_version)


def _volume(volume: trees.Tree) -> trees.Tree:
    if volume.keys() <= {'name'}:
        return {**volume, 'emptyDir': {}}
    for source in _CONFIG_FILES:
        volume = trees.mapped(
            volume, source, lambda files: trees.with_defaults(files, defaultMode=_FILE_MODE)
        )
    volume = trees.mapped(volume, 'emptyDir', _empty_dir)
    return trees.mapped(volume, 'hostPath', _host_path)


def _empty_dir(source: trees.Tree) -> trees.Tree:
    return trees.mapped(source, 'sizeLimit', _quantity)


def _host_path(source: trees.Tree) -> trees.Tree:
    return trees.with_defaults(source, type='')


def _quantity(value: Any) -> Any:
    canonical = quantities.canonical(value)
    return value if value == canonical else canonical


def _amounts(amounts: Any) -> Any:
    for name in trees.branch({'': amounts}, ''):
        amounts = trees.mapped(amounts, name, _quantity)
    return amounts


def _resources(resources: trees.Tree) -> trees.Tree:
    for side in ('requests', 'limits'):
        if resources.get(side) == {}:
            resources = trees.without(resources, side)
        resources = trees.mapped(resources, side, _amounts)
    return resources


def _mount(mount: trees.Tree) -> trees.Tree:
    return trees.without(mount, 'readOnly') if mount.get('readOnly') is False else mount


def _template(template: trees.Tree) -> trees.Tree:
    template = trees.with_defaults(template, metadata={}, spec={})
    return trees.mapped(template, 'spec', pod_spec)


def _stateful_set(obj: trees.Tree) -> trees.Tree:
    return _with_spec(obj, _stateful_set_spec, replicas=0, availableReplicas=0)


def _with_spec(
    obj: trees.Tree, change: Callable[[trees.Tree], trees.Tree], **status: Any
) -> trees.Tree:
    obj = trees.mapped(trees.with_defaults(obj, spec={}, status={}), 'spec', change)
    return trees.mapped(obj, 'status', lambda old: trees.with_defaults(old, **status))


def _stateful_set_spec(spec: trees.Tree) -> trees.Tree:
    spec = trees.with_defaults(
        spec,
        podManagementPolicy='OrderedReady',
        replicas=1,
        revisionHistoryLimit=10,
        updateStrategy={},
        persistentVolumeClaimRetentionPolicy={},
        serviceName='',
        template={},
    )
    spec = trees.mapped(spec, 'updateStrategy', _update_strategy)
    spec = trees.mapped(
        spec,
        'persistentVolumeClaimRetentionPolicy',
        lambda policy: trees.with_defaults(policy, whenDeleted='Retain', whenScaled='Retain'),
    )
    spec = trees.mapped(spec, 'template', _template)
    return trees.mapped_items(spec, 'volumeClaimTemplates', _claim_template)


def _update_strategy(strategy: trees.Tree) -> trees.Tree:
    strategy = trees.with_defaults(strategy, type='RollingUpdate')
    if strategy['type'] != 'RollingUpdate':
        return strategy
    strategy = trees.with_defaults(strategy, rollingUpdate={})
    return trees.mapped(
        strategy, 'rollingUpdate', lambda rolling: trees.with_defaults(rolling, partition=0)
    )


def _claim_template(template: trees.Tree) -> trees.Tree:
    template = trees.with_defaults(template, apiVersion='v1', kind='PersistentVolumeClaim')
    return _claim(template)


def _claim(obj: trees.Tree) -> trees.Tree:
    obj = _with_spec(obj, _claim_spec, phase='Pending')
    return trees.mapped(obj, 'status', lambda status: trees.mapped(status, 'capacity', _amounts))


def _claim_spec(spec: trees.Tree) -> trees.Tree:
    spec = trees.with_defaults(spec, volumeMode='Filesystem', resources={})
    return trees.mapped(spec, 'resources', _resources)


def _persistent_volume(obj: trees.Tree) -> trees.Tree:
    return _with_spec(obj, _persistent_volume_spec, phase='Pending')


def _persistent_volume_spec(spec: trees.Tree) -> trees.Tree:
    spec = trees.with_defaults(
        spec, persistentVolumeReclaimPolicy='Retain', volumeMode='Filesystem'
    )
    spec = trees.mapped(spec, 'capacity', _amounts)
    return trees.mapped(spec, 'hostPath', _host_path)


def _pod(obj: trees.Tree) -> trees.Tree:
    return _with_spec(obj, _spec_of_pod, phase='Pending')


def _spec_of_pod(spec: trees.Tree) -> trees.Tree:
    spec = pod_spec(trees.with_defaults(spec, enableServiceLinks=True))
    for key in ('initContainers', 'containers'):
        spec = trees.mapped_items(spec, key, _with_requests)
    return spec


def _with_requests(container: trees.Tree) -> trees.Tree:
    """A container of a pod, not of a template, that asks for what it is limited to."""
    limits = trees.branch(container, 'resources', 'limits')
    asked = trees.branch(container, 'resources', 'requests')
    if limits.keys() <= asked.keys():
        return container
    return trees.graft(container, {**limits, **asked}, 'resources', 'requests')


def _job(obj: trees.Tree) -> trees.Tree:
    return _with_spec(obj, _job_spec)


def _job_spec(spec: trees.Tree) -> trees.Tree:
    if 'parallelism' not in spec:
        spec = trees.with_defaults(spec, completions=1)
    spec = trees.with_defaults(
        spec,
        parallelism=1,
        backoffLimit=6,
        completionMode='NonIndexed',
        suspend=False,
        manualSelector=False,
        podReplacementPolicy='Failed' if 'podFailurePolicy' in spec else 'TerminatingOrFailed',
        template={},
    )
    return trees.mapped(spec, 'template', _template)


def _storage_class(obj: trees.Tree) -> trees.Tree:
    return trees.with_defaults(obj, reclaimPolicy='Delete', volumeBindingMode='Immediate')


def _service(obj: trees.Tree) -> trees.Tree:
    return _with_spec(obj, _service_spec, loadBalancer={})


def _service_spec(spec: trees.Tree) -> trees.Tree:
    spec = trees.with_defaults(spec, type='ClusterIP', sessionAffinity='None')
    if spec['type'] != 'ExternalName':
        spec = trees.with_defaults(spec, internalTrafficPolicy='Cluster')
    return trees.mapped_items(spec, 'ports', _service_port)


def _service_port(port: trees.Tree) -> trees.Tree:
    port = trees.with_defaults(port, protocol='TCP')
    return trees.with_defaults(port, targetPort=port.get('port'))


def _node_status(status: trees.Tree) -> trees.Tree:
    return trees.with_defaults(
        status,
        daemonEndpoints={'kubeletEndpoint': {'Port': 0}},
        nodeInfo=dict.fromkeys(_NODE_INFO, ''),
    )


def _node(obj: trees.Tree) -> trees.Tree:
    obj = trees.with_defaults(obj, spec={}, status={})
    obj = trees.mapped(obj, 'status', _node_status)
    for side in ('capacity', 'allocatable'):
        obj = trees.mapped(
            obj, 'status', lambda status, side=side: trees.mapped(status, side, _amounts)
        )
    return obj


def _event(obj: trees.Tree) -> trees.Tree:
    return trees.with_defaults(
        obj,
        involvedObject={},
        source={},
        firstTimestamp=None,
        lastTimestamp=None,
        eventTime=None,
        reportingComponent='',
        reportingInstance='',
    )


def _secret(obj: trees.Tree) -> trees.Tree:
    """A Secret with its write-only `stringData` moved to where it can be read."""
    plain = trees.branch(obj, 'stringData')
    coded = {key: base64.b64encode(str(text).encode()).decode() for key, text in plain.items()}
    if coded:
        obj = {**obj, 'data': {**trees.branch(obj, 'data'), **coded}}
    return trees.with_defaults(trees.without(obj, 'stringData'), type='Opaque')


def _namespace(obj: trees.Tree) -> trees.Tree:
    name = trees.dig(obj, 'metadata', 'name')
    obj = trees.graft(obj, name, 'metadata', 'labels', 'kubernetes.io/metadata.name')
    return trees.with_defaults(obj, spec={}, status={'phase': 'Active'})


_DEFAULTS: dict[str, Callable[[trees.Tree], trees.Tree]] = {
    'StatefulSet': _stateful_set,
    'PersistentVolumeClaim': _claim,
    'PersistentVolume': _persistent_volume,
    'Pod': _pod,
    'Job': _job,
    'StorageClass': _storage_class,
    'Service': _service,
    'Event': _event,
    'Node': _node,
    'Secret': _secret,
    'Namespace': _namespace,
}
