# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Find out whether a volume can be used as a media library, and lay out its folders.

A program of its own: a Job runs it with the Python of the charm's image, so it needs nothing but
the standard library, and nothing else of the charm is there.

``prepare`` runs as root and creates the folders that are missing, as the owner if the volume lets
it, else as root with the owner set afterwards. It touches nothing that exists, and never fails.

``check`` runs as the owner and does what the applications are going to do. It ends with one JSON
object, on the last line and in the termination message, and with one of these exit codes:

- 0: everything worked.
- 3: the volume refuses something; asking again will not help.
- 1: it cannot be told, for instance because the server does not answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import pathlib
import stat
import sys
import typing
from collections.abc import Callable, Generator, Iterator

if typing.TYPE_CHECKING:
    import argparse

PASSED = 0
UNKNOWN = 1
DENIED = 3

# https://trash-guides.info/File-and-Folder-Structure/
LAYOUT = (
    'media',
    'media/movies',
    'media/tv',
    'media/music',
    'torrents',
    'torrents/movies',
    'torrents/tv',
    'torrents/music',
    'usenet',
    'usenet/incomplete',
    'usenet/complete',
    'usenet/complete/movies',
    'usenet/complete/tv',
    'usenet/complete/music',
)
LIBRARY = 'media'
DOWNLOADS = ('torrents', 'usenet')
FOLDER_MODE = 0o775  # group members add files too

_LONGEST_ERROR = 300  # characters; Kubernetes keeps 4096 bytes for all of them
_PAYLOAD = 64 * 1024  # bytes; more than one page of any file system

# What says more about the way to the volume than about the volume.
_PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EIO,
        errno.ENETUNREACH,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


class Denied(Exception):
    """The volume refuses what an application needs; the text says what, in one line."""


@dataclasses.dataclass(frozen=True)
class Link:
    """A file in one folder, and what it is going to be called in the other."""

    written: pathlib.Path
    linked: pathlib.Path
    renamed: pathlib.Path

    @classmethod
    def between(cls, source: pathlib.Path, target: pathlib.Path) -> Link:
        """Return the link that is tried from one folder to another."""
        name = source.parent.name
        return cls(source / 'written', target / f'linked-{name}', target / f'renamed-{name}')


