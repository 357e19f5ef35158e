# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The ``media-storage`` interface: one shared volume that every application mounts."""

from __future__ import annotations

import ops
import pydantic

from . import _databag, _sides
from ._answers import Answer, Malformed, Valid
from ._databag import DatabagModel
from ._fields import AbsolutePath, ObjectName, UserId

DEFAULT_ENDPOINT = 'media-storage'


class MediaStorageProviderData(DatabagModel):
    """Published by the application that owns the shared volume."""

    pvc_name: ObjectName = pydantic.Field(
        description='Name of the PersistentVolumeClaim, in the namespace of the consumer.'
    )
    mount_path: AbsolutePath = pydantic.Field(
        default='/data', description='Where every consumer mounts it, so that hard links work.'
    )
    puid: UserId = pydantic.Field(
        default=1000, description='Numeric user that owns the media files.'
    )
    pgid: UserId = pydantic.Field(
        default=1000, description='Numeric group that owns the media files.'
    )


class MediaStorageRequirerData(DatabagModel):
    """Published by an application that mounts the shared volume."""

    instance_name: str = pydantic.Field(
        min_length=1, description='Name of the Juju application, for statuses and logs.'
    )


class MediaStorageProvider(_sides.Provider[MediaStorageProviderData]):
    """The side that owns the volume. It observes nothing: its charm decides when to publish."""

    def __init__(self, charm: ops.CharmBase, relation_name: str = DEFAULT_ENDPOINT):
        super().__init__(charm, relation_name)

    def get_published(self) -> list[MediaStorageProviderData]:
        """Return what each consumer has been told, as far as it is valid.

        Juju lets only the leader read this; for a follower it is empty.
        """
        answers = (
            _databag.read_own(self._charm, each, MediaStorageProviderData)
            for each in self.relations
        )
        return [each.data for each in answers if isinstance(each, Valid)]

    def read(self) -> list[Answer[MediaStorageRequirerData]]:
        """Return what each consumer has published, one answer for each relation."""
        return [_databag.read(each, MediaStorageRequirerData) for each in self.relations]

    def get_requirers(self) -> list[MediaStorageRequirerData]:
        """Return the data of the consumers that have published valid data."""
        return [each.data for each in self.read() if isinstance(each, Valid)]

    def get_connected_apps(self) -> list[str]:
        """Return the names of the related applications, also of those that published nothing.

        The name is what the consumer calls itself, or else what Juju calls it.
        """
        names = [
            each.data.instance_name if isinstance(each, Valid) else each.app
            for each in self.read()
        ]
        return sorted(name for name in names if name)


class MediaStorageChangedEvent(ops.EventBase):
    """The shared volume has been published, changed or withdrawn."""


class MediaStorageRequirerEvents(_sides.RequirerEvents):
    """Events of :class:`MediaStorageRequirer`."""

    changed = ops.EventSource(MediaStorageChangedEvent)


def _rank(answer: Answer[MediaStorageProviderData]) -> int:
    return 0 if isinstance(answer, Valid) else 1 if isinstance(answer, Malformed) else 2


class MediaStorageRequirer(_sides.Requirer[MediaStorageRequirerData]):
    """The side that mounts the volume.

    It emits ``on.changed`` after relation-changed and relation-broken. A charm that reconciles on
    every event anyway has no need to observe it.
    """

    on = MediaStorageRequirerEvents()

    def __init__(self, charm: ops.CharmBase, relation_name: str = DEFAULT_ENDPOINT):
        super().__init__(charm, relation_name)

    def read(self) -> Answer[MediaStorageProviderData] | None:
        """Return the provider's answer, or None when there is no relation at all.

        Of several relations the first valid one counts, then the first malformed one.
        """
        answers = [_databag.read(each, MediaStorageProviderData) for each in self.relations]
        return min(answers, key=_rank, default=None)

    def get_provider_data(self) -> MediaStorageProviderData | None:
        """Return what the provider has published, or None when there is nothing valid."""
        answer = self.read()
        return answer.data if isinstance(answer, Valid) else None

    def get_provider(self) -> MediaStorageProviderData | None:
        """Return the same as :meth:`get_provider_data`."""
        return self.get_provider_data()

    def is_ready(self) -> bool:
        """Tell whether our data is published and the provider's data is there and valid."""
        return self.get_provider_data() is not None and all(
            _databag.has_published(self._charm, each) for each in self.relations
        )
