# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What becomes of the command that starts Plex: a process with a user, groups and a folder."""

from __future__ import annotations

import dataclasses
import pathlib
import shlex
import string
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree import ElementTree

from .workload import CannotStart, Launch

BINARY: Final = '/usr/lib/plexmediaserver/Plex Media Server'
PID_FILE: Final = 'plexmediaserver.pid'


@dataclasses.dataclass(frozen=True)
class Process:
    """How the binary runs in the end, after its wrapper.

    Attributes:
        user_id: User it runs as.
        group_id: Its group.
        groups: Its supplementary groups.
        folder: Folder of this machine with its database and preferences.
        support: The same, one above, as a path of the container.
        owned: Folders of the container that the wrapper made, with the user it gave them to.
        removed: Files of the container that the wrapper removed.
    """

    user_id: int
    group_id: int
    groups: tuple[int, ...]
    folder: pathlib.Path
    support: str
    owned: Mapping[str, int]
    removed: frozenset[str]

    @classmethod
    def of(cls, launch: Launch) -> Process:
        """Work out what a service's command comes to.

        Raises:
            CannotStart: if it does not run the binary.
        """
        words = shlex.split(launch.command)
        commands = [words]
        if words[:2] == ['/bin/bash', '-c']:
            commands = _commands(words[2], launch.environment)
        made = [_installed(each) for each in commands if each[:2] == ['install', '-d']]
        removed = {each[-1] for each in commands if each[:2] == ['rm', '-f']}
        user, group, groups = _identity_of(commands[-1], launch)
        support = launch.environment.get('PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR', '')
        return cls(
            user_id=user,
            group_id=group,
            groups=groups,
            folder=launch.root / support.lstrip('/') / 'Plex Media Server',
            support=support,
            owned={path: owner for each in made for path, owner in each.items()},
            removed=frozenset(removed),
        )


def _commands(script: str, environment: Mapping[str, str]) -> list[list[str]]:
    """Split a shell script as far as a wrapper goes: commands, quotes, variables."""
    lexer = shlex.shlex(
        string.Template(script).safe_substitute(environment), posix=True, punctuation_chars=';'
    )
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if word == ';':
            commands.append([])
        else:
            commands[-1].append(word)
    return [each for each in commands if each]


def _installed(command: Sequence[str]) -> dict[str, int]:
    """Return the folders that ``install -d -o USER -g GROUP FOLDER...`` makes."""
    if len(command) < 7 or command[2] != '-o' or command[4] != '-g':
        raise AssertionError(f'{command}: the double does not know this form of install')
    return {path: int(command[3]) for path in command[6:]}


def _identity_of(command: Sequence[str], launch: Launch) -> tuple[int, int, tuple[int, ...]]:
    words = list(command[1:] if command[0] == 'exec' else command)
    if words[-1] != BINARY:
        raise CannotStart(f'{words[-1]}: no such file or directory')
    if len(words) == 1:
        # Pebble drops all supplementary groups of a service with user-id.
        return launch.user_id or 0, launch.group_id or 0, ()
    options = {word[2:].partition('=')[0]: word.partition('=')[2] for word in words[1:-1]}
    if words[0] != 'setpriv' or set(options) != {'reuid', 'regid', 'groups'}:
        raise AssertionError(f'{words}: the double does not know this wrapper')
    groups = tuple(int(each) for each in options['groups'].split(','))
    return int(options['reuid']), int(options['regid']), groups


def check_startable(launch: Launch, process: Process) -> None:
    """Do what the binary does in its first second.

    Raises:
        CannotStart: if it would exit then.
    """
    temporary = launch.environment.get('TMPDIR', '/tmp')  # noqa: S108  # the default of libc
    if temporary not in process.owned and not (launch.root / temporary.lstrip('/')).is_dir():
        raise CannotStart(f'{temporary}: no such folder')
    preferences = f'{process.support}/Plex Media Server/Preferences.xml'
    owner = process.owned.get(process.support, launch.owner(process.support)[0])
    if (process.folder / 'Preferences.xml').exists() and owner == process.user_id:
        owner = launch.owner(preferences)[0]
    if process.user_id not in (0, owner):
        raise CannotStart(f'Error: cannot write {process.support}: Permission denied')
    pid_file = f'{process.support}/Plex Media Server/{PID_FILE}'
    if (process.folder / PID_FILE).exists() and pid_file not in process.removed:
        raise CannotStart('Plex Media Server is already running')


def read_preferences(process: Process) -> dict[str, str]:
    """Read the preferences as the binary does when it starts; there are none at first.

    Raises:
        CannotStart: if they cannot be read.
    """
    file = process.folder / 'Preferences.xml'
    if not file.exists():
        return {}
    try:
        return dict(ElementTree.fromstring(file.read_text('utf-8')).attrib)  # noqa: S314  # a test's
    except ElementTree.ParseError:
        raise CannotStart('Error: cannot parse Preferences.xml') from None
