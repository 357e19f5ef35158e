# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the API server refuses, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightkube
import pytest
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim
from lightkube.resources.core_v1 import Pod as PodResource
from lightkube.resources.storage_v1 import StorageClass
from lightkube.types import PatchType

from charmarr_lib.testing.kubernetes import KubernetesFake, Refused, kinds, trees

Wish = Callable[[dict[str, Any]], dict[str, Any]]
Send = Callable[..., Any]


def _causes(error: lightkube.ApiError) -> list[tuple[str | None, str | None, str | None]]:
    details = error.status.details
    assert details is not None
    return [(cause.reason, cause.field, cause.message) for cause in details.causes or []]


def _claim(name: str = 'media', **spec: Any) -> dict[str, Any]:
    wanted = {
        'accessModes': ['ReadWriteMany'],
        'resources': {'requests': {'storage': '10Gi'}},
        **spec,
    }
    metadata = {'name': name, 'namespace': 'media'}
    return {'kind': 'PersistentVolumeClaim', 'metadata': metadata, 'spec': wanted}


def _grown(size: str) -> dict[str, Any]:
    return {'spec': {'resources': {'requests': {'storage': size}}}}


@pytest.mark.usefixtures('deployed')
@pytest.mark.parametrize(
    ('workload', 'field', 'message'),
    [
        (
            {'volumeMounts': [{'name': 'nope', 'mountPath': '/data'}]},
            'volumeMounts[0].name',
            'Not found: "nope"',
        ),
        (
            {'ports': [{'containerPort': 70000}]},
            'ports[0].containerPort',
            'Invalid value: 70000: must be between 1 and 65535, inclusive',
        ),
        ({'image': ''}, 'image', 'Required value'),
        (
            {'resources': {'requests': {'gpu.intel.com/i915': '1'}}},
            'resources.limits',
            'Required value: Limit must be set for non overcommitable resources',
        ),
    ],
)
def test_pods_that_could_not_run_are_refused(
    client: lightkube.Client,
    pod_wish: Wish,
    workload: dict[str, Any],
    field: str,
    message: str,
) -> None:
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(StatefulSet, 'plex', pod_wish({'containers': [{'name': 'plex', **workload}]}))
    where = f'spec.template.spec.containers[1].{field}'
    assert caught.value.status.code == 422
    assert caught.value.status.reason == 'Invalid'
    assert caught.value.status.message == (
        f'StatefulSet.apps "plex" is invalid: {where}: {message}'
    )
    assert [(cause[1], cause[2]) for cause in _causes(caught.value)] == [(where, message)]


@pytest.mark.usefixtures('deployed')
def test_one_path_cannot_be_mounted_twice(client: lightkube.Client, plex: dict[str, Any]) -> None:
    workload = plex['spec']['template']['spec']['containers'][1]
    workload['volumeMounts'].append({'name': 'charm-data', 'mountPath': '/config'})
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(StatefulSet, 'plex', plex, patch_type=PatchType.MERGE)
    assert _causes(caught.value) == [
        (
            'FieldValueInvalid',
            'spec.template.spec.containers[1].volumeMounts[3].mountPath',
            'Invalid value: "/config": must be unique',
        )
    ]


def test_names_are_unique_over_all_containers(fake: KubernetesFake, plex: dict[str, Any]) -> None:
    pod = plex['spec']['template']['spec']
    pod['initContainers'][0]['name'] = 'plex'
    pod['volumes'] *= 2
    with pytest.raises(Refused) as caught:
        fake.add(plex)
    assert [cause['field'] for cause in caught.value.body['details']['causes']] == [
        'spec.template.spec.volumes[2].name',
        'spec.template.spec.initContainers[0].name',
    ]
    assert {cause['reason'] for cause in caught.value.body['details']['causes']} == {
        'FieldValueDuplicate'
    }


def test_volume_has_one_source(fake: KubernetesFake, plex: dict[str, Any]) -> None:
    plex['spec']['template']['spec']['volumes'][0]['hostPath'] = {'path': '/x'}
    with pytest.raises(Refused, match='may not specify more than 1 volume type'):
        fake.add(plex)


