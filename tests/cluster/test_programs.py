# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Finding the programs of a control plane, or building them once."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

import pytest

from . import programs

BUILDS = """
output=
while [ $# -gt 0 ]; do
    if [ "$1" = -o ]; then output=$2; fi
    shift
done
printf '#!/bin/sh\\n' > "$output"
chmod +x "$output"
"""
FAILS = """
echo 'go: downloading k8s.io/kubernetes' >&2
echo 'dial tcp: lookup failed' >&2
exit 1
"""


class Go:
    """A program in place of Go, which notes how often it is asked to build."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._calls = folder / 'calls'
        self.does(BUILDS)

    def does(self, build: str, version: str = 'go1.26.0') -> None:
        """Say what a build does."""
        program = self._folder / 'go'
        head = f'#!/bin/sh\nif [ "$1" = version ]; then echo "{version}"; exit; fi\n'
        program.write_text(f'{head}echo build >> {self._calls}\n{build}', 'utf-8')
        program.chmod(0o755)

    @property
    def builds(self) -> int:
        """How often it was asked to build."""
        return len(self._calls.read_text('utf-8').split()) if self._calls.exists() else 0


@pytest.fixture
def cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'charmarr' / 'controlplane'


@pytest.fixture
def go(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, cache: pathlib.Path) -> Go:
    folder = tmp_path / 'bin'
    folder.mkdir()
    monkeypatch.setenv('PATH', os.pathsep.join((str(folder), os.environ['PATH'])))
    return Go(folder)


@pytest.fixture
def assets(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Makes a folder with programs of some names."""

    def make(*names: str) -> pathlib.Path:
        folder = tmp_path / 'assets'
        folder.mkdir()
        for name in names:
            (folder / name).write_text('#!/bin/sh\n', 'utf-8')
            (folder / name).chmod(0o755)
        return folder

    return make


def test_takes_the_folder_that_the_environment_names(assets: Callable[..., pathlib.Path]):
    folder = assets('etcd', 'kube-apiserver')
    assert programs.given({programs.ASSETS: str(folder)}) == folder


@pytest.mark.parametrize('variables', [{}, {programs.ASSETS: ''}])
def test_takes_none_where_the_environment_names_none(variables: dict[str, str]):
    assert programs.given(variables) is None


def test_names_the_program_that_a_folder_lacks(assets: Callable[..., pathlib.Path]):
    folder = assets('etcd')
    with pytest.raises(programs.MissingError, match='where there is no program kube-apiserver'):
        programs.given({programs.ASSETS: str(folder)})


def test_builds_once(go: Go, cache: pathlib.Path):
    folder = programs.provide()
    assert folder.parent == cache
    assert programs.provide() == folder
    assert go.builds == 1
    assert programs.given({programs.ASSETS: str(folder)}) == folder
    assert {each.name for each in folder.iterdir()} == {'controlplane', *programs.NAMES}


def test_builds_anew_for_another_go(go: Go):
    first = programs.provide()
    go.does(BUILDS, version='go1.27.0')
    assert programs.provide() != first
    assert go.builds == 2


def test_tells_the_last_thing_that_go_said(go: Go, cache: pathlib.Path):
    go.does(FAILS)
    with pytest.raises(programs.MissingError) as caught:
        programs.provide()
    assert str(caught.value) == 'go build failed: dial tcp: lookup failed'
    assert [each.name for each in cache.iterdir()] == ['lock']


def test_tries_again_after_a_failure(go: Go):
    go.does(FAILS)
    with pytest.raises(programs.MissingError):
        programs.provide()
    go.does(BUILDS)
    assert programs.provide().is_dir()


def test_says_so_where_there_is_no_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, cache: pathlib.Path
):
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(programs.MissingError, match='there is no Go'):
        programs.provide()


def test_says_so_where_the_cache_cannot_be_written(go: Go, cache: pathlib.Path):
    cache.parent.parent.mkdir()
    cache.parent.write_text('in the way', 'utf-8')
    with pytest.raises(programs.MissingError, match='cannot write the programs to'):
        programs.provide()


def run(variables: dict[str, str]) -> str:
    """Run a program that prints the two variables, through the command line."""
    prints = 'import os; print([os.environ.get(n) for n in ("%s", "%s")])'
    names = programs.ASSETS, programs.ABSENCE
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, programs.__file__, sys.executable, '-c', prints % names],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def test_runs_a_command_with_the_programs(assets: Callable[..., pathlib.Path]):
    folder = assets('etcd', 'kube-apiserver')
    assert run({programs.ASSETS: str(folder)}) == f"['{folder}', None]"


def test_runs_a_command_without_them_and_tells_it_why(go: Go):
    go.does(FAILS)
    reason = 'go build failed: dial tcp: lookup failed'
    assert run({programs.ASSETS: ''}) == f"[None, '{reason}']"
