# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Where Pebble comes from.

The variable ``PEBBLE`` names a program. Where it is not set and Go is there, Pebble is built by
``go install`` into the user's cache, once for each version.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Final

VARIABLE: Final = 'PEBBLE'
"""Environment variable that names the program to test against, in place of all versions."""

SHIPPED: Final = 'v1.26.0'
"""The version in Juju 3.6 and 4.0."""

NEWEST: Final = 'newest'
"""Stands for the newest release that Go can get."""

_MODULE: Final = 'github.com/canonical/pebble'
_RELEASE: Final = re.compile(r'v\d+\.\d+\.\d+')
_BUILD_TIMEOUT: Final = 900.0  # seconds; two minutes on two cores, without what Go has cached
_LONGEST_REASON: Final = 400  # characters


class MissingError(Exception):
    """This Pebble cannot be had; the text is one line and says why."""


class WrongError(Exception):
    """``PEBBLE`` names no program that can be run; the text is one line and says so."""


def choices(variables: Mapping[str, str]) -> list[str]:
    """Return which versions to test: the one that is named, or those that matter."""
    return [VARIABLE] if variables.get(VARIABLE) else [SHIPPED, NEWEST]


def find(choice: str, variables: Mapping[str, str]) -> pathlib.Path:
    """Return the program for one of the choices, which is built where that has not been done yet.

    Raises:
        MissingError: if there is no Go, or if it cannot get or build Pebble.
        WrongError: if ``PEBBLE`` names no program.
    """
    if choice == VARIABLE:
        return _named(variables[VARIABLE])
    go = shutil.which('go', path=variables.get('PATH'))
    if go is None:
        raise MissingError(f'{VARIABLE} is not set, and there is no Go to build Pebble with')
    version = _newest(go, variables) if choice == NEWEST else choice
    program = _cache(variables) / version / 'pebble'
    if not program.is_file():
        _build(go, version, program, variables)
    return program


def _named(name: str) -> pathlib.Path:
    found = shutil.which(name)
    if found is None:
        raise WrongError(f'{VARIABLE} is {name}, which is no program')
    return pathlib.Path(found).absolute()


def _cache(variables: Mapping[str, str]) -> pathlib.Path:
    home = variables.get('XDG_CACHE_HOME') or pathlib.Path(variables.get('HOME', '/'), '.cache')
    return pathlib.Path(home, 'charmarr', 'pebble')


def _newest(go: str, variables: Mapping[str, str]) -> str:
    listed = _run([go, 'list', '-m', '-versions', _MODULE], variables)
    releases = [each for each in listed.split() if _RELEASE.fullmatch(each)]
    if not releases:
        raise MissingError(f'Go knows no release of {_MODULE}')
    return max(releases, key=_numbers)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in release.removeprefix('v').split('.'))


def _build(go: str, version: str, program: pathlib.Path, variables: Mapping[str, str]) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    # Two runs at once may build it twice; neither ever sees half of the other's program.
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        # Without cgo it needs no library of the root that it is put into.
        settings = {'GOBIN': folder, 'CGO_ENABLED': '0'}
        _run([go, 'install', f'{_MODULE}/cmd/pebble@{version}'], {**variables, **settings})
        os.replace(pathlib.Path(folder, 'pebble'), program)


def _run(command: list[str], variables: Mapping[str, str]) -> str:
    try:
        # In a folder without go.mod, so that no other module has a say in the versions.
        with tempfile.TemporaryDirectory() as folder:
            ran = subprocess.run(  # noqa: S603  # the Go of this machine
                command,
                cwd=folder,
                env=dict(variables),
                capture_output=True,
                text=True,
                timeout=_BUILD_TIMEOUT,
                check=True,
            )
    except subprocess.CalledProcessError as error:
        raise MissingError(f'{" ".join(command[1:])}: {_reason(error.stderr)}') from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f'{" ".join(command[1:])}: {error}') from error
    return ran.stdout


def _reason(output: str) -> str:
    """Return the last thing that Go said, in one line."""
    paragraphs = re.split(r'\n(?=\S)', output.strip())
    return ' '.join(paragraphs[-1].split())[-_LONGEST_REASON:] or 'it says nothing'
