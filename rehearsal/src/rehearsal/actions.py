# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``juju run`` and ``juju show-task``."""

from __future__ import annotations

import datetime
import itertools
import json
import re
from typing import Any

from . import errors, flags, model, session, settings

_UNIT = re.compile(r'[a-z][a-z0-9-]*/(?:[0-9]+|leader)')
_FORMATS = ('plain', 'yaml', 'json')


def run(at: session.Session, parsed: flags.Parsed) -> None:
    """Run an action on units, wait for it, print what it answers.

    A charm that fails an action with a message makes Juju print it and exit 0; a charm that
    breaks makes Juju exit 1. Both count as a failure of the rehearsal.

    Raises:
        errors.RehearsalError: An argument is wrong, or the action could not be carried out.
    """
    units = list(itertools.takewhile(_UNIT.fullmatch, parsed.arguments))
    rest = list(parsed.arguments[len(units) :])
    if not units:
        raise errors.InputError(f'invalid unit name "{rest[0]}"')
    if not rest:
        raise errors.InputError('no action specified')
    style = output_format(parsed, _FORMATS)
    action, *arguments = rest
    params = settings.params(arguments, as_text=parsed.switch('string-args'))
    started = [at.rehearsal.start_action(_resolve(at, unit), action, params) for unit in units]
    at.tasks.update({each.id: each for each in started})
    background = parsed.switch('background')
    (_announce_background if background else _announce)(at, started)
    at.settle()
    if not background:
        _report(at, started, style)


def output_format(parsed: flags.Parsed, known: tuple[str, ...]) -> str:
    """Return the value of ``--format``, by default the first of those known.

    Raises:
        errors.InputError: It is another.
    """
    given = parsed.text('format') or known[0]
    if given not in known:
        raise errors.InputError(
            f'invalid value "{given}" for option --format: unknown format "{given}"'
        )
    return given


def _resolve(at: session.Session, unit: str) -> str:
    """Turn ``plex/leader`` into the name of the unit that leads."""
    name, _, number = unit.partition('/')
    if number != 'leader':
        return unit
    leader = at.application(name).leader
    if leader is None:
        raise errors.JujuError(f'could not determine leader for "{name}"')
    return leader.name


def _announce(at: session.Session, started: list[model.ActionRun]) -> None:
    operation = started[0].id - 1
    tasks = f'{len(started)} task' + ('' if len(started) == 1 else 's')
    at.tell(f'Running operation {operation} with {tasks}')
    for each in started:
        at.tell(f'  - task {each.id} on unit-{each.unit.replace("/", "-")}')
    at.tell('')


def _announce_background(at: session.Session, started: list[model.ActionRun]) -> None:
    for each in started:
        at.tell(f'Scheduled operation {started[0].id - 1} with task {each.id}')
        at.tell(f"Check task status with 'juju show-task {each.id}'")


def _report(at: session.Session, started: list[model.ActionRun], style: str) -> None:
    for each in started:
        at.tell(f'Waiting for task {each.id}...')
        for line in each.log:
            at.tell(f'{datetime.datetime.now(datetime.UTC):%H:%M:%S} {line}')
    pending = [each for each in started if each.status is model.ActionStatus.PENDING]
    if pending:
        units = ', '.join(f'unit {each.unit}' for each in pending)
        raise errors.JujuError(f'timed out waiting for results from: {units}')
    if any(each.status is model.ActionStatus.FAILED for each in started):
        at.action_failed = True
    _print(at, started, style)
    _raise_broken([each for each in started if each.return_code])


def _print(at: session.Session, started: list[model.ActionRun], style: str) -> None:
    if style == 'json':
        at.say(json.dumps({each.unit: details(each) for each in started}))
    elif style == 'yaml' or len(started) > 1:
        at.say_yaml({each.unit: details(each) for each in started})
    else:
        _print_plain(at, started[0])


def _print_plain(at: session.Session, task: model.ActionRun) -> None:
    if task.status is model.ActionStatus.FAILED:
        at.tell(f'Action id {task.id} failed: {task.message}')
    at.say_yaml(task.results)


def _raise_broken(broken: list[model.ActionRun]) -> None:
    if not broken:
        return
    head = f'the following task{"" if len(broken) == 1 else "s"} failed:'
    lines = [f' - id "{each.id}" with return code {each.return_code}' for each in broken]
    hint = "use 'juju show-task' to inspect the failure"
    raise errors.JujuError('\n'.join((head, *lines, '', hint)))


def details(task: model.ActionRun) -> dict[str, Any]:
    """Return what ``juju run --format yaml`` says of one task."""
    shown: dict[str, Any] = {
        'id': str(task.id),
        'message': task.message,
        'log': list(task.log),
        'results': {**task.results, 'return-code': task.return_code},
        'status': task.status.value,
        'unit': task.unit,
    }
    return {key: value for key, value in shown.items() if value}


def show_task(at: session.Session, parsed: flags.Parsed) -> None:
    """Print one task of an earlier ``juju run``."""
    (text,) = parsed.arguments
    task = at.tasks.get(int(text)) if re.fullmatch(r'[0-9]{1,9}', text) else None
    if task is None:
        raise errors.JujuError(f'task "{text}" not found')
    if output_format(parsed, ('yaml', 'json')) == 'json':
        at.say(json.dumps(details(task)))
    else:
        at.say_yaml(details(task))
