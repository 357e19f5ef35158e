# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Locks are compiled in an order, and from inputs, that keep them in agreement."""

import pathlib

import pytest

import lock

ROOT = pathlib.Path(lock.__file__).resolve().parents[1]


@pytest.fixture
def workspace(tmp_path: pathlib.Path) -> pathlib.Path:
    for path in (
        'charms/plex-k8s/pyproject.toml',
        'charmarr-lib/pyproject.toml',
        'requirements/rehearse.in',
        'requirements/rehearse.txt',
        'requirements/test.in',
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f'{path}\n')
    return tmp_path


def test_the_tests_lock_comes_first_and_constrains_the_others(workspace: pathlib.Path):
    found = lock.locks(workspace)
    assert [(item.path, item.constraints) for item in found] == [
        ('requirements/test.txt', ()),
        ('requirements/rehearse.txt', ('requirements/test.txt',)),
        ('charms/plex-k8s/requirements.txt', ('requirements/test.txt',)),
    ]
    assert found[0].inputs == ('requirements/test.in', 'charms/plex-k8s/pyproject.toml')


def test_the_workspace_has_a_lock_for_every_group_and_charm():
    charms = {f'charms/{name}/requirements.txt' for name in lock.charms(ROOT)}
    found = {item.path for item in lock.locks(ROOT)}
    assert charms < found
    assert (
        found == {str(file.relative_to(ROOT)) for file in ROOT.glob('requirements/*.txt')} | charms
    )
    assert all((ROOT / path).is_file() for path in found)


def test_first_party_packages_and_addresses_stay_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, 'resolver', lambda: 'uv')
    words = lock.command(lock.Lock('a.txt', ('a.in',)), upgrade=False)
    text = ' '.join(words)
    for package in ('charmarr-lib', 'charmarr-rehearsal', 'charmarr-mediahub'):
        assert f'--no-emit-package {package}' in text
    assert '--no-emit-index-url' in words
    assert '--generate-hashes' in words
    assert '--upgrade' not in words
    assert '--upgrade' in lock.command(lock.Lock('a.txt', ('a.in',)), upgrade=True)


def append(item: lock.Lock, root: pathlib.Path, *, upgrade: bool) -> None:
    """Stands in for the resolver: only the rehearsal's lock comes out differently."""
    assert not upgrade
    file = root / item.path
    old = file.read_text() if file.exists() else ''
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(old + ('new==2 \\\n    --hash=sha256:1\n' if 'rehearse' in item.path else ''))


def test_a_lock_that_would_change_is_named_and_left_as_it_is(
    workspace: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(lock, 'compile_lock', append)
    before = {file: file.read_text() for file in workspace.rglob('*') if file.is_file()}
    assert lock.check(workspace) == 1
    said = capsys.readouterr().out
    assert said.startswith(
        'requirements/rehearse.txt is out of step with its inputs; run: make lock'
    )
    assert '+new==2' in said
    assert '--hash' not in said
    assert {file: file.read_text() for file in workspace.rglob('*') if file.is_file()} == before


def test_a_failing_resolver_is_one_line(workspace: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    failing = workspace / 'uv'
    failing.write_text('#!/bin/sh\necho "x you require" >&2\necho "  a==1 and a==2" >&2\nexit 1\n')
    failing.chmod(0o755)
    monkeypatch.setattr(lock, 'resolver', lambda: str(failing))
    with pytest.raises(lock.LockError) as caught:
        lock.compile_all(workspace, upgrade=True)
    assert str(caught.value) == 'requirements/test.txt: x you require a==1 and a==2'


def test_unknown_arguments_are_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]):
    assert lock.main(['--chek']) == 2
    assert capsys.readouterr().err == 'usage: lock.py [--keep | --check]\n'
