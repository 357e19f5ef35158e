# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""A small workspace whose packages are made here, so that setting it up needs no network."""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap
import zipfile

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / 'tools'

# The interpreter that environments are made with; the suite itself runs inside of one.
PYTHON = pathlib.Path(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info[:2]))

KIND = 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'

# Builds a package that is installed in place, as flit_core does for the real ones.
BACKEND = textwrap.dedent(f"""
    import pathlib, zipfile

    def build_editable(folder, config_settings=None, metadata_directory=None):
        here = pathlib.Path.cwd()
        name = here.name.replace('-', '_')
        described = 'Metadata-Version: 2.1\\nName: ' + name + '\\nVersion: 1\\n'
        wheel = name + '-1-py3-none-any.whl'
        with zipfile.ZipFile(pathlib.Path(folder, wheel), 'w') as archive:
            archive.writestr(name + '.pth', str(here))
            archive.writestr(name + '-1.dist-info/METADATA', described)
            archive.writestr(name + '-1.dist-info/WHEEL', {KIND!r})
            archive.writestr(name + '-1.dist-info/RECORD', '')
        return wheel
""")

PROJECT = """
[build-system]
requires = []
build-backend = 'backend'
backend-path = ['.']
"""


@dataclasses.dataclass
class Workspace:
    """A workspace with packages and locks of its own."""

    root: pathlib.Path
    index: pathlib.Path
    variables: dict[str, str]

    def publish(self, name: str) -> str:
        """Put a package of one module on the index; answer the line that locks it."""
        wheel = self.index / f'{name}-1-py3-none-any.whl'
        info = f'{name}-1.dist-info'
        with zipfile.ZipFile(wheel, 'w') as archive:
            archive.writestr(f'{name}.py', '')
            archive.writestr(
                f'{info}/METADATA', f'Metadata-Version: 2.1\nName: {name}\nVersion: 1\n'
            )
            archive.writestr(f'{info}/WHEEL', KIND)
            archive.writestr(f'{info}/RECORD', '')
        return f'{name}==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n'

    def lock(self, group: str, *lines: str) -> None:
        """Write a group's lock."""
        self.root.joinpath('requirements', f'{group}.txt').write_text(''.join(lines))

    def words(self, *words: str) -> list[str]:
        """The command line of the bootstrap."""
        return [str(PYTHON), str(self.root / 'tools' / 'bootstrap.py'), *words]

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command through the bootstrap."""
        return subprocess.run(
            self.words(*words),
            env=self.variables | variables,
            capture_output=True,
            text=True,
        )

    @property
    def environment(self) -> pathlib.Path:
        """The environment that `rehearse` and `test` share."""
        return self.root / '.venvs' / 'run-{}.{}'.format(*sys.version_info[:2])

    def module(self, name: str) -> pathlib.Path:
        """An installed module."""
        (found,) = self.environment.glob(f'lib/python*/site-packages/{name}.py')
        return found


@pytest.fixture
def workspace(tmp_path: pathlib.Path) -> Workspace:
    """A workspace that has never been set up: `rehearse` is part of `test`."""
    root, index = tmp_path / 'workspace', tmp_path / 'index'
    index.mkdir()
    for package in ('charmarr-lib', 'rehearsal', 'mediahub'):
        (root / package).mkdir(parents=True)
        (root / package / 'pyproject.toml').write_text(PROJECT)
        (root / package / 'backend.py').write_text(BACKEND)
    (root / 'charmarr-lib' / 'charmarr_lib_here.py').touch()
    (root / 'mediahub' / 'mediahub_here.py').touch()
    (root / 'requirements').mkdir()
    shutil.copytree(TOOLS, root / 'tools', ignore=shutil.ignore_patterns('__pycache__'))
    kept = {name: value for name, value in os.environ.items() if not name.startswith('PIP_')}
    kept |= {'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': str(index), 'PIP_CONFIG_FILE': os.devnull}
    made = Workspace(root, index, kept)
    small, large = made.publish('small'), made.publish('large')
    made.lock('rehearse', small)
    made.lock('test', small, large)
    return made
