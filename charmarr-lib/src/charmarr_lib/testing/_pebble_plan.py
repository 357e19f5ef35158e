# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How Pebble makes one plan of several layers, and what it refuses in them."""

from __future__ import annotations

import copy
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ops import pebble

Entry = dict[str, Any]
"""One service, check or log target, as in a layer."""

_SECTIONS: Final = {'services': 'service', 'checks': 'check', 'log-targets': 'log target'}

_SERVICE_KEYS: Final = frozenset(
    {'override', 'summary', 'description', 'startup', 'command', 'environment', 'working-dir'}
    | {'user', 'user-id', 'group', 'group-id', 'kill-delay', 'on-success', 'on-failure'}
    | {'on-check-failure', 'backoff-delay', 'backoff-factor', 'backoff-limit'}
)
_CHECK_KEYS: Final = frozenset(
    {'override', 'level', 'startup', 'period', 'timeout', 'threshold', 'http', 'tcp', 'exec'}
)
_NEEDED_BY_CHECKS: Final = {'http': 'url', 'tcp': 'port', 'exec': 'command'}
_KNOWN_KEYS: Final = {'services': _SERVICE_KEYS, 'checks': _CHECK_KEYS}

_DURATION: Final = re.compile(r'(\d+(?:\.\d+)?)(ms|h|m|s)')
_SECONDS: Final = {'h': 3600.0, 'm': 60.0, 's': 1.0, 'ms': 0.001}


class UnexpectedPlan(AssertionError):
    """A layer uses something of Pebble's that the model does not know."""


class Layers:
    """The layers of one Pebble, kept in memory as Pebble keeps those added over its API.

    What is in a layer or in the plan is shared by both and never changed.
    """

    def __init__(self) -> None:
        self._layers: dict[str, dict[str, dict[str, Entry]]] = {}
        self._plan = _plan(())

    def add(self, label: str, layer: str | pebble.LayerDict | pebble.Layer, combine: bool) -> None:
        """Add a layer, or combine it with the one of that label.

        Raises:
            ops.pebble.APIError: as Pebble refuses a layer.
            UnexpectedPlan: if the layer uses what is not modelled.
        """
        parsed = layer if isinstance(layer, pebble.Layer) else pebble.Layer(layer)
        new = {section: _entries(parsed, section) for section in _SECTIONS}
        _check(label, new)
        layers = dict(self._layers)
        if label not in layers:
            layers[label] = new
        elif not combine:
            raise bad_request(f'layer "{label}" already exists')
        else:
            layers[label] = _combined(layers[label], new)
        plan = _plan(layers.values())
        _check_plan(plan)
        self._layers, self._plan = layers, plan

    def plan(self) -> dict[str, dict[str, Entry]]:
        """Return the plan: all layers combined in the order they were added."""
        return self._plan

    def as_layers(self) -> dict[str, pebble.Layer]:
        """Return copies of the layers by label."""
        return {label: pebble.Layer(_layer_dict(each)) for label, each in self._layers.items()}


def bad_request(message: str) -> pebble.APIError:
    """Return the error that Pebble answers to a request it does not accept."""
    body = {'type': 'error', 'status-code': 400, 'result': {'message': message}}
    return pebble.APIError(body, 400, 'Bad Request', message)


def seconds(duration: str) -> float:
    """Read Go's notation of a duration, such as ``1m30s``."""
    parts = _DURATION.findall(duration)
    if not parts or _DURATION.sub('', duration):
        raise bad_request(f'invalid duration "{duration}"')
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _layer_dict(layer: Mapping[str, Mapping[str, Entry]]) -> pebble.LayerDict:
    filled: Any = {section: copy.deepcopy(body) for section, body in layer.items() if body}
    return filled


def _entries(layer: pebble.Layer, section: str) -> dict[str, Entry]:
    body: Any = layer.to_dict()
    return copy.deepcopy(body.get(section, {}))


def _check(label: str, layer: Mapping[str, Mapping[str, Entry]]) -> None:
    for section, name, entry in _each(layer):
        kind = _SECTIONS[section]
        override = entry.get('override')
        if not override:
            raise bad_request(f'layer "{label}" must define "override" for {kind} "{name}"')
        if override not in ('merge', 'replace'):
            raise bad_request(f'layer "{label}" has invalid "override" value for {kind} "{name}"')
        unknown = entry.keys() - _KNOWN_KEYS.get(section, entry.keys())
        if unknown:
            raise UnexpectedPlan(f'{kind} "{name}": the model does not know {sorted(unknown)}')


def _plan(
    layers: Iterable[Mapping[str, Mapping[str, Entry]]],
) -> dict[str, dict[str, Entry]]:
    plan: dict[str, dict[str, Entry]] = {section: {} for section in _SECTIONS}
    for layer in layers:
        plan = _combined(plan, layer)
    return plan


def _check_plan(plan: Mapping[str, Mapping[str, Entry]]) -> None:
    """Refuse what Pebble refuses in a plan, in its words (``Plan.Validate`` in ``plan.go``)."""
    for name, service in plan['services'].items():
        if not service.get('command'):
            raise bad_request(f'plan must define "command" for service "{name}"')
    for name, check in plan['checks'].items():
        for kind, needed in _NEEDED_BY_CHECKS.items():
            if kind in check and not check[kind].get(needed):
                raise bad_request(f'plan must set "{needed}" for {kind} check "{name}"')
        if sum(kind in check for kind in _NEEDED_BY_CHECKS) != 1:
            raise bad_request(
                f'plan must specify one of "http", "tcp", or "exec" for check "{name}"'
            )


def _each(layer: Mapping[str, Mapping[str, Entry]]) -> Iterator[tuple[str, str, Entry]]:
    for section, entries in layer.items():
        for name, entry in entries.items():
            yield section, name, entry


def _combined(
    base: Mapping[str, Mapping[str, Entry]], new: Mapping[str, Mapping[str, Entry]]
) -> dict[str, dict[str, Entry]]:
    result = {section: dict(entries) for section, entries in base.items()}
    for section, name, entry in _each(new):
        present = result[section].get(name)
        merged = entry['override'] == 'merge' and present is not None
        result[section][name] = _merged(present or {}, entry) if merged else entry
    return result


def _merged(base: Entry, new: Entry) -> Entry:
    """Merge as Pebble does: maps key by key, lists end to end, all else by the newer value."""
    return {**base, **{key: _merged_value(base.get(key), value) for key, value in new.items()}}


def _merged_value(base: Any, new: Any) -> Any:
    if isinstance(base, dict) and isinstance(new, dict):
        return _merged(typing.cast('Entry', base), typing.cast('Entry', new))
    if isinstance(base, list) and isinstance(new, list):
        return [*typing.cast('list[Any]', base), *typing.cast('list[Any]', new)]
    return new
