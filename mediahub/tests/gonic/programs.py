# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Where gonic comes from.

The variable ``GONIC`` names a program. Where it is not set and Go is there, gonic is built by
``go install`` into the user's cache, once.
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

VARIABLE: Final = 'GONIC'
"""Environment variable that names the program to test against."""

VERSION: Final = 'v0.20.0'
"""What is built; since v0.19.0 gonic needs neither a C compiler nor libraries."""

_MODULE: Final = 'go.senan.xyz/gonic'
_ASKING: Final = 30.0  # seconds, to learn whether Go can get the module at all
_BUILDING: Final = 900.0  # seconds
_LONGEST_REASON: Final = 300  # characters


class MissingError(Exception):
    """gonic cannot be had; the text is one line and says why."""


class WrongError(Exception):
    """``GONIC`` names no program that can be run; the text is one line and says so."""


def find(variables: Mapping[str, str]) -> pathlib.Path:
    """Return the program, which is built where that has not been done yet.

    Raises:
        MissingError: if there is no Go, or if it cannot get or build gonic.
        WrongError: if ``GONIC`` names no program.
    """
    named = variables.get(VARIABLE)
    if named:
        return _named(named)
    home = variables.get('XDG_CACHE_HOME') or pathlib.Path(variables.get('HOME', '/'), '.cache')
    program = pathlib.Path(home, 'charmarr', 'gonic', VERSION, 'gonic')
    if not program.is_file():
        _build(program, variables)
    return program


def _named(name: str) -> pathlib.Path:
    found = shutil.which(name)
    if found is None:
        raise WrongError(f'{VARIABLE} is {name}, which is no program')
    return pathlib.Path(found).absolute()


def _build(program: pathlib.Path, variables: Mapping[str, str]) -> None:
    go = shutil.which('go', path=variables.get('PATH'))
    if go is None:
        raise MissingError(f'{VARIABLE} is not set, and there is no Go to build gonic with')
    _run([go, 'list', '-m', f'{_MODULE}@{VERSION}'], variables, _ASKING)
    program.parent.mkdir(parents=True, exist_ok=True)
    # Two runs at once may build it twice; neither ever sees half of the other's program.
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        settings = {'GOBIN': folder, 'CGO_ENABLED': '0'}
        command = [go, 'install', f'{_MODULE}/cmd/gonic@{VERSION}']
        _run(command, {**variables, **settings}, _BUILDING)
        os.replace(pathlib.Path(folder, 'gonic'), program)


def _run(command: list[str], variables: Mapping[str, str], limit: float) -> None:
    said = ' '.join(command[1:])
    try:
        # In a folder without go.mod, so that no other module has a say in the versions.
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(  # noqa: S603 - the Go of this machine
                command,
                cwd=folder,
                env=dict(variables),
                capture_output=True,
                text=True,
                timeout=limit,
                check=True,
            )
    except subprocess.CalledProcessError as error:
        raise MissingError(f'go {said}: {_reason(error.stderr)}') from error
    except subprocess.TimeoutExpired as error:
        raise MissingError(f'go {said}: not done after {limit:.0f} s') from error
    except OSError as error:
        raise MissingError(f'go {said}: {error}') from error


def _reason(output: str) -> str:
    """The last thing that Go said, in one line."""
    paragraphs = re.split(r'\n(?=\S)', output.strip())
    return ' '.join(paragraphs[-1].split())[-_LONGEST_REASON:] or 'it says nothing'
