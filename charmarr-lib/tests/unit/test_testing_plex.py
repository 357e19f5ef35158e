# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The stand-in for Plex, held to what is known of the real one and to somebody else's client."""

from __future__ import annotations

import contextlib
import http.server
import importlib
import importlib.util
import json
import pathlib
import threading
import types
from collections.abc import Callable, Generator, Iterator
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest

from charmarr_lib.testing.plex import BINARY, VERSION, Mood, PlexDouble, PlexTv, Section
from charmarr_lib.testing.workload import CannotStart, Launch

SPECIFICATION = (
    pathlib.Path(__file__).parents[3].parent / 'shared/specs/plex-media-server.openapi.json'
)
SUPPORT = '/config/Library/Application Support'
LOOPBACK = '127.0.0.1'
ELSEWHERE = '10.1.0.7'
ENVIRONMENT = {
    'HOME': '/config',
    'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR': SUPPORT,
    'TMPDIR': '/run/plex-temp',
    'RUN_UID': '1000',
    'RUN_GID': '1000',
    'RUN_GROUPS': '1000,109',
}
WRAPPER = (
    "/bin/bash -c 'set -e; "
    'rm -f "$PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR/Plex Media Server/plexmediaserver.pid"; '
    'install -d -o "$RUN_UID" -g "$RUN_GID" "$TMPDIR" '
    '"$PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR"; '
    'exec setpriv --reuid="$RUN_UID" --regid="$RUN_GID" --groups="$RUN_GROUPS" '
    f'"{BINARY}"\''
)


def root_owns(path: str) -> tuple[int, int]:
    return 0, 0


def plex_owns(path: str) -> tuple[int, int]:
    return 1000, 1000


@pytest.fixture
def launch(tmp_path: pathlib.Path) -> Callable[..., Launch]:
    """Describes how Pebble starts the program."""

    def make(
        command: str = WRAPPER,
        *,
        user_id: int | None = None,
        owner: Callable[[str], tuple[int, int]] = plex_owns,
        **environment: str,
    ) -> Launch:
        return Launch(command, ENVIRONMENT | environment, user_id, user_id, tmp_path, owner)

    return make


@pytest.fixture
def plex(launch: Callable[..., Launch]) -> PlexDouble:
    """A server that runs."""
    double = PlexDouble(sections=[Section('1', 'Movies'), Section('2', 'TV Shows', 'show')])
    double.start(launch())
    return double


def ask(
    plex: PlexDouble,
    path: str,
    method: str = 'GET',
    *,
    peer: str = LOOPBACK,
    token: str = '',
    accept: str = 'application/json',
) -> httpx2.Response:
    headers = {'Accept': accept} | ({'X-Plex-Token': token} if token else {})
    request = httpx2.Request(method, f'http://127.0.0.1:32400{path}', headers=headers)
    return plex.handle(request, peer)


def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / SUPPORT[1:] / 'Plex Media Server'


# How it starts.


def test_runs_as_its_wrapper_says(plex: PlexDouble):
    assert plex.launched is not None
    assert (plex.launched.user_id, plex.launched.group_id) == (1000, 1000)
    assert plex.launched.groups == (1000, 109)


def test_pebbles_user_id_leaves_no_groups(launch: Callable[..., Launch]):
    plex = PlexDouble()
    plex.start(launch(f'"{BINARY}"', user_id=1000, TMPDIR='/'))
    assert plex.launched is not None
    assert (plex.launched.user_id, plex.launched.groups) == (1000, ())


def test_the_images_init_is_not_the_server(launch: Callable[..., Launch]):
    with pytest.raises(CannotStart, match='/init'):
        PlexDouble().start(launch('/init'))


def test_exits_when_it_cannot_write_its_folder(launch: Callable[..., Launch]):
    with pytest.raises(CannotStart, match='Permission denied'):
        PlexDouble().start(launch(f'"{BINARY}"', user_id=1000, owner=root_owns, TMPDIR='/'))


