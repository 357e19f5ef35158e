# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Services and checks: bring the plan and the processes to what is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import ops

# What Pebble adds to a plan by itself (defaults of service and check, Pebble 1.26 and newer).
_DEFAULTS: Final = frozenset(
    {'backoff-delay', 'backoff-factor', 'backoff-limit', 'period', 'threshold', 'timeout'}
    | {'startup', 'level'}
)
_DURATIONS: Final = frozenset(
    {'kill-delay', 'backoff-delay', 'backoff-limit', 'period', 'timeout'}
)
_DURATION_PART: Final = re.compile(r'(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)')
# Pebble's servstate/handlers.go: killDelayDefault, and failDelay and okayDelay: five seconds to
# be gone after SIGKILL, one to stay up after a start. The rest is for a machine that is busy.
_DEFAULT_KILL_DELAY: Final = 5.0
_KILL_AND_START: Final = 25.0
_SECONDS: Final = {
    'h': 3600.0,
    'm': 60.0,
    's': 1.0,
    'ms': 1e-3,
    'us': 1e-6,
    'µs': 1e-6,
    'ns': 1e-9,
}


def replan(container: ops.Container, label: str, layer: ops.pebble.LayerDict) -> bool:
    """Bring the container's plan to ``layer`` and its enabled services up, if anything differs.

    Args:
        container: A container that can be connected to.
        label: Name of the layer; the layer of that name is replaced.
        layer: Services and checks with ``override: replace``.

    Returns:
        Whether anything had to be done.

    Raises:
        ops.pebble.ConnectionError: if Pebble has gone away.
        ops.pebble.ChangeError: if a service exits within a second of its start.
        ops.pebble.APIError: if Pebble refuses the layer.
        ops.pebble.TimeoutError: if what has to be restarted does not end, even when killed.
    """
    wanted = ops.pebble.Layer(layer)
    present = container.get_plan()
    if _in_plan(present, wanted) and _enabled_run(container, wanted):
        return False
    for service in wanted.services:
        settle(container, service)
    container.add_layer(label, wanted, combine=True)
    # What runs now ends within the longer of the delays that it was and will be given.
    services = [*present.services.values(), *wanted.services.values()]
    container.pebble.replan_services(timeout=_patience(services))
    return True


def is_running(container: ops.Container, service: str) -> bool:
    """Tell whether the service is in the plan and active."""
    info = container.get_services(service).get(service)
    return info is not None and info.is_running()


def settle(container: ops.Container, service: str) -> bool:
    """Wait for what Pebble has begun with a service, and nobody waits for any more.

    A hook that is killed while it stops a program leaves one that is on its way out, and may still
    write its files. Pebble says that it is inactive, does not wait for it when it is to stop it
    once more, and refuses to start it; but it lists the change.

    Returns:
        Whether there was anything to wait for.

    Raises:
        ops.pebble.ConnectionError: if Pebble has gone away.
        ops.pebble.TimeoutError: if it does not come to an end.
    """
    changes = container.pebble.get_changes(ops.pebble.ChangeState.IN_PROGRESS, service)
    if not changes:
        return False
    patience = _patience(container.get_plan().services.values())
    for change in changes:
        container.pebble.wait_change(change.id, timeout=patience)
    return True


def stop(container: ops.Container, service: str) -> bool:
    """Stop the service if it runs, waiting as long as its ``kill-delay`` lets it take.

    One that is on its way out already is waited for too.

    Returns:
        Whether it ran.

    Raises:
        ops.pebble.ConnectionError: if Pebble has gone away.
        ops.pebble.ChangeError: if the service does not end, even when killed.
    """
    if not is_running(container, service):
        begun = settle(container, service)
        if not begun or not is_running(container, service):  # it may have been a restart
            return begun
    present = container.get_plan().services[service]
    container.pebble.stop_services([service], timeout=_patience([present]))
    return True


def _patience(services: Iterable[ops.pebble.Service]) -> float:
    """Return how many seconds it may take until these services have ended, and others started.

    ``ops`` by itself waits for 30 seconds, whatever ``kill-delay`` is. It would give up on a Plex
    that still writes to its database, and Pebble says of such a Plex that it is inactive.
    """
    delays = (_seconds(each.kill_delay) for each in services if each.kill_delay)
    longest = max((each for each in delays if isinstance(each, float)), default=0.0)
    return max(longest, _DEFAULT_KILL_DELAY) + _KILL_AND_START


def _in_plan(plan: ops.pebble.Plan, wanted: ops.pebble.Layer) -> bool:
    return all(
        name in plan.services and same(plan.services[name].to_dict(), service.to_dict())
        for name, service in wanted.services.items()
    ) and all(
        name in plan.checks and same(plan.checks[name].to_dict(), check.to_dict())
        for name, check in wanted.checks.items()
    )


def _enabled_run(container: ops.Container, wanted: ops.pebble.Layer) -> bool:
    enabled = [name for name, each in wanted.services.items() if each.startup == 'enabled']
    if not enabled:
        return True
    running = container.get_services(*enabled)
    return all(name in running and running[name].is_running() for name in enabled)


def same(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Compare a part of the plan with what was asked for, as Pebble would.

    A plan that is read back holds Pebble's defaults too, and spells ``120s`` as ``2m0s``.
    """
    for key in present.keys() | wanted.keys():
        if key in wanted:
            if _normal(key, present.get(key)) != _normal(key, wanted[key]):
                return False
        elif key not in _DEFAULTS:
            return False
    return True


def _normal(key: str, value: Any) -> Any:
    return _seconds(value) if key in _DURATIONS and isinstance(value, str) else value


def _seconds(duration: str) -> float | str:
    """Turn Go's notation of a duration into seconds; what is none is left as it is."""
    if _DURATION_PART.sub('', duration):
        return duration
    parts: list[tuple[str, str]] = _DURATION_PART.findall(duration)
    return sum((float(number) * _SECONDS[unit] for number, unit in parts), 0.0)
