# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the commands of ``mediahub`` do; each answers for people and for programs."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import rich.console
import rich.progress
import rich.table
from rich.markup import escape

from . import desired
from .engine import coerce
from .engine.capabilities import Status
from .engine.contract import MediaServerClient
from .engine.engine import MediaServerEngine
from .engine.errors import NotFound
from .engine.playlists import Outcome, Plan
from .engine.scans import ScanResult
from .engine.values import ScanProgress
from .store.database import Database
from .store.journal import PlaylistJournal
from .store.library import LibraryIndex, Mode, Progress, Run

# Seconds for which a scan is followed that would end with this process.
LONGEST_SCAN = 24 * 3600.0


@dataclasses.dataclass(frozen=True)
class Session:
    """What a command works with; database and journal where it asked for them."""

    engine: MediaServerEngine
    database: Database | None
    journal: PlaylistJournal | None

    @property
    def client(self) -> MediaServerClient:
        """The chosen server, or the active one."""
        return self.engine.active

    @property
    def journalled(self) -> PlaylistJournal:
        """The journal."""
        if self.journal is None:
            raise RuntimeError('the command did not ask for the database')
        return self.journal

    @property
    def stored(self) -> Database:
        """The database."""
        if self.database is None:
            raise RuntimeError('the command did not ask for the database')
        return self.database


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command has to say.

    Attributes:
        data: For programs.
        shown: For people.
        good: Whether everything that was asked for happened.
    """

    data: object
    shown: rich.console.RenderableType
    good: bool = True


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> rich.table.Table:
    """A table; what servers and files say is shown as it is, not taken for markup."""
    found = rich.table.Table(box=None, pad_edge=False)
    for header in headers:
        found.add_column(header, overflow='fold')  # what is cut off cannot be copied
    for row in rows:
        found.add_row(*(escape(coerce.printable(str(cell))) for cell in row))
    return found


async def servers(session: Session, options: argparse.Namespace) -> Answer:
    """List the configured servers."""
    engine = session.engine
    rows = [(name, engine.client(name).server_type) for name in engine.names]
    data = [{'name': name, 'type': kind} for name, kind in rows]
    return Answer(data, table(('Server', 'Type'), rows))


async def status(session: Session, options: argparse.Namespace) -> Answer:
    """Greet every server."""
    engine = session.engine
    await engine.fan_out(lambda client: client.probe())
    states = engine.statuses()
    rows = [(name, *_status_cells(found)) for name, found in states.items()]
    data = {name: _status_data(found) for name, found in states.items()}
    good = all(found.handshake is not None for found in states.values())
    return Answer(data, table(('Server', 'State', 'Product', 'Version', 'Reason'), rows), good)


def _status_cells(found: Status) -> tuple[str, str, str, str]:
    hello = found.handshake
    product, version = (hello.product, hello.version) if hello else ('', '')
    return found.state.value, product, version, found.reason


def _status_data(found: Status) -> dict[str, object]:
    hello = found.handshake
    capabilities = sorted(entry.name.lower() for entry in hello.capabilities) if hello else []
    state, product, version, reason = _status_cells(found)
    return {
        'state': state,
        'product': product,
        'version': version,
        'reason': reason,
        'account': hello.account if hello else None,
        'capabilities': capabilities,
    }


async def scan(session: Session, options: argparse.Namespace) -> Answer:
    """Have a server look for new files, and follow it where that is asked for."""
    client = session.client
    job = await client.trigger_library_scan(options.path)
    wait: float | None = options.wait
    if wait is None and client.dialect.scans_here:
        wait = LONGEST_SCAN
    if wait is None:
        return Answer({'server': client.name, 'result': 'asked for'}, f'{client.name}: asked for')
    with _spinner(options) as progress:
        task = progress.add_task(client.name, total=100)

        def report(now: ScanProgress) -> None:
            progress.update(task, completed=now.percent or 0)

        result = await job.wait(wait, report=report)
    shown = f'{client.name}: {result.value}'
    data = {'server': client.name, 'result': result.value}
    return Answer(data, shown, result is ScanResult.FINISHED)


def _spinner(options: argparse.Namespace) -> rich.progress.Progress:
    """Progress on standard error, so that the answer can be piped."""
    console = rich.console.Console(stderr=True)
    disable = options.json or not console.is_terminal
    return rich.progress.Progress(console=console, transient=True, disable=disable)


async def search(session: Session, options: argparse.Namespace) -> Answer:
    """Search several servers."""
    answer = await session.engine.search_everywhere(
        options.title, options.artist, options.limit, options.on
    )
    rows = [
        (
            hit.track.artist or '',
            hit.track.title,
            hit.track.album or '',
            ', '.join(str(copy.ref) for copy in hit.copies),
        )
        for hit in answer.hits
    ]
    rows += [
        (name, f'did not answer: {reason}', '', '') for name, reason in answer.failures.items()
    ]
    shown = table(('Artist', 'Title', 'Album', 'Where'), rows)
    return Answer(answer, shown, not answer.failures)


async def playlists(session: Session, options: argparse.Namespace) -> Answer:
    """List a server's playlists."""
    found = await session.client.get_playlists()
    rows = [(row.title, row.count, row.ref.native_id, row.editable) for row in found]
    return Answer(found, table(('Title', 'Tracks', 'Id', 'Editable'), rows))


