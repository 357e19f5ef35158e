# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The time zone of the process, by a name that outlives the switch to summer time."""

from __future__ import annotations

import datetime
import logging
import os
import pathlib
import zoneinfo
from collections.abc import Mapping

log = logging.getLogger(__name__)

_LOCAL = pathlib.Path('/etc/localtime')


def local(environ: Mapping[str, str] = os.environ) -> datetime.tzinfo:
    """The zone of ``TZ``, else of the machine, else UTC."""
    name = environ.get('TZ', '').removeprefix(':')
    if not name:
        name = _named_by(_LOCAL)
    if name in {'', 'UTC', 'Etc/UTC'}:
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        log.warning('the time zone %r is not known here; days are counted in UTC', name[:60])
        return datetime.UTC


def _named_by(link: pathlib.Path) -> str:
    """The zone that a link into the database of zones names."""
    try:
        target = str(link.readlink())
    except OSError:
        return ''
    return target.partition('zoneinfo/')[2]
