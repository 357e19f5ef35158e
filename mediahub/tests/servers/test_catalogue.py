# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib
import threading

import pytest

from mediahub.engine import errors
from mediahub.servers import catalogue as catalogue_module
from mediahub.servers.catalogue import Catalogue
from mediahub.servers.disk import Found, Tags


@pytest.mark.parametrize('attempt', range(10))
def test_closing_while_a_cancelled_scan_still_writes_ends_neither(
    tmp_path: pathlib.Path, attempt: int
) -> None:
    catalogue = Catalogue(tmp_path / f'{attempt}.db')
    writing, ended = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        try:
            while True:
                number += 1
                found = Found(b'a.flac', False, number, number, (1, number))
                catalogue.put(b'folder/a.flac', found, Tags(title='A'), 0.0)
                writing.set()
        except errors.ServerFailed:
            ended.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(10)
    catalogue.close()
    thread.join(10)
    assert ended.is_set()


def test_file_is_used_by_one_at_a_time(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(catalogue_module, 'PATIENCE', 0.01)
    first, second = (
        Catalogue(tmp_path / 'tags.db', 'attic'),
        Catalogue(tmp_path / 'tags.db', 'den'),
    )
    first.begin()

    with pytest.raises(errors.ServerFailed, match=r'den: cache .* give each a file of its own'):
        second.begin()
    first.close()
    second.begin()
    second.close()


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('mediahub.toml', 'name another file'),
        ('folder', 'does its folder exist'),
        ('nowhere/tags.db', 'does its folder exist'),
    ],
)
def test_file_that_cannot_be_used_is_explained(tmp_path: pathlib.Path, name: str, hint: str):
    (tmp_path / 'mediahub.toml').write_text('[[servers]]\n' * 100)
    (tmp_path / 'folder').mkdir()
    file = tmp_path / name

    with pytest.raises(errors.ServerFailed, match=hint):
        Catalogue(file, 'attic').open()


def test_full_disk_fails_the_scan_and_keeps_what_is_known(tmp_path: pathlib.Path):
    catalogue = Catalogue(tmp_path / 'tags.db', 'attic')
    catalogue.begin()
    found = Found(b'a.flac', False, 1, 1, (1, 1))
    catalogue.put(b'a.flac', found, Tags(title='A'), 0.0)
    with catalogue._open() as database:  # pyright: ignore[reportPrivateUsage] - no disk is full
        pages = database.execute('PRAGMA page_count').fetchone()[0]
        database.execute(f'PRAGMA max_page_count = {pages}')

    def fill() -> None:
        for number in range(1000):
            catalogue.put(f'{number}.flac'.encode(), found, Tags(title='B' * 100), 0.0)

    with pytest.raises(errors.ServerFailed, match='full'):
        fill()
    assert [row.title for row in catalogue.search('a', 5)] == ['A']
    catalogue.close()
