# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the routes work with. ``mediahub serve`` assembles it; a test does with what it needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from ..settings import Settings
from .access import Doorkeeper
from .feed import Feed
from .metrics import Metrics
from .webhook import Keep, Ring


@dataclasses.dataclass(kw_only=True)
class Hub:
    """The parts of a running hub.

    Attributes:
        ready: One line for everything that keeps the hub from its work.
        ring: Rings the bell of a server; see :class:`~mediahub.api.webhook.WebhookEndpoint`.
        keep: Keeps a picture that came with a webhook.
    """

    settings: Settings
    auth: Doorkeeper
    metrics: Metrics
    feed: Feed
    ready: Callable[[], Awaitable[list[str]]]
    ring: Ring
    keep: Keep
