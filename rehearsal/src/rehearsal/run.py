# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One run of the console command, from its input to its report."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import rich.console

from . import (
    bundle,
    bundlecheck,
    catalogue,
    deployment,
    engine,
    errors,
    film,
    hubprocess,
    hubprogram,
    progress,
    prompt,
    report,
    script,
    session,
    status,
    tabular,
    watch,
)
from .arguments import Arguments

_HUB: Final = 'mediahub-k8s'


def run(wanted: Arguments) -> int:
    """Rehearse what is wanted, print how it went, and return the exit status.

    Raises:
        errors.RehearsalError: The input cannot be used, or a command was refused.
    """
    if wanted.bundle is not None and (wanted.chaos is not None or wanted.replay is not None):
        return _chaos(wanted, wanted.bundle)
    steps = script.read(wanted.script, sys.stdin) if wanted.script else []
    read = _bundle(wanted)
    charms = catalogue.Catalogue(_charm_folders(wanted, read))
    _choose_hub(wanted, charms, read)
    checked = bundlecheck.check(read, charms) if read else None
    with contextlib.ExitStack() as stack:
        onlooker, pause = _onlooker(wanted, stack)
        rehearsal = stack.enter_context(
            engine.Rehearsal(
                charms,
                model=wanted.model,
                juju_version=wanted.juju_version,
                onlooker=onlooker,
            )
        )
        try:
            return _Run(wanted, rehearsal, pause).run(checked, steps)
        except hubprocess.Unavailable as error:
            raise errors.JujuError(
                f'mediahub cannot run here: {error}; rehearse --hub double does without it'
            ) from None


def _chaos(wanted: Arguments, bundle_file: pathlib.Path) -> int:
    """Play bad nights, or replay one, and return the exit status."""
    from . import vigil  # nothing else needs it

    read = bundle.load(bundle_file, wanted.overlays)
    folders = tuple(_charm_folders(wanted, read))
    plan = vigil.Plan(bundle_file, wanted.overlays, folders)
    if wanted.replay is not None:
        verdict = plan.nights().replay(vigil.read(wanted.replay))
        if verdict.law:
            vigil.report(verdict, print)
        else:
            print(f'every law held, and the night ended where it should, {verdict.hooks} hooks')
        return 1 if verdict.law else 0
    first = wanted.chaos or 0
    seeds = [str(seed) for seed in range(first, first + wanted.nights)]
    return 1 if vigil.watch(plan, seeds, wanted.jobs, sys.stdout).failed else 0


def _choose_hub(
    wanted: Arguments, charms: catalogue.Catalogue, read: bundle.Bundle | None
) -> None:
    """Put mediahub itself, before a Plex that people play on, in the place of its double."""
    if wanted.hub == 'double':
        return
    if wanted.hub is None and not hubprogram.is_installed():
        if not wanted.json:
            print('mediahub is not installed here; its double is rehearsed', file=sys.stderr)
        return
    hubprocess.register(charms)
    from . import livingplex  # it knows mediahub, which need not be installed

    livingplex.Street().register(charms)
    applications = read.applications.values() if read is not None else ()
    if any(pathlib.PurePath(each.charm).name == _HUB for each in applications):
        with contextlib.suppress(OSError):  # which is said when it is needed
            hubprogram.prepare()


def _bundle(wanted: Arguments) -> bundle.Bundle | None:
    if wanted.bundle is None:
        return None
    read = bundle.load(wanted.bundle, wanted.overlays)
    return read if wanted.trust else _distrust(read)


def _distrust(read: bundle.Bundle) -> bundle.Bundle:
    applications = {
        name: each.model_copy(update={'trust': False}) for name, each in read.applications.items()
    }
    contents = read.contents.model_copy(update={'applications': applications})
    return bundle.Bundle(contents, read.source, read.folder)


def _charm_folders(wanted: Arguments, read: bundle.Bundle | None) -> list[pathlib.Path]:
    """Return the folders of charms: of --charms, or else those beside the bundle."""
    if wanted.charms is not None:
        folders = catalogue.in_folder(wanted.charms)
        if not folders:
            raise errors.InputError(f'{wanted.charms}: holds no charm (no */charmcraft.yaml)')
        return folders
    return catalogue.in_folder((read.folder if read else pathlib.Path()) / 'charms')


