# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles the locks, or says which of them no longer follow from what they are made of.

    lock.py            renew every lock to the newest versions that its inputs allow
    lock.py --keep     follow the inputs, but keep each version that still satisfies them
    lock.py --check    write nothing; exit 1 and name the locks that `--keep` would change

`requirements/test.txt` is compiled first, from everything that the suite and the charms need, and
constrains all others. A charm thus ships the versions it was tested with, and the locks of groups
that share an environment cannot disagree. No lock names an address of a package index.
"""

import dataclasses
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The oldest Python of the workspace. Charms run on 3.12 (ubuntu@24.04): the resolution is
# universal, so one lock serves both.
OLDEST = '3.11'

# Installed from the tree. A package of the same name on an index must never take their place.
FIRST_PARTY = ('charmarr-lib', 'charmarr-rehearsal', 'charmarr-mediahub')

MASTER = 'requirements/test.txt'


class LockError(Exception):
    """The locks cannot be compiled; the message says why, in the resolver's words."""


@dataclasses.dataclass(frozen=True)
class Lock:
    """A lock and what it is made of; paths are relative to the repository's root."""

    path: str
    inputs: tuple[str, ...]

    @property
    def constraints(self) -> tuple[str, ...]:
        """The locks that it has to agree with."""
        return () if self.path == MASTER else (MASTER,)


def charms(root: pathlib.Path) -> list[str]:
    """The charms' names, sorted."""
    return sorted(file.parent.name for file in root.glob('charms/*/pyproject.toml'))


def locks(root: pathlib.Path) -> list[Lock]:
    """All locks of the workspace in the order in which they are compiled."""
    projects = {charm: f'charms/{charm}/pyproject.toml' for charm in charms(root)}
    groups = sorted(file.stem for file in root.glob('requirements/*.in'))
    found = [Lock(MASTER, ('requirements/test.in', *projects.values()))]
    for group in groups:
        path = f'requirements/{group}.txt'
        if path != MASTER:
            found.append(Lock(path, (f'requirements/{group}.in',)))
    for charm, project in projects.items():
        found.append(Lock(f'charms/{charm}/requirements.txt', (project,)))
    return found


def command(lock: Lock, *, upgrade: bool) -> list[str]:
    """The resolver's command line for a lock."""
    words = [resolver(), 'pip', 'compile', *lock.inputs]
    words += ['--output-file', lock.path]
    words += ['--universal', '--python-version', OLDEST, '--generate-hashes']
    words += ['--only-binary', ':all:', '--no-emit-index-url', '--no-emit-find-links']
    words += ['--custom-compile-command', 'make lock', '--quiet', '--no-progress']
    for package in FIRST_PARTY:
        words += ['--no-emit-package', package]
    for constraints in lock.constraints:
        words += ['--constraints', constraints]
    return [*words, '--upgrade'] if upgrade else words


def resolver() -> str:
    """The uv of the environment that this runs in."""
    found = shutil.which('uv', path=os.path.dirname(sys.executable))
    if found is None:
        raise LockError('uv is not in this environment; run: make lock')
    return found


def compile_lock(lock: Lock, root: pathlib.Path, *, upgrade: bool) -> None:
    """Write one lock.

    Raises:
        LockError: The inputs contradict each other, or the package index cannot be reached.
    """
    # Settings of the caller's uv, such as another index strategy, must not show in a lock.
    words = [*command(lock, upgrade=upgrade), '--no-config']
    done = subprocess.run(words, cwd=root, capture_output=True, text=True)
    if done.returncode:
        reason = ' '.join(done.stderr.split()) or f'uv exit status {done.returncode}'
        raise LockError(f'{lock.path}: {reason}')


def compile_all(root: pathlib.Path, *, upgrade: bool) -> list[str]:
    """Write every lock; answer the paths of those that changed."""
    changed: list[str] = []
    for lock in locks(root):
        before = content(root / lock.path)
        compile_lock(lock, root, upgrade=upgrade)
        if content(root / lock.path) != before:
            changed.append(lock.path)
    return changed


def content(file: pathlib.Path) -> str:
    """The file's text, empty where there is no file."""
    return file.read_text('utf-8') if file.exists() else ''


def copy_inputs(root: pathlib.Path, target: pathlib.Path) -> None:
    """Put everything that decides what is in the locks, and the locks, into an empty folder."""
    patterns = ('requirements/*', '*/pyproject.toml', 'charms/*/pyproject.toml')
    wanted = [file for pattern in patterns for file in root.glob(pattern)]
    wanted += [root / lock.path for lock in locks(root) if (root / lock.path).exists()]
    for file in wanted:
        copy = target / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def out_of_step(root: pathlib.Path) -> dict[str, str]:
    """The locks that no longer follow from their inputs, each with the difference.

    They are compiled again with themselves as the preferred answer: a newer release of a package
    changes nothing, a changed input does.
    """
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        copy_inputs(root, scratch)
        for path in compile_all(scratch, upgrade=False):
            old, new = (content(base / path).splitlines() for base in (root, scratch))
            lines = difflib.unified_diff(
                old, new, path, f'{path} as it should be', lineterm='', n=0
            )
            found[path] = '\n'.join(line for line in lines if '--hash=' not in line)
    return found


def check(root: pathlib.Path) -> int:
    """Report the locks that are out of step."""
    found = out_of_step(root)
    for path, difference in found.items():
        print(f'{path} is out of step with its inputs; run: make lock\n{difference}')
    if not found:
        print(f'{len(locks(root))} locks are in step with their inputs.')
    return 1 if found else 0


def main(arguments: Sequence[str]) -> int:
    """Carry out the command line; the exit status is 0, 1 (out of step, cannot) or 2 (usage)."""
    if list(arguments) not in ([], ['--keep'], ['--check']):
        print('usage: lock.py [--keep | --check]', file=sys.stderr)
        return 2
    try:
        if '--check' in arguments:
            return check(ROOT)
        for path in compile_all(ROOT, upgrade='--keep' not in arguments):
            print(f'renewed {path}')
    except LockError as error:
        print(f'charmarr: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
