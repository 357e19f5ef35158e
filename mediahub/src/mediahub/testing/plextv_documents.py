# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Documents of plex.tv: JSON as it is, or XML with an element around every list."""

from __future__ import annotations

from typing import Any, cast
from xml.sax import saxutils

from .http import Answer, Asked, answer_json
from .plex_documents import Node


def rendered(asked: Asked, name: str, document: Any, status: int = 200) -> Answer:
    """A document in the form that the request accepts; ``name`` is that of its root in XML."""
    if 'application/json' in asked.headers.get('accept', ''):
        return answer_json(document, status)
    text = '<?xml version="1.0" encoding="UTF-8"?>' + _element(name, document)
    return Answer(status, text.encode(), 'application/xml; charset=utf-8')


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
