# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Makes calls with a fault at one request after the other, and looks what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from ..engine.capabilities import Capability
from ..engine.contract import MediaServerClient
from ..engine.errors import MediaServerError
from ..engine.values import ItemRef, Kind
from .faults import Fault
from .harness import Harness

T = TypeVar('T')
Call = Callable[[MediaServerClient], Awaitable[Any]]

# Asked for more indices than this, a call is no bulk call any more.
MOST_REQUESTS = 200


class Driver:
    """Drives calls against fresh servers."""

    _harness: Harness

    def make_harness(self) -> Harness:
        """A fresh server with known content."""
        raise NotImplementedError

    def _first(self, client: MediaServerClient, kind: Kind) -> ItemRef:
        native_id = min(self._harness.truth(kind), default='1')
        return ItemRef(client.name, kind, native_id)

    def _tracks(self, client: MediaServerClient, harness: Harness) -> list[ItemRef]:
        native_ids = sorted(harness.truth(Kind.TRACK))
        return [ItemRef(client.name, Kind.TRACK, native_id) for native_id in native_ids]

    def _harness_for(self, fault: Fault) -> Harness:
        harness = self.make_harness()
        if fault not in harness.faults:
            pytest.skip(f'{fault.name} cannot happen to this kind of server')
        self._harness = harness
        return harness

    def _with_client(
        self, call: Callable[[MediaServerClient], Awaitable[T]], harness: Harness | None = None
    ) -> T:
        chosen = harness or self.make_harness()
        self._harness = chosen

        async def connected() -> T:
            async with chosen.open() as client:
                return await call(client)

        return asyncio.run(connected())

    async def _either(self, call: Callable[[], Awaitable[object]]) -> bool:
        """Whether a call did its work; the only other way out is an error of ours."""
        try:
            await call()
        except MediaServerError:
            return False
        return True

    def _answers_truly(
        self,
        fault: Fault,
        call: Call,
        *,
        lasting: bool,
        exactly: bool,
        needs: Capability | None = None,
    ) -> None:
        harness = self._harness_for(fault)

        async def check(client: MediaServerClient) -> None:
            if needs is not None and not await client.supports(needs):
                return
            right = await call(client)
            for position in range(MOST_REQUESTS):
                harness.interposer.arm(fault, position, lasting=lasting)
                try:
                    answer = await call(client)
                except MediaServerError:
                    continue
                agrees = answer == right if exactly else answer <= right
                assert agrees, f'{fault} at request {position} gave {answer}'
                if not harness.interposer.struck:
                    return
            pytest.fail(f'a read took more than {MOST_REQUESTS} requests')

        self._with_client(check, harness)

    def _writes_truly(
        self,
        fault: Fault,
        call: Call,
        shows: Callable[[Harness, MediaServerClient], bool],
        needs: Capability,
    ) -> None:
        for position in range(MOST_REQUESTS):
            harness = self._harness_for(fault)

            async def attempt(
                client: MediaServerClient, harness: Harness = harness, position: int = position
            ) -> bool:
                if not await client.supports(needs):
                    return False
                harness.interposer.arm(fault, position)
                if await self._either(lambda: call(client)):
                    assert shows(harness, client), f'{fault} at request {position}'
                return harness.interposer.struck

            if not self._with_client(attempt, harness):
                return
        pytest.fail(f'a write took more than {MOST_REQUESTS} requests')
