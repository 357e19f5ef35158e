# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A double of Tautulli's API: its history, users, libraries and server.

Rows have the fields, and the kinds of value, that its API reference documents for ``get_history``.
It refuses what the real one does not know.
"""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Callable
from typing import Any

from .http import Answer, Asked, NotModelled, answer_json

_COLUMNS = frozenset(
    {
        'date', 'friendly_name', 'ip_address', 'platform', 'player', 'full_title', 'started',
        'paused_counter', 'stopped', 'duration',
    }
)  # fmt: skip
_HISTORY = frozenset(
    {
        'grouping', 'include_activity', 'user', 'user_id', 'rating_key', 'start_date', 'before',
        'after', 'section_id', 'media_type', 'transcode_decision', 'guid', 'order_column',
        'order_dir', 'start', 'length', 'search',
    }
)  # fmt: skip


@dataclasses.dataclass
class User:
    """Somebody, by the number that plex.tv gives."""

    user_id: int
    name: str
    friendly_name: str = ''
    admin: bool = False

    def node(self) -> dict[str, Any]:
        """As ``get_users`` shows it."""
        return {
            'row_id': self.user_id % 1000,
            'user_id': self.user_id,
            'username': self.name,
            'friendly_name': self.friendly_name or self.name,
            'thumb': f'https://plex.tv/users/{self.user_id:x}/avatar',
            'email': '',
            'is_active': 1,
            'is_admin': int(self.admin),
            'is_home_user': 0,
            'is_allow_sync': 1,
            'is_restricted': 0,
            'do_notify': 1,
            'keep_history': 1,
            'allow_guest': 0,
            'shared_libraries': ['1', '2'],
            'filter_all': '',
            'server_token': 'a-token-that-nobody-may-keep',
        }


@dataclasses.dataclass
class Row:
    """A play as Tautulli keeps it.

    Attributes:
        section: Key of the library that it was in.
        going_on: Whether it is a session of now, which stands among the rows.
        fields: What is to differ from the documented example.
    """

    user: User
    started: datetime.datetime
    seconds: int
    paused: int = 0
    section: int = 1
    going_on: bool = False
    fields: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])


class TautulliDouble:
    """Its API; call it with a request.

    Attributes:
        rows: In the order in which they were recorded.
        libraries: Titles by section key. One that was removed leaves its rows behind.
        zone: Whose days ``after`` means.
    """

    def __init__(self, machine: str, api_key: str = 'tautulli-api-key'):
        self.machine = machine
        self.api_key = api_key
        self.enabled = True
        self.rows: list[Row] = []
        self.users: list[User] = [User(9001, 'owner', 'The owner', admin=True)]
        self.libraries: dict[int, str] = {1: 'Films', 2: 'Shows'}
        self.zone: datetime.tzinfo = zoneinfo.ZoneInfo('UTC')
        self.broken = False

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        if asked.path != '/api/v2':
            raise NotModelled(f'{asked.method} {asked.path}')
        if not self.enabled:
            return _failed('API not enabled')
        if asked.first('apikey') != self.api_key:
            return _failed('Invalid apikey', 401)
        command = asked.first('cmd')
        commands: dict[str, Callable[[Asked], object]] = {
            'get_server_info': self._server_info,
            'get_users': lambda asked: [user.node() for user in self.users],
            'get_libraries': self._list_libraries,
            'get_history': self._history,
        }
        if command not in commands:
            return _failed(f'Unknown command: {command}', 400)
        data = commands[command](asked)
        return answer_json({'response': {'result': 'success', 'message': None, 'data': data}})

    def _server_info(self, asked: Asked) -> dict[str, Any]:
        return {
            'pms_identifier': self.machine,
            'pms_ip': '10.10.10.1',
            'pms_is_remote': 0,
            'pms_name': 'Double',
            'pms_platform': 'Linux',
            'pms_plexpass': 1,
            'pms_port': 32400,
            'pms_ssl': 0,
            'pms_url': 'http://10.10.10.1:32400',
            'pms_url_manual': 0,
            'pms_version': '1.43.2.10000-0123abcd',
        }

    def _list_libraries(self, asked: Asked) -> list[dict[str, Any]]:
        return [
            {
                'section_id': str(key),
                'section_name': title,
                'section_type': 'movie',
                'agent': 'tv.plex.agents.movie',
                'count': '12',
                'is_active': 1,
                'thumb': '/:/resources/movie.png',
                'art': '/:/resources/movie-fanart.jpg',
            }
            for key, title in self.libraries.items()
        ]

    def _history(self, asked: Asked) -> dict[str, Any]:
        unknown = {name for name, _ in asked.query} - _HISTORY - {'apikey', 'cmd'}
        if unknown or asked.first('order_column', 'date') not in _COLUMNS:
            raise NotModelled(f'get_history with {sorted(unknown)}')
        if asked.first('grouping') != '0':
            raise NotModelled('grouped history')
        if self.broken:
            error = 'Unable to execute database query.'
            counts = {'recordsFiltered': 0, 'recordsTotal': 0, 'draw': 0}
            return {**counts, 'data': 'null', 'error': error}
        wanted = [
            (number, row) for number, row in enumerate(self.rows, 1) if self._wanted(asked, row)
        ]
        wanted.sort(key=lambda pair: pair[1].started, reverse=asked.first('order_dir') != 'asc')
        start, length = asked.number('start', 0), asked.number('length', 25)
        return {
            'draw': 1,
            'recordsTotal': len(self.rows),
            'recordsFiltered': len(wanted),
            'total_duration': '42 days 5 hrs 18 mins',
            'filter_duration': '10 hrs 12 mins',
            'data': [self.node(*pair) for pair in wanted[start : start + length]],
        }

    def _wanted(self, asked: Asked, row: Row) -> bool:
        if row.going_on and asked.first('include_activity') == '0':
            return False
        if asked.first('section_id') not in ('', str(row.section)):
            return False
        day = row.started.astimezone(self.zone).date().isoformat()
        return day >= asked.first('after')

    def node(self, number: int, row: Row) -> dict[str, Any]:
        """A row as ``get_history`` shows it."""
        started = int(row.started.timestamp())
        return {
            'reference_id': number,
            'row_id': None if row.going_on else number,
            'date': started,
            'started': started,
            'stopped': 0 if row.going_on else started + row.seconds,
            'play_duration': row.seconds - row.paused,
            'paused_counter': row.paused,
            'user_id': row.user.user_id,
            'user': row.user.name,
            'friendly_name': row.user.friendly_name or row.user.name,
            'platform': 'Windows',
            'product': 'Plex for Windows',
            'player': 'Castle-PC',
            'ip_address': '192.0.2.7',
            'live': 0,
            'machine_id': 'lmd93nkn12k29j2lnm',
            'location': 'wan',
            'secure': 1,
            'relayed': 0,
            'media_type': 'movie',
            'rating_key': 4348,
            'parent_rating_key': '',
            'grandparent_rating_key': '',
            'full_title': 'The Red Woman',
            'title': 'The Red Woman',
            'parent_title': '',
            'grandparent_title': '',
            'original_title': '',
            'year': 2016,
            'media_index': '',
            'parent_media_index': '',
            'thumb': '/library/metadata/4348/thumb/1462414561',
            'originally_available_at': '2016-04-24',
            'guid': 'plex://movie/5d776827880197001ec9038e',
            'transcode_decision': 'transcode',
            'percent_complete': 84,
            'watched_status': 0,
            'group_count': 1,
            'group_ids': str(number),
            'state': 'playing' if row.going_on else None,
            'session_key': '7' if row.going_on else None,
            **row.fields,
        }


def _failed(message: str, status: int = 200) -> Answer:
    response: dict[str, object] = {'result': 'error', 'message': message, 'data': {}}
    return answer_json({'response': response}, status)
