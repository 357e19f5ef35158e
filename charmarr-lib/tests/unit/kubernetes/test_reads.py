# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads with a pod's own credentials, over a real connection, and what answers may mean."""

import http.client
import http.server
import json
import subprocess
import sys
import threading

import httpx2
import pytest

from charmarr_lib import http as charmarr_http
from charmarr_lib import kubernetes
from charmarr_lib.kubernetes import Kind, _reads

HEARD = ('path', 'Authorization', 'Accept')


@pytest.fixture
def api():
    """A plain server in the API server's place, which notes what it hears."""
    heard: list[dict[str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            values = (self.path, self.headers['Authorization'], self.headers['Accept'])
            heard.append(dict(zip(HEARD, values, strict=True)))
            body = json.dumps({'kind': 'JobList', 'items': [{'metadata': {'name': 'a'}}]})
            self.send_response(200)
            self.send_header('Content-Type', 'application/json')
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object):  # noqa: A002 -- the base class names it
            pass

    with http.server.HTTPServer(('127.0.0.1', 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        yield listening.server_port, heard
        listening.shutdown()
        thread.join()


@pytest.fixture
def pod(api, monkeypatch, tmp_path):
    """A pod's credentials; the connection itself is left without TLS."""
    port, heard = api
    (tmp_path / 'token').write_text('first\n')
    monkeypatch.setattr(_reads, 'SERVICE_ACCOUNT', tmp_path)
    monkeypatch.setattr('ssl.create_default_context', lambda cafile: cafile)
    monkeypatch.setattr('http.client.HTTPSConnection', without_tls)
    monkeypatch.setenv('KUBERNETES_SERVICE_HOST', '127.0.0.1')
    monkeypatch.setenv('KUBERNETES_SERVICE_PORT', str(port))
    return tmp_path, heard


def without_tls(host, port, *, timeout, context):
    assert context.endswith('/ca.crt')
    return http.client.HTTPConnection(host, port, timeout=timeout)


def cluster() -> kubernetes.Cluster:
    return kubernetes.Cluster('plex', 'media', field_manager='charmarr-plex')


def test_asks_with_the_selectors_and_the_token_of_the_pod(pod):
    _, heard = pod
    found = cluster().find(Kind.JOB, labels={'app': 'a b', 'x': 'y'}, fields={'m.n': 'z'})
    assert found == [{'metadata': {'name': 'a'}}]
    path = '/apis/batch/v1/namespaces/media/jobs?labelSelector=app%3Da+b%2Cx%3Dy'
    assert heard == [
        {
            'path': f'{path}&fieldSelector=m.n%3Dz',
            'Authorization': 'Bearer first',
            'Accept': 'application/json',
        }
    ]


def test_takes_up_a_token_that_the_kubelet_has_replaced(pod):
    folder, heard = pod
    cluster().find(Kind.JOB)
    (folder / 'token').write_text('second')
    cluster().find(Kind.JOB)
    assert [each['Authorization'] for each in heard] == ['Bearer first', 'Bearer second']


def test_without_a_service_account_says_so(pod):
    folder, _ = pod
    (folder / 'token').unlink()
    with pytest.raises(kubernetes.UnreachableError, match='no Kubernetes credentials'):
        cluster().get(Kind.NODE, 'n')


def answer(response: httpx2.Response):
    return charmarr_http.use_transport(httpx2.MockTransport(lambda _: response))


STATUS = {'kind': 'Status', 'message': 'no', 'details': {'causes': []}}


@pytest.mark.parametrize(
    ('response', 'said'),
    [
        (httpx2.Response(200, json={}), 'the answer is no Kubernetes object'),
        (httpx2.Response(200, json=[1]), 'the answer is no Kubernetes object'),
        (httpx2.Response(200, text='<html>'), 'the answer is no Kubernetes object'),
        (httpx2.Response(302, headers={'Location': '/'}), 'something between answered 302'),
        (httpx2.Response(403, text='go away'), 'something between answered 403'),
        (httpx2.Response(404, text='not here'), 'something between answered 404'),
        (httpx2.Response(404, json={'kind': 'Pod'}), 'something between answered 404'),
        (httpx2.Response(503, json=STATUS), 'the API server answered 503'),
        (httpx2.Response(401, json=STATUS), 'the API server answered 401'),
    ],
)
def test_what_does_not_come_from_the_api_server_is_no_news(response, said):
    with answer(response), pytest.raises(kubernetes.UnreachableError, match=said):
        cluster().get(Kind.NODE, 'n')


def test_what_the_api_server_refuses_is_told_with_its_reason():
    with answer(httpx2.Response(400, json=STATUS)), pytest.raises(kubernetes.RefusedError) as hit:
        cluster().find(Kind.NODE)
    assert (hit.value.code, str(hit.value)) == (400, 'cannot list Node objects: no')


def test_an_object_that_is_not_there_is_none():
    with answer(httpx2.Response(404, json=STATUS)):
        assert cluster().get(Kind.NODE, 'n') is None


def test_a_look_at_the_cluster_loads_neither_lightkube_nor_httpx2():
    code = (
        'import sys, charmarr_lib.kubernetes as k\n'
        'try:\n    k.Cluster("a", "m", "f").get(k.Kind.POD, "p")\n'
        'except k.UnreachableError: pass\n'
        'print({"lightkube", "httpx2"} & set(sys.modules))'
    )
    ran = subprocess.run(  # noqa: S603 -- our own interpreter on a fixed text
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == 'set()'
