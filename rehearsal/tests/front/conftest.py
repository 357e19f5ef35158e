# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A session on a model with two small charms, and a bundle of them."""

import io
import pathlib
from collections.abc import Callable, Iterator

import pytest

from rehearsal import catalogue, cli, commands, engine, session

CHARMS = pathlib.Path(__file__).parent / 'charms'
BUNDLE = """\
bundle: kubernetes
applications:
  reader:
    charm: reader
  teller:
    charm: teller
    scale: 1
    trust: true
    options:
      text: good evening
relations:
- - teller:news
  - reader:news
"""


@pytest.fixture
def out() -> io.StringIO:
    """What commands printed as results."""
    return io.StringIO()


@pytest.fixture
def err() -> io.StringIO:
    """What commands printed besides."""
    return io.StringIO()


@pytest.fixture
def at(tmp_path: pathlib.Path, out: io.StringIO, err: io.StringIO) -> Iterator[session.Session]:
    """A session on an empty model, with the charms of these tests at hand."""
    with engine.Rehearsal(catalogue.Catalogue(catalogue.in_folder(CHARMS))) as rehearsal:
        yield session.Session(rehearsal, out, err, folder=tmp_path)


@pytest.fixture
def types(at: session.Session, out: io.StringIO, err: io.StringIO) -> Callable[..., str]:
    """Carry out commands and return what they printed as results."""

    def carry_out(*lines: str) -> str:
        for stream in (out, err):
            stream.seek(0)
            stream.truncate()
        for line in lines:
            invocation = commands.parse(line)
            assert invocation is not None, line
            commands.execute(at, invocation)
        return out.getvalue()

    return carry_out


@pytest.fixture
def message(at: session.Session) -> Callable[[str], str]:
    """Return a unit's workload status in one text."""

    def read(unit: str) -> str:
        found = {
            each.name: each for app in at.rehearsal.applications.values() for each in app.units
        }
        status = found[unit].workload
        return f'{status.name} {status.message}'.rstrip()

    return read


@pytest.fixture
def rehearse(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the console command with the charms of these tests: exit status, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main([*arguments, '--charms', str(CHARMS)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def bundle_file(tmp_path: pathlib.Path) -> pathlib.Path:
    file = tmp_path / 'bundle.yaml'
    file.write_text(BUNDLE, encoding='utf-8')
    return file
