# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The command against a Plex double on loopback."""

from __future__ import annotations

import json
import pathlib
import tomllib
from collections.abc import Callable, Generator
from typing import Any

import pytest

from mediahub import cli
from mediahub.engine import config, errors, registry
from mediahub.servers.catalogue import Catalogue
from mediahub.testing.audio import write_flac
from mediahub.testing.http import loopback
from mediahub.testing.plex import PlexDouble


@pytest.fixture
def double() -> PlexDouble:
    made = PlexDouble()
    made.library.fill(artists=2, albums=2, tracks=3)
    return made


@pytest.fixture
def address(double: PlexDouble) -> Generator[str]:
    with loopback(double) as found:
        yield found


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    address: str,
    double: PlexDouble,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv('MEDIAHUB_HOME', str(tmp_path))
    monkeypatch.setenv('COLUMNS', '200')
    configuration = f"""
        [[servers]]
        name = "living-room"
        type = "plex"
        url = "{address}"
        token = "{double.token}"
    """
    (tmp_path / 'mediahub.toml').write_text(configuration)

    def call(*words: str) -> tuple[int, str, str]:
        status = cli.main(words)
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return call


def data(answer: tuple[int, str, str]) -> Any:
    status, out, err = answer
    assert (status, err) == (0, '')
    return json.loads(out)


def test_lists_servers(run: Run):
    assert data(run('servers', '--json')) == [{'name': 'living-room', 'type': 'plex'}]
    assert data(run('--json', 'servers')) == [{'name': 'living-room', 'type': 'plex'}]


def test_shows_status(run: Run, double: PlexDouble):
    status, out, _ = run('status')

    assert status == 0
    assert 'connected' in out
    assert double.version in out


def test_status_of_a_server_that_refuses_us_is_a_failure_with_its_reason(
    run: Run, double: PlexDouble
):
    double.token = 'changed'

    status, out, _ = run('status')

    assert status == 1
    assert 'access denied' in out
    assert 'plex-double-token' not in out


def test_searches(run: Run):
    found = data(run('search', 'Song 1.0.2', '--artist', 'Artist 1', '--json'))

    assert found['hits'][0]['track']['title'] == 'Song 1.0.2'


def test_scans(run: Run, double: PlexDouble):
    assert data(run('scan', '--json', '--path', '/data/music/new'))['result'] == 'asked for'
    assert double.scans == ['/data/music/new']


def test_synchronises_the_index(run: Run):
    assert data(run('sync', '--mode', 'full', '--json'))[0]['added'] == 18
    assert data(run('sync', '--json'))[0]['added'] == 0


def test_failed_run_is_a_failure(run: Run, double: PlexDouble):
    double.refreshing = True

    status, out, _ = run('sync', '--mode', 'full')

    assert status == 1
    assert 'scanning' in out


def write_desired(folder: pathlib.Path, *tracks: dict[str, str]) -> str:
    path = folder / 'evening.json'
    path.write_text(json.dumps({'title': 'Evening', 'tracks': tracks}))
    return str(path)


def test_applies_a_playlist_and_brings_it_back(
    run: Run, double: PlexDouble, tmp_path: pathlib.Path
):
    one, two = list(double.library.tracks)[:2]
    run('playlists', 'apply', write_desired(tmp_path, {'id': one}, {'id': one}))
    second = write_desired(tmp_path, {'title': 'Song 0.0.2', 'artist': 'Artist 0'})

    plan = data(run('playlists', 'apply', second, '--dry-run', '--json'))
    assert (plan['added'], len(plan['removed'])) == ([two], 2)
    assert [track for _, track in next(iter(double.playlists.values())).entries] == [one, one]

    outcome = data(run('playlists', 'apply', second, '--json'))
    assert [track for _, track in next(iter(double.playlists.values())).entries] == [two]

    entry = data(run('playlists', 'journal', '--json'))[0]['entry']
    assert entry == outcome['backup']
    run('playlists', 'restore', entry)
    assert [track for _, track in next(iter(double.playlists.values())).entries] == [one, one]


