# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""YAML that remembers which line each value came from."""

from __future__ import annotations

import dataclasses
import pathlib
import typing
from collections.abc import Iterator

import yaml

from . import errors

Path = tuple[str | int, ...]
"""The keys and list positions that lead to a value from the top of a document."""

LIMIT = 100_000
"""Most values one file may hold. Aliases can make a short file stand for billions."""

MERGE = 'tag:yaml.org,2002:merge'
"""The tag of the key ``<<``."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f'{self.file}:{self.line}'


@dataclasses.dataclass
class Located:
    """One YAML document.

    Attributes:
        data: The document as dicts, lists and scalars.
        places: Where each value was written; the empty path is the document itself.
    """

    data: typing.Any
    places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Return where a value, or else the nearest one around it, was written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path]


def read(file: pathlib.Path, name: str | None = None) -> list[Located]:
    """Read the documents of a YAML file, without empty ones.

    Args:
        file: Where it is.
        name: How messages call it; by default as ``file`` is written.

    Raises:
        errors.InputError: The file cannot be read, or is not YAML of mappings, lists and scalars.
    """
    name = name or str(file)
    try:
        text = file.read_text(encoding='utf-8')
    except FileNotFoundError:
        raise errors.InputError(f'{name}: no such file') from None
    except UnicodeDecodeError:
        raise errors.InputError(f'{name}: not a text file in UTF-8') from None
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else 'not a file name'
        raise errors.InputError(f'{name}: cannot be read: {reason}') from None
    return parse(text, name)


def parse(text: str, name: str) -> list[Located]:
    """Parse the documents of a YAML text, without empty ones.

    Raises:
        errors.InputError: The text is not YAML of mappings, lists and scalars.
    """
    try:
        loader = yaml.SafeLoader(text)
        documents = [_Builder(loader, name).document(node) for node in _nodes(loader)]
    except RecursionError:
        raise errors.InputError(f'{name}: nested too deeply') from None
    except yaml.MarkedYAMLError as exc:
        raise errors.InputError(f'{_where(exc, name)}: {_problem(exc)}') from None
    except yaml.YAMLError as exc:
        # Only the reader's own error has no mark: a character YAML does not allow.
        raise errors.InputError(f'{name}: {str(exc).splitlines()[0]}') from None
    return [document for document in documents if document.data is not None]


def _nodes(loader: yaml.SafeLoader) -> Iterator[yaml.Node]:
    while loader.check_node():
        node = loader.get_node()
        if node is not None:
            yield node


def _where(exc: yaml.MarkedYAMLError, name: str) -> str:
    mark = exc.problem_mark or exc.context_mark
    return name if mark is None else f'{name}:{mark.line + 1}'


def _problem(exc: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (exc.context, exc.problem) if part]
    return 'not YAML: ' + ' '.join(', '.join(parts).split())


class _Builder:
    """Turns nodes into data and notes the line of each."""

    def __init__(self, loader: yaml.SafeLoader, name: str) -> None:
        self._loader = loader
        self._name = name
        self._places: dict[Path, Place] = {}
        self._around: list[yaml.Node] = []

    def document(self, node: yaml.Node) -> Located:
        return Located(self._build(node, (), node), self._places)

    def _build(self, node: yaml.Node, path: Path, written: yaml.Node) -> typing.Any:
        place = Place(self._name, written.start_mark.line + 1)
        self._places[path] = place
        if len(self._places) > LIMIT:
            raise errors.InputError(f'{self._name}: holds more than {LIMIT} values')
        if any(node is outer for outer in self._around):
            raise errors.InputError(f'{place}: an alias that contains itself')
        self._around.append(node)
        data = self._value(node, path, place)
        self._around.pop()
        return data

    def _value(self, node: yaml.Node, path: Path, place: Place) -> typing.Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, (*path, i), item) for i, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, typing.Any]:
        data: dict[str, typing.Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                self._merge(data, self._build(value_node, path, key_node), key_node)
        own: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                continue
            place = Place(self._name, key_node.start_mark.line + 1)
            key = self._key(key_node, place)
            if key in own:
                raise errors.InputError(f'{place}: key "{key}" is given twice')
            own.add(key)
            data[key] = self._build(value_node, (*path, key), key_node)
        return data

    def _merge(self, data: dict[str, typing.Any], merged: object, node: yaml.Node) -> None:
        """Take over what ``<<`` brings; the first of several mappings wins."""
        mappings = typing.cast('list[object]', merged) if isinstance(merged, list) else [merged]
        for mapping in mappings:
            if not isinstance(mapping, dict):
                place = Place(self._name, node.start_mark.line + 1)
                raise errors.InputError(f'{place}: "<<" takes a mapping')
            for key, value in typing.cast('dict[str, typing.Any]', mapping).items():
                data.setdefault(key, value)

    def _key(self, node: yaml.Node, place: Place) -> str:
        key = self._scalar(node, place) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise errors.InputError(f'{place}: a key must be text; put it in quotes')
        return key

    def _scalar(self, node: yaml.Node, place: Place) -> typing.Any:
        try:
            # The stubs of PyYAML leave the parameter without a type.
            return self._loader.construct_object(node)  # pyright: ignore[reportUnknownMemberType]
        except (ValueError, LookupError, ArithmeticError, AttributeError):
            # PyYAML passes on whatever breaks when a scalar only looks like a number or a date
            # ("2024-99-99"), or is tagged as what it is not ("!!bool maybe", "!!int ''").
            kind = node.tag.rpartition(':')[2]
            raise errors.InputError(f'{place}: not a valid {kind}') from None