def test_exits_when_it_cannot_read_its_settings(plex: PlexDouble, launch: Callable[..., Launch]):
    plex.stop()
    with pytest.raises(CannotStart, match='Permission denied'):
        plex.start(launch(owner=root_owns))


def test_exits_without_a_temporary_folder(launch: Callable[..., Launch]):
    with pytest.raises(CannotStart, match='/run/plex-temp: no such folder'):
        PlexDouble().start(launch(f'"{BINARY}"'))


def test_exits_on_settings_that_are_cut_short(
    plex: PlexDouble, launch: Callable[..., Launch], tmp_path: pathlib.Path
):
    plex.stop()
    (folder(tmp_path) / 'Preferences.xml').write_text('<Preferences a="')
    with pytest.raises(CannotStart, match=r'cannot parse Preferences\.xml'):
        plex.start(launch())


def test_a_stale_pid_file_stops_it_unless_it_is_removed(
    plex: PlexDouble, launch: Callable[..., Launch], tmp_path: pathlib.Path
):
    plex.stop()
    (folder(tmp_path) / 'plexmediaserver.pid').write_text('17')
    with pytest.raises(CannotStart, match='already running'):
        plex.start(launch(f'"{BINARY}"', user_id=1000, TMPDIR='/'))
    plex.start(launch())


@pytest.mark.parametrize(
    'script', [f'exec setpriv --nnp "{BINARY}"', f'install -d /run/plex-temp; exec "{BINARY}"']
)
def test_a_wrapper_that_it_does_not_know_fails_the_test(
    launch: Callable[..., Launch], script: str
):
    with pytest.raises(AssertionError, match='does not know'):
        PlexDouble().start(launch(f"/bin/bash -c '{script}'"))


def test_takes_its_time_to_start(launch: Callable[..., Launch]):
    plex = PlexDouble(slow_start=2)
    plex.start(launch())
    for _ in range(2):
        with pytest.raises(httpx2.ConnectError):
            ask(plex, '/identity')
        plex.tick()
    assert ask(plex, '/identity').status_code == 200


def test_does_not_listen_once_stopped(plex: PlexDouble):
    plex.stop()
    with pytest.raises(httpx2.ConnectError):
        ask(plex, '/identity')


def test_records_every_folder_it_ran_on(
    plex: PlexDouble, launch: Callable[..., Launch], tmp_path: pathlib.Path
):
    plex.stop()
    plex.start(launch())
    assert plex.folders == [str(folder(tmp_path))] * 2


# What it says.


def test_tells_everybody_who_it_is(plex: PlexDouble):
    found = ask(plex, '/identity', peer=ELSEWHERE).json()['MediaContainer']
    assert found['version'] == VERSION
    assert found['claimed'] is False
    assert len(found['machineIdentifier']) == 40


def test_says_the_same_in_xml(plex: PlexDouble):
    root = ElementTree.fromstring(ask(plex, '/identity', accept='*/*').text)  # noqa: S314  # our own
    found = ask(plex, '/identity').json()['MediaContainer']
    assert root.tag == 'MediaContainer'
    assert root.get('claimed') == '0'
    assert root.get('machineIdentifier') == found['machineIdentifier']


def test_keeps_its_identity_and_settings(plex: PlexDouble, launch: Callable[..., Launch]):
    before = ask(plex, '/identity').json()
    ask(plex, '/:/prefs?FriendlyName=Films', 'PUT')
    plex.stop()
    plex.start(launch())
    assert ask(plex, '/identity').json() == before
    assert plex.preference('FriendlyName') == 'Films'


def test_edits_of_its_file_while_it_runs_are_lost(
    plex: PlexDouble, launch: Callable[..., Launch], tmp_path: pathlib.Path
):
    file = folder(tmp_path) / 'Preferences.xml'
    file.write_text('<Preferences FriendlyName="lost"/>')
    plex.stop()
    assert 'lost' not in file.read_text()
    file.write_text('<Preferences friendlyname="kept"/>')
    plex.start(launch())
    assert plex.preference('FriendlyName') == 'kept'


