# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The program: which of the three it is, and how Pebble runs it.

Overseerr was forked as Jellyseerr, and both went up in Seerr. They take the same environment and
keep the same files, so one layer serves all three.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import posixpath
import typing
from typing import Any, Final

SERVICE: Final = 'seerr'
CHECK: Final = 'seerr-up'
PORT: Final = 5055
OWNER: Final = (1000, 1000)
"""User ``node`` of the image. Seerr has no PUID and PGID."""

FOLDER: Final = '/app/config'
"""Where the config storage is mounted."""

# The images of Seerr, Jellyseerr and sctx/overseerr have the program at the first place, that of
# LinuxServer at the second.
_PLACES: Final = ('/app', '/app/overseerr')
# What a package.json says before the release number was written into it.
_UNRELEASED: Final = '0.1.0'


class Failed(Exception):
    """What an operator asked for cannot be done; the message is one line for them."""


class Flavour(enum.StrEnum):
    """Which of the three programs an image holds."""

    SEERR = 'seerr'
    JELLYSEERR = 'jellyseerr'
    OVERSEERR = 'overseerr'

    @property
    def knows_only_plex(self) -> bool:
        """Whether Plex is the only media server it can use."""
        return self is Flavour.OVERSEERR


@dataclasses.dataclass(frozen=True)
class Image:
    """What the image holds.

    Attributes:
        flavour: Which of the three programs.
        version: Its release, or the tag it was built from, or empty.
        folder: Where the program lies. ``.next`` and the API description are looked up below the
            working directory, so it has to be this one.
    """

    flavour: Flavour
    version: str
    folder: str


class Files(typing.Protocol):
    """Reads files of the container."""

    def read(self, path: str) -> bytes | None:
        """Return what is in a file, or None where there is none."""
        ...


def identify(files: Files) -> Image | None:
    """Find out what the image holds, or None if it is none of the three."""
    for folder in _PLACES:
        package = _json_object(files.read(posixpath.join(folder, 'package.json')))
        name = package.get('name')
        if name in set(Flavour):
            return Image(Flavour(name), _version(files, folder, package), folder)
    return None


def _version(files: Files, folder: str, package: dict[str, Any]) -> str:
    version = package.get('version')
    if isinstance(version, str) and version != _UNRELEASED:
        return version
    tag = _json_object(files.read(posixpath.join(folder, 'committag.json'))).get('commitTag')
    return tag.removeprefix('v') if isinstance(tag, str) else ''


def _json_object(content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return typing.cast('dict[str, Any]', value) if isinstance(value, dict) else {}


def layer(image: Image, log_level: str, timezone: str) -> Any:
    """Return the Pebble layer.

    It holds no secret: everybody who may read the plan could read it.
    """
    return {
        'summary': f'{image.flavour} layer',
        'services': {
            SERVICE: {
                'override': 'replace',
                'summary': 'Request manager',
                'command': 'node dist/index.js',
                'working-dir': image.folder,
                'startup': 'enabled',
                'user-id': OWNER[0],
                'group-id': OWNER[1],
                'kill-delay': '20s',
                'on-failure': 'restart',
                'environment': {
                    'NODE_ENV': 'production',
                    'CONFIG_DIRECTORY': FOLDER,
                    'HOME': FOLDER,
                    'PORT': str(PORT),
                    # An enum's text: Pebble is sent YAML, and that knows no subclass of str.
                    'LOG_LEVEL': str(log_level),
                    'TZ': timezone,
                },
            },
        },
        'checks': {
            CHECK: {
                'override': 'replace',
                'level': 'ready',
                'startup': 'enabled',
                'period': '10s',
                'timeout': '3s',
                'threshold': 3,
                # Not /api/v1/status: it asks GitHub each time, and hangs where that is dropped.
                'http': {'url': f'http://localhost:{PORT}/api/v1/settings/public'},
            },
        },
    }
