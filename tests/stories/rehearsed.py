# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An operator at a rehearsal."""

from __future__ import annotations

import io
import pathlib

from rehearsal import bundle, bundlecheck, deployment, engine, model, script, session

from .operator import Task

ROOT = pathlib.Path(__file__).parents[2]


class RehearsalOperator:
    """Types Juju's commands at an embedded model.

    Args:
        rehearsal: The model.
    """

    def __init__(self, rehearsal: engine.Rehearsal):
        self._rehearsal = rehearsal
        self._out, self._err = io.StringIO(), io.StringIO()
        self._at = session.Session(rehearsal, self._out, self._err, folder=ROOT)

    def deploys_bundle(self, *, previous: bool = False) -> None:
        """Deploy the bundle; there is only one revision of the charms."""
        checked = bundlecheck.check(bundle.load(ROOT / 'bundle.yaml'), self._rehearsal.catalogue)
        deployment.deploy_bundle(self._at, checked, trust=True)
        self._at.settle()
        self._check()

    def types(self, text: str) -> str:
        """Run commands."""
        before = len(self._out.getvalue())
        script.run(self._at, script.parse(text, 'typed'), lambda _: None)
        self._check()
        return self._out.getvalue()[before:]

    def runs(self, unit: str, action: str, **params: str | int | bool) -> Task:
        """Run an action; one that fails is no failure of the story."""
        given = ''.join(f' {name}="{value}"' for name, value in params.items())
        script.run(self._at, script.parse(f'juju run {unit} {action}{given}', 'typed'), _ignore)
        self._at.action_failed = False
        self._check()
        run = self._rehearsal.actions[-1]
        completed = run.status is model.ActionStatus.COMPLETED
        return Task(completed, run.message, run.results)

    def expects(self, application: str, level: str, message: str = '') -> None:
        """Look at the leader's status; nothing moves any more, so it is what it stays."""
        leader = self._rehearsal.applications[application].leader
        assert leader is not None, f'{application} has no leader'
        assert leader.status.name == level, leader.status
        assert message in leader.status.message, leader.status

    def has(self, application: str) -> bool:
        """Tell whether there is an application of that name."""
        return application in self._rehearsal.applications

    def printed(self) -> str:
        """Return what was printed, and what charms logged beside it."""
        return self._out.getvalue() + self._err.getvalue()

    def _check(self) -> None:
        assert not self._at.failed, self._err.getvalue()


def _ignore(_: object) -> None:
    """Have nothing echoed."""
