# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The rehearsal itself: an operator's verbs, and running until nothing moves."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

from . import catalogue, endpoints, errors, model, options, progress, scheduler


class Rehearsal:
    """A Juju model on an embedded Kubernetes, with the real code of charms.

    The verbs change what is wanted and return at once; :meth:`settle` lets the units' agents and
    the cluster's controllers run until nothing moves.

    Args:
        charms: What can be deployed.
        model: Name of the Juju model, which is the Kubernetes namespace too.
        juju_version: As charms see it.
        onlooker: Is told what happens while it happens.
        schedule: Decides where Juju promises no order.
    """

    def __init__(
        self,
        charms: catalogue.Catalogue,
        *,
        model: str = 'media',
        juju_version: str = '3.6.12',
        onlooker: progress.Progress | None = None,
        schedule: scheduler.Scheduler | None = None,
    ) -> None:
        self.model = model
        self.juju_version = juju_version
        self.catalogue = charms
        self.applications: dict[str, _model.Application] = {}
        self.relations: list[_model.Relation] = []
        self.history: list[_model.HookRun] = []
        self._progress = onlooker or progress.Silence()
        self._scheduler = schedule or scheduler.RoundRobin()
        self._relation_ids = itertools.count()

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary folders: volumes, containers, charms."""

    def deploy(
        self,
        charm: str,
        application: str | None = None,
        *,
        units: int = 1,
        trust: bool = False,
        config: Mapping[str, options.Value] | None = None,
        resources: Mapping[str, str] | None = None,
        storage: Mapping[str, str] | None = None,
    ) -> _model.Application:
        """Deploy a charm.

        Args:
            charm: Its name in the catalogue.
            application: Name of the application; the charm's when not given.
            units: How many.
            trust: As ``--trust``: the charm may do anything in the cluster.
            config: Options, typed or as text.
            resources: Image of each resource that shall not be the charm's own.
            storage: Size of each storage that shall not be 1G, such as ``10G``.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def integrate(self, first: str, second: str) -> _model.Relation:
        """Relate two applications, each written ``plex`` or ``plex:media-storage``.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def remove_relation(self, first: str, second: str) -> None:
        """Remove the relation between two applications or endpoints.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def configure(self, application: str, settings: Mapping[str, options.Value]) -> list[str]:
        """Set options; ``trust`` is one of them.

        Returns:
            Juju's warnings about options that have the value already.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def reset_config(self, application: str, names: Iterable[str]) -> None:
        """Set options back to the charm's defaults.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def trust(self, application: str, *, remove: bool = False) -> None:
        """Let an application's charm do anything in the cluster, or no longer.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def scale(self, application: str, units: int) -> None:
        """Set how many units an application has.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def refresh(self, application: str, *, resources: Mapping[str, str] | None = None) -> None:
        """Deploy the charm's next revision, and other images where given.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def remove_application(self, application: str, *, destroy_storage: bool = False) -> None:
        """Remove an application; its claims stay unless ``destroy_storage``.

        Raises:
            errors.JujuError: as Juju would refuse it.
        """
        raise NotImplementedError

    def add_secret(self, name: str, content: Mapping[str, str]) -> str:
        """Add a secret of the operator's and return its id (``secret:...``)."""
        raise NotImplementedError

    def update_secret(self, name: str, content: Mapping[str, str]) -> None:
        """Give a secret, named by name or id, a new revision."""
        raise NotImplementedError

    def grant_secret(self, name: str, application: str) -> None:
        """Let an application read a secret."""
        raise NotImplementedError

    def revoke_secret(self, name: str, application: str) -> None:
        """Let an application no longer read a secret."""
        raise NotImplementedError

    def remove_secret(self, name: str) -> None:
        """Remove a secret with all its revisions."""
        raise NotImplementedError

    def start_action(
        self, unit: str, action: str, params: Mapping[str, Any] | None = None
    ) -> _model.ActionRun:
        """Queue an action; it runs in the agent's next idle moment, within :meth:`settle`.

        Raises:
            errors.JujuError: if there is no such unit or action, or a parameter does not fit.
        """
        raise NotImplementedError

    def resolved(self, unit: str) -> None:
        """Run the hook that failed again now.

        Raises:
            errors.JujuError: if the unit is not in error.
        """
        raise NotImplementedError

    def settle(self, limit: int = 500) -> _model.Settled:
        """Run until nothing moves, or until ``limit`` hooks have run."""
        raise NotImplementedError


_model = model
