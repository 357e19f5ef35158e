# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub register-webhook`` adds the hub to what plex.tv tells, and takes nothing away."""

from __future__ import annotations

import pathlib
from collections.abc import Generator

import pytest

from mediahub import cli
from mediahub.testing.clocks import real
from mediahub.testing.faults import Fault
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plextv import PlexTv, User

URL = 'https://hub.example.com/api/v1/plex/webhook'
SECRET = 'hook-secret-&-more'
SHOWN = f'{URL}?token=hook-secret-%26-more'


@pytest.fixture
def tv() -> Generator[PlexTv]:
    made = PlexTv(real).around(LivingPlex(real))
    with made.served() as serving:
        made.url = serving.url
        yield made


@pytest.fixture
def token(tv: PlexTv, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """That of the owner, in the environment of a hub that takes webhooks."""
    found = tv.tokens.issue(tv.owner.id, 'a-client')
    for name, value in {
        'MEDIAHUB_HOME': str(tmp_path),
        'MEDIAHUB_PLEXTV_URL': tv.url,
        'PLEX_URL': 'http://plex.test:32400',
        'PLEX_TOKEN': found,
        'ENABLE_PLEX_WEBHOOKS': 'true',
        'PLEX_WEBHOOK_SECRET': SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    return found


def run(capsys: pytest.CaptureFixture[str], url: str = URL) -> tuple[int, list[str]]:
    status = cli.main(['register-webhook', '--url', url])
    shown = capsys.readouterr()
    assert shown.out == ''
    assert 'hook-secret' not in shown.err
    return status, shown.err.splitlines()


def test_those_that_are_there_stay(capsys: pytest.CaptureFixture[str], tv: PlexTv, token: str):
    tv.webhooks[tv.owner.id] = ['https://other.example.com/hook?x=1']
    assert run(capsys) == (0, [])
    assert tv.webhooks[tv.owner.id] == ['https://other.example.com/hook?x=1', SHOWN]


def test_a_second_run_changes_nothing(capsys: pytest.CaptureFixture[str], tv: PlexTv, token: str):
    told = list[list[str]]()
    tv.on_webhooks = lambda user, urls: told.append(urls)
    assert run(capsys) == run(capsys) == (0, [])
    assert told == [[SHOWN]]


def test_a_new_secret_takes_the_place_of_the_old_one(
    capsys: pytest.CaptureFixture[str], tv: PlexTv, token: str
):
    tv.webhooks[tv.owner.id] = [f'{URL}?token=old', 'https://other.example.com/hook']
    assert run(capsys) == (0, [])
    assert sorted(tv.webhooks[tv.owner.id]) == sorted(['https://other.example.com/hook', SHOWN])


def test_without_a_secret_the_address_is_bare(
    capsys: pytest.CaptureFixture[str],
    tv: PlexTv,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv('PLEX_WEBHOOK_SECRET')
    monkeypatch.setenv('PLEX_WEBHOOK_ALLOW', '10.0.0.0/8')
    assert run(capsys) == (0, [])
    assert tv.webhooks[tv.owner.id] == [URL]


def test_an_account_without_a_plex_pass_is_told(
    capsys: pytest.CaptureFixture[str], tv: PlexTv, token: str
):
    tv.users[tv.owner.id] = User(tv.owner.id, tv.owner.name)
    line = 'mediahub: plex.tv: webhooks need a Plex Pass; the owner of plex has none'
    assert run(capsys) == (1, [line])


def test_a_token_that_is_not_taken_is_named_by_its_server(
    capsys: pytest.CaptureFixture[str], tv: PlexTv, token: str
):
    tv.tokens.end(token)
    line = 'mediahub: plex.tv: the token of the server plex is not taken; give another one'
    assert run(capsys) == (1, [line])


def test_a_plextv_that_fails_keeps_its_list(
    capsys: pytest.CaptureFixture[str], tv: PlexTv, token: str
):
    tv.webhooks[tv.owner.id] = ['https://other.example.com/hook']
    tv.faults.add(Fault('/api/v2/user/webhooks', 503))
    status, lines = run(capsys)
    assert (status, len(lines)) == (1, 1)
    assert tv.webhooks[tv.owner.id] == ['https://other.example.com/hook']


@pytest.mark.parametrize(
    ('name', 'value', 'says'),
    [
        ('ENABLE_PLEX_WEBHOOKS', 'false', 'ENABLE_PLEX_WEBHOOKS is not true'),
        ('PLEX_WEBHOOK_AUTH', 'hmac', 'PLEX_WEBHOOK_AUTH=hmac refuses what plex.tv sends'),
    ],
)
def test_a_hub_that_would_refuse_them_is_not_registered(
    capsys: pytest.CaptureFixture[str],
    tv: PlexTv,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    says: str,
):
    monkeypatch.setenv(name, value)
    status, lines = run(capsys)
    assert (status, len(lines)) == (2, 1)
    assert says in lines[0]
    assert tv.webhooks == {}


@pytest.mark.parametrize('url', ['hub.example.com', f'{URL}?token=hook-secret', 'ftp://a/b'])
def test_what_is_no_address_of_a_hub_is_refused(
    capsys: pytest.CaptureFixture[str], tv: PlexTv, token: str, url: str
):
    status, lines = run(capsys, url)
    assert (status, len(lines)) == (2, 1)
    assert lines[0].startswith('mediahub: --url')
    assert tv.webhooks == {}
