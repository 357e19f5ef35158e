# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A stand-in for Plex Media Server.

It behaves as Plex's API description (OpenAPI 1.2.2) and other people's clients say: the identity
in XML and JSON, the claim through plex.tv, preferences in memory and in one XML file, libraries,
sessions, slow starts. What a real server was never seen doing, such as its words for a used token,
is chosen so that a client cannot rely on it: an empty body and a status.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import pathlib
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree

import httpx2

from ._plex_process import BINARY, PID_FILE, Process, check_startable, read_preferences
from .workload import Launch, Ran

__all__ = [
    'BINARY',
    'VERSION',
    'Heard',
    'Mood',
    'PlexDouble',
    'PlexTv',
    'Process',
    'Section',
]

VERSION: Final = '1.43.1.10611-1e34174b1'
_LOOPBACK: Final = ('127.0.0.1', '::1')
_SECTION_SCAN: Final = re.compile(r'/library/sections/(?P<key>\d+)/refresh')
# Preferences that the double knows, with their defaults; the API refuses all others.
_KNOWN: Final[Mapping[str, str]] = {
    'FriendlyName': '',
    'logDebug': '1',
    'logVerbose': '0',
    'TranscoderTempDirectory': '',
    'HardwareAcceleratedCodecs': '0',
    'customConnections': '',
    'allowedNetworks': '',
    'secureConnections': '1',
    'sendCrashReports': '1',
}


Plain = str | int | bool
"""What an attribute of an answer can be."""


class PlexTv(enum.Enum):
    """What plex.tv makes of a claim token."""

    ACCEPTS = 'accepts'
    EXPIRED = 'expired'
    UNREACHABLE = 'unreachable'
    SILENT = 'silent'
    """Packets to it vanish: the server does not answer either until it is too late."""
    LOST_REPLY = 'lost reply'
    """The claim takes effect, but the one who asked does not hear of it."""


class Mood(enum.Enum):
    """How the server answers."""

    WELL = 'well'
    MAINTENANCE = 'maintenance'
    """503, as during a migration of its database."""
    HANGING = 'hanging'
    """It accepts connections and never answers."""
    BROKEN = 'broken'
    """500 to everything."""
    GARBLED = 'garbled'
    """200 and a page that is not Plex's."""


@dataclasses.dataclass(frozen=True)
class Section:
    """A library."""

    key: str
    title: str
    kind: str = 'movie'
    folder: str = '/data/media/movies'


@dataclasses.dataclass(frozen=True)
class Heard:
    """A request that the server received."""

    method: str
    path: str
    query: Mapping[str, str]
    token: str | None
    status: int


