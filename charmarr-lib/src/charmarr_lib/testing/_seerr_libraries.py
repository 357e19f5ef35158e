# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The double of Seerr: which libraries of its media server it uses."""

from __future__ import annotations

from typing import Final

import httpx2

from ._seerr_answers import Handler, Json, ask, body_of, good, media_browser, refusal, url_of
from ._seerr_state import State

_TYPES: Final = {'movies': 'movie', 'movie': 'movie', 'tvshows': 'show', 'show': 'show'}


def ask_plex(state: State, path: str) -> httpx2.Response | None:
    """Ask Plex with the administrator's token; None without one, or without Plex."""
    token = state.users[0]['plexToken']
    if token is None:
        return None
    return ask(url_of(state.settings['plex']), path, {'X-Plex-Token': token})


class Libraries:
    """The routes below ``/settings/<media server>/library``.

    Args:
        state: The running program.
        one_by_one: Whether each library is switched for itself, as in the sources after Seerr
            3.4; else one GET switches all, and a GET that names none switches all of them off.
    """

    def __init__(self, state: State, *, one_by_one: bool) -> None:
        self._state = state
        self._one_by_one = one_by_one

    def route(self, method: str, path: str) -> Handler | None:
        """Return what answers, or None when there is no such route."""
        part, found, rest = path.removeprefix('/settings/').partition('/library')
        known = ('plex',) if self._state.overseerr else ('plex', 'jellyfin')
        if not found or part not in known:
            return None
        if not self._one_by_one:
            all_at_once: Handler = lambda request: self._all(part, request)  # noqa: E731  # named
            return all_at_once if (method, rest) == ('GET', '') else None
        if (method, rest) == ('POST', '/sync'):
            return lambda request: self._sync(part, request) or self._listed(part)
        if (method, rest) == ('GET', ''):
            return lambda _: self._listed(part)
        return (lambda request: self._switch(part, rest[1:], request)) if method == 'PUT' else None

    def _known(self, part: str) -> list[Json]:
        return self._state.settings[part]['libraries']

    def _listed(self, part: str) -> httpx2.Response:
        return good(self._known(part))

    def _all(self, part: str, request: httpx2.Request) -> httpx2.Response:
        if request.url.params.get('sync'):
            refused = self._sync(part, request)
            if refused is not None:
                return refused
        enabled = (request.url.params.get('enable') or '').split(',')
        for library in self._known(part):
            library['enabled'] = library['id'] in enabled
        self._state.store.save()
        return self._listed(part)

    def _switch(self, part: str, wanted: str, request: httpx2.Request) -> httpx2.Response:
        for library in self._known(part):
            if library['id'] == wanted:
                library['enabled'] = body_of(request)['enabled']
                self._state.store.save()
                return good(library)
        return refusal(404, message='Library does not exist.')

    def _sync(self, part: str, request: httpx2.Request) -> httpx2.Response | None:
        if not self._state.settings[part]['ip']:
            raise httpx2.ReadTimeout('The read operation timed out', request=request)
        found = self._of_plex() if part == 'plex' else self._of_jellyfin()
        if part == 'jellyfin' and not found:
            return refusal(404, message='SYNC_ERROR_NO_LIBRARIES')
        enabled = {each['id']: each['enabled'] for each in self._known(part)}
        self._state.settings[part]['libraries'] = [
            {'id': id_, 'name': name, 'enabled': enabled.get(id_, False), 'type': _TYPES[kind]}
            for id_, name, kind in found
            if kind in _TYPES
        ]
        self._state.store.save()
        return None

    def _of_plex(self) -> list[tuple[str, str, str]]:
        answer = ask_plex(self._state, '/library/sections')
        if answer is None or answer.status_code != 200:
            return []  # it logs the error and forgets the libraries
        sections = answer.json()['MediaContainer'].get('Directory', [])
        return [(each['key'], each['title'], each['type']) for each in sections]

    def _of_jellyfin(self) -> list[tuple[str, str, str]]:
        settings = self._state.settings['jellyfin']
        token = media_browser(settings['apiKey'])
        answer = ask(url_of(settings), '/Library/MediaFolders', token)
        if answer is None or answer.status_code != 200:
            return []
        folders = answer.json()['Items']
        return [(each['Id'], each['Name'], each['CollectionType']) for each in folders]
