# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The places where ``ops.testing`` would tell a charm something else than Juju does.

Juju fires relation-changed with no remote unit when an application's settings changed, and names
the unit itself as the one that departs when it does. ``ops.testing`` 8.9 can express neither, so
the environment of the hook is corrected on its way. Nor does it give the charm its own files: it
writes the metadata anew for every hook, which takes longer than most hooks; and so does reading
them. Last, what ops keeps for the length of a process would be kept for that of all hooks.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
from collections.abc import Generator, Mapping
from typing import Any

import ops
import scenario._ops_main_mock
import scenario.context
import scenario.logger
from ops import testing

from . import model

_RUNTIME = 'Runtime'
_MAIN: Any = scenario._ops_main_mock.Ops
_READ = '_load_charm_meta'
_SKIP_CHECKS = 'SCENARIO_SKIP_CONSISTENCY_CHECKS'


def unpack(charm: model.Charm, folder: pathlib.Path) -> None:
    """Put a charm into a folder as ``charmcraft pack`` and Juju do."""
    for name, content in charm.files.items():
        (folder / name).write_text(content)
    for path in charm.root.iterdir() if charm.root.is_dir() else ():
        if path.name not in charm.files:
            (folder / path.name).symlink_to(path)


@contextlib.contextmanager
def hook_surroundings(
    charm: model.Charm, folder: pathlib.Path, changes: Mapping[str, str]
) -> Generator[None]:
    """Run hooks from the charm's own folder, and with some variables set otherwise.

    ``ops.testing`` refuses some events that Juju does fire, and warns of others, so its checks are
    off where variables are changed.

    Args:
        charm: The charm.
        folder: Where it was unpacked.
        changes: Variables of the hook's environment.
    """

    def read(_: object) -> ops.CharmMeta:
        return charm.meta

    original: Any = getattr(scenario.context, _RUNTIME)
    reading: Any = getattr(_MAIN, _READ)
    setattr(scenario.context, _RUNTIME, _corrected(original, folder, changes))
    setattr(_MAIN, _READ, read)
    try:
        with _unchecked() if changes else contextlib.nullcontext():
            yield
    finally:
        setattr(_MAIN, _READ, reading)
        setattr(scenario.context, _RUNTIME, original)
        # It holds every framework there was, with its charm and all that either refers to.
        ops.Framework.on = ops.FrameworkEvents()


@contextlib.contextmanager
def _unchecked() -> Generator[None]:
    checks, level = os.environ.get(_SKIP_CHECKS), scenario.logger.logger.level
    os.environ[_SKIP_CHECKS] = '1'
    scenario.logger.logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        scenario.logger.logger.setLevel(level)
        if checks is None:
            del os.environ[_SKIP_CHECKS]
        else:
            os.environ[_SKIP_CHECKS] = checks


def _corrected(original: Any, folder: pathlib.Path, changes: Mapping[str, str]) -> Any:
    def get_event_env(self: Any, **kwargs: Any) -> dict[str, str]:
        return {**original._get_event_env(self, **kwargs), **changes}

    def virtual_charm_root(self: Any) -> contextlib.AbstractContextManager[pathlib.Path]:
        return contextlib.nullcontext(folder)

    members: dict[str, Any] = {
        '_get_event_env': get_event_env,
        '_virtual_charm_root': virtual_charm_root,
    }
    return type(_RUNTIME, (original,), members)


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
