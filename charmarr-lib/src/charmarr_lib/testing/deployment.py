# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One unit of a charm and the program in its pod, for the charm's unit tests.

What a dispatch leaves behind is there for the next: options, relations, secrets, files, services.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import functools
import importlib.util
import pathlib
import sys
import types
import typing
from collections.abc import Generator
from typing import Any

import httpx2
import ops
import yaml
from ops import testing

from charmarr_lib import http

from .pebble import Owners, PebbleFake, use_pebble

__all__ = ['Deployment', 'load', 'metadata']


def load(charm: pathlib.Path) -> types.ModuleType:
    """Load a charm's ``charm.py`` under a name of its own: every charm has a module of that name.

    Args:
        charm: The charm's folder.
    """
    name = f'charm_of_{charm.name.replace("-", "_")}'
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, charm / 'src' / 'charm.py')
        if spec is None or spec.loader is None:
            raise AssertionError(f'{charm} holds no charm')
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@functools.cache
def metadata(charm: pathlib.Path) -> dict[str, Any]:
    """Return ``charmcraft.yaml`` as ``ops.testing.Context`` takes it.

    What only people read is left out: all of this is written to a file with each dispatch.

    Args:
        charm: The charm's folder.
    """
    found = _terse(yaml.safe_load((charm / 'charmcraft.yaml').read_text('utf-8')))
    config, actions = found.pop('config', {}), found.pop('actions', {})
    found.pop('parts', None)
    return {'meta': found, 'config': config, 'actions': actions}


def _terse(value: Any) -> Any:
    """Leave descriptions out, but not an option that is named so."""
    if not isinstance(value, dict):
        return value
    items = typing.cast('dict[str, Any]', value).items()
    return {
        key: _terse(each)
        for key, each in items
        if key != 'description' or not isinstance(each, str)
    }


class Deployment(abc.ABC):
    """A unit of an application, the leader and the only one.

    A charm's tests derive from it; what :meth:`boot` needs has to be there before ``__init__``.

    Args:
        charm: The charm's class.
        folder: Its folder, with ``charmcraft.yaml``.
        app: Name of the application.
        container: Name of its workload container.
        storage: The folder of its storage; a folder ``charm`` beside it is made.

    Attributes:
        folder: The storage.
        owners: Who owns what in the container.
        pod: The workload container.
        state: What Juju knows.
        context: How the charm is run.
    """

    def __init__(
        self,
        charm: type[ops.CharmBase],
        folder: pathlib.Path,
        *,
        app: str,
        container: str,
        storage: pathlib.Path,
    ) -> None:
        self.folder = storage
        self.owners = Owners()
        self._container = container
        self.pod = self.boot()
        # With the charm's own folder for its root, ops.testing would write files there, and two
        # tests at once would take them from each other.
        root = storage.parent / 'charm'
        root.mkdir()
        self.context = testing.Context(charm, app_name=app, charm_root=root, **metadata(folder))
        self.state: testing.State = testing.State(
            leader=True, planned_units=1, model=testing.Model('media', type='kubernetes')
        )

    @abc.abstractmethod
    def boot(self) -> PebbleFake:
        """Start the container anew: only what lies on the storage is still there."""

    @abc.abstractmethod
    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer what the charm asks over the network."""

    def run(self, event: Any = None, **changes: Any) -> testing.State:
        """Dispatch an event (config-changed if none is given) and keep what it leaves behind."""
        can_connect = changes.pop('can_connect', True)
        container = self.pod.as_container(self._container, can_connect=can_connect)
        state = dataclasses.replace(self.state, containers=frozenset({container}), **changes)
        with use_pebble({self._container: self.pod}), self.online():
            self.state = self.context.run(event or self.context.on.config_changed(), state)
        return self.state

    def act(self, name: str, **params: Any) -> dict[str, Any]:
        """Run an action and return its results."""
        self.run(self.context.on.action(name, params=params))
        return dict(self.context.action_results or {})

    def failure(self, name: str, **params: Any) -> str:
        """Run an action that fails, and return what it says: one line."""
        try:
            self.run(self.context.on.action(name, params=params))
        except testing.ActionFailed as failed:
            if not isinstance(failed.state, testing.State) or '\n' in failed.message:
                raise AssertionError(failed.message) from failed
            self.state = failed.state
            return failed.message
        raise AssertionError(f'{name} did not fail')

    @contextlib.contextmanager
    def online(self) -> Generator[None]:
        """Let what is inside reach what :meth:`answer` answers for, and nothing else."""
        with http.use_transport(httpx2.MockTransport(self.answer)):
            yield

    def deploy(self) -> testing.State:
        """Bring the program up for the first time."""
        return self.run(self.context.on.pebble_ready(self.pod.as_container(self._container)))

    def configure(self, **options: str | int | bool) -> None:
        """Set options; ``_`` stands for ``-``."""
        new = {name.replace('_', '-'): value for name, value in options.items()}
        self.state = dataclasses.replace(self.state, config={**self.state.config, **new})

    def add(self, relation: testing.Relation) -> testing.Relation:
        """Add a relation."""
        relations = frozenset({*self.state.relations, relation})
        self.state = dataclasses.replace(self.state, relations=relations)
        return relation

    def take_away(self, relation: testing.Relation) -> None:
        """Dispatch a relation's relation-broken, and remove it."""
        current = self.state.get_relation(relation.id)
        self.run(self.context.on.relation_broken(current))
        rest = frozenset(each for each in self.state.relations if each.id != relation.id)
        self.state = dataclasses.replace(self.state, relations=rest)

    def add_secret(self, content: dict[str, str]) -> testing.Secret:
        """Add a user's secret that is granted to the application."""
        secret = testing.Secret(content, owner=None)
        secrets = frozenset({*self.state.secrets, secret})
        self.state = dataclasses.replace(self.state, secrets=secrets)
        return secret

    @property
    def status(self) -> tuple[str, str]:
        """The unit's status: name and message, which is one line."""
        found = self.state.unit_status
        if '\n' in found.message:
            raise AssertionError(found.message)
        return found.name, found.message
