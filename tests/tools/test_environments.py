# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Environments are made once, made again when they are not right, and failures say what to do."""

import ast
import importlib.util
import os
import pathlib
import runpy
import subprocess
import sys
from typing import Any, ClassVar

import pytest

import environments

REHEARSE = environments.Group('rehearse', 'run', (), larger=('test',))
TEST = environments.Group('test', 'run', ())
BOOTSTRAP = pathlib.Path(environments.__file__).with_name('bootstrap.py')


def test_sets_up_once_and_then_only_runs_the_command(workspace: Any, tmp_path: pathlib.Path):
    code = 'import small, charmarr_lib_here, sys; print(sys.argv[1:]); sys.exit(7)'
    astray = {'PIP_TARGET': str(tmp_path / 't'), 'PIP_NO_BINARY': ':all:', 'PIP_DRY_RUN': '1'}
    first = workspace.run('rehearse', 'python', '-c', code, 'a b', '--c', **astray)
    assert (first.returncode, first.stdout) == (7, "['a b', '--c']\n")
    assert 'Setting up' in first.stderr
    second = workspace.run('rehearse', 'python', '-c', code, PIP_FIND_LINKS='/nowhere')
    assert (second.returncode, second.stderr) == (7, '')

    before = workspace.module('small').stat().st_ino
    larger = workspace.run(
        'test', 'python', '-c', 'import small, large, charmarr_lib_here, mediahub_here'
    )
    assert larger.returncode == 0
    assert workspace.module('small').stat().st_ino == before
    smaller = workspace.run('rehearse', 'python', '-c', 'import large')
    assert (smaller.returncode, smaller.stderr) == (0, '')

    workspace.root = workspace.root.rename(workspace.root.with_name('elsewhere'))
    code = 'import charmarr_lib_here, sys; print(sys.prefix, charmarr_lib_here.__file__)'
    library = workspace.root / 'charmarr-lib' / 'charmarr_lib_here.py'
    moved = workspace.run('rehearse', 'python', '-c', code)
    assert moved.stdout == f'{workspace.environment} {library}\n'


