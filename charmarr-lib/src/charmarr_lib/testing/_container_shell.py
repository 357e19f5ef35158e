# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The few core utilities that charms run in a workload container.

They work on the modelled files. A command that is not here is the image's own affair; an option
that is not here is an error of the test, because guessing at its meaning would prove nothing.
"""

from __future__ import annotations

import pathlib
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from ops import pebble

from ._container_files import ContainerFiles, Owner
from .workload import Ran


class UnexpectedCommand(AssertionError):
    """A charm runs a utility in a way that the model does not know."""


class Shell:
    """Runs commands on a container's files."""

    def __init__(self, files: ContainerFiles) -> None:
        self._files = files
        self._utilities: Mapping[str, Callable[[list[str], int], Ran]] = {
            'true': lambda arguments, user: Ran(),
            'false': lambda arguments, user: Ran(1),
            'cat': self._cat,
            'chown': self._chown,
            'chmod': self._chmod,
            'stat': self._stat,
            'mkdir': self._mkdir,
            'install': self._install,
            'rm': self._rm,
            'test': self._test,
            'find': self._find,
        }

    def run(self, command: Sequence[str], user: int = 0) -> Ran | None:
        """Run a command as a user; None when it is not one of the utilities."""
        utility = self._utilities.get(posixpath.basename(command[0]))
        if utility is None:
            return None
        try:
            return utility(list(command[1:]), user)
        except pebble.PathError as error:
            return Ran(1, stderr=f'{command[0]}: {error.message}\n')

    def _cat(self, arguments: list[str], user: int) -> Ran:
        _, paths = _flags('cat', arguments, '')
        return Ran(stdout=''.join(self._files.read(path).decode() for path in paths))

    def _chown(self, arguments: list[str], user: int) -> Ran:
        flags, (spec, *paths) = _flags('chown', arguments, 'Rh')
        if user != 0:
            return Ran(1, stderr=f'chown: changing ownership of {paths[0]}: not permitted\n')
        for path in paths:
            owner = _owner(spec, self._files.owner(path))
            self._files.change_owner(path, owner, recursive='R' in flags)
        return Ran()

    def _chmod(self, arguments: list[str], user: int) -> Ran:
        flags, (mode, *paths) = _flags('chmod', arguments, 'R')
        for top in paths:
            for path in self._files.walk(top) if 'R' in flags else (top,):
                self._change_mode(path, int(mode, 8))
        return Ran()

    def _change_mode(self, path: str, mode: int) -> None:
        place = self._files.host(path)
        if not place.exists():
            raise pebble.PathError('not-found', f"cannot access '{path}': No such file")
        place.chmod(mode)

    def _stat(self, arguments: list[str], user: int) -> Ran:
        if len(arguments) < 3 or arguments[0] not in ('-c', '--format'):
            raise UnexpectedCommand(f'stat {arguments}: only "stat -c FORMAT PATH..." is modelled')
        form, *paths = arguments[1:]
        return Ran(stdout=''.join(self._describe(form, path) + '\n' for path in paths))

    def _describe(self, form: str, path: str) -> str:
        if not self._files.host(path).exists():
            raise pebble.PathError('not-found', f"cannot statx '{path}': No such file")
        info = self._files.describe(path)
        values = {
            'u': str(info.user_id),
            'g': str(info.group_id),
            'U': info.user or 'UNKNOWN',
            'G': info.group or 'UNKNOWN',
            'a': f'{info.permissions:o}',
            'n': path,
            's': str(info.size or 0),
        }
        return _fill(form, values)

    def _mkdir(self, arguments: list[str], user: int) -> Ran:
        values, rest = _valued('mkdir', arguments, 'm')
        flags, paths = _flags('mkdir', rest, 'p')
        self._make(paths, values.get('m'), None, parents='p' in flags)
        return Ran()

    def _install(self, arguments: list[str], user: int) -> Ran:
        values, rest = _valued('install', arguments, 'mog')
        flags, paths = _flags('install', rest, 'd')
        if 'd' not in flags:
            raise UnexpectedCommand(f'install {arguments}: only "install -d" is modelled')
        owner = (int(values.get('o', user)), int(values.get('g', user)))
        self._make(paths, values.get('m'), owner, parents=True)
        for path in paths:
            self._files.change_owner(path, owner, recursive=False)
        return Ran()

    def _make(
        self, paths: Iterable[str], mode: str | None, owner: Owner | None, *, parents: bool
    ) -> None:
        number = int(mode, 8) if mode else None
        for path in paths:
            self._files.make_folder(path, mode=None, owner=owner, parents=parents)
            if number is not None:
                self._files.host(path).chmod(number)

    def _rm(self, arguments: list[str], user: int) -> Ran:
        flags, paths = _flags('rm', arguments, 'rRf')
        for path in paths:
            if 'f' not in flags or self._files.host(path).exists():
                self._files.remove(path, recursive=bool(flags & {'r', 'R'}))
        return Ran()

    def _test(self, arguments: list[str], user: int) -> Ran:
        if len(arguments) != 2 or arguments[0] not in _TESTS:
            raise UnexpectedCommand(f'test {arguments}: only -e, -f and -d are modelled')
        place = self._files.host(arguments[1])
        return Ran(0 if _TESTS[arguments[0]](place) else 1)

    def _find(self, arguments: list[str], user: int) -> Ran:
        top, *rest = arguments
        paths = list(self._files.walk(top))
        if rest[:2] == ['-mindepth', '1']:
            paths, rest = paths[1:], rest[2:]
        if not rest:
            return Ran(stdout=''.join(f'{path}\n' for path in paths))
        if rest[0] != '-exec' or rest[-2:] != ['{}', '+']:
            raise UnexpectedCommand(f'find {arguments}: only "-exec COMMAND {{}} +" is modelled')
        if not paths:
            return Ran()
        ran = self.run([*rest[1:-2], *paths], user)
        if ran is None:
            raise UnexpectedCommand(f'find -exec {rest[1]}: the model has no such utility')
        return ran


_TESTS: Final[Mapping[str, Callable[[pathlib.Path], bool]]] = {
    '-e': pathlib.Path.exists,
    '-f': pathlib.Path.is_file,
    '-d': pathlib.Path.is_dir,
}


def _flags(name: str, arguments: Sequence[str], known: str) -> tuple[set[str], list[str]]:
    """Split off leading flags of one letter; ``--`` ends them."""
    flags: set[str] = set()
    rest = list(arguments)
    while rest and rest[0].startswith('-') and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == '--':
            break
        if not set(word[1:]) <= set(known):
            raise UnexpectedCommand(f'{name} {word}: the model does not know this option')
        flags |= set(word[1:])
    return flags, rest


def _valued(name: str, arguments: Sequence[str], known: str) -> tuple[dict[str, str], list[str]]:
    """Take out options of one letter that have a value of their own."""
    values: dict[str, str] = {}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if len(word) == 2 and word[0] == '-' and word[1] in known:
            values[word[1]] = next(words)
        else:
            rest.append(word)
    return values, rest


def _owner(spec: str, present: Owner) -> Owner:
    user, _, group = spec.partition(':')
    return int(user) if user else present[0], int(group) if group else present[1]


def _fill(form: str, values: Mapping[str, str]) -> str:
    parts = form.split('%')
    text = parts[0]
    for part in parts[1:]:
        if not part or part[0] not in values:
            raise UnexpectedCommand(f'stat -c {form}: the model does not know %{part[:1]}')
        text += values[part[0]] + part[1:]
    return text
