# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The streams and the consumer at the broker: made where they are missing, taken over as they are.

What an operator made or changed stays so. A stream that is there is never given smaller limits, is
never purged and never deleted; the one change that is made to it adds our subjects.

The broker is asked in its own JSON, not in the client's models of it: an update has to send back
what the model of this version does not know, or it would be reset.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

import nats.errors
from nats.aio.client import Client

from ..engine.errors import MediaHubError
from . import subjects

SECONDS = 1_000_000_000  # in the broker's nanoseconds
DAYS = 24 * 3600 * SECONDS

# How long events can be read again, by a hub that was away or one that is new.
KEEP = 30 * DAYS

# An event that is sent once more within this time is not stored once more. Beyond it the recorder
# still knows it.
DUPLICATES = 600 * SECONDS

# A consumer that nobody used for so long is removed by the broker. Whatever it had not read has
# left the stream by then.
FORGOTTEN = KEEP + 15 * DAYS

# What streams may hold, in bytes. A broker with less room than that gets the greatest that fits.
EVENTS_SIZE = 8 * 2**30
LETTERS_SIZE = 256 * 2**20
LEAST_SIZE = 16 * 2**20

# What a hub held when it or the broker went away comes again after so long. Who only works slowly
# says so in the meantime.
ACK_WAIT = 5 * SECONDS
UNACKNOWLEDGED = 4096

TIMEOUT = 5.0

_NOT_FOUND = 404
_UNAVAILABLE = 503
_NO_ROOM = (10047, 10028)  # of the server, of the account
_NAME_IN_USE = 10058

_logger = logging.getLogger(__name__)

Document = dict[str, Any]


class Unsuitable(MediaHubError):
    """The broker, a stream or a consumer cannot be used as it is; the message says what to do."""


class Refusal(Unsuitable):
    """The broker answered a request with an error.

    Attributes:
        code: Like an HTTP status.
        detail: The broker's number of it.
    """

    def __init__(self, what: str, error: Mapping[str, Any]):
        self.code = int(error.get('code', 0))
        self.detail = int(error.get('err_code', 0))
        advice = '; is JetStream enabled, and has it room?' if self.code == _UNAVAILABLE else ''
        super().__init__(f'{what}: {error.get("description", "refused")}{advice}')


async def ask(client: Client, request: str, body: Document, what: str) -> Document:
    """Ask JetStream's own interface.

    Args:
        client: The connection.
        request: What is asked for, as in ``STREAM.INFO.name``.
        body: Details.
        what: The same in words, for errors.

    Raises:
        Refusal: The answer is an error.
        Unsuitable: The broker has no JetStream.
    """
    try:
        answer = await client.request(
            f'$JS.API.{request}', json.dumps(body).encode(), timeout=TIMEOUT
        )
    except nats.errors.NoRespondersError as error:
        raise Unsuitable(
            'the broker has no JetStream; start nats-server with --jetstream'
        ) from error
    document: Document = json.loads(answer.data)
    if 'error' in document:
        raise Refusal(what, document['error'])
    return document


def durable(hub: str) -> str:
    """The name of a hub's consumer."""
    return f'mediahub-{re.sub("[^A-Za-z0-9_-]", "-", hub)}'


async def ensure_events(client: Client) -> str:
    """Make sure that events can be published and read again.

    Returns:
        What an operator should look at, in one line; empty where nothing.

    Raises:
        Unsuitable: The stream that is there cannot be used.
    """
    found = await config(client, subjects.STREAM)
    if found is None:
        await _create(client, subjects.STREAM, subjects.EVENTS, EVENTS_SIZE, KEEP)
        found = await config(client, subjects.STREAM) or {}
    _require_usable(found)
    if not any(covers(subject, subjects.EVENTS) for subject in found.get('subjects') or ()):
        await _widen(client, found)
    return '; '.join(_remarks(found))


async def ensure_letters(client: Client) -> str:
    """Make sure that dead letters are kept; the answer is the stream that takes them."""
    body = {'subject': subjects.DEAD_LETTERS}
    answer = await ask(client, 'STREAM.NAMES', body, 'cannot list streams')
    names: list[str] = answer.get('streams') or []
    if names:
        return names[0]
    await _create(client, subjects.DEAD_STREAM, subjects.DEAD_LETTERS, LETTERS_SIZE, 0)
    return subjects.DEAD_STREAM


async def ensure_consumer(client: Client, name: str) -> None:
    """Make sure that this hub has a consumer of its own; a new one begins with the oldest event.

    Raises:
        Unsuitable: The name belongs to a consumer of another kind.
    """
    what = f'the consumer {name} of the stream {subjects.STREAM}'
    try:
        answer = await ask(client, f'CONSUMER.INFO.{subjects.STREAM}.{name}', {}, what)
    except Refusal as error:
        if error.code != _NOT_FOUND:
            raise
        await create_consumer(client, subjects.STREAM, name, _ours(name))
        return
    there: Document = answer['config']
    if there.get('deliver_subject') or there.get('ack_policy') != 'explicit':
        raise Unsuitable(f'{what} is not one that a hub made; remove it')
    if there.get('max_deliver', -1) != -1:
        # The broker would pass over what it has delivered so often. Giving up is ours to decide.
        await create_consumer(client, subjects.STREAM, name, there | {'max_deliver': -1})


