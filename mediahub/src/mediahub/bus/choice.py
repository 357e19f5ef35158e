# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The bus that the settings ask for: over a broker where they name one, else in the process.

What speaks to a broker is imported where there is one: it is a fifth of what a hub has to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydantic

from ..settings import Settings
from ..store import hub
from ..store.database import Database
from ..store.letters import DeadLetters
from ..store.outbox import Outbox
from . import ports
from .local import LocalBus
from .recorder import Recorder

if TYPE_CHECKING:
    from .broker import Broker


def where(settings: Settings) -> Broker | None:
    """The broker of the settings; None where they name none."""
    if not settings.nats_servers:
        return None
    from .broker import Broker

    return Broker.at(
        settings.nats_servers,
        user=settings.nats_user,
        password=_shown(settings.nats_password),
        token=_shown(settings.nats_token),
        credentials=settings.nats_credentials_file,
        authority=settings.nats_ca_file,
    )


def chosen(settings: Settings, database: Database, recorder: Recorder) -> ports.Bus:
    """A bus between the database's outbox and a recorder.

    Args:
        settings: The hub's.
        database: The open database.
        recorder: Of the same database.
    """
    outbox, letters = Outbox(database), DeadLetters(database)
    broker = where(settings)
    if broker is None:
        return LocalBus(outbox, recorder, letters, database.run)
    from .jetstream import JetStreamBus

    return JetStreamBus(
        broker,
        outbox,
        recorder,
        letters,
        database.run,
        hub.identity(database),
        lambda: hub.renew(database),
    )


def _shown(secret: pydantic.SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
