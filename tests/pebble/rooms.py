# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A container for tests: a root, processes and a network of its own, from what this machine has.

The root borrows this machine's programs, read-only, and adds the stand-ins at the paths where the
images have the real programs. Nothing of it is ever mounted outside of the namespace.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

HERE: Final = pathlib.Path(__file__).parent

PLEX: Final = '/usr/lib/plexmediaserver/Plex Media Server'
NODE: Final = '/usr/local/bin/node'
RENDER_NODE: Final = '/dev/dri/renderD128'
RENDER_GROUP: Final = 109

PROGRAMS: Final = ('bash', 'chown', 'find', 'install', 'setpriv')
"""What the layers and the library run in a container."""

_PATH: Final = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
_OWN: Final = ('lib', 'local')
_DEVICES: Final = ('null', 'zero', 'random', 'urandom')
_STANDIN: Final = '/run/standin'
_FOLDERS: Final = ('proc', 'tmp', 'run', 'dev/dri', 'etc', 'app/dist', 'root', 'usr/lib')
_ENTER: Final = ('unshare', '--mount', '--pid', '--net', '--fork', '--kill-child')
_PATIENCE: Final = 20.0  # seconds until a thing that should happen has not happened
_LONGEST_SOCKET: Final = 107  # bytes, unix(7)

Entry = dict[str, Any]
"""One thing that a stand-in tells of."""


class NotPermittedError(Exception):
    """Rooms cannot be made here; the text is one line and says why."""


@dataclasses.dataclass
class Room:
    """One container's files.

    Attributes:
        root: Its root, seen from outside and so without what is mounted in it.
        volumes: Folders of this machine by where they are mounted.
        journal: Receives what the stand-ins tell.
        told: What they have told so far.
    """

    root: pathlib.Path
    volumes: Mapping[str, pathlib.Path]
    journal: socket.socket
    extra: list[tuple[str, str, bool]] = dataclasses.field(default_factory=list)
    told: list[Entry] = dataclasses.field(default_factory=list)

    def outside(self, path: str) -> pathlib.Path:
        """Return where a path of the container lies on this machine."""
        for mount, folder in self.volumes.items():
            if path == mount or path.startswith(f'{mount}/'):
                return folder / path[len(mount) :].lstrip('/')
        return self.root / path.lstrip('/')

    def behave(self, **orders: Any) -> None:
        """Say how the stand-ins shall behave from now on."""
        place = self.outside(f'{_STANDIN}/behaviour.json')
        new = place.with_suffix('.new')
        new.write_text(json.dumps(orders))
        new.replace(place)

    def wait_for(self, event: str, patience: float = _PATIENCE, **details: Any) -> Entry:
        """Return the next entry of the journal that fits; those before it are in ``told``.

        Raises:
            AssertionError: if nothing of the kind is told in time.
        """
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            entry = self._next(left)
            if entry is not None and {'event': event, **details}.items() <= entry.items():
                return entry
        raise AssertionError(f'no "{event}" {details} in {patience:g} s; told: {self.told}')

    def all_told(self) -> list[Entry]:
        """Return everything that has been told up to now."""
        while self._next(0) is not None:
            pass
        return self.told

    def _next(self, patience: float) -> Entry | None:
        readable, _, _ = select.select([self.journal], [], [], patience)
        if not readable:
            return None
        entry: Entry = json.loads(self.journal.recv(65536))
        self.told.append(entry)
        return entry

    def bring(self, source: pathlib.Path, target: str) -> None:
        """Let a program of this machine appear in the container."""
        self.extra.append((str(source), target, True))
        _make_target(source, self.outside(target))

    @contextlib.contextmanager
    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        output: pathlib.Path | None = None,
    ) -> Generator[subprocess.Popen[bytes]]:
        """Run a command as process 1 of the container; at the end all of its processes die."""
        order = {
            'root': str(self.root),
            'binds': [*_borrowed(), *self._volumes(), *self.extra],
            'environment': {'PATH': _PATH, **(environment or {})},
            'command': list(command),
        }
        with (
            tempfile.NamedTemporaryFile('w', suffix='.json') as file,
            (output or pathlib.Path(os.devnull)).open('ab') as log,
        ):
            json.dump(order, file)
            file.flush()
            words = [*_ENTER, sys.executable, '-I', str(HERE / 'enter.py'), file.name]
            process = subprocess.Popen(  # noqa: S603  # all of it is ours
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
            try:
                yield process
            finally:
                # unshare takes process 1 with it, and that takes all others.
                process.send_signal(signal.SIGKILL)
                process.wait()

    def _volumes(self) -> list[tuple[str, str, bool]]:
        return [(str(folder), mount, False) for mount, folder in self.volumes.items()]


def check() -> None:
    """Find out whether rooms can be made here.

    Raises:
        NotPermittedError: if not.
    """
    if not sys.platform.startswith('linux') or os.geteuid() != 0:
        raise NotPermittedError('needs root on Linux, to make namespaces and to change owners')
    for program in ('unshare', *PROGRAMS):
        if shutil.which(program, path=_PATH) is None:
            raise NotPermittedError(f'there is no {program} here')
    tried = subprocess.run([*_ENTER, 'true'], capture_output=True, text=True, check=False)  # noqa: S603  # constant words
    if tried.returncode:
        raise NotPermittedError(f'namespaces are not permitted: {tried.stderr.strip()}')


@contextlib.contextmanager
def room(*mounts: str) -> Generator[Room]:
    """Make a container's files, with an empty volume at each of ``mounts``."""
    # pytest's folders have long names, and the name of a socket may have 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix='room-') as name,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal,
    ):
        folder = pathlib.Path(name).resolve()
        root = folder / 'root'
        volumes = {mount: folder / f'volume-{number}' for number, mount in enumerate(mounts)}
        _furnish(root)
        for mount, volume in volumes.items():
            volume.mkdir()
            (root / mount.lstrip('/')).mkdir(parents=True, exist_ok=True)
        made = Room(root, volumes, journal)
        _listen(made)
        made.behave()
        yield made


