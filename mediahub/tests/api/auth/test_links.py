# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import os
import pathlib

import pytest

from mediahub.api.auth.links import FOLDER, LIFETIME, PATH, LinkBook, LinkError
from mediahub.api.auth.people import Role
from mediahub.testing.rig import Calendar


@pytest.fixture
def book(tmp_path: pathlib.Path, clock: Calendar) -> LinkBook:
    return LinkBook(tmp_path, clock)


def test_link_signs_in_once(book: LinkBook):
    ticket = book.make().removeprefix(PATH)

    assert book.look(ticket)
    link = book.use(ticket)

    assert link is not None
    assert (link.role, link.name) == (Role.ADMIN, 'administrator')
    assert book.look(ticket) is None
    assert book.use(ticket) is None


def test_another_process_makes_it(tmp_path: pathlib.Path, clock: Calendar):
    ticket = LinkBook(tmp_path, clock).make(Role.VIEWER, 'demo').removeprefix(PATH)
    link = LinkBook(tmp_path, clock).use(ticket)
    assert link is not None
    assert link.role is Role.VIEWER


def test_home_holds_no_ticket_and_only_we_read_it(book: LinkBook, tmp_path: pathlib.Path):
    ticket = book.make().removeprefix(PATH)
    (file,) = (tmp_path / FOLDER).iterdir()
    assert ticket not in file.name + file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_link_is_soon_over(book: LinkBook, clock: Calendar):
    ticket = book.make().removeprefix(PATH)
    clock.now += LIFETIME
    assert book.use(ticket) is None


def test_link_of_a_clock_far_ahead_is_over(book: LinkBook, clock: Calendar):
    ticket = book.make().removeprefix(PATH)
    clock.pass_days(-1)
    assert book.use(ticket) is None


def test_link_that_cannot_be_removed_signs_nobody_in(
    book: LinkBook, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    ticket = book.make().removeprefix(PATH)

    def refuse(self: pathlib.Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(pathlib.Path, 'unlink', refuse)
    assert book.use(ticket) is None


@pytest.mark.parametrize('ticket', ['', '..', '../x', 'a' * 5000, '\x00', 'ü'])
def test_no_ticket_reaches_another_file(book: LinkBook, ticket: str):
    assert book.look(ticket) is None
    assert book.use(ticket) is None


def test_damaged_file_is_no_link(book: LinkBook, tmp_path: pathlib.Path):
    ticket = book.make().removeprefix(PATH)
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_text('{')
    assert book.use(ticket) is None


def test_sweeping_removes_ours_and_nothing_else(
    book: LinkBook, tmp_path: pathlib.Path, clock: Calendar
):
    book.make()
    (tmp_path / FOLDER / 'note').write_text('not ours')
    clock.now += datetime.timedelta(hours=1)
    kept = book.make().removeprefix(PATH)
    book.sweep()
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
    assert book.use(kept)


def test_home_that_cannot_be_written_is_named(tmp_path: pathlib.Path):
    (tmp_path / 'home').write_text('a file')
    with pytest.raises(LinkError, match='cannot be written'):
        LinkBook(tmp_path / 'home').make()


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can give files away')
def test_root_makes_links_for_the_user_of_the_hub(tmp_path: pathlib.Path, clock: Calendar):
    home = tmp_path / 'home'
    home.mkdir()
    os.chown(home, 1000, 1000)

    LinkBook(home, clock).make()

    (file,) = (home / FOLDER).iterdir()
    for place in (file, file.parent):
        found = place.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o077) == (1000, 1000, 0)


def test_home_that_was_not_there_is_made_for_the_hub_alone(tmp_path: pathlib.Path):
    LinkBook(tmp_path / 'home').make()
    assert (tmp_path / 'home').stat().st_mode & 0o077 == 0