def _onlooker(
    wanted: Arguments, stack: contextlib.ExitStack
) -> tuple[progress.Progress, Callable[[], None]]:
    """Choose how progress is shown, and return it with what takes it off the terminal."""
    if sys.stderr.isatty() and not wanted.quiet:
        live = stack.enter_context(
            watch.Live(rich.console.Console(stderr=True), logs=wanted.debug_log)
        )
        return live, live.pause
    return watch.Lines(
        None if wanted.quiet else sys.stderr, sys.stderr if wanted.debug_log else None
    ), lambda: None


class _Run:
    """One run of the command, from the deployed bundle to the report."""

    def __init__(
        self,
        wanted: Arguments,
        rehearsal: engine.Rehearsal,
        pause: Callable[[], None],
    ) -> None:
        self._wanted = wanted
        self._ran: list[dict[str, Any]] = []
        self._printed = io.StringIO()
        ask = prompt.asker(rehearsal, sys.stdin) if wanted.interactive else None
        self._ask = ask
        self._at = session.Session(
            rehearsal,
            self._printed if self._wanted.json else sys.stdout,
            sys.stderr,
            pause=pause,
            limit=wanted.limit,
            confirm=prompt.confirmer(ask) if ask else session.nobody,
        )

    def run(self, checked: bundlecheck.Checked | None, steps: Sequence[script.Step]) -> int:
        failure: errors.RehearsalError | None = None
        try:
            self._deploy(checked)
            script.run(self._at, steps, self._announce)
        except errors.RehearsalError as error:
            failure = error
        # A prompt on an empty model has nothing to report yet.
        if failure is not None or checked is not None or not self._ask:
            failure = self._report(failure, watching=not steps and not self._ask)
        if failure is not None:
            raise failure
        well = self._prompt(self._ask) if self._ask else True
        return 0 if well and not self._at.failed else 1

    def _prompt(self, ask: prompt.Ask) -> bool:
        """Let the operator type, while programs that are real processes go on."""

        def asked(text: str) -> str:
            with hubprocess.attending(self._at.rehearsal):
                return ask(text)

        return prompt.run(self._at, asked)

    def _deploy(self, checked: bundlecheck.Checked | None) -> None:
        if checked is not None:
            # Nothing of the operator's is at risk here, so --trust need not be typed.
            deployment.deploy_bundle(self._at, checked, trust=True)
            self._at.settle()

    def _announce(self, step: script.Step) -> None:
        self._collect()
        self._ran.append({'place': step.place, 'command': step.invocation.shown, 'output': ''})
        if not self._wanted.quiet:
            self._at.tell(f'$ {step.invocation.shown}')

    def _collect(self) -> None:
        """Put what was printed since to the command that printed it."""
        if self._ran:
            self._ran[-1]['output'] = self._printed.getvalue()
        self._printed.seek(0)
        self._printed.truncate()

    def _report(
        self, failure: errors.RehearsalError | None, *, watching: bool
    ) -> errors.RehearsalError | None:
        """Print how it went, and then what the hub sees of a film where there is one to watch."""
        document: dict[str, Any] = {}
        if self._wanted.json:
            self._collect()
            document = report.document(self._at, self._ran)
        else:
            self._report_text()
        if watching and failure is None and not self._at.failed:
            try:
                document['film'] = self._watch()
            except errors.RehearsalError as error:
                failure = error
        if self._wanted.json:
            print(json.dumps({**document, 'failure': str(failure) if failure else None}))
        return failure

    def _watch(self) -> dict[str, Any] | None:
        """Let a film travel from Plex to the hub; None where there are not both."""
        found = film.pair(self._at)
        if found is None:
            return None
        self._at.say('')
        journey = film.play(self._at, found)
        self._at.say(film.HINT)
        return dataclasses.asdict(journey)

    def _report_text(self) -> None:
        rehearsal = self._at.rehearsal
        self._at.say('')
        self._at.say(tabular.render(status.snapshot(rehearsal), relations=True))
        if not rehearsal.applications:
            self._at.tell(f'\nModel "admin/{rehearsal.model}" is empty.')
        objects = list(report.kubernetes_objects(self._at))
        if objects:
            self._at.say('\n' + report.kubernetes_table(objects))
        self._at.say('\n' + report.counts_text(self._at))
