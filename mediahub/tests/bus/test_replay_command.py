# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub replay`` against a real broker."""

from __future__ import annotations

import asyncio
import datetime
import json
import pathlib
from collections.abc import Callable, Sequence

import pytest

from mediahub import cli, replaying
from mediahub.bus import streams, subjects
from mediahub.bus.broker import Broker, connected
from mediahub.engine.errors import ConfigurationError
from mediahub.plays import PlaybackEvent
from mediahub.store.database import Database
from mediahub.store.letters import DeadLetter, DeadLetters
from mediahub.testing.broker import NatsServer
from mediahub.testing.plays import began, ended, event

NOW = datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.UTC)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / 'home'


@pytest.fixture
def run(
    home: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    home.mkdir()
    monkeypatch.setenv('MEDIAHUB_HOME', str(home))
    monkeypatch.delenv('NATS_URL', raising=False)

    def call(*words: str, broker: str = '') -> tuple[int, str, str]:
        if broker:
            monkeypatch.setenv('NATS_URL', broker)
        status = cli.main(words)
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return call


async def published(address: str, events: Sequence[PlaybackEvent]) -> None:
    async with connected(Broker.at([address]), 'test') as connection:
        await streams.ensure_events(connection.client)
        for found in events:
            await connection.client.request(subjects.subject(found), subjects.encode(found))


def test_what_the_broker_has_is_recorded(run: Run, home: pathlib.Path, server: NatsServer):
    events = [event(ended(began(number), 60)) for number in range(12)]
    asyncio.run(published(server.address, events))

    status, out, _ = run('replay', '--since', '1h', broker=server.address)

    assert (status, out) == (0, '12 read: 12 new, 0 known, 0 unreadable, 0 refused\n')
    with Database(home / 'mediahub.duckdb') as database:
        assert database.read('SELECT count(*) FROM finished_plays') == [(12,)]
    status, out, _ = run('replay', '--since', '1h', '--json', broker=server.address)
    assert json.loads(out) == {'read': 12, 'new': 0, 'known': 12, 'unreadable': 0, 'refused': 0}


def test_dead_letters_are_tried_again(run: Run, home: pathlib.Path):
    with Database(home / 'mediahub.duckdb') as database:
        payloads = [subjects.encode(event(began())), b'rubbish']
        letters = [
            DeadLetter(subject='outbox', payload=payload, reason='', times=1, at=NOW)
            for payload in payloads
        ]
        DeadLetters(database).add(letters)

    status, out, _ = run('replay', '--dead-letters')

    assert (status, out) == (1, '2 read: 1 new, 0 known, 1 unreadable, 0 refused\n')


def test_without_a_broker_there_is_nothing_to_replay(run: Run):
    status, _, err = run('replay', '--since', '1h')

    assert (status, err) == (
        2,
        'mediahub: NATS_URL is not set; without a broker there is nothing to read again\n',
    )


def test_a_broker_that_is_away_is_one_line(run: Run, server: NatsServer):
    server.stop()

    status, _, err = run('replay', '--since', '1h', broker=server.address)

    assert status == 1
    assert err.startswith(f'mediahub: {server.address}: ')
    assert err.count('\n') == 1


@pytest.mark.parametrize('words', [(), ('--since', '1h', '--dead-letters')])
def test_one_of_two_things_is_asked_for(run: Run, words: Sequence[str]):
    with pytest.raises(SystemExit) as ended_with:
        run('replay', *words)

    assert ended_with.value.code == 2


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('36h', NOW - datetime.timedelta(hours=36)),
        ('7d', NOW - datetime.timedelta(days=7)),
        ('2026-11-01T20:15:00+01:00', datetime.datetime(2026, 11, 1, 19, 15, tzinfo=datetime.UTC)),
    ],
)
def test_a_moment_is_a_duration_or_a_time(text: str, expected: datetime.datetime):
    assert replaying.moment(text, lambda: NOW) == expected


def test_a_day_is_one_of_this_machine():
    found = replaying.moment('2026-11-01', lambda: NOW)

    assert found.tzinfo is not None
    assert found.replace(tzinfo=None) == datetime.datetime(2026, 11, 1)


@pytest.mark.parametrize('text', ['yesterday', '', '-3h', '12', '2026-13-01'])
def test_other_texts_are_refused_in_one_line(text: str):
    with pytest.raises(ConfigurationError, match='--since'):
        replaying.moment(text, lambda: NOW)
