# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The double of Seerr: its API, and who may use what of it."""

from __future__ import annotations

from typing import Final

import httpx2

from ._seerr_answers import (
    Handler,
    Json,
    Routes,
    ask,
    body_of,
    good,
    invalid,
    media_browser,
    read_only,
    refusal,
    session_of,
    url_of,
)
from ._seerr_libraries import Libraries, ask_plex
from ._seerr_sign_in import SignIn
from ._seerr_state import State
from ._seerr_store import merge, new_key

_PREFIX: Final = '/api/v1'
_PUBLIC: Final = (
    *('applicationTitle', 'applicationUrl', 'hideAvailable', 'localLogin', 'originalLanguage'),
    *('partialRequestsEnabled', 'cacheImages', 'locale', 'newPlexLogin'),
)
_PUBLIC_SINCE_SEERR: Final = (
    *('hideBlocklisted', 'mediaServerLogin', 'discoverRegion', 'streamingRegion'),
    *('mediaServerType', 'enableSpecialEpisodes', 'youtubeUrl'),
)


class Api:
    """Answers requests while the program runs.

    Args:
        state: The running program.
        libraries: Its routes for libraries.
    """

    def __init__(self, state: State, libraries: Libraries) -> None:
        self._state = state
        self._libraries = libraries
        self.github_drops = False
        self._open: Routes = {
            ('GET', '/status'): self._status,
            ('GET', '/status/appdata'): self._appdata,
            ('GET', '/settings/public'): self._public,
            **SignIn(state).routes(),
        }
        self._guarded = self._routes()

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        path = request.url.path
        if not path.startswith(_PREFIX):
            page = '<!DOCTYPE html><html></html>'
            return httpx2.Response(200, text=page, headers={'Content-Type': 'text/html'})
        if request.method != 'GET' and self._network['csrfProtection']:
            return refusal(403, message='invalid csrf token')
        where = (request.method, path.removeprefix(_PREFIX))
        if where in self._open:
            return self._open[where](request)
        handler = self._guarded.get(where) or self._libraries.route(*where)
        if handler is None:
            return invalid(404, 'not found', path)
        return self._refused(request) or handler(request)

    def _refused(self, request: httpx2.Request) -> httpx2.Response | None:
        key, session = request.headers.get('X-Api-Key'), session_of(request)
        if key is None and session is None:
            return invalid(401, "cookie 'connect.sid' required", request.url.path)
        known = key == self._state.settings['main']['apiKey'] or session in self._state.sessions
        # The key stands for user 1, so it opens nothing while there is none.
        if known and self._state.users:
            return None
        error = 'You do not have permission to access this endpoint'
        return httpx2.Response(403, json={'status': 403, 'error': error})

    def _routes(self) -> Routes:
        state = self._state
        routes: Routes = {
            ('GET', '/auth/me'): lambda _: good(state.administrator(full=True)),
            ('GET', '/settings/about'): self._about,
            ('GET', '/settings/main'): self._getter('main'),
            ('POST', '/settings/main'): self._post_main,
            ('POST', '/settings/main/regenerate'): self._regenerate,
            ('GET', '/settings/plex'): self._getter('plex'),
            ('POST', '/settings/plex'): self._post_plex,
            ('GET', '/settings/radarr'): lambda _: good([]),
            ('POST', '/settings/initialize'): self._initialize,
        }
        if not state.overseerr:
            routes |= {
                ('GET', '/settings/jellyfin'): self._getter('jellyfin'),
                ('POST', '/settings/jellyfin'): self._post_jellyfin,
                ('GET', '/settings/network'): self._getter('network'),
                ('POST', '/settings/network'): self._post_network,
            }
        return routes

    def _getter(self, part: str) -> Handler:
        return lambda _: good(self._state.settings[part])

    @property
    def _network(self) -> Json:
        return self._state.settings['main' if self._state.overseerr else 'network']

    # What everybody may ask.

    def _status(self, request: httpx2.Request) -> httpx2.Response:
        if self.github_drops:  # it asks GitHub for its newest commit each time, without a limit
            raise httpx2.ReadTimeout('The read operation timed out', request=request)
        return good(
            {
                'version': self._state.version,
                'commitTag': 'local',
                'updateAvailable': False,
                'commitsBehind': 0,
                'restartRequired': self._state.restart_required,
            }
        )

    def _appdata(self, request: httpx2.Request) -> httpx2.Response:
        body: Json = {'appData': True, 'appDataPath': '/app/config'}
        return good(body if self._state.overseerr else {**body, 'appDataPermissions': True})

    def _public(self, request: httpx2.Request) -> httpx2.Response:
        settings = self._state.settings
        main = settings['main']
        body: Json = {'initialized': settings['public']['initialized']}
        body |= {name: main[name] for name in _PUBLIC}
        body |= dict.fromkeys(('movie4kEnabled', 'series4kEnabled', 'emailEnabled'), False)
        body |= {'vapidPublic': settings['vapidPublic'], 'enablePushRegistration': False}
        if self._state.overseerr:
            return good({**body, 'region': main['region']})
        body |= {name: main[name] for name in _PUBLIC_SINCE_SEERR}
        jellyfin = settings['jellyfin']
        body['jellyfinExternalHost'] = jellyfin['externalHostname']
        body['jellyfinForgotPasswordUrl'] = jellyfin['jellyfinForgotPasswordUrl']
        return good({**body, 'userEmailRequired': False})

    # What only an administrator may ask.

    def _about(self, request: httpx2.Request) -> httpx2.Response:
        body: Json = {'version': self._state.version, 'totalMediaItems': 0, 'totalRequests': 0}
        return good({**body, 'appDataPath': '/app/config'})

    def _post_main(self, request: httpx2.Request) -> httpx2.Response:
        body = body_of(request)
        if 'apiKey' in body:
            return read_only(['apiKey'])
        self._state.restart_required |= 'trustProxy' in body
        return self._merged('main', body)

    def _post_network(self, request: httpx2.Request) -> httpx2.Response:
        self._state.restart_required = True
        return self._merged('network', body_of(request))

    def _merged(self, part: str, body: Json) -> httpx2.Response:
        self._state.settings[part] = merge(self._state.settings[part], body)
        return self._saved(part)

    def _saved(self, part: str) -> httpx2.Response:
        self._state.store.save()
        return good(self._state.settings[part])

    def _regenerate(self, request: httpx2.Request) -> httpx2.Response:
        fixed = self._state.launch.environment.get('API_KEY', '')
        self._state.settings['main']['apiKey'] = fixed or new_key()
        return self._saved('main')

    def _initialize(self, request: httpx2.Request) -> httpx2.Response:
        self._state.settings['public']['initialized'] = True
        return self._saved('public')

    def _post_plex(self, request: httpx2.Request) -> httpx2.Response:
        body = body_of(request)
        wrong = _wrong_with_plex(body)
        if wrong is not None:
            return wrong
        plex = self._state.settings['plex']
        plex |= body  # before it asks: this is what poisons it
        answer = ask_plex(self._state, '/')
        if answer is None or answer.status_code != 200:
            return refusal(500, message='Unable to connect to Plex.')
        found = answer.json()['MediaContainer']
        plex |= {'name': found['friendlyName'], 'machineId': found['machineIdentifier']}
        return self._saved('plex')

    def _post_jellyfin(self, request: httpx2.Request) -> httpx2.Response:
        body = body_of(request)
        fixed = [name for name in ('name', 'libraries') if name in body]
        if fixed:
            return read_only(fixed)
        wanted = {**self._state.settings['jellyfin'], **body}
        answer = ask(url_of(wanted), '/System/Info', media_browser(wanted['apiKey']))
        if answer is None or answer.status_code != 200:
            status = 500 if answer is None else answer.status_code
            return refusal(status, message='INVALID_URL')
        info = answer.json()
        wanted |= {'name': info['ServerName'], 'serverId': info['Id']}
        self._state.settings['jellyfin'] = wanted
        return self._saved('jellyfin')


def _wrong_with_plex(body: Json) -> httpx2.Response | None:
    fixed = [name for name in ('name', 'machineId', 'libraries') if name in body]
    if fixed:
        return read_only(fixed)
    for name in ('ip', 'port'):
        if name not in body:
            message = f"request.body should have required property '{name}'"
            return invalid(400, message, f'.body.{name}', 'required.openapi.validation')
    return None
