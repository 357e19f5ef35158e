# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the server fills in, and the form in which it returns what it is given."""

from __future__ import annotations

from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import KubernetesFake, quantities


def _pod(fake: KubernetesFake, **spec: Any) -> dict[str, Any]:
    containers = [{'name': 'c', 'image': 'i:1', **spec.pop('container', {})}]
    metadata = {'name': 'p', 'namespace': 'm'}
    return fake.add(
        {'kind': 'Pod', 'metadata': metadata, 'spec': {'containers': containers, **spec}}
    )['spec']


def test_stateful_set(deployed: dict[str, Any]) -> None:
    spec = deployed['spec']
    assert spec['updateStrategy'] == {'type': 'RollingUpdate', 'rollingUpdate': {'partition': 0}}
    assert (spec['revisionHistoryLimit'], spec['podManagementPolicy']) == (10, 'Parallel')
    assert spec['persistentVolumeClaimRetentionPolicy'] == {
        'whenDeleted': 'Retain',
        'whenScaled': 'Retain',
    }
    template = spec['volumeClaimTemplates'][0]
    assert (template['kind'], template['spec']['volumeMode']) == (
        'PersistentVolumeClaim',
        'Filesystem',
    )
    assert template['spec']['resources'] == {'requests': {'storage': '1Gi'}}
    charm = spec['template']['spec']['containers'][0]
    assert charm['resources']['limits'] == {'memory': '1Gi'}
    assert charm['livenessProbe']['httpGet']['scheme'] == 'HTTP'
    variables = spec['template']['spec']['initContainers'][0]['env']
    assert variables[1]['valueFrom']['fieldRef']['apiVersion'] == 'v1'
    assert spec['template']['spec']['serviceAccount'] == 'plex'


def test_replicas(fake: KubernetesFake, plex: dict[str, Any]) -> None:
    del plex['spec']['replicas']
    assert fake.add(plex)['spec']['replicas'] == 1


def test_volumes_of_a_pod(fake: KubernetesFake) -> None:
    volumes = [
        {'name': 'none'},
        {'name': 'scratch', 'emptyDir': {'sizeLimit': '2048Mi'}},
        {'name': 'host', 'hostPath': {'path': '/dev/dri'}},
        {'name': 'files', 'configMap': {'name': 'x'}},
    ]
    assert _pod(fake, volumes=volumes)['volumes'] == [
        {'name': 'none', 'emptyDir': {}},
        {'name': 'scratch', 'emptyDir': {'sizeLimit': '2Gi'}},
        {'name': 'host', 'hostPath': {'path': '/dev/dri', 'type': ''}},
        {'name': 'files', 'configMap': {'name': 'x', 'defaultMode': 420}},
    ]


def test_containers_of_a_pod(fake: KubernetesFake) -> None:
    container = {'ports': [{'containerPort': 1}], 'readinessProbe': {'exec': {'command': ['x']}}}
    found = _pod(fake, container=container)['containers'][0]
    assert found['ports'] == [{'containerPort': 1, 'protocol': 'TCP'}]
    assert found['readinessProbe']['periodSeconds'] == 10
    assert (found['imagePullPolicy'], found['resources']) == ('IfNotPresent', {})


@pytest.mark.parametrize(
    ('image', 'policy'),
    [
        ('plex', 'Always'),
        ('host:5000/plex', 'Always'),
        ('plex:latest', 'Always'),
        ('plex:1', 'IfNotPresent'),
        ('plex@sha256:0', 'IfNotPresent'),
    ],
)
def test_pull_policy_follows_the_tag(fake: KubernetesFake, image: str, policy: str) -> None:
    assert _pod(fake, container={'image': image})['containers'][0]['imagePullPolicy'] == policy


def test_claims_get_the_newest_default_class(fake: KubernetesFake, clock: Any) -> None:
    for name in ('b-old', 'a-new'):
        annotations = {'storageclass.kubernetes.io/is-default-class': 'true'}
        metadata = {'name': name, 'annotations': annotations}
        added = fake.add({'kind': 'StorageClass', 'metadata': metadata, 'provisioner': 'x'})
        assert (added['reclaimPolicy'], added['volumeBindingMode']) == ('Delete', 'Immediate')
        clock.advance(minutes=1)
    spec = {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '1024Mi'}}}
    claim = {'kind': 'PersistentVolumeClaim', 'spec': spec}
    added = fake.add({**claim, 'metadata': {'name': 'a', 'namespace': 'm'}})
    assert added['spec'] == {
        **spec,
        'storageClassName': 'a-new',
        'volumeMode': 'Filesystem',
        'resources': {'requests': {'storage': '1Gi'}},
    }
    static = {**claim, 'spec': {**spec, 'storageClassName': ''}}
    added = fake.add({**static, 'metadata': {'name': 'b', 'namespace': 'm'}})
    assert added['spec']['storageClassName'] == ''


