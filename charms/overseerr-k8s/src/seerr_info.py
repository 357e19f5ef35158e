# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What actions tell the operator. None of it is secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import seerr
import seerr_plan
from seerr_plan import Ready, World
from seerr_servers import Server
from seerr_setup import Done


def texts(results: Mapping[str, Any]) -> dict[str, str]:
    """Return an action's results as Juju shows them, with its own words for true and false."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in results.items()
    }


def about(world: World) -> dict[str, Any]:
    """Describe the installation."""
    image = world.room.image if world.room else None
    info: dict[str, Any] = {
        'flavour': image.flavour.value if image else 'unknown',
        'version': image.version if image else 'unknown',
        'running': bool(world.room and world.room.running),
        'url': f'http://{world.app}.{world.model}.svc.cluster.local:{seerr.PORT}',
    }
    now = seerr_plan.ready(world)
    return info | (_settings(now) if now else {'problem': world.fault or str(world.options)})


def _settings(now: Ready) -> dict[str, Any]:
    configured = seerr_plan.configured(now.settings, now.stage, now.flavour)
    address = configured.address if configured else None
    choice = now.choice
    return {
        'initialized': now.settings.is_initialized,
        'media-server-type': configured.kind.value if configured else 'none',
        'media-server-host': address.url if address else 'none',
        'media-server': choice.server.app if choice.server else 'none',
        'ignored-media-servers': ', '.join(choice.others) or 'none',
        'external-url': now.outside_url or now.settings.application_url or 'none',
        'exposed': bool(now.world.ingress and seerr_plan.exposes(now)),
    }


def about_setup(server: Server, done: Done) -> dict[str, Any]:
    """Describe a set-up that is finished."""
    info: dict[str, Any] = {'media-server': server.app, 'already-done': done.already}
    return info if done.already else {**info, 'libraries': done.libraries}
