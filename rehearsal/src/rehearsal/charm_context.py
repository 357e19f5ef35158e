# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The two places where ``ops.testing`` would tell a charm something else than Juju does.

Juju fires relation-changed with no remote unit when an application's settings changed, and names
the unit itself as the one that departs when it does. ``ops.testing`` 8.9 can express neither, so
the environment of the hook is corrected on its way.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Generator, Mapping
from typing import Any

import scenario.context
import scenario.logger
from ops import testing

_RUNTIME = 'Runtime'
_SKIP_CHECKS = 'SCENARIO_SKIP_CONSISTENCY_CHECKS'


@contextlib.contextmanager
def hook_environment(changes: Mapping[str, str]) -> Generator[None]:
    """Set variables of the hooks that are run inside the ``with`` block.

    ``ops.testing`` refuses some events that Juju does fire, and warns of others, so its checks are
    off in there.
    """
    if not changes:
        yield
        return
    original: Any = getattr(scenario.context, _RUNTIME)
    checks = os.environ.get(_SKIP_CHECKS)
    setattr(scenario.context, _RUNTIME, _corrected(original, changes))
    os.environ[_SKIP_CHECKS] = '1'
    level = scenario.logger.logger.level
    scenario.logger.logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        scenario.logger.logger.setLevel(level)
        setattr(scenario.context, _RUNTIME, original)
        if checks is None:
            del os.environ[_SKIP_CHECKS]
        else:
            os.environ[_SKIP_CHECKS] = checks


def _corrected(original: Any, changes: Mapping[str, str]) -> Any:
    def get_event_env(self: Any, **kwargs: Any) -> dict[str, str]:
        return {**original._get_event_env(self, **kwargs), **changes}

    return type(_RUNTIME, (original,), {'_get_event_env': get_event_env})


class PartingRelation(testing.Relation):
    """A relation that a unit departs from: it is not listed any more, but can still be read."""

    @property
    def _remote_unit_ids(self) -> tuple[int, ...]:
        parting: int | None = self.__dict__.get('parting')
        return tuple(number for number in self.remote_units_data if number != parting)


def parting(relation: testing.Relation, number: int) -> PartingRelation:
    """Return the relation with one unit on its way out."""
    fields = ('endpoint', 'interface', 'id', 'local_app_data', 'local_unit_data')
    fields += ('remote_app_name', 'limit', 'remote_app_data', 'remote_units_data')
    result = PartingRelation(**{field: getattr(relation, field) for field in fields})
    object.__setattr__(result, 'parting', number)
    return result
