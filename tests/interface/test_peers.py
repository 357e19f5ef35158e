# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The published charmarr charms, and older and newer ones of ours, at the other end.

Their models are written down here as they read and write; the field names and defaults are those
of charmarr-lib 0.19 as published.
"""

import json

import pydantic
import pytest

from charmarr_lib import interfaces
from charmarr_lib.interfaces import _databag


class PeerStorageProvider(pydantic.BaseModel):
    pvc_name: str
    mount_path: str = '/data'
    puid: int = 1000
    pgid: int = 1000


class PeerStorageRequirer(pydantic.BaseModel):
    instance_name: str


class PeerServerProvider(pydantic.BaseModel):
    name: str
    api_url: str
    web_url: str | None = None
    server: str | None = None
    credentials_secret_id: str | None = None


PEERS = [
    pytest.param('media-storage', 'charmarr-storage', PeerStorageProvider, id='their radarr'),
    pytest.param('media-storage', 'plex', PeerStorageRequirer, id='their storage'),
    pytest.param('media-server', 'plex', PeerServerProvider, id='their seerr'),
]


@pytest.mark.parametrize(('interface', 'application', 'reader'), PEERS)
def test_peers_can_read_what_we_write(wire, interface, application, reader):
    written = wire(interface, application)
    read = reader.model_validate(written).model_dump(exclude_none=True)
    assert read.items() <= written.items()


def read(text, model):
    return _databag.parse(1, 'peer', text, model)


WRITTEN = [
    pytest.param(
        PeerStorageProvider(pvc_name='charmarr-shared-media', puid=568, pgid=568),
        interfaces.MediaStorageProviderData(pvc_name='charmarr-shared-media', puid=568, pgid=568),
        id='their storage',
    ),
    pytest.param(
        PeerServerProvider(name='plex', api_url='http://plex.arr.svc.cluster.local:32400'),
        interfaces.MediaServerProviderData(
            api_url='http://plex.arr.svc.cluster.local:32400',
            server=interfaces.MediaServer.PLEX,
            instance_name='plex',
        ),
        id='their plex from before there were others',
    ),
    pytest.param(
        PeerServerProvider(
            name='jellyfin',
            api_url='http://jellyfin.arr.svc.cluster.local:8096',
            server='jellyfin',
            credentials_secret_id='secret:cv1abc',
        ),
        interfaces.MediaServerProviderData(
            api_url='http://jellyfin.arr.svc.cluster.local:8096',
            server=interfaces.MediaServer.JELLYFIN,
            instance_name='jellyfin',
            credentials_secret_id='secret:cv1abc',
        ),
        id='their jellyfin',
    ),
]


@pytest.mark.parametrize(('peer', 'ours'), WRITTEN)
def test_we_can_read_what_peers_write(peer, ours):
    assert read(peer.model_dump_json(), type(ours)) == interfaces.Valid(1, 'peer', ours)


@pytest.mark.parametrize(('peer', 'ours'), WRITTEN)
def test_a_newer_peer_may_add_fields(peer, ours):
    text = json.dumps({**peer.model_dump(), 'added_in_2027': {'deep': [1, 2]}})
    assert read(text, type(ours)) == interfaces.Valid(1, 'peer', ours)


def test_a_server_of_a_kind_we_do_not_know_is_named_not_dropped():
    text = PeerServerProvider(name='music', api_url='http://music:4533', server='navidrome')
    answer = read(text.model_dump_json(), interfaces.MediaServerProviderData)
    assert isinstance(answer, interfaces.Malformed)
    assert answer.field == 'server'