@dataclasses.dataclass
class Check:
    """One run of the check.

    Attributes:
        root: Where the volume is mounted.
        scratch: Name of the folders for the files it makes.
        with_layout: Whether the folders of the layout have to be there.
    """

    root: pathlib.Path
    scratch: str
    with_layout: bool
    payload: bytes = dataclasses.field(default_factory=lambda: os.urandom(_PAYLOAD))
    free: int | None = None
    total: int | None = None

    def steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield what is to be tried, by name and in order."""
        if self.with_layout:
            yield 'layout', self.lay_out
        yield 'write', self.write
        yield 'link', self.link
        yield 'rename', self.rename
        yield 'read', self.read
        yield 'delete', self.delete
        yield 'space', self.measure

    def links(self) -> list[Link]:
        """Return what is to be linked.

        Between the real folders where they are there: a server may hold each of them on a file
        system of its own, and then nothing can be linked although both can be written.
        """
        library = self.root / LIBRARY
        downloads = [self.root / name for name in DOWNLOADS if (self.root / name).is_dir()]
        if not library.is_dir() or not downloads:
            source, target = (self.root / f'{self.scratch}-{end}' for end in ('from', 'to'))
            return [Link.between(source, target)]
        return [Link.between(each / self.scratch, library / self.scratch) for each in downloads]

    def folders(self) -> list[pathlib.Path]:
        """Return the folders for the files."""
        return sorted(
            {path.parent for link in self.links() for path in (link.written, link.linked)}
        )

    def lay_out(self) -> None:
        """Create the folders that ``prepare`` could not."""
        for name in LAYOUT:
            with self.explained(self.root / name):
                make_folder(self.root / name)

    def write(self) -> None:
        """Write a file in each folder that files are linked from."""
        self.clean()
        for folder in self.folders():
            with self.explained(folder):
                folder.mkdir()
        for link in self.links():
            with self.explained(link.written), open(link.written, 'xb') as file:
                file.write(self.payload)
                file.flush()
                os.fsync(file.fileno())

    def link(self) -> None:
        """Make each of them appear in the other folder without a copy."""
        for link in self.links():
            with self.explained(link.written.parent, link.linked.parent):
                os.link(link.written, link.linked)
            if not os.path.samefile(link.written, link.linked):
                raise Denied(f'{self.name(link.linked)}: the hard link is a copy')

    def rename(self) -> None:
        """Give the link another name, as an application does with a finished file."""
        for link in self.links():
            with self.explained(link.linked):
                os.rename(link.linked, link.renamed)

    def read(self) -> None:
        """Read through the link what was written."""
        for link in self.links():
            with self.explained(link.renamed):
                found = link.renamed.read_bytes()
            if found != self.payload:
                raise Denied(f'{self.name(link.renamed)}: reads back differently')

    def delete(self) -> None:
        """Remove everything again."""
        for link in self.links():
            for path in (link.written, link.renamed):
                with self.explained(path):
                    path.unlink()
        for folder in self.folders():
            with self.explained(folder):
                folder.rmdir()

    def measure(self) -> None:
        """Measure what ordinary users may still fill, and the whole."""
        with self.explained(self.root):
            found = os.statvfs(self.root)
        self.free = found.f_bavail * found.f_frsize
        self.total = found.f_blocks * found.f_frsize

    def clean(self) -> None:
        """Remove what this run, or a killed one of the same name, left; and nothing else."""
        for link in self.links():
            for path in (link.written, link.linked, link.renamed):
                with contextlib.suppress(OSError):
                    path.unlink()
        for folder in self.folders():
            with contextlib.suppress(OSError):
                folder.rmdir()

    def name(self, path: pathlib.Path) -> str:
        """Return a path as seen from the volume."""
        return '/' if path == self.root else str(path.relative_to(self.root))

    @contextlib.contextmanager
    def explained(self, *paths: pathlib.Path) -> Generator[None]:
        """Turn a refusal into one line that names the folder, its owner and its mode."""
        try:
            yield
        except OSError as error:
            if error.errno in _PASSING:
                raise
            reason = error.strerror or str(error)
            if error.errno in (errno.EACCES, errno.EPERM):
                raise Denied(f'{self._owner(paths[-1])}: {reason}') from None
            raise Denied(f'{" to ".join(map(self.name, paths))}: {reason}') from None

    def _owner(self, path: pathlib.Path) -> str:
        """Say to whom the nearest folder belongs that was there before."""
        folder = path
        while folder != self.root and (folder in self.folders() or not folder.is_dir()):
            folder = folder.parent
        found = folder.stat()
        owner = f'{found.st_uid}:{found.st_gid}, mode {stat.S_IMODE(found.st_mode):o}'
        return f'{self.name(folder)} (owner {owner}) for {os.geteuid()}:{os.getegid()}'


def make_folder(path: pathlib.Path) -> None:
    """Create one folder unless it is there, whatever the umask.

    Raises:
        OSError: if it cannot be created, or something else has its name.
    """
    if path.is_dir():
        return
    path.mkdir()
    path.chmod(FOLDER_MODE)


def run(check: Check) -> tuple[int, dict[str, object]]:
    """Try one step after the other until one fails.

    Returns:
        The exit code, and what to report.
    """
    reports: list[dict[str, str]] = []
    code = PASSED
    try:
        for name, action in check.steps():
            error = _attempt(action) if code == PASSED else None
            reports.append(_report(name, error, tried=code == PASSED))
            code = error[0] if error else code
    finally:
        check.clean()
    return code, {'steps': reports, 'free': check.free, 'total': check.total}


def as_text(answer: dict[str, object]) -> str:
    """Return an answer as the charm reads it."""
    return json.dumps(answer, separators=(',', ':'))


def prepare(root: pathlib.Path, uid: int, gid: int) -> Iterator[str]:
    """Create the missing folders for an owner; yield what could not be done."""
    for name in LAYOUT:
        path = root / name
        try:
            if not path.is_dir():
                _make_for(path, uid, gid)
        except OSError as error:
            yield f'{name}: {error.strerror or error}'


def main(arguments: list[str] | None = None) -> int:
    """Run the program, and return its exit code."""
    options = _parser().parse_args(arguments)
    root = pathlib.Path(options.root)
    if options.command == 'prepare':
        uid, gid = (int(each) for each in options.owner.split(':'))
        for line in prepare(root, uid, gid):
            print(line)
        return PASSED
    code, answer = run(Check(root, options.scratch, options.layout))
    text = as_text(answer)
    if options.answer:
        with contextlib.suppress(OSError):
            pathlib.Path(options.answer).write_text(text, 'utf-8')
    print(text)
    return code


def _attempt(action: Callable[[], None]) -> tuple[int, str] | None:
    try:
        action()
    except Denied as denied:
        return DENIED, str(denied)
    except OSError as error:
        return UNKNOWN, f'{error.filename or "volume"}: {error.strerror or error}'
    return None


def _report(name: str, error: tuple[int, str] | None, *, tried: bool) -> dict[str, str]:
    if not tried:
        return {'step': name, 'state': 'not tried'}
    if error is None:
        return {'step': name, 'state': 'passed'}
    return {'step': name, 'state': 'failed', 'error': error[1][:_LONGEST_ERROR]}


def _make_for(path: pathlib.Path, uid: int, gid: int) -> None:
    """Create a folder as its owner, or else as root.

    As the owner first: an NFS server commonly takes root for nobody, and then only the owner may.
    """
    with contextlib.suppress(PermissionError), _as_user(uid, gid):
        make_folder(path)
        return
    make_folder(path)
    os.chown(path, uid, gid, follow_symlinks=False)


@contextlib.contextmanager
def _as_user(uid: int, gid: int) -> Generator[None]:
    """Act as somebody else; only root can."""
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _parser() -> argparse.ArgumentParser:
    import argparse  # not with the charm, which imports this module for its constants

    parser = argparse.ArgumentParser(prog='storage_check')
    parser.add_argument('command', choices=['prepare', 'check'])
    parser.add_argument('--root', required=True, help='where the volume is mounted')
    parser.add_argument('--owner', default='0:0', help='uid:gid of new folders')
    parser.add_argument('--scratch', default='.charmarr-check', help='name of temporary folders')
    parser.add_argument('--layout', action='store_true', help='the layout has to be there')
    parser.add_argument('--answer', help='file that gets the answer')
    return parser


if __name__ == '__main__':
    sys.exit(main())
