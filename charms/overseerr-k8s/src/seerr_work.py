# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Do what was decided: files while Seerr is stopped, the rest through its API."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import typing
from collections.abc import Callable, Iterator
from typing import Final

import seerr
import seerr_api
import seerr_folder
import seerr_plan
import seerr_settings
from charmarr_lib.interfaces import MediaServer
from charmarr_lib.pebble import ProgramError
from seerr_api import Reason, SeerrError
from seerr_plan import Plan, Ready, Room
from seerr_servers import Address, Server
from seerr_settings import Settings, Wanted

if typing.TYPE_CHECKING:
    from charmarr_lib.pebble import Program

logger = logging.getLogger(__name__)

# After these Seerr may have the refused host in memory.
_POISONED: Final = frozenset({Reason.SERVER_REFUSED, Reason.FAILED, Reason.TIMED_OUT})


@dataclasses.dataclass(frozen=True)
class Note:
    """Something that is not as it shall be, though Seerr runs.

    Attributes:
        message: One line for the operator.
        blocked: Whether only the operator can change it.
    """

    message: str
    blocked: bool = False


def look(program: Program) -> Room:
    """Read the container.

    Raises:
        ProgramError: if Pebble does not let us.
    """
    running = program.is_running()
    return Room(
        image=seerr.identify(program),
        folder=seerr_folder.read(program),
        running=running,
        up=running and program.is_up(seerr.CHECK),
    )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a plan.

    Attributes:
        changed: Whether anything in the container is different now.
        notes: What could not be done through the API.
    """

    changed: bool
    notes: tuple[Note, ...] = ()


def converge(
    program: Program, now: Ready, plan: Plan, decide: Callable[[Room], Plan | None]
) -> Outcome:
    """Bring the container to what was decided.

    Args:
        program: Seerr's service.
        now: What was read.
        plan: What was decided from that.
        decide: Decides once more, for when Seerr has been stopped: until then it may have saved
            something else. None means that it must not be started.

    Raises:
        ProgramError: if Pebble or the container refuses. Seerr runs again if it ran before.
    """
    layer = seerr.layer(now.image, now.options.log_level, now.options.timezone)
    seerr_folder.own(program, now.folder)
    edited = plan.settings is not None
    if edited and not edit(program, lambda room: _write_again(program, room, decide)):
        return Outcome(changed=True)
    if not edited and plan.record != now.folder.record:
        seerr_folder.write_record(program, plan.record)
    started = program.replan(layer) or edited
    by_api = plan.application_url is not None or plan.host is not None
    notes = tuple(_through_api(program, now, plan, starting=started)) if by_api else ()
    return Outcome(started or by_api, notes)


def edit(program: Program, write: Callable[[Room], bool]) -> bool:
    """Stop Seerr and let ``write`` change its files; the caller starts it.

    Args:
        program: Seerr's service.
        write: Takes the container as it is once nothing can change it any more; tells whether
            Seerr may be started.

    Raises:
        ProgramError: if the files cannot be changed. Seerr runs again if it ran before.
    """
    running = program.is_running()
    program.stop()
    try:
        return write(look(program))
    except ProgramError:
        if running:
            program.start()
        raise


def _write_again(program: Program, room: Room, decide: Callable[[Room], Plan | None]) -> bool:
    plan = decide(room)
    if plan is None:
        return False
    # In this order: a kill in between leaves a note of what is not yet set, which does no harm.
    before = room.folder.record
    if plan.record is not None and plan.record != before:
        seerr_folder.write_record(program, plan.record)
    if plan.settings is not None:
        seerr_folder.write_settings(program, plan.settings, room.folder.mode)
    if plan.record is None and before is not None:
        seerr_folder.write_record(program, None)
    return True


def _through_api(program: Program, now: Ready, plan: Plan, *, starting: bool) -> Iterator[Note]:
    with seerr_api.Client(plan.api_key, starting=starting) as client:
        if plan.application_url is not None:
            yield from _set_url(program, client, plan.application_url)
        if plan.host is not None:
            yield from _follow(program, client, now.settings, plan.host)


def _set_url(program: Program, client: seerr_api.Client, url: str) -> Iterator[Note]:
    try:
        client.set_application_url(url)
    except SeerrError as error:
        if error.reason is Reason.CSRF:
            _by_file(program, Wanted(application_url=url))
        else:
            yield Note(f'cannot set the application URL: {error}')


def _follow(
    program: Program, client: seerr_api.Client, settings: Settings, server: Server
) -> Iterator[Note]:
    """Point Seerr at another host of the kind it is set up for."""
    if not seerr_api.answers(server.kind, server.address):
        yield Note(f'waiting for {server.app} to answer at {server.address.url}')
        return
    try:
        set_host(client, server, settings.address(server.kind))
        logger.info('Seerr uses %s at %s', server.app, server.address.url)
    except SeerrError as error:
        if error.reason is Reason.CSRF:
            _by_file(program, _wanted_host(server))
        elif error.reason is Reason.SERVER_REFUSED:
            yield Note(
                f'{server.app} does not let Seerr in: sign in to Seerr again as its owner',
                blocked=True,
            )
        else:
            yield Note(f'cannot point Seerr at {server.app}: {error}')


def set_host(client: seerr_api.Client, server: Server, before: Address | None) -> None:
    """Set a media server's host.

    Args:
        client: Seerr.
        server: The server, which was found to answer.
        before: What the settings file says. It is put back after a refusal: Seerr would keep
            the refused host of Plex in memory and write it down with the next save of anything.

    Raises:
        SeerrError: if Seerr or the media server refuses.
    """
    if server.kind is not MediaServer.PLEX:
        client.set_jellyfin(seerr_settings.jellyfin_fields(server.address))
        return
    try:
        client.set_plex(seerr_settings.plex_fields(server.address))
    except SeerrError as error:
        if error.reason in _POISONED and before is not None:
            # The old host may be gone too. Seerr takes it into memory all the same.
            with contextlib.suppress(SeerrError):
                client.set_plex(seerr_settings.plex_fields(before))
        raise


def _wanted_host(server: Server) -> Wanted:
    if server.kind is MediaServer.PLEX:
        return Wanted(plex=server.address)
    return Wanted(jellyfin=server.address)


def _by_file(program: Program, wanted: Wanted) -> None:
    """Change the settings file where the API cannot be used.

    Raises:
        ProgramError: if that cannot be done; Seerr runs again with the old settings.
    """
    if edit(program, lambda room: _merge(program, room, wanted)):
        program.start()


def _merge(program: Program, room: Room, wanted: Wanted) -> bool:
    settings, image = room.folder.settings, room.image
    if image is None or settings is None or seerr_plan.fault(room):
        return False
    stage = seerr_settings.stage(settings, room.folder.database, image.flavour)
    merged = seerr_settings.merge(settings, wanted, stage, image.flavour)
    seerr_folder.write_settings(program, merged, room.folder.mode)
    return True
