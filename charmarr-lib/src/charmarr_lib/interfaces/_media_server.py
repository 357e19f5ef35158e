# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The ``media-server`` interface: where the media server is, and who asks.

It serves discovery only. No password and no token ever travels over it; at most the id of a Juju
secret that the provider has granted.
"""

from __future__ import annotations

import enum
from typing import Any

import ops
import pydantic

from . import _databag, _sides
from ._answers import Answer, Valid
from ._databag import DatabagModel
from ._fields import HttpUrl

DEFAULT_ENDPOINT = 'media-server'


class MediaServer(enum.StrEnum):
    """Kind of a media server."""

    PLEX = 'plex'
    JELLYFIN = 'jellyfin'
    EMBY = 'emby'


class RequestManager(enum.StrEnum):
    """Kind of a request manager."""

    OVERSEERR = 'overseerr'
    JELLYSEERR = 'jellyseerr'
    SEERR = 'seerr'


class MediaServerProviderData(DatabagModel):
    """Published by a media server."""

    api_url: HttpUrl = pydantic.Field(
        description='Base URL inside the cluster: http://<app>.<model>.svc.cluster.local:<port>.'
    )
    server: MediaServer = pydantic.Field(description='Kind of the server.')
    instance_name: str = pydantic.Field(
        min_length=1, description='Name of the Juju application, such as plex or jellyfin-4k.'
    )
    name: str = pydantic.Field(
        default='', description='The same as instance_name, under the name older peers read.'
    )
    web_url: HttpUrl | None = pydantic.Field(
        default=None, description='URL for people, when there is one.'
    )
    credentials_secret_id: str | None = pydantic.Field(
        default=None, description='Id of a Juju secret granted on this relation.'
    )

    @pydantic.model_validator(mode='before')
    @classmethod
    def _accept_older_peers(cls, value: Any) -> Any:
        """Fill in what the published charms omit.

        They write ``name`` in place of ``instance_name``. Those that write no ``server`` date from
        before there was any other than Plex.
        """
        if not isinstance(value, dict):
            return value
        given: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType] -- any mapping may come
        given.setdefault('instance_name', given.get('name'))
        given.setdefault('name', given['instance_name'])
        if given['instance_name'] is None:
            del given['instance_name'], given['name']
        given.setdefault('server', MediaServer.PLEX)
        return given


class MediaServerRequirerData(DatabagModel):
    """Published by a request manager."""

    requester: RequestManager = pydantic.Field(description='Kind of the request manager.')
    instance_name: str = pydantic.Field(
        min_length=1, description='Name of the Juju application, such as overseerr.'
    )


class MediaServerProvider(_sides.Provider[MediaServerProviderData]):
    """The media server's side. It observes nothing: its charm decides when to publish."""

    def __init__(self, charm: ops.CharmBase, relation_name: str = DEFAULT_ENDPOINT):
        super().__init__(charm, relation_name)

    def read(self) -> list[Answer[MediaServerRequirerData]]:
        """Return what each request manager has published, one answer for each relation."""
        return [_databag.read(each, MediaServerRequirerData) for each in self.relations]

    def get_requirers(self) -> list[MediaServerRequirerData]:
        """Return the data of the request managers that have published valid data."""
        return [each.data for each in self.read() if isinstance(each, Valid)]


class MediaServerChangedEvent(ops.EventBase):
    """A media server has been published, changed or withdrawn."""


class MediaServerRequirerEvents(_sides.RequirerEvents):
    """Events of :class:`MediaServerRequirer`."""

    changed = ops.EventSource(MediaServerChangedEvent)


class MediaServerRequirer(_sides.Requirer[MediaServerRequirerData]):
    """The request manager's side; any number of media servers may be related.

    It emits ``on.changed`` after relation-changed and relation-broken. A charm that reconciles on
    every event anyway has no need to observe it.
    """

    on = MediaServerRequirerEvents()

    def __init__(self, charm: ops.CharmBase, relation_name: str = DEFAULT_ENDPOINT):
        super().__init__(charm, relation_name)

    def read(self) -> list[Answer[MediaServerProviderData]]:
        """Return what each media server has published, one answer for each relation."""
        return [_databag.read(each, MediaServerProviderData) for each in self.relations]

    def get_providers(self) -> list[MediaServerProviderData]:
        """Return the data of the media servers that have published valid data, by relation id."""
        return [each.data for each in self.read() if isinstance(each, Valid)]

    def is_ready(self) -> bool:
        """Tell whether at least one media server has published valid data."""
        return bool(self.get_providers())
