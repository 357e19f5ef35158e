# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A new token heals without a restart, and nothing else of the settings is taken over."""

from __future__ import annotations

import asyncio
import logging
import pathlib

import pytest

from mediahub import settings
from mediahub.serve import renewal
from mediahub.serve.renewal import Renewal
from mediahub.settings import PlexServer
from mediahub.testing.plex_living import LivingPlex

from .conftest import Start

pytestmark = pytest.mark.anyio

OLD, NEW = 'the-token-of-yesterday', 'the-token-of-today'

FILE = """
[[servers]]
name = "attic"
type = "plex"
url = "{url}"
token = "{token}"
"""


class Tokens:
    """The files of an operator, and who hears of them."""

    def __init__(self, folder: pathlib.Path):
        self.file = folder / 'token'
        self.toml = folder / 'mediahub.toml'
        self.file.write_text(f'{OLD}\n')
        self.toml.write_text(FILE.format(url='http://attic.test', token='attic-of-yesterday'))
        self.environ = {'PLEX_URL': 'http://den.test', 'PLEX_TOKEN_FILE': str(self.file)}
        self.renewal = Renewal(self.read(), self.read)
        self.heard: list[PlexServer] = []
        self.renewal.subscribe(self.heard.append)

    def read(self) -> settings.Settings:
        return settings.load(self.environ, self.toml)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(server.name, server.token.get_secret_value()) for server in self.heard]


@pytest.fixture
def tokens(tmp_path: pathlib.Path) -> Tokens:
    return Tokens(tmp_path)


async def test_refused_token_has_a_better_one_when_somebody_wrote_it(tokens: Tokens):
    assert not await tokens.renewal.better('plex', OLD)

    tokens.file.write_text(NEW)

    assert await tokens.renewal.better('plex', OLD)
    assert not await tokens.renewal.better('plex', NEW)
    assert tokens.told == [('plex', NEW)]


async def test_token_of_the_file_of_servers_is_read_again_too(tokens: Tokens):
    tokens.toml.write_text(FILE.format(url='http://attic.test', token=NEW))

    assert await tokens.renewal.better('attic', 'attic-of-yesterday')
    assert tokens.told == [('attic', NEW)]


async def test_token_of_the_environment_stays_for_as_long_as_the_process_runs(
    tmp_path: pathlib.Path,
):
    chosen = settings.load({'PLEX_URL': 'http://den.test', 'PLEX_TOKEN': OLD})

    assert not await Renewal(chosen, lambda: chosen).better('plex', OLD)
    assert not await Renewal(chosen, None).better('plex', OLD)
    assert not chosen.servers[0].renewable


async def test_token_for_another_address_is_not_shown_to_the_old_one(tokens: Tokens):
    tokens.toml.write_text(FILE.format(url='http://elsewhere.test', token=NEW))

    assert not await tokens.renewal.better('attic', 'attic-of-yesterday')
    assert tokens.told == []


@pytest.mark.parametrize('content', ['', 'ill\x00written', 'x' * 5000])
async def test_token_that_is_half_written_is_waited_for(
    tokens: Tokens, caplog: pytest.LogCaptureFixture, content: str
):
    tokens.file.write_text(content)
    for _ in range(3):
        assert not await tokens.renewal.better('plex', OLD)
    tokens.file.write_text(NEW)

    assert await tokens.renewal.better('plex', OLD)
    warned = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert len(warned) == 1
    assert 'PLEX_TOKEN_FILE' in warned[0].getMessage()


async def test_folder_that_cannot_be_looked_into_is_waited_for(tokens: Tokens):
    def refuse() -> settings.Settings:
        raise PermissionError(13, 'Permission denied', '/run/secrets')

    watched = Renewal(tokens.read(), refuse)

    assert not await watched.better('plex', OLD)


async def test_mistake_elsewhere_leaves_everything_as_it_is(tokens: Tokens):
    tokens.file.write_text(NEW)
    tokens.toml.write_text('[[servers]')

    assert not await tokens.renewal.better('plex', OLD)


async def test_new_token_is_found_before_the_old_one_is_refused(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(renewal, 'EVERY', 0.001)
    running = asyncio.create_task(tokens.renewal.run())
    tokens.file.write_text(NEW)
    while not tokens.heard:
        await asyncio.sleep(0.005)
    running.cancel()

    assert tokens.told == [('plex', NEW)]


async def test_no_log_shows_a_token(tokens: Tokens, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    tokens.file.write_text(NEW)
    await tokens.renewal.better('plex', OLD)

    assert caplog.records
    assert OLD not in caplog.text
    assert NEW not in caplog.text


def test_hub_goes_on_with_a_new_token_and_without_a_restart(
    start: Start, living_plex: LivingPlex, tmp_path: pathlib.Path
):
    file = tmp_path / 'token'
    file.write_text(living_plex.token)
    hub = start(
        ENABLE_PLEX_SYNC='true', PLEX_URL=living_plex.url, PLEX_TOKEN_FILE=str(file)
    )  # fmt: skip
    hub.wait_until_up()
    hub.wait_for(lambda: hub.data('servers')['servers'][0]['realtime'])
    living_plex.token = NEW
    hub.wait_for(lambda: not hub.data('servers')['servers'][0]['token_valid'])
    assert 'PLEX_TOKEN_FILE; it is read again' in hub.data('servers')['servers'][0]['advice']

    file.write_text(NEW)
    film = next(iter(living_plex.shelves.of_kind('movie')))
    living_plex.play(living_plex.person('Anna'), living_plex.device('TV'), film.id)
    hub.wait_for(lambda: hub.data('live')['plays'])

    assert hub.data('servers')['servers'][0]['token_valid']
    assert NEW not in '\n'.join(hub.lines)
    assert hub.stop() == 0


async def test_goes_on_where_there_is_nothing_to_read(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(renewal, 'EVERY', 0.001)
    running = asyncio.create_task(Renewal(tokens.read(), None).run())
    done, _ = await asyncio.wait([running], timeout=0.05)
    assert not done
    running.cancel()