def test_two_commands_at_once_set_up_once(workspace: Any):
    words = workspace.words('test', 'python', '-c', 'import small, large')
    both = [
        subprocess.Popen(words, env=workspace.variables, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = ''.join(process.communicate()[1] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said.count('Setting up') == 1


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    announced, *rest = done.stderr.splitlines()
    assert announced.startswith('Setting up')
    (line,) = rest
    return line


def test_a_package_that_was_altered_is_refused_in_one_line(workspace: Any):
    with (workspace.index / 'small-1-py3-none-any.whl').open('ab') as wheel:
        wheel.write(b'altered')
    done = workspace.run('rehearse', 'python', '-c', '')
    assert done.returncode == 1
    assert 'does not have the hash that its lock in requirements/ gives' in last_line(done)


def test_no_network_is_one_line(workspace: Any, tmp_path: pathlib.Path):
    variables = {'PIP_NO_INDEX': '0', 'PIP_INDEX_URL': 'http://127.0.0.1:9/simple'}
    done = workspace.run('rehearse', 'python', '-c', '', PIP_FIND_LINKS=str(tmp_path), **variables)
    assert done.returncode == 1
    assert last_line(done).startswith('charmarr: No package index can be reached')


def test_an_interpreter_without_pip_uses_ensurepip(workspace: Any, tmp_path: pathlib.Path):
    if importlib.util.find_spec('ensurepip') is None:
        pytest.skip('this Python has no ensurepip')
    bare = tmp_path / 'bare'
    subprocess.run([workspace.words()[0], '-m', 'venv', '--without-pip', str(bare)], check=True)
    words = [str(bare / 'bin' / 'python'), *workspace.words('rehearse', 'python', '-c', '')[1:]]
    assert subprocess.run(words, env=workspace.variables).returncode == 0
    assert list(workspace.environment.glob('lib/python*/site-packages/pip'))


class Imagined(environments.Environment):
    """An environment in which installing only leaves its traces; it keeps the commands it got."""

    commands: ClassVar[list[str]] = []
    broken: ClassVar[bool] = False

    def _run(self, *arguments: str, python: str = sys.executable) -> None:
        self.commands.append(' '.join(arguments[1:2]))
        if arguments[1] == 'venv':
            self.python.parent.mkdir(parents=True)
            self.python.symlink_to(python)
            return
        lock = pathlib.Path(arguments[-1])
        for line in lock.read_text('utf-8').splitlines():
            name = line.partition('==')[0]
            info = self.path / 'lib' / 'python3' / 'site-packages' / f'{name}.dist-info'
            info.mkdir(parents=True, exist_ok=True)
        if self.broken:
            raise environments.SetupError('pip failed')


@pytest.fixture
def imagined(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Imagined:
    """An environment that holds `rehearse`."""
    (tmp_path / 'requirements').mkdir()
    (tmp_path / 'requirements' / 'rehearse.txt').write_text('small==1\n')
    (tmp_path / 'requirements' / 'test.txt').write_text('small==1\nlarge==1\n')
    monkeypatch.setattr(environments, 'GROUPS', {'rehearse': REHEARSE, 'test': TEST})
    environment = Imagined(tmp_path, 'run')
    environment.provide(REHEARSE)
    monkeypatch.setattr(Imagined, 'commands', [])
    return environment


def contents(environment: environments.Environment) -> list[str]:
    return sorted(item.stem for item in environment.path.glob('lib/*/*/*.dist-info'))


def test_what_is_there_is_not_set_up_again(imagined: Imagined):
    imagined.provide(REHEARSE)
    assert imagined.commands == []


def test_the_larger_group_is_added_to_the_smaller(imagined: Imagined):
    imagined.provide(TEST)
    assert imagined.commands == ['pip']
    assert contents(imagined) == ['large', 'small']
    imagined.provide(REHEARSE)
    assert imagined.commands == ['pip']


def test_a_changed_lock_is_followed_from_an_empty_environment(imagined: Imagined):
    imagined.lock(REHEARSE).write_text('other==1\n')
    imagined.provide(REHEARSE)
    assert imagined.commands == ['venv', 'pip']
    assert contents(imagined) == ['other']


def test_a_lost_or_foreign_package_is_noticed(imagined: Imagined):
    (info,) = imagined.path.glob('lib/*/*/small.dist-info')
    renamed = info.rename(info.with_name('foreign.dist-info'))
    imagined.provide(REHEARSE)
    assert contents(imagined) == ['small']
    assert not renamed.exists()


def test_another_python_is_noticed(imagined: Imagined, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, 'version', '3.11.99 (of another day)')
    assert not imagined.holds(REHEARSE)


def test_a_removed_interpreter_is_noticed(imagined: Imagined, tmp_path: pathlib.Path):
    assert imagined.holds(REHEARSE)
    imagined.python.unlink()
    imagined.python.symlink_to(tmp_path / 'removed')
    assert not imagined.holds(REHEARSE)


@pytest.mark.parametrize('content', ['', '[]', '{"groups": {"rehearse": "x"}}', '\0'])
def test_a_broken_stamp_counts_as_none(imagined: Imagined, content: str):
    (imagined.path / 'charmarr.json').write_text(content)
    assert imagined.recorded() == {}


def test_a_set_up_that_failed_half_way_starts_anew(
    imagined: Imagined, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Imagined, 'broken', True)
    with pytest.raises(environments.SetupError):
        imagined.provide(TEST)
    assert not imagined.holds(REHEARSE), 'what pip left behind is not to be trusted'
    monkeypatch.setattr(Imagined, 'broken', False)
    imagined.provide(TEST)
    assert imagined.commands == ['pip', 'venv', 'pip']


def test_a_python_without_any_pip_is_told_what_to_install(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    class Bare(environments.Environment):
        def _run(self, *arguments: str, python: str = sys.executable) -> None:
            raise environments.SetupError(f'{python} {arguments[1]}: ensurepip is not available')

    (tmp_path / 'requirements').mkdir()
    for group in (REHEARSE, TEST):
        (tmp_path / 'requirements' / f'{group.name}.txt').touch()
    monkeypatch.setattr(environments, 'GROUPS', {'rehearse': REHEARSE, 'test': TEST})
    monkeypatch.setattr(environments, 'installs_elsewhere', lambda: False)
    with pytest.raises(environments.SetupError, match=r'neither pip 22.3 or newer nor ensurepip'):
        Bare(tmp_path, 'run').provide(TEST)


def test_an_unknown_group_or_no_command_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]):
    assert environments.main(['everything', 'python']) == 2
    assert environments.main(['test']) == 2
    assert capsys.readouterr().err.startswith('usage: bootstrap.py {rehearse,test,lint} COMMAND')


def test_an_unknown_program_is_named(imagined: Imagined):
    with pytest.raises(environments.SetupError, match=r'no-such is no program of .venvs/run-'):
        imagined.command(['no-such'])


@pytest.mark.parametrize('version', [(3, 4), (3, 8), (3, 11)])
def test_any_python_3_can_read_the_bootstrap(version: tuple[int, int]):
    ast.parse(BOOTSTRAP.read_text('utf-8'), feature_version=version)


def run_as_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'version_info', (3, 9, 18, 'final', 0))
    monkeypatch.setattr(sys, 'argv', [str(BOOTSTRAP), 'test', 'pytest'])
    runpy.run_path(str(BOOTSTRAP), run_name='__main__')


def test_an_old_python_that_was_asked_for_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('PYTHON', 'python3.9')
    with pytest.raises(SystemExit, match=r'needs Python 3.11 or newer; this is 3.9 .*Set PYTHON'):
        run_as_old(monkeypatch)


def test_an_old_python_goes_on_with_a_newer_one_that_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
):
    for name, status in (('python3.14', 127), ('python3.12', 0)):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nexit {status}\n')
        program.chmod(0o755)
    started: list[tuple[str, list[str]]] = []

    def start(name: str, words: list[str]) -> None:
        started.append((name, words))
        raise SystemExit(0)

    monkeypatch.delenv('PYTHON', raising=False)
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setattr(os, 'execvp', start)
    with pytest.raises(SystemExit):
        run_as_old(monkeypatch)
    assert started == [('python3.12', ['python3.12', str(BOOTSTRAP), 'test', 'pytest'])]
