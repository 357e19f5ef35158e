# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The stories, rehearsed; ``tests/integration`` tells the same ones on a real Juju."""

import pathlib
from collections.abc import Iterator

import pytest

from rehearsal import catalogue, engine

from ..stories import rehearsed, suite

CHARMS = pathlib.Path(__file__).parents[2] / 'charms'


@pytest.fixture
def storyteller() -> Iterator[rehearsed.RehearsalOperator]:
    with engine.Rehearsal(catalogue.Catalogue(catalogue.in_folder(CHARMS))) as rehearsal:
        yield rehearsed.RehearsalOperator(rehearsal)


@pytest.mark.parametrize('story', suite.STORIES, ids=lambda story: story.__name__)
def test_a_story_is_true_in_the_rehearsal(story, storyteller):
    story(storyteller)
