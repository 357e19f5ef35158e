# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The double of Seerr: who comes first becomes administrator."""

from __future__ import annotations

import httpx2

from ._seerr_answers import Json, Routes, ask, body_of, media_browser, refusal, url_of
from ._seerr_state import State
from ._seerr_store import JELLYFIN, NOT_CONFIGURED, PLEX


class SignIn:
    """The routes below ``/auth`` that are open to everybody."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> Routes:
        """Return the routes."""
        routes: Routes = {
            ('POST', '/auth/plex'): self._plex,
            ('POST', '/auth/local'): lambda _: refusal(403, message='Access denied.'),
        }
        if not self._state.overseerr:
            routes['POST', '/auth/jellyfin'] = self._jellyfin
        return routes

    def _plex(self, request: httpx2.Request) -> httpx2.Response:
        state = self._state
        if not state.overseerr and state.server_type not in (PLEX, NOT_CONFIGURED):
            return refusal(500, error='Plex login is disabled')
        token = body_of(request).get('authToken', '')
        account = ask('https://plex.tv', '/users/account.json', {'X-Plex-Token': token})
        if account is None or account.status_code != 200:
            return refusal(500, message='Unable to authenticate.')
        user = account.json()['user']
        if not state.users:
            state.add_administrator(
                email=user['email'],
                plexUsername=user['username'],
                plexId=user['id'],
                plexToken=token,
                userType=1,
            )
            if not state.overseerr:
                state.settings['main']['mediaServerType'] = PLEX
            state.store.save()
        return state.signed_in(state.administrator(full=False))

    def _jellyfin(self, request: httpx2.Request) -> httpx2.Response:
        state, body = self._state, body_of(request)
        settings = state.settings['jellyfin']
        if state.server_type == PLEX:
            return refusal(500, error='Jellyfin login is disabled')
        if body.get('hostname') and settings['ip']:
            return refusal(500, error='Jellyfin hostname already configured')
        if not body.get('hostname') and not settings['ip']:
            return refusal(500, error='No hostname provided.')
        host = settings if settings['ip'] else _host_named(body)
        credentials = {'Username': body['username'], 'Pw': body['password']}
        answer = ask(url_of(host), '/Users/AuthenticateByName', {}, credentials)
        if answer is None:
            return refusal(404, message='INVALID_URL')
        if answer.status_code != 200:
            return refusal(401, message='INVALID_CREDENTIALS')
        return self._enter(body, host, answer.json())

    def _enter(self, body: Json, host: Json, answer: Json) -> httpx2.Response:
        state, user = self._state, answer['User']
        avatar = f'/avatarproxy/{user["Id"]}?v='
        if state.users:
            known: Json = {'avatar': f'{avatar}null', 'requestCount': 0}
            known['displayName'] = user['Name']
            return state.signed_in(state.administrator(full=False) | known)
        if not user['Policy']['IsAdministrator']:
            return refusal(403, message='NOT_ADMIN')
        kind = body.get('serverType') or (JELLYFIN if state.server_type == JELLYFIN else None)
        if kind is None:
            return refusal(500, message='NO_ADMIN_USER')
        taken = self._take_up(body, host, answer, kind)
        return taken or state.signed_in(state.administrator(full=False))

    def _take_up(self, body: Json, host: Json, answer: Json, kind: int) -> httpx2.Response | None:
        """Make the administrator, and an API key on the media server."""
        state, user = self._state, answer['User']
        token = media_browser(answer['AccessToken'])
        ask(url_of(host), '/Auth/Keys?App=Seerr', token, {})
        keys = ask(url_of(host), '/Auth/Keys', token)
        info = ask(url_of(host), '/System/Info', token)
        if keys is None or info is None or {keys.status_code, info.status_code} != {200}:
            return refusal(404, message='INVALID_URL')
        made = [each['AccessToken'] for each in keys.json()['Items']]
        if not made:
            return refusal(500, message='Unable to create an API key')
        state.add_administrator(
            email=body.get('email') or user['Name'],
            jellyfinUsername=user['Name'],
            jellyfinUserId=user['Id'],
            userType=3,
        )
        state.settings['main']['mediaServerType'] = kind
        # What the body leaves out is lost: a host from the settings file becomes empty here.
        state.settings['jellyfin'] |= {
            'ip': body.get('hostname') or '',
            'port': body.get('port') or 8096,
            'useSsl': body.get('useSsl') is True,
            'urlBase': body.get('urlBase') or '',
            'name': info.json()['ServerName'],
            'serverId': info.json()['Id'],
            'apiKey': made[-1],
        }
        state.store.save()
        return None


def _host_named(body: Json) -> Json:
    """Return the host of a sign-in, with what JavaScript makes of a base that is left out."""
    return {
        'ip': body['hostname'],
        'port': body.get('port', 8096),
        'useSsl': body.get('useSsl'),
        'urlBase': body.get('urlBase', 'undefined'),
    }
