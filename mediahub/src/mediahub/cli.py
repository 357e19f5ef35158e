# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The command ``mediahub``.

The exit status is 0 when everything that was asked for happened, 1 when something did not, 2 when
the command line or the configuration is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import pathlib
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import rich.console

from . import commands
from .engine import config, registry, wire
from .engine.engine import MediaServerEngine
from .engine.errors import ConfigurationError, MediaHubError, NoActiveServer, UnknownServer
from .store.database import Database
from .store.journal import PlaylistJournal
from .store.library import Mode

if TYPE_CHECKING:
    from .settings import Settings

CONFIG_HOME = pathlib.Path('~/.config/mediahub')
CONFIG_NAME = 'mediahub.toml'
DATABASE_NAME = 'mediahub.duckdb'

EPILOG = """
The configuration, a TOML file:

  [server]
  active = "music"            # needed only where there are several

  [[servers]]
  name = "music"
  type = "plex"               # or jellyfin, emby, subsonic, filesystem
  url = "http://plex.local:32400"
  token-file = "/run/secrets/plex-token"

  [[servers]]
  name = "attic"
  type = "filesystem"
  path = "/srv/music"
  cache = "/var/cache/mediahub/attic.db"

The exit status is 0 when everything that was asked for happened, 1 when something did not, 2 when
the command line or the configuration is wrong.
"""

PLAYLIST_FILE = (
    'JSON: {"title": "Evening", "tracks": [{"title": "…", "artist": "…"}, {"id": "…"}]}'
)

