# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Publishes what is in the outbox. What the broker has confirmed leaves it, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import nats.errors
from nats.aio.client import Client

from ..engine.errors import MediaHubError
from ..store.letters import DeadLetter
from . import ports, subjects

# Messages on their way at once.
BATCH = 500

# Seconds for the broker to confirm one.
CONFIRM = 10.0

# Room for headers beside a payload.
HEADERS = 2048

# Of a reason that travels in a header.
REASON = 300

MESSAGE_ID = 'Nats-Msg-Id'
HUB = 'Mediahub-Hub'
EXPECTED_STREAM = 'Nats-Expected-Stream'


class PublishFailed(MediaHubError):
    """The broker did not confirm; whatever it was is where it was before."""


class Publisher:
    """Moves events from the outbox to the broker.

    Args:
        outbox: Where they come from.
        letters: Where those go that cannot travel.
        run: Does blocking work in a thread.
        hub: The hub's id.
        clock: The time.

    Attributes:
        hub: The hub's id, told with every event.
        published: Events that the broker confirmed, since the start.
        repeated: Those of them that it had already.
        dead: Events that cannot travel.
        size: Of the outbox, as far as was last seen.
        servers: Whose events these were.
    """

    def __init__(
        self,
        outbox: ports.Outbox,
        letters: ports.DeadLetters,
        run: ports.Runner,
        hub: str,
        clock: ports.Clock = ports.utc_now,
    ):
        self._outbox = outbox
        self._letters = letters
        self._run = run
        self.hub = hub
        self._clock = clock
        self.published = 0
        self.repeated = 0
        self.dead = 0
        self.size = 0
        self.servers: set[str] = set()

    async def look(self) -> None:
        """See how much is in the outbox, for when nothing can be moved."""
        self.size = await self._run(self._outbox.size)

    async def move(self, client: Client) -> bool:
        """Publish a batch.

        Returns:
            Whether there was one.

        Raises:
            PublishFailed: The broker did not confirm all of it.
        """
        batch = await self._run(lambda: self._outbox.documents(BATCH))
        self.size = await self._run(self._outbox.size) if len(batch) == BATCH else len(batch)
        if not batch:
            return False
        outcomes = await asyncio.gather(*(self._deliver(client, row) for _, row in batch))
        done = [seq for (seq, _), outcome in zip(batch, outcomes, strict=True) if not outcome]
        if done:
            await self._run(lambda: self._outbox.acknowledge(done))
            self.size -= len(done)
        failed = next((outcome for outcome in outcomes if outcome), None)
        if failed:
            raise PublishFailed(failed)
        return True

    async def _deliver(self, client: Client, document: bytes) -> str:
        """Publish one; what went wrong, empty where nothing did."""
        try:
            event = subjects.decode(document)
        except subjects.Unreadable as error:
            await self._bury('outbox', document, str(error))
            return ''
        subject = subjects.subject(event)
        if len(document) + HEADERS > client.max_payload:
            await self._bury(subject, document, 'longer than the broker takes')
            return ''
        self.servers.add(event.play.server)
        headers = {
            MESSAGE_ID: event.event_id,
            EXPECTED_STREAM: subjects.STREAM,
            HUB: self.hub,
        }
        try:
            answer = await publish(client, subject, document, headers)
        except PublishFailed as error:
            return str(error)
        self.published += 1
        self.repeated += bool(answer.get('duplicate'))
        return ''

    async def _bury(self, subject: str, payload: bytes, reason: str) -> None:
        """Keep an event in the database that cannot travel."""
        letter = DeadLetter(
            subject=subject, payload=payload, reason=reason, times=1, at=self._clock()
        )
        await self._run(lambda: self._letters.add([letter]))
        self.dead += 1


async def publish(
    client: Client, subject: str, payload: bytes, headers: Mapping[str, str]
) -> dict[str, Any]:
    """Publish into a stream; the answer is the broker's confirmation.

    Raises:
        PublishFailed: There is none.
    """
    try:
        answer = await client.request(subject, payload, timeout=CONFIRM, headers=dict(headers))
        confirmation: dict[str, Any] = json.loads(answer.data)
    except nats.errors.NoRespondersError as error:
        raise PublishFailed(f'no stream takes {subject}') from error
    except TimeoutError as error:
        raise PublishFailed('the broker does not confirm what is published') from error
    except (nats.errors.Error, OSError, ValueError) as error:
        raise PublishFailed(str(error).removeprefix('nats: ')) from error
    refusal = confirmation.get('error')
    if refusal:
        what = refusal.get('description', 'no reason given')
        raise PublishFailed(f'the broker refuses {subject}: {what}')
    return confirmation


async def bury(client: Client, letter: DeadLetter, hub: str, sequence: int) -> None:
    """Publish a dead letter: the payload as it was, the rest in headers.

    Raises:
        PublishFailed: The broker did not confirm it.
    """
    headers = {
        MESSAGE_ID: f'{hub}:{sequence}',
        HUB: hub,
        'Mediahub-Subject': letter.subject,
        'Mediahub-Sequence': str(sequence),
        'Mediahub-Reason': ' '.join(letter.reason.split())[:REASON],
        'Mediahub-Times': str(letter.times),
        'Mediahub-At': letter.at.isoformat(),
    }
    payload = letter.payload
    if len(payload) + HEADERS > client.max_payload:
        # The whole is still in the stream, under its sequence.
        payload, headers['Mediahub-Truncated'] = payload[: subjects.SHORT], 'true'
    await publish(client, subjects.DEAD_LETTERS, payload, headers)
