# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""People sign in to a hub that runs as an operator runs it, and no secret is left anywhere."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Generator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from mediahub.testing.clocks import real
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plextv import PlexTv

from .conftest import Running, Start


@pytest.fixture
def plex() -> Generator[LivingPlex]:
    made = LivingPlex(real)
    with made.served():
        yield made


@pytest.fixture
def tv(plex: LivingPlex) -> Generator[PlexTv]:
    made = PlexTv(real).around(plex)
    with made.served() as serving:
        made.url = serving.url
        yield made


@pytest.fixture
def world(plex: LivingPlex, tv: PlexTv) -> dict[str, str]:
    """The environment of a hub between the two."""
    return {
        'PLEX_URL': plex.url,
        'PLEX_TOKEN': plex.token,
        'MEDIAHUB_PLEXTV_URL': tv.url,
        'MEDIAHUB_PLEXTV_CLIENTS_URL': tv.url,
        'MEDIAHUB_PLEXTV_APP_URL': tv.url,
        'MEDIAHUB_LOG_LEVEL': 'debug',
    }


def begun(hub: Running, browser: httpx2.Client) -> dict[str, str]:
    answer = browser.get(f'{hub.control.url}/api/v1/auth/plex/start')
    assert answer.status_code == 200, answer.text
    return answer.json()['data']


def forward(start: dict[str, str]) -> tuple[str, str]:
    """The code on Plex's page, and where the browser goes afterwards."""
    given = parse_qs(urlsplit(start['authorization_url']).fragment.removeprefix('?'))
    return given['code'][0], given['forwardUrl'][0]


def signed_in(hub: Running, tv: PlexTv, browser: httpx2.Client) -> httpx2.Response:
    code, back = forward(begun(hub, browser))
    assert tv.claim(code, tv.owner)
    return browser.get(back, headers={'Accept': 'text/html'})


@pytest.mark.parametrize('way', ['legacy', 'jwt'])
def test_owner_signs_in_and_no_secret_is_left(
    start: Start, world: dict[str, str], tv: PlexTv, home: pathlib.Path, way: str
):
    hub = start(PLEX_AUTH_FLOW=way, **world)
    hub.wait_until_up()
    with httpx2.Client(timeout=30) as browser:
        answer = signed_in(hub, tv, browser)
        assert (answer.status_code, answer.headers['location']) == (303, '/')
        me = browser.get(f'{hub.control.url}/api/v1/auth/session').json()['data']
        assert (me['name'], me['role']) == ('owner', 'admin')
        listed = browser.get(f'{hub.control.url}/api/v1/auth/sessions')
        assert listed.status_code == 200
        secrets = {browser.cookies['mediahub'], me['csrf_token'], world['PLEX_TOKEN']}
    secrets |= {pin.token for pin in tv.pins.values()} | {pin.code for pin in tv.pins.values()}
    secrets |= {str(number) for number in tv.pins}
    assert '' not in secrets
    assert hub.stop() == 0

    left = {str(file): file.read_bytes() for file in home.rglob('*') if file.is_file()}
    left['log'] = hub.log.read_bytes()
    left['answer'] = listed.content
    assert len(left) >= 4
    for secret in secrets:
        assert [name for name, content in left.items() if secret.encode() in content] == []


def test_session_outlives_a_restart_of_the_process(
    start: Start, world: dict[str, str], tv: PlexTv
):
    hub = start(**world)
    hub.wait_until_up()
    with httpx2.Client(timeout=30) as browser:
        signed_in(hub, tv, browser)
        assert hub.stop() == 0
        again = start(**world)
        again.wait_until_up()
        answer = browser.get(f'{again.control.url}/api/v1/auth/session')
        assert answer.status_code == 200


def command(home: pathlib.Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, '-m', 'mediahub.cli', 'sign-in', *words],
        env={
            'PATH': os.environ['PATH'],
            'PYTHONPATH': os.pathsep.join(sys.path),
            'MEDIAHUB_HOME': str(home),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_command_prints_a_link_that_the_running_hub_takes(start: Start, home: pathlib.Path):
    hub = start()
    hub.wait_until_up()

    made = command(home)

    assert made.returncode == 0, made.stderr
    link = made.stdout.strip()
    assert link.startswith(f'{hub.control.url}/api/v1/auth/link/')
    assert made.stderr == (
        'mediahub: the link signs in once, within 10 minutes, as administrator\n'
    )
    with httpx2.Client(timeout=30) as browser:
        assert browser.get(link).status_code == 200
        assert browser.post(link).status_code == 200
        me = browser.get(f'{hub.control.url}/api/v1/auth/session').json()['data']
        assert me['role'] == 'admin'
        assert browser.post(link).status_code == 410
    assert hub.stop() == 0
    ticket = link.rpartition('/')[2]
    assert ticket not in hub.log.read_text()


def test_command_makes_a_guests_link_in_json(start: Start, home: pathlib.Path):
    hub = start()
    hub.wait_until_up()
    made = command(home, '--viewer', '--json')
    assert made.stderr == ''
    link = httpx2.Response(200, text=made.stdout).json()['url']
    answer = httpx2.post(link, timeout=30).json()['data']
    assert (answer['me']['name'], answer['me']['role']) == ('guest', 'viewer')


def test_command_says_when_no_hub_runs(home: pathlib.Path):
    made = command(home)
    assert made.returncode == 0
    assert made.stdout.startswith('http://127.0.0.1:8484/api/v1/auth/link/')
    assert made.stderr.endswith(f'no hub runs on {home}; start it with: mediahub serve\n')


def test_command_says_when_it_may_not_write(tmp_path: pathlib.Path):
    (tmp_path / 'home').write_text('a file')
    made = command(tmp_path / 'home')
    assert (made.returncode, made.stdout) == (1, '')
    assert 'run this as the user that the hub runs as' in made.stderr
    assert made.stderr.count('\n') == 1


def test_command_names_every_mistake_of_the_settings(tmp_path: pathlib.Path):
    (tmp_path / 'mediahub.toml').write_text('[hub]\nprot = 1\nport = "x"\n')
    made = command(tmp_path)
    assert made.returncode == 2
    assert made.stderr.count('\n') == 2
