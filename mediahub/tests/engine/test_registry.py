# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import dataclasses

import pytest

from mediahub.engine import errors
from mediahub.engine.registry import Registry, installed
from mediahub.servers import plex


def named(name: str, *aliases: str):
    return dataclasses.replace(plex.SERVER_TYPE, name=name, aliases=aliases)


@pytest.mark.parametrize(
    ('second', 'mistake'),
    [
        (named('one'), "'one' already means 'one'"),
        (named('two', 'one'), "'one' already means 'one'"),
        (named('alias'), "'alias' already means 'one'"),
        (named('two', 'two'), 'has an alias twice'),
        (named('Two words'), 'is no name'),
    ],
)
def test_refuses_names_and_aliases_that_collide(second: object, mistake: str):
    registry = Registry([named('one', 'alias')])

    with pytest.raises(errors.ConfigurationError, match=mistake):
        registry.register(second)  # pyright: ignore[reportArgumentType] - made by named()

    assert registry.names == ('one',)


def test_finds_the_installed_kinds():
    assert installed().names == ('emby', 'filesystem', 'jellyfin', 'plex', 'subsonic')


class Broken:
    name = 'broken'
    value = 'nowhere:SERVER_TYPE'

    def load(self) -> object:
        raise ImportError('No module named nowhere')


class Foreign(Broken):
    value = 'elsewhere:SERVER_TYPE'

    def load(self) -> object:
        return object()


def test_names_every_plugin_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch):
    def points(group: str) -> list[Broken]:
        return [Broken(), Foreign()]

    monkeypatch.setattr('importlib.metadata.entry_points', points)

    with pytest.raises(errors.ConfigurationError) as found:
        installed()

    assert found.value.mistakes == (
        'plugin nowhere:SERVER_TYPE: cannot be loaded: No module named nowhere',
        'plugin elsewhere:SERVER_TYPE: is a object, not a ServerType',
    )
