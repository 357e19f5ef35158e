# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Users of plex.tv and the servers that are theirs, as plex.tv shows them."""

from __future__ import annotations

import dataclasses
import datetime

from .plex_documents import Node


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody with an account."""

    id: int
    name: str
    plex_pass: bool = False

    @property
    def uuid(self) -> str:
        """The part of addresses that stands for the user."""
        return f'{self.id:016x}'

    @property
    def thumb(self) -> str:
        """Address of the picture."""
        return f'https://plex.tv/users/{self.uuid}/avatar?c=1700000000'


@dataclasses.dataclass
class Server:
    """A media server that somebody owns and shares.

    Attributes:
        tokens: Those that it takes, by user.
        invited: Users who were offered a share and have not answered.
    """

    machine: str
    name: str
    address: str
    owner: User
    tokens: dict[int, str]
    invited: set[int] = dataclasses.field(default_factory=set[int])


def isotime(when: datetime.datetime) -> str:
    """A time as plex.tv writes it."""
    return f'{when:%Y-%m-%dT%H:%M:%SZ}'


def resource(server: Server, user: User, now: datetime.datetime) -> Node:
    """A server as a user's list shows it."""
    owned = server.owner == user
    address, _, port = server.address.removeprefix('http://').partition(':')
    connection: Node = {
        'protocol': 'http',
        'address': address,
        'port': int(port or 80),
        'uri': server.address,
        'local': True,
        'relay': False,
        'IPv6': False,
    }
    return {
        'name': server.name,
        'product': 'Plex Media Server',
        'productVersion': '1.43.2.10000-0123abcd',
        'platform': 'Linux',
        'platformVersion': '6.8.0',
        'device': 'PC',
        'clientIdentifier': server.machine,
        'createdAt': '2020-01-01T00:00:00Z',
        'lastSeenAt': isotime(now),
        'provides': 'server',
        'ownerId': None if owned else server.owner.id,
        'sourceTitle': None if owned else server.owner.name,
        'publicAddress': '203.0.113.7',
        'accessToken': server.tokens[user.id],
        'owned': owned,
        'home': False,
        'synced': False,
        'relay': True,
        'presence': True,
        'httpsRequired': False,
        'publicAddressMatches': True,
        'dnsRebindingProtection': False,
        'natLoopbackSupported': False,
        'connections': [connection],
    }


def fields(user: User, scope: set[str]) -> Node:
    """What a signed token says of a user: always the ids, the rest as far as it was asked for."""
    known: Node = {
        'username': user.name.lower(),
        'email': f'{user.name.lower()}@example.com',
        'friendly_name': user.name,
        'restricted': False,
        'anonymous': False,
        'joinedAt': 1_577_836_800,
    }
    asked = {name: value for name, value in known.items() if name in scope}
    return {'id': user.id, 'uuid': user.uuid, **asked}


def account(user: User) -> Node:
    """An account as its user sees it."""
    return {
        'id': user.id,
        'uuid': user.uuid,
        'username': user.name.lower(),
        'title': user.name,
        'email': f'{user.name.lower()}@example.com',
        'friendlyName': user.name,
        'locale': None,
        'confirmed': True,
        'joinedAt': 1_577_836_800,
        'emailOnlyAuth': False,
        'hasPassword': True,
        'protected': False,
        'thumb': user.thumb,
        'mailingListStatus': 'unsubscribed',
        'mailingListActive': False,
        'scrobbleTypes': '',
        'country': 'SE',
        'restricted': False,
        'anonymous': None,
        'home': False,
        'guest': False,
        'homeSize': 1,
        'homeAdmin': False,
        'maxHomeSize': 15,
        'rememberExpiresAt': None,
        'twoFactorEnabled': False,
        'backupCodesCreated': False,
        'subscription': {
            'active': user.plex_pass,
            'subscribedAt': '2020-01-01 00:00:00 UTC' if user.plex_pass else None,
            'status': 'Active' if user.plex_pass else 'Inactive',
            'paymentService': None,
            'plan': 'lifetime' if user.plex_pass else None,
            'features': ['session_kick', 'webhooks'] if user.plex_pass else [],
        },
        'profile': {
            'autoSelectAudio': True,
            'defaultAudioLanguage': 'en',
            'defaultSubtitleLanguage': 'en',
            'autoSelectSubtitle': 0,
            'defaultSubtitleAccessibility': 0,
            'defaultSubtitleForced': 0,
        },
        'entitlements': [],
        'roles': ['plexpass'] if user.plex_pass else [],
        'services': [],
    }


def phone(user: User) -> Node:
    """What stands in the list of everybody beside the servers: a player."""
    return {
        'name': f"{user.name}'s phone",
        'product': 'Plex for iOS',
        'productVersion': '8.40',
        'platform': 'iOS',
        'platformVersion': '18.0',
        'device': 'iPhone',
        'clientIdentifier': f'phone-{user.uuid}',
        'createdAt': '2022-01-01T00:00:00Z',
        'lastSeenAt': '2026-01-01T00:00:00Z',
        'provides': 'client,player,controller',
        'ownerId': None,
        'sourceTitle': None,
        'publicAddress': '203.0.113.8',
        'accessToken': None,
        'owned': True,
        'home': False,
        'synced': False,
        'relay': False,
        'presence': False,
        'httpsRequired': False,
        'publicAddressMatches': False,
        'dnsRebindingProtection': False,
        'natLoopbackSupported': False,
        'connections': [],
    }
