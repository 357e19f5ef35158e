# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Juju's commands that look at a model, and ``config``, which does both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import actions, errors, flags, model, session, settings, status, tabular

_TRUST = 'trust'


def show_status(at: session.Session, parsed: flags.Parsed) -> None:
    """Print the state of the model."""
    style = actions.output_format(parsed, ('tabular', 'yaml', 'json'))
    if style == 'tabular':
        _print_table(at, parsed)
    elif style == 'json':
        at.say(json.dumps(status.document(at.rehearsal, parsed.arguments)))
    else:
        at.say_yaml(status.document(at.rehearsal, parsed.arguments))


def _print_table(at: session.Session, parsed: flags.Parsed) -> None:
    taken = status.snapshot(at.rehearsal, parsed.arguments)
    relations = parsed.switch('relations') or parsed.switch('integrations')
    storage = parsed.switch('storage')
    at.say(tabular.render(taken, relations=relations, storage=storage))
    if not at.rehearsal.applications:
        at.tell(f'\nModel "admin/{at.rehearsal.model}" is empty.')
    elif not taken.applications:
        filters = 'filter' if len(parsed.arguments) == 1 else 'filters'
        at.tell(f'\nNothing matched specified {filters}.')


def config(at: session.Session, parsed: flags.Parsed) -> None:
    """Print an application's options, or one of them, or set or reset some.

    Raises:
        errors.RehearsalError: There is no such application or option, a value does not fit, or
            options are asked for and set at once.
    """
    name, *rest = parsed.arguments
    application = at.application(name)
    assignments = [each for each in rest if '=' in each]
    keys = [each for each in rest if '=' not in each]
    resets = [key for text in parsed.texts('reset') for key in text.split(',') if key]
    file = parsed.text('file')
    if assignments or resets or file:
        if keys:
            raise errors.InputError('cannot set and retrieve values simultaneously')
        _set(at, name, assignments, resets, file)
    elif len(keys) > 1:
        raise errors.InputError('can only retrieve a single value, or all values')
    elif keys:
        at.say(_text(_value(application, keys[0])))
    else:
        _print_options(at, parsed, application)


def _set(
    at: session.Session, name: str, assignments: list[str], resets: list[str], file: str | None
) -> None:
    values: dict[str, Any] = settings.option_file(at.folder, file, name) if file else {}
    values |= settings.with_files(settings.pairs(assignments), at.folder)
    both = sorted(values.keys() & set(resets))
    if both:
        raise errors.InputError(f'cannot set and reset key "{both[0]}" simultaneously')
    if resets:
        at.rehearsal.reset_config(name, resets)
    if values:
        for warning in at.rehearsal.configure(name, values):
            at.tell(f'WARNING {warning}')


def _value(application: model.Application, key: str) -> object:
    if key == _TRUST:
        return application.trust
    if key not in application.charm.options:
        raise errors.JujuError(
            f'key "{key}" not found in "{application.name}" application config or charm settings.'
        )
    return application.config.get(key, application.charm.options[key].get('default'))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '' if value is None else str(value)


def _print_options(
    at: session.Session, parsed: flags.Parsed, application: model.Application
) -> None:
    style = actions.output_format(parsed, ('yaml', 'json'))
    shown = options_document(application)
    if style == 'json':
        at.say(json.dumps(shown))
    else:
        at.say_yaml(shown)


def options_document(application: model.Application) -> dict[str, Any]:
    """Return what ``juju config <application>`` prints."""
    trust = {
        'default': False,
        'description': 'Does this application have access to trusted credentials',
        'source': 'user' if application.trust else 'default',
        'type': 'bool',
        'value': application.trust,
    }
    return {
        'application': application.name,
        'application-config': {_TRUST: trust},
        'charm': application.charm.name,
        'settings': {
            name: _option(application, name, declared)
            for name, declared in sorted(application.charm.options.items())
        },
    }


def _option(
    application: model.Application, name: str, declared: Mapping[str, Any]
) -> dict[str, Any]:
    default = declared.get('default')
    value = application.config.get(name, default)
    source = 'unset' if value is None else 'default'
    shown = {
        'default': default,
        'description': str(declared.get('description', '')).strip(),
        'source': 'user' if name in application.config else source,
        'type': declared['type'],
        'value': value,
    }
    return {key: each for key, each in shown.items() if each is not None}


def show_secret(at: session.Session, parsed: flags.Parsed) -> None:
    """Print what is known of a secret; its content is never shown.

    Raises:
        errors.JujuError: There is none of that name.
    """
    secret = at.rehearsal.secrets.named(parsed.arguments[0])
    shown = {
        secret.id.removeprefix('secret:'): {
            'revision': secret.latest,
            'owner': '<model>',
            'name': secret.label,
            **({'description': secret.description} if secret.description else {}),
        }
    }
    if actions.output_format(parsed, ('yaml', 'json')) == 'json':
        at.say(json.dumps(shown))
    else:
        at.say_yaml(shown)
