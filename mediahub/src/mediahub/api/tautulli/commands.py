# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The commands. Tautulli knows one server; here all are meant unless ``server`` names one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ...engine import wire
from ...plays import Play
from ..discretion import for_eyes
from ..envelope import Problem
from ..servers import Server
from . import charts, history, words
from .asked import Asked, Command
from .words import Node

# The version of Tautulli whose API this is like; tools look at it before they ask for more.
LIKE = 'v2.17.2'


async def _live(asked: Asked) -> list[Play]:
    hub, machine = asked.hub, asked.machine
    plays = await hub.database.run(lambda: hub.plays.live(machine))
    return [for_eyes(asked.eyes, play) for play in plays]


async def get_activity(asked: Asked) -> Node:
    """What plays now; ``session_key`` or ``session_id`` picks one."""
    plays = await _live(asked)
    if not asked.query.get('session_key') and not asked.query.get('session_id'):
        return words.activity(plays)
    found = _named(asked, plays)
    return words.session(found[0]) if found else {}


def _named(asked: Asked, plays: Sequence[Play]) -> list[Play]:
    key, session = asked.query.get('session_key'), asked.query.get('session_id')
    return [play for play in plays if play.session_key == key or play.session_id == session]


async def get_server_identity(asked: Asked) -> Node:
    """Machine identifier and version."""
    state = asked.one_server.watcher.state
    return {'machine_identifier': state.machine_id, 'version': state.version}


async def get_server_friendly_name(asked: Asked) -> str:
    """The server's name."""
    return asked.one_server.name


async def get_server_info(asked: Asked) -> Node:
    """All about the server that can be told without asking it."""
    return _info(asked.one_server)


async def get_servers_info(asked: Asked) -> list[Node]:
    """The same of all servers."""
    return [_info(server) for server in asked.hub.servers]


def _info(server: Server) -> Node:
    state, parts = server.watcher.state, urlsplit(server.api.address.url)
    secure = parts.scheme == 'https'
    return {
        'pms_name': server.name,
        'pms_identifier': state.machine_id,
        'pms_version': state.version,
        'pms_platform': '',
        'pms_ip': parts.hostname or '',
        'pms_port': parts.port or (443 if secure else 80),
        'pms_ssl': int(secure),
        'pms_url': f'{parts.scheme}://{parts.netloc.rpartition("@")[2]}',
        'pms_url_manual': 1,
        'pms_is_cloud': 0,
        'pms_is_remote': 0,
        'pms_plexpass': 0,
        'pms_update_channel': '',
    }


async def server_status(asked: Asked) -> Node:
    """Whether the server answers."""
    return {'connected': asked.one_server.watcher.state.connected}


async def status(asked: Asked) -> Node:
    """That the hub answers."""
    return {}


async def get_tautulli_info(asked: Asked) -> Node:
    """What this is."""
    return {
        'tautulli_version': LIKE,
        'tautulli_install_type': 'mediahub',
        'tautulli_branch': 'mediahub',
        'tautulli_commit': wire.VERSION,
        'tautulli_platform': '',
        'tautulli_platform_release': '',
        'tautulli_platform_version': '',
        'tautulli_platform_linux_distro': '',
        'tautulli_platform_device_name': '',
        'tautulli_python_version': '',
    }


async def arnold(asked: Asked) -> str:
    """What Tautulli says to those who try whether it is there."""
    return 'I said I would be back.'


async def get_users(asked: Asked) -> list[Node]:
    """The accounts of the server."""
    server = asked.one_server
    accounts, _ = await asked.hub.answers.get((server.name, 'accounts'), 15, server.api.accounts)
    return [
        {
            'user_id': int(account.account_id) if account.account_id.isdigit() else 0,
            'username': account.name or 'Local',
            'friendly_name': account.name or 'Local',
            'thumb': account.thumb,
            'email': '',
            'is_active': 1,
            'is_admin': int(account.account_id == '1'),
            'is_home_user': 0,
            'is_allow_sync': 0,
            'is_restricted': 0,
            'do_notify': 0,
            'keep_history': 1,
            'allow_guest': 0,
            'shared_libraries': [],
        }
        for account in accounts
    ]


async def get_user_names(asked: Asked) -> list[Node]:
    """Numbers and names of accounts."""
    return [
        {'user_id': user['user_id'], 'friendly_name': user['friendly_name']}
        for user in await get_users(asked)
    ]


async def get_libraries(asked: Asked) -> list[Node]:
    """The server's libraries."""
    server = asked.one_server
    sections, _ = await asked.hub.answers.get((server.name, 'sections'), 2, server.api.sections)
    return [
        {
            'section_id': section.key,
            'section_name': section.title,
            'section_type': section.type,
            'agent': section.agent,
            'is_active': 1,
            'count': '',
            'thumb': '',
            'art': '',
        }
        for section in sections
    ]


async def get_library_names(asked: Asked) -> list[Node]:
    """Keys and names of libraries."""
    keep = ('section_id', 'section_name', 'section_type')
    return [{name: library[name] for name in keep} for library in await get_libraries(asked)]


async def terminate_session(asked: Asked) -> Node:
    """End a session, and tell its viewer why."""
    if not asked.eyes.admin:
        raise Problem(403, 'FORBIDDEN', "this needs an administrator's API token")
    plays = _named(asked, await _live(asked))
    if len(plays) != 1 or not plays[0].session_id:
        raise Problem(400, 'INVALID_REQUEST', 'name one session by session_id')
    server = asked.hub.servers.choose(plays[0].server)
    message = ' '.join(asked.query.get('message', '').split())[:500]
    await server.api.terminate(plays[0].session_id, message)
    server.watcher.bell.ring('request')
    return {}


COMMANDS: Mapping[str, Command] = {
    command.__name__: command
    for command in (
        arnold,
        get_activity,
        get_libraries,
        get_library_names,
        get_server_friendly_name,
        get_server_identity,
        get_server_info,
        get_servers_info,
        get_tautulli_info,
        get_user_names,
        get_users,
        server_status,
        status,
        terminate_session,
        *history.COMMANDS,
        *charts.COMMANDS,
    )
}
