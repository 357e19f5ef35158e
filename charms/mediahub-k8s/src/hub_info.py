# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What actions tell the operator. None of it is secret."""

from __future__ import annotations

from typing import Any

import hub
import hub_plan
from charmarr_lib import config
from hub_container import Health
from hub_plan import World


def about(world: World, health: Health, version: str, secret_id: str | None) -> dict[str, Any]:
    """Describe the installation.

    Args:
        world: What was read.
        health: How the hub is.
        version: The program's version.
        secret_id: Id of the secret that webhooks show, None where there is none.
    """
    plan = hub_plan.decide(world)
    watched = plan.watched if plan else ()
    missing = plan.missing if plan else ()
    return {
        'version': version or 'unknown',
        'running': bool(world.room and world.room.running),
        'url': world.url,
        'external-url': world.origin or 'none',
        'watching': ', '.join(f'{each.name} ({each.kind.value})' for each in watched) or 'none',
        'without-token': ', '.join(each.name for each in missing) or 'none',
        'problems': '; '.join(health.problems) or 'none',
        **webhook(world, secret_id),
    }


def webhook(world: World, secret_id: str | None) -> dict[str, Any]:
    """Describe where Plex is to send its webhooks. The secret itself is for Juju to reveal."""
    options = world.options
    if isinstance(options, config.Invalid) or not options.plex_webhooks:
        return {'webhook-url': 'none: plex-webhooks is false'}
    url = f'{world.origin or world.url}{hub.WEBHOOK}'
    if secret_id is None:
        return {'webhook-url': url}
    return {
        'webhook-url': f'{url}?token=(the secret)',
        'webhook-secret': secret_id,
        'how': f'juju show-secret --reveal {secret_id}',
    }
