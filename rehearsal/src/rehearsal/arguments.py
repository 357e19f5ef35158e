# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The arguments of the console command ``rehearse``."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import re
from collections.abc import Sequence

BUNDLE = 'bundle.yaml'
JUJU_VERSIONS = {'3.6': '3.6.12', '4.0': '4.0.1'}
LIMIT = 500
"""Hooks after which a model that still moves is given up."""

_EPILOG = """\
Exit status: 0 everything settled and no hook failed; 1 a command, a hook or an action failed, or
the model did not come to rest; 2 the input cannot be used; 130 interrupted.
"""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What the operator asked for.

    Attributes:
        bundle: The bundle to deploy, None for none.
        overlays: Files laid over the bundle.
        script: File of commands, ``-`` for standard input, None for none.
        interactive: Prompt for commands.
        json: Print one JSON document in place of text.
        model: Name of the model.
        juju_version: Which Juju to be.
        charms: Folder of charms, None for the one beside the bundle.
        trust: Trust the applications that the bundle wants trusted.
        limit: Hooks after which a model that still moves is given up.
        quiet: Show no progress.
        debug_log: Show the charms' log.
        chaos: Seed of the first bad night, None for none.
        nights: How many of them.
        jobs: How many processes play them.
        replay: Script of a bad night, None for none.
        hub: ``real`` for mediahub itself, ``double`` for its double; None for what there is.
    """

    bundle: pathlib.Path | None
    overlays: tuple[pathlib.Path, ...]
    script: str | None
    interactive: bool
    json: bool
    model: str
    juju_version: str
    charms: pathlib.Path | None
    trust: bool
    limit: int
    quiet: bool
    debug_log: bool
    chaos: int | None = None
    nights: int = 1
    jobs: int = 1
    replay: pathlib.Path | None = None
    hub: str | None = None


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """Read the arguments, by default those of the process.

    Raises:
        SystemExit: They are wrong (2), or ask for help (0); the text is printed.
    """
    parser = _parser()
    given = parser.parse_args(argv)
    if given.interactive and (given.format == 'json' or given.script == '-'):
        parser.error('--interactive goes neither with --format json nor with --script -')
    _check_chaos(parser, given)
    if given.bundle is None and not (given.script or given.interactive):
        given.bundle = pathlib.Path(BUNDLE)
    return Arguments(
        bundle=given.bundle,
        overlays=tuple(given.overlay),
        script=given.script,
        interactive=given.interactive,
        json=given.format == 'json',
        model=given.model,
        juju_version=JUJU_VERSIONS[given.juju],
        charms=given.charms,
        trust=not given.no_trust,
        limit=given.limit,
        quiet=given.quiet,
        debug_log=given.debug_log,
        chaos=given.chaos,
        nights=given.nights,
        jobs=given.jobs,
        replay=given.replay,
        hub=given.hub,
    )


def _check_chaos(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    if given.chaos is None and given.replay is None:
        if given.nights != 1 or given.jobs != 1:
            parser.error('--nights and --jobs go with --chaos')
        return
    if given.script or given.interactive or given.format == 'json':
        parser.error('--chaos and --replay go with none of --script, --interactive, --format json')
    if given.hub == 'real':
        parser.error('--hub real goes with neither --chaos nor --replay: nights have to repeat')
    if given.chaos is not None and given.replay is not None:
        parser.error('--replay plays the night of its script: leave out --chaos')


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
        type=pathlib.Path,
        metavar='BUNDLE',
        help=f'the bundle to deploy; {BUNDLE} by default, none with --script or --interactive',
    )
    parser.add_argument('--script', metavar='FILE', help="run Juju's commands; - is stdin")
    parser.add_argument('-i', '--interactive', action='store_true', help='prompt for commands')
    parser.add_argument(
        '--format', choices=('text', 'json'), default='text', help='what is printed at the end'
    )
    parser.add_argument(
        '--model', type=_model_name, default='media', metavar='NAME', help='name of the model'
    )
    parser.add_argument(
        '--juju', choices=tuple(JUJU_VERSIONS), default='3.6', help='which Juju to be'
    )
    parser.add_argument('--charms', type=pathlib.Path, metavar='DIR', help='folder of charms')
    parser.add_argument(
        '--overlay',
        action='append',
        default=[],
        type=pathlib.Path,
        metavar='FILE',
        help='lay an overlay over the bundle; may be repeated',
    )
    parser.add_argument(
        '--no-trust',
        action='store_true',
        help='deploy a bundle\'s "trust: true" applications without trust; otherwise --trust is '
        "implied, which Juju's own command wants to be given",
    )
    parser.add_argument(
        '--limit',
        type=_limit,
        default=LIMIT,
        metavar='HOOKS',
        help=f'give a model up that still moves after so many hooks; {LIMIT}',
    )
    parser.add_argument(
        '--chaos',
        type=_seed,
        metavar='SEED',
        help='play a bad night that the seed draws, hold every law, and compare the end',
    )
    parser.add_argument(
        '--nights', type=_limit, default=1, metavar='N', help='so many, of seeds from SEED on; 1'
    )
    parser.add_argument(
        '--jobs', type=_limit, default=1, metavar='N', help='play them in so many processes; 1'
    )
    parser.add_argument(
        '--replay', type=pathlib.Path, metavar='FILE', help='replay a bad night from its script'
    )
    parser.add_argument(
        '--hub',
        choices=('real', 'double'),
        help='run mediahub itself in a process of its own, or a double of it; the real one where '
        'it is installed, and the double for bad nights',
    )
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


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError('a whole number, 0 or more')
    return number


def _limit(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('at least 1')
    return number
