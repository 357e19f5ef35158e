# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Starting and stopping: each failure is one line and one status, and nothing is lost."""

from __future__ import annotations

import json
import pathlib
import signal
import socket
import stat
import sys
from typing import Any

import httpx2
import pytest

from mediahub.store.database import Database
from mediahub.testing.clocks import HandClock
from mediahub.testing.plex_living import LivingPlex

from .conftest import Running, Start


@pytest.fixture
def watching(living_plex: LivingPlex) -> dict[str, str]:
    """The environment of a hub that watches the living Plex."""
    return {
        'ENABLE_PLEX_SYNC': 'true',
        'PLEX_URL': living_plex.url,
        'PLEX_TOKEN': living_plex.token,
        'ENABLE_PLEX_WEBHOOKS': 'true',
        'PLEX_WEBHOOK_SECRET': 'the-secret-of-webhooks',
    }


def film(plex: LivingPlex) -> str:
    return next(row.id for row in plex.shelves.rows.values() if row.title == 'The Long Ferry')


def connected(hub: Running) -> Any:
    (server,) = hub.data('servers')['servers']
    return server['connected'] and server


def test_hub_starts_answers_and_stops(start: Start, home: pathlib.Path):
    hub = start()
    hub.wait_until_up()

    assert httpx2.get(f'{hub.control.url}/readyz', timeout=30).text == 'ready\n'
    assert stat.S_IMODE((home / 'control.json').stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert json.loads((home / 'control.json').read_text())['token'] == hub.control.token
    assert hub.stop() == 0
    assert not (home / 'control.json').exists()
    assert hub.lines[-1] == 'INFO mediahub: stopped; everything is written'


@pytest.mark.skipif(sys.platform != 'linux', reason='asks the kernel of Linux')
def test_it_gives_up_what_it_does_not_need_and_tells_systemd_how_it_goes(
    start: Start, tmp_path: pathlib.Path
):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / 'notify'))
        told.settimeout(60)
        hub = start(NOTIFY_SOCKET=str(tmp_path / 'notify'))
        assert told.recv(100) == b'READY=1'
        process = pathlib.Path('/proc') / str(hub.process.pid)
        assert 'NoNewPrivs:\t1' in (process / 'status').read_text()
        assert 'Max core file size        0 ' in (process / 'limits').read_text()
        assert hub.stop() == 0
        assert told.recv(100) == b'STOPPING=1'


def test_webhooks_of_a_server_are_taken_as_it_sends_them(
    start: Start, living_plex: LivingPlex, watching: dict[str, str]
):
    hub = start(**watching, PLEX_REALTIME_ENABLED='false', PLEX_WEBHOOK_THUMBS='true')
    hub.wait_until_up()
    hub.wait_for(lambda: connected(hub))
    secret = watching['PLEX_WEBHOOK_SECRET']
    living_plex.hooks.urls.append(f'{hub.control.url}/api/v1/plex/webhook/{secret}')
    session = living_plex.play(
        living_plex.person('Anna'), living_plex.device('Living room'), film(living_plex)
    )
    hub.wait_for(lambda: hub.data('live')['plays'])
    session.stop()
    hub.wait_for(lambda: 'event="media.stop",outcome="taken"' in hub.get('/metrics').text)
    living_plex.hooks.close()

    assert set(living_plex.hooks.answers) == {200}
    assert 'outcome="INVALID' not in hub.get('/metrics').text


def test_interrupt_stops_it_too(start: Start):
    hub = start()
    hub.wait_until_up()

    assert hub.stop(signal.SIGINT) == 0


def test_what_plays_is_watched_recorded_and_survives_a_restart(
    start: Start, living_plex: LivingPlex, watching: dict[str, str]
):
    session = living_plex.play(
        living_plex.person('Anna'), living_plex.device('Living room'), film(living_plex)
    )
    hub = start(**watching)
    hub.wait_until_up()
    hub.wait_for(lambda: hub.data('live')['plays'])
    (before,) = hub.data('live')['plays']
    assert hub.stop() == 0

    again = start(**watching)
    again.wait_until_up()
    again.wait_for(lambda: connected(again))
    (after,) = again.data('live')['plays']

    assert after['play_id'] == before['play_id']
    session.stop()
    again.wait_for(lambda: not again.data('live')['plays'])


def test_killed_hub_continues_where_it_was(
    start: Start, living_plex: LivingPlex, watching: dict[str, str], home: pathlib.Path
):
    living_plex.play(
        living_plex.person('Anna'), living_plex.device('Living room'), film(living_plex)
    )
    hub = start(**watching)
    hub.wait_until_up()
    hub.wait_for(lambda: hub.data('live')['plays'])
    (before,) = hub.data('live')['plays']
    hub.process.kill()
    hub.process.wait()
    assert (home / 'control.json').exists()

    again = start(**watching)
    again.wait_until_up()
    again.wait_for(lambda: connected(again))

    assert [play['play_id'] for play in again.data('live')['plays']] == [before['play_id']]