def test_selector_matches_the_template(fake: KubernetesFake, plex: dict[str, Any]) -> None:
    plex['spec']['selector'] = {'matchLabels': {'app': 'other'}}
    with pytest.raises(Refused, match='`selector` does not match template `labels`'):
        fake.add(plex)


def test_empty_objects_lack_what_is_required(fake: KubernetesFake) -> None:
    with pytest.raises(Refused) as caught:
        fake.add({'kind': 'StatefulSet', 'metadata': {'name': 'x', 'namespace': 'm'}})
    assert [cause['field'] for cause in caught.value.body['details']['causes']] == [
        'spec.selector',
        'spec.template.metadata.labels',
        'spec.template.spec.containers',
    ]


@pytest.mark.parametrize('name', ['Media', 'media_1', '-media', 'media.', 'x' * 254])
def test_object_names_are_dns_names(fake: KubernetesFake, name: str) -> None:
    with pytest.raises(Refused) as caught:
        fake.add(_claim(name))
    assert caught.value.code == 422
    assert [cause['field'] for cause in caught.value.body['details']['causes']] == [
        'metadata.name'
    ]


def test_an_object_needs_a_name(fake: KubernetesFake) -> None:
    with pytest.raises(Refused, match='name or generateName is required'):
        fake.add(_claim(''))


def test_label_values_are_checked(fake: KubernetesFake) -> None:
    labelled = trees.graft(_claim(), 'not a label', 'metadata', 'labels', 'app')
    with pytest.raises(Refused, match=r'metadata\.labels: Invalid value: "not a label": a valid'):
        fake.add(labelled)


def test_quantities_are_read(send: Send, fake: KubernetesFake) -> None:
    path = '/api/v1/namespaces/media/persistentvolumeclaims'
    answer = send('POST', path, _claim(resources={'requests': {'storage': '10 GB'}}))
    assert answer.status_code == 400
    assert answer.json()['message'] == (
        'PersistentVolumeClaim in version "v1" cannot be handled as a PersistentVolumeClaim: '
        'quantities must match the regular expression '
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )
    assert fake.list('PersistentVolumeClaim') == []


def test_a_claim_asks_for_storage(fake: KubernetesFake) -> None:
    with pytest.raises(Refused, match=r'spec\.resources\[storage\]: Required value'):
        fake.add(_claim(resources={}))
    with pytest.raises(Refused, match='must be greater than zero'):
        fake.add(_claim(resources={'requests': {'storage': '0'}}))
    with pytest.raises(Refused, match='Unsupported value: "ReadWriteAll"'):
        fake.add(_claim(accessModes=['ReadWriteAll']))


def test_values_of_the_wrong_type_cannot_be_read(send: Send, plex: dict[str, Any]) -> None:
    plex['spec']['template']['spec']['containers'] = {'name': 'plex'}
    answer = send('POST', '/apis/apps/v1/namespaces/media/statefulsets', plex)
    assert answer.status_code == 400
    assert 'StatefulSet.spec.template.spec.containers' in answer.json()['message']


def test_object_and_path_must_agree(send: Send) -> None:
    path = '/api/v1/namespaces/media/persistentvolumeclaims'
    wrong_version = send('POST', path, {**_claim(), 'apiVersion': 'v2'})
    assert wrong_version.json()['message'] == (
        'the API version in the data (v2) does not match the expected API version (v1)'
    )
    wrong_kind = send('POST', path, {**_claim(), 'kind': 'Pod'})
    elsewhere = send('POST', path, trees.graft(_claim(), 'other', 'metadata', 'namespace'))
    assert elsewhere.json()['message'] == (
        'the namespace of the provided object does not match the namespace sent on the request'
    )
    send('POST', path, _claim())
    renamed = send('PUT', f'{path}/media', _claim('other'))
    assert renamed.json()['message'] == (
        'the name of the object (other) does not match the name on the URL (media)'
    )
    codes = {answer.status_code for answer in (wrong_version, wrong_kind, elsewhere, renamed)}
    assert codes == {400}