# A command that brings all it needs, and says itself how it ended.
Standalone = Callable[[argparse.Namespace], int]
Command = Callable[[commands.Session, argparse.Namespace], Coroutine[Any, Any, commands.Answer]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line."""
    options = parser().parse_args(arguments)
    console = rich.console.Console(highlight=False, stderr=False)
    try:
        if options.standalone is not None:
            standalone: Standalone = options.standalone
            return standalone(options)
        answer = asyncio.run(_carry_out(options))
    except (ConfigurationError, UnknownServer) as error:
        return _complain(error, 2)
    except NoActiveServer as error:
        return _complain(MediaHubError(f'{error}, or name one with --server'), 2)
    except MediaHubError as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        print('mediahub: interrupted', file=sys.stderr)
        return 130
    if options.json:
        sys.stdout.write(msgspec.json.encode(answer.data).decode() + '\n')
    else:
        console.print(answer.shown)
    return 0 if answer.good else 1


def _complain(error: MediaHubError, status: int) -> int:
    lines = error.mistakes if isinstance(error, ConfigurationError) else (str(error),)
    for line in lines:
        print(f'mediahub: {line}', file=sys.stderr)
    return status


async def _carry_out(options: argparse.Namespace) -> commands.Answer:
    # What failed for good is told at the end; that it was tried again is no news here.
    logging.getLogger('stamina').setLevel(logging.ERROR)
    async with _session(options) as session:
        command: Command = options.command
        return await command(session, options)


@contextlib.asynccontextmanager
async def _session(options: argparse.Namespace) -> AsyncGenerator[commands.Session]:
    """Open what the command needs; the database only where it is written or read."""
    settings = _servers(options.config.expanduser())
    with contextlib.ExitStack() as stack:
        database = None
        if options.needs_database:
            database = stack.enter_context(_database(options.database.expanduser()))
        journal = PlaylistJournal(database) if database else None
        async with MediaServerEngine(settings, journal=journal) as engine:
            if options.server is not None:
                engine.activate(options.server)
            yield commands.Session(engine, database, journal)


def _servers(file: pathlib.Path) -> config.Config:
    """The configured servers; at least one."""
    if not file.exists():
        hint = 'does not exist; "mediahub --help" shows what to write there'
        raise ConfigurationError([f'{file} {hint}'])
    found = config.load(file, registry.installed())
    if not found.servers:
        hint = 'names no server; add a [[servers]] table, as "mediahub --help" shows'
        raise ConfigurationError([f'{file} {hint}'])
    return found


def _database(file: pathlib.Path) -> Database:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaHubError(f'{file.parent} cannot be made: {error.strerror}') from error
    return Database(file)


def _home() -> pathlib.Path:
    return pathlib.Path(os.environ.get('MEDIAHUB_HOME') or CONFIG_HOME)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog='mediahub',
        description='One engine over Plex, Jellyfin, Emby, Subsonic and plain folders.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    places = top.add_argument_group('places', 'MEDIAHUB_HOME moves both.')
    home = _home()
    _place(places, '--config', home / CONFIG_NAME, 'which servers there are')
    _place(places, '--database', home / DATABASE_NAME, 'the library index and the journal')
    top.add_argument('--json', action='store_true', help='answer in JSON')
    top.add_argument('--version', action='version', version=f'mediahub {wire.VERSION}')
    top.set_defaults(needs_database=False, server=None, standalone=None)
    verbs = top.add_subparsers(required=True, metavar='COMMAND')
    _verb(verbs, 'servers', commands.servers, 'List the configured servers.')
    _verb(verbs, 'status', commands.status, 'Greet every server and say how it is.')
    _scan(verbs)
    _search(verbs)
    _playlists(verbs)
    _sync(verbs)
    _serve(verbs)
    _sign_in(verbs)
    _replay(verbs)
    _check(verbs)
    _register_webhook(verbs)
    _safekeeping(verbs)
    _demo(verbs)
    return top


def _place(group: Any, name: str, default: pathlib.Path, text: str) -> None:
    text += ' (default: %(default)s)'
    group.add_argument(name, type=pathlib.Path, default=default, metavar='FILE', help=text)


def _verb(verbs: Any, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(command=command)
    # Also behind the verb, where people write it; it must not undo the one in front.
    verb.add_argument('--json', action='store_true', default=argparse.SUPPRESS)
    return verb


def _scan(verbs: Any) -> None:
    scan = _verb(verbs, 'scan', commands.scan, 'Have a server look for new files.')
    scan.add_argument('--server', help='this one; by default the active one')
    scan.add_argument('--path', help='a folder on the server; by default everything')
    scan.add_argument(
        '--wait', type=_seconds, metavar='SECONDS', help='follow it to its end, at most so long'
    )


def _search(verbs: Any) -> None:
    search = _verb(verbs, 'search', commands.search, 'Search all servers for a track.')
    search.add_argument('title', type=_title)
    search.add_argument('--artist', default='', help='of this artist; by default of any')
    search.add_argument('--limit', type=_count, default=15, help='tracks; by default 15')
    search.add_argument('--on', action='append', metavar='SERVER', help='only there; repeatable')


def _title(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError('is empty')
    return text


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError('has to be a number from 1 on')
    return int(text)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 10**7:
        raise argparse.ArgumentTypeError('has to be more than 0')
    return seconds


def _playlists(verbs: Any) -> None:
    top = _verb(verbs, 'playlists', commands.playlists, 'List, change and restore playlists.')
    top.add_argument('--server', help='this one; by default the active one')
    top.set_defaults(needs_database=True)
    verbs = top.add_subparsers(metavar='ACTION')
    show = _action(verbs, 'show', commands.show_playlist, 'Show what is in a playlist.')
    show.add_argument('title')
    apply = _action(verbs, 'apply', commands.apply_playlist, 'Make a playlist as a file says.')
    apply.add_argument('file', type=pathlib.Path, help=PLAYLIST_FILE)
    apply.add_argument('--dry-run', action='store_true', help='only say what would change')
    copy = _action(verbs, 'copy', commands.copy_playlist, 'Copy a playlist.')
    copy.add_argument('source')
    copy.add_argument('target', help='made where it is not there, changed where it is')
    _action(verbs, 'journal', commands.journal, 'List what can be restored.')
    restore = _action(verbs, 'restore', commands.restore, 'Bring back an earlier state.')
    restore.add_argument('entry', help='from the journal')


def _action(verbs: Any, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    action = _verb(verbs, name, command, text)
    # As with --json: in front of the action or behind it.
    action.add_argument('--server', default=argparse.SUPPRESS, help='this one')
    return action


def _sync(verbs: Any) -> None:
    sync = _verb(verbs, 'sync', commands.sync, 'Bring the library index up to date.')
    sync.add_argument('servers', nargs='*', help='all of them by default')
    sync.add_argument(
        '--mode',
        choices=[mode.value for mode in Mode],
        default='incremental',
        help='what changed (by default), everything, or everything with the history; only the '
        'last one deletes what has long been missing',
    )
    sync.add_argument(
        '--accept-replacement',
        action='store_true',
        help='the server may be another installation than before',
    )
    sync.add_argument(
        '--accept-loss', action='store_true', help='delete however much is missing for good'
    )
    sync.set_defaults(needs_database=True)


def _serve(verbs: Any) -> None:
    text = 'Run the hub: watch the servers, and answer over HTTP until told to stop.'
    verb: argparse.ArgumentParser = verbs.add_parser('serve', help=text, description=text)
    verb.set_defaults(standalone=_run_hub)


def _run_hub(options: argparse.Namespace) -> int:
    # What it needs takes other commands a quarter of a second to load.
    from . import serve

    chosen = _settings(options)
    return serve.run(chosen, _hub_database(options, chosen), lambda: _settings(options))


def _hub_database(options: argparse.Namespace, chosen: Settings) -> pathlib.Path:
    given: pathlib.Path = options.database
    return (given if given != _home() / DATABASE_NAME else chosen.database).expanduser()


def _settings(options: argparse.Namespace) -> Settings:
    """The hub's settings; the file only counts where it is there or was asked for."""
    from . import settings

    file: pathlib.Path = options.config.expanduser()
    needed = file.exists() or options.config != _home() / CONFIG_NAME
    return settings.load(os.environ, file if needed else None)


def _sign_in(verbs: Any) -> None:
    text = 'Print a link that signs in once, for when plex.tv is down and for the first time.'
    verb: argparse.ArgumentParser = verbs.add_parser('sign-in', help=text, description=text)
    verb.add_argument('--viewer', action='store_true', help='may look at things, not change them')
    verb.add_argument('--json', action='store_true', default=argparse.SUPPRESS)
    verb.set_defaults(standalone=_print_link)


def _print_link(options: argparse.Namespace) -> int:
    from . import sign_in_link

    found = sign_in_link.make(_settings(options), viewer=options.viewer)
    if options.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + '\n')
        return 0
    print(found.url)
    for line in found.notes:
        print(f'mediahub: {line}', file=sys.stderr)
    return 0


