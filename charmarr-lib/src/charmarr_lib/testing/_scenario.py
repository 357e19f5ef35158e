# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Where the model of Pebble is plugged into ``ops.testing``.

``ops.testing`` has no public seam for this, so the private class that it makes its Pebble client
from is replaced here, and nowhere else. Written for ops-scenario 8.9, which the requirements lock;
``tests/unit/testing_pebble/test_seam.py`` fails when a newer one no longer fits.
"""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable, Generator
from typing import Any

import scenario.mocking
from ops import testing

from ._pebble_client import PebbleClient, SurroundedClient

if typing.TYPE_CHECKING:
    import pathlib

    from .pebble import PebbleFake, Surround

_CLASS = '_MockPebbleClient'

Find = Callable[[str, str], 'PebbleFake | None']


@contextlib.contextmanager
def replaced(find: Find, surround: Surround | None = None) -> Generator[None]:
    """Make clients of the containers that ``find`` knows by unit and name.

    Args:
        find: Finds a container.
        surround: Surrounds each call of such a client.
    """
    original: Callable[..., Any] = getattr(scenario.mocking, _CLASS)

    def make(
        *, container_root: pathlib.Path, context: testing.Context[Any], **rest: Any
    ) -> object:
        fake = find(f'{context.app_name}/{context.unit_id}', rest['container_name'])
        if fake is None:
            return original(container_root=container_root, context=context, **rest)
        if rest['mounts']:
            raise AssertionError('give the mounts to PebbleFake, not to the Container')
        _show_files(container_root, fake)
        client = PebbleClient(fake, rest['container_name'], rest['state'])
        return SurroundedClient(client, fake, surround) if surround else client

    setattr(scenario.mocking, _CLASS, make)
    try:
        yield
    finally:
        setattr(scenario.mocking, _CLASS, original)


def _show_files(container_root: pathlib.Path, fake: PebbleFake) -> None:
    """Let ``Container.get_filesystem`` find the fake's files."""
    if container_root.is_symlink():
        container_root.unlink()
    if not container_root.exists():
        container_root.parent.mkdir(parents=True, exist_ok=True)
        container_root.symlink_to(fake.root)
