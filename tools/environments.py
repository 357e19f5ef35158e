# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual environments of the workspace: made from the locks, kept while they are right.

`rehearse` and `test` share one environment. The locks are compiled so that `test` holds every
package of `rehearse` at the same version, hence either command can come first: the second one
only adds what is missing, and neither ever takes away what the other needs. `lint` has an
environment of its own, because its tools are large and nobody who wants to see the bundle settle
waits for them.

The folder is named for the Python as well, so that `make test PYTHON=python3.12` leaves the
environment of another Python alone.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Raised when this module installs differently, so that older environments are made anew.
LAYOUT = 1

# Settings of pip and Python that would send packages elsewhere than into the environment, or make
# pip refuse the wheels whose hashes are locked. Indexes, proxies and certificates stay.
MISLEADING = (
    'PIP_CONSTRAINT',
    'PIP_DRY_RUN',
    'PIP_NO_BINARY',
    'PIP_PREFIX',
    'PIP_PYTHON',
    'PIP_REQUIRE_HASHES',
    'PIP_REQUIRE_VIRTUALENV',
    'PIP_ROOT',
    'PIP_TARGET',
    'PIP_USER',
    'PYTHONHOME',
    'PYTHONPATH',
    '__PYVENV_LAUNCHER__',
)

UNREACHABLE = (
    'ConnectTimeoutError',
    'Max retries exceeded',
    'Network is unreachable',
    'NewConnectionError',
    'ProxyError',
    'ReadTimeoutError',
    'name resolution',
)


class SetupError(Exception):
    """The environment cannot be set up; the message is one line that says what to do."""


@dataclasses.dataclass(frozen=True)
class Group:
    """A set of locked packages.

    Attributes:
        name: Also the name of its lock, `requirements/<name>.txt`.
        folder: Environment that it goes into; groups of one folder are compatible.
        packages: First-party folders, installed in place so that an edit needs no new set-up.
        larger: Groups of the same folder that hold all of this one.
    """

    name: str
    folder: str
    packages: tuple[str, ...]
    larger: tuple[str, ...] = ()


GROUPS = {
    group.name: group
    for group in (
        Group('rehearse', 'run', ('charmarr-lib', 'rehearsal', 'mediahub'), larger=('test',)),
        Group('test', 'run', ('charmarr-lib', 'rehearsal', 'mediahub')),
        Group('lint', 'lint', ('charmarr-lib', 'rehearsal', 'mediahub')),
    )
}


