# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The first set-up without a browser: what the wizard does, in the wizard's order.

Each step looks first whether it is done, so the whole can be repeated after a failure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import seerr_api
import seerr_settings
import seerr_work
from charmarr_lib.interfaces import MediaServer
from seerr import Failed
from seerr_api import Client, SeerrError, SignInRefused
from seerr_servers import Server

# The media server may have to wake its disks to list its libraries.
_TIMEOUT: Final = 60.0


@dataclasses.dataclass(frozen=True)
class Done:
    """A finished set-up.

    Attributes:
        already: Whether it had been done before.
        libraries: How many libraries are used; 0 when ``already``.
    """

    already: bool
    libraries: int = 0


def pick(servers: Sequence[Server], kinds: Sequence[MediaServer], name: str) -> Server:
    """Return the server to set up with.

    Args:
        servers: The related ones.
        kinds: Kinds that will do.
        name: Application that the operator wants, empty for the only one.

    Raises:
        Failed: if there is none, or more than one.
    """
    fitting = [each for each in servers if each.kind in kinds and name in ('', each.app)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ', '.join(each.app for each in fitting)
        raise Failed(f'several media servers are related: set server to one of {names}')
    wanted = name or ' or '.join(kinds)
    raise Failed(f'no {wanted} is related that has said where it is')


def checked(content: Mapping[str, str], keys: Sequence[str]) -> Mapping[str, str]:
    """Return a secret's content if it has something under each of the keys.

    Raises:
        Failed: if it lacks one.
    """
    missing = [key for key in keys if not content.get(key)]
    if missing:
        raise Failed(f'the secret lacks {" and ".join(missing)}')
    return content


def with_jellyfin(api_key: str, server: Server, username: str, password: str, email: str) -> Done:
    """Set Seerr up with Jellyfin or Emby.

    Raises:
        Failed: if any step fails; what is done by then stays done.
    """

    def sign_in(client: Client) -> None:
        # Seerr wants an address; without one it takes the name, as here.
        client.sign_in_jellyfin(server.kind, server.address, username, password, email or username)

    return _run(api_key, server, sign_in)


def with_plex(api_key: str, server: Server, token: str) -> Done:
    """Set Seerr up with Plex.

    Raises:
        Failed: if any step fails; what is done by then stays done.
    """
    return _run(api_key, server, lambda client: client.sign_in_plex(token))


def _run(api_key: str, server: Server, sign_in: Callable[[Client], None]) -> Done:
    try:
        with Client(api_key, timeout=_TIMEOUT) as client:
            return _steps(client, server, sign_in)
    except (SeerrError, SignInRefused) as error:
        raise Failed(str(error)) from error


def _steps(client: Client, server: Server, sign_in: Callable[[Client], None]) -> Done:
    if client.public_settings().get('initialized') is True:
        _check_kind(client, server)
        return Done(already=True)
    if not seerr_api.answers(server.kind, server.address):
        raise Failed(f'{server.app} does not answer at {server.address.url}')
    if not client.is_administrator():
        sign_in(client)
        if not client.is_administrator():
            raise Failed('Seerr has accepted the sign-in but refuses its API key')
    _check_kind(client, server)
    if server.kind is MediaServer.PLEX:
        _name_plex(client, server)
    used = _use_libraries(client, server)
    client.initialize()
    return Done(already=False, libraries=used)


def _check_kind(client: Client, server: Server) -> None:
    """Refuse to go on with another kind than the one that somebody has signed in with."""
    number = client.public_settings().get('mediaServerType')
    kind = seerr_settings.SERVER_TYPES.get(number) if isinstance(number, int) else None
    if kind not in (None, server.kind):  # Overseerr has no kinds
        raise Failed(f'Seerr is set up for {kind}, which cannot be changed')


def _name_plex(client: Client, server: Server) -> None:
    """Tell Seerr which Plex it is: unlike Jellyfin's, the sign-in leads to plex.tv."""
    before = client.plex()
    wanted = seerr_settings.plex_fields(server.address)
    if not before.get('machineId') or any(before.get(k) != v for k, v in wanted.items()):
        known = seerr_settings.Settings({'plex': before}).address(MediaServer.PLEX)
        seerr_work.set_host(client, server, known)


def _use_libraries(client: Client, server: Server) -> int:
    """Use the libraries that were chosen before, all of them if none was."""
    is_plex = server.kind is MediaServer.PLEX
    settings: Mapping[str, Any] = client.plex() if is_plex else client.jellyfin()
    chosen = seerr_api.library_ids(settings.get('libraries', []), only_enabled=True)
    known = client.sync_libraries(server.kind)
    if not known.ids:
        raise SeerrError(seerr_api.Reason.NO_LIBRARIES)
    wanted = [each for each in known.ids if each in chosen] or known.ids
    client.use_libraries(server.kind, known, wanted)
    return len(wanted)
