# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Which two endpoints ``juju integrate`` means, by Juju's rules and in its words."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from . import errors, model

Pair = tuple[model.EndpointRef, model.EndpointRef]
"""Provider and requirer."""


def split(text: str) -> tuple[str, str | None]:
    """Split ``plex:media-storage`` into application and endpoint, None when not given."""
    application, colon, endpoint = text.partition(':')
    return application, (endpoint if colon else None)


def match(applications: Mapping[str, model.Application], first: str, second: str) -> Pair:
    """Find the one provider and requirer that two arguments of ``integrate`` name.

    Raises:
        errors.JujuError: if an application or endpoint is unknown, nothing fits, or several do.
    """
    sides = [_candidates(applications, text) for text in (first, second)]
    pairs = list(_pairs(*sides))
    if not pairs:
        raise errors.JujuError('no relations found')
    if len(pairs) > 1:
        raise errors.JujuError(_ambiguous(first, second, pairs))
    return pairs[0]


def application(applications: Mapping[str, model.Application], name: str) -> model.Application:
    """Return an application by name.

    Raises:
        errors.JujuError: if there is none.
    """
    if name not in applications:
        raise errors.JujuError(f'application "{name}" not found')
    return applications[name]


_Side = list[tuple[model.EndpointRef, model.Endpoint]]


def _candidates(applications: Mapping[str, model.Application], text: str) -> _Side:
    name, wanted = split(text)
    endpoints = application(applications, name).charm.endpoints
    if wanted is not None and wanted not in endpoints:
        raise errors.JujuError(f'application "{name}" has no "{wanted}" relation')
    return [
        (model.EndpointRef(name, each.name), each)
        for each in endpoints.values()
        if wanted in (None, each.name)
    ]


def _pairs(first: _Side, second: _Side) -> Iterator[Pair]:
    for (here, one), (there, other) in itertools.product(first, second):
        if one.interface != other.interface or here.application == there.application:
            continue
        if (one.role, other.role) == (model.Role.PROVIDES, model.Role.REQUIRES):
            yield here, there
        elif (one.role, other.role) == (model.Role.REQUIRES, model.Role.PROVIDES):
            yield there, here


def _ambiguous(first: str, second: str, pairs: Iterable[Pair]) -> str:
    keys = sorted(f'{requirer} {provider}' for provider, requirer in pairs)
    choices = '; '.join(f'"{key}"' for key in keys)
    return f'ambiguous relation: "{first} {second}" could refer to {choices}'
