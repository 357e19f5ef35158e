# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Relations as ``ops.testing`` takes them, with the databags of the interfaces in them."""

from __future__ import annotations

from collections.abc import Mapping

from ops import testing

from ..interfaces import (
    MediaServerProviderData,
    MediaServerRequirerData,
    MediaStorageProviderData,
    MediaStorageRequirerData,
)

ProviderData = MediaServerProviderData | MediaStorageProviderData
RequirerData = MediaServerRequirerData | MediaStorageRequirerData


def relation_for_provider(
    endpoint: str,
    remote: RequirerData | str | None = None,
    *,
    published: ProviderData | None = None,
    remote_app: str = 'remote',
    relation_id: int | None = None,
) -> testing.Relation:
    """Return a relation of a provider charm under test.

    Args:
        endpoint: The charm's endpoint.
        remote: What the requirer has published: its data, any text to try what a charm makes of
            it, or None for nothing yet.
        published: What the charm under test has published earlier.
        remote_app: Name of the requirer's application.
        relation_id: Juju's number of the relation; a new one if not given.
    """
    return _relation(endpoint, remote, published, remote_app, relation_id)


def relation_for_requirer(
    endpoint: str,
    remote: ProviderData | str | None = None,
    *,
    published: RequirerData | None = None,
    remote_app: str = 'remote',
    relation_id: int | None = None,
) -> testing.Relation:
    """Return a relation of a requirer charm under test.

    The arguments are those of :func:`relation_for_provider` with the roles exchanged.
    """
    return _relation(endpoint, remote, published, remote_app, relation_id)


def _relation(
    endpoint: str,
    remote: ProviderData | RequirerData | str | None,
    published: ProviderData | RequirerData | None,
    remote_app: str,
    relation_id: int | None,
) -> testing.Relation:
    if relation_id is None:
        return testing.Relation(
            endpoint,
            remote_app_name=remote_app,
            remote_app_data=_databag(remote),
            local_app_data=_databag(published),
        )
    return testing.Relation(
        endpoint,
        id=relation_id,
        remote_app_name=remote_app,
        remote_app_data=_databag(remote),
        local_app_data=_databag(published),
    )


def _databag(data: ProviderData | RequirerData | str | None) -> Mapping[str, str]:
    if data is None:
        return {}
    text = data if isinstance(data, str) else data.model_dump_json(exclude_none=True)
    return {'config': text}