def _listen(made: Room) -> None:
    place = made.outside(f'{_STANDIN}/journal')
    if len(os.fsencode(place)) > _LONGEST_SOCKET:
        raise NotPermittedError(f'{place} is too long for a socket; set TMPDIR')
    made.journal.bind(str(place))
    place.chmod(0o666)  # the programs are not root


def _furnish(root: pathlib.Path) -> None:
    """Make what the container does not borrow. The root may be entered by everybody."""
    root.mkdir(0o755)
    for name in (*_FOLDERS, _STANDIN.lstrip('/')):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / 'tmp').chmod(0o1777)
    (root / 'etc/passwd').write_text('root:x:0:0:root:/root:/bin/bash\nabc:x:911:911::/config:\n')
    (root / 'etc/group').write_text('root:x:0:\nabc:x:911:\n')
    (root / 'etc/hosts').write_text('127.0.0.1 localhost\n')  # the kubelet's work in a pod
    (root / 'etc/nsswitch.conf').write_text('passwd: files\ngroup: files\nhosts: files\n')
    for name in _DEVICES:
        (root / 'dev' / name).touch()
    device = root / RENDER_NODE.lstrip('/')
    device.touch()
    # In this order: chown would take bits of the mode away.
    os.chown(device, 0, RENDER_GROUP)
    device.chmod(0o660)
    _place_standins(root)
    for source in _lendable():
        place = root / str(source).lstrip('/')
        if source.is_symlink():
            place.symlink_to(source.readlink())
        elif source.exists():
            _make_target(source, place)


def _place_standins(root: pathlib.Path) -> None:
    program = (HERE / 'standin.py').read_text()
    for path in (PLEX, NODE):
        place = root / path.lstrip('/')
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f'#!{_python()} -I\n{program}')
        place.chmod(0o755)
    (root / 'app/dist/index.js').write_text('// node stands in for all of this\n')
    (root / 'app/package.json').write_text('{"name": "seerr", "version": "3.4.1"}\n')


def _python() -> pathlib.Path:
    """Return the interpreter behind the environment that tests run in."""
    return pathlib.Path(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info[:2]))


def _make_target(source: pathlib.Path, place: pathlib.Path) -> None:
    """Make something of the same kind to mount ``source`` on."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        place.mkdir(exist_ok=True)
    else:
        place.touch()


def _lendable() -> list[pathlib.Path]:
    """Return what the container shows of this machine.

    Of ``/usr`` and ``/usr/lib`` each entry is shown for itself, because the stand-ins are added
    there. ``/usr/local`` is the container's own.
    """
    paths = [pathlib.Path('/', name) for name in ('bin', 'sbin', 'lib', 'lib32', 'lib64')]
    paths += [each for each in pathlib.Path('/usr').iterdir() if each.name not in _OWN]
    paths += pathlib.Path('/usr/lib').iterdir()
    paths += [pathlib.Path('/etc/ld.so.cache')]
    prefix = pathlib.Path(sys.base_prefix)
    if prefix != pathlib.Path('/usr'):
        paths.append(prefix)
    return paths


def _borrowed() -> list[tuple[str, str, bool]]:
    """Return what to mount from this machine: source, target, whether read-only."""
    found = [str(each) for each in _lendable() if each.exists() and not each.is_symlink()]
    devices = [f'/dev/{name}' for name in _DEVICES]
    return [*((each, each, True) for each in found), *((each, each, False) for each in devices)]
