# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Where etcd, kube-apiserver and kube-controller-manager come from.

The variable ``KUBEBUILDER_ASSETS`` names a folder that has them, as it does for envtest. Where it
is not set and Go is there, they are built from ``controlplane/``, once, into the user's cache.

    python tests/cluster/programs.py COMMAND [ARGUMENT...]

runs a command with the variable set. Where there is no way to get the programs, the command runs
all the same, and :data:`ABSENCE` tells it why.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from typing import Final

ASSETS: Final = 'KUBEBUILDER_ASSETS'
"""Environment variable with the folder of the programs, as envtest has it."""

ABSENCE: Final = 'CHARMARR_NO_CONTROL_PLANE'
"""Environment variable that says why there are no programs."""

NEEDED: Final = ('etcd', 'kube-apiserver')
NAMES: Final = (*NEEDED, 'kube-controller-manager')

_SOURCES: Final = pathlib.Path(__file__).parent / 'controlplane'
_PROGRAM: Final = 'controlplane'
_LONGEST_REASON: Final = 200  # characters
_LONGEST_BUILD: Final = 45 * 60  # seconds; two idle cores need a ninth of that


class MissingError(Exception):
    """The programs cannot be had; the text is one line and says why."""


def given(variables: Mapping[str, str]) -> pathlib.Path | None:
    """Return the folder that the environment names, or None if it names none.

    Raises:
        MissingError: if the folder lacks a program.
    """
    folder = variables.get(ASSETS)
    if not folder:
        return None
    for name in NEEDED:
        if shutil.which(name, path=folder) is None:
            raise MissingError(f'{ASSETS} is {folder}, where there is no program {name}')
    return pathlib.Path(folder).absolute()


def provide() -> pathlib.Path:
    """Return a folder with the programs, which are built if that has not been done yet.

    The first time takes as long as it takes to compile Kubernetes: ten minutes of processor
    time, which is five where two cores have nothing else to do.

    Raises:
        MissingError: if there is no Go, or if it cannot build them.
    """
    go = shutil.which('go')
    if go is None:
        raise MissingError(f'{ASSETS} is not set, and there is no Go to build the programs with')
    cache = _cache()
    home = cache / _key(go)
    if home.is_dir():
        return home
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _only_one(cache / 'lock'):
            if not home.is_dir():
                _build(go, home)
    except OSError as error:
        raise MissingError(f'cannot write the programs to {cache}: {error.strerror}') from error
    return home


def _cache() -> pathlib.Path:
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(base) / 'charmarr' / 'controlplane'


def _key(go: str) -> str:
    """Digest of all that the programs depend on."""
    version = subprocess.run(  # noqa: S603 -- the Go of this machine
        [go, 'version'], capture_output=True, check=False, cwd=_SOURCES
    )
    digest = hashlib.sha256(repr((version.stdout, _options())).encode())
    for file in sorted(_SOURCES.iterdir()):
        digest.update(b'%s\0' % file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:24]


def _options() -> tuple[str, ...]:
    """Options of ``go build``: no paths of this machine, no debugger, the version to report."""
    versions = re.search(r'^\tk8s\.io/kubernetes (v\S+)', _module(), re.MULTILINE)
    assert versions is not None, 'go.mod requires no Kubernetes'
    reported = f'-X k8s.io/component-base/version.gitVersion={versions[1]}'
    return ('-trimpath', f'-ldflags=-s -w {reported}')


def _module() -> str:
    return (_SOURCES / 'go.mod').read_text('utf-8')


@contextlib.contextmanager
def _only_one(lock: pathlib.Path) -> Generator[None]:
    """Let one build run at a time; the next one finds its outcome."""
    with lock.open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(go: str, home: pathlib.Path) -> None:
    print('building etcd and Kubernetes, once; this takes five minutes or more', flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        # What is being built must not look like what is ready: it moves there in one step.
        folder = pathlib.Path(scratch, 'programs')
        folder.mkdir()
        _compile(go, folder / _PROGRAM)
        for name in NAMES:
            (folder / name).symlink_to(_PROGRAM)
        folder.rename(home)
    print(f'built in {time.monotonic() - started:.0f} s', flush=True)


def _compile(go: str, output: pathlib.Path) -> None:
    # A workspace around this tree, or options meant for others, must not change what is built.
    settings = {'CGO_ENABLED': '0', 'GOWORK': 'off', 'GOFLAGS': '-mod=readonly -buildvcs=false'}
    try:
        done = subprocess.run(  # noqa: S603 -- the Go of this machine
            [go, 'build', *_options(), '-o', str(output), '.'],
            cwd=_SOURCES,
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_LONGEST_BUILD,
            text=True,
            errors='replace',
            check=False,
        )
    except subprocess.TimeoutExpired:
        minutes = _LONGEST_BUILD // 60
        raise MissingError(
            f'go build took more than {minutes} minutes; run it again to go on from there'
        ) from None
    if done.returncode:
        raise MissingError(f'go build failed: {_last_line(done.stderr)}')


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_LONGEST_REASON] if lines else 'it gave no reason'


def main(command: list[str]) -> None:
    """Run a command with the programs, or without them and with the reason."""
    variables = dict(os.environ)
    try:
        folder = given(variables) or provide()
        print(f'control plane: {folder}', flush=True)
        variables[ASSETS] = str(folder)
    except MissingError as reason:
        print(f'no control plane: {reason}', file=sys.stderr, flush=True)
        variables.pop(ASSETS, None)
        variables[ABSENCE] = str(reason)
    os.execvpe(command[0], command, variables)  # noqa: S606 -- there to run another program


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit('usage: programs.py COMMAND [ARGUMENT...]')
    main(sys.argv[1:])
