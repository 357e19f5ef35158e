# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib

import pytest

from mediahub.engine import config, errors
from mediahub.engine.registry import Registry

PLEX = {'name': 'music', 'type': 'plex', 'url': 'http://plex:32400', 'token': 'secret-token'}


def mistakes(data: dict[str, object], registry: Registry) -> list[str]:
    with pytest.raises(errors.ConfigurationError) as found:
        config.parse(data, registry)
    return list(found.value.mistakes)


def test_names_every_mistake_at_once(registry: Registry):
    found = mistakes(
        {
            'server': {'active': 'attic'},
            'servers': [
                {'name': 'a', 'type': 'plexx', 'url': 'http://a'},
                {'name': 'b', 'type': 'plex', 'url': 'ftp://b', 'token': 'x'},
                {'name': 'c', 'type': 'jellyfin', 'url': 'http://c'},
                {'name': 'd', 'type': 'subsonic', 'url': 'http://d', 'password': 'x'},
                {'name': 'd', 'type': 'filesystem', 'path': '/d', 'colour': 'red'},
                {'name': 'e', 'type': 'filesystem'},
            ],
        },
        registry,
    )

    assert found == [
        "server 'a': unknown type 'plexx'; valid: emby, filesystem, jellyfin, plex, subsonic",
        "server 'b': url needs http:// or https:// and a host",
        "server 'c': needs exactly one of token and token-file",
        "server 'd': auth 'token' needs a username",
        "server 'd': colour is no key of this type of server",
        "server 'e': path is missing",
        "2 servers are named 'd'",
        "server.active is 'attic'; configured servers: a, b, c, d, d, e",
    ]


def test_mistake_never_shows_the_secret(registry: Registry):
    broken = PLEX | {'token': 'secret\x00token', 'url': 'http://u:secret-password@h'}

    found = mistakes({'servers': [broken]}, registry)

    assert 'secret' not in ' '.join(found).replace('secret-file', '')


@pytest.mark.parametrize('kind', ['plex', 'jellyfin', 'emby'])
def test_token_that_no_header_can_carry_is_a_mistake(kind: str, registry: Registry):
    table = PLEX | {'type': kind, 'token': 'geheimes-W\xf6rtchen'}

    found = mistakes({'servers': [table]}, registry)

    assert found == [
        "server 'music': token holds characters that no token has; is it another text?"
    ]


@pytest.mark.parametrize(
    'url',
    ['', 'plex:32400', 'http://', 'http://h:0', 'http://h:99999', 'http://h/?a=b', 'http://['],
)
def test_bad_address_is_a_mistake(url: str, registry: Registry):
    assert len(mistakes({'servers': [PLEX | {'url': url}]}, registry)) == 1


def test_secret_may_come_from_a_file(tmp_path: pathlib.Path, registry: Registry):
    file = tmp_path / 'token'
    file.write_text('from-file\n')
    table = {key: value for key, value in PLEX.items() if key != 'token'}

    entry = config.parse({'servers': [table | {'token-file': str(file)}]}, registry).servers[0]

    assert getattr(entry.settings, 'credential')() == 'from-file'  # noqa: B009 - of the subclass
    assert 'from-file' not in repr(entry.settings)


@pytest.mark.parametrize('content', [None, b'', b'  \n', b'x' * 5000, b'\xff\xfe'])
def test_unusable_secret_file_is_a_mistake(
    content: bytes | None, tmp_path: pathlib.Path, registry: Registry
):
    file = tmp_path / 'token'
    if content is not None:
        file.write_bytes(content)
    table = {key: value for key, value in PLEX.items() if key != 'token'}

    found = mistakes({'servers': [table | {'token-file': str(file)}]}, registry)

    assert len(found) == 1
    assert str(file) in found[0]


def test_only_server_is_active(registry: Registry):
    assert config.parse({'servers': [PLEX]}, registry).active == 'music'


def test_no_server_is_active_by_chance(registry: Registry):
    assert config.parse({'servers': [PLEX, PLEX | {'name': 'b'}]}, registry).active is None


def test_alias_means_the_type(registry: Registry):
    entry = {
        'name': 'n',
        'type': 'navidrome',
        'url': 'http://n',
        'username': 'u',
        'password': 'p',
    }
    assert config.parse({'servers': [entry]}, registry).servers[0].server_type.name == 'subsonic'


def test_takes_what_the_media_server_relation_says(registry: Registry):
    entry = config.from_relation(
        registry,
        api_url='http://plex-k8s.media.svc.cluster.local:32400',
        server='plex',
        instance_name='plex-k8s',
        token='secret',
    )
    assert (entry.name, entry.server_type.name) == ('plex-k8s', 'plex')


@pytest.mark.parametrize(
    ('text', 'mistake'),
    [
        ('servers = 1', 'servers has to be a list of tables'),
        ('servers = [1]', 'server 1 is no table'),
        ('server = "x"', 'has to be a table'),
        ('[[servers]', 'Expected'),
        ('colour = 1', "unknown key 'colour'"),
    ],
)
def test_file_of_another_shape_is_explained(
    text: str, mistake: str, tmp_path: pathlib.Path, registry: Registry
):
    path = tmp_path / 'mediahub.toml'
    path.write_text(text)

    with pytest.raises(errors.ConfigurationError, match=mistake):
        config.load(path, registry)


def test_missing_file_is_named(tmp_path: pathlib.Path, registry: Registry):
    with pytest.raises(errors.ConfigurationError, match='No such file'):
        config.load(tmp_path / 'none.toml', registry)