@dataclasses.dataclass(frozen=True)
class Environment:
    """One virtual environment and the record of what it holds."""

    root: pathlib.Path
    folder: str

    @property
    def path(self) -> pathlib.Path:
        """Where it is."""
        version = '.'.join(map(str, sys.version_info[:2]))
        return self.root / '.venvs' / f'{self.folder}-{version}'

    @property
    def python(self) -> pathlib.Path:
        """Its interpreter."""
        return self.path / 'bin' / 'python'

    @property
    def log(self) -> pathlib.Path:
        """What pip said at the last set-up."""
        return self.path.with_name(self.path.name + '.log')

    @property
    def _stamp(self) -> pathlib.Path:
        return self.path / 'charmarr.json'

    def lock(self, group: Group) -> pathlib.Path:
        """The group's lock."""
        return self.root / 'requirements' / f'{group.name}.txt'

    def fingerprint(self, group: Group) -> str:
        """Digest of all that the installed group depends on.

        The path is part of it, because a virtual environment that was moved or copied still runs
        the programs of its old place; so are the interpreter's version and own place.
        """
        interpreter = (sys.version, os.path.realpath(sys.executable), os.uname().machine)
        digest = hashlib.sha256(repr((LAYOUT, str(self.path), interpreter)).encode())
        for file in (self.lock(group), *map(self._project, group.packages)):
            content = file.read_bytes()
            digest.update(b'%s %d\n' % (file.name.encode(), len(content)))
            digest.update(content)
        return digest.hexdigest()

    def _project(self, package: str) -> pathlib.Path:
        return self.root / package / 'pyproject.toml'

    def recorded(self) -> Mapping[str, str]:
        """Fingerprints of the groups that it holds; empty where it is broken or not there."""
        try:
            stamp = json.loads(self._stamp.read_text('utf-8'))
            groups, contents = stamp['groups'], stamp['contents']
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        # exists() follows the link: an interpreter that was removed breaks the environment.
        intact = self.python.exists() and contents == self._contents()
        return groups if intact else {}

    def _contents(self) -> list[str]:
        """The distributions in it; a package added or removed by hand shows here."""
        return sorted(
            item.name for item in self.path.glob('lib/python*/site-packages/*.dist-info')
        )

    def holds(self, group: Group) -> bool:
        """Whether the group is installed as its lock says, by itself or within a larger one."""
        recorded = self.recorded()
        return any(
            recorded.get(name) == self.fingerprint(GROUPS[name])
            for name in (group.name, *group.larger)
        )

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """Keep other commands out of this environment while it changes."""
        self.path.parent.mkdir(exist_ok=True)
        with open(self.path.with_name(self.path.name + '.lock'), 'w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f'Waiting for another command that sets up {self._shown}.')
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def _shown(self) -> str:
        return str(self.path.relative_to(self.root))

    def provide(self, group: Group) -> None:
        """Make the group available, in as little work as is safe.

        Raises:
            SetupError: Something outside stands in the way: network, pip, disk.
        """
        with self.alone():
            if self.holds(group):
                return
            started = time.monotonic()
            smaller = [other for other in GROUPS.values() if group.name in other.larger]
            keep = [other for other in smaller if self.holds(other)]
            say(
                f'Setting up {self._shown} for {group.name} (once; pip writes to {self.log.name}).'
            )
            self.log.write_text('', 'utf-8')
            # Without its stamp an environment counts as broken: an interrupted set-up starts anew.
            self._stamp.unlink(missing_ok=True)
            if not keep:
                self._create()
            self._install(group)
            there = {package for other in keep for package in other.packages}
            self._install_packages(*(name for name in group.packages if name not in there))
            self._record([*keep, group])
            say(f'Ready after {time.monotonic() - started:.1f} s.')

    def _create(self) -> None:
        """Make an empty environment.

        Without a pip of its own where the interpreter's pip can install into it: that saves two
        seconds, and Debian's python3 has no ensurepip to make one from.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        if installs_elsewhere():
            self._run('-m', 'venv', '--without-pip', str(self.path))
            return
        try:
            self._run('-m', 'venv', str(self.path))
        except SetupError:
            raise SetupError(
                f'{sys.executable} has neither pip 22.3 or newer nor ensurepip. Install pip '
                '(Debian: apt install python3-pip) or set PYTHON to another interpreter.'
            ) from None

    def _install(self, group: Group) -> None:
        self._pip('--require-hashes', '--only-binary', ':all:', '-r', str(self.lock(group)))

    def _install_packages(self, *packages: str) -> None:
        editable = [word for package in packages for word in ('--editable', f'./{package}')]
        if editable:
            # flit_core comes from the lock, hence no build isolation: it would download another.
            self._pip('--no-build-isolation', *editable)

    def _pip(self, *arguments: str) -> None:
        # The lock is complete, so there is nothing to resolve; the modules that are used compile
        # at their first import, and lightkube-models alone has hundreds that are not.
        words = ('install', '--quiet', '--no-deps', '--no-compile', '--retries', '2', *arguments)
        if any(self.path.glob('lib/python*/site-packages/pip')):
            self._run('-m', 'pip', *words, python=str(self.python))
        else:
            self._run('-m', 'pip', '--python', str(self.python), *words)

    def _run(self, *arguments: str, python: str = sys.executable) -> None:
        with self.log.open('ab') as log:
            start = log.tell()
            done = subprocess.run(
                [python, *arguments],
                cwd=self.root,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if done.returncode:
            said = self.log.read_bytes()[start:].decode('utf-8', 'replace')
            raise SetupError(explain(said, self.log.relative_to(self.root)))

    def _record(self, groups: Sequence[Group]) -> None:
        stamp = {
            'groups': {group.name: self.fingerprint(group) for group in groups},
            'contents': self._contents(),
        }
        new = self._stamp.with_suffix('.new')
        new.write_text(json.dumps(stamp, indent=1), 'utf-8')
        new.replace(self._stamp)

    def command(self, words: Sequence[str]) -> tuple[str, dict[str, str]]:
        """The program that runs `words` in this environment, and the variables it gets."""
        folder = self.path / 'bin'
        program = shutil.which(words[0], path=str(folder))
        if program is None:
            raise SetupError(f'{words[0]} is no program of {self._shown}.')
        variables = {name: value for name, value in os.environ.items() if name != 'PYTHONHOME'}
        variables['VIRTUAL_ENV'] = str(self.path)
        variables['PATH'] = os.pathsep.join((str(folder), os.environ.get('PATH', os.defpath)))
        return program, variables


def say(line: str) -> None:
    """Tell what goes on, where it does not get between the lines of a piped result."""
    print(line, file=sys.stderr, flush=True)


def clean_environment() -> dict[str, str]:
    """The variables for pip: as they are, less those that would mislead it."""
    variables = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return variables | {'PIP_DISABLE_PIP_VERSION_CHECK': '1', 'PIP_NO_INPUT': '1'}


def installs_elsewhere() -> bool:
    """Whether this interpreter has a pip that knows `--python` (22.3, October 2022)."""
    answer = subprocess.run(
        [sys.executable, '-m', 'pip', '--version'],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    words = answer.stdout.split()
    if answer.returncode or len(words) < 2:
        return False
    release = words[1].split('.')
    return tuple(int(part) for part in release[:2] if part.isdigit()) >= (22, 3)


def explain(output: str, log: pathlib.Path) -> str:
    """One line for what pip said, with what to do about it."""
    if 'DO NOT MATCH THE HASHES' in output:
        return (
            'A downloaded package does not have the hash that its lock in requirements/ gives; '
            f'it was not installed. The package index may be altering files. See {log}.'
        )
    if any(sign in output for sign in UNREACHABLE):
        return (
            'No package index can be reached, and not everything is installed yet. Check the '
            f"network or pip's settings, then run the command again. See {log}."
        )
    errors = [line for line in output.splitlines() if line.lower().startswith('error')]
    last = errors[-1] if errors else 'no error was printed'
    return f'pip failed ({last.strip()}). See {log}.'


def main(arguments: Sequence[str]) -> int:
    """Run `GROUP COMMAND [ARGUMENT...]`; does not return where the command starts."""
    if len(arguments) < 2 or arguments[0] not in GROUPS:
        say(f'usage: bootstrap.py {{{",".join(GROUPS)}}} COMMAND [ARGUMENT...]')
        return 2
    group, words = GROUPS[arguments[0]], arguments[1:]
    environment = Environment(ROOT, group.folder)
    try:
        environment.provide(group)
        program, variables = environment.command(words)
    except (SetupError, OSError) as error:
        say(f'charmarr: {error}')
        return 1
    except KeyboardInterrupt:
        say('Interrupted; the next run sets up again from the start.')
        return 130
    sys.stdout.flush()
    os.execve(program, [program, *words[1:]], variables)
