# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import ipaddress
import pathlib

import pydantic
import pytest

from mediahub import settings
from mediahub.engine.errors import ConfigurationError
from mediahub.serve import logs

PLEX = {'PLEX_URL': 'http://plex:32400', 'PLEX_TOKEN': 'the-plex-token'}


def written(tmp_path: pathlib.Path, text: str) -> pathlib.Path:
    file = tmp_path / 'mediahub.toml'
    file.write_text(text)
    return file


def mistakes(environ: dict[str, str], file: pathlib.Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as found:
        settings.load(environ, file)
    return list(found.value.mistakes)


def test_nothing_set_gives_the_defaults_of_the_seed():
    found = settings.load({})

    assert not found.enable_plex_sync
    assert found.plex_sync_interval == datetime.timedelta(minutes=5)
    assert found.plex_realtime_enabled
    assert not found.enable_plex_webhooks
    assert found.plex_url is None
    assert found.plex_token is None
    assert found.plex_webhook_secret is None
    assert found.plex_oauth_client_id is None
    assert found.plex_oauth_redirect_uri is None
    assert found.servers == ()
    assert found.warnings == ()


def test_environment_describes_one_server():
    found = settings.load(PLEX | {'ENABLE_PLEX_SYNC': 'true'})

    (server,) = found.servers
    assert (server.name, server.url) == ('plex', 'http://plex:32400')
    assert server.token.get_secret_value() == 'the-plex-token'


def test_one_file_serves_engine_and_hub(tmp_path: pathlib.Path):
    file = written(
        tmp_path,
        """
        [hub]
        enable-plex-sync = true
        plex-sync-interval = "30s"
        port = 9000
        plex-webhook-allow = ["10.0.0.0/8", "192.168.1.7"]

        [server]
        active = "attic"

        [[servers]]
        name = "attic"
        type = "plex"
        url = "http://attic:32400"
        token = "attic-token"

        [[servers]]
        name = "cellar"
        type = "plex"
        url = "http://cellar:32400"
        token = "cellar-token"

        [[servers]]
        name = "music"
        type = "filesystem"
        path = "/music"
        """,
    )

    found = settings.load(PLEX, file)

    assert [server.name for server in found.servers] == ['plex', 'attic', 'cellar']
    assert [server.name for server in found.others] == ['music']
    assert found.plex_sync_interval == datetime.timedelta(seconds=30)
    assert found.port == 9000
    assert found.plex_webhook_allow == (
        ipaddress.ip_network('10.0.0.0/8'),
        ipaddress.ip_network('192.168.1.7/32'),
    )


def test_environment_wins_over_the_file(tmp_path: pathlib.Path):
    file = written(
        tmp_path,
        """
        [hub]
        plex-sync-interval = "1h"
        enable-plex-webhooks = true

        [[servers]]
        name = "plex"
        type = "plex"
        url = "http://old:32400"
        token = "of-the-file"
        """,
    )

    found = settings.load({'PLEX_SYNC_INTERVAL': '10m', 'PLEX_URL': 'http://new:32400'}, file)

    assert found.plex_sync_interval == datetime.timedelta(minutes=10)
    assert found.enable_plex_webhooks
    (server,) = found.servers
    assert (server.url, server.token.get_secret_value()) == ('http://new:32400', 'of-the-file')


def test_every_mistake_is_named_at_once(tmp_path: pathlib.Path):
    file = written(
        tmp_path,
        """
        colour = "red"
        [hub]
        prot = 1
        session-idle = 5
        [[servers]]
        name = "a"
        type = "plexx"
        """,
    )

    found = mistakes(
        {
            'ENABLE_PLEX_SYNC': 'maybe',
            'PLEX_URL': 'plex:32400',
            'PLEX_SYNC_INTERVAL': '300',
            'PLEX_TOKEN_FILE': '/nowhere/token',
            'MEDIAHUB_PORT': '70000',
            'MEDIAHUB_TRUSTED_PROXIES': '10.0.0.1/8',
            'MEDIAHUB_API_TOKEN': 'short',
            'NATS_URL': 'nats://user:password@broker',
            'TAUTULLI_URL': 'http://tautulli:8181',
        },
        file,
    )

    assert found == [
        'hub.prot is not known; did you mean port?',
        'hub.session-idle: needs a number with a unit: 30s, 5m, 24h, 7d',
        'ENABLE_PLEX_SYNC: has to be true or false',
        'PLEX_URL: needs http:// or https:// and a host',
        'PLEX_TOKEN_FILE: /nowhere/token cannot be read: No such file or directory',
        'PLEX_SYNC_INTERVAL: needs a number with a unit: 30s, 5m, 24h, 7d',
        'NATS_URL: must not hold a user or password; use the other NATS variables',
        'MEDIAHUB_PORT: Input should be less than or equal to 65535',
        'MEDIAHUB_TRUSTED_PROXIES: 10.0.0.1/8 is no address or network such as 10.1.0.0/16',
        'MEDIAHUB_API_TOKEN: needs at least 20 characters; make one with: openssl rand -hex 32',
        "unknown key 'colour'",
        "server 'a': unknown type 'plexx'; valid: emby, filesystem, jellyfin, plex, subsonic",
        'TAUTULLI_URL and TAUTULLI_API_KEY need each other',
    ]


@pytest.mark.parametrize('name', [f for f, v in settings.variables().items() if v.secret])
def test_secret_shows_neither_in_the_settings_nor_in_a_mistake(name: str):
    variable = settings.variables()[name].name
    secret = 'never-to-be-seen-anywhere'
    beside = {
        'PLEX_URL': 'http://plex:32400',
        'NATS_USER': 'hub',
        'NATS_URL': 'nats://broker',
        'TAUTULLI_URL': 'http://tautulli',
    }
    if variable in {'NATS_TOKEN'}:
        del beside['NATS_USER']
    fitting = {'NATS_PASSWORD': 'p', 'PLEX_TOKEN': 't', 'TAUTULLI_API_KEY': 'k'}
    if 'NATS_USER' not in beside:
        del fitting['NATS_PASSWORD']

    found = settings.load({**beside, **fitting, variable: secret})

    value = getattr(found, name)
    assert value.get_secret_value() == secret
    assert secret not in repr(found) + str(found) + repr(found.servers) + found.model_dump_json()
    assert secret not in ' '.join(mistakes({variable: f'{secret}\x00', 'MEDIAHUB_PORT': 'x'}))


def test_secret_may_come_from_a_file(tmp_path: pathlib.Path):
    (tmp_path / 'token').write_text('of-a-file\n')

    found = settings.load(
        {'PLEX_URL': 'http://plex:32400', 'PLEX_TOKEN_FILE': str(tmp_path / 'token')}
    )

    assert found.servers[0].token.get_secret_value() == 'of-a-file'


def test_file_of_a_secret_may_be_named_in_the_file(tmp_path: pathlib.Path):
    (tmp_path / 'secret').write_text('s' * 32)
    file = written(tmp_path, f'[hub]\nplex-webhook-secret-file = "{tmp_path}/secret"')

    found = settings.load({}, file)

    assert found.plex_webhook_secret == pydantic.SecretStr('s' * 32)


def test_two_ways_to_say_it_must_agree():
    both = {'PLEX_TOKEN': 'a', 'PLEX_TOKEN_FILE': '/b', 'PLEX_URL': 'http://plex:32400'}
    assert mistakes(both)[0] == (
        'PLEX_TOKEN and PLEX_TOKEN_FILE contradict each other; set one of them'
    )
    alias = {'PLEX_REALTIME_ENABLED': 'true', 'ENABLE_PLEX_REALTIME': 'false'}
    assert 'contradict' in mistakes(alias)[0]


def test_alias_of_the_original_is_understood():
    assert not settings.load({'ENABLE_PLEX_REALTIME': 'no'}).plex_realtime_enabled


@pytest.mark.parametrize('word', ['true', 'TRUE', '1', 'yes', 'on'])
def test_words_for_yes(word: str):
    assert settings.load(PLEX | {'ENABLE_PLEX_SYNC': word}).enable_plex_sync


@pytest.mark.parametrize(
    ('text', 'seconds'),
    [('30s', 30), ('5m', 300), ('24h', 86400), ('7d', 604800), ('1h30m', 5400)],
)
def test_times_have_units(text: str, seconds: int):
    found = settings.load({'PLEX_SYNC_INTERVAL': text}).plex_sync_interval
    assert found.total_seconds() == seconds


@pytest.mark.parametrize('text', ['5', '-5m', '5 m', 'm', '1w', '0s', '9s', '8d', '9' * 30 + 'd'])
def test_other_times_are_mistakes(text: str):
    assert len(mistakes({'PLEX_SYNC_INTERVAL': text})) == 1


@pytest.mark.parametrize(
    ('text', 'size'), [('4GiB', 4 * 1024**3), ('8 GB', 8 * 10**9), ('268435456', 256 * 1024**2)]
)
def test_memory_has_units(text: str, size: int):
    assert settings.load({'MEDIAHUB_DATABASE_MEMORY': text}).database_memory == size


@pytest.mark.parametrize('text', ['much', '-4GiB', '255MiB', '0', '4 parsecs'])
def test_other_memory_is_a_mistake(text: str):
    (found,) = mistakes({'MEDIAHUB_DATABASE_MEMORY': text})
    assert '\n' not in found


def test_empty_variable_sets_nothing():
    found = settings.load({'PLEX_URL': '', 'PLEX_TOKEN': ' ', 'MEDIAHUB_PORT': ''})
    assert (found.servers, found.port) == ((), 8484)


def test_unknown_variable_is_a_warning_with_the_nearest_name():
    found = settings.load({'PLEX_WEBHOOKS_SECRET': 'not-shown', 'PATH': '/bin', 'PLEX_CLAIM': 'c'})

    assert found.warnings == (
        'PLEX_CLAIM is not known and not used',
        'PLEX_WEBHOOKS_SECRET is not known and not used; did you mean PLEX_WEBHOOK_SECRET?',
    )


def test_what_kubernetes_says_of_services_is_left_alone():
    found = settings.load(
        {
            'PLEX_SERVICE_HOST': '10.0.0.1',
            'PLEX_PORT': 'tcp://10.0.0.1:32400',
            'PLEX_PORT_32400_TCP_ADDR': '10.0.0.1',
            'MEDIAHUB_PORT': 'tcp://10.0.0.2:8484',
        }
    )

    assert found.port == 8484
    assert found.warnings == (
        'MEDIAHUB_PORT is what Kubernetes says of a Service; it is not used',
    )


@pytest.mark.parametrize(
    ('environ', 'mistake'),
    [
        ({'ENABLE_PLEX_SYNC': 'true'}, 'needs a server'),
        ({'PLEX_URL': 'http://plex'}, 'needs PLEX_TOKEN'),
        ({'PLEX_TOKEN': 't'}, 'needs PLEX_URL'),
        ({'PLEX_WEBHOOK_AUTH': 'hmac'}, 'needs PLEX_WEBHOOK_SECRET'),
        ({'MEDIAHUB_SESSION_IDLE': '40d'}, 'no longer than'),
        ({'NATS_USER': 'u'}, 'need each other'),
        ({'NATS_CA_FILE': '/nowhere/ca'}, 'is no file'),
        ({'MEDIAHUB_PUBLIC_URL': 'https://hub.example/sub'}, 'path'),
        (
            {
                'MEDIAHUB_PUBLIC_URL': 'https://hub.example',
                'PLEX_OAUTH_REDIRECT_URI': 'https://other.example/api/v1/auth/plex/callback',
            },
            'has to be on the host',
        ),
        ({'MEDIAHUB_HOST': 'http://0.0.0.0'}, 'without scheme or port'),
        ({'PLEX_OAUTH_CLIENT_ID': 'a\r\nb'}, 'pattern'),
    ],
)
def test_what_cannot_work_is_a_mistake(environ: dict[str, str], mistake: str):
    (found,) = mistakes(environ)
    assert mistake in found


def test_same_server_twice_is_a_mistake(tmp_path: pathlib.Path):
    file = written(
        tmp_path,
        '[[servers]]\nname = "b"\ntype = "plex"\nurl = "http://PLEX:32400/"\ntoken = "t"',
    )
    assert mistakes(PLEX, file) == ["servers 'plex' and 'b' have the same address; remove one"]


def test_default_port_is_a_port(tmp_path: pathlib.Path):
    found = settings.load(
        {
            'MEDIAHUB_PUBLIC_URL': 'https://hub.example',
            'PLEX_OAUTH_REDIRECT_URI': f'https://hub.example:443{settings.CALLBACK}',
        }
    )
    assert found.origin == 'https://hub.example'


def test_doubtful_webhooks_are_warned_of():
    found = settings.load({'ENABLE_PLEX_WEBHOOKS': 'true'})
    assert 'PLEX_WEBHOOK_SECRET' in found.warnings[0]
    assert 'no effect' in found.warnings[1]


def test_missing_file_and_wrong_table_are_named(tmp_path: pathlib.Path):
    assert 'No such file' in mistakes({}, tmp_path / 'none.toml')[0]
    assert mistakes({}, written(tmp_path, 'hub = 1')) == ['[hub] has to be a table']


JELLYFIN_KEY = 'key-of-jellyfin-0123456789'


def test_what_the_charm_writes_of_a_jellyfin_is_understood(tmp_path: pathlib.Path):
    (tmp_path / 'server-jellyfin').write_text(JELLYFIN_KEY)
    file = written(
        tmp_path,
        f"""
        [hub]
        enable-plex-sync = false

        [[servers]]
        name = "jellyfin"
        type = "jellyfin"
        url = "http://jellyfin.media.svc.cluster.local:8096"
        token-file = "{tmp_path}/server-jellyfin"
        """,
    )

    found = settings.load({}, file)

    assert found.servers == ()
    [jellyfin] = found.others
    assert (jellyfin.name, jellyfin.server_type.name) == ('jellyfin', 'jellyfin')
    assert JELLYFIN_KEY not in repr(found)
    assert JELLYFIN_KEY in set(logs.secrets_of(found))


def test_a_name_is_that_of_one_server(tmp_path: pathlib.Path):
    file = written(tmp_path, '[[servers]]\nname = "plex"\ntype = "filesystem"\npath = "/music"\n')
    with pytest.raises(ConfigurationError) as refused:
        settings.load(PLEX, file)
    assert list(refused.value.mistakes) == [
        "PLEX_URL is the server 'plex', and the file has another of that name"
    ]