def test_track_that_is_not_there_is_reported(run: Run, tmp_path: pathlib.Path):
    path = write_desired(tmp_path, {'title': 'Nothing like it'}, {'title': 'Song 0.0.2'})

    status, out, _ = run('playlists', 'apply', path, '--json')

    assert status == 1
    assert json.loads(out)['missing'] == ['Nothing like it']


def test_lists_shows_and_copies_playlists(run: Run, double: PlexDouble, tmp_path: pathlib.Path):
    track = next(iter(double.library.tracks))
    run('playlists', 'apply', write_desired(tmp_path, {'id': track}))

    data(run('playlists', 'copy', 'Evening', 'Night', '--json'))

    assert [row['title'] for row in data(run('playlists', '--json'))] == ['Evening', 'Night']
    shown = data(run('playlists', 'show', 'Night', '--json'))
    assert [entry['track']['native_id'] for entry in shown] == [track]


def test_titles_are_no_markup(run: Run, double: PlexDouble, tmp_path: pathlib.Path):
    next(iter(double.library.tracks.values())).title = '[red]Song[/red] [/]'

    status, out, _ = run('search', 'Song')

    assert status == 0
    assert '[red]Song[/red] [/]' in out


def test_titles_steer_no_terminal(run: Run, double: PlexDouble):
    next(iter(double.library.tracks.values())).title = 'Song \x1b[2J\x9b5m\x07 of sirens'

    status, out, _ = run('search', 'Song')

    assert status == 0
    assert 'of sirens' in out
    assert not set(out) & {'\x1b', '\x9b', '\x07'}


@pytest.mark.parametrize(
    ('words', 'status', 'message'),
    [
        (('scan', '--server', 'attic'), 2, "no server is named 'attic'"),
        (('playlists', 'apply', '/nowhere.json'), 2, 'No such file'),
        (('playlists', 'show', 'None'), 1, "no playlist is named 'None'"),
        (('playlists', 'restore', 'nonsense'), 1, "no entry 'nonsense'"),
    ],
)
def test_mistakes_are_one_line_each(run: Run, words: tuple[str, ...], status: int, message: str):
    found, out, err = run(*words)

    assert (found, out) == (status, '')
    assert err.startswith('mediahub: ')
    assert message in err
    assert err.count('\n') == 1


def test_every_mistake_of_the_configuration_is_named(run: Run, tmp_path: pathlib.Path):
    (tmp_path / 'mediahub.toml').write_text('[[servers]]\nname="a"\n[[servers]]\nname="a"\n')

    status, _, err = run('status')

    assert status == 2
    assert err.count('\n') == 3


@pytest.mark.parametrize(
    'content',
    ['{}', '[]', '{"title": " ", "tracks": [{}]}', '{"title": "x", "tracks": 1}', '\xff'],
)
def test_unusable_playlist_file_is_explained(run: Run, content: str, tmp_path: pathlib.Path):
    path = tmp_path / 'bad.json'
    path.write_text(content, 'latin-1')

    status, _, err = run('playlists', 'apply', str(path))

    assert status == 2
    assert str(path) in err


def test_missing_configuration_says_where_to_learn_what_to_write(run: Run, tmp_path: pathlib.Path):
    (tmp_path / 'mediahub.toml').unlink()

    status, _, err = run('status')

    assert status == 2
    assert 'mediahub.toml does not exist; "mediahub --help" shows what to write' in err