async def create_consumer(client: Client, stream: str, name: str, details: Document) -> int:
    """Make a consumer, or change the one of that name; the answer is how much it has to read."""
    kind = 'DURABLE.CREATE' if 'durable_name' in details else 'CREATE'
    answer = await ask(
        client,
        f'CONSUMER.{kind}.{stream}.{name}',
        {'stream_name': stream, 'config': details},
        f'cannot make the consumer {name} of the stream {stream}',
    )
    return int(answer.get('num_pending', 0))


async def remove_consumer(client: Client, stream: str, name: str) -> None:
    """Remove a consumer, if there is one of that name; the stream stays as it is."""
    what = f'cannot remove the consumer {name} of the stream {stream}'
    try:
        await ask(client, f'CONSUMER.DELETE.{stream}.{name}', {}, what)
    except Refusal as error:
        if error.code != _NOT_FOUND:
            raise


async def forget_consumer(client: Client, name: str) -> None:
    """Have whoever reads by a hub's name begin anew.

    Raises:
        Unsuitable: The broker would drop what only this consumer had yet to read, so nothing was
            done; or it refuses.
    """
    found = await config(client, subjects.STREAM) or {}
    if found.get('retention', 'limits') != 'limits':
        raise Unsuitable(f'the stream {subjects.STREAM} keeps nothing that was read')
    await remove_consumer(client, subjects.STREAM, name)


def _ours(name: str) -> Document:
    return {
        'durable_name': name,
        'description': 'a hub of mediahub',
        'ack_policy': 'explicit',
        'ack_wait': ACK_WAIT,
        'deliver_policy': 'all',
        'replay_policy': 'instant',
        'filter_subject': subjects.EVENTS,
        'max_ack_pending': UNACKNOWLEDGED,
        'max_deliver': -1,
        'inactive_threshold': FORGOTTEN,
    }


async def config(client: Client, name: str) -> Document | None:
    """A stream's configuration as the broker has it; None where there is no such stream."""
    try:
        answer = await ask(client, f'STREAM.INFO.{name}', {}, f'the stream {name}')
    except Refusal as error:
        if error.code != _NOT_FOUND:
            raise
        return None
    return answer['config']


async def _create(client: Client, name: str, subject: str, size: int, age: int) -> None:
    """Create a stream as large as the broker has room for."""
    details: Document = {
        'name': name,
        'description': 'made by mediahub',
        'subjects': [subject],
        'retention': 'limits',
        'storage': 'file',
        'discard': 'old',
        'max_bytes': size,
        'max_age': age,
        'duplicate_window': DUPLICATES,
        'num_replicas': 1,
    }
    try:
        await ask(client, f'STREAM.CREATE.{name}', details, f'cannot make the stream {name}')
    except Refusal as error:
        if error.detail == _NAME_IN_USE:
            return  # another hub was faster
        if error.detail not in _NO_ROOM or size // 2 < LEAST_SIZE:
            raise
        await _create(client, name, subject, size // 2, age)
    else:
        _logger.info('made the stream %s of up to %d MiB', name, size // 2**20)


async def _widen(client: Client, found: Document) -> None:
    name = found['name']
    wider = found | {'subjects': [*(found.get('subjects') or ()), subjects.EVENTS]}
    what = f'cannot add {subjects.EVENTS} to the subjects of the stream {name}'
    await ask(client, f'STREAM.UPDATE.{name}', wider, what)
    _logger.warning('added %s to the subjects of the stream %s', subjects.EVENTS, name)


def _require_usable(found: Document) -> None:
    """Refuse a stream into which no event can be published, or out of which none can be read."""
    name = found.get('name', subjects.STREAM)
    if found.get('no_ack'):
        raise Unsuitable(f'the stream {name} confirms nothing; set its no_ack to false')
    if found.get('mirror'):
        raise Unsuitable(
            f'the stream {name} is a mirror; set NATS_URL to the broker of its origin'
        )
    if found.get('sealed'):
        raise Unsuitable(f'the stream {name} is sealed and takes nothing')


def _remarks(found: Document) -> list[str]:
    """What can cost events in a stream that somebody else set up."""
    said: list[str] = []
    if found.get('retention') in ('workqueue', 'interest'):
        said.append('keeps nothing that was read, so that neither a new hub nor a replay finds it')
    if found.get('storage') == 'memory':
        said.append("keeps events in memory, where they end with the broker's process")
    if found.get('max_msgs_per_subject', -1) > 0:
        said.append('drops events by their number in a subject, read or not')
    return [f'the stream {found.get("name")} {remark}' for remark in said]


def covers(pattern: str, subject: str) -> bool:
    """Whether all that one subject pattern means is meant by the other, too."""
    wide, narrow = pattern.split('.'), subject.split('.')
    for place, token in enumerate(wide):
        if token == '>':  # noqa: S105 - of a subject
            return len(narrow) > place
        if place >= len(narrow) or narrow[place] == '>':
            return False
        if token not in ('*', narrow[place]):
            return False
    return len(wide) == len(narrow)
