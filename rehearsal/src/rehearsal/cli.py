# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The console command ``rehearse``."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pathlib
import re
import sys
import typing
from collections.abc import Sequence
from typing import Any

import rich.console

from . import (
    bundle,
    bundlecheck,
    catalogue,
    deployment,
    engine,
    errors,
    progress,
    prompt,
    report,
    script,
    session,
    status,
    tabular,
    watch,
)

BUNDLE = 'bundle.yaml'
INTERRUPTED = 130
BROKEN_PIPE = 141
JUJU_VERSIONS = {'3.6': '3.6.12', '4.0': '4.0.1'}

_EPILOG = """\
Exit status: 0 everything settled and no hook failed; 1 a command, a hook or an action failed, or
the model did not come to rest; 2 the input cannot be used; 130 interrupted.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.interactive and (arguments.format == 'json' or arguments.script == '-'):
        parser.error('--interactive goes neither with --format json nor with --script -')
    try:
        return _rehearse(arguments)
    except errors.RehearsalError as error:
        print(f'ERROR {error}', file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE


def _drop_output() -> None:
    """Send what is still buffered nowhere, or Python complains about the pipe when it exits."""
    with contextlib.suppress(io.UnsupportedOperation):
        stdout = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='rehearse',
        description='Deploys a bundle of charms on an embedded model of Juju and Kubernetes.',
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'bundle',
        nargs='?',
        metavar='BUNDLE',
        help=f'the bundle to deploy; {BUNDLE} by default, none with --script or --interactive',
    )
    parser.add_argument('--script', metavar='FILE', help="run Juju's commands; - is stdin")
    parser.add_argument('-i', '--interactive', action='store_true', help='prompt for commands')
    parser.add_argument('--format', choices=('text', 'json'), default='text')
    parser.add_argument(
        '--model', type=_model_name, default='media', metavar='NAME', help='name of the model'
    )
    parser.add_argument('--juju', choices=tuple(JUJU_VERSIONS), default='3.6')
    parser.add_argument('--charms', type=pathlib.Path, metavar='DIR', help='folder of charms')
    parser.add_argument('--overlay', action='append', default=[], type=pathlib.Path)
    parser.add_argument(
        '--no-trust',
        action='store_true',
        help='deploy a bundle\'s "trust: true" applications without trust; otherwise --trust is '
        "implied, which Juju's own command wants to be given",
    )
    parser.add_argument('--limit', type=_limit, default=session.LIMIT, metavar='HOOKS')
    parser.add_argument('--quiet', action='store_true', help='show no progress')
    parser.add_argument('--debug-log', action='store_true', help="show the charms' log")
    return parser


def _model_name(text: str) -> str:
    # Juju's rule, and Kubernetes' for a namespace, which a model is too.
    if not re.fullmatch(r'[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?', text):
        raise argparse.ArgumentTypeError(
            f'"{text}" is not a valid name: lower-case letters, digits and dashes'
        )
    return text


def _limit(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('at least 1')
    return number


def _rehearse(arguments: argparse.Namespace) -> int:
    steps = script.read(arguments.script, sys.stdin) if arguments.script else []
    read = _bundle(arguments)
    charms = catalogue.Catalogue(_charm_folders(arguments, read))
    checked = bundlecheck.check(read, charms) if read else None
    with contextlib.ExitStack() as stack:
        onlooker, pause = _onlooker(arguments, stack)
        rehearsal = stack.enter_context(
            engine.Rehearsal(
                charms,
                model=arguments.model,
                juju_version=JUJU_VERSIONS[arguments.juju],
                onlooker=onlooker,
            )
        )
        return _Run(arguments, rehearsal, pause).run(checked, steps)


def _bundle(arguments: argparse.Namespace) -> bundle.Bundle | None:
    name: str | None = arguments.bundle
    if name is None and (arguments.script or arguments.interactive):
        return None
    file = pathlib.Path(name or BUNDLE)
    read = bundle.load(file, arguments.overlay)
    return _distrust(read) if arguments.no_trust else read


def _distrust(read: bundle.Bundle) -> bundle.Bundle:
    applications = {
        name: each.model_copy(update={'trust': False}) for name, each in read.applications.items()
    }
    contents = read.contents.model_copy(update={'applications': applications})
    return bundle.Bundle(contents, read.source, read.folder)


def _charm_folders(
    arguments: argparse.Namespace, read: bundle.Bundle | None
) -> list[pathlib.Path]:
    """Return the folders of charms: of --charms, or else those beside the bundle."""
    chosen: pathlib.Path | None = arguments.charms
    if chosen is not None:
        folders = catalogue.in_folder(chosen)
        if not folders:
            raise errors.InputError(f'{chosen}: holds no charm (no */charmcraft.yaml)')
        return folders
    return catalogue.in_folder((read.folder if read else pathlib.Path()) / 'charms')


def _onlooker(
    arguments: argparse.Namespace, stack: contextlib.ExitStack
) -> tuple[progress.Progress, typing.Callable[[], None]]:
    """Choose how progress is shown, and return it with what takes it off the terminal."""
    if sys.stderr.isatty() and not arguments.quiet:
        live = stack.enter_context(
            watch.Live(rich.console.Console(stderr=True), logs=arguments.debug_log)
        )
        return live, live.pause
    return watch.Lines(
        None if arguments.quiet else sys.stderr, sys.stderr if arguments.debug_log else None
    ), lambda: None


class _Run:
    """One run of the command, from the deployed bundle to the report."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        rehearsal: engine.Rehearsal,
        pause: typing.Callable[[], None],
    ) -> None:
        self._arguments = arguments
        self._json = arguments.format == 'json'
        self._ran: list[dict[str, Any]] = []
        self._printed = io.StringIO()
        ask = prompt.asker(rehearsal, sys.stdin) if arguments.interactive else None
        self._ask = ask
        self._at = session.Session(
            rehearsal,
            self._printed if self._json else sys.stdout,
            sys.stderr,
            pause=pause,
            limit=arguments.limit,
            confirm=prompt.confirmer(ask) if ask else session.nobody,
        )

    def run(self, checked: bundlecheck.Checked | None, steps: Sequence[script.Step]) -> int:
        failure: errors.RehearsalError | None = None
        try:
            self._deploy(checked)
            script.run(self._at, steps, self._announce)
        except errors.RehearsalError as error:
            failure = error
        if not (self._ask and failure is None and checked is None):
            self._report(failure)
        if failure is not None:
            raise failure
        well = prompt.run(self._at, self._ask) if self._ask else True
        return 0 if well and not self._at.failed else 1

    def _deploy(self, checked: bundlecheck.Checked | None) -> None:
        if checked is not None:
            deployment.deploy_bundle(self._at, checked, trust=True)
            self._at.settle()

    def _announce(self, step: script.Step) -> None:
        self._collect()
        self._ran.append({'place': step.place, 'command': step.invocation.shown, 'output': ''})
        if not self._arguments.quiet:
            self._at.tell(f'$ {step.invocation.shown}')

    def _collect(self) -> None:
        """Put what was printed since to the command that printed it."""
        if self._ran:
            self._ran[-1]['output'] = self._printed.getvalue()
        self._printed.seek(0)
        self._printed.truncate()

    def _report(self, failure: errors.RehearsalError | None) -> None:
        if self._json:
            self._collect()
            document = report.document(self._at, self._ran)
            print(json.dumps({**document, 'failure': str(failure) if failure else None}))
        else:
            self._report_text()

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


if __name__ == '__main__':
    sys.exit(main())
