# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Juju's commands that change a deployed model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import errors, flags, model, session, settings

_SCOPE_NEEDED = (
    "'juju trust' currently grants full access to the cluster itself.\n"
    "Set the scope to 'cluster' using '--scope=cluster' to confirm this choice."
)


def integrate(at: session.Session, parsed: flags.Parsed) -> None:
    """Relate two applications."""
    first, second = parsed.arguments
    at.rehearsal.integrate(first, second)


def remove_relation(at: session.Session, parsed: flags.Parsed) -> None:
    """Remove the relation between two applications."""
    first, second = parsed.arguments
    at.rehearsal.remove_relation(first, second)


def remove_application(at: session.Session, parsed: flags.Parsed) -> None:
    """Remove applications, after asking unless ``--no-prompt`` is given."""
    destroy = parsed.switch('destroy-storage')
    going = [at.application(name) for name in parsed.arguments]
    effects = [line for application in going for line in _effects(application, destroy)]
    if parsed.switch('no-prompt') or parsed.switch('force'):
        at.say('\n'.join(effects))
    else:
        warning = 'WARNING This command will perform the following actions:'
        at.tell('\n'.join((warning, *effects, '')))
        if not at.confirm('Continue [y/N]? '):
            raise errors.JujuError('application removal: aborted')
    for application in going:
        at.rehearsal.remove_application(application.name, destroy_storage=destroy)


def _effects(application: model.Application, destroy: bool) -> Iterator[str]:
    yield f'will remove application {application.name}'
    for unit in application.units:
        yield f'- will remove unit {unit.name}'
    verb = 'remove' if destroy else 'detach'
    for unit in application.units:
        for instance in unit.storage.values():
            yield f'- will {verb} storage {instance.id}'


def scale_application(at: session.Session, parsed: flags.Parsed) -> None:
    """Set how many units an application has."""
    name, text = parsed.arguments
    if not re.fullmatch(r'[+-]?[0-9]{1,9}', text):
        raise errors.InputError(f'invalid scale "{text}"')
    units = int(text)
    if units < 0:
        raise errors.InputError('scale must be a positive integer')
    at.rehearsal.scale(name, units)
    at.tell(f'{name} scaled to {units} units')


def trust(at: session.Session, parsed: flags.Parsed) -> None:
    """Let an application's charm do anything in the cluster, or no longer."""
    (name,) = parsed.arguments
    remove = parsed.switch('remove')
    scope = parsed.text('scope')
    if scope not in (None, 'cluster'):
        raise errors.InputError(f'scope "{scope}" not valid')
    at.application(name)
    if scope is None and not remove:
        raise errors.JujuError(_SCOPE_NEEDED)
    at.rehearsal.trust(name, remove=remove)


def refresh(at: session.Session, parsed: flags.Parsed) -> None:
    """Deploy the next revision of an application's charm."""
    (name,) = parsed.arguments
    application = at.application(name)
    images = settings.pairs(parsed.texts('resource'), 'name=image')
    at.rehearsal.refresh(name, resources=images or None)
    at.tell(
        f'Added local charm "{application.charm.name}", revision {application.revision}, '
        'to the model'
    )


def resolved(at: session.Session, parsed: flags.Parsed) -> None:
    """Run a unit's failed hook again."""
    for unit in parsed.arguments:
        at.rehearsal.resolved(unit)


def add_secret(at: session.Session, parsed: flags.Parsed) -> None:
    """Add a secret and print its id."""
    name, *arguments = parsed.arguments
    at.say(at.rehearsal.add_secret(name, _content(at, parsed, arguments)))


def update_secret(at: session.Session, parsed: flags.Parsed) -> None:
    """Give a secret a new revision."""
    name, *arguments = parsed.arguments
    at.rehearsal.update_secret(name, _content(at, parsed, arguments))


def _content(at: session.Session, parsed: flags.Parsed, arguments: list[str]) -> dict[str, str]:
    file = parsed.text('file')
    content = settings.secret_file(at.folder, file) if file else {}
    content |= settings.secret(arguments, at.folder)
    if not content:
        raise errors.InputError('missing secret values: give key=value or --file')
    return content


def grant_secret(at: session.Session, parsed: flags.Parsed) -> None:
    """Let applications read a secret."""
    name, applications = parsed.arguments
    for application in applications.split(','):
        at.rehearsal.grant_secret(name, application)


def revoke_secret(at: session.Session, parsed: flags.Parsed) -> None:
    """Let applications no longer read a secret."""
    name, applications = parsed.arguments
    for application in applications.split(','):
        at.rehearsal.revoke_secret(name, application)


def remove_secret(at: session.Session, parsed: flags.Parsed) -> None:
    """Remove a secret with all its revisions."""
    (name,) = parsed.arguments
    at.rehearsal.remove_secret(name)
