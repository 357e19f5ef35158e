# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Programs run by the Python that waits, held to what a fresh Python does with them."""

import os
import subprocess
import sys

import pytest

from rehearsal import interpreter

PROGRAMS = {
    'ends well': 'print("well")',
    'arguments': 'import sys; print(sys.argv)',
    'code': 'raise SystemExit(3)',
    'code of None': 'raise SystemExit(None)',
    'message': 'raise SystemExit("no such volume")',
    'error': 'print("before", flush=True); raise OSError(5, "input/output error")',
    'no program': 'print(',
    'main': 'print(__name__); import sys; print(sys.modules["__main__"].__dict__ is globals())',
    'standard input': 'import sys; print(repr(sys.stdin.read()))',
    'dataclass': 'import dataclasses\n@dataclasses.dataclass\nclass A:\n    b: int\nprint(A(1))',
    'not flushed': 'import sys; sys.stderr.write("late"); sys.stdout.write("later")',
    'killed': 'import os, signal; os.kill(os.getpid(), signal.SIGTERM)',
}


@pytest.fixture
def python():
    started = interpreter.Interpreter()
    yield started
    started.close()


@pytest.fixture
def output(tmp_path):
    return tmp_path / 'output'


def in_a_fresh_python(program: str, arguments: list[str]) -> tuple[int, str]:
    ran = subprocess.run(  # noqa: S603
        [sys.executable, '-I', '-c', program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    return ran.returncode, ran.stdout


def told(text: str) -> list[str]:
    """Leave out where an error came from: that differs by the frames of whoever ran it."""
    return sorted(each for each in text.splitlines() if not each.startswith((' ', 'Traceback')))


@pytest.mark.parametrize('program', PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_ends_and_speaks_as_in_a_python_of_its_own(program, python, output):
    code = python.run(program, ['one', '--two'], output)
    wanted_code, wanted = in_a_fresh_python(program, ['one', '--two'])
    assert (code, told(output.read_text())) == (wanted_code, told(wanted))


def test_what_a_program_does_to_its_process_ends_with_it(python, output):
    spoiler = 'import os, sys, json; os.chdir("/"); os.environ["SPOILT"] = "1"; json.dumps = None'
    python.run(spoiler, [], output)
    look = 'import json, os; print(os.getcwd(), os.environ.get("SPOILT"), json.dumps([]))'
    assert python.run(look, [], output) == 0
    assert output.read_text().split() == [os.getcwd(), 'None', '[]']


def test_output_of_an_earlier_program_does_not_stay(python, output):
    python.run('print("a long line")', [], output)
    python.run('print("short")', [], output)
    assert output.read_text() == 'short\n'


def test_a_python_that_is_gone_is_an_error(python, output):
    with pytest.raises(RuntimeError, match='has ended'):
        python.run('import os, signal; os.kill(os.getppid(), signal.SIGKILL)', [], output)
