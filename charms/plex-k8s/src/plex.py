# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Talk to the Plex Media Server in this pod.

Charm and Plex share the pod's network, so Plex sees requests from its own loopback: that is what
lets an unclaimed server be claimed and set up without a token.

Paths and answers follow Plex's API description (OpenAPI 1.2.2) where it has them.
``/myplex/claim`` is not in it; the form is the one that python-plexapi and many scripts use.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final, cast

from charmarr_lib import http

BASE_URL: Final = 'http://127.0.0.1:32400'
_TIMEOUT: Final = 5.0  # seconds; the server answers from memory
_CLAIM_TIMEOUT: Final = 45.0  # seconds; it asks plex.tv before it answers
_UNAVAILABLE: Final = 503  # "running startup maintenance tasks"
_DENIED: Final = (401, 403)
_NOT_THERE: Final = (404, 405)
_CLIENT_FAULT: Final = 400
_SERVER_FAULT: Final = 500


class PlexError(Exception):
    """Plex did not do what was asked. The text is one line and holds no token."""


class SilentError(PlexError):
    """Plex does not answer, or not yet."""


class LateError(SilentError):
    """Plex took the request and did not answer in time; it may have done what was asked."""


class DeniedError(PlexError):
    """Plex wants a token, or another one."""


class AnswerError(PlexError):
    """Plex answered with an error, or with something that is no answer.

    Attributes:
        code: HTTP status code.
    """

    def __init__(self, text: str, code: int):
        super().__init__(text)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Identity:
    """Who the server is; it tells everybody.

    Attributes:
        version: Full version, such as ``1.43.1.10611-1e34174b1``.
        claimed: Whether it belongs to a Plex account.
        machine_identifier: What clients know it by.
    """

    version: str
    claimed: bool
    machine_identifier: str


@dataclasses.dataclass(frozen=True)
class Library:
    """A library: its key in the API, and its name."""

    key: str
    title: str


class Server:
    """The server in this pod.

    Args:
        token: The server's own token, None for one that is unclaimed.
    """

    def __init__(self, token: str | None = None):
        self._token = token

    def identity(self, *, patience: int = 0) -> Identity:
        """Return who the server is.

        Args:
            patience: How often to try again while nobody listens yet, after 0, 0.5, 1, 2... s.

        Raises:
            PlexError: if it does not say.
        """
        found = _container(self._call('GET', '/identity', connect_retries=patience))
        try:
            return Identity(
                version=str(found['version']),
                claimed=_flag(found.get('claimed')),
                machine_identifier=str(found['machineIdentifier']),
            )
        except KeyError as error:
            raise AnswerError(f'Plex does not say its {error.args[0]}', 200) from None

    def claim(self, claim_token: str) -> None:
        """Let plex.tv give the server to the account that the token is from.

        Raises:
            PlexError: if it is not accepted.
        """
        try:
            self._call(
                'POST', '/myplex/claim', query={'token': claim_token}, timeout=_CLAIM_TIMEOUT
            )
        except LateError:
            raise LateError(_PLEX_TV_SILENT) from None
        except DeniedError:
            raise DeniedError(_NOT_ACCEPTED) from None
        except AnswerError as error:
            text = _PLEX_TV_SILENT if error.code >= _SERVER_FAULT else _NOT_ACCEPTED
            raise AnswerError(text, error.code) from None

    def set_preferences(self, values: Mapping[str, str]) -> None:
        """Change preferences; the server writes them to its file itself.

        Raises:
            PlexError: if it does not.
        """
        self._call('PUT', '/:/prefs', query=values)

    def libraries(self) -> list[Library]:
        """Return the libraries there are.

        Raises:
            PlexError: if the server does not say.
        """
        response = self._first_of(('GET', '/library/sections/all'), ('GET', '/library/sections'))
        found: Any = _container(response).get('Directory') or []
        try:
            return [Library(str(each['key']), str(each['title'])) for each in found]
        except (KeyError, TypeError):
            raise AnswerError('Plex sent a list of libraries without names', 200) from None

    def scan(self, library: Library) -> None:
        """Let the server look for new files in a library.

        Raises:
            PlexError: if it does not.
        """
        path = f'/library/sections/{library.key}/refresh'
        self._first_of(('POST', path), ('GET', path))

    def sessions(self) -> int:
        """Return how many playbacks there are now.

        Raises:
            PlexError: if the server does not say.
        """
        size: Any = _container(self._call('GET', '/status/sessions')).get('size')
        try:
            return int(size)
        except (TypeError, ValueError):
            raise AnswerError('Plex does not say how many sessions there are', 200) from None

    def _first_of(self, *forms: tuple[str, str]) -> http.Reply:
        """Ask in the documented form, then in the one that older servers know."""
        for method, path in forms[:-1]:
            try:
                return self._call(method, path)
            except AnswerError as error:
                if error.code not in _NOT_THERE:
                    raise
        return self._call(*forms[-1])

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = _TIMEOUT,
        connect_retries: int = 0,
    ) -> http.Reply:
        headers = {'Accept': 'application/json'}
        if self._token:
            headers['X-Plex-Token'] = self._token
        url = BASE_URL + path
        if query:
            url += '?' + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        try:
            response = http.request(
                method, url, headers=headers, timeout=timeout, connect_retries=connect_retries
            )
        except http.NotConnectedError:
            raise SilentError(
                'Plex is still starting, or stopped; try again in a minute'
            ) from None
        except http.TooLateError:
            raise LateError('Plex did not answer in time; try again in a minute') from None
        except http.RequestError:
            raise SilentError('Plex broke off its answer; try again in a minute') from None
        return _checked(response)


_NOT_ACCEPTED: Final = (
    'the token was not accepted: it is valid for 4 minutes and for one use; '
    'get another from https://plex.tv/claim'
)
_PLEX_TV_SILENT: Final = 'Plex could not reach plex.tv; check that the pod may connect to it'


def _checked(response: http.Reply) -> http.Reply:
    code = response.status
    if code == _UNAVAILABLE:
        raise SilentError('Plex is still starting (its startup maintenance); try again later')
    if code in _DENIED:
        raise DeniedError('Plex does not accept its own token; is the server claimed?')
    if code >= _CLIENT_FAULT:
        raise AnswerError(f'Plex answered with status {code}', code)
    return response


def _container(response: http.Reply) -> Mapping[str, Any]:
    """Return the one object that all of Plex's JSON answers consist of."""
    try:
        body: Any = response.json()
    except ValueError:
        raise AnswerError('Plex sent something that is not JSON', response.status) from None
    found = cast('Mapping[str, Any]', body).get('MediaContainer') if _is_object(body) else None
    if not _is_object(found):
        raise AnswerError('Plex sent JSON without a MediaContainer', response.status)
    return cast('Mapping[str, Any]', found)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _flag(value: Any) -> bool:
    """Read a boolean as Plex's versions write it: true, 1 or "1"."""
    return value in (True, '1', 'true')
