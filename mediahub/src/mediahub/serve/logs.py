# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The log of a service: lines on standard error, for systemd, Pebble or whoever collects them.

The collector stamps lines with the time; only a terminal is given it. Whatever a line says, no
secret of the settings is in it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

import pydantic

from ..engine.registry import ServerSettings
from ..settings import Settings

_PLAIN = '%(levelname)s %(name)s: %(message)s'

# What sd-daemon(3) has a line begin with, by our levels.
_PRIORITIES: Mapping[int, str] = {
    logging.DEBUG: '<7>',
    logging.INFO: '<6>',
    logging.WARNING: '<4>',
    logging.ERROR: '<3>',
    logging.CRITICAL: '<2>',
}

# Theirs are about every connection or every damaged form; ours have one line for a request.
_QUIET: Mapping[str, int] = {
    'uvicorn': logging.WARNING,
    'uvicorn.error': logging.WARNING,
    'uvicorn.access': logging.CRITICAL,
    'python_multipart': logging.ERROR,
    'asyncio': logging.WARNING,
    'httpx2': logging.WARNING,
    'httpcore2': logging.WARNING,
    'nats': logging.ERROR,
}


class Lines(logging.Formatter):
    """Formats without secrets.

    Args:
        pattern: As of :class:`logging.Formatter`.
        secrets: What is never shown.
        journal: Whether lines begin with their priority.
    """

    def __init__(self, pattern: str, secrets: Sequence[str], journal: bool):
        super().__init__(pattern)
        self._secrets = _hidden(secrets)
        self._journal = journal

    def hide(self, secret: str) -> None:
        """Never show this either."""
        self._secrets = _hidden([*self._secrets, secret])

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, '***')
        if self._journal:
            priority = _PRIORITIES.get(record.levelno, '<6>')
            text = '\n'.join(priority + line for line in text.splitlines())
        return text


def _hidden(secrets: Sequence[str]) -> list[str]:
    """What can be told from other text, the longest first."""
    return sorted((text for text in set(secrets) if len(text) >= 6), key=len, reverse=True)


def hide(secret: str) -> None:
    """Keep a secret that came up while the hub runs out of the process's log."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Lines):
            handler.formatter.hide(secret)


def configure(settings: Settings, further_secrets: Sequence[str] = ()) -> None:
    """Set the process's log up."""
    handler = logging.StreamHandler(sys.stderr)
    pattern = f'%(asctime)s {_PLAIN}' if sys.stderr.isatty() else _PLAIN
    journal = 'JOURNAL_STREAM' in os.environ
    handler.setFormatter(Lines(pattern, [*secrets_of(settings), *further_secrets], journal))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    logging.captureWarnings(True)
    # What no line shows is not found out for each of thousands a second.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every secret in the settings."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, pydantic.SecretStr):
            yield value.get_secret_value()
    for server in settings.servers:
        yield server.token.get_secret_value()
    for other in settings.others:
        yield from _secrets_of_other(other.settings)


def _secrets_of_other(settings: ServerSettings) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, pydantic.SecretStr):
            yield value.get_secret_value()
    credential = getattr(settings, 'credential', None)  # which reads it from its file
    if callable(credential):
        yield str(credential())
