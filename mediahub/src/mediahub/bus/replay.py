# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads what the broker still has into the recorder once more.

For a database that was brought back from a backup, or a hub that has learnt to read what it set
aside. What is known already changes nothing, so it is never wrong to read too much.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg

from ..engine.errors import MediaHubError
from ..plays import PlaybackEvent
from ..store.letters import KEEP, DeadLetters
from . import broker, ports, pulling, streams, subjects
from .recorder import Recorder

BATCH = 500

# Seconds without a request after which the broker removes the consumer of a replay by itself.
ABANDONED = 60 * streams.SECONDS


class NothingToReplay(MediaHubError):
    """There is nothing to read; the message says what is missing."""


@dataclasses.dataclass
class Replayed:
    """How far a replay came.

    Attributes:
        read: Messages.
        new: Events among them that told something.
        known: Events that were known.
        unreadable: Messages that are no event that this hub can read.
        refused: Events that the store does not take.
    """

    read: int = 0
    new: int = 0
    known: int = 0
    unreadable: int = 0
    refused: int = 0


Report = Callable[[Replayed], None]


async def replay(
    where: broker.Broker,
    recorder: Recorder,
    since: datetime.datetime,
    report: Report | None = None,
) -> Replayed:
    """Record the events that the broker has stored since a moment.

    Args:
        where: The broker.
        recorder: Where they go.
        since: From when on, by the broker's clock.
        report: Told after each batch.

    Raises:
        BrokerUnavailable: No connection.
        NothingToReplay: There is no stream.
        StoreUnavailable: The store takes nothing; what was read before is recorded.
    """
    async with broker.connected(where, 'mediahub replay') as connection:
        client = connection.client
        if await streams.config(client, subjects.STREAM) is None:
            raise NothingToReplay(f'the broker has no stream {subjects.STREAM}')
        details = {
            'filter_subject': subjects.EVENTS,
            'deliver_policy': 'by_start_time',
            'opt_start_time': since.astimezone(datetime.UTC).isoformat().replace('+00:00', 'Z'),
        }
        return await _read_all(client, subjects.STREAM, details, recorder, report)


async def replay_letters(
    where: broker.Broker | None,
    recorder: Recorder,
    letters: DeadLetters,
    run: ports.Runner,
    report: Report | None = None,
) -> Replayed:
    """Try dead letters again: the hub's own, forgotten where it works now, and the broker's.

    Raises:
        BrokerUnavailable: No connection.
        StoreUnavailable: The store takes nothing.
    """
    outcome = Replayed()
    own = await run(lambda: letters.list(KEEP))
    good = await _record([letter.payload for _, letter in own], recorder, outcome)
    await run(lambda: letters.remove([own[place][0] for place in good]))
    if where is None:
        return outcome
    async with broker.connected(where, 'mediahub replay') as connection:
        stream = await streams.ensure_letters(connection.client)
        details = {'filter_subject': subjects.DEAD_LETTERS, 'deliver_policy': 'all'}
        return await _read_all(connection.client, stream, details, recorder, report, outcome)


async def _read_all(
    client: Client,
    stream: str,
    details: streams.Document,
    recorder: Recorder,
    report: Report | None,
    outcome: Replayed | None = None,
) -> Replayed:
    """Read what is there by now; what comes later is not for a replay."""
    outcome = outcome or Replayed()
    name = f'mediahub-replay-{uuid.uuid4().hex}'
    passing = {
        'name': name,
        'ack_policy': 'none',
        'replay_policy': 'instant',
        'inactive_threshold': ABANDONED,
        'mem_storage': True,
    }
    left = await streams.create_consumer(client, stream, name, details | passing)
    async with pulling.Puller(client, stream, name, BATCH).open() as puller:
        while left > 0:
            messages = await puller.take()
            await _record([message.data for message in messages], recorder, outcome)
            left = min(left - len(messages), _behind(messages))
            if report:
                report(outcome)
    await streams.remove_consumer(client, stream, name)
    return outcome


def _behind(messages: Sequence[Msg]) -> int:
    return messages[-1].metadata.num_pending


async def _record(payloads: Sequence[bytes], recorder: Recorder, outcome: Replayed) -> list[int]:
    """Record what can be read; the answer is the places of what was."""
    events: dict[int, PlaybackEvent] = {}
    for place, payload in enumerate(payloads):
        try:
            events[place] = subjects.decode(payload)
        except subjects.Unreadable:
            outcome.unreadable += 1
    before = recorder.recorded, recorder.repeated
    refused = await recorder.record(list(events.values()))
    outcome.read += len(payloads)
    outcome.new += recorder.recorded - before[0]
    outcome.known += recorder.repeated - before[1]
    outcome.refused += len(refused)
    places = list(events)
    bad = {places[entry.place] for entry in refused}
    return [place for place in places if place not in bad]
