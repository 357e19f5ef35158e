# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Seerr's HTTP API as far as the charm needs it, and the question whether a server is there.

What Seerr answers was recorded from real servers; where one of them deviates from its own API
description, the recording wins.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import logging
import typing
import urllib.parse
from collections.abc import Collection, Generator, Mapping
from typing import Any, Final

import seerr
from charmarr_lib import http
from charmarr_lib.interfaces import MediaServer
from seerr_servers import Address

if typing.TYPE_CHECKING:
    import httpx2

logger = logging.getLogger(__name__)

URL: Final = f'http://localhost:{seerr.PORT}'
# Seerr itself gives a media server ten seconds. It waits for ever where a host is empty.
_TIMEOUT: Final = 15.0
_PROBE_TIMEOUT: Final = 5.0
_STARTING_RETRIES: Final = 6  # the last comes after 15 seconds
_PROBES: Final = {
    MediaServer.PLEX: '/identity',
    MediaServer.JELLYFIN: '/System/Info/Public',
    MediaServer.EMBY: '/System/Info/Public',
}
_LOGIN_TYPES: Final = {MediaServer.JELLYFIN: 2, MediaServer.EMBY: 3}


class Reason(enum.Enum):
    """What kept Seerr from doing what it was asked."""

    UNREACHABLE = 'Seerr does not answer'
    TIMED_OUT = 'Seerr takes too long to answer'
    GARBAGE = 'Seerr answers with something else than JSON'
    FORBIDDEN = 'Seerr refuses the API key'
    CSRF = 'CSRF protection is on in Seerr: switch it off in its network settings'
    SERVER_REFUSED = 'the media server does not let Seerr in'
    NO_LIBRARIES = 'the media server has no libraries yet: add one, then run the action again'
    GROUPED = 'the account groups its libraries: switch that off for it in the media server'
    FAILED = 'Seerr reports an error'


class SeerrError(Exception):
    """Seerr did not do what it was asked.

    Attributes:
        reason: The kind of failure.
        status: HTTP status, 0 where there was no answer.
    """

    def __init__(self, reason: Reason, detail: str = '', status: int = 0):
        super().__init__(f'{reason.value} ({detail})' if detail else reason.value)
        self.reason = reason
        self.status = status


