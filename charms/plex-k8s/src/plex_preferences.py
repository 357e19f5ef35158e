# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plex's preferences: one XML element whose attributes are the settings.

Plex holds them in memory and writes the file anew whenever one changes, so the file may be edited
only while Plex is stopped; while it runs, its API changes them. Names vary in case between
versions and between file and API: an attribute that differs only in case is the same setting.
"""

from __future__ import annotations

import copy
import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Final

from plex_options import LogLevel

if typing.TYPE_CHECKING:
    from xml.etree import ElementTree

TOKEN: Final = 'PlexOnlineToken'  # noqa: S105  # the setting's name
ACCOUNT: Final = (TOKEN, 'PlexOnlineHome', 'PlexOnlineMail', 'PlexOnlineUsername')
"""Settings that make a server claimed."""

_TRANSCODER_FOLDER: Final = 'TranscoderTempDirectory'
_LOGGING_DEFAULTS: Final = {'logDebug': '1', 'logVerbose': '0'}
_LOGGING: Final[Mapping[LogLevel, tuple[str, str]]] = {
    LogLevel.ERROR: ('0', '0'),
    LogLevel.WARNING: ('0', '0'),
    LogLevel.INFO: ('0', '0'),
    LogLevel.DEBUG: ('1', '0'),
    LogLevel.TRACE: ('1', '1'),
}


class MalformedPreferencesError(Exception):
    """The file is not what Plex writes. The text is one line."""


@dataclasses.dataclass(frozen=True)
class Preferences:
    """The settings of one server, among them its token."""

    _root: ElementTree.Element = dataclasses.field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Preferences:
        """Read the file's text.

        Raises:
            MalformedPreferencesError: if it is not one element named ``Preferences``.
        """
        from xml.etree import ElementTree

        try:
            root = ElementTree.fromstring(text)  # noqa: S314  # Plex's own file; expat bounds entities
        except ElementTree.ParseError:
            raise MalformedPreferencesError('Preferences.xml is not XML') from None
        if root.tag != 'Preferences':
            raise MalformedPreferencesError('Preferences.xml holds something else')
        return cls(root)

    def to_xml(self) -> str:
        """Return the text of the file."""
        from xml.etree import ElementTree

        body = ElementTree.tostring(self._root, encoding='unicode')
        return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'

    def get(self, name: str) -> str | None:
        """Return a setting, None if it is not set; upper and lower case count as the same."""
        spelled = self._spelled(name)
        return None if spelled is None else self._root.get(spelled)

    @property
    def token(self) -> str | None:
        """The server's own token, None while it is unclaimed."""
        return self.get(TOKEN) or None

    def replaced(self, values: Mapping[str, str]) -> Preferences:
        """Return a copy with these settings; all others stay, each in its own spelling."""
        changed = Preferences(copy.deepcopy(self._root))
        for name, value in values.items():
            changed._root.set(changed._spelled(name) or name, value)
        return changed

    def without(self, names: Iterable[str]) -> Preferences:
        """Return a copy without these settings."""
        root = copy.deepcopy(self._root)
        unwanted = {name.lower() for name in names}
        for name in [each for each in root.attrib if each.lower() in unwanted]:
            del root.attrib[name]
        return Preferences(root)

    def only(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return these settings as they are, without those that are not set."""
        found = {name: self.get(name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def _spelled(self, name: str) -> str | None:
        wanted = name.lower()
        return next((each for each in self._root.attrib if each.lower() == wanted), None)


def changes(
    preferences: Preferences, log_level: LogLevel, scratch: str, *, has_scratch: bool
) -> dict[str, str]:
    """Return the settings that have to change, and what they change to.

    Args:
        preferences: What is set now.
        log_level: What the operator wants logged. Plex knows two switches and nothing finer.
        scratch: Where a folder for transcoding is mounted when there is one.
        has_scratch: Whether there is one. It is set only where the user has not set a folder; ours
            is taken back when it is no longer there.
    """
    debug, verbose = _LOGGING[log_level]
    wanted = {'logDebug': debug, 'logVerbose': verbose}
    found = {
        name: value
        for name, value in wanted.items()
        if (preferences.get(name) or _LOGGING_DEFAULTS[name]) != value
    }
    folder = preferences.get(_TRANSCODER_FOLDER) or ''
    if has_scratch and not folder:
        found[_TRANSCODER_FOLDER] = scratch
    elif not has_scratch and folder == scratch:
        found[_TRANSCODER_FOLDER] = ''
    return found
