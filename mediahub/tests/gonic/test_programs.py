# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How gonic is found, tried with stand-ins for Go."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

from . import programs

GO = """#!/bin/sh
echo "$@" >> {calls}
case "$1" in install) echo '#!/bin/sh' > "$GOBIN/gonic"; chmod +x "$GOBIN/gonic";; esac
"""

BROKEN_GO = """#!/bin/sh
echo "$@" >> {calls}
printf 'go: downloading this\\ngo: that: reading a proxy: 403 Forbidden\\n\\tit said: no\\n' >&2
exit 1
"""

SLOW_GO = """#!/bin/sh
echo "$@" >> {calls}
exec sleep 60
"""

Machine = Callable[[str], dict[str, str]]


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
    """The variables of a machine with that Go, or without one."""

    def make(go: str) -> dict[str, str]:
        folder = tmp_path / 'bin'
        folder.mkdir()
        if go:
            (folder / 'go').write_text(go.format(calls=tmp_path / 'calls'))
            (folder / 'go').chmod(0o755)
        return {'PATH': f'{folder}:/usr/bin:/bin', 'HOME': str(tmp_path / 'home')}

    return make


@pytest.fixture
def calls(tmp_path: pathlib.Path) -> Callable[[], list[str]]:
    return lambda: (tmp_path / 'calls').read_text().splitlines()


def test_one_that_is_named_is_taken(tmp_path: pathlib.Path):
    program = tmp_path / 'gonic'
    program.write_text('')
    program.chmod(0o755)
    assert programs.find({'GONIC': str(program)}) == program


def test_a_wrong_name_is_an_error_and_no_reason_to_skip(tmp_path: pathlib.Path):
    with pytest.raises(programs.WrongError, match='nothing, which is no program'):
        programs.find({'GONIC': str(tmp_path / 'nothing')})


def test_is_built_once(machine: Machine, calls: Callable[[], list[str]], tmp_path: pathlib.Path):
    variables = machine(GO)
    found = programs.find(variables)
    assert programs.find(variables) == found
    assert found == tmp_path / f'home/.cache/charmarr/gonic/{programs.VERSION}/gonic'
    assert calls() == [
        f'list -m go.senan.xyz/gonic@{programs.VERSION}',
        f'install go.senan.xyz/gonic/cmd/gonic@{programs.VERSION}',
    ]
    assert [each.name for each in found.parent.iterdir()] == ['gonic']


def test_without_go_the_reason_says_what_would_help(machine: Machine):
    with pytest.raises(programs.MissingError, match='GONIC is not set, and there is no Go'):
        programs.find(machine('') | {'PATH': '/nowhere'})


def test_what_go_says_becomes_one_line(machine: Machine, calls: Callable[[], list[str]]):
    with pytest.raises(programs.MissingError) as raised:
        programs.find(machine(BROKEN_GO))
    said = str(raised.value)
    assert said.endswith('go: that: reading a proxy: 403 Forbidden it said: no')
    assert len(calls()) == 1


def test_a_go_that_hangs_is_given_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
):
    monkeypatch.setattr(programs, '_ASKING', 0.2)
    with pytest.raises(programs.MissingError, match='not done after 0 s'):
        programs.find(machine(SLOW_GO))
    assert not list((tmp_path / 'home').rglob('gonic'))
