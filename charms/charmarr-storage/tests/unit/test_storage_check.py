# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The check's program on a real file system."""

import errno
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

import storage_check

PROGRAM = pathlib.Path(storage_check.__file__)
OWNER = 4242
STRANGER = 4343

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='acts as several users')


@pytest.fixture
def volume() -> Iterator[pathlib.Path]:
    # Not tmp_path: other users cannot get into it.
    folder = pathlib.Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def execute(
    *arguments: str, user: int | None = None, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run the program as the Job does."""
    who: dict[str, Any] = {} if user is None else {'user': user, 'group': user, 'extra_groups': []}
    return subprocess.run(  # noqa: S603 -- the program under test
        [python, '-I', '-c', PROGRAM.read_text('utf-8'), *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        **who,
    )


def check(volume: pathlib.Path, *, layout: bool = True) -> tuple[int, dict[str, str], Any]:
    """Run the check here; return exit code, each step's state, and the answer."""
    code, answer = storage_check.run(storage_check.Check(volume, '.check', layout))
    steps: Any = answer['steps']
    return code, {each['step']: each['state'] for each in steps}, answer


def error_of(answer: Any) -> str:
    return next(each['error'] for each in answer['steps'] if 'error' in each)


def files(volume: pathlib.Path) -> set[str]:
    return {str(path.relative_to(volume)) for path in volume.rglob('*')}


def test_every_step_passes_on_a_good_volume(volume: pathlib.Path):
    code, steps, answer = check(volume)
    assert code == storage_check.PASSED
    assert set(steps.values()) == {'passed'}
    assert list(steps) == ['layout', 'write', 'link', 'rename', 'read', 'delete', 'space']
    assert 0 < answer['free'] <= answer['total']


def test_leaves_nothing_but_the_layout(volume: pathlib.Path):
    check(volume)
    assert files(volume) == set(storage_check.LAYOUT)


def test_leaves_nothing_at_all_without_the_layout(volume: pathlib.Path):
    code, steps, _ = check(volume, layout=False)
    assert code == storage_check.PASSED
    assert 'layout' not in steps
    assert files(volume) == set()


def test_new_folders_are_open_to_the_group_whatever_the_umask(volume: pathlib.Path):
    before = os.umask(0o077)
    try:
        check(volume)
    finally:
        os.umask(before)
    for name in storage_check.LAYOUT:
        assert stat.S_IMODE((volume / name).stat().st_mode) == 0o775


def test_folders_that_are_there_stay_as_they_are(volume: pathlib.Path):
    (volume / 'media').mkdir(mode=0o700)
    (volume / 'media/movies').mkdir(mode=0o750)
    (volume / 'media/movies/film.mkv').write_text('film')
    check(volume)
    assert stat.S_IMODE((volume / 'media').stat().st_mode) == 0o700
    assert stat.S_IMODE((volume / 'media/movies').stat().st_mode) == 0o750
    assert (volume / 'media/movies/film.mkv').read_text() == 'film'


def test_a_file_in_a_folders_place_is_denied_and_kept(volume: pathlib.Path):
    (volume / 'torrents').write_text('mine')
    code, steps, answer = check(volume)
    assert code == storage_check.DENIED
    assert steps['layout'] == 'failed'
    assert error_of(answer) == 'torrents: File exists'
    assert (volume / 'torrents').read_text() == 'mine'


def test_steps_after_a_failure_are_not_tried(volume: pathlib.Path):
    (volume / 'media').write_text('mine')
    _, steps, answer = check(volume)
    assert [steps[name] for name in list(steps)[1:]] == ['not tried'] * 6
    assert answer['free'] is None


@pytest.mark.skipif(not os.path.isdir('/dev/shm'), reason='needs a second file system')
def test_folders_on_different_file_systems_are_denied(volume: pathlib.Path):
    other = pathlib.Path(tempfile.mkdtemp(dir='/dev/shm'))
    try:
        if other.stat().st_dev == volume.stat().st_dev:
            pytest.skip('/dev/shm is on the same file system')
        (volume / 'torrents').symlink_to(other)
        code, steps, answer = check(volume)
        left = list(other.glob('.check*'))
    finally:
        shutil.rmtree(other)
    assert code == storage_check.DENIED
    assert (steps['write'], steps['link']) == ('passed', 'failed')
    assert 'torrents/.check to media/.check' in error_of(answer)
    assert os.strerror(errno.EXDEV) in error_of(answer)
    assert left == []


def test_clears_away_what_a_killed_run_has_left(volume: pathlib.Path):
    killed = storage_check.Check(volume, '.check', with_layout=True)
    killed.lay_out()
    killed.write()
    killed.link()
    assert check(volume)[0] == storage_check.PASSED
    assert files(volume) == set(storage_check.LAYOUT)


def test_never_touches_files_of_others_in_its_own_folders(volume: pathlib.Path):
    (volume / 'media/.check').mkdir(parents=True)
    (volume / 'media/.check/film.mkv').write_text('film')
    code, _, answer = check(volume)
    assert code == storage_check.DENIED
    assert error_of(answer).startswith('media/.check: ')
    assert (volume / 'media/.check/film.mkv').read_text() == 'film'


@pytest.mark.parametrize('error', [errno.ESTALE, errno.EIO, errno.ETIMEDOUT])
def test_trouble_on_the_way_to_the_volume_is_no_denial(
    volume: pathlib.Path, error: int, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise OSError(error, os.strerror(error), 'media')

    monkeypatch.setattr(os, 'link', fail)
    code, steps, answer = check(volume)
    assert code == storage_check.UNKNOWN
    assert steps['link'] == 'failed'
    assert os.strerror(error) in error_of(answer)


def test_a_link_that_is_a_copy_is_denied(volume: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, 'link', shutil.copy)
    code, _, answer = check(volume)
    assert code == storage_check.DENIED
    assert 'the hard link is a copy' in error_of(answer)


def test_what_reads_back_differently_is_denied(
    volume: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pathlib.Path, 'read_bytes', lambda path: b'something else')
    code, _, answer = check(volume)
    assert code == storage_check.DENIED
    assert error_of(answer) == 'media/.check/renamed-torrents: reads back differently'


def test_errors_fit_into_a_termination_message(volume: pathlib.Path):
    deep = volume / ('x' * 200) / ('y' * 200) / ('z' * 200)
    code, answer = storage_check.run(storage_check.Check(deep, '.check', with_layout=True))
    assert code == storage_check.DENIED
    assert len(storage_check.as_text(answer)) < 4096


def test_the_program_prints_and_stores_its_answer(volume: pathlib.Path, tmp_path: pathlib.Path):
    message = tmp_path / 'message'
    done = execute('check', '--layout', '--root', str(volume), '--answer', str(message))
    assert done.returncode == storage_check.PASSED
    assert json.loads(done.stdout.splitlines()[-1]) == json.loads(message.read_text())


def test_an_answer_that_cannot_be_stored_is_printed_all_the_same(volume: pathlib.Path):
    done = execute('check', '--root', str(volume), '--answer', '/nowhere/message')
    assert done.returncode == storage_check.PASSED
    assert json.loads(done.stdout)['steps']


@needs_root
@pytest.mark.skipif(not os.path.exists('/usr/bin/python3'), reason='needs a Python for everybody')
def test_a_stranger_is_denied_with_owner_and_mode(volume: pathlib.Path):
    (volume / 'media').mkdir(mode=0o755)
    (volume / 'torrents').mkdir(mode=0o755)
    done = execute('check', '--root', str(volume), user=STRANGER, python='/usr/bin/python3')
    assert done.returncode == storage_check.DENIED
    expected = f'media (owner 0:0, mode 755) for {STRANGER}:{STRANGER}: Permission denied'
    assert error_of(json.loads(done.stdout)) == expected


@needs_root
@pytest.mark.skipif(not os.path.exists('/usr/bin/python3'), reason='needs a Python for everybody')
def test_prepare_gives_the_owner_folders_that_it_could_not_create(volume: pathlib.Path):
    assert execute('prepare', '--root', str(volume), '--owner', f'{OWNER}:{OWNER}').stdout == ''
    owners = {(volume / name).stat().st_uid for name in storage_check.LAYOUT}
    groups = {(volume / name).stat().st_gid for name in storage_check.LAYOUT}
    assert (owners, groups) == ({OWNER}, {OWNER})
    assert volume.stat().st_uid == 0
    done = execute(
        'check', '--layout', '--root', str(volume), user=OWNER, python='/usr/bin/python3'
    )
    assert done.returncode == storage_check.PASSED


@needs_root
def test_prepare_leaves_owner_and_mode_of_existing_folders(volume: pathlib.Path):
    (volume / 'media').mkdir(mode=0o700)
    os.chown(volume / 'media', STRANGER, STRANGER)
    list(storage_check.prepare(volume, OWNER, OWNER))
    found = (volume / 'media').stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (STRANGER, 0o700)
    assert (volume / 'media/movies').stat().st_uid == OWNER


@needs_root
def test_prepare_says_what_it_could_not_do_and_goes_on(volume: pathlib.Path):
    (volume / 'media').write_text('mine')
    problems = list(storage_check.prepare(volume, OWNER, OWNER))
    assert problems[0].startswith('media: ')
    assert (volume / 'torrents/movies').is_dir()
