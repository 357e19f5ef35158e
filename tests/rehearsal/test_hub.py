# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""mediahub itself, in a process of its own, in a rehearsed container before a Plex that lives."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from charmarr_lib.testing.mediahub import MediahubDouble
from charmarr_lib.testing.workload import CannotStart, Launch, Workload
from mediahub.testing import browser
from mediahub.testing.plex_living import LivingPlex
from rehearsal import cli, errors, hubprocess, hubprogram, livingplex

ROOT = pathlib.Path(__file__).parents[2]
PATIENCE = 120.0
SUITE = """
    juju deploy charmarr-storage --trust
    juju deploy plex-k8s plex --trust
    juju deploy mediahub-k8s mediahub
    juju relate plex charmarr-storage
    juju relate mediahub plex
"""


@pytest.fixture
def real(operator):
    """The operator, at a model in which hubs and what people watch are real."""
    hubprocess.register(operator.rehearsal.catalogue)
    livingplex.Street().register(operator.rehearsal.catalogue)
    return operator


@pytest.fixture
def watched(real):
    """The same, once a film has travelled from Plex to the hub."""
    real.said = real.types(f'{SUITE}\nfilm')
    return real


def hub_of(operator: Any) -> hubprocess.HubProcess:
    [(_, hub)] = hubprocess.running(operator.rehearsal)
    return hub


def house_of(operator: Any) -> LivingPlex:
    [plex] = livingplex.running(operator.rehearsal, 'plex')
    return plex.house


def until(operator: Any, holds: Callable[[], Any]) -> None:
    """Wait until something is the case, while the hub may ask the cluster."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        operator.rehearsal.kubernetes.tick()
        time.sleep(0.05)


def play(operator: Any, title: str) -> Any:
    house = house_of(operator)
    film = next(row for row in house.shelves.rows.values() if row.title == title)
    return house.play(house.person('Bob'), house.device('Kitchen'), film.id)


def states(operator: Any) -> list[str]:
    return [each['state'] for each in hub_of(operator).ask('/api/v1/live')['plays']]


def titles(operator: Any) -> list[str]:
    plays = hub_of(operator).ask('/api/v1/history')['plays']
    return [each['item']['title'] for each in plays]


def test_a_film_travels_from_plex_to_the_hub_and_its_history_stays(watched):
    assert re.search(
        r'hub shows it after [0-9.]+ s\.\nShe stops: it is in the history', watched.said
    )
    assert watched.status('mediahub') == ('active', 'watching plex')
    session = play(watched, 'Nine Lanterns')
    until(watched, lambda: states(watched) == ['playing'])
    session.pause()
    until(watched, lambda: states(watched) == ['paused'])
    session.stop()
    until(watched, lambda: states(watched) == [])

    watched.types('juju remove-relation mediahub plex')
    hub = hub_of(watched)
    assert hub.servers() == []
    assert titles(watched) == ['Nine Lanterns', 'The Long Ferry']
    assert house_of(watched).token not in watched.out.getvalue() + watched.err.getvalue()

    address = hub.url
    watched.rehearsal.close()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f'{address}/healthz', trust_env=False)


def test_a_hub_follows_a_plex_whose_pod_is_replaced(watched):
    watched.types('juju config plex hardware-transcoding=true')
    assert watched.rollouts()['plex'] == 2
    said = watched.types('film 1')
    assert re.match(r'The page: http://127\.0\.0\.1:\d+/\S*/auth/link/\S+\n', said)
    assert 'She stops: it is in the history' in said
    # The same viewer came back to the same film within two minutes: that is one play.
    assert titles(watched) == ['The Long Ferry']


def test_a_session_shows_and_ends_on_the_page_without_a_reload(watched):
    program = browser.chromium()
    if program is None:
        pytest.skip(browser.MISSING)
    link = hub_of(watched).sign_in()
    with (
        hubprocess.attending(watched.rehearsal),
        browser.opened(program) as chrome,
        browser.visit(chrome) as page,
    ):
        browser.sign_in(page, link)
        page.evaluate('window.neverReloaded = true')
        session = play(watched, 'Nine Lanterns')
        card = page.locator('#streams > li').filter(has_text='Nine Lanterns')
        card.get_by_text('Bob').wait_for()
        session.pause()
        card.get_by_text('Paused').wait_for()
        session.stop()
        card.get_by_text('Ended').wait_for()
        card.wait_for(state='detached')
        assert page.evaluate('window.neverReloaded') is True
        page.get_by_role('link', name='History').click()
        page.locator('tbody tr').filter(has_text='The Long Ferry').wait_for()


def test_a_film_needs_a_hub_and_a_plex(real):
    with pytest.raises(errors.JujuError, match='no mediahub runs here that is related to a Plex'):
        real.types('juju deploy mediahub-k8s mediahub\nfilm')
    with pytest.raises(errors.InputError, match='invalid number of seconds "long"'):
        real.types('film long')


# How the program is started.

STARTER = """
import pathlib, sys, time
from rehearsal import hubprogram
home, log = map(pathlib.Path, sys.argv[1:])
environment = {'MEDIAHUB_HOME': str(home), 'MEDIAHUB_PORT': '0'}
hubprogram.start(['serve'], environment, log)
time.sleep(600)
"""


def test_the_program_ends_with_whoever_started_it_however_that_ends(tmp_path):
    control, log = tmp_path / 'home' / 'control.json', tmp_path / 'log'
    words = [sys.executable, '-c', STARTER, control.parent, log]
    starter = subprocess.Popen(words)  # noqa: S603  # the program above
    end = time.monotonic() + PATIENCE
    while not control.exists():
        assert time.monotonic() < end
        assert starter.poll() is None
        time.sleep(0.05)
    starter.kill()
    starter.wait()
    while control.exists():  # the hub takes it away when it stops
        assert time.monotonic() < end
        time.sleep(0.05)
    assert 'SIGTERM: stopping' in log.read_text()


def test_a_command_says_what_it_says_and_how_it_ended(tmp_path):
    out, err = tmp_path / 'out', tmp_path / 'err'
    assert hubprogram.start(['--version'], {}, out, err).wait(PATIENCE) == 0
    assert (out.read_text(), err.read_text()) == ('mediahub 0.1.0\n', '')
    assert hubprogram.start(['no-such-command'], {}, out, err).wait(PATIENCE) == 2
    assert 'invalid choice' in err.read_text()


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


BUNDLE = """
applications:
  charmarr-storage: {charm: charmarr-storage, scale: 1, trust: true}
  plex: {charm: plex-k8s, scale: 1, trust: true}
  mediahub: {charm: mediahub-k8s, scale: 1}