def test_what_admission_adds_is_owned_by_nobody(fake: KubernetesFake) -> None:
    annotations = {'storageclass.kubernetes.io/is-default-class': 'true'}
    metadata = {'name': 'default', 'annotations': annotations}
    fake.add({'kind': 'StorageClass', 'metadata': metadata, 'provisioner': 'x'})
    spec = {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '1Gi'}}}
    claim = {'kind': 'PersistentVolumeClaim', 'metadata': {'name': 'a', 'namespace': 'm'}}
    added = fake.add({**claim, 'spec': spec})
    assert added['metadata']['finalizers'] == ['kubernetes.io/pvc-protection']
    assert added['metadata']['managedFields'][0]['fieldsV1'] == {
        'f:spec': {
            'f:accessModes': {},
            'f:resources': {'f:requests': {'.': {}, 'f:storage': {}}},
            'f:volumeMode': {},
        }
    }


def test_volumes(fake: KubernetesFake) -> None:
    spec = {
        'accessModes': ['ReadWriteMany'],
        'capacity': {'storage': '1000G'},
        'hostPath': {'path': '/media'},
    }
    added = fake.add({'kind': 'PersistentVolume', 'metadata': {'name': 'v'}, 'spec': spec})
    assert added['spec'] == {
        'accessModes': ['ReadWriteMany'],
        'capacity': {'storage': '1T'},
        'hostPath': {'path': '/media', 'type': ''},
        'persistentVolumeReclaimPolicy': 'Retain',
        'volumeMode': 'Filesystem',
    }


@pytest.mark.parametrize(
    ('given', 'stored'),
    [
        ('1024Mi', '1Gi'),
        ('1000Mi', '1000Mi'),
        ('1536Mi', '1536Mi'),
        ('0.5Gi', '512Mi'),
        ('1.5Gi', '1536Mi'),
        ('512', '512'),
        ('1024', '1024'),
        ('1000', '1k'),
        ('0.1', '100m'),
        ('0.5', '500m'),
        ('1500m', '1500m'),
        ('2000m', '2'),
        ('1e3', '1e3'),
        ('12E', '12E'),
        ('1000G', '1T'),
        ('0', '0'),
        ('0Gi', '0'),
        ('512Ki', '512Ki'),
        (4, '4'),
        ('0.0000000001', '1n'),
        ('1.25', '1250m'),
        ('1.250', '1.250'),
        ('0.250', '250m'),
        ('-5', '-5'),
        (' 1Gi ', '1Gi'),
        ('15e1', '150'),
    ],
)
def test_quantities_are_canonical(given: Any, stored: str) -> None:
    assert quantities.canonical(given) == stored
    assert quantities.canonical(stored) == stored


@pytest.mark.parametrize('text', ['', 'Gi', '1 Gi', '1GiB', '1K', '1.2.3', '1e', 'ten', '1Mi3'])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='quantities must match'):
        quantities.canonical(text)


def test_services_of_every_type(fake: KubernetesFake) -> None:
    def add(name: str, **spec: Any) -> dict[str, Any]:
        metadata = {'name': name, 'namespace': 'm'}
        return fake.add({'kind': 'Service', 'metadata': metadata, 'spec': spec})['spec']

    plain = add('plain', ports=[{'port': 80}])
    assert plain['ports'] == [{'port': 80, 'protocol': 'TCP', 'targetPort': 80}]
    assert (plain['type'], plain['sessionAffinity']) == ('ClusterIP', 'None')
    ports = [{'port': 80, 'name': 'a'}, {'port': 81, 'name': 'b'}]
    balanced = add('balanced', type='LoadBalancer', ports=ports)
    numbers = [port['nodePort'] for port in balanced['ports']]
    assert len(set(numbers)) == 2
    assert all(30000 <= number <= 32767 for number in numbers)
    assert balanced['clusterIP'] != plain['clusterIP']
    named = add('named', type='ExternalName', externalName='plex.example')
    assert 'clusterIP' not in named


def test_only_rolling_updates_have_a_partition(fake: KubernetesFake, plex: dict[str, Any]) -> None:
    plex['spec']['updateStrategy'] = {'type': 'OnDelete'}
    assert fake.add(plex)['spec']['updateStrategy'] == {'type': 'OnDelete'}
