# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The files of a workload container, as Pebble's files API and a shell in it see them.

Contents and modes are real files below a folder of this machine. Owners are kept in a table, so
that no test needs to be root; the table outlives the container, as the inodes of a volume do.
"""

from __future__ import annotations

import datetime
import fnmatch
import pathlib
import posixpath
import shutil
from collections.abc import Collection, Iterable, Mapping

from ops import pebble

Owner = tuple[int, int]
"""User and group."""

MOUNTINFO = '/proc/self/mountinfo'


class Owners:
    """Who owns which file.

    A file that nobody was seen making belongs to whoever owns the folder it is in: programs of
    this suite write in folders of their own.
    """

    def __init__(self) -> None:
        self._table: dict[pathlib.Path, Owner] = {}

    def of(self, path: pathlib.Path) -> Owner:
        """Return the owner of a file of this machine, as a container would see it."""
        for each in (path, *path.parents):
            if each in self._table:
                return self._table[each]
        return 0, 0

    def give(self, path: pathlib.Path, owner: Owner) -> None:
        """Give one file or folder to somebody; what is in the folder keeps its owner."""
        if path.is_dir():
            for child in path.iterdir():
                self._table.setdefault(child, self.of(child))
        self._table[path] = owner

    def forget(self, path: pathlib.Path) -> None:
        """Forget a file that is gone, and all below it."""
        for each in [each for each in self._table if each == path or path in each.parents]:
            del self._table[each]


class ContainerFiles:
    """The file system of one container.

    Args:
        root: An empty folder; mounted volumes appear in it as links, for programs that look.
        mounts: Folders of this machine by the path they are mounted at.
        read_only: Mount points that cannot be written below.
        devices: Device files by path, with the group that may use them.
        owners: Table of owners, shared by all containers that mount the same folders.
    """

    def __init__(
        self,
        root: pathlib.Path,
        *,
        mounts: Mapping[str, pathlib.Path],
        read_only: Collection[str] = (),
        devices: Mapping[str, int] | None = None,
        owners: Owners | None = None,
    ) -> None:
        self.root = root
        self.owners = owners if owners is not None else Owners()
        self._mounts = {posixpath.normpath(path): folder for path, folder in mounts.items()}
        self._read_only = frozenset(posixpath.normpath(path) for path in read_only)
        self._devices = dict(devices or {})
        self._links: list[pathlib.Path] = []
        for path in sorted(self._mounts):
            self._link(path)
        self._provide(MOUNTINFO, self._mountinfo())
        for path, group in self._devices.items():
            self._provide(path, '')
            self.owners.give(self.host(path), (0, group))

    def _link(self, path: str) -> None:
        parent, name = posixpath.split(path)
        place = self.host(parent) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir() and not place.is_symlink():
            # Kubernetes mounts over an empty folder that an earlier pod has left in the volume.
            place.rmdir()
        place.symlink_to(self._mounts[path])
        self._links.append(place)

    def unmount(self) -> None:
        """Leave empty folders where volumes were mounted, as the end of a container does."""
        for place in reversed(self._links):
            place.unlink()
            place.mkdir()

    def _mountinfo(self) -> str:
        lines = ['1 0 0:1 / / rw,relatime - overlay overlay rw']
        for number, path in enumerate(sorted(self._mounts), start=2):
            mode = 'ro' if path in self._read_only else 'rw'
            escaped = path.replace('\\', '\\134').replace(' ', '\\040')
            lines.append(
                f'{number} 1 8:{number} / {escaped} {mode},relatime - ext4 /dev/sda{number} rw'
            )
        return '\n'.join(lines) + '\n'

    def _provide(self, path: str, content: str) -> None:
        place = self.host(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)

    def bring(self, files: Mapping[str, str]) -> None:
        """Put the files of an image in place, below what is mounted and owned by root."""
        for path, content in files.items():
            self._provide(path, content)

    def host(self, path: str) -> pathlib.Path:
        """Return where a path of the container lies on this machine.

        Raises:
            ops.pebble.PathError: if the path is not absolute.
        """
        if not path.startswith('/'):
            raise _failed(f'paths must be absolute, got "{path}"')
        normal = '/' + posixpath.normpath(path).lstrip('/')
        mount = self._mount(normal)
        if mount is None:
            return self.root / normal[1:]
        return self._mounts[mount] / normal[len(mount) :].lstrip('/')

    def _mount(self, normal: str) -> str | None:
        candidates = [m for m in self._mounts if normal == m or normal.startswith(f'{m}/')]
        return max(candidates, key=len, default=None)

    def owner(self, path: str) -> Owner:
        """Return user and group of a path in the container."""
        return self.owners.of(self.host(path))

    def writable(self, path: str) -> bool:
        """Tell whether the path is not below a read-only mount."""
        return self._mount('/' + posixpath.normpath(path).lstrip('/')) not in self._read_only

    def read(self, path: str) -> bytes:
        """Read a file.

        Raises:
            ops.pebble.PathError: if it cannot be read.
        """
        place = self.host(path)
        if place.is_dir():
            raise _failed(f'can only read a regular file: "{path}"')
        try:
            return place.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise _missing(f'stat {path}: no such file or directory') from None

    def write(
        self, path: str, content: bytes, *, mode: int | None, owner: Owner | None, parents: bool
    ) -> None:
        """Write a file as ``push`` does: all or nothing.

        Raises:
            ops.pebble.PathError: if it cannot be written.
        """
        self._check_writable('open', path)
        place = self.host(path)
        if not place.parent.is_dir():
            if not parents:
                raise _missing(f'open {path}.~: no such file or directory')
            self.make_folder(posixpath.dirname(path), mode=None, owner=owner, parents=True)
        if place.is_dir():
            raise _failed(f'rename {path}.~ {path}: file exists')
        self.owners.forget(place)
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        place.chmod(0o644 if mode is None else mode)
        self.owners.give(place, owner or (0, 0))

    def make_folder(
        self, path: str, *, mode: int | None, owner: Owner | None, parents: bool
    ) -> None:
        """Make a folder as ``make_dir`` does.

        Raises:
            ops.pebble.PathError: if it cannot be made.
        """
        self._check_writable('mkdir', path)
        place = self.host(path)
        if place.is_dir() and parents:
            return
        if place.exists():
            raise _failed(f'mkdir {path}: file exists')
        if not place.parent.exists():
            if not parents:
                raise _missing(f'mkdir {path}: no such file or directory')
            self.make_folder(posixpath.dirname(path), mode=mode, owner=owner, parents=True)
        if not place.parent.is_dir():
            raise _failed(f'mkdir {path}: not a directory')
        place.mkdir()
        place.chmod(0o755 if mode is None else mode)
        self.owners.give(place, owner or (0, 0))

    def remove(self, path: str, *, recursive: bool) -> None:
        """Remove a file or folder as ``remove_path`` does.

        Raises:
            ops.pebble.PathError: if it cannot be removed.
        """
        place = self.host(path)
        if not place.exists():
            if recursive:
                return
            raise _missing(f'remove {path}: no such file or directory')
        self._check_writable('remove', path)
        if path in self._mounts:
            raise _failed(f'remove {path}: device or resource busy')
        if not place.is_dir():
            place.unlink()
        elif recursive:
            shutil.rmtree(place)
        elif any(place.iterdir()):
            raise _failed(f'remove {path}: directory not empty')
        else:
            place.rmdir()
        self.owners.forget(place)

    def change_owner(self, path: str, owner: Owner, *, recursive: bool) -> None:
        """Give a file or folder away, with all below it when ``recursive``.

        Raises:
            ops.pebble.PathError: if it does not exist or cannot be changed.
        """
        place = self.host(path)
        if not place.exists():
            raise _missing(f'{path}: no such file or directory')
        self._check_writable('chown', path)
        for each in list(self.walk(path)) if recursive else [path]:
            self.owners.give(self.host(each), owner)

    def walk(self, path: str) -> Iterable[str]:
        """Yield a path and every path below it, folders before what is in them."""
        yield path
        if self.host(path).is_dir():
            for name in sorted(self._names(path)):
                yield from self.walk(posixpath.join(path, name))

    def _names(self, path: str) -> list[str]:
        return [child.name for child in self.host(path).iterdir()]

    def listing(self, path: str, *, pattern: str | None, itself: bool) -> list[pebble.FileInfo]:
        """Describe a path, or what is in the folder, as ``list_files`` does.

        Raises:
            ops.pebble.APIError: if it does not exist.
        """
        place = self.host(path)
        if not place.exists():
            message = f'stat {path}: no such file or directory'
            raise pebble.APIError({}, 404, 'Not Found', message)
        if itself or not place.is_dir():
            found = [posixpath.normpath(path)]
        else:
            found = [posixpath.join(path, name) for name in sorted(self._names(path))]
        if pattern is not None:
            found = [each for each in found if fnmatch.fnmatch(posixpath.basename(each), pattern)]
        return [self.describe(each) for each in found]

    def describe(self, path: str) -> pebble.FileInfo:
        """Describe one path that exists."""
        stat = self.host(path).stat()
        kind = self._kind(path)
        user, group = self.owner(path)
        return pebble.FileInfo(
            path=path,
            name=posixpath.basename(path) or '/',
            type=kind,
            size=stat.st_size if kind is pebble.FileType.FILE else None,
            permissions=stat.st_mode & 0o777,
            last_modified=datetime.datetime.fromtimestamp(stat.st_mtime, datetime.UTC),
            user_id=user,
            user=self._name('/etc/passwd', user),
            group_id=group,
            group=self._name('/etc/group', group),
        )

    def _kind(self, path: str) -> pebble.FileType:
        if path in self._devices:
            return pebble.FileType.DEVICE
        place = self.host(path)
        if place.is_symlink() and path not in self._mounts:
            return pebble.FileType.SYMLINK
        return pebble.FileType.DIRECTORY if place.is_dir() else pebble.FileType.FILE

    def _name(self, table: str, number: int) -> str | None:
        return next((name for name, each in self._accounts(table) if each == number), None)

    def _accounts(self, table: str) -> list[tuple[str, int]]:
        place = self.host(table)
        lines = place.read_text().splitlines() if place.is_file() else []
        fields = [line.split(':') for line in lines if line.count(':') > 1]
        return [('root', 0), *((each[0], int(each[2])) for each in fields)]

    def owner_of_names(
        self, user_id: int | None, user: str | None, group_id: int | None, group: str | None
    ) -> Owner | None:
        """Return the owner that a request names by number or name; None when it names none.

        Raises:
            ops.pebble.PathError: if a name is unknown in the container.
        """
        uid = user_id if user is None else self._number('/etc/passwd', 'user', user)
        gid = group_id if group is None else self._number('/etc/group', 'group', group)
        if uid is None and gid is None:
            return None
        if uid is None or gid is None:
            raise _failed('must specify both user and group, or neither')
        return uid, gid

    def _number(self, table: str, kind: str, wanted: str) -> int:
        for name, number in self._accounts(table):
            if name == wanted:
                return number
        raise _failed(f'{kind}: unknown {kind} {wanted}')

    def _check_writable(self, verb: str, path: str) -> None:
        if not self.writable(path):
            raise _failed(f'{verb} {path}: read-only file system')


def _failed(message: str) -> pebble.PathError:
    return pebble.PathError('generic-file-error', message)


def _missing(message: str) -> pebble.PathError:
    return pebble.PathError('not-found', message)