def test_server_that_is_down_at_start_is_found_later(
    start: Start, hand_clock: HandClock, watching: dict[str, str]
):
    plex = LivingPlex(hand_clock)
    with plex.served() as serving:
        serving.go_down()
        hub = start(**(watching | {'PLEX_URL': serving.url, 'PLEX_TOKEN': plex.token}))
        hub.wait_until_up()
        hub.wait_for(lambda: hub.data('servers')['servers'][0]['reason'])
        assert httpx2.get(f'{hub.control.url}/readyz', timeout=30).status_code == 200
        serving.come_back()
        hub.wait_for(lambda: connected(hub))


def test_no_line_of_the_log_holds_a_secret(
    start: Start, living_plex: LivingPlex, watching: dict[str, str]
):
    hub = start(**watching, MEDIAHUB_LOG_LEVEL='debug')
    hub.wait_until_up()
    hub.wait_for(lambda: connected(hub))
    hub.data('plex/sessions')
    secret = watching['PLEX_WEBHOOK_SECRET']
    httpx2.post(f'{hub.control.url}/api/v1/plex/webhook/{secret}', content=b'x', timeout=30)
    httpx2.get(f'{hub.control.url}/api/v1/live?token={secret}', timeout=30)
    token = hub.control.token
    living_plex.token = 'changed-by-somebody'
    hub.wait_for(lambda: not connected(hub))
    hub.stop()

    text = '\n'.join(hub.lines)
    for hidden in (watching['PLEX_TOKEN'], secret, token):
        assert hidden not in text


def complaint(hub: Running) -> tuple[int, str]:
    status = hub.process.wait(60)
    lines = [line for line in hub.lines if line.startswith('mediahub: ')]
    assert len(lines) == 1, hub.lines
    assert 'Traceback' not in '\n'.join(hub.lines)
    return status, lines[0]


def test_address_that_is_taken_is_status_3(start: Start, home: pathlib.Path):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, line = complaint(start(MEDIAHUB_PORT=str(port)))

    assert status == 3
    assert line.endswith('is taken by another program; stop it or set MEDIAHUB_PORT')
    assert not (home / 'mediahub.duckdb').exists()


@pytest.mark.parametrize('host', ['192.0.2.1', 'nowhere.invalid'])
def test_address_that_is_not_ours_is_status_3(start: Start, host: str):
    status, line = complaint(start(MEDIAHUB_HOST=host))

    assert (status, 'MEDIAHUB_HOST' in line) == (3, True)


def test_database_in_use_is_status_4(start: Start, home: pathlib.Path):
    first = start()
    first.wait_until_up()

    status, line = complaint(start())

    assert (status, 'is in use by another process' in line) == (4, True)
    assert first.get('/api/v1/live').status_code == 200


def test_damaged_database_is_status_4_and_left_alone(start: Start, home: pathlib.Path):
    home.mkdir()
    file = home / 'mediahub.duckdb'
    file.write_bytes(b'this is no database' * 1000)
    before = file.read_bytes()

    status, line = complaint(start())

    assert (status, str(file) in line) == (4, True)
    assert file.read_bytes() == before


def test_newer_database_is_status_4_and_left_alone(start: Start, home: pathlib.Path):
    home.mkdir()
    with Database(home / 'mediahub.duckdb') as database:
        database.execute('INSERT INTO schema_version VALUES (999)')

    status, line = complaint(start())

    assert (status, 'use a newer mediahub' in line) == (4, True)


def test_home_that_cannot_be_made_is_status_4(start: Start, home: pathlib.Path):
    home.write_text('a file where the home should be')

    status, line = complaint(start())

    assert (status, 'MEDIAHUB_HOME' in line) == (4, True)


def test_every_mistake_in_the_settings_is_named(start: Start):
    hub = start(PLEX_SYNC_INTERVAL='often', MEDIAHUB_PORT='x', ENABLE_PLEX_SYNC='true')

    assert hub.process.wait(60) == 2
    assert len(hub.lines) == 3
    assert all(line.startswith('mediahub: ') for line in hub.lines)
    assert 'Traceback' not in '\n'.join(hub.lines)


def test_settings_file_that_was_asked_for_has_to_be_there(start: Start, tmp_path: pathlib.Path):
    hub = start('--config', str(tmp_path / 'absent.toml'))

    assert hub.process.wait(60) == 2
    assert 'absent.toml' in hub.lines[0]
