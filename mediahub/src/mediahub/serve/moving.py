# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The bus of this hub: within the process, or over a broker where one is set."""

from __future__ import annotations

from ..bus.broker import Broker
from ..bus.jetstream import JetStreamBus
from ..bus.local import LocalBus
from ..bus.ports import Bus
from ..bus.recorder import Recorder
from ..settings import Settings
from ..store import hub
from ..store.database import Database
from ..store.letters import DeadLetters
from ..store.outbox import Outbox


def bus(settings: Settings, store: Database, outbox: Outbox, recorder: Recorder) -> Bus:
    """Make it; it moves nothing before it runs."""
    letters = DeadLetters(store)
    if not settings.nats_servers:
        return LocalBus(outbox, recorder, letters, store.run)
    return JetStreamBus(
        broker(settings), outbox, recorder, letters, store.run, hub.identity(store)
    )


def broker(settings: Settings) -> Broker:
    """Where the broker is, and how to sign in."""
    password, token = settings.nats_password, settings.nats_token
    return Broker.at(
        settings.nats_servers,
        user=settings.nats_user,
        password=password.get_secret_value() if password else None,
        token=token.get_secret_value() if token else None,
        credentials=settings.nats_credentials_file,
        authority=settings.nats_ca_file,
    )
