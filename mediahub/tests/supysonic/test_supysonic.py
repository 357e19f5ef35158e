# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Subsonic dialect against a real server: plain, and with token authentication in front."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from typing import Any

import anyio
import httpx2
import pytest

from mediahub.engine import errors
from mediahub.engine.capabilities import Capability
from mediahub.testing.http import Answer, Asked, answer_json, loopback

from .. import real_subsonic
from ..real_subsonic import RealHarness, RealServerConformance, Server


class TestSupysonic(RealServerConformance):
    auth = 'password'
    absent = frozenset({Capability.HISTORY, Capability.PLAY_COUNTS})

    @pytest.fixture(autouse=True)
    def _server(self, supysonic: Server) -> None:
        self.server = supysonic


def test_tokens_are_refused_with_a_hint(supysonic: Server):
    harness = RealHarness(supysonic, 'token')

    async def probe() -> None:
        async with harness.open() as client:
            with pytest.raises(errors.CredentialsRefused, match='auth = "password"'):
                await client.probe()

    anyio.run(probe)


def test_scan_finds_a_new_file(supysonic: Server):
    real_subsonic.find_a_new_file_by_scanning(RealHarness(supysonic, 'password'))


class TokenShim:
    """Puts token authentication and OpenSubsonic's envelope in front of a Supysonic."""

    def __init__(self, server: Server):
        self._server = server

    def __call__(self, asked: Asked) -> Answer:
        expected = hashlib.md5(
            (self._server.password + asked.first('s')).encode(), usedforsecurity=False
        ).hexdigest()
        if asked.first('t') != expected:
            error = {'code': 40, 'message': 'Wrong username or password'}
            return answer_json({'subsonic-response': self._sealed('failed', {'error': error})})
        if 'getOpenSubsonicExtensions' in asked.path:
            extensions = {'openSubsonicExtensions': [{'name': 'formPost', 'versions': [1]}]}
            return answer_json({'subsonic-response': self._sealed('ok', extensions)})
        fields = [(name, value) for name, value in asked.form if name not in {'t', 's'}]
        content = str(httpx2.QueryParams([*fields, ('p', self._server.password)])).encode()
        headers = {'Content-Type': 'application/x-www-form-urlencoded'}
        answer = self._server.http.post(
            self._server.address + asked.path, content=content, headers=headers
        )
        found = json.loads(answer.content)['subsonic-response']
        body = {'subsonic-response': self._sealed(found['status'], found)}
        return answer_json(body, answer.status_code)

    def _sealed(self, status: str, content: dict[str, Any]) -> dict[str, Any]:
        envelope = {
            'type': 'shim',
            'serverVersion': '1',
            'openSubsonic': True,
            'version': '1.16.1',
        }
        return content | envelope | {'status': status}


@pytest.fixture
def shim(supysonic: Server) -> Generator[str]:
    with loopback(TokenShim(supysonic)) as address:
        yield address


def test_reads_and_writes_through_token_authentication(supysonic: Server, shim: str):
    real_subsonic.read_and_write_with_a_token(RealHarness(supysonic, 'token', shim))


def test_wrong_password_is_refused(supysonic: Server):
    real_subsonic.be_refused_with_a_wrong_password(supysonic, 'password')
