# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The ``key=value`` arguments of Juju's commands.

A value may be a password. No message here repeats one; at most a key is named.
"""

from __future__ import annotations

import base64
import pathlib
import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from . import errors, located

_KEY = re.compile(r'[a-zA-Z0-9][-_a-zA-Z0-9]*')
_SECRET_KEY = re.compile(r'[a-z](?:-?[a-z0-9]){2,}')


def pairs(arguments: Iterable[str], what: str = 'key=value') -> dict[str, str]:
    """Split arguments at their first ``=``.

    Raises:
        errors.InputError: One has none, or no key before it.
    """
    found: dict[str, str] = {}
    for position, argument in enumerate(arguments, start=1):
        key, equals, value = argument.partition('=')
        if not equals or not key:
            raise errors.InputError(f'expected "{what}", but argument {position} is not')
        found[key] = value
    return found


def read_text(folder: pathlib.Path, name: str) -> str:
    """Read the file that an argument such as ``option=@file`` names.

    Raises:
        errors.JujuError: It cannot be read as text.
    """
    try:
        return (folder / name).read_text(encoding='utf-8')
    except OSError as exc:
        raise errors.JujuError(f'cannot read "{name}": {exc.strerror}') from None
    except ValueError:
        raise errors.JujuError(f'cannot read "{name}": not text in UTF-8') from None


def with_files(values: Mapping[str, str], folder: pathlib.Path) -> dict[str, str]:
    """Replace each value that begins with ``@`` by the content of the file it names."""
    return {
        key: read_text(folder, value[1:]) if value.startswith('@') else value
        for key, value in values.items()
    }


def option_file(folder: pathlib.Path, name: str, application: str) -> dict[str, Any]:
    """Read options from a YAML file, below the application's name or at the top.

    Raises:
        errors.InputError: It cannot be read, or holds no options of this application.
    """
    documents = located.read(folder / name, name)
    data: object = documents[0].data if documents else None
    top = _mapping(data)
    below: object = top.get(application, top)
    for key, value in _mapping(below).items():
        if not isinstance(value, str | int | float | bool):
            raise errors.InputError(f'{name}: option "{key}" is neither text, number nor boolean')
    if not isinstance(below, dict):
        raise errors.InputError(f'{name}: no options of application "{application}"')
    return _mapping(typing.cast('object', below))


def _mapping(value: object) -> dict[str, Any]:
    return typing.cast('dict[str, Any]', value) if isinstance(value, dict) else {}


def params(arguments: Iterable[str], *, as_text: bool = False) -> dict[str, Any]:
    """Read the parameters of an action: ``key.key...=value``, a value being YAML.

    Args:
        arguments: As typed.
        as_text: Take values as they are (``--string-args``).

    Raises:
        errors.InputError: An argument has another form, or a value is not YAML.
    """
    found: dict[str, Any] = {}
    for argument in arguments:
        path, equals, text = argument.partition('=')
        keys = path.split('.')
        if not equals or not all(_KEY.fullmatch(key) for key in keys):
            shown = path if equals else '...'
            raise errors.InputError(f'argument "{shown}" must be of the form key.key.key...=value')
        _put(found, keys, text if as_text else _yaml(path, text))
    return found


def _put(found: dict[str, Any], keys: list[str], value: object) -> None:
    inner = found
    for key in keys[:-1]:
        below: object = inner.setdefault(key, {})
        if not isinstance(below, dict):
            raise errors.InputError(f'argument "{".".join(keys)}": "{key}" has a value already')
        inner = typing.cast('dict[str, Any]', below)
    inner[keys[-1]] = value


def _yaml(path: str, text: str) -> Any:
    try:
        documents = located.parse(text, path)
    except errors.InputError:
        raise errors.InputError(f'argument "{path}": the value is not YAML') from None
    return documents[0].data if documents else None


def secret(arguments: Iterable[str], folder: pathlib.Path) -> dict[str, str]:
    """Read a secret's content: ``key=value``, ``key#base64=...`` or ``key#file=...``.

    Raises:
        errors.InputError: There is none, a key is not allowed, or a value cannot be decoded.
        errors.JujuError: A file cannot be read.
    """
    content: dict[str, str] = {}
    for written, value in pairs(arguments).items():
        key, _, form = written.partition('#')
        if not _SECRET_KEY.fullmatch(key):
            raise errors.InputError(
                f'secret key "{key}" not valid: at least three letters, digits or dashes, '
                'in lower case'
            )
        content[key] = _decoded(key, form, value, folder)
    return content


def _decoded(key: str, form: str, value: str, folder: pathlib.Path) -> str:
    if form == 'file':
        return read_text(folder, value)
    if form == 'base64':
        try:
            return base64.b64decode(value, validate=True).decode()
        except ValueError:
            raise errors.InputError(f'secret key "{key}": the value is not base64') from None
    if form:
        raise errors.InputError(f'secret key "{key}": "#{form}" is neither #base64 nor #file')
    return value


def secret_file(folder: pathlib.Path, name: str) -> dict[str, str]:
    """Read a secret's content from a YAML file of keys and texts.

    Raises:
        errors.InputError: It cannot be read or is no such file.
    """
    try:
        data: object = yaml.safe_load(read_text(folder, name))
    except yaml.YAMLError:
        raise errors.InputError(f'{name}: not YAML') from None
    content = _mapping(data)
    if not content or not all(isinstance(value, str) for value in content.values()):
        raise errors.InputError(f'{name}: a secret is a mapping of keys to texts')
    return secret((f'{key}={value}' for key, value in content.items()), folder)
