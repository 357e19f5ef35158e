# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import errno
import os
import pathlib
import uuid

import pytest

from mediahub import settings
from mediahub.api.auth import installation
from mediahub.engine.errors import ConfigurationError


def chosen(home: pathlib.Path, **environ: str) -> settings.Settings:
    return settings.load({'MEDIAHUB_HOME': str(home), **environ})


def test_identifier_is_made_once_and_stays(tmp_path: pathlib.Path):
    first = installation.client_id(chosen(tmp_path / 'home'))
    assert uuid.UUID(first)
    assert installation.client_id(chosen(tmp_path / 'home')) == first
    assert installation.client_id(chosen(tmp_path / 'other')) != first


def test_identifier_of_the_settings_wins_and_nothing_is_written(tmp_path: pathlib.Path):
    found = installation.client_id(chosen(tmp_path, PLEX_OAUTH_CLIENT_ID='my-hub'))
    assert found == 'my-hub'
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('content', ['', '\n', 'a b', 'x' * 200, '\x00', 'a\r\nb: c'])
def test_damaged_identifier_is_named_and_kept(tmp_path: pathlib.Path, content: str):
    place = tmp_path / installation.CLIENT_ID
    place.write_bytes(content.encode())
    with pytest.raises(ConfigurationError, match='remove it'):
        installation.client_id(chosen(tmp_path))
    assert place.read_bytes() == content.encode()


def test_home_that_cannot_be_written_is_named(tmp_path: pathlib.Path):
    (tmp_path / 'home').write_text('a file')
    with pytest.raises(ConfigurationError, match='cannot be kept'):
        installation.client_id(chosen(tmp_path / 'home'))


def test_two_that_start_at_once_agree(tmp_path: pathlib.Path):
    place = tmp_path / 'kept'

    def keep(number: int) -> bytes:
        return installation.kept(place, str(number).encode())

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = set(pool.map(keep, range(32)))
    assert len(found) == 1
    assert [file.name for file in tmp_path.iterdir()] == ['kept']
    assert place.stat().st_mode & 0o777 == 0o600


def test_file_system_without_links_will_do(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*places: object) -> None:
        raise OSError(errno.EPERM, 'Operation not permitted')

    monkeypatch.setattr(os, 'link', refuse)
    assert installation.kept(tmp_path / 'kept', b'first') == b'first'
    assert installation.kept(tmp_path / 'kept', b'second') == b'first'
