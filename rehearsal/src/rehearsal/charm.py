# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Charms from their source folders: the metadata, and the class that Juju would run."""

from __future__ import annotations

import importlib.util
import inspect
import pathlib
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any

import ops
import yaml

from . import errors, model


def read_metadata(root: pathlib.Path) -> Mapping[str, Any]:
    """Read the folder's ``charmcraft.yaml``.

    Raises:
        errors.InputError: if there is none, or it is no charm's.
    """
    path = root / 'charmcraft.yaml'
    try:
        metadata: Any = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise errors.InputError(f'cannot read {path}: {error.strerror}') from None
    except ValueError:
        raise errors.InputError(f'cannot read {path}: not text in UTF-8') from None
    except yaml.YAMLError as error:
        raise errors.InputError(f'{path} is not YAML: {_one_line(error)}') from None
    if not isinstance(metadata, dict) or not isinstance(_name(metadata), str):
        raise errors.InputError(f'{path} has no "name": it does not describe a charm')
    return typing.cast('dict[str, Any]', metadata)


def _name(metadata: Any) -> object:
    return metadata.get('name')


def load(root: pathlib.Path) -> model.Charm:
    """Load a charm: its metadata, and its class from ``src/charm.py``.

    The module is loaded under a name of its own, so that every charm's ``charm.py`` fits into one
    process. Its folder goes onto ``sys.path``, as it does in a pod, so the modules beside it must
    have names that no other charm uses.

    Raises:
        errors.InputError: if the folder holds no charm, or its code cannot be loaded.
    """
    root = root.resolve()
    metadata = read_metadata(root)
    module = _import(metadata['name'], root / 'src' / 'charm.py')
    return model.Charm(metadata['name'], root, metadata, _charm_class(module))


def _import(name: str, path: pathlib.Path) -> types.ModuleType:
    qualified = f'_rehearsed_{name.replace("-", "_")}'
    loaded = sys.modules.get(qualified)
    if loaded is not None and loaded.__file__ == str(path):
        return loaded
    if not path.is_file():
        raise errors.InputError(f'{path} is missing: a charm is loaded from its source folder')
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    return _execute(qualified, path)


def _execute(qualified: str, path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(qualified, path)
    if spec is None or spec.loader is None:
        raise errors.InputError(f'cannot load {path}: Python takes it for no module')
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError) as error:
        del sys.modules[qualified]
        raise errors.InputError(f'cannot load {path}: {_one_line(error)}') from error
    return module


def _charm_class(module: types.ModuleType) -> type[ops.CharmBase]:
    found = [
        each
        for each in vars(module).values()
        if inspect.isclass(each)
        and issubclass(each, ops.CharmBase)
        and each.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise errors.InputError(
            f'{module.__file__} defines {len(found)} charm classes: one is needed'
        )
    return found[0]


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split())
