# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What Juju's hook tools answer in a unit of a rehearsed model.

The answers come from the model after it has settled, so a dispatch that is given them sees the
same application, relations and secrets as the last hook of the rehearsal did.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from rehearsal import engine, model
from rehearsal.secrets import Secret

_SINCE = '2026-01-01T00:00:00Z'  # ops parses it and looks at nothing else


class UnexpectedToolError(Exception):
    """A hook tool was called that a steady state has no answer for."""


class Answers:
    """Juju's answers to one unit.

    Args:
        rehearsal: The model.
        unit: Who asks.
    """

    def __init__(self, rehearsal: engine.Rehearsal, unit: model.Unit):
        self._rehearsal = rehearsal
        self._unit = unit
        self._application = rehearsal.applications[unit.application]

    def __call__(self, tool: str, words: Sequence[str]) -> str | None:
        """Return what a tool prints, None where Juju would say that there is no such thing.

        Raises:
            UnexpectedToolError: if the tool is not modelled.
        """
        given = _parsed(words)
        answers = {
            'is-leader': self._is_leader,
            'config-get': self._config,
            'goal-state': self._goal_state,
            'opened-ports': self._ports,
            'relation-ids': self._relation_ids,
            'relation-list': self._relation_list,
            'relation-get': self._relation_get,
            'secret-get': self._secret_get,
            'secret-info-get': self._secret_info,
        }
        if tool not in answers:
            raise UnexpectedToolError(f'{self._unit.name} calls {tool} {" ".join(words)}')
        found = answers[tool](given)
        return None if found is None else json.dumps(found)

    def _is_leader(self, _: argparse.Namespace) -> bool:
        return self._unit.leader

    def _config(self, _: argparse.Namespace) -> dict[str, Any]:
        options = self._application.charm.options
        defaults = {k: v['default'] for k, v in options.items() if v.get('default') is not None}
        return defaults | self._application.config

    def _goal_state(self, _: argparse.Namespace) -> dict[str, Any]:
        goal = {'status': 'active', 'since': _SINCE}
        return {'units': {each.name: goal for each in self._application.units}, 'relations': {}}

    def _ports(self, _: argparse.Namespace) -> list[str]:
        return list(self._unit.opened_ports)

    def _relation_ids(self, given: argparse.Namespace) -> list[str]:
        [endpoint] = given.words
        own = self._unit.application
        return [
            f'{endpoint}:{each.id}'
            for each in self._rehearsal.relations
            if each.involves(own) and each.local(own).endpoint == endpoint
        ]

    def _relation_list(self, given: argparse.Namespace) -> str | list[str]:
        relation = self._relation(given)
        remote = relation.remote(self._unit.application).application
        if given.app:
            return remote
        return sorted(unit for unit in relation.scope if unit.startswith(f'{remote}/'))

    def _relation_get(self, given: argparse.Namespace) -> dict[str, str]:
        return self._relation(given).bag(given.words[-1]).content

    def _relation(self, given: argparse.Namespace) -> model.Relation:
        number = int(given.relation.rpartition(':')[2])
        [found] = [each for each in self._rehearsal.relations if each.id == number]
        return found

    def _secret_get(self, given: argparse.Namespace) -> dict[str, str] | None:
        secret = self._secret(given)
        return None if secret is None else dict(secret.revisions[secret.latest])

    def _secret_info(self, given: argparse.Namespace) -> dict[str, Any] | None:
        secret = self._secret(given)
        if secret is None:
            return None
        rotation = secret.rotate.value if secret.rotate else 'never'
        info = {'revision': secret.latest, 'label': secret.label, 'rotation': rotation}
        return {secret.id.removeprefix('secret:'): info | {'owner': 'application'}}

    def _secret(self, given: argparse.Namespace) -> Secret | None:
        names = {given.label, *given.words, *(f'secret:{word}' for word in given.words)}
        readable = self._rehearsal.secrets.readable(self._unit.name)
        return next((each for each in readable if names & {each.label, each.id}), None)


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    for flag in ('--app', '--refresh', '--peek'):
        parser.add_argument(flag, action='store_true')
    for flag in ('--format', '--label'):
        parser.add_argument(flag)
    parser.add_argument('-r', dest='relation')
    parser.add_argument('words', nargs='*')
    return parser.parse_intermixed_args(list(words))
