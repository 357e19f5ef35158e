# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Turns what servers send into what we promise.

Servers disagree with their own documentation about types: numbers arrive as text, dates without a
zone, a year as ``19xx``. A field that cannot be read is unknown (None); it must not cost the item,
let alone the page. Only an id is indispensable.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

UTC = datetime.UTC

# Years that a tag can sensibly name.
YEARS = range(1, 10_000)


def text(value: object) -> str | None:
    """Text without NUL and surrounding blanks; None where nothing is left."""
    if type(value) is str:  # nearly always; this runs ten times for each of 100,000 tracks
        return (value.replace('\0', '') if '\0' in value else value).strip() or None
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).replace('\0', '').strip() or None


def printable(value: str) -> str:
    """Text without the characters that steer a terminal; what servers say ends up on one."""
    return value.translate(_STEERING)


# C0, DEL and C1.
_STEERING = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), ' ')


def integer(value: object) -> int | None:
    """A whole number, also from text such as ``'7'`` or ``'7/12'``."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        # Also keeps out infinity and NaN, for which no integer stands.
        return int(value) if -(2**63) < value < 2**63 else None
    if not isinstance(value, str):
        return None
    digits = value.split('/')[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def year(value: object) -> int | None:
    """A year, also the one that a date begins with; None for ``19xx`` and other guesses."""
    if isinstance(value, str):
        value = value.strip()[:4]
    found = integer(value)
    # Asked for None, a range compares it with every number that it holds.
    return found if found is not None and found in YEARS else None


def epoch(value: object) -> datetime.datetime | None:
    """The moment that many seconds after 1970."""
    seconds = integer(value)
    if seconds is None or not 0 <= seconds < 253_402_300_800:  # the year 10000
        return None
    return datetime.datetime.fromtimestamp(seconds, UTC)


def moment(value: object) -> datetime.datetime | None:
    """The moment that ISO 8601 text names; without a zone it is taken for UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.datetime.fromisoformat(_microseconds(value.strip()))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _microseconds(value: str) -> str:
    """The text with at most six digits of fraction; Jellyfin sends seven."""
    head, dot, rest = value.partition('.')
    if not dot:
        return value
    digits = len(rest) - len(rest.lstrip('0123456789'))
    return f'{head}.{rest[: min(digits, 6)]}{rest[digits:]}'


def texts(values: Iterable[object]) -> tuple[str, ...]:
    """The readable ones among some texts, in order, each once."""
    found = (text(value) for value in values)
    return tuple(dict.fromkeys(value for value in found if value))


def relative_path(path: str | None, folders: Iterable[str]) -> str | None:
    """A file's place within the library folder that holds it, with ``/``.

    A server may run on another system and mount its media elsewhere, so only what is below the
    folder can be compared. A path that is under none of them is kept as it is.
    """
    if path is None:
        return None
    unified = path.replace('\\', '/')
    for folder in sorted(folders, key=len, reverse=True):
        prefix = folder.replace('\\', '/').rstrip('/') + '/'
        if unified.startswith(prefix):
            return unified[len(prefix) :]
    return unified