async def show_playlist(session: Session, options: argparse.Namespace) -> Answer:
    """Show what is in a playlist."""
    client = session.client
    found = [row for row in await client.get_playlists() if row.title == options.title]
    if len(found) != 1:
        how_many = f'{len(found)} playlists are' if found else 'no playlist is'
        raise NotFound(client.name, f'{how_many} named {options.title!r}')
    entries = await client.get_playlist_entries(found[0])
    rows = [(entry.artist or '', entry.title, entry.track.native_id) for entry in entries]
    return Answer(entries, table(('Artist', 'Title', 'Id'), rows))


async def apply_playlist(session: Session, options: argparse.Namespace) -> Answer:
    """Make a playlist as a file says, or say what would change."""
    client = session.client
    wanted = desired.load(options.file)
    resolved = await desired.resolve(client, wanted.tracks)
    plan = await client.plan_playlist(wanted.title, resolved.tracks, resolved.missing)
    if options.dry_run:
        return Answer(plan, _planned(plan, resolved.words), not plan.missing)
    outcome = await client.apply_playlist(plan, session.journal)
    return _outcome(outcome)


def _planned(plan: Plan, words: Mapping[str, str]) -> rich.console.RenderableType:
    if not plan.changes and not plan.missing:
        return f'{escape(plan.title)}: nothing to change'
    rows = [('add', words.get(native_id, native_id)) for native_id in plan.added]
    rows += [
        ('remove', ' - '.join(word for word in (entry.artist, entry.title) if word))
        for entry in plan.removed
    ]
    rows += [('move', f'{plan.moved} of those that stay')] if plan.moved else []
    rows += [('not found', entry) for entry in plan.missing]
    return table(('Change', 'Track'), rows)


async def copy_playlist(session: Session, options: argparse.Namespace) -> Answer:
    """Copy a playlist on its server."""
    outcome = await session.client.copy_playlist(options.source, options.target, session.journal)
    return _outcome(outcome)


def _outcome(outcome: Outcome) -> Answer:
    rows = [('added', len(outcome.added)), ('removed', len(outcome.removed))]
    rows += [('not found', entry) for entry in outcome.missing]
    rows += [('kept in the journal as', outcome.backup)] if outcome.backup else []
    return Answer(outcome, table((outcome.playlist.title, ''), rows), not outcome.missing)


async def journal(session: Session, options: argparse.Namespace) -> Answer:
    """List what can be restored."""
    saved = session.journalled.list(session.client.name)
    rows = [
        (row.entry, row.title, row.count, f'{row.saved_at:%Y-%m-%d %H:%M:%S} UTC') for row in saved
    ]
    return Answer(saved, table(('Entry', 'Title', 'Tracks', 'Saved'), rows))


async def restore(session: Session, options: argparse.Namespace) -> Answer:
    """Bring back an earlier state of a playlist."""
    return _outcome(await session.journalled.restore(session.client, options.entry))


async def sync(session: Session, options: argparse.Namespace) -> Answer:
    """Bring the index up to date, one server after the other."""
    index = LibraryIndex(session.stored)
    clients = [session.engine.client(name) for name in options.servers or session.engine.names]
    runs: list[Run] = []
    with _spinner(options) as progress:
        for client in clients:
            task = progress.add_task(client.name, total=None)

            def report(now: Progress, task: rich.progress.TaskID = task) -> None:
                progress.update(task, description=f'{now.server}: {now.done} {now.kind.value}s')

            run = await index.update(
                client,
                Mode(options.mode),
                report=report,
                accept_replacement=options.accept_replacement,
                accept_loss=options.accept_loss,
            )
            runs.append(run)
    rows = [_run_cells(run) for run in runs]
    headers = ('Server', 'State', 'Added', 'Changed', 'Rekeyed', 'Missing', 'Deleted', 'Reason')
    data = [msgspec.to_builtins(run) for run in runs]
    return Answer(data, table(headers, rows), all(run.succeeded for run in runs))


def _run_cells(run: Run) -> tuple[object, ...]:
    held = f'{run.held} items are missing for good; see --accept-loss' if run.held else ''
    return (
        run.server,
        run.state.value,
        run.added,
        run.changed,
        run.rekeyed,
        run.missing,
        run.deleted,
        run.reason or held,
    )
