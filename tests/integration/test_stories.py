# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The stories on a real Juju, once for each version; ``tests/rehearsal`` tells the same ones."""

import pytest

from ..stories import suite


@pytest.fixture
def revisions(request, charms):
    """Skip what needs an earlier revision of the charms where there is none."""
    story = request.getfixturevalue('story')
    missing = sorted(name for name, each in charms.items() if not each.previous)
    if story is suite.a_refresh_keeps_everything_active and missing:
        variable = missing[0].upper().replace('-', '_')
        pytest.skip(f'no earlier revision of {missing[0]}: set CHARM_PATH_PREVIOUS_{variable}')


@pytest.mark.parametrize('story', suite.STORIES, ids=lambda story: story.__name__)
def test_a_story_is_true_on_juju(story, storyteller, revisions):
    story(storyteller)
