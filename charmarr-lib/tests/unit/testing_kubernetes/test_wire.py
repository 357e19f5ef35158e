# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Watches, users, faults, and what the fake refuses to understand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import lightkube
import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import PersistentVolume, Secret
from lightkube.types import PatchType

from charmarr_lib.testing.kubernetes import Fault, KubernetesFake, UnexpectedRequest, wire

Send = Callable[..., Any]
MakeClient = Callable[..., lightkube.Client]

_SECRETS = '/api/v1/namespaces/media/secrets'
_USER = 'system:serviceaccount:media:plex'


def _secret(name: str = 's', **labels: str) -> dict[str, Any]:
    metadata = {'name': name, 'namespace': 'media', 'labels': labels}
    return {'kind': 'Secret', 'metadata': metadata}


def _watch(send: Send, **params: str) -> list[tuple[str, str]]:
    answer = send('GET', _SECRETS, params={'watch': 'true', **params})
    events = [json.loads(line) for line in answer.text.splitlines()]
    return [(event['type'], event['object']['metadata']['name']) for event in events]


def test_watch_tells_what_happened_since_a_version(send: Send, fake: KubernetesFake) -> None:
    start = fake.add(_secret('a'))['metadata']['resourceVersion']
    fake.add(_secret('b'))
    send('PATCH', f'{_SECRETS}/a', {'data': {'x': ''}}, content_type=wire.MERGE_PATCH)
    fake.remove('Secret', 'b', 'media')
    assert _watch(send, resourceVersion=start) == [
        ('ADDED', 'b'),
        ('MODIFIED', 'a'),
        ('DELETED', 'b'),
    ]
    assert _watch(send) == [('ADDED', 'a')]


def test_watch_with_a_selector_loses_what_no_longer_fits(send: Send, fake: KubernetesFake) -> None:
    start = fake.add(_secret('a', app='x'))['metadata']['resourceVersion']
    label = {'metadata': {'labels': {'app': 'y'}}}
    send('PATCH', f'{_SECRETS}/a', label, content_type=wire.MERGE_PATCH)
    assert _watch(send, resourceVersion=start, labelSelector='app=x') == [('DELETED', 'a')]
    assert _watch(send, resourceVersion=start, labelSelector='app=y') == [('ADDED', 'a')]


