# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The double of Seerr is held to what was recorded from the real servers."""

import json
import pathlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx2
import pytest

from charmarr_lib import http
from charmarr_lib.testing.jellyfin import Account, JellyfinDouble, Library
from charmarr_lib.testing.seerr import Mood, PlexTvDouble, SeerrDouble
from charmarr_lib.testing.workload import CannotStart, Launch

SAMPLES = pathlib.Path(__file__).parents[4] / 'shared' / 'samples' / 'seerr'

recorded = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason='the recordings (../shared/samples/seerr) are not here'
)

# What differs from one run of the real program to the next.
VOLATILE = re.compile(
    'vapidPublic|apiKey|createdAt|updatedAt|version|clientId|commitTag|jellyfinVersion'
)


class Plex:
    """The stand-in of the recordings: one film library, and any token will do."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        answers: dict[str, dict[str, Any]] = {
            '/': {'friendlyName': 'mock-plex', 'machineIdentifier': 'machine-1'},
            '/library/sections': {
                'Directory': [{'key': '1', 'title': 'Movies', 'type': 'movie'}],
            },
        }
        return httpx2.Response(200, json={'MediaContainer': answers[request.url.path]})


def make_jellyfin() -> JellyfinDouble:
    double = JellyfinDouble(
        [
            Account('root', 'secret', 'aaaa1111bbbb2222cccc3333dddd4444', True),
            Account('bob', 'secret', 'bbbb1111bbbb2222cccc3333dddd4444'),
        ],
        [Library('lib1', 'Movies', 'movies'), Library('lib2', 'Shows', 'tvshows')],
        name='mock-jellyfin',
    )
    double.running = True
    return double


@pytest.fixture
def network() -> Iterator[dict[tuple[str, int], Callable[[httpx2.Request], httpx2.Response]]]:
    """The hosts of the recordings; what is not here does not exist."""
    jellyfin = make_jellyfin()
    plex = Plex()

    def handle(request: httpx2.Request) -> httpx2.Response:
        where = (request.url.host, request.url.port or 443)
        if where not in hosts:
            raise httpx2.ConnectError('[Errno -2] Name or service not known', request=request)
        return hosts[where](request)

    hosts: dict[tuple[str, int], Callable[[httpx2.Request], httpx2.Response]] = {
        ('127.0.0.1', 18096): lambda request: jellyfin.handle(request, '10.0.0.1'),
        ('localhost', 18096): lambda request: jellyfin.handle(request, '10.0.0.1'),
        ('127.0.0.1', 13240): plex,
        ('localhost', 13240): plex,
    }
    with http.use_transport(httpx2.MockTransport(handle)):
        yield hosts


def owned_by_seerr(path: str) -> tuple[int, int]:
    return 1000, 1000


def owned_by_root(path: str) -> tuple[int, int]:
    return 0, 0


def launch(root: pathlib.Path, **changes: Any) -> Launch:
    environment = {'CONFIG_DIRECTORY': '/app/config', **changes.pop('environment', {})}
    values: dict[str, Any] = {
        'command': 'node dist/index.js',
        'environment': environment,
        'user_id': 1000,
        'group_id': 1000,
        'root': root,
        'owner': owned_by_seerr,
        'working_dir': '/app',
    }
    return Launch(**{**values, **changes})


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / 'app' / 'config').mkdir(parents=True)
    return tmp_path


def config(root: pathlib.Path) -> pathlib.Path:
    return root / 'app' / 'config'


def write_settings(root: pathlib.Path, content: object) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (config(root) / 'settings.json').write_text(text)


def read_settings(root: pathlib.Path) -> dict[str, Any]:
    return json.loads((config(root) / 'settings.json').read_text())


def send(double: SeerrDouble, method: str, path: str, **arguments: Any) -> httpx2.Response:
    request = httpx2.Request(method, f'http://localhost:5055{path}', **arguments)
    return double.handle(request, '127.0.0.1')


def key_of(double: SeerrDouble) -> dict[str, str]:
    return {'X-Api-Key': double.settings['main']['apiKey']}


def steady(value: Any) -> Any:
    """Take out what differs from run to run."""
    if isinstance(value, dict):
        items = cast('dict[str, Any]', value).items()
        return {k: '…' if VOLATILE.fullmatch(k) else steady(v) for k, v in items}
    return (
        [steady(each) for each in cast('list[Any]', value)] if isinstance(value, list) else value
    )


class Replay:
    """Sends recorded requests to the double and compares the answers.

    A recorded key stands for a key of the double: the first one that is seen for the one it has
    now; after a regeneration the next one for the next.
    """

    def __init__(self, double: SeerrDouble) -> None:
        self._double = double
        self._keys: dict[str, str] = {'bad': 'bad'}

    def __call__(self, name: str) -> None:
        sample = json.loads((SAMPLES / f'{name}.json').read_text())
        request, wanted = sample['request'], sample['response']
        headers = dict(request['headers'])
        if 'X-Api-Key' in headers:
            current = self._double.settings['main']['apiKey']
            headers['X-Api-Key'] = self._keys.setdefault(headers['X-Api-Key'], current)
        answer = send(
            self._double, request['method'], request['path'], headers=headers, json=request['body']
        )
        assert (name, answer.status_code) == (name, wanted['status'])
        assert ('set-cookie' in answer.headers) == wanted['set_cookie']
        kind = answer.headers['content-type'].partition(';')[0]
        assert kind == wanted['content_type'].partition(';')[0]
        if kind == 'application/json':
            assert steady(answer.json()) == steady(wanted['body'])


def names(prefix: str, *numbers: int) -> list[str]:
    found = {
        int(path.stem.split('_')[1]): path.stem for path in SAMPLES.glob(f'{prefix}_[0-9]*.json')
    }
    return [found[number] for number in numbers if number in found]


@recorded
@pytest.mark.usefixtures('network')
def test_seerr_answers_as_recorded(root: pathlib.Path):
    double = SeerrDouble()
    double.start(launch(root))
    replay = Replay(double)
    sequence = names('seerr', *range(1, 62))
    assert len(sequence) == 52
    for name in sequence:
        replay(name)
    double.stop()


@recorded
@pytest.mark.usefixtures('network')
def test_overseerr_answers_as_recorded(root: pathlib.Path):
    double = SeerrDouble('overseerr')
    double.start(launch(root))
    replay = Replay(double)
    for name in names('overseerr', *range(1, 17)):
        replay(name)
    double.add_administrator('token')  # the recording inserted this row
    for name in names('overseerr', *range(17, 53)):
        replay(name)
    double.stop()


@recorded
def test_plex_end_to_end_answers_as_recorded(root: pathlib.Path, network: dict[Any, Any]):
    network['plex.tv', 443] = PlexTvDouble({'goodtoken': 'owner'})
    record = scenario('plex_end_to_end')
    write_settings(root, record['settings_json_before'])
    double = SeerrDouble()
    double.start(launch(root))
    replay = Replay(double)
    for path in sorted(SAMPLES.glob('scen_plex_end_to_end_*.json')):
        replay(path.stem)
    assert steady(without_null(read_settings(root))) == after(record)
    double.stop()


@recorded
@pytest.mark.usefixtures('network')
def test_a_plain_get_of_libraries_switches_all_off_as_recorded(root: pathlib.Path):
    double = SeerrDouble()
    double.start(launch(root))
    replay = Replay(double)
    for name in names('seerr', 31, 34):
        replay(name)
    replay('scen_library_plain_get_01_enable')
    replay('scen_library_plain_get_02_plain_get')
    double.stop()


def scenario(name: str) -> dict[str, Any]:
    return json.loads((SAMPLES / f'scenario_{name}.json').read_text())


def without_null(values: dict[str, Any]) -> dict[str, Any]:
    """Keep the parts that the recordings keep."""
    parts = ('main', 'plex', 'jellyfin', 'public', 'network', 'clientId', 'migrations')
    return {part: values[part] for part in parts if values.get(part) is not None}


def after(record: dict[str, Any]) -> Any:
    return steady(without_null(record['settings_json_after']))


@recorded
@pytest.mark.parametrize(
    'name',
    [
        'preseed_empty_file',
        'preseed_empty_object',
        'preseed_no_main',
        'preseed_no_mediaServerType',
        'preseed_type4_minimal',
        'preseed_type4_plex',
        'ui_preseed_type1_no_user',
        'ui_preseed_type4',
    ],
)
def test_settings_files_are_taken_as_recorded(root: pathlib.Path, name: str):
    record = scenario(name)
    write_settings(root, record['settings_json_before'])
    double = SeerrDouble()
    crashed = record['outcome'] != 'ready'
    if crashed:
        with pytest.raises(CannotStart):
            double.start(launch(root))
        assert double.crashes[0].splitlines()[0] in '\n'.join(record['log_tail'])
    else:
        double.start(launch(root))
    assert steady(without_null(read_settings(root))) == after(record)
    double.stop()


@recorded
@pytest.mark.usefixtures('network')
@pytest.mark.parametrize('name', ['preseed_jellyfin_ip_type4', 'preseed_jellyfin_ip_type2'])
def test_a_preset_jellyfin_host_breaks_the_sign_in_as_recorded(root: pathlib.Path, name: str):
    record = scenario(name)
    write_settings(root, record['settings_json_before'])
    double = SeerrDouble()
    double.start(launch(root))
    sign_in = json.loads((SAMPLES / f'{names("seerr", 31)[0]}.json').read_text())['request']
    bare = {'username': 'root', 'password': 'secret', 'serverType': 2}
    path = '/api/v1/auth/jellyfin'
    probes = record['probe']
    with_host = send(double, 'POST', path, json=sign_in['body'])
    assert [with_host.status_code, with_host.json()] == probes[0]
    assert send(double, 'POST', path, json=bare).status_code == probes[1][0]
    assert steady(double.settings['jellyfin']) == steady(probes[2])
    with pytest.raises(httpx2.ReadTimeout):
        send(double, 'GET', '/api/v1/settings/jellyfin/library?sync=true', headers=key_of(double))
    again = send(double, 'POST', path, json=bare)
    assert [again.status_code, again.json()] == probes[4]
    double.stop()


@recorded
def test_an_overseerr_folder_is_taken_over_as_recorded(root: pathlib.Path):
    before = scenario('migrate_overseerr_db_only')['settings_json_after']
    make_overseerr_folder(root, before)
    double = SeerrDouble()
    double.start(launch(root))
    assert steady(without_null(read_settings(root))) == after(scenario('migrate_overseerr_full'))
    answer = send(double, 'GET', '/api/v1/auth/me', headers=key_of(double))
    assert answer.json()['displayName'] == 'admin'
    double.stop()


@recorded
def test_an_overseerr_database_without_its_log_crashes_as_recorded(root: pathlib.Path):
    record = scenario('migrate_overseerr_db_only')
    make_overseerr_folder(root, record['settings_json_after'])
    for name in ('db.sqlite3-wal', 'db.sqlite3-shm'):
        (config(root) / 'db' / name).unlink()
    double = SeerrDouble()
    with pytest.raises(CannotStart, match='no such table: migrations'):
        double.start(launch(root))
    assert double.crashes[0].split(': ', 1)[0] in '\n'.join(record['log_tail'])


def make_overseerr_folder(root: pathlib.Path, settings: dict[str, Any]) -> None:
    old = SeerrDouble('overseerr')
    old.start(launch(root))
    old.add_administrator('token')
    old.stop()
    write_settings(root, {k: v for k, v in settings.items() if v is not None})


@recorded
def test_the_key_of_the_environment_wins_and_is_not_kept_as_recorded(root: pathlib.Path):
    double = SeerrDouble()
    for name in ('1_first_boot_A', '2_restart_B', '3_restart_no_env'):
        record = scenario(f'apikey_env_{name}')
        environment = dict(each.split('=') for each in record['env'])
        double.start(launch(root, environment=environment))
        if not double.state.users:
            double.add_administrator()
        *statuses, on_disk = record['probe']
        answers = [
            send(double, 'GET', '/api/v1/settings/main', headers={'X-Api-Key': f'env-key-{each}'})
            for each in 'AB'
        ]
        assert [each.status_code for each in answers] == statuses
        assert read_settings(root)['main']['apiKey'] == on_disk
        double.stop()


@recorded
@pytest.mark.usefixtures('network')
def test_csrf_protection_refuses_the_right_key_as_recorded(root: pathlib.Path):
    record = scenario('csrf')
    double = SeerrDouble()
    double.start(launch(root))
    double.add_administrator()
    double.settings['network']['csrfProtection'] = True
    key, path = key_of(double), '/api/v1/settings/main'
    assert send(double, 'GET', path, headers=key).status_code == record['probe'][0]
    refused = send(double, 'POST', path, headers=key, json={'hideAvailable': True})
    assert [refused.status_code, refused.json()] == record['probe'][1]
    double.stop()


def test_exits_where_it_cannot_write_its_folder(root: pathlib.Path):
    with pytest.raises(CannotStart, match='EACCES: permission denied, mkdir'):
        SeerrDouble().start(launch(root, owner=owned_by_root))


@pytest.mark.parametrize(
    ('flavour', 'mode', 'starts'),
    [('overseerr', 0o644, False), ('seerr', 0o644, True), ('seerr', 0o600, False)],
)
def test_exits_over_a_settings_file_of_somebody_else(
    root: pathlib.Path, flavour: str, mode: int, starts: bool
):
    write_settings(root, {'main': {'mediaServerType': 4}})
    (config(root) / 'settings.json').chmod(mode)
    double = SeerrDouble(flavour)

    def owner(path: str) -> tuple[int, int]:
        return (0, 0) if path.endswith('.json') else (1000, 1000)

    if starts:
        double.start(launch(root, owner=owner))
        double.stop()
    else:
        with pytest.raises(CannotStart, match='EACCES: permission denied, open'):
            double.start(launch(root, owner=owner))


@pytest.mark.parametrize(
    'changes', [{'command': '/init'}, {'working_dir': '/'}], ids=['command', 'folder']
)
def test_exits_when_it_is_started_the_wrong_way(root: pathlib.Path, changes: dict[str, str]):
    with pytest.raises(CannotStart):
        SeerrDouble().start(launch(root, **changes))


def test_the_linuxserver_image_has_it_elsewhere(root: pathlib.Path):
    double = SeerrDouble('overseerr', linuxserver=True)
    assert '/app/overseerr/dist/index.js' in double.image_files()
    double.start(launch(root, working_dir='/app/overseerr'))
    double.stop()


def test_an_edit_while_it_runs_is_lost(root: pathlib.Path):
    double = SeerrDouble()
    double.start(launch(root))
    settings = read_settings(root)
    settings['main']['apiKey'] = 'edited'
    write_settings(root, settings)
    double.save()
    assert read_settings(root)['main']['apiKey'] != 'edited'
    double.stop()


def test_an_edit_while_it_is_stopped_takes_effect(root: pathlib.Path):
    double = SeerrDouble()
    double.start(launch(root))
    double.add_administrator()
    double.stop()
    settings = read_settings(root)
    settings['main']['apiKey'] = 'edited'
    write_settings(root, settings)
    double.start(launch(root))
    answer = send(double, 'GET', '/api/v1/auth/me', headers={'X-Api-Key': 'edited'})
    assert answer.status_code == 200
    double.stop()


def test_a_stop_leaves_the_data_in_the_log_of_the_database(root: pathlib.Path):
    double = SeerrDouble()
    double.start(launch(root))
    double.add_administrator()
    double.stop()
    folder = config(root) / 'db'
    assert (folder / 'db.sqlite3').stat().st_size == 4096
    alone = root / 'alone.sqlite3'
    alone.write_bytes((folder / 'db.sqlite3').read_bytes())
    with sqlite3.connect(alone) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute('SELECT * FROM user')
    connection.close()
    double.start(launch(root))
    assert [each['email'] for each in double.state.users] == ['admin@example.com']
    double.stop()


def test_the_status_hangs_while_github_is_dropped(root: pathlib.Path):
    double = SeerrDouble()
    double.start(launch(root))
    double.github_drops = True
    with pytest.raises(httpx2.ReadTimeout):
        send(double, 'GET', '/api/v1/status')
    assert send(double, 'GET', '/api/v1/settings/public').status_code == 200
    double.stop()


@pytest.mark.usefixtures('network')
def test_a_session_opens_what_a_key_opens(root: pathlib.Path):
    double = SeerrDouble()
    double.start(launch(root))
    body = {'username': 'root', 'password': 'secret', 'hostname': '127.0.0.1', 'port': 18096}
    body |= {'urlBase': '', 'serverType': 2}
    answer = send(double, 'POST', '/api/v1/auth/jellyfin', json=body)
    cookie = answer.headers['set-cookie'].partition(';')[0]
    assert send(double, 'GET', '/api/v1/auth/me', headers={'Cookie': cookie}).status_code == 200
    stranger = {'Cookie': 'connect.sid=stranger'}
    assert send(double, 'GET', '/api/v1/auth/me', headers=stranger).status_code == 403
    double.stop()


@pytest.mark.usefixtures('network')
def test_later_sources_switch_libraries_one_by_one(root: pathlib.Path):
    write_settings(
        root,
        {
            'main': {'mediaServerType': 1, 'apiKey': 'k', 'discoverRegion': ''},
            'plex': {'ip': '127.0.0.1', 'port': 13240},
        },
    )
    double = SeerrDouble(one_by_one=True)
    double.start(launch(root))
    double.add_administrator('token')
    key = {'X-Api-Key': 'k'}
    base = '/api/v1/settings/plex/library'
    assert send(double, 'POST', f'{base}/sync', headers=key).json()[0]['enabled'] is False
    switched = send(double, 'PUT', f'{base}/1', headers=key, json={'enabled': True})
    assert switched.json()['enabled'] is True
    assert send(double, 'GET', base, headers=key).json()[0]['enabled'] is True
    assert send(double, 'PUT', f'{base}/2', headers=key, json={'enabled': True}).status_code == 404
    double.stop()


@pytest.mark.parametrize(
    ('mood', 'status'), [(Mood.BROKEN, 500), (Mood.GARBLED, 200)], ids=['broken', 'garbled']
)
def test_moods_spoil_every_answer(root: pathlib.Path, mood: Mood, status: int):
    double = SeerrDouble()
    double.start(launch(root))
    double.mood = mood
    answer = send(double, 'GET', '/api/v1/settings/public')
    assert answer.status_code == status
    assert 'initialized' not in answer.text
    double.stop()


def test_refuses_connections_until_it_listens(root: pathlib.Path):
    double = SeerrDouble(slow_start=2)
    double.start(launch(root))
    for _ in range(2):
        with pytest.raises(httpx2.ConnectError):
            send(double, 'GET', '/api/v1/settings/public')
    assert send(double, 'GET', '/api/v1/settings/public').status_code == 200
    double.stop()
    with pytest.raises(httpx2.ConnectError):
        send(double, 'GET', '/api/v1/settings/public')