class TestClaims:
    @pytest.fixture(autouse=True)
    def bound(self, fake: KubernetesFake) -> None:
        for name, expands in (('fixed', False), ('elastic', True)):
            metadata = {'name': name}
            fake.add(
                {
                    'kind': 'StorageClass',
                    'metadata': metadata,
                    'provisioner': 'x',
                    'allowVolumeExpansion': expands,
                }
            )
            claim = _claim(name, storageClassName=name, volumeName=f'pv-{name}')
            status = {'phase': 'Bound', 'capacity': {'storage': '10Gi'}}
            fake.add({**claim, 'status': status})

    def test_grow_where_the_class_allows_it(self, client: lightkube.Client) -> None:
        grown = client.patch(PersistentVolumeClaim, 'elastic', _grown('20Gi'))
        assert grown.spec is not None
        assert grown.spec.resources is not None
        assert grown.spec.resources.requests == {'storage': '20Gi'}

    def test_do_not_grow_where_it_does_not(self, client: lightkube.Client) -> None:
        with pytest.raises(lightkube.ApiError) as caught:
            client.patch(PersistentVolumeClaim, 'fixed', _grown('20Gi'))
        assert (caught.value.status.code, caught.value.status.reason) == (403, 'Forbidden')
        assert caught.value.status.message == (
            'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be '
            'resized and the storageclass that provisions the pvc must support resize'
        )

    def test_do_not_shrink(self, client: lightkube.Client) -> None:
        with pytest.raises(lightkube.ApiError) as caught:
            client.patch(PersistentVolumeClaim, 'elastic', _grown('5Gi'))
        assert _causes(caught.value) == [
            (
                'FieldValueForbidden',
                'spec.resources.requests.storage',
                'Forbidden: field can not be less than status.capacity',
            )
        ]

    def test_keep_everything_else(self, client: lightkube.Client) -> None:
        change = {'spec': {'accessModes': ['ReadWriteOnce']}}
        with pytest.raises(lightkube.ApiError) as caught:
            client.patch(PersistentVolumeClaim, 'elastic', change)
        rule, _, difference = (caught.value.status.message or '').partition('\n')
        assert rule == (
            'PersistentVolumeClaim "elastic" is invalid: spec: Forbidden: spec is immutable after '
            'creation except resources.requests and volumeAttributesClassName for bound claims'
        )
        assert '-  "ReadWriteMany"\n+  "ReadWriteOnce"' in difference

    def test_are_not_resized_before_they_are_bound(
        self, client: lightkube.Client, fake: KubernetesFake
    ) -> None:
        fake.add(_claim('waiting', storageClassName='elastic'))
        with pytest.raises(lightkube.ApiError, match='spec is immutable') as caught:
            client.patch(PersistentVolumeClaim, 'waiting', _grown('20Gi'))
        assert caught.value.status.code == 422

    def test_get_a_volume_once(self, client: lightkube.Client, fake: KubernetesFake) -> None:
        fake.add(_claim('late', storageClassName=''))
        client.patch(PersistentVolumeClaim, 'late', {'spec': {'volumeName': 'pv'}})
        with pytest.raises(lightkube.ApiError, match='spec is immutable'):
            client.patch(PersistentVolumeClaim, 'late', {'spec': {'volumeName': 'other'}})


def test_source_of_a_volume_stays(client: lightkube.Client, fake: KubernetesFake) -> None:
    spec = {
        'accessModes': ['ReadWriteMany'],
        'capacity': {'storage': '1Ti'},
        'nfs': {'server': 'nas', 'path': '/media'},
    }
    fake.add({'kind': 'PersistentVolume', 'metadata': {'name': 'nas'}, 'spec': spec})
    client.patch(PersistentVolume, 'nas', {'spec': {'capacity': {'storage': '2Ti'}}})
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(PersistentVolume, 'nas', {'spec': {'nfs': {'path': '/other'}}})
    assert (caught.value.status.message or '').startswith(
        'PersistentVolume "nas" is invalid: spec.persistentvolumesource: Forbidden: '
        'spec.persistentvolumesource is immutable after creation\n'
    )


