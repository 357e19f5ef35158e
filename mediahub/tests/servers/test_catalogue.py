# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib
import sqlite3
import threading

import pytest

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
        except sqlite3.ProgrammingError:
            ended.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(10)
    catalogue.close()
    thread.join(10)
    assert ended.is_set()
