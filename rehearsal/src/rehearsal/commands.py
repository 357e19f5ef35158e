# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Juju's commands: their names, flags and arguments, and carrying one out."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Sequence

from . import actions, deployment, errors, flags, operate, session, show
from .flags import Flag, Takes

Handler = Callable[[session.Session, flags.Parsed], None]

MASK = '********'
_COMMON = (Flag('model', 'm', Takes.TEXT),)


def _text(name: str, short: str = '', *, repeats: bool = False) -> Flag:
    return Flag(name, short, Takes.TEXT, repeats)


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of Juju's.

    Attributes:
        name: What it is called.
        usage: Its arguments, as its help shows them.
        summary: What it does, in one line.
        run: Carries it out.
        missing: Juju's words for each argument that must be there, in order.
        most: How many arguments it takes at most; None for any number.
        flags: The flags it knows. Some are taken and change nothing in a rehearsal, so that a
            command copied from a real deployment works.
        aliases: Other names.
        changes: Whether the model may move after it.
        secret_after: How many arguments may be shown; the values of later ones may be secret.
        of_juju: Whether Juju has it too.
    """

    name: str
    usage: str
    summary: str
    run: Handler
    missing: tuple[str, ...] = ()
    most: int | None = None
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    changes: bool = True
    secret_after: int | None = None
    of_juju: bool = True

    @property
    def prefix(self) -> str:
        """What stands before its name on a command line."""
        return 'juju ' if self.of_juju else ''

    def parse(self, words: Sequence[str]) -> flags.Parsed:
        """Sort this command's words.

        Raises:
            errors.InputError: A flag is wrong, or there are too few or too many arguments.
        """
        parsed = flags.parse(words, (*self.flags, *_COMMON))
        given = len(parsed.arguments)
        if given < len(self.missing):
            raise errors.InputError(self.missing[given])
        if self.most is not None and given > self.most:
            raise errors.InputError(f'unrecognized args: {_listed(parsed.arguments[self.most :])}')
        return parsed


def _listed(words: Sequence[str]) -> str:
    return '[' + ' '.join(f'"{word}"' for word in words) + ']'


@dataclasses.dataclass(frozen=True)
class Invocation:
    """A command with what was given to it, ready to be carried out."""

    command: Command
    parsed: flags.Parsed
    words: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The command as it may be repeated in an output: without values that may be secret."""
        allowed = self.command.secret_after
        arguments = self.parsed.arguments
        hidden = frozenset(arguments[len(arguments) if allowed is None else allowed :])
        return self.command.prefix + ' '.join(
            _masked(word) if word in hidden else shlex.quote(word) for word in self.words
        )


def _masked(word: str) -> str:
    key, equals, _ = word.partition('=')
    return f'{shlex.quote(key)}={MASK}' if equals else MASK


def _help(at: session.Session, parsed: flags.Parsed) -> None:
    """Print the commands there are, or what one of them takes."""
    if parsed.arguments:
        at.say(describe(find(parsed.arguments[0])))
        return
    width = max(len(command.name) for command in COMMANDS)
    for command in COMMANDS:
        at.say(f'{command.name.ljust(width)}  {command.summary}')


def _film(at: session.Session, parsed: flags.Parsed) -> None:
    from . import film  # which types commands itself

    film.command(at, parsed)


def describe(command: Command) -> str:
    """Return the help of one command."""
    names = [
        f'--{flag.name}' + ('' if flag.takes is Takes.NOTHING else f' <{flag.takes.value}>')
        for flag in command.flags
    ]
    usage = f'Usage: {command.prefix}{command.name} {command.usage}'.rstrip()
    lines = [usage, command.summary]
    if names:
        lines.append('Flags: ' + ' '.join(names))
    if command.aliases:
        lines.append('Also: ' + ', '.join(command.aliases))
    return '\n'.join(lines)


_NO_APPLICATION = 'no application name specified'
_FORMAT = _text('format')

