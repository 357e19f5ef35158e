# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from . import binaries

GO = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1" in
list) echo github.com/canonical/pebble v1.9.0 v1.26.0 v1.27.0-rc1 v1.10.2 ;;
install) echo "#!/bin/sh" > "$GOBIN/pebble" && chmod +x "$GOBIN/pebble" ;;
esac
"""
BROKEN_GO = """#!/bin/sh
printf 'go: downloading a thing\\ngo: the thing:\\n\\t403 Forbidden\\n\\tnot for you\\n' >&2
exit 1
"""


@pytest.fixture
def machine(tmp_path):
    """Variables of a machine whose Go is a script; ``calls`` is what Go was asked."""

    def make(go=GO):
        programs = tmp_path / 'bin'
        programs.mkdir(exist_ok=True)
        if go:
            (programs / 'go').write_text(go)
            (programs / 'go').chmod(0o755)
        return {
            'PATH': f'{programs}:/usr/bin:/bin' if go else str(programs),
            'HOME': str(tmp_path / 'home'),
            'CALLS': str(tmp_path / 'calls'),
        }

    return make


@pytest.fixture
def calls(tmp_path):
    return lambda: (tmp_path / 'calls').read_text().splitlines()


def test_one_that_is_named_is_the_only_one_that_counts(tmp_path):
    program = tmp_path / 'pebble'
    program.write_text('')
    program.chmod(0o755)
    variables = {'PEBBLE': str(program)}
    (choice,) = binaries.choices(variables)
    assert binaries.find(choice, variables) == program


def test_a_wrong_name_is_an_error_and_no_reason_to_skip(tmp_path):
    variables = {'PEBBLE': str(tmp_path / 'nothing')}
    with pytest.raises(binaries.WrongError, match='nothing, which is no program'):
        binaries.find(binaries.VARIABLE, variables)


@pytest.mark.parametrize('variables', [{}, {'PEBBLE': ''}])
def test_by_default_the_shipped_and_the_newest_count(variables):
    assert binaries.choices(variables) == ['v1.26.0', 'newest']


def test_builds_a_version_once(machine, calls, tmp_path):
    first = binaries.find('v1.26.0', machine())
    assert binaries.find('v1.26.0', machine()) == first
    assert first == tmp_path / 'home/.cache/charmarr/pebble/v1.26.0/pebble'
    assert calls() == ['install github.com/canonical/pebble/cmd/pebble@v1.26.0']
    assert [each.name for each in first.parent.iterdir()] == ['pebble']


def test_the_cache_may_be_elsewhere(machine, tmp_path):
    variables = {**machine(), 'XDG_CACHE_HOME': str(tmp_path / 'cache')}
    found = binaries.find('v1.26.0', variables)
    assert found == tmp_path / 'cache/charmarr/pebble/v1.26.0/pebble'


def test_the_newest_is_a_release_and_compared_by_number(machine, calls):
    assert binaries.find(binaries.NEWEST, machine()).parent.name == 'v1.26.0'
    assert calls()[0] == 'list -m -versions github.com/canonical/pebble'


def test_without_go_the_reason_says_what_would_help(machine):
    with pytest.raises(binaries.MissingError, match='PEBBLE is not set, and there is no Go'):
        binaries.find('v1.26.0', machine(go=''))


def test_what_go_says_becomes_one_line_and_nothing_is_left(machine, tmp_path):
    with pytest.raises(binaries.MissingError) as raised:
        binaries.find('v1.26.0', machine(BROKEN_GO))
    said = str(raised.value)
    assert said.endswith('@v1.26.0: go: the thing: 403 Forbidden not for you')
    assert list((tmp_path / 'home').rglob('pebble*/*/*')) == []