def test_a_volume_has_one_source(fake: KubernetesFake) -> None:
    volume: dict[str, Any] = {'kind': 'PersistentVolume', 'metadata': {'name': 'nas'}, 'spec': {}}
    with pytest.raises(Refused) as caught:
        fake.add(volume)
    assert [cause['field'] for cause in caught.value.body['details']['causes']] == [
        'spec.accessModes',
        'spec.capacity',
        'spec.capacity',
        'spec',
    ]


def test_template_of_a_job_stays(client: lightkube.Client, fake: KubernetesFake) -> None:
    pod = {'restartPolicy': 'Never', 'containers': [{'name': 'c', 'image': 'i'}]}
    job = {
        'kind': 'Job',
        'metadata': {'name': 'chown', 'namespace': 'media'},
        'spec': {'template': {'spec': pod}},
    }
    added = fake.add(job)
    uid = added['metadata']['uid']
    key = 'batch.kubernetes.io/controller-uid'
    assert added['spec']['selector'] == {'matchLabels': {key: uid}}
    assert added['spec']['template']['metadata']['labels'][key] == uid
    change = {'spec': {'template': {'spec': {'containers': [{'name': 'c', 'image': 'j'}]}}}}
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(Job, 'chown', change)
    reason, field, message = _causes(caught.value)[0]
    assert (reason, field) == ('FieldValueInvalid', 'spec.template')
    assert (message or '').endswith(': field is immutable')
    client.patch(Job, 'chown', {'spec': {'suspend': True}})


