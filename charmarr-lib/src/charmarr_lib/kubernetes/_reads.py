# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reading from the Kubernetes API without lightkube.

In a steady state a charm only looks, and importing lightkube takes several times as long as the
look. A read is one GET with the pod's own credentials, so it is done here; docs/decisions/0050
says what that gains. Whatever writes goes through lightkube.

How a pod reaches its API server, and where its credentials are:
https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import os
import pathlib
import ssl
import urllib.parse
from collections.abc import Mapping
from typing import Final

from .. import http

SERVICE_ACCOUNT: Final = pathlib.Path('/var/run/secrets/kubernetes.io/serviceaccount')
_STAND_IN_SERVER: Final = 'https://kubernetes.default.svc'


class NoCredentialsError(Exception):
    """This is no pod, or one without a service account."""


def get(path: str, query: Mapping[str, str], timeout: float) -> http.Reply:
    """Ask for one path of the API.

    The token is read each time: the kubelet replaces it before it expires.

    Args:
        path: Such as ``/api/v1/nodes``.
        query: Such as ``labelSelector``.
        timeout: Seconds allowed for connecting, and again for each read and write.

    Raises:
        NoCredentialsError: if there are no credentials of a pod.
        charmarr_lib.http.RequestError: if there is no answer.
    """
    target = f'{path}?{urllib.parse.urlencode(query)}' if query else path
    headers = {'Accept': 'application/json'}
    if http.transport() is not None:
        return http.request('GET', _STAND_IN_SERVER + target, headers=headers, timeout=timeout)
    try:
        token = (SERVICE_ACCOUNT / 'token').read_text().strip()
        tls = ssl.create_default_context(cafile=str(SERVICE_ACCOUNT / 'ca.crt'))
        server = _server()
    except (OSError, KeyError) as error:
        raise NoCredentialsError from error
    headers['Authorization'] = f'Bearer {token}'
    return http.request('GET', server + target, headers=headers, timeout=timeout, tls=tls)


def _server() -> str:
    host, port = os.environ['KUBERNETES_SERVICE_HOST'], os.environ['KUBERNETES_SERVICE_PORT']
    return f'https://[{host}]:{port}' if ':' in host else f'https://{host}:{port}'
