# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The hub in its container: look at it, bring it up, run its command line."""

from __future__ import annotations

import dataclasses
import logging
import typing

import hub
import hub_api
import hub_config
from charmarr_lib.pebble import Exited, ProgramError
from hub_plan import Plan, Room

if typing.TYPE_CHECKING:
    from charmarr_lib.pebble import Program

logger = logging.getLogger(__name__)

_PRIVATE: typing.Final = 0o600
# A backup of ten million plays takes about a minute on a slow disk.
_PATIENCE: typing.Final = 1800.0


@dataclasses.dataclass(frozen=True)
class Health:
    """How the hub is.

    Attributes:
        answers: Whether it does.
        problems: What is not well, one line each.
        version: Its version, if it answers.
    """

    answers: bool = False
    problems: tuple[str, ...] = ()
    version: str = ''


def look(program: Program) -> Room:
    """Read the container.

    Raises:
        ProgramError: if Pebble does not let us.
    """
    return Room(
        mounted=hub.FOLDER in program.mounts(),
        config=program.read(hub.CONFIG),
        secrets=frozenset(program.entries(hub.SECRETS)),
        running=program.is_running(),
    )


def converge(program: Program, room: Room, plan: Plan) -> Health:
    """Bring the container to what was decided, and look how the hub is.

    Raises:
        ProgramError: if Pebble or the container refuses.
    """
    program.give(hub.FOLDER, hub.OWNER)
    if _is_stale(program, room, plan):
        program.stop()  # it reads its configuration once, when it starts
        try:
            _write(program, room, plan)
        except ProgramError:
            if room.running:
                program.start()  # with what it had
            raise
    try:
        started = program.replan(hub.layer(plan.timezone))
    except Exited as error:
        raise Exited(why(program) or str(error)) from error
    return health(program, starting=started)


def _is_stale(program: Program, room: Room, plan: Plan) -> bool:
    if room.config != plan.config or room.secrets - plan.secrets.keys() - set(plan.keep):
        return True
    return any(
        program.read(hub_config.path(name)) != value.encode()
        for name, value in plan.secrets.items()
    )


def _write(program: Program, room: Room, plan: Plan) -> None:
    """Write secrets first: a configuration must not name a file that is not there."""
    for name, value in plan.secrets.items():
        program.write(hub_config.path(name), value.encode(), hub.OWNER, _PRIVATE)
    program.write(hub.CONFIG, plan.config, hub.OWNER, _PRIVATE)
    for name in room.secrets - plan.secrets.keys() - set(plan.keep):
        program.remove(hub_config.path(name))


def health(program: Program, *, starting: bool = False) -> Health:
    """Ask the hub how it is.

    Raises:
        ProgramError: if Pebble does not let us.
    """
    found = Health()
    try:
        found = Health(answers=True, version=hub_api.version(starting=starting))
        problems = hub_api.problems(program.read(hub.CONTROL))
    except hub_api.HubError as error:
        logger.info('%s', error)
        return found
    return dataclasses.replace(found, problems=problems)


def version(program: Program) -> str:
    """Return the program's version, empty where it does not say.

    Raises:
        ProgramError: if Pebble does not let us.
    """
    done = program.execute([hub.PROGRAM, '--version'], hub.OWNER, timeout=60)
    return done.stdout.strip().removeprefix(f'{hub.PROGRAM} ') if done.exit_code == 0 else ''


def why(program: Program) -> str:
    """Return what keeps the hub from starting, empty if nothing does."""
    try:
        done = program.execute(hub.command('check'), hub.OWNER, timeout=60)
    except ProgramError as error:
        logger.info('cannot check the configuration: %s', error)
        return ''
    return '' if done.exit_code == 0 else _line(done.stderr)


def run(program: Program, *words: str) -> str:
    """Run a command of the hub's command line and return what it prints.

    Raises:
        hub.Failed: if it fails; the message is its own line.
        ProgramError: if Pebble does not let us.
    """
    done = program.execute(hub.command(*words), hub.OWNER, timeout=_PATIENCE)
    if done.exit_code:
        raise hub.Failed(_line(done.stderr) or f'it ended with exit status {done.exit_code}')
    return done.stdout.strip()


def _line(text: str) -> str:
    lines = [each.strip() for each in text.splitlines() if each.strip()]
    return '; '.join(each.removeprefix('mediahub: ') for each in lines)[:500]
