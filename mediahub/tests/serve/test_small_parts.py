# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the process is made of: its log, its zone, its control file, the keeper of its parts."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import pathlib
import stat
import zoneinfo

import pytest

from mediahub import settings
from mediahub.serve import control, keeping, logs, zone


def record(text: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord('mediahub', level, __file__, 1, text, None, None)


def test_no_line_holds_a_secret_of_the_settings():
    chosen = settings.load(
        {
            'ENABLE_PLEX_SYNC': 'true',
            'PLEX_URL': 'http://plex.test:32400',
            'PLEX_TOKEN': 'token-of-the-server',
            'PLEX_WEBHOOK_SECRET': 'secret-of-webhooks-and-more',
            'MEDIAHUB_API_TOKEN': 'token-for-programs-and-people',
        }
    )
    lines = logs.Lines('%(message)s', list(logs.secrets_of(chosen)), journal=False)

    text = 'x token-of-the-server y secret-of-webhooks-and-more z token-for-programs-and-people'
    assert lines.format(record(text)) == 'x *** y *** z ***'


def test_secret_within_another_is_hidden_with_it():
    lines = logs.Lines('%(message)s', ['abcdef', 'abcdef-and-more'], journal=False)

    assert lines.format(record('abcdef-and-more abcdef')) == '*** ***'


def test_journal_is_told_the_priority_of_every_line():
    lines = logs.Lines('%(message)s', [], journal=True)

    assert lines.format(record('one\ntwo', logging.ERROR)) == '<3>one\n<3>two'
    assert lines.format(record('one', 25)) == '<6>one'


@pytest.mark.parametrize(
    ('name', 'found'),
    [
        ('Europe/Madrid', zoneinfo.ZoneInfo('Europe/Madrid')),
        (':Europe/Madrid', zoneinfo.ZoneInfo('Europe/Madrid')),
        ('UTC', datetime.UTC),
        ('Nowhere/Land', datetime.UTC),
        ('../../etc/passwd', datetime.UTC),
    ],
)
def test_zone_is_that_of_the_environment(name: str, found: datetime.tzinfo):
    assert zone.local({'TZ': name}) == found


def test_control_file_is_for_its_owner_alone(tmp_path: pathlib.Path):
    written = control.Control('http://127.0.0.1:1', control.fresh_token(), 7, '0')
    (tmp_path / 'control.new').write_text('left by a hub that was killed')
    mask = os.umask(0)
    try:
        control.write(tmp_path, written)
    finally:
        os.umask(mask)

    assert stat.S_IMODE((tmp_path / 'control.json').stat().st_mode) == 0o600
    assert control.read(tmp_path) == written
    assert [file.name for file in tmp_path.iterdir()] == ['control.json']


def test_control_file_of_another_process_is_left_alone(tmp_path: pathlib.Path):
    control.write(tmp_path, control.Control('http://127.0.0.1:1', 'token', 7, '0'))
    control.remove(tmp_path, 8)
    assert control.read(tmp_path) is not None
    control.remove(tmp_path, 7)
    assert control.read(tmp_path) is None


@pytest.mark.parametrize('content', ['', '{', '[]', '{"url": 1}'])
def test_control_file_that_is_damaged_is_none(tmp_path: pathlib.Path, content: str):
    (tmp_path / 'control.json').write_text(content)
    assert control.read(tmp_path) is None


class Part:
    """A part that fails so often before it runs."""

    def __init__(self, failures: int):
        self.failures = failures
        self.starts = 0

    async def __call__(self) -> None:
        self.starts += 1
        if self.starts <= self.failures:
            raise RuntimeError('a fault of ours')
        await asyncio.Event().wait()


@pytest.mark.anyio
async def test_part_that_fails_is_started_again_and_said_to_be_broken_meanwhile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(keeping, 'FIRST_PAUSE', 0.02)
    keeper, part = keeping.Keeper(), Part(failures=2)
    keeper.start('the part', part)
    await asyncio.sleep(0.01)
    assert keeper.broken == ['the part failed (RuntimeError); see the log']

    async with asyncio.timeout(10):
        while part.starts < 3:
            await asyncio.sleep(0.01)
    assert keeper.broken == []
    await keeper.stop()
    failures = [each for each in caplog.records if each.name == 'mediahub.serve.keeping']
    assert len(failures) == 2


@pytest.mark.anyio
async def test_stopping_waits_for_what_a_part_has_to_finish():
    finished = list[str]()

    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            finished.append('done')

    keeper = keeping.Keeper()
    keeper.start('one', part)
    keeper.start('two', part)
    await asyncio.sleep(0)
    await keeper.stop('one')
    assert finished == ['done']
    await keeper.stop()
    assert finished == ['done', 'done']
