# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the actions do to a Plex that runs in this pod."""

from __future__ import annotations

from typing import Final

import plex
import plex_preferences
from plex_container import PlexContainer

# Tries after 0, 0.5, 1, 2... seconds: about a minute for a restarted Plex.
_PATIENCE: Final = 8


def server(container: PlexContainer) -> plex.Server:
    """Return the server with its own token, read now and kept nowhere.

    Raises:
        plex.PlexError: if the container cannot be reached.
    """
    found = container.preferences()
    return plex.Server(found.token if found else None)


def claim(container: PlexContainer, token: str, *, force: bool) -> plex.Identity:
    """Give the server to the account that the token is from.

    Args:
        container: Where Plex runs.
        token: From https://plex.tv/claim. It goes to Plex and nowhere else.
        force: Whether to take the server from the account that has it.

    Raises:
        plex.PlexError: if it could not be claimed; a claim that there was stands.
    """
    container.check_running()
    if not plex.Server().identity().claimed:
        return _claim_unclaimed(token)
    if not force:
        raise plex.PlexError(
            'the server is claimed already; to give it to another account, add force=true'
        )
    return _claim_anew(container, token)


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


def _claim_anew(container: PlexContainer, token: str) -> plex.Identity:
    found = container.preferences()
    if found is None:
        raise plex.PlexError('the preferences of Plex cannot be read; see juju debug-log')
    before = found.only(plex_preferences.ACCOUNT)
    try:
        container.restart_with(lambda each: each.without(plex_preferences.ACCOUNT))
        return _claim_unclaimed(token, patience=_PATIENCE)
    except plex.PlexError as error:
        container.restart_with(lambda each: each.replaced(before))
        raise plex.PlexError(f'{error}; the old claim is back in place') from None


def scan(container: PlexContainer, title: str) -> list[str]:
    """Let Plex look for new files in the libraries of that title, or in all if it is empty.

    Returns:
        The titles of the libraries.

    Raises:
        plex.PlexError: if it does not.
    """
    container.check_running()
    own = server(container)
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


def observe(container: PlexContainer) -> dict[str, str]:
    """Return what Plex says of itself, and how many play; or why it says nothing."""
    try:
        own = server(container)
        found = describe(own.identity())
    except plex.PlexError as error:
        return {'plex': str(error)}
    try:
        return found | {'sessions': str(own.sessions())}
    except plex.PlexError as error:
        return found | {'sessions': f'unknown: {error}'}