class Client:
    """Calls the Seerr in the same pod.

    Use it as a context manager.

    Args:
        api_key: Key of the administrator; empty for what is open to everybody.
        starting: Whether Seerr was started a moment ago and may not listen yet. It takes two
            seconds, longer after an upgrade.
        timeout: Seconds to wait for an answer.

    Every method raises :class:`SeerrError` when it does not succeed.
    """

    def __init__(self, api_key: str = '', *, starting: bool = False, timeout: float = _TIMEOUT):
        retries = _STARTING_RETRIES if starting else 0
        self._http = http.client(URL, timeout=timeout, connect_retries=retries)
        if api_key:
            self._http.headers['X-Api-Key'] = api_key

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def public_settings(self) -> Mapping[str, Any]:
        """Return what everybody may know, such as ``initialized`` and ``mediaServerType``."""
        return self._object('GET', '/settings/public')

    def is_administrator(self) -> bool:
        """Tell whether the key opens the API.

        Seerr takes the key for user 1, so that before the first sign-in even the right one opens
        nothing.
        """
        response = self._send('GET', '/auth/me')
        if response.status_code in (401, 403):
            return False
        self._check(response)
        return True

    def set_application_url(self, url: str) -> None:
        """Set the URL that Seerr puts into its messages."""
        self._object('POST', '/settings/main', {'applicationUrl': url})

    def plex(self) -> Mapping[str, Any]:
        """Return the settings of Plex as Seerr has them in memory."""
        return self._object('GET', '/settings/plex')

    def set_plex(self, fields: Mapping[str, Any]) -> None:
        """Set host and port of Plex; Seerr asks Plex at once.

        After a refusal Seerr keeps the new host in memory all the same, and writes it down with
        the next save of anything. The caller has to put the old one back.
        """
        self._object('POST', '/settings/plex', fields)

    def jellyfin(self) -> Mapping[str, Any]:
        """Return the settings of Jellyfin or Emby."""
        return self._object('GET', '/settings/jellyfin')

    def set_jellyfin(self, fields: Mapping[str, Any]) -> None:
        """Set the host of Jellyfin or Emby; after a refusal nothing has changed."""
        self._object('POST', '/settings/jellyfin', fields)

    def sign_in_jellyfin(
        self, kind: MediaServer, address: Address, username: str, password: str, email: str
    ) -> None:
        """Become administrator with an account of Jellyfin or Emby.

        Raises:
            SignInRefused: if the account or the host is refused.
        """
        body = {
            'username': username,
            'password': password,
            'email': email,
            'hostname': address.host,
            'port': address.port,
            'useSsl': address.tls,
            'urlBase': address.base,
            'serverType': _LOGIN_TYPES[kind],
        }
        self._sign_in('/auth/jellyfin', body)

    def sign_in_plex(self, token: str) -> None:
        """Become administrator with a Plex token.

        Raises:
            SignInRefused: if plex.tv refuses the token or cannot be reached.
        """
        self._sign_in('/auth/plex', {'authToken': token})

    def _sign_in(self, path: str, body: Mapping[str, Any]) -> None:
        response = self._send('POST', path, body)
        if response.status_code != _OK:
            text = _message(response)
            if text in _SIGN_IN_REFUSALS:
                raise SignInRefused(_SIGN_IN_REFUSALS[text])
        self._check(response)

    def sync_libraries(self, kind: MediaServer) -> Libraries:
        """Let Seerr ask the media server for its libraries.

        Up to Seerr 3.4 this switches all of them off: :meth:`use_libraries` has to follow.
        """
        path = _library_path(kind)
        response = self._send('POST', f'{path}/sync')
        one_by_one = response.status_code != _NOT_FOUND or _message(response) != 'not found'
        if not one_by_one:
            response = self._send('GET', f'{path}?sync=true')
        return Libraries(library_ids(self._json(response)), one_by_one)

    def use_libraries(self, kind: MediaServer, known: Libraries, wanted: Collection[str]) -> None:
        """Let Seerr use some of the libraries that it knows, and no others.

        A GET without the ids would switch off all of them, so there is none here.
        """
        path = _library_path(kind)
        if known.one_by_one:
            for each in known.ids:
                quoted = urllib.parse.quote(each, safe='')
                self._object('PUT', f'{path}/{quoted}', {'enabled': each in wanted})
        else:
            ids = ','.join(urllib.parse.quote(each, safe='') for each in wanted)
            self._json(self._send('GET', f'{path}?enable={ids}'))

    def initialize(self) -> None:
        """Declare the set-up done."""
        self._object('POST', '/settings/initialize')

    def _object(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        answer = self._json(self._send(method, path, body))
        if not isinstance(answer, dict):
            raise SeerrError(Reason.GARBAGE)
        return typing.cast('dict[str, Any]', answer)

    def _json(self, response: httpx2.Response) -> Any:
        self._check(response)
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise SeerrError(Reason.GARBAGE, status=response.status_code) from None

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx2.Response:
        with _translated():
            return self._http.request(method, f'/api/v1{path}', json=body)

    def _check(self, response: httpx2.Response) -> None:
        """Raise for anything but success.

        What Seerr says is compared with what it is known to say, and never passed on: it may
        repeat what it was sent.
        """
        status = response.status_code
        if status == _OK:
            return
        text = _message(response)
        if text in _REASONS:
            raise SeerrError(_REASONS[text], status=status)
        if status in (401, 403):
            raise SeerrError(Reason.FORBIDDEN, status=status)
        raise SeerrError(Reason.FAILED, f'HTTP {status}', status)


class SignInRefused(Exception):
    """The sign-in was refused; the message says why, for the operator."""


_OK: Final = 200
_NOT_FOUND: Final = 404
_REASONS: Final = {
    'invalid csrf token': Reason.CSRF,
    'Unable to connect to Plex.': Reason.SERVER_REFUSED,
    'INVALID_URL': Reason.SERVER_REFUSED,
    'SYNC_ERROR_NO_LIBRARIES': Reason.NO_LIBRARIES,
    'SYNC_ERROR_GROUPED_FOLDERS': Reason.GROUPED,
}
_SIGN_IN_REFUSALS: Final = {
    'INVALID_CREDENTIALS': 'the media server refuses the user name or the password',
    'INVALID_URL': 'Seerr cannot reach the media server',
    'NOT_ADMIN': 'the account is no administrator of the media server',
    'NO_ADMIN_USER': 'Seerr cannot tell which kind of media server this is',
    'Unable to authenticate.': 'plex.tv refuses the token, or cannot be reached from the pod',
    'Plex login is disabled': 'Seerr is set up for another kind of media server',
    'Jellyfin login is disabled': 'Seerr is set up for another kind of media server',
    'Jellyfin hostname already configured': (
        'settings.json names a Jellyfin host already: take "ip" out of its "jellyfin" part'
    ),
    'No hostname provided.': 'Seerr has lost the host of its media server: set it in its settings',
}


@dataclasses.dataclass(frozen=True)
class Libraries:
    """The libraries that Seerr knows of its media server.

    Attributes:
        ids: Their ids.
        one_by_one: Whether this Seerr switches each for itself.
    """

    ids: tuple[str, ...]
    one_by_one: bool


def library_ids(libraries: Any, *, only_enabled: bool = False) -> tuple[str, ...]:
    """Return the ids in a list of libraries as Seerr gives it.

    Raises:
        SeerrError: if it is no such list.
    """
    if not isinstance(libraries, list):
        raise SeerrError(Reason.GARBAGE)
    found = [_library(each) for each in typing.cast('list[Any]', libraries)]
    return tuple(
        str(each['id']) for each in found if not only_enabled or each.get('enabled') is True
    )


def _library(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or 'id' not in value:
        raise SeerrError(Reason.GARBAGE)
    return typing.cast('dict[str, Any]', value)


def _library_path(kind: MediaServer) -> str:
    return f'/settings/{"plex" if kind is MediaServer.PLEX else "jellyfin"}/library'


def answers(kind: MediaServer, address: Address) -> bool:
    """Ask a media server whether it is there, without any password.

    Seerr must not be pointed at a host before this: it would keep the wrong host.
    """
    try:
        with _translated(), http.client(address.url, timeout=_PROBE_TIMEOUT) as client:
            response = client.get(_PROBES[kind], headers={'Accept': 'application/json'})
    except SeerrError:
        return False
    logger.debug('%s answers HTTP %d', address.url, response.status_code)
    return response.status_code == _OK


@contextlib.contextmanager
def _translated() -> Generator[None]:
    import httpx2

    try:
        yield
    except httpx2.TimeoutException:
        raise SeerrError(Reason.TIMED_OUT) from None
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise SeerrError(Reason.UNREACHABLE) from None


def _message(response: httpx2.Response) -> str:
    """Return what Seerr says went wrong: half of its routes call it message, half error."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return ''
    if not isinstance(body, dict):
        return ''
    answer = typing.cast('dict[str, Any]', body)
    text = answer.get('message') or answer.get('error')
    return text if isinstance(text, str) else ''
