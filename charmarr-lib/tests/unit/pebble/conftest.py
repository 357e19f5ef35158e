# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A charm that lets a test work on its container, in front of the Pebble model."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import ops
import pytest
from ops import testing

from charmarr_lib.testing.pebble import PebbleFake, use_pebble

META = {'name': 'sample', 'containers': {'plex': {}}}


class Sample(ops.CharmBase):
    act: ClassVar[Callable[[ops.Container], Any]]
    result: ClassVar[Any] = None

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.update_status, self._act)

    def _act(self, _: ops.EventBase):
        Sample.result = Sample.act(self.unit.get_container('plex'))


@dataclasses.dataclass
class Pod:
    """One boot of the container; ``run`` is one dispatch."""

    fake: PebbleFake
    context: testing.Context[Sample]

    def run(self, act: Callable[[ops.Container], Any]) -> Any:
        Sample.act = staticmethod(act)
        container = testing.Container('plex', can_connect=True)
        with use_pebble({'plex': self.fake}):
            self.context.run(
                self.context.on.update_status(), testing.State(containers={container})
            )
        return Sample.result


@pytest.fixture
def volume(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / 'config'
    folder.mkdir()
    return folder


@pytest.fixture
def pod(volume: pathlib.Path) -> Iterator[Pod]:
    with (
        PebbleFake(None, mounts={'/config': volume}) as fake,
        testing.Context(Sample, meta=META) as context,
    ):
        yield Pod(fake, context)
