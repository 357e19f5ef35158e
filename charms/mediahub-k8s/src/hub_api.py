# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Ask the hub in this pod how it is. Paths and answers: docs/reference/mediahub-api.md."""

from __future__ import annotations

import json
from typing import Any, Final

import hub
from charmarr_lib import http

BASE_URL: Final = f'http://127.0.0.1:{hub.PORT}'
_NO_ANSWER: Final = 'the hub answered with something that is no answer'
_TIMEOUT: Final = 5.0  # seconds; it answers from memory
# Tries after 0, 0.5, 1, 2... seconds for a hub that was started a moment ago.
_PATIENCE: Final = 5


class HubError(Exception):
    """The hub does not answer, or not as it should. The text is one line and holds no token."""


def version(*, starting: bool = False) -> str:
    """Return the version of the hub that answers.

    Args:
        starting: Whether it was started a moment ago.

    Raises:
        HubError: if none answers.
    """
    reply = _ask('/healthz', {}, _PATIENCE if starting else 0)
    try:
        return str(reply.json()['version'])
    except (ValueError, LookupError, TypeError):
        raise HubError(_NO_ANSWER) from None


def problems(control: bytes | None) -> tuple[str, ...]:
    """Return what is not well with the servers and the history, one line each.

    Args:
        control: The file in which the hub says how to talk to it.

    Raises:
        HubError: if it does not say.
    """
    headers = {'Authorization': f'Bearer {_token(control)}'}
    try:
        servers: Any = _ask('/api/v1/servers', headers, 0).json()['data']['servers']
        return tuple(_problem(each) for each in servers if each['reason'])
    except (ValueError, LookupError, TypeError):
        raise HubError(_NO_ANSWER) from None


def _problem(server: dict[str, Any]) -> str:
    advice = f'; {server["advice"]}' if server.get('advice') else ''
    return f'{server.get("name")}: {server["reason"]}{advice}'


def _token(control: bytes | None) -> str:
    try:
        return str(json.loads(control or b'')['token'])
    except (ValueError, LookupError, TypeError):
        raise HubError('the hub has not said yet how to talk to it') from None


def _ask(path: str, headers: dict[str, str], patience: int) -> http.Reply:
    try:
        return http.request(
            'GET', BASE_URL + path, headers=headers, timeout=_TIMEOUT, connect_retries=patience
        )
    except http.RequestError as error:
        raise HubError(f'the hub: {error}') from None