def test_help_shows_a_configuration_that_works(run: Run, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run('--help')
    shown = capsys.readouterr().out.split('a TOML file:')[1].split('The exit status')[0]

    with pytest.raises(errors.ConfigurationError) as found:
        config.parse(tomllib.loads(shown), registry.installed())
    # All that is wrong with it here is that this machine has no such secret.
    (mistake,) = found.value.mistakes
    assert '/run/secrets/plex-token cannot be read' in mistake


@pytest.mark.parametrize('words', [('status',), ('search', 'x'), ('sync',), ('scan',)])
def test_no_server_at_all_is_a_mistake(run: Run, tmp_path: pathlib.Path, words: tuple[str, ...]):
    (tmp_path / 'mediahub.toml').write_text('')

    status, _, err = run(*words)

    assert status == 2
    assert 'names no server; add a [[servers]] table' in err


def test_database_that_cannot_be_made_is_one_line(run: Run, tmp_path: pathlib.Path):
    (tmp_path / 'file').write_text('')

    status, _, err = run('--database', str(tmp_path / 'file' / 'x' / 'db'), 'sync')

    assert status == 1
    assert err.count('\n') == 1
    assert 'cannot be made: Not a directory' in err


def test_server_can_be_named_before_and_after_the_action(run: Run):
    for words in (('--server', 'nobody', 'journal'), ('journal', '--server', 'nobody')):
        status, _, err = run('playlists', *words)
        assert (status, "'nobody'" in err) == (2, True)


def test_without_an_active_server_the_option_is_named(run: Run, tmp_path: pathlib.Path):
    other = f'[[servers]]\nname = "attic"\ntype = "filesystem"\npath = "{tmp_path}"\n'
    file = tmp_path / 'mediahub.toml'
    file.write_text(file.read_text() + other)

    status, _, err = run('scan')

    assert status == 2
    assert 'set server.active to one of: attic, living-room, or name one with --server' in err


@pytest.mark.parametrize(
    'words', [('search', ' '), ('search', 'x', '--limit', '0'), ('scan', '--wait', '-1')]
)
def test_senseless_numbers_and_words_are_refused(run: Run, words: tuple[str, ...]):
    with pytest.raises(SystemExit, match='2'):
        run(*words)


def test_scan_of_a_folder_is_not_left_behind(run: Run, tmp_path: pathlib.Path):
    music = tmp_path / 'music'
    for number in range(30):
        write_flac(music / f'{number}.flac', {'TITLE': str(number)})
    cache = tmp_path / 'tags.db'
    (tmp_path / 'mediahub.toml').write_text(
        f'[[servers]]\nname = "attic"\ntype = "filesystem"\npath = "{music}"\ncache = "{cache}"\n'
    )

    assert data(run('scan', '--json')) == {'server': 'attic', 'result': 'finished'}
    known = Catalogue(cache)
    known.open()
    assert known.count('track') == 30
    known.close()


def test_dry_run_says_names_and_changes_nothing(
    run: Run, double: PlexDouble, tmp_path: pathlib.Path
):
    file = tmp_path / 'list.json'
    file.write_text('{"title": "Mix", "tracks": [{"title": "Song 1.0.2", "artist": "Artist 1"}]}')

    status, out, _ = run('playlists', 'apply', str(file), '--dry-run')
    assert (status, 'Artist 1 - Song 1.0.2' in out) == (0, True)
    assert not double.playlists

    assert run('playlists', 'apply', str(file))[0] == 0
    status, out, _ = run('playlists', 'apply', str(file), '--dry-run')
    assert (status, out) == (0, 'Mix: nothing to change\n')


def test_names_in_the_journal_can_be_copied_from_a_narrow_terminal(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / 'list.json'
    for tracks in ([{'title': 'Song 0.0.1'}], []):
        file.write_text(json.dumps({'title': 'Mix' * 20, 'tracks': tracks}))
        run('playlists', 'apply', str(file))
    entry = data(run('playlists', 'journal', '--json'))[0]['entry']
    monkeypatch.setenv('COLUMNS', '60')

    _, out, _ = run('playlists', 'journal')

    assert '…' not in out
    assert run('playlists', 'restore', entry)[0] == 0


def test_server_that_is_down_is_told_once(run: Run, tmp_path: pathlib.Path):
    (tmp_path / 'mediahub.toml').write_text(
        '[[servers]]\nname = "den"\ntype = "plex"\nurl = "http://127.0.0.1:9"\ntoken = "x"\n'
    )

    status, out, err = run('status')

    assert (status, err) == (1, '')
    assert 'GET / at 127.0.0.1:9' in out
