# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Subsonic dialect against gonic, which knows OpenSubsonic and tokens by itself.

Written from gonic's documentation; where this was written, gonic could not be had.
"""

from __future__ import annotations

import anyio
import pytest

from .. import real_subsonic
from ..real_subsonic import RealHarness, RealServerConformance, Server


class TestGonic(RealServerConformance):
    auth = 'token'

    @pytest.fixture(autouse=True)
    def _server(self, gonic: Server) -> None:
        self.server = gonic


def test_says_what_it_is(gonic: Server):
    async def probe() -> None:
        async with RealHarness(gonic, 'token').open() as client:
            handshake = await client.probe()
            assert (handshake.product, handshake.account) == ('gonic', 'admin')

    anyio.run(probe)


def test_scan_finds_a_new_file(gonic: Server):
    real_subsonic.find_a_new_file_by_scanning(RealHarness(gonic, 'token'))


@pytest.mark.parametrize('auth', ['token', 'password'])
def test_reads_and_writes(gonic: Server, auth: str):
    real_subsonic.read_and_write_with_a_token(RealHarness(gonic, auth))


@pytest.mark.parametrize('auth', ['token', 'password'])
def test_wrong_password_is_refused(gonic: Server, auth: str):
    real_subsonic.be_refused_with_a_wrong_password(gonic, auth)
