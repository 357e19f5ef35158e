# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What can come next on a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prompt_toolkit import completion, document

from . import commands, engine, flags

_LEAVE = ('exit', 'quit')


def candidates(rehearsal: engine.Rehearsal, words: Sequence[str]) -> list[str]:
    """Return what the last of ``words``, which may be empty, can be completed to.

    Args:
        rehearsal: The model whose applications and units are offered.
        words: The words of the line so far, with or without a leading ``juju``.
    """
    words = words[1:] if words[:1] == ['juju'] and len(words) > 1 else words
    *before, begun = words
    return sorted({each for each in _offered(rehearsal, before, begun) if each.startswith(begun)})


def _offered(rehearsal: engine.Rehearsal, before: Sequence[str], begun: str) -> Iterable[str]:
    if not before:
        names = [name for each in commands.COMMANDS for name in (each.name, *each.aliases)]
        return [*names, *_LEAVE]
    command = next((each for each in commands.COMMANDS if before[0] in _names(each)), None)
    if command is None:
        return ()
    if begun.startswith('-'):
        return [f'--{flag.name}' for flag in command.flags]
    offer = _OFFERS.get(command.name, _applications)
    return offer(rehearsal, _arguments(command, before[1:]))


def _names(command: commands.Command) -> tuple[str, ...]:
    return (command.name, *command.aliases)


def _arguments(command: commands.Command, words: Iterable[str]) -> list[str]:
    """Drop flags and what follows them, without minding what is unfinished."""
    takes = {f'--{each.name}' for each in command.flags if each.takes is not flags.Takes.NOTHING}
    takes |= {f'-{each.short}' for each in command.flags if each.short}
    arguments: list[str] = []
    skip = False
    for word in words:
        if not skip and not word.startswith('-'):
            arguments.append(word)
        skip = not skip and word in takes
    return arguments


def _applications(rehearsal: engine.Rehearsal, arguments: Sequence[str]) -> Iterator[str]:
    yield from rehearsal.applications


def _charms(rehearsal: engine.Rehearsal, arguments: Sequence[str]) -> Iterator[str]:
    if not arguments:
        yield from rehearsal.catalogue.names


def _endpoints(rehearsal: engine.Rehearsal, arguments: Sequence[str]) -> Iterator[str]:
    for name, application in rehearsal.applications.items():
        yield name
        for endpoint in application.charm.endpoints:
            yield f'{name}:{endpoint}'


def _options(rehearsal: engine.Rehearsal, arguments: Sequence[str]) -> Iterator[str]:
    if not arguments:
        yield from rehearsal.applications
    elif arguments[0] in rehearsal.applications:
        for option in rehearsal.applications[arguments[0]].charm.options:
            yield f'{option}='


def _units(rehearsal: engine.Rehearsal, arguments: Sequence[str]) -> Iterator[str]:
    for name, application in rehearsal.applications.items():
        yield from (unit.name for unit in application.units)
        if application.units:
            yield f'{name}/leader'


def _run(rehearsal: engine.Rehearsal, arguments: Sequence[str]) -> Iterator[str]:
    if not arguments:
        yield from _units(rehearsal, arguments)
        return
    application = rehearsal.applications.get(arguments[0].partition('/')[0])
    if application is None:
        return
    if len(arguments) == 1:
        yield from application.charm.actions
        return
    declared = application.charm.actions.get(arguments[1], {})
    for name in declared.get('params') or ():
        yield f'{name}='


def _commands(rehearsal: engine.Rehearsal, arguments: Sequence[str]) -> Iterator[str]:
    yield from (each.name for each in commands.COMMANDS)


_OFFERS: dict[str, Callable[[engine.Rehearsal, Sequence[str]], Iterator[str]]] = {
    'deploy': _charms,
    'integrate': _endpoints,
    'remove-relation': _endpoints,
    'config': _options,
    'run': _run,
    'resolved': _units,
    'help': _commands,
}


class Completer(completion.Completer):
    """Offers to prompt-toolkit what :func:`candidates` knows."""

    def __init__(self, rehearsal: engine.Rehearsal) -> None:
        self._rehearsal = rehearsal

    def get_completions(
        self, document: document.Document, complete_event: completion.CompleteEvent
    ) -> Iterator[completion.Completion]:
        """Yield the completions of the word before the cursor."""
        text = document.text_before_cursor
        words = text.split()
        if not words or text[-1].isspace():
            words.append('')
        for each in candidates(self._rehearsal, words):
            yield completion.Completion(each, start_position=-len(words[-1]))