def test_a_job_says_when_to_restart(fake: KubernetesFake) -> None:
    spec = {'template': {'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}}
    with pytest.raises(Refused, match='valid values: "OnFailure", "Never"'):
        fake.add({'kind': 'Job', 'metadata': {'name': 'j', 'namespace': 'm'}, 'spec': spec})


def test_pods_change_little(client: lightkube.Client, fake: KubernetesFake) -> None:
    spec = {'containers': [{'name': 'c', 'image': 'i'}]}
    fake.add({'kind': 'Pod', 'metadata': {'name': 'p', 'namespace': 'media'}, 'spec': spec})
    image = {'spec': {'containers': [{'name': 'c', 'image': 'j'}]}}
    client.patch(PodResource, 'p', image)
    with pytest.raises(lightkube.ApiError, match='pod updates may not change fields other than'):
        client.patch(PodResource, 'p', {'spec': {'hostNetwork': True}})


def test_storage_classes_keep_what_they_provision(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    fake.add({'kind': 'StorageClass', 'metadata': {'name': 's'}, 'provisioner': 'x'})
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(StorageClass, 's', {'provisioner': 'y', 'reclaimPolicy': 'Retain'})
    assert [cause[1] for cause in _causes(caught.value)] == ['provisioner', 'reclaimPolicy']
    assert '[provisioner: Invalid value: "y": field is immutable, ' in (
        caught.value.status.message or ''
    )


def test_sealed_secrets_stay(send: Send, fake: KubernetesFake) -> None:
    secret = {
        'kind': 'Secret',
        'metadata': {'name': 's', 'namespace': 'm'},
        'immutable': True,
        'data': {'a': 'YQ=='},
    }
    fake.add(secret)
    change = {**secret, 'data': {'a': 'Yg=='}}
    answer = send('PUT', '/api/v1/namespaces/m/secrets/s', change)
    assert answer.json()['message'] == (
        'Secret "s" is invalid: data: Forbidden: field is immutable when `immutable` is set'
    )


def test_services_name_their_ports(fake: KubernetesFake) -> None:
    ports = [{'port': 80}, {'port': 80, 'name': 'b'}]
    service = {'kind': 'Service', 'metadata': {'name': 's', 'namespace': 'm'}}
    with pytest.raises(Refused) as caught:
        fake.add({**service, 'spec': {'ports': ports}})
    assert [cause['field'] for cause in caught.value.body['details']['causes']] == [
        'spec.ports[0].name',
        'spec.ports[1]',
    ]


def _broken_pod(**container: Any) -> dict[str, Any]:
    containers = [{'name': 'c', 'image': 'i', **container}]
    return {'kind': 'Pod', 'spec': {'containers': containers, 'volumes': [{'name': 'v'}]}}


def _broken_set(plex: dict[str, Any], value: Any, *path: str) -> dict[str, Any]:
    return trees.graft(plex, value, 'spec', *path)


_LIMITS = {'limits': {'g.pu/a': '1'}, 'requests': {'g.pu/a': '2'}}
_SERVICE = {'kind': 'Service', 'spec': {'ports': [{'port': 0}]}}
_TWICE = [{'name': 'a', 'port': 1}, {'name': 'a', 'port': 2}]
_MOUNTS = 'spec.containers[0].volumeMounts[0]'


@pytest.mark.parametrize(
    ('obj', 'field'),
    [
        (_broken_pod(name=''), 'spec.containers[0].name'),
        (_broken_pod(name='Big'), 'spec.containers[0].name'),
        (_broken_pod(env=[{'value': '1'}]), 'spec.containers[0].env[0].name'),
        (_broken_pod(volumeMounts=[{'mountPath': '/a'}]), f'{_MOUNTS}.name'),
        (_broken_pod(volumeMounts=[{'name': 'v'}]), f'{_MOUNTS}.mountPath'),
        (_broken_pod(ports=[{'name': 'a'}]), 'spec.containers[0].ports[0].containerPort'),
        (
            _broken_pod(ports=[{'name': 'a', 'containerPort': port} for port in (1, 2)]),
            'spec.containers[0].ports[1].name',
        ),
        (_broken_pod(resources=_LIMITS), 'spec.containers[0].resources.requests'),
        ({'kind': 'StorageClass'}, 'provisioner'),
        ({'kind': 'Service'}, 'spec.ports'),
        (_SERVICE, 'spec.ports[0].port'),
        ({'kind': 'Service', 'spec': {'ports': _TWICE}}, 'spec.ports[1].name'),
        ({'kind': 'Event', 'involvedObject': {'namespace': 'x'}}, 'involvedObject.namespace'),
        ({'kind': 'Secret', 'metadata': {'annotations': {'a b': ''}}}, 'metadata.annotations'),
        ({'kind': 'Secret', 'metadata': {'labels': {'a b': ''}}}, 'metadata.labels'),
        ({'kind': 'Namespace', 'metadata': {'name': 'a.b'}}, 'metadata.name'),
        ({'kind': 'Service', 'metadata': {'name': '1'}, **_SERVICE}, 'metadata.name'),
    ],
)
def test_first_complaint_is_about_the_field(
    fake: KubernetesFake, obj: dict[str, Any], field: str
) -> None:
    metadata = {'name': 'x', **obj.get('metadata', {})}
    if kinds.BY_NAME[obj['kind']].namespaced:
        metadata['namespace'] = 'm'
    with pytest.raises(Refused) as caught:
        fake.add({**obj, 'metadata': metadata})
    assert caught.value.body['details']['causes'][0]['field'] == field


@pytest.mark.parametrize(
    ('value', 'path', 'field'),
    [
        ({}, ('selector',), 'spec.selector'),
        (-1, ('replicas',), 'spec.replicas'),
        ('Never', ('template', 'spec', 'restartPolicy'), 'spec.template.spec.restartPolicy'),
        (
            [{'name': 'charm-data', 'persistentVolumeClaim': {}}],
            ('template', 'spec', 'volumes'),
            'spec.template.spec.volumes[1].persistentVolumeClaim.claimName',
        ),
        (
            [{'name': 'charm-data', 'hostPath': {}}],
            ('template', 'spec', 'volumes'),
            'spec.template.spec.volumes[1].hostPath.path',
        ),
    ],
)
def test_stateful_set_is_refused_for_one_field(
    fake: KubernetesFake, plex: dict[str, Any], value: Any, path: tuple[str, ...], field: str
) -> None:
    with pytest.raises(Refused) as caught:
        fake.add(_broken_set(plex, value, *path))
    causes = caught.value.body['details']['causes']
    assert causes[0]['field'] == field
    # What mounts a volume that is refused does not find it.
    assert {cause['reason'] for cause in causes[1:]} <= {'FieldValueNotFound'}