def _replay(verbs: Any) -> None:
    text = 'Record once more what the broker still has. The hub must not run meanwhile.'
    verb: argparse.ArgumentParser = verbs.add_parser('replay', help=text, description=text)
    what = verb.add_mutually_exclusive_group(required=True)
    what.add_argument('--since', metavar='WHEN', help='36h ago, or a time such as 2026-11-01')
    what.add_argument(
        '--dead-letters', action='store_true', help='what could not be recorded, instead'
    )
    verb.add_argument('--json', action='store_true', default=argparse.SUPPRESS)
    verb.set_defaults(standalone=_run_replay)


def _run_replay(options: argparse.Namespace) -> int:
    from . import replaying

    chosen = _settings(options)
    since = replaying.moment(options.since) if options.since else None
    found = replaying.run(chosen, _hub_database(options, chosen), since)
    if options.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + '\n')
    else:
        print(f'{found.read} read: {found.new} new, {found.known} known, ', end='')
        print(f'{found.unreadable} unreadable, {found.refused} refused')
    return 0 if not (found.unreadable or found.refused) else 1


def _check(verbs: Any) -> None:
    text = 'Look for what would keep the hub from starting, and change nothing.'
    verb: argparse.ArgumentParser = verbs.add_parser('check', help=text, description=text)
    verb.set_defaults(standalone=_run_check)


def _run_check(options: argparse.Namespace) -> int:
    from . import checking

    chosen = _settings(options)
    found = checking.problems(chosen, _hub_database(options, chosen))
    for line in found:
        print(f'mediahub: {line}', file=sys.stderr)
    return 2 if found else 0


def _register_webhook(verbs: Any) -> None:
    text = 'Have plex.tv send webhooks to the hub, beside those that are there.'
    verb: argparse.ArgumentParser = verbs.add_parser(
        'register-webhook', help=text, description=text
    )
    verb.add_argument('--url', required=True, help="of the hub's webhook route, without secret")
    verb.set_defaults(standalone=_run_register)


def _run_register(options: argparse.Namespace) -> int:
    from . import webhook_registration

    webhook_registration.register(_settings(options), options.url)
    return 0


def _safekeeping(verbs: Any) -> None:
    keep = _alone(verbs, 'backup', 'Copy the database, whether the hub runs or not.', _run_backup)
    keep.add_argument('--folder', type=pathlib.Path, help='not the one in the home')
    text = 'Put a backup in the place of the database. The hub must not run meanwhile.'
    back = _alone(verbs, 'restore', text, _run_restore)
    back.add_argument('file', type=pathlib.Path)
    _alone(verbs, 'export', 'Write the history as Parquet files, one a month.', _run_export)
    text = "Have the running hub take over Tautulli's history now."
    _alone(verbs, 'import-tautulli', text, _run_import)


def _alone(verbs: Any, name: str, text: str, run: Standalone) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(standalone=run)
    return verb


def _run_backup(options: argparse.Namespace) -> int:
    from . import safekeeping

    chosen = _settings(options)
    print(safekeeping.backup(chosen, _hub_database(options, chosen), options.folder))
    return 0


def _run_restore(options: argparse.Namespace) -> int:
    from . import safekeeping

    chosen = _settings(options)
    kept = safekeeping.restore(_hub_database(options, chosen), options.file)
    if kept:
        print(kept)
    return 0


def _run_export(options: argparse.Namespace) -> int:
    from . import safekeeping

    chosen = _settings(options)
    for path in safekeeping.export(chosen, _hub_database(options, chosen)):
        print(path)
    return 0


def _run_import(options: argparse.Namespace) -> int:
    from . import safekeeping

    print(safekeeping.import_tautulli(_settings(options)))
    return 0


def _demo(verbs: Any) -> None:
    text = 'Show the hub before an evening of films; nothing to configure, nothing left behind.'
    verb: argparse.ArgumentParser = verbs.add_parser('demo', help=text, description=text)
    verb.add_argument('--speed', type=_speed, default=30.0, help='times as fast as life')
    verb.add_argument('--port', type=int, default=0, help='to listen on; a free one by default')
    verb.add_argument('--seed', type=int, default=8, help='another one is another evening')
    verb.set_defaults(standalone=_run_demo)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0.1 <= speed <= 1000:
        raise argparse.ArgumentTypeError('has to be between 0.1 and 1000')
    return speed


def _run_demo(options: argparse.Namespace) -> int:
    from . import demo

    return demo.run(options.speed, options.port, options.seed)


if __name__ == '__main__':
    sys.exit(main())