class PlexDouble:
    """Plex Media Server, as one container runs it.

    Args:
        slow_start: Ticks from its start until it listens.
        plex_tv: What plex.tv makes of claim tokens.
        sections: Libraries that there are.
        sessions: How many playbacks there are.

    Attributes:
        mood: How it answers while it runs.
        heard: Requests that it answered, oldest first.
        scanned: Keys of libraries that were scanned, oldest first.
        folders: For each start, the folder of this machine that holds its database. A law may
            check that no two run on one at a time.
        launched: How it was started last.
        lost_edits: How often it has written over what somebody had changed in the file of its
            settings while it ran.
    """

    port = 32400

    def __init__(
        self,
        *,
        slow_start: int = 0,
        plex_tv: PlexTv = PlexTv.ACCEPTS,
        sections: Sequence[Section] = (),
        sessions: int = 0,
    ):
        self.slow_start = slow_start
        self.plex_tv = plex_tv
        self.sections = list(sections)
        self.sessions = sessions
        self.mood = Mood.WELL
        self.heard: list[Heard] = []
        self.scanned: list[str] = []
        self.folders: list[str] = []
        self.launched: Process | None = None
        self.running = False
        self.lost_edits = 0
        self._written = ''
        self._starting = 0
        self._preferences: dict[str, str] = {}

    # charmarr_lib.testing.workload.Workload

    def image_files(self) -> Mapping[str, str]:
        """Return the files its image brings."""
        return {BINARY: '', '/bin/bash': ''}

    def start(self, launch: Launch) -> None:
        """Start the server.

        Raises:
            CannotStart: if it would exit straight away.
        """
        process = Process.of(launch)
        check_startable(launch, process)
        self.launched = process
        self._preferences = read_preferences(process)
        self._preferences.setdefault('MachineIdentifier', str(uuid.uuid4()))
        self._preferences.setdefault(
            'ProcessedMachineIdentifier',
            hashlib.sha1(  # noqa: S324  # Plex's own derivation of a name, no secret
                f'{self._preferences["MachineIdentifier"]}- Plex Media Server'.encode()
            ).hexdigest(),
        )
        self.folders.append(str(process.folder.resolve()))
        self._write()
        (process.folder / PID_FILE).write_text('1\n')
        self._starting = self.slow_start
        self.running = True

    def stop(self) -> None:
        """Stop as SIGTERM does: preferences are written, the pid file goes."""
        if self.running and self.launched is not None:
            self._write()
            (self.launched.folder / PID_FILE).unlink(missing_ok=True)
        self.running = False

    def tick(self) -> None:
        """Let ten seconds pass."""
        self._starting = max(0, self._starting - 1)

    def execute(self, command: Sequence[str]) -> Ran | None:
        """Run a command of the image; it has none of its own that a charm would call."""
        return None

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Answer a request that came from the address ``peer``."""
        if not self.running or self._starting:
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        if self.mood is Mood.HANGING:
            raise httpx2.ReadTimeout('The read operation timed out', request=request)
        response = self._moody(request) or self._route(request, peer)
        self.heard.append(
            Heard(
                request.method,
                request.url.path,
                dict(request.url.params),
                request.headers.get('X-Plex-Token'),
                response.status_code,
            )
        )
        return response

    # For tests to arrange and look.

    @property
    def claimed(self) -> bool:
        """Whether the server belongs to an account."""
        return bool(self._preferences.get('PlexOnlineToken'))

    def preference(self, name: str) -> str:
        """Return a setting as the running server holds it, or its default."""
        return self._preferences.get(self._spelled(name), _KNOWN.get(name, ''))

    @property
    def edited(self) -> bool:
        """Whether somebody has changed the file of its settings while it runs."""
        return self.running and self._file.read_text('utf-8') != self._written

    def prefer(self, name: str, value: str) -> None:
        """Change a setting as a user of the web interface does."""
        self._preferences[self._spelled(name)] = value
        self._write()

    # The API.

    def _moody(self, request: httpx2.Request) -> httpx2.Response | None:
        if self.mood is Mood.MAINTENANCE:
            body = (
                '<?xml version="1.0" encoding="UTF-8"?>\n<Response code="503" title="Maintenance" '
                'status="Plex Media Server is currently running startup maintenance tasks."/>'
            )
            return httpx2.Response(503, text=body, headers={'Content-Type': 'text/xml'})
        if self.mood is Mood.BROKEN:
            return _page(500, 'Internal Server Error')
        if self.mood is Mood.GARBLED:
            return _page(200, 'Welcome')
        return None

    def _route(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        routes: dict[tuple[str, str], Callable[[httpx2.Request], httpx2.Response]] = {
            ('GET', '/'): self._root,
            ('GET', '/:/prefs'): self._get_preferences,
            ('PUT', '/:/prefs'): self._put_preferences,
            ('GET', '/library'): self._library,
            ('GET', '/library/sections'): self._get_sections,
            ('GET', '/library/sections/all'): self._get_sections,
            ('GET', '/status/sessions'): self._get_sessions,
        }
        where = (request.method, request.url.path)
        if where == ('GET', '/identity'):  # the one answer that needs no token
            return self._identity(request)
        if where == ('POST', '/myplex/claim'):
            return self._claim(request, peer)
        if not self._allowed(request, peer):
            return _page(401, 'Unauthorized')
        scan = _SECTION_SCAN.fullmatch(request.url.path)
        if scan and request.method in ('GET', 'POST'):
            return self._scan(scan['key'])
        handler = routes.get(where)
        return handler(request) if handler else _page(404, 'Not Found')

    def _allowed(self, request: httpx2.Request, peer: str) -> bool:
        token = self._preferences.get('PlexOnlineToken')
        if not token:
            return peer in _LOOPBACK
        given = request.headers.get('X-Plex-Token') or request.url.params.get('X-Plex-Token')
        return given == token

    def _identity(self, request: httpx2.Request) -> httpx2.Response:
        return _answer(request, {'apiVersion': '1.2.2', **self._who()})

    def _who(self) -> dict[str, Plain]:
        return {
            'claimed': self.claimed,
            'machineIdentifier': self._preferences['ProcessedMachineIdentifier'],
            'version': VERSION,
        }

    def _root(self, request: httpx2.Request) -> httpx2.Response:
        more: dict[str, Plain] = {
            'friendlyName': self.preference('FriendlyName') or 'plex-0',
            'myPlex': self.claimed,
            'platform': 'Linux',
            'transcoderActiveVideoSessions': 0,
        }
        return _answer(request, self._who() | more)

    def _claim(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        token = request.url.params.get('token', '')
        if peer not in _LOOPBACK:
            return _page(403, 'Forbidden')
        if self.claimed:
            return _page(400, 'Bad Request')
        if self.plex_tv is PlexTv.UNREACHABLE:
            return _page(500, 'Internal Server Error')
        if self.plex_tv is PlexTv.SILENT:
            raise httpx2.ReadTimeout('The read operation timed out', request=request)
        if self.plex_tv is PlexTv.EXPIRED or not token.startswith('claim-'):
            return _page(401, 'Unauthorized')
        self._preferences |= {
            'PlexOnlineToken': f'own-{uuid.uuid4().hex[:16]}',
            'PlexOnlineUsername': 'owner',
            'PlexOnlineMail': 'owner@example.org',
            'PlexOnlineHome': '1',
        }
        self._write()
        if self.plex_tv is PlexTv.LOST_REPLY:
            raise httpx2.ReadTimeout('The read operation timed out', request=request)
        return _answer(
            request,
            {'username': 'owner', 'mappingState': 'unknown', 'signInState': 'ok'},
            'MyPlex',
        )

    def _get_preferences(self, request: httpx2.Request) -> httpx2.Response:
        settings = [
            _setting(name, default, self.preference(name)) for name, default in _KNOWN.items()
        ]
        return _answer(request, {}, items={'Setting': settings})

    def _put_preferences(self, request: httpx2.Request) -> httpx2.Response:
        known = {name.lower() for name in _KNOWN}
        wanted = {k: v for k, v in request.url.params.items() if k != 'X-Plex-Token'}
        for name in wanted:
            if name.lower() not in known:
                return _page(400, f'cannot set preference value for unknown preference {name}')
        for name, value in wanted.items():
            # Clients write booleans in either way; the file has digits.
            self.prefer(name, {'true': '1', 'false': '0'}.get(value, value))
        return httpx2.Response(200)

    def _library(self, request: httpx2.Request) -> httpx2.Response:
        return _answer(request, {'title1': 'Plex Library'})

    def _get_sections(self, request: httpx2.Request) -> httpx2.Response:
        directories: list[Mapping[str, Plain]] = [
            {
                'key': each.key,
                'type': each.kind,
                'title': each.title,
                'agent': 'tv.plex.agents.movie',
                'scanner': 'Plex Movie',
                'language': 'en-US',
                'uuid': str(uuid.uuid5(uuid.NAMESPACE_URL, each.key)),
            }
            for each in self.sections
        ]
        return _answer(request, {'title1': 'Plex Library'}, items={'Directory': directories})

    def _scan(self, key: str) -> httpx2.Response:
        if key not in {each.key for each in self.sections}:
            return _page(404, 'Not Found')
        self.scanned.append(key)
        return httpx2.Response(200)

    def _get_sessions(self, request: httpx2.Request) -> httpx2.Response:
        playing: list[Mapping[str, Plain]] = [
            {'sessionKey': str(number), 'type': 'movie', 'title': f'Film {number}'}
            for number in range(1, self.sessions + 1)
        ]
        return _answer(request, {}, items={'Video': playing})

    # The file.

    def _spelled(self, name: str) -> str:
        wanted = name.lower()
        return next((each for each in self._preferences if each.lower() == wanted), name)

    @property
    def _file(self) -> pathlib.Path:
        assert self.launched is not None  # noqa: S101  # it was started
        return self.launched.folder / 'Preferences.xml'

    def _write(self) -> None:
        self.lost_edits += self.edited
        root = ElementTree.Element('Preferences', self._preferences)
        text = ElementTree.tostring(root, encoding='unicode')
        self._written = f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self._written, 'utf-8')


def _setting(name: str, default: str, value: str) -> Mapping[str, Plain]:
    boolean = default in ('0', '1')
    return {
        'id': name,
        'type': 'bool' if boolean else 'text',
        'default': default == '1' if boolean else default,
        'value': value == '1' if boolean else value,
        'hidden': False,
        'advanced': True,
        'group': 'general',
        'label': name,
        'summary': '',
    }


def _page(status: int, text: str) -> httpx2.Response:
    """Answer as Plex does where it has nothing to say: a small HTML page."""
    body = f'<html><head><title>{text}</title></head><body><h1>{status} {text}</h1></body></html>'
    return httpx2.Response(status, text=body, headers={'Content-Type': 'text/html'})


def _answer(
    request: httpx2.Request,
    attributes: Mapping[str, Plain],
    tag: str = 'MediaContainer',
    *,
    items: Mapping[str, Sequence[Mapping[str, Plain]]] | None = None,
) -> httpx2.Response:
    """Answer with one object, in JSON if the client asks for that, else in XML."""
    lists = items or {}
    size = sum(len(each) for each in lists.values())
    if 'application/json' in request.headers.get('Accept', ''):
        return httpx2.Response(200, json={tag: {'size': size, **attributes, **lists}})
    root = ElementTree.Element(tag, {'size': str(size), **_texts(attributes)})
    for name, each in lists.items():
        for item in each:
            ElementTree.SubElement(root, name, _texts(item))
    text = ElementTree.tostring(root, encoding='unicode')
    return httpx2.Response(
        200,
        text=f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n',
        headers={'Content-Type': 'text/xml;charset=utf-8'},
    )


def _texts(attributes: Mapping[str, Plain]) -> dict[str, str]:
    return {
        name: str(int(value)) if isinstance(value, bool) else str(value)
        for name, value in attributes.items()
    }
