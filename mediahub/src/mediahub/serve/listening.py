# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The socket that the hub listens on, opened before anything else is touched."""

from __future__ import annotations

import contextlib
import errno
import socket

from ..engine.errors import MediaHubError

BACKLOG = 1024


class CannotListen(MediaHubError):
    """The address cannot be listened on; the message says why, and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address.

    Raises:
        CannotListen: It is taken, of another machine, or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CannotListen(f'MEDIAHUB_HOST: {host} cannot be resolved ({error})') from error
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            with contextlib.suppress(OSError):
                found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise CannotListen(_explained(host, port, error)) from error
    found.setblocking(False)
    return found


def _explained(host: str, port: int, error: OSError) -> str:
    place = f'{host} port {port}'
    if error.errno == errno.EADDRINUSE:
        return f'{place} is taken by another program; stop it or set MEDIAHUB_PORT'
    if error.errno == errno.EADDRNOTAVAIL:
        return f'{place} is no address of this machine; set MEDIAHUB_HOST'
    if error.errno == errno.EACCES:
        return f'{place} needs privileges; set MEDIAHUB_PORT to 1024 or more'
    return f'{place} cannot be listened on: {error.strerror or error}'


def url(found: socket.socket) -> str:
    """The address as a program on this machine asks it."""
    host, port = found.getsockname()[:2]
    if host in {'0.0.0.0', '::'}:  # noqa: S104 - compared, not bound
        host = '127.0.0.1' if found.family is socket.AF_INET else '::1'
    return f'http://[{host}]:{port}' if ':' in host else f'http://{host}:{port}'
