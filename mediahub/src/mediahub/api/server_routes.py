# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The servers: how they are and what to do about it, their libraries, and scans of these."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from typing import Annotated

import fastapi
import msgspec
import pydantic
from starlette.responses import Response

from ..engine.errors import MediaHubError
from ..playback import plex_shapes
from . import envelope
from .access import Admin, Viewer
from .envelope import Problem
from .hub import Hub, TheHub
from .openapi import SERVER, answers
from .others import Other
from .servers import SERVER_PATTERN, Server

router = fastapi.APIRouter(tags=['servers'])

_SCANNING = 'library.update.section'


class ServerView(msgspec.Struct, frozen=True, kw_only=True):
    """A server as the hub sees it.

    Attributes:
        type: Such as ``plex`` or ``jellyfin``.
        watched: Whether what plays on it is followed; that of Plex servers is.
        machine_id: Empty as long as it has never answered.
        connected: Whether the last look at it was a good one.
        realtime: Whether it tells of changes by itself.
        way: By which path it does.
        last_snapshot_at: When it last answered well.
        token_valid: Whether it takes the hub's token.
        reason: What is wrong, in one line; empty where nothing is.
        advice: What to do about it, where that is known.
    """

    name: str
    type: str
    watched: bool
    machine_id: str
    version: str
    connected: bool
    realtime: bool
    way: str
    last_snapshot_at: datetime.datetime | None
    streams: int
    token_valid: bool
    unsaved_events: int
    reason: str
    advice: str


class ServerList(msgspec.Struct, frozen=True):
    """All servers, Plex first, in the order of the configuration."""

    servers: Sequence[ServerView]


@router.get('/servers')
@answers(ServerList)
async def servers(hub: TheHub, _: Viewer) -> Response:
    """All servers, how they are, and what to do about one that is not well."""
    watched = [_view(hub, server) for server in hub.servers]
    return envelope.success(ServerList([*watched, *map(_view_of_other, hub.others)]))


def _view(hub: Hub, server: Server) -> ServerView:
    state = server.watcher.state
    return ServerView(
        name=server.name,
        type='plex',
        watched=True,
        machine_id=state.machine_id,
        version=state.version,
        connected=state.connected,
        realtime=state.realtime,
        way=state.way,
        last_snapshot_at=state.snapshot_at,
        streams=state.streams,
        token_valid=not state.token_dead,
        unsaved_events=state.unsaved,
        reason=state.problem,
        advice=hub.advice(server.name),
    )


def _view_of_other(other: Other) -> ServerView:
    return ServerView(
        name=other.name,
        type=other.kind,
        watched=False,
        machine_id=other.machine_id,
        version=other.version,
        connected=other.connected,
        realtime=False,
        way='',
        last_snapshot_at=other.seen_at,
        streams=0,
        token_valid=not other.refused,
        unsaved_events=0,
        reason=other.client.status.reason,
        advice='give the hub another token or password for it' if other.refused else '',
    )


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """A library.

    Attributes:
        server: Its server's name.
        key: Names it on its server.
        count: Films, shows or artists; None where the server does not tell.
        scanning: Whether the server looks for new files in it.
        progress: Percent of that; None where the server does not tell.
        scannable: Whether the server scans it when the hub asks for that.
    """

    server: str
    machine_id: str
    key: str
    title: str
    type: str
    count: int | None
    scanning: bool
    progress: int | None
    scanned_at: datetime.datetime | None
    scannable: bool


class Unreachable(msgspec.Struct, frozen=True):
    """A server that did not answer."""

    name: str
    machine_id: str
    reason: str


class LibraryList(msgspec.Struct, frozen=True):
    """The libraries of all servers that answered, and those servers that did not."""

    libraries: Sequence[Library]
    unreachable: Sequence[Unreachable]


