# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The hub's rock: what it runs, and that it holds what the lock says and nothing else."""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROCK: Any = yaml.safe_load((ROOT / 'rockcraft.yaml').read_text('utf-8'))
LOCK = ROOT / 'requirements' / 'hub.txt'
PROJECT: Any = tomllib.loads((ROOT / 'mediahub' / 'pyproject.toml').read_text('utf-8'))
CHARM: Any = yaml.safe_load((ROOT / 'charms/mediahub-k8s/charmcraft.yaml').read_text('utf-8'))


def canonical(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def locked() -> dict[str, str]:
    """Packages of the lock that this machine's Python needs, with their versions."""
    import packaging.requirements

    found = {}
    for line in LOCK.read_text('utf-8').splitlines():
        if line and line[0] not in ' #':
            needed = packaging.requirements.Requirement(line.rstrip(' \\'))
            if needed.marker is None or needed.marker.evaluate():
                (version,) = needed.specifier
                found[canonical(needed.name)] = version.version
    return found


def test_the_base_is_pinned_and_nothing_runs_as_root():
    assert ROCK['base'] == 'ubuntu@24.04'
    assert ROCK['run-user'] == '_daemon_'
    assert set(ROCK['services']) == {'mediahub'}
    assert 'user' not in ROCK['services']['mediahub']


def test_the_charm_names_the_version_that_is_packed():
    image = CHARM['resources']['mediahub-image']['upstream-source']
    assert image == f'ghcr.io/charmarr/mediahub:{ROCK["version"]}'
    assert PROJECT['project']['version'] == ROCK['version']


def test_health_needs_no_network():
    assert ROCK['checks']['up']['http'] == {'url': 'http://localhost:8484/healthz'}


def test_every_entry_of_the_lock_has_hashes():
    text = LOCK.read_text('utf-8')
    entries = re.findall(
        r'^[a-z0-9][^\n]*==[^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}[^\n]*\n)+', text, re.M
    )
    assert len(entries) == len(re.findall(r'^[a-z0-9][^\n]*==', text, re.M)) > 20


def test_nothing_of_the_gpl_is_packed():
    """As far as the packages say; the LGPL and the MPL are libraries' licences."""
    for name in locked():
        try:
            metadata: Any = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:  # another platform's
            continue
        said = [metadata.get('License-Expression') or metadata.get('License') or '']
        said += [each for each in metadata.get_all('Classifier') or () if 'License' in each]
        text = ' '.join(each[:200] for each in said)
        assert not re.search(r'(?<!L)GPL|GNU General Public|Affero', text), (name, text)


@pytest.mark.network
@pytest.mark.skipif(
    not (os.environ.get('CI') or os.environ.get('NETWORK_TESTS')),
    reason='installs from the package index; set NETWORK_TESTS=1',
)
def test_what_is_installed_is_what_the_lock_says(tmp_path: pathlib.Path):
    script = ROCK['parts']['hub']['override-build']
    variables = {'CRAFT_PART_INSTALL': str(tmp_path), 'PATH': python_first(tmp_path / 'bin')}
    environment = {k: v for k, v in os.environ.items() if k not in {'PYTHONPATH', 'PYTHONHOME'}}
    shell = ['/bin/bash', '-euc', script]
    subprocess.run(shell, cwd=ROOT, env=environment | variables, check=True)
    python = tmp_path / 'opt/mediahub/bin/python3'
    said = subprocess.run(
        [
            os.path.realpath(sys.executable),
            '-m',
            'pip',
            '--python',
            python,
            'list',
            '--format=json',
        ],
        capture_output=True,
        check=True,
    )
    installed = {canonical(each['name']): each['version'] for each in json.loads(said.stdout)}
    assert installed.pop('charmarr-mediahub') == ROCK['version']
    assert installed == locked()
    shown = subprocess.run(
        [python, '-I', '-m', 'mediahub.cli', '--version'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == f'mediahub {ROCK["version"]}\n'
    assert os.access(tmp_path / 'usr/bin/mediahub', os.X_OK)


def python_first(folder: pathlib.Path) -> str:
    """A PATH on which ``python3`` is the Python that runs this, with its pip."""
    folder.mkdir()
    (folder / 'python3').symlink_to(os.path.realpath(sys.executable))
    return f'{folder}:{os.environ["PATH"]}'