def test_refuses_a_setting_that_it_does_not_know(plex: PlexDouble):
    before = plex.preference('logDebug')
    response = ask(plex, '/:/prefs?logDebug=0&nonsense=1', 'PUT')
    assert response.status_code == 400
    assert 'unknown preference nonsense' in response.text
    assert plex.preference('logDebug') == before


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_scans_a_library(plex: PlexDouble, method: str):
    assert ask(plex, '/library/sections/2/refresh', method).status_code == 200
    assert ask(plex, '/library/sections/9/refresh', method).status_code == 404
    assert plex.scanned == ['2']


def test_an_unclaimed_server_trusts_its_own_pod_only(plex: PlexDouble):
    assert ask(plex, '/library/sections').status_code == 200
    assert ask(plex, '/library/sections', peer=ELSEWHERE).status_code == 401


def test_a_claimed_server_wants_its_token_from_everybody(plex: PlexDouble):
    assert ask(plex, '/myplex/claim?token=claim-x', 'POST').status_code == 200
    token = plex.preference('PlexOnlineToken')
    assert ask(plex, '/library/sections').status_code == 401
    assert ask(plex, '/library/sections', token='wrong').status_code == 401
    assert ask(plex, '/library/sections', token=token, peer=ELSEWHERE).status_code == 200
    assert ask(plex, '/identity').json()['MediaContainer']['claimed'] is True


def test_can_be_claimed_from_its_own_pod_only(plex: PlexDouble):
    assert ask(plex, '/myplex/claim?token=claim-x', 'POST', peer=ELSEWHERE).status_code == 403
    assert not plex.claimed


def test_cannot_be_claimed_twice(plex: PlexDouble):
    ask(plex, '/myplex/claim?token=claim-x', 'POST')
    assert ask(plex, '/myplex/claim?token=claim-y', 'POST').status_code == 400


@pytest.mark.parametrize(('plex_tv', 'status'), [(PlexTv.EXPIRED, 401), (PlexTv.UNREACHABLE, 500)])
def test_a_claim_that_plex_tv_does_not_make(plex: PlexDouble, plex_tv: PlexTv, status: int):
    plex.plex_tv = plex_tv
    assert ask(plex, '/myplex/claim?token=claim-x', 'POST').status_code == status
    assert not plex.claimed


@pytest.mark.parametrize(
    ('plex_tv', 'claimed'), [(PlexTv.SILENT, False), (PlexTv.LOST_REPLY, True)]
)
def test_a_claim_that_is_not_answered(plex: PlexDouble, plex_tv: PlexTv, claimed: bool):
    plex.plex_tv = plex_tv
    with pytest.raises(httpx2.ReadTimeout):
        ask(plex, '/myplex/claim?token=claim-x', 'POST')
    assert plex.claimed is claimed


@pytest.mark.parametrize(
    ('mood', 'status'), [(Mood.MAINTENANCE, 503), (Mood.BROKEN, 500), (Mood.GARBLED, 200)]
)
def test_moods(plex: PlexDouble, mood: Mood, status: int):
    plex.mood = mood
    response = ask(plex, '/identity')
    assert response.status_code == status
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_hangs(plex: PlexDouble):
    plex.mood = Mood.HANGING
    with pytest.raises(httpx2.ReadTimeout):
        ask(plex, '/identity')


def test_says_404_to_what_it_does_not_have(plex: PlexDouble):
    assert ask(plex, '/photos').status_code == 404


