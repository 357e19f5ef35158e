# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Calls a Subsonic server, and says in our errors what it says in its codes."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from ..engine import coerce, errors, wire
from .subsonic_auth import Credentials
from .subsonic_wire import Document, Response

VERSION = '1.16.1'

LONGEST_REASON = 200  # characters of what a server says

_ERRORS: Mapping[int, type[errors.MediaServerError]] = {
    0: errors.ServerFailed,
    20: errors.Incompatible,
    30: errors.Incompatible,
    40: errors.CredentialsRefused,
    41: errors.CredentialsRefused,
    42: errors.CredentialsRefused,
    43: errors.CredentialsRefused,
    44: errors.CredentialsRefused,
    60: errors.Forbidden,
    70: errors.NotFound,
}


class Calls:
    """Calls to one server.

    Args:
        server: The server's name in the configuration.
        connection: Its HTTP connection.
        credentials: The account.
    """

    def __init__(self, server: str, connection: wire.Wire, credentials: Credentials):
        self._server = server
        self._wire = connection
        self._credentials = credentials
        self._post = True
        connection.explained_by(self._explain)

    async def ping(self) -> Response:
        """Ping with POST; a server that does not read forms says that parameters are missing."""
        try:
            return await self.read('ping')
        except errors.ProtocolError:
            if not self._post:
                raise
            self._post = False
            try:
                return await self.read('ping')
            except errors.ProtocolError as error:
                self._post = True
                raise errors.CredentialsRefused(
                    self._server, f'{error.detail}; servers without tokens need auth = "password"'
                ) from error

    async def read(self, method: str, params: wire.Params = ()) -> Response:
        """Read something."""
        if self._post:
            response = await self._wire.ask(_path(method), self._form(params))
        else:
            response = await self._wire.get(_path(method), self._form(params))
        return self._answer(method, response)

    async def change(self, method: str, params: wire.Params = ()) -> Response:
        """Change something; never repeated."""
        form = self._form(params)
        if self._post:
            response = await self._wire.send('POST', _path(method), form=form)
        else:
            response = await self._wire.send('GET', _path(method), form)
        return self._answer(method, response)

    def _form(self, params: wire.Params) -> wire.Params:
        common = (('v', VERSION), ('c', wire.PRODUCT), ('f', 'json'))
        return (*self._credentials.fields(), *common, *params)

    def _answer(self, method: str, response: httpx2.Response) -> Response:
        answer = self._wire.decode(response, Document).response
        if answer.status == 'ok':
            return answer
        raise self._error(method, answer, response)

    def _explain(self, response: httpx2.Response) -> None:
        """Raise what a refused request's body says, where it is Subsonic's."""
        try:
            answer = self._wire.decode(response, Document).response
        except errors.ProtocolError:
            return
        if answer.error is not None:
            raise self._error(response.request.url.path, answer, response)

    def _error(
        self, method: str, answer: Response, response: httpx2.Response
    ) -> errors.MediaServerError:
        code = coerce.integer(answer.error.code) if answer.error else None
        said = self._wire.clean(coerce.text(answer.error.message) or '' if answer.error else '')
        said = said[:LONGEST_REASON] or 'failed without a reason'
        detail = f'{method}: {said} (Subsonic error {code})'
        if code == 41:
            detail += '; set auth = "password" for this server'
        if code == 0 and response.status_code in {404, 501}:
            return _UnknownMethod(self._server, detail)
        if code == 50:
            return _NotAllowed(self._server, detail)
        if code is not None and code in _ERRORS:
            return _ERRORS[code](self._server, detail)
        return self._wire.protocol_error(detail, response)


class _NotAllowed(errors.Forbidden):
    """The server says, in Subsonic's terms, that the account may not do it."""


class _UnknownMethod(errors.NotFound):
    """The server says, in Subsonic's terms, that it has no such method."""


REFUSED = (_UnknownMethod, _NotAllowed)


def _path(method: str) -> str:
    return f'/rest/{method}.view'
