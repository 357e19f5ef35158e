# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What can go wrong with a media server. Failure is always raised, never an ordinary value.

Every message is one line that names the server. Credentials never occur in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .capabilities import Capability


class MediaHubError(Exception):
    """Base of everything that mediahub raises for an operator to act on."""


class ConfigurationError(MediaHubError):
    """The configuration cannot be used.

    Attributes:
        mistakes: All of them, one line each.
    """

    def __init__(self, mistakes: Iterable[str]):
        self.mistakes = tuple(mistakes)
        super().__init__('; '.join(self.mistakes))


class UnknownServer(MediaHubError):
    """No server of that name is configured."""

    def __init__(self, name: str, valid: Iterable[str]):
        self.valid = tuple(sorted(valid))
        known = ', '.join(self.valid) or 'none'
        super().__init__(f'no server is named {name!r}; configured: {known}')


class NoActiveServer(MediaHubError):
    """Several servers are configured and none was chosen."""

    def __init__(self, valid: Iterable[str]):
        known = ', '.join(sorted(valid)) or 'none'
        super().__init__(f'no active server is set; set server.active to one of: {known}')


class InvalidKey(MediaHubError):
    """A caller names something by a key that no server gives out; it was not sent anywhere."""

    def __init__(self, what: str, key: str):
        super().__init__(f'{key[:40]!r} is no {what}; use one that the server lists')


class MediaServerError(MediaHubError):
    """Something is wrong with one server.

    Attributes:
        server: Its name in the configuration.
        detail: The message without the name.
    """

    def __init__(self, server: str, detail: str):
        self.server = server
        self.detail = detail
        super().__init__(f'{server}: {detail}')


class Unreachable(MediaServerError):
    """No connection, or it broke before the answer was complete."""


class TimedOut(Unreachable):
    """No answer in the time allowed."""


class CircuitOpen(Unreachable):
    """Not tried, because the server failed too often a moment ago.

    Attributes:
        retry_after: Seconds until it will be tried again.
    """

    def __init__(self, server: str, retry_after: float):
        self.retry_after = retry_after
        super().__init__(server, f'failed too often; next attempt in {retry_after:.0f} s')


class ServerFailed(MediaServerError):
    """The server answered that it failed (HTTP 5xx, or its protocol's word for that)."""


class CredentialsRefused(MediaServerError):
    """The token, key or password is wrong or no longer valid."""


class Forbidden(MediaServerError):
    """The account may not do this."""


class NotFound(MediaServerError):
    """The server has no such thing."""


class Conflict(MediaServerError):
    """The change contradicts what the server holds, or another change."""


class RateLimited(MediaServerError):
    """Too many requests.

    Attributes:
        retry_after: Seconds to wait, as the server asked; None where it did not say.
    """

    def __init__(self, server: str, retry_after: float | None = None):
        self.retry_after = retry_after
        wait = 'later' if retry_after is None else f'in {retry_after:.0f} s'
        super().__init__(server, f'too many requests; try again {wait}')


class ProtocolError(MediaServerError):
    """The server sent what its protocol does not allow.

    Attributes:
        sent: The beginning of it.
    """

    def __init__(self, server: str, detail: str, sent: str = ''):
        self.sent = sent
        super().__init__(server, f'{detail}: {sent!r}' if sent else detail)


class Incompatible(MediaServerError):
    """What answers is another product, or too old a version."""


class Incomplete(MediaServerError):
    """A list came without proof that it is the whole list.

    Attributes:
        problems: What is missing from the proof.
    """

    def __init__(self, server: str, problems: Sequence[str]):
        self.problems = tuple(problems)
        super().__init__(server, 'the list is incomplete: ' + '; '.join(self.problems))


class Unverified(MediaServerError):
    """A change was sent, but reading it back shows something else."""


class Unsupported(MediaServerError):
    """The server, or this account on it, does not offer that.

    Attributes:
        capability: What was asked for.
    """

    def __init__(self, server: str, capability: Capability):
        self.capability = capability
        super().__init__(server, f'does not offer {capability.value}')