relations: [[plex, charmarr-storage], [mediahub, plex]]
"""


@pytest.fixture
def bundle(tmp_path: pathlib.Path) -> str:
    (tmp_path / 'bundle.yaml').write_text(BUNDLE)
    return str(tmp_path / 'bundle.yaml')


def rehearse(*words: str) -> int:
    return cli.main([*words, '--charms', str(ROOT / 'charms'), '--quiet'])


def test_rehearse_runs_the_program_shows_a_film_and_ends_it(bundle, monkeypatch, capsys):
    addresses = list[str]()

    class Noted(hubprocess.HubProcess):
        """Tells where it listened."""

        def start(self, launch: Launch) -> None:
            super().start(launch)
            addresses.append(self.url)

    monkeypatch.setattr(hubprocess, 'HubProcess', Noted)
    assert rehearse(bundle) == 0
    shown = capsys.readouterr().out.partition('Steady state')[2].splitlines()
    assert shown[2] == '$ juju run plex/leader claim-server token=********'
    assert shown[-3].startswith('Anna plays "The Long Ferry": the hub shows it after')
    assert shown[-2].startswith('She stops: it is in the history')
    assert addresses
    for address in addresses:
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f'{address}/healthz', trust_env=False)


def test_a_program_is_told_of_the_film_too(bundle, capsys):
    assert rehearse(bundle, '--format', 'json') == 0
    document = json.loads(capsys.readouterr().out)
    assert document['film'].keys() == {'title', 'seen', 'ended'}
    assert document['film']['title'] == 'The Long Ferry'


def test_the_double_plays_no_film(bundle, capsys):
    assert rehearse(bundle, '--hub', 'double') == 0
    shown = capsys.readouterr().out
    assert 'no token for plex; run: juju add-secret' in shown
    assert shown.splitlines()[-1].startswith('Steady state')


def test_rehearse_says_in_one_line_why_the_program_cannot_run(bundle, monkeypatch, capsys):
    def refuse(*_: Any) -> None:
        raise OSError('no process can be started: Cannot allocate memory')

    monkeypatch.setattr(hubprogram, 'start', refuse)
    assert rehearse(bundle) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        'ERROR mediahub cannot run here: no process can be started: Cannot allocate memory; '
        'rehearse --hub double does without it'
    )


def test_rehearse_says_in_one_line_that_the_program_was_killed(bundle, monkeypatch, capsys):
    begin = hubprogram.start

    def start_and_kill(*arguments: Any) -> hubprogram.Process:
        process = begin(*arguments)
        process.send(signal.SIGKILL)
        return process

    monkeypatch.setattr(hubprogram, 'start', start_and_kill)
    assert rehearse(bundle) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        'ERROR mediahub cannot run here: it was ended by SIGKILL (out of memory?); '
        'rehearse --hub double does without it'
    )


def test_rehearse_takes_the_double_where_the_program_is_missing(bundle, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    assert rehearse(bundle) == 0
    assert 'mediahub is not installed here' in capsys.readouterr().err
    assert rehearse(bundle, '--hub', 'real') == 2
    assert 'mediahub is not installed here' in capsys.readouterr().err


def test_bad_nights_repeat_and_so_have_the_double(bundle):
    with pytest.raises(SystemExit, match='2'):
        cli.main([bundle, '--hub', 'real', '--chaos', '1'])
