# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib

import pytest

from mediahub import settings
from mediahub.bus import choice
from mediahub.bus.jetstream import JetStreamBus
from mediahub.bus.local import LocalBus
from mediahub.bus.recorder import Recorder
from mediahub.store.database import Database


@pytest.fixture
def home(tmp_path: pathlib.Path) -> dict[str, str]:
    return {'MEDIAHUB_HOME': str(tmp_path)}


def test_without_a_broker_the_bus_is_in_the_process(
    home: dict[str, str], database: Database, recorder: Recorder
):
    found = choice.chosen(settings.load(home), database, recorder)

    assert isinstance(found, LocalBus)
    assert found.status.transport == 'local'


def test_with_a_broker_it_goes_over_that(
    home: dict[str, str], database: Database, recorder: Recorder
):
    given = home | {
        'NATS_URL': 'nats://one:4222,tls://two:4222',
        'NATS_USER': 'hub',
        'NATS_PASSWORD': 'a long enough one',
    }

    found = choice.chosen(settings.load(given), database, recorder)
    where = choice.where(settings.load(given))

    assert isinstance(found, JetStreamBus)
    assert where is not None
    assert where.servers == ('nats://one:4222', 'tls://two:4222')
    assert (where.user, where.password) == ('hub', 'a long enough one')
    assert where.encrypted
    assert 'enough' not in repr(where)


def test_files_and_tokens_are_passed_on(home: dict[str, str], tmp_path: pathlib.Path):
    for name in ('hub.creds', 'ca.pem'):
        (tmp_path / name).write_text('x')
    given = home | {'NATS_URL': 'nats://one:4222', 'NATS_CA_FILE': str(tmp_path / 'ca.pem')}

    by_file = choice.where(
        settings.load(given | {'NATS_CREDENTIALS_FILE': str(tmp_path / 'hub.creds')})
    )
    by_token = choice.where(settings.load(given | {'NATS_TOKEN': 'abcdef'}))

    assert by_file is not None
    assert by_file.credentials == tmp_path / 'hub.creds'
    assert by_file.authority == tmp_path / 'ca.pem'
    assert by_token is not None
    assert by_token.token == 'abcdef'
