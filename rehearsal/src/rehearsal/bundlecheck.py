# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Holds a bundle against the charms it names, before anything is deployed."""

from __future__ import annotations

import base64
import dataclasses
import pathlib
import re
from collections.abc import Iterator, Mapping

from . import bundle, catalogue, endpoints, errors, model, options

_NAME = re.compile(r'[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*')
_INCLUDES = ('include-file://', 'include-base64://')


@dataclasses.dataclass(frozen=True)
class Checked:
    """A bundle that can be deployed.

    Attributes:
        bundle: The bundle as written.
        charms: The charm of each application.
        options: The options of each application, typed, with included files read.
        relations: Provider and requirer of each relation, in the bundle's order.
    """

    bundle: bundle.Bundle
    charms: Mapping[str, model.Charm]
    options: Mapping[str, Mapping[str, options.Value]]
    relations: tuple[endpoints.Pair, ...]


def check(read: bundle.Bundle, charms: catalogue.Catalogue) -> Checked:
    """Check every name and value in a bundle that a charm has a say in.

    Charms that the bundle names by a path are added to the catalogue.

    Raises:
        errors.InputError: A charm, option, resource, storage or endpoint is unknown, a value is
            of the wrong type, or two endpoints do not fit together.
    """
    if not read.applications:
        raise read.refuse((), 'the bundle has no applications')
    found = {name: _charm(read, name, charms) for name in read.applications}
    typed = {name: dict(_options(read, name, each)) for name, each in found.items()}
    for name, each in found.items():
        _check_names(read, name, each)
    return Checked(read, found, typed, tuple(_relations(read, found)))


def _charm(read: bundle.Bundle, name: str, charms: catalogue.Catalogue) -> model.Charm:
    if not _NAME.fullmatch(name):
        raise read.refuse(('applications', name), f'invalid application name "{name}"')
    written = read.applications[name].charm
    path = ('applications', name, 'charm')
    try:
        return find_charm(written, read.folder, charms)
    except errors.RehearsalError as error:
        raise read.refuse(path, str(error)) from None


def find_charm(written: str, folder: pathlib.Path, charms: catalogue.Catalogue) -> model.Charm:
    """Return the charm that a name, or a path from ``folder``, stands for.

    Raises:
        errors.InputError: There is no such charm, or it cannot be loaded.
    """
    if written.startswith(('.', '/')):
        written = charms.add(folder / written)
    name = written.removeprefix('ch:')
    if name not in charms.names:
        known = ', '.join(charms.names) or 'none'
        raise errors.InputError(f'charm "{name}" not found; known are: {known}')
    return charms.charm(name)


def _options(
    read: bundle.Bundle, name: str, charm: model.Charm
) -> Iterator[tuple[str, options.Value]]:
    for option, value in read.applications[name].options.items():
        path = ('applications', name, 'options', option)
        try:
            if option not in charm.options:
                raise errors.InputError('unknown option' + _known(charm.options))
            value = options.parse(charm, {option: _included(value, read.folder)})[option]
        except errors.RehearsalError as error:
            raise read.refuse(path, str(error)) from None
        yield option, value


def _included(value: bundle.Option, folder: pathlib.Path) -> bundle.Option:
    """Read the file that an option asks to include.

    Raises:
        errors.InputError: The file cannot be read as text.
    """
    if not isinstance(value, str) or not value.startswith(_INCLUDES):
        return value
    scheme, _, name = value.partition('://')
    try:
        content = (folder / name).read_bytes()
        return (base64.b64encode(content) if scheme == 'include-base64' else content).decode()
    except (OSError, ValueError):
        raise errors.InputError(f'"{name}" cannot be read as a text file') from None


def _check_names(read: bundle.Bundle, name: str, charm: model.Charm) -> None:
    application = read.applications[name]
    for key, given, known in (
        ('resources', application.resources, charm.resources),
        ('storage', application.storage, charm.storage),
    ):
        for each in given:
            if each not in known:
                reason = f'charm "{charm.name}" has no such {key.removesuffix("s")}{_known(known)}'
                raise read.refuse(('applications', name, key, each), reason)


def _known(names: Mapping[str, object]) -> str:
    return f'; known are: {", ".join(names)}' if names else '; there are none'


def _relations(read: bundle.Bundle, charms: Mapping[str, model.Charm]) -> Iterator[endpoints.Pair]:
    applications = {
        name: model.Application(name, charm, read.applications[name].units, uuid='')
        for name, charm in charms.items()
    }
    made: dict[endpoints.Pair, int] = {}
    for number, (first, second) in enumerate(read.contents.relations):
        path = ('relations', number)
        try:
            pair = endpoints.match(applications, first, second)
        except errors.JujuError as error:
            reason = _mismatch(applications, first, second) or str(error)
            raise read.refuse(path, reason) from None
        if pair in made:
            raise read.refuse(path, f'the same relation as relations.{made[pair]}')
        made[pair] = number
        yield pair


def _mismatch(
    applications: Mapping[str, model.Application], first: str, second: str
) -> str | None:
    """Say why two endpoints that exist do not fit; None when one of them does not exist."""
    ends = [_endpoint(applications, text) for text in (first, second)]
    if None in ends:
        return None
    described = [
        f'{text} ({end.role.value} {end.interface})'
        for text, end in zip((first, second), ends, strict=True)
        if end is not None
    ]
    return f'cannot relate {described[0]} to {described[1]}'


def _endpoint(applications: Mapping[str, model.Application], text: str) -> model.Endpoint | None:
    name, endpoint = endpoints.split(text)
    if name not in applications or endpoint is None:
        return None
    return applications[name].charm.endpoints.get(endpoint)
