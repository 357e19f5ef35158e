# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a Plex server tells, and the few things that it can be told to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import fastapi
import msgspec
import pydantic
from pydantic.config import JsonDict
from starlette.responses import Response

from .. import plays
from ..playback import plex_shapes
from . import envelope
from .access import Admin, Viewer
from .discretion import for_eyes
from .envelope import Problem
from .hub import TheHub
from .openapi import SERVER, answers
from .servers import SERVER_PATTERN, Chosen, Server

router = fastapi.APIRouter(prefix='/plex', tags=['plex'])

T = TypeVar('T')

RatingKey = Annotated[str, fastapi.Path(pattern=r'^[0-9]{1,20}$', alias='ratingKey')]
SessionKey = Annotated[
    str,
    fastapi.Path(pattern=r'^[A-Za-z0-9_~:@-][A-Za-z0-9._~:@-]{0,127}$', alias='sessionKey'),
]


class Done(msgspec.Struct, frozen=True):
    """What was asked for was handed to the server."""

    server: str
    key: str


async def _asked(
    hub: TheHub, server: Server, what: str, seconds: float, ask: Callable[[], Awaitable[T]]
) -> Response:
    """What the server answers, or answered a moment ago."""
    answer, cached = await hub.answers.get((server.name, what), seconds, ask)
    return envelope.success(answer, cached=cached)


@router.get('/sessions')
@answers(list[plays.Seen], *SERVER)
async def plex_sessions(hub: TheHub, eyes: Viewer, server: Chosen) -> Response:
    """What plays now, as the server tells it."""
    key = (server.name, 'sessions')
    seen, cached = await hub.answers.get(key, 1, server.api.sessions)
    return envelope.success([for_eyes(eyes, session) for session in seen], cached=cached)


@router.get('/identity')
@answers(plex_shapes.Identity, *SERVER)
async def plex_identity(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """Who the server is."""
    return await _asked(hub, server, 'identity', 30, server.api.identity)


@router.get('/capabilities')
@answers(plex_shapes.Capabilities, 403, *SERVER)
async def plex_capabilities(hub: TheHub, eyes: Viewer, server: Chosen) -> Response:
    """What the server can do. Only administrators see whose account it is of."""
    key = (server.name, 'capabilities')
    found, cached = await hub.answers.get(key, 30, server.api.capabilities)
    shown = found if eyes.admin else msgspec.structs.replace(found, account='')
    return envelope.success(shown, cached=cached)


@router.get('/devices')
@answers(list[plex_shapes.Device], *SERVER)
async def plex_devices(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """The devices that have played something."""
    return await _asked(hub, server, 'devices', 15, server.api.devices)


@router.get('/accounts')
@answers(list[plex_shapes.Account], *SERVER)
async def plex_accounts(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """The accounts that the server numbers: 1 is its owner."""
    return await _asked(hub, server, 'accounts', 15, server.api.accounts)


@router.get('/activities')
@answers(list[plex_shapes.Activity], *SERVER)
async def plex_activities(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """What the server does in the background."""
    return await _asked(hub, server, 'activities', 1, server.api.activities)


@router.get('/playlists')
@answers(list[plex_shapes.Playlist], *SERVER)
async def plex_playlists(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """The playlists of the account that the hub's token is of."""
    return await _asked(hub, server, 'playlists', 15, server.api.playlists)


@router.get('/library/sections')
@answers(list[plex_shapes.Section], *SERVER)
async def plex_sections(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """The libraries."""
    return await _asked(hub, server, 'sections', 5, server.api.sections)


@router.get('/library/onDeck')
@answers(list[plex_shapes.Metadata], *SERVER)
async def plex_on_deck(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """What was begun, or comes next."""
    return await _asked(hub, server, 'on deck', 15, server.api.on_deck)


@router.get('/library/metadata/{ratingKey}')
@answers(plex_shapes.Metadata, *SERVER)
async def plex_metadata(hub: TheHub, _: Viewer, server: Chosen, rating_key: RatingKey) -> Response:
    """One item of a library."""
    what = f'metadata {rating_key}'
    return await _asked(hub, server, what, 15, lambda: server.api.metadata(rating_key))


@router.get('/transcode/sessions')
@answers(list[plex_shapes.Transcode], *SERVER)
async def plex_transcodes(hub: TheHub, _: Viewer, server: Chosen) -> Response:
    """The transcodes that are running."""
    return await _asked(hub, server, 'transcodes', 1, server.api.transcodes)


@router.delete('/transcode/sessions/{sessionKey}')
@answers(Done, 403, *SERVER)
async def plex_cancel_transcode(
    hub: TheHub, _: Admin, server: Chosen, session_key: SessionKey
) -> Response:
    """End a transcode. The key is the transcode's, not that of a session."""
    await server.api.cancel_transcode(session_key)
    hub.answers.forget((server.name, 'transcodes'))
    server.watcher.bell.ring('request')
    return envelope.success(Done(server.name, session_key))


def _only(name: str) -> JsonDict:
    return {'required': [name], 'properties': {name: {'type': 'string'}}}


class Termination(pydantic.BaseModel):
    """Which session to end, by the hub's id of the play or by the server's of the session.

    Attributes:
        message: Shown to the viewer.
    """

    model_config = pydantic.ConfigDict(
        extra='forbid', json_schema_extra={'oneOf': [_only('play_id'), _only('session_id')]}
    )

    server: Annotated[str | None, pydantic.StringConstraints(pattern=SERVER_PATTERN)] = None
    play_id: Annotated[str, pydantic.StringConstraints(pattern=r'^[0-9a-f-]{36}$')] | None = None
    session_id: (
        Annotated[
            str,
            pydantic.StringConstraints(pattern=r'^[A-Za-z0-9_~:@-][A-Za-z0-9._~:@-]{0,127}$'),
        ]
        | None
    ) = None
    message: Annotated[str, pydantic.StringConstraints(max_length=500)] = ''


@router.post('/sessions/terminate')
@answers(Done, 403, *SERVER)
async def plex_terminate(hub: TheHub, who: Admin, asked: Termination) -> Response:
    """End somebody's session and tell them why. Needs Plex Pass on the server."""
    if (asked.play_id is None) == (asked.session_id is None):
        raise envelope.invalid('name either play_id or session_id')
    server, session_id = await _session(hub, asked)
    # A line break would end the header in which some servers pass it on.
    message = ' '.join(asked.message.split())
    await server.api.terminate(session_id, message)
    server.watcher.bell.ring('request')
    return envelope.success(Done(server.name, session_id))


async def _session(hub: TheHub, asked: Termination) -> tuple[Server, str]:
    if asked.session_id is not None:
        return hub.servers.choose(asked.server), asked.session_id
    live = await hub.database.run(hub.plays.live)
    play = next((play for play in live if play.play_id == asked.play_id), None)
    if play is None:
        raise Problem(404, 'NOT_FOUND', 'that play is over, or never was')
    if not play.session_id:
        raise Problem(409, 'CONFLICT', 'its player told no session id, so it cannot be ended')
    return hub.servers.choose(play.server), play.session_id