@pytest.mark.skipif(not SPECIFICATION.exists(), reason='needs the public API description')
@pytest.mark.parametrize('path', ['/identity', '/library/sections/all', '/:/prefs'])
def test_json_is_shaped_as_the_public_description_has_it(plex: PlexDouble, path: str):
    operation = json.loads(SPECIFICATION.read_text())['paths'][path]['get']
    examples = operation['responses']['200']['content']['application/json']['examples']
    example = next(iter(examples.values()))['value']['MediaContainer']
    answer = ask(plex, path).json()['MediaContainer']
    for key in answer.keys() & example.keys():
        assert type(answer[key]) is type(example[key]), key
    lists = [key for key, value in example.items() if isinstance(value, list)]
    for key in lists:
        assert answer[key]
        for item in answer[key]:
            known = next(
                (each for each in example[key] if each.get('type') == item['type']),
                example[key][0],
            )
            assert {k: type(v) for k, v in item.items() if k in known} == {
                k: type(known[k]) for k in item if k in known
            }


# Somebody else's client.


@contextlib.contextmanager
def served(plex: PlexDouble) -> Generator[str]:
    """Let the double listen on loopback, for clients that want a real connection."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            request = httpx2.Request(
                self.command, f'http://127.0.0.1{self.path}', headers=dict(self.headers.items())
            )
            response = plex.handle(request, LOOPBACK)
            self.send_response(response.status_code)
            self.send_header('Content-Type', response.headers.get('Content-Type', 'text/plain'))
            self.send_header('Content-Length', str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815  # http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            pass

    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        try:
            yield f'http://{LOOPBACK}:{server.server_address[1]}'
        finally:
            server.shutdown()
            thread.join()


needs_plexapi = pytest.mark.skipif(
    importlib.util.find_spec('plexapi') is None, reason='needs python-plexapi'
)


@pytest.fixture
def connect(plex: PlexDouble) -> Iterator[Callable[[], Any]]:
    """Opens python-plexapi's client of the double."""
    # Not in the lint environment, so that the type checker would not find them.
    plexapi: Any = importlib.import_module('plexapi.server')
    requests: Any = importlib.import_module('requests')

    with served(plex) as url, requests.Session() as session:

        def open_client() -> Any:
            token = plex.preference('PlexOnlineToken') or None
            return plexapi.PlexServer(url, token, session=session)

        yield open_client


@needs_plexapi
def test_python_plexapi_finds_version_and_identity(plex: PlexDouble, connect: Callable[[], Any]):
    server = connect()
    assert server.version == VERSION
    assert server.machineIdentifier == plex.preference('ProcessedMachineIdentifier')
    assert server.myPlex is False
    assert server.identity().claimed is False


@needs_plexapi
def test_python_plexapi_claims_it(plex: PlexDouble, connect: Callable[[], Any]):
    connect().claim(types.SimpleNamespace(claimToken=lambda: 'claim-x'))
    assert plex.claimed
    assert connect().identity().claimed is True


@needs_plexapi
def test_python_plexapi_changes_settings(plex: PlexDouble, connect: Callable[[], Any]):
    settings = connect().settings
    assert settings.get('logDebug').value is True
    settings.get('logDebug').set(False)
    settings.get('transcoderTempDirectory').set('/transcode')
    settings.save()
    assert plex.preference('logDebug') == '0'
    assert plex.preference('TranscoderTempDirectory') == '/transcode'


@needs_plexapi
def test_python_plexapi_lists_and_scans_libraries(plex: PlexDouble, connect: Callable[[], Any]):
    connect().claim(types.SimpleNamespace(claimToken=lambda: 'claim-x'))
    library = connect().library
    assert [each.title for each in library.sections()] == ['Movies', 'TV Shows']
    library.section('TV Shows').update()
    assert plex.scanned == ['2']


@needs_plexapi
def test_python_plexapi_sees_sessions(plex: PlexDouble, connect: Callable[[], Any]):
    plex.sessions = 2
    assert len(connect().query('/status/sessions')) == 2


@needs_plexapi
def test_python_plexapi_is_refused_without_the_token(plex: PlexDouble, connect: Callable[[], Any]):
    exceptions: Any = importlib.import_module('plexapi.exceptions')
    server = connect()
    plex.prefer('PlexOnlineToken', 'own')
    with pytest.raises(exceptions.Unauthorized):
        server.query('/library/sections')