@router.get('/libraries')
@answers(LibraryList)
async def libraries(hub: TheHub, _: Viewer) -> Response:
    """The libraries of all servers; one that does not answer takes nothing from the others."""
    found = list[Library]()
    away = list[Unreachable]()
    known = [*hub.servers, *hub.others]
    answered = await asyncio.gather(
        *(_libraries(hub, server) for server in hub.servers),
        *(_libraries_of_other(hub, other) for other in hub.others),
        return_exceptions=True,
    )
    for server, answer in zip(known, answered, strict=True):
        if isinstance(answer, MediaHubError):
            away.append(Unreachable(server.name, server.machine_id, str(answer)))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found += answer
    return envelope.success(LibraryList(found, away))


async def _libraries(hub: Hub, server: Server) -> list[Library]:
    api, name = server.api, server.name
    sections, _ = await hub.answers.get((name, 'sections'), 2, api.sections)
    activities, _ = await hub.answers.get((name, 'activities'), 1, api.activities)
    running = {entry.library_id: entry for entry in activities if entry.type == _SCANNING}

    async def counted() -> dict[str, int | None]:
        counts = await asyncio.gather(*(api.count(section.key) for section in sections))
        return dict(zip((section.key for section in sections), counts, strict=True))

    counts, _ = await hub.answers.get((name, 'counts'), 120, counted)
    return [_library(server, section, running, counts) for section in sections]


def _library(
    server: Server,
    section: plex_shapes.Section,
    running: dict[str, plex_shapes.Activity],
    counts: dict[str, int | None],
) -> Library:
    scan = running.get(section.key)
    return Library(
        server=server.name,
        machine_id=server.machine_id,
        key=section.key,
        title=section.title,
        type=section.type,
        count=counts.get(section.key),
        scanning=bool(scan or section.refreshing),
        progress=scan.progress if scan else None,
        scanned_at=section.scanned_at,
        scannable=True,
    )


async def _libraries_of_other(hub: Hub, other: Other) -> list[Library]:
    found, _ = await hub.answers.get((other.name, 'libraries'), 2, other.client.get_libraries)
    return [
        Library(
            server=other.name,
            machine_id=other.machine_id,
            key=library.key,
            title=library.title,
            type=library.type,
            count=None,
            scanning=bool(library.scanning),
            progress=None if library.percent is None else round(library.percent),
            scanned_at=None,
            scannable=other.scans,
        )
        for library in found
    ]


class Scan(pydantic.BaseModel):
    """Which library to scan; all of a server's where none is named."""

    model_config = pydantic.ConfigDict(extra='forbid')

    server: Annotated[str | None, pydantic.StringConstraints(pattern=SERVER_PATTERN)] = None
    library: (
        Annotated[str, pydantic.StringConstraints(pattern=r'^[A-Za-z0-9_.-]{1,64}$')] | None
    ) = None


class Scanning(msgspec.Struct, frozen=True):
    """The scans that a server was asked for."""

    server: str
    libraries: Sequence[str]


@router.post('/libraries/scan')
@answers(Scanning, 403, *SERVER, status=202)
async def scan_libraries(hub: TheHub, _: Admin, asked: Scan) -> Response:
    """Have a server look for new files. How far it is stands in the list of libraries."""
    other = hub.others.find(asked.server)
    if other is not None:
        return await _scan_other(hub, other, asked.library)
    server = hub.servers.choose(asked.server)
    known = [section.key for section in await server.api.sections()]
    if asked.library is not None and asked.library not in known:
        raise Problem(404, 'NOT_FOUND', f'{server.name} has no library of key {asked.library}')
    chosen = known if asked.library is None else [asked.library]
    for key in chosen:
        await server.api.scan(key)
    for what in ('sections', 'activities', 'counts'):
        hub.answers.forget((server.name, what))
    return envelope.success(Scanning(server.name, chosen), status=202)


async def _scan_other(hub: Hub, other: Other, library: str | None) -> Response:
    known = [each.key for each in await other.client.get_libraries()]
    chosen = known if library is None else [library]
    if library is None:
        await other.client.trigger_library_scan()
    else:
        await other.client.scan_library(library)
    hub.answers.forget((other.name, 'libraries'))
    return envelope.success(Scanning(other.name, chosen), status=202)
