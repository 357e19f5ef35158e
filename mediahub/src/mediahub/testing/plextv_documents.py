# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Documents of plex.tv: JSON as it is, or XML with an element around every list."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, cast
from xml.sax import saxutils

from .http import Answer, Asked, answer_json
from .plex_documents import Node
from .plextv_people import Server, User


def rendered(asked: Asked, name: str, document: Any, status: int = 200) -> Answer:
    """A document in the form that the request accepts; ``name`` is that of its root in XML."""
    if 'application/json' in asked.headers.get('accept', ''):
        return answer_json(document, status)
    text = '<?xml version="1.0" encoding="UTF-8"?>' + _element(name, document)
    return Answer(status, text.encode(), 'application/xml; charset=utf-8')


def guest_list(people: Sequence[tuple[User, Sequence[Server]]], now: datetime.datetime) -> Answer:
    """The people whom an account shares servers with, each with those servers."""
    found = [_guest(user, servers, now) for user, servers in people]
    inner = ''.join(f'<User{_attributes(node)}>{shares}</User>' for node, shares in found)
    head = {
        'friendlyName': 'myPlex',
        'identifier': 'com.plexapp.plugins.myplex',
        'machineIdentifier': '85a28b6ea2b35c1a10cbdd967b74117a45e8694f',
        'totalSize': len(found),
        'size': len(found),
    }
    text = f'<MediaContainer{_attributes(head)}>{inner}</MediaContainer>'
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    return Answer(200, (declaration + text).encode(), 'application/xml; charset=utf-8')


def _guest(user: User, servers: Sequence[Server], now: datetime.datetime) -> tuple[Node, str]:
    node: Node = {
        'id': user.id,
        'title': user.name,
        'username': user.name,
        'email': f'{user.name.lower()}@example.com',
        'recommendationsPlaylistId': '',
        'thumb': user.thumb,
        'protected': False,
        'home': False,
        'allowSync': False,
        'allowCameraUpload': False,
        'allowChannels': False,
        'filterAll': '',
        'filterMovies': '',
        'filterMusic': '',
        'filterPhotos': '',
        'filterTelevision': '',
        'restricted': False,
    }
    shares: list[Node] = [
        {
            'id': 7_000_000 + user.id,
            'serverId': 1,
            'machineIdentifier': server.machine,
            'name': server.name,
            'lastSeenAt': int(now.timestamp()),
            'numLibraries': 4,
            'allLibraries': True,
            'owned': True,
            'pending': user.id in server.invited,
        }
        for server in servers
    ]
    return node, ''.join(f'<Server{_attributes(share)}/>' for share in shares)


def refused(asked: Asked, status: int, code: int, message: str) -> Answer:
    """An error."""
    error = {'code': code, 'message': message, 'status': status}
    if 'application/json' in asked.headers.get('accept', ''):
        return answer_json({'errors': [error]}, status)
    text = f'<errors><error{_attributes(error)}/></errors>'
    return Answer(status, text.encode(), 'application/xml; charset=utf-8')


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        children = ''.join(_child(name, child) for child in cast('list[Any]', value))
        return f'<{name}>{children}</{name}>'
    if not isinstance(value, dict):
        return f'<{name}>{saxutils.escape(_plain(value))}</{name}>'
    node = cast('Node', value)
    inner = [key for key, child in node.items() if isinstance(child, (dict, list))]
    plain = {key: child for key, child in node.items() if key not in inner}
    children = ''.join(_element(key, node[key]) for key in inner)
    return f'<{name}{_attributes(plain)}>{children}</{name}>'


def _child(name: str, child: Any) -> str:
    node = cast('Node', child) if isinstance(child, dict) else {'id': child}
    return _element(name.removesuffix('s'), node)


def _attributes(node: Node) -> str:
    known = {name: value for name, value in node.items() if value is not None}
    return ''.join(f' {name}={saxutils.quoteattr(_plain(value))}' for name, value in known.items())


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