COMMANDS = (
    Command(
        'deploy',
        '<charm or bundle> [<application>]',
        'Deploy a charm or a bundle.',
        deployment.deploy,
        missing=('no charm or bundle specified',),
        most=2,
        flags=(
            Flag('trust'),
            Flag('num-units', 'n', Takes.NUMBER),
            _text('config', repeats=True),
            _text('resource', repeats=True),
            _text('storage', repeats=True),
            _text('overlay', repeats=True),
            Flag('dry-run'),
            _text('channel'),
            Flag('revision', takes=Takes.NUMBER),
            _text('base'),
            Flag('force'),
        ),
    ),
    Command(
        'integrate',
        '<application>[:<endpoint>] <application>[:<endpoint>]',
        'Relate two applications.',
        operate.integrate,
        missing=('an integration must involve two applications',) * 2,
        most=2,
        aliases=('relate', 'add-relation'),
    ),
    Command(
        'remove-relation',
        '<application>[:<endpoint>] <application>[:<endpoint>]',
        'Remove the relation between two applications.',
        operate.remove_relation,
        missing=('a relation must involve two applications',) * 2,
        most=2,
        flags=(Flag('force'),),
    ),
    Command(
        'config',
        '<application> [<option> | <option>=<value>...]',
        "Show, set or reset an application's options.",
        show.config,
        missing=(_NO_APPLICATION,),
        flags=(_text('reset', repeats=True), _text('file'), _FORMAT),
    ),
    Command(
        'run',
        '<unit>... <action> [<key>=<value>...]',
        'Run an action on units.',
        actions.run,
        missing=('no unit specified', 'no action specified'),
        flags=(
            _FORMAT,
            _text('wait'),
            Flag('background'),
            Flag('string-args'),
            Flag('utc'),
        ),
        changes=False,
        secret_after=2,
    ),
    Command(
        'show-task',
        '<id>',
        'Show how an action went.',
        actions.show_task,
        missing=('no task ID specified',),
        most=1,
        flags=(_FORMAT,),
        changes=False,
    ),
    Command(
        'status',
        '[<application>...]',
        'Show the model.',
        show.show_status,
        # A model that has settled has nothing more to show: --watch prints it once.
        flags=(
            *(Flag('relations'), Flag('integrations'), Flag('storage')),
            *(_text('watch'), _FORMAT),
        ),
        changes=False,
    ),
    Command(
        'scale-application',
        '<application> <units>',
        'Set how many units an application has.',
        operate.scale_application,
        missing=('no application specified', 'no scale specified'),
        most=2,
    ),
    Command(
        'trust',
        '<application>',
        "Let an application's charm do anything in the cluster.",
        operate.trust,
        missing=(_NO_APPLICATION,),
        most=1,
        flags=(_text('scope'), Flag('remove')),
    ),
    Command(
        'refresh',
        '<application>',
        "Deploy the next revision of an application's charm.",
        operate.refresh,
        missing=('no application specified',),
        most=1,
        flags=(
            _text('resource', repeats=True),
            _text('channel'),
            Flag('revision', takes=Takes.NUMBER),
            _text('path'),
            Flag('force'),
            Flag('trust'),
        ),
    ),
    Command(
        'remove-application',
        '<application>...',
        'Remove applications.',
        operate.remove_application,
        missing=('no application specified',),
        flags=(Flag('destroy-storage'), Flag('no-prompt'), Flag('force'), Flag('no-wait')),
    ),
    Command(
        'add-secret',
        '<name> <key>=<value>...',
        'Add a secret.',
        operate.add_secret,
        missing=('missing secret name',),
        flags=(_text('file'), _text('info')),
        secret_after=1,
    ),
    Command(
        'update-secret',
        '<name> <key>=<value>...',
        'Give a secret a new revision.',
        operate.update_secret,
        missing=('missing secret URI or name',),
        flags=(_text('file'), _text('info'), Flag('auto-prune')),
        secret_after=1,
    ),
    Command(
        'grant-secret',
        '<name> <application>[,<application>...]',
        'Let applications read a secret.',
        operate.grant_secret,
        missing=('missing secret URI or name', 'missing application name'),
        most=2,
    ),
    Command(
        'revoke-secret',
        '<name> <application>[,<application>...]',
        'Let applications no longer read a secret.',
        operate.revoke_secret,
        missing=('missing secret URI or name', 'missing application name'),
        most=2,
    ),
    Command(
        'remove-secret',
        '<name>',
        'Remove a secret.',
        operate.remove_secret,
        missing=('missing secret URI or name',),
        most=1,
    ),
    Command(
        'resolved',
        '<unit>...',
        'Run a failed hook again.',
        operate.resolved,
        missing=('no unit specified',),
    ),
    Command(
        'show-secret',
        '<name>',
        'Show a secret, without its content.',
        show.show_secret,
        missing=('missing secret URI or name',),
        most=1,
        flags=(_FORMAT,),
        changes=False,
    ),
    Command(
        'film',
        '[<seconds>]',
        'Not of Juju: let somebody watch a film on Plex, and follow it to mediahub.',
        _film,
        most=1,
        of_juju=False,
    ),
    Command('help', '[<command>]', 'Show this.', _help, most=1, changes=False),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


def find(name: str) -> Command:
    """Return a command by its name or another name of it.

    Raises:
        errors.InputError: There is none; the message lists those there are.
    """
    command = _BY_NAME.get(name)
    if command is None:
        known = ', '.join(each.name for each in COMMANDS)
        raise errors.InputError(f'juju: "{name}" is not a command of a rehearsal; known: {known}')
    return command


def split(line: str) -> list[str]:
    """Split a line into words as a shell does, dropping a comment.

    Raises:
        errors.InputError: A quote is not closed.
    """
    try:
        return shlex.split(line, comments=True)
    except ValueError as exc:
        raise errors.InputError(f'cannot read the line: {str(exc).lower()}') from None


def parse(line: str) -> Invocation | None:
    """Read one line; None when it holds no command.

    Raises:
        errors.InputError: The line, the command's name, its flags or arguments are wrong.
    """
    words = split(line)
    if words[:1] == ['juju']:
        words = words[1:] or ['help']
    if not words:
        return None
    command = find(words[0])
    return Invocation(command, command.parse(words[1:]), tuple(words))


def execute(at: session.Session, invocation: Invocation) -> None:
    """Carry a command out and let the model come to rest.

    Raises:
        errors.RehearsalError: Juju would refuse it, or what it names cannot be read.
    """
    _check_model(at, invocation.parsed.text('model'))
    invocation.command.run(at, invocation.parsed)
    if invocation.command.changes:
        at.settle()


def _check_model(at: session.Session, given: str | None) -> None:
    """Refuse ``-m`` for another model; ``controller:admin/`` in front of the name is fine."""
    if given is not None and given.rpartition(':')[2].rpartition('/')[2] != at.rehearsal.model:
        raise errors.JujuError(f'model {given} not found')
