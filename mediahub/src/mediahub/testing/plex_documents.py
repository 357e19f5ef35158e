# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Documents of a Plex server: a ``MediaContainer``, as JSON or as XML."""

from __future__ import annotations

import dataclasses
from typing import Any, cast
from xml.sax import saxutils

from .http import Answer, Asked, answer_json

# A MediaContainer, or anything within one.
Node = dict[str, Any]

_ELEMENTS = {
    'track': 'Track',
    'playlist': 'Playlist',
    'artist': 'Directory',
    'album': 'Directory',
    'show': 'Directory',
    'season': 'Directory',
    'movie': 'Video',
    'episode': 'Video',
    'clip': 'Video',
}


def container(
    key: str, items: list[Node], total: int | None = None, offset: int | None = None
) -> Node:
    """A container of items; ``total`` and ``offset`` where they are a part of more."""
    found: Node = {'size': len(items)}
    if total is not None:
        found |= {'totalSize': total, 'offset': offset or 0}
    return found | ({key: items} if items else {})


def rendered(asked: Asked, container: Node) -> Answer:
    """A container in the form that the request accepts."""
    if 'application/json' in asked.headers.get('accept', ''):
        answer = answer_json({'MediaContainer': container})
    else:
        document = '<?xml version="1.0" encoding="UTF-8"?>' + _xml('MediaContainer', container)
        answer = Answer(200, document.encode(), 'text/xml;charset=utf-8')
    total = container.get('totalSize')
    headers = {} if total is None else {'X-Plex-Container-Total-Size': str(total)}
    return dataclasses.replace(answer, headers=headers)


def _xml(name: str, node: Node) -> str:
    """A node as Plex writes XML: plain values are attributes, lists are children."""
    attributes: list[str] = []
    children: list[str] = []
    for key, value in node.items():
        if isinstance(value, dict):
            children.append(_xml(key, cast('Node', value)))
        elif isinstance(value, list):
            children += [_xml(_element(key, child), child) for child in cast('list[Node]', value)]
        else:
            text = str(int(value)) if isinstance(value, bool) else str(value)
            attributes.append(f' {key}={saxutils.quoteattr(text)}')
    return f'<{name}{"".join(attributes)}>{"".join(children)}</{name}>'


def _element(key: str, child: Node) -> str:
    return _ELEMENTS[child['type']] if key == 'Metadata' else key
