# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the actions do to a Plex that runs in this pod."""

from __future__ import annotations

import typing
from collections.abc import Callable

import plex
import plex_preferences

Edit = Callable[[plex_preferences.Preferences], plex_preferences.Preferences]

# Tries after 0, 0.5, 1, 2... seconds: about a minute for a restarted Plex.
_PATIENCE = 8


class Host(typing.Protocol):
    """The container that Plex runs in.

    Its methods raise :class:`plex.PlexError` if they cannot do what they say.
    """

    def preferences(self) -> plex_preferences.Preferences | None:
        """Return Plex's settings, None if there are none yet or they cannot be read."""
        ...

    def restart_with(self, edit: Edit) -> None:
        """Change the settings while Plex is stopped, and start it again in any case."""
        ...


def server(host: Host) -> plex.Server:
    """Return the server with its own token, read now and kept nowhere.

    Raises:
        plex.PlexError: if the container cannot be reached.
    """
    found = host.preferences()
    return plex.Server(found.token if found else None)


def claim(host: Host, token: str, *, force: bool) -> plex.Identity:
    """Give the server to the account that the token is from.

    Args:
        host: Where Plex runs.
        token: From https://plex.tv/claim. It goes to Plex and nowhere else.
        force: Whether to take the server from the account that has it.

    Raises:
        plex.PlexError: if it could not be claimed; a claim that there was stands.
    """
    if not plex.Server().identity().claimed:
        return _claim_unclaimed(token)
    if not force:
        raise plex.PlexError(
            'the server is claimed already; to give it to another account, add force=true'
        )
    return _claim_anew(host, token)


def _claim_unclaimed(token: str, *, patience: int = 0) -> plex.Identity:
    own = plex.Server()
    own.identity(patience=patience)
    try:
        own.claim(token)
    except plex.LateError:
        # The answer may be lost though the claim took effect.
        if not own.identity().claimed:
            raise
    identity = own.identity()
    if not identity.claimed:
        raise plex.PlexError('Plex took the token but is not claimed; get another and try again')
    return identity


def _claim_anew(host: Host, token: str) -> plex.Identity:
    found = host.preferences()
    if found is None:
        raise plex.PlexError('the preferences of Plex cannot be read; see juju debug-log')
    before = found.only(plex_preferences.ACCOUNT)
    try:
        host.restart_with(lambda each: each.without(plex_preferences.ACCOUNT))
        return _claim_unclaimed(token, patience=_PATIENCE)
    except plex.PlexError as error:
        host.restart_with(lambda each: each.replaced(before))
        raise plex.PlexError(f'{error}; the old claim is back in place') from None


def scan(host: Host, title: str) -> list[str]:
    """Let Plex look for new files in the libraries of that title, or in all if it is empty.

    Returns:
        The titles of the libraries.

    Raises:
        plex.PlexError: if it does not.
    """
    own = server(host)
    libraries = own.libraries()
    chosen = [each for each in libraries if title.casefold() in ('', each.title.casefold())]
    if title and not chosen:
        there = ', '.join(each.title for each in libraries) or 'none'
        raise plex.PlexError(f'there is no such library; the libraries are: {there}')
    for each in chosen:
        own.scan(each)
    return [each.title for each in chosen]


def describe(identity: plex.Identity) -> dict[str, str]:
    """Return an identity as the result of an action."""
    return {
        'version': identity.version,
        'claimed': 'true' if identity.claimed else 'false',
        'machine-identifier': identity.machine_identifier,
    }


def observe(host: Host) -> dict[str, str]:
    """Return what Plex says of itself, and how many play; or why it says nothing."""
    try:
        own = server(host)
        found = describe(own.identity())
    except plex.PlexError as error:
        return {'plex': str(error)}
    try:
        return found | {'sessions': str(own.sessions())}
    except plex.PlexError as error:
        return found | {'sessions': f'unknown: {error}'}