def test_client_watches(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.add(_secret('a'))
    event, obj = next(iter(client.watch(Secret)))
    assert obj.metadata is not None
    assert (event, obj.metadata.name) == ('ADDED', 'a')


def test_waiting_for_what_never_comes_fails_the_test(client: lightkube.Client) -> None:
    with pytest.raises(UnexpectedRequest, match='what they wait for never comes'):
        next(iter(client.watch(Secret)))


def test_user_without_the_right_is_told_so(
    make_client: MakeClient, fake: KubernetesFake, overlay: dict[str, Any]
) -> None:
    fake.authorise = lambda user, verb, kind, namespace: kind == 'Pod'
    client = make_client(_USER)
    with pytest.raises(lightkube.ApiError) as caught:
        client.get(StatefulSet, 'plex')
    assert (caught.value.status.code, caught.value.status.reason) == (403, 'Forbidden')
    assert caught.value.status.message == (
        f'statefulsets.apps "plex" is forbidden: User "{_USER}" cannot get resource '
        '"statefulsets" in API group "apps" in the namespace "media"'
    )
    with pytest.raises(lightkube.ApiError) as caught:
        list(client.list(PersistentVolume))
    assert caught.value.status.message == (
        f'persistentvolumes is forbidden: User "{_USER}" cannot list resource '
        '"persistentvolumes" in API group "" at the cluster scope'
    )
    with pytest.raises(lightkube.ApiError, match='cannot patch resource'):
        client.patch(StatefulSet, 'plex', overlay, patch_type=PatchType.APPLY)


def test_apply_that_creates_needs_the_right_to_create(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    fake.authorise = lambda user, verb, kind, namespace: verb == 'patch'
    secret = {**_secret(), 'apiVersion': 'v1'}
    with pytest.raises(lightkube.ApiError, match='cannot create resource "secrets"'):
        client.patch(Secret, 's', secret, patch_type=PatchType.APPLY)


def test_rights_differ_by_user(make_client: MakeClient, fake: KubernetesFake) -> None:
    asked: list[tuple[str, str, str, str | None]] = []

    def authorise(user: str, verb: str, kind: str, namespace: str | None) -> bool:
        asked.append((user, verb, kind, namespace))
        return True

    fake.authorise = authorise
    list(make_client('a').list(Secret))
    list(make_client('b').list(Secret, namespace='*'))
    assert asked == [('a', 'list', 'Secret', 'media'), ('b', 'list', 'Secret', None)]


def test_status_fault_reaches_the_client_as_an_api_error(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    fake.fail(Fault.status(429, 'slow down', retry_after=3))
    with pytest.raises(lightkube.ApiError, match='slow down') as caught:
        list(client.list(Secret))
    status = caught.value.status
    assert (status.code, status.reason) == (429, 'TooManyRequests')
    assert caught.value.response.headers['retry-after'] == '3'
    assert status.details is not None
    assert status.details.retryAfterSeconds == 3
    assert list(client.list(Secret)) == []


def test_connection_faults(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.fail(Fault.refused())
    fake.fail(Fault.timeout(), nth=2)
    with pytest.raises(httpx2.ConnectError):
        list(client.list(Secret))
    with pytest.raises(httpx2.ReadTimeout):
        client.create(Secret(metadata=ObjectMeta(name='s', namespace='media')))
    assert fake.list('Secret') == []
    assert [request.status for request in fake.requests] == [0, 0]


def test_lost_reply_takes_effect(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.fail(Fault.lost_reply(), verb='create')
    with pytest.raises(httpx2.ReadTimeout):
        client.create(Secret(metadata=ObjectMeta(name='s', namespace='media')))
    assert len(fake.list('Secret')) == 1
    assert [request.changed for request in fake.requests] == [True]


def test_garbage_answers(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.fail(Fault.body('<html>Sign in</html>', 'text/html'))
    with pytest.raises(ValueError, match='JSON'):
        client.get(Secret, 's')


def test_faults_meet_the_requests_they_are_meant_for(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    fake.add(_secret())
    fake.fail(Fault.status(500), nth=2, times=2, verb='get', kind='Secret')
    codes: list[int] = []
    for _ in range(4):
        list(client.list(Secret))
        try:
            client.get(Secret, 's')
        except lightkube.ApiError as error:
            codes.append(error.status.code or 0)
        else:
            codes.append(200)
    assert codes == [200, 500, 500, 200]


def test_faults_last_until_they_are_healed(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.fail(Fault.refused(), times=0)
    for _ in range(3):
        with pytest.raises(httpx2.ConnectError):
            list(client.list(Secret))
    fake.heal()
    assert list(client.list(Secret)) == []


@pytest.mark.parametrize(('nth', 'times'), [(0, 1), (1, -1)])
def test_faults_that_never_come_are_refused(fake: KubernetesFake, nth: int, times: int) -> None:
    with pytest.raises(ValueError, match='nth starts at 1'):
        fake.fail(Fault.refused(), nth=nth, times=times)


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/healthz'),
        ('GET', '/apis'),
        ('GET', '/apis/apps/v1beta1/namespaces/m/statefulsets'),
        ('GET', '/apis/apps/v1/namespaces/m/deployments'),
        ('GET', '/api/v1/namespaces/m/pods/p/log'),
        ('GET', '/api/v1/namespaces/m/nodes/n'),
        ('GET', '/api/v1/namespaces/m/secrets/s/status'),
        ('GET', '/api/v1/secrets/s'),
        ('POST', '/api/v1/namespaces/m/secrets/s'),
        ('PUT', '/api/v1/namespaces/m/secrets'),
        ('GET', '/api/v1/namespaces/m/secrets?labelselector=a'),
        ('GET', '/api/v1/namespaces/m/secrets?limit=1&limit=2'),
        ('DELETE', '/api/v1/namespaces/m/secrets/s?force=true'),
        ('DELETE', '/api/v1/namespaces/m/secrets/s?dryRun=true'),
        ('DELETE', '/apis/apps/v1/namespaces/m/statefulsets/s/status'),
        ('POST', '/version'),
    ],
)
def test_unknown_requests_fail_the_test(send: Send, method: str, path: str) -> None:
    with pytest.raises(UnexpectedRequest):
        send(method, path)


@pytest.mark.parametrize(
    ('method', 'path', 'content_type', 'body'),
    [
        ('POST', _SECRETS, 'application/yaml', {}),
        ('POST', _SECRETS, wire.JSON, []),
        ('PUT', f'{_SECRETS}/s', wire.MERGE_PATCH, {}),
        ('PATCH', f'{_SECRETS}/s', wire.JSON, {}),
        ('PATCH', f'{_SECRETS}/s', wire.JSON_PATCH, {}),
        ('PATCH', f'{_SECRETS}/s', wire.MERGE_PATCH, []),
    ],
)
def test_bodies_that_are_not_what_they_claim_fail_the_test(
    send: Send, method: str, path: str, content_type: str, body: Any
) -> None:
    with pytest.raises(UnexpectedRequest):
        send(method, path, body, content_type=content_type)


def test_body_that_is_no_json_fails_the_test(fake: KubernetesFake) -> None:
    headers = {'content-type': wire.JSON}
    request = httpx2.Request('POST', f'https://k{_SECRETS}', content=b'{', headers=headers)
    with pytest.raises(UnexpectedRequest, match='the body is not JSON'):
        fake.handle(request)
    request = httpx2.Request('GET', f'https://k{_SECRETS}', content=b'{}', headers=headers)
    with pytest.raises(UnexpectedRequest, match='list has a body'):
        fake.handle(request)


def test_unknown_kinds_cannot_be_arranged(fake: KubernetesFake) -> None:
    with pytest.raises(UnexpectedRequest, match="unknown kind 'Deployment'"):
        fake.add({'kind': 'Deployment', 'metadata': {'name': 'x'}})


def test_force_is_for_applies_only(send: Send, fake: KubernetesFake) -> None:
    fake.add(_secret())
    answer = send(
        'PATCH', f'{_SECRETS}/s', {}, content_type=wire.MERGE_PATCH, params={'force': 'true'}
    )
    assert answer.json()['message'] == (
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: '
        'may not be specified for non-apply patch'
    )


@pytest.mark.parametrize(
    ('params', 'message'),
    [
        ({'labelSelector': 'a=b=c'}, 'unable to parse requirement: a=b=c'),
        ({'fieldSelector': 'metadata.name'}, 'invalid selector'),
        ({'continue': '???'}, 'continue key is not valid'),
    ],
)
def test_parameters_that_cannot_be_read_are_refused(
    send: Send, params: dict[str, str], message: str
) -> None:
    answer = send('GET', _SECRETS, params=params)
    assert answer.status_code == 400
    assert message in answer.json()['message']


@pytest.mark.parametrize(
    ('content_type', 'body', 'code'),
    [
        (wire.JSON_PATCH, [{'op': 'nope', 'path': '/a'}], 422),
        (wire.JSON_PATCH, [{'op': 'remove', 'path': '/metadata/ownerReferences/0/x'}], 422),
        (wire.STRATEGIC_PATCH, {'metadata': {'$patch': 'nope'}}, 500),
        (wire.MERGE_PATCH, {'metadata': {'uid': 'other'}}, 422),
        (wire.MERGE_PATCH, {'metadata': {'name': 'other'}}, 400),
    ],
)
def test_patches_that_do_not_fit_are_refused(
    send: Send, fake: KubernetesFake, content_type: str, body: Any, code: int
) -> None:
    before = fake.add(_secret())
    answer = send('PATCH', f'{_SECRETS}/s', body, content_type=content_type)
    assert answer.status_code == code
    assert fake.get('Secret', 's', 'media') == before


def test_selects_nodes_by_a_boolean(send: Send, fake: KubernetesFake) -> None:
    for name, spec in (('a', {'unschedulable': True}), ('b', {})):
        fake.add({'kind': 'Node', 'metadata': {'name': name}, 'spec': spec})
    params = {'fieldSelector': 'spec.unschedulable=true'}
    items = send('GET', '/api/v1/nodes', params=params).json()['items']
    assert [item['metadata']['name'] for item in items] == ['a']
