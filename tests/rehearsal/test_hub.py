# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""mediahub itself, in a process of its own, in a rehearsed container before a Plex that lives."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from charmarr_lib.testing.mediahub import MediahubDouble
from charmarr_lib.testing.plex import PlexDouble
from charmarr_lib.testing.workload import CannotStart, Launch, Workload
from mediahub.testing.clocks import real
from mediahub.testing.http import asked_from
from mediahub.testing.plex_living import LivingPlex
from rehearsal import cli, doubles, engine, hubprocess

ROOT = pathlib.Path(__file__).parents[2]
PATIENCE = 120.0
SUITE = """
    juju deploy charmarr-storage --trust
    juju deploy plex-k8s plex --trust
    juju deploy mediahub-k8s mediahub
    juju relate plex charmarr-storage
    juju relate mediahub plex
"""


class LivingInPod(PlexDouble):
    """To its own charm the suite's double, to all others a Plex that people play on."""

    def __init__(self, living: LivingPlex) -> None:
        super().__init__()
        self._living = living

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Answer a request."""
        if peer == '127.0.0.1' or not self.running:
            return super().handle(request, peer)
        if request.url.path.startswith('/:/'):
            return httpx2.Response(404)  # a network of requests and answers carries no stream
        answer = self._living(asked_from(request, request.read()))
        headers = {'Content-Type': answer.content_type, **answer.headers}
        return httpx2.Response(answer.status, headers=headers, content=answer.content)


class Hub:
    """The hub's process, as a program asks it."""

    def __init__(self, rehearsal: engine.Rehearsal) -> None:
        self._rehearsal = rehearsal
        self.processes: list[hubprocess.HubProcess] = []

    def make(self) -> Workload:
        """Return the program of one container."""
        self.processes.append(hubprocess.HubProcess())
        return self.processes[-1]

    def ask(self, path: str) -> Any:
        """Ask the API for what is at a path."""
        process = self.processes[-1]
        token = json.loads((process.home / 'control.json').read_text())['token']
        headers = {'Authorization': f'Bearer {token}'}
        answer = httpx2.get(process.url + path, headers=headers, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()['data']

    def until(self, path: str, right: Callable[[Any], bool]) -> Any:
        """Ask until the answer is right, while the hub may ask the cluster."""
        end = time.monotonic() + PATIENCE
        while not right(found := self.ask(path)):
            assert time.monotonic() < end, found
            self._rehearsal.kubernetes.tick()
            time.sleep(0.05)
        return found


@pytest.fixture
def hub(operator) -> Hub:
    made = Hub(operator.rehearsal)
    operator.rehearsal.catalogue.register(doubles.HUB_IMAGE, made.make)
    return made


@pytest.fixture
def living(operator) -> LivingPlex:
    made = LivingPlex(real).stocked()
    operator.rehearsal.catalogue.register(doubles.PLEX_IMAGE, lambda: LivingInPod(made))
    return made


def states(found: Any) -> list[str]:
    return [each['state'] for each in found['plays']]


def test_a_session_travels_from_plex_to_the_hub_and_its_history_stays(operator, hub, living):
    operator.types(SUITE)
    assert operator.status('mediahub')[0] == 'active'
    assert 'no token for plex; run: juju add-secret' in operator.status('mediahub')[1]

    secret = operator.types(f'juju add-secret plex-token token={living.token}').strip()
    operator.types(f"""
        juju grant-secret plex-token mediahub
        juju config mediahub plex-token={secret} plex-sync-interval=10s
    """)
    assert operator.status('mediahub') == ('active', 'watching plex')

    film = next(row for row in living.shelves.rows.values() if row.title == 'The Long Ferry')
    session = living.play(living.person('Anna'), living.device('Living room'), film.id)
    found = hub.until('/api/v1/live', lambda found: states(found) == ['playing'])
    assert [each['item']['title'] for each in found['plays']] == ['The Long Ferry']
    session.pause()
    hub.until('/api/v1/live', lambda found: states(found) == ['paused'])
    session.stop()
    hub.until('/api/v1/live', lambda found: not found['plays'])

    operator.types('juju remove-relation mediahub plex')
    assert hub.ask('/api/v1/servers')['servers'] == []
    kept = hub.ask('/api/v1/history')['plays']
    assert [each['item']['title'] for each in kept] == ['The Long Ferry']
    assert living.token not in operator.out.getvalue() + operator.err.getvalue()

    operator.rehearsal.close()
    assert [each.url for each in hub.processes] == [''] * len(hub.processes)


# What the double has in common with the program.


@pytest.fixture(params=[MediahubDouble, hubprocess.HubProcess])
def program(request: pytest.FixtureRequest) -> Iterator[Workload]:
    made: Workload = request.param()
    yield made
    made.stop()


@pytest.fixture
def launch(tmp_path: pathlib.Path) -> Launch:
    (tmp_path / 'home').mkdir()
    (tmp_path / 'token').write_text('a-token-of-twenty-letters')
    (tmp_path / 'hub.toml').write_text(
        '[hub]\nhome = "/home"\nenable-plex-sync = true\n'
        '[[servers]]\nname = "plex"\ntype = "plex"\n'
        'url = "http://plex.media.svc.cluster.local:32400"\ntoken-file = "/token"\n'
    )
    command = 'mediahub --config /hub.toml serve'
    return Launch(command, {'MEDIAHUB_HOME': '/home'}, 0, 0, tmp_path)


MISSING = "mediahub: server 'plex': /token cannot be read"
CHECK = ['mediahub', '--config', '/hub.toml', 'check']
HOME = '/home'
BACKUPS = f'{HOME}/backups'


def ask(program: Workload, path: str, token: str = '') -> httpx2.Response:
    headers = {'Authorization': f'Bearer {token}'} if token else {}
    request = httpx2.Request('GET', f'http://127.0.0.1:8484{path}', headers=headers)
    return program.handle(request, '127.0.0.1')


def test_a_hub_that_runs_answers_and_one_that_stopped_does_not(program, launch):
    program.start(launch)
    control = launch.root / 'home' / 'control.json'
    token = json.loads(control.read_text())['token']
    assert ask(program, '/healthz').json() == {'status': 'ok', 'version': '0.1.0'}
    assert ask(program, '/api/v1/servers').status_code == 401
    [server] = ask(program, '/api/v1/servers', token).json()['data']['servers']
    assert server.keys() >= {'name', 'reason', 'advice'}
    in_use = program.execute(CHECK)
    assert (in_use.exit_code, in_use.stdout) == (2, '')
    assert f'mediahub: {HOME}/mediahub.duckdb is in use by another process' in in_use.stderr

    program.stop()
    assert not control.exists()
    with pytest.raises(httpx2.ConnectError):
        ask(program, '/healthz')
    assert program.execute(CHECK) == type(in_use)(0, '', '')
    version = program.execute(['mediahub', '--version'])
    assert (version.exit_code, version.stdout) == (0, 'mediahub 0.1.0\n')
    assert program.execute(['sh', '-c', 'true']) is None


def test_a_hub_that_misses_a_secret_does_not_start_and_says_which(program, launch):
    (launch.root / 'token').unlink()
    with pytest.raises(CannotStart, match=MISSING):
        program.start(launch)
    said = program.execute(CHECK)
    assert (said.exit_code, said.stdout) == (2, '')
    assert said.stderr.startswith(MISSING)
    assert all(line.startswith('mediahub: ') for line in said.stderr.splitlines())


def run(program: Workload, *words: str) -> Any:
    return program.execute(['mediahub', '--config', '/hub.toml', *words])


def test_a_backup_is_made_while_it_runs_and_put_back_when_it_does_not(program, launch):
    program.start(launch)
    made = run(program, 'backup', '--folder', BACKUPS)
    path = made.stdout.strip()
    assert (made.exit_code, made.stderr) == (0, '')
    assert path.startswith(f'{BACKUPS}/mediahub-')
    assert (launch.root / path.lstrip('/')).is_file()
    refused = run(program, 'restore', path)
    assert (refused.exit_code, refused.stdout) == (1, '')
    assert refused.stderr == 'mediahub: the hub runs; stop it first, nothing was changed\n'

    program.stop()
    restored = run(program, 'restore', path)
    assert restored.exit_code == 0
    kept = restored.stdout.strip()
    assert kept.startswith(f'{HOME}/mediahub.duckdb.before-')
    assert (launch.root / kept.lstrip('/')).is_file()
    wrong = run(program, 'restore', f'{BACKUPS}/none')
    assert (wrong.exit_code, wrong.stdout) == (1, '')
    assert wrong.stderr.startswith(f'mediahub: {BACKUPS}/none is no backup')
    program.start(launch)
    assert ask(program, '/healthz').status_code == 200


# The command line.


@pytest.fixture
def bundle(tmp_path: pathlib.Path) -> str:
    file = tmp_path / 'bundle.yaml'
    file.write_text('applications:\n  mediahub: {charm: mediahub-k8s, scale: 1}\n')
    return str(file)


def test_rehearse_runs_the_program_and_ends_it(bundle, monkeypatch, capsys):
    addresses = list[str]()

    class Noted(hubprocess.HubProcess):
        """Tells where it listened."""

        def start(self, launch: Launch) -> None:
            super().start(launch)
            addresses.append(self.url)

    monkeypatch.setattr(hubprocess, 'HubProcess', Noted)
    assert cli.main([bundle, '--charms', str(ROOT / 'charms'), '--real-hub', '--quiet']) == 0
    assert 'no media server; run: juju relate' in capsys.readouterr().out
    [address] = addresses
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f'{address}/healthz', trust_env=False)


def test_rehearse_says_where_the_program_is_missing(bundle, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    assert cli.main([bundle, '--charms', str(ROOT / 'charms'), '--real-hub', '--quiet']) == 2
    assert 'mediahub is not installed here' in capsys.readouterr().err


def test_bad_nights_repeat_and_so_have_the_double(bundle):
    with pytest.raises(SystemExit, match='2'):
        cli.main([bundle, '--real-hub', '--chaos', '1'])
