# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub makes for itself once and keeps in its home: its identifier at plex.tv."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import uuid

from ...engine.errors import ConfigurationError
from ...settings import Settings

CLIENT_ID = 'plex-client-id'

_CLIENT_ID = re.compile(r'[A-Za-z0-9._-]{1,128}')


def client_id(settings: Settings) -> str:
    """The installation's identifier: the settings', or one of its own that stays the same.

    Raises:
        ConfigurationError: There is none, and none can be kept.
    """
    if settings.plex_oauth_client_id:
        return settings.plex_oauth_client_id
    place = settings.home / CLIENT_ID
    content = kept(place, str(uuid.uuid4()).encode())
    found = content.decode('ascii', 'replace').strip()
    if not _CLIENT_ID.fullmatch(found):
        raise ConfigurationError([f'{place} holds no identifier; remove it to have a new one'])
    return found


def kept(place: pathlib.Path, first: bytes) -> bytes:
    """What a file of ours holds; where there is none yet, it is written, whole and for us alone.

    Raises:
        ConfigurationError: It can be neither read nor written.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            return place.read_bytes()
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = place.with_name(f'.{place.name}.{uuid.uuid4().hex}')
        try:
            _write(draft, first)
            _place(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        return place.read_bytes()
    except OSError as error:
        raise ConfigurationError([f'{place} cannot be kept: {error.strerror}']) from error


def _place(draft: pathlib.Path, place: pathlib.Path) -> None:
    """Put a file where it belongs, unless there is one by now."""
    try:
        os.link(draft, place)
    except FileExistsError:
        return
    except OSError:  # not every file system has links
        draft.rename(place)


def _write(place: pathlib.Path, content: bytes) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
