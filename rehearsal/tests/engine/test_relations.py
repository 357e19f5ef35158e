# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from typing import Any

import pytest

from rehearsal import engine, errors


def pair(rehearsal: engine.Rehearsal, units: int = 1):
    for name in ('first', 'second'):
        rehearsal.deploy('player', name, trust=True, units=units)
    relation = rehearsal.integrate('first:stage', 'second:tunes')
    rehearsal.settle()
    return relation


def steps(seen: list[Any], unit: str, word: str):
    return [
        (each.event, each.remote_unit, each.departing)
        for each in seen
        if each.unit == unit and word in each.event
    ]


def test_settings_reach_the_other_side(rehearsal: engine.Rehearsal, seen: list[Any]):
    relation = pair(rehearsal)
    assert relation.bag('first').content == {'mood': 'calm'}
    last = [each for each in seen if each.event == 'tunes_relation_changed'][-1]
    assert last.settings['first'] == {'mood': 'calm'}
    assert last.settings['first/0']['hooks'] == '5'
    assert last.settings['first/0']['ingress-address'] == rehearsal.applications['first'].address


def test_a_follower_may_not_read_its_own_applications_settings(
    rehearsal: engine.Rehearsal, seen: list[Any]
):
    pair(rehearsal, units=2)
    changed = {each.unit: each for each in seen if each.event == 'stage_relation_changed'}
    assert changed['first/0'].settings['first'] == {'mood': 'calm'}
    assert changed['first/1'].settings['first'] == 'denied'


def test_every_peer_reads_the_peer_applications_settings(
    rehearsal: engine.Rehearsal, seen: list[Any]
):
    rehearsal.deploy('player', trust=True, units=2)
    rehearsal.settle()
    changed = [each for each in seen if each.event == 'band_relation_changed']
    assert changed[-1].settings['player'] == {'mood': 'calm'}
    told = [each.unit for each in changed if each.remote_unit is None]
    assert told == ['player/1']  # the leader wrote it


def test_a_change_is_seen_in_the_hook_after_the_commit(
    rehearsal: engine.Rehearsal, seen: list[Any]
):
    pair(rehearsal)
    seen.clear()
    rehearsal.configure('first', {'mood': 'loud'})
    rehearsal.settle()
    order = [(each.unit, each.event) for each in seen[:2]]
    assert order == [('first/0', 'config_changed'), ('second/0', 'tunes_relation_changed')]
    assert seen[1].settings['first'] == {'mood': 'loud'}


def test_writing_the_same_value_again_tells_nobody(rehearsal: engine.Rehearsal, seen: list[Any]):
    relation = pair(rehearsal)
    version = relation.bag('first').version
    seen.clear()
    rehearsal.configure('first', {'volume': 5})
    rehearsal.settle()
    assert relation.bag('first').version == version
    assert not steps(seen, 'second/0', 'tunes')


def test_a_removed_relation_departs_then_breaks(rehearsal: engine.Rehearsal, seen: list[Any]):
    pair(rehearsal, units=2)
    seen.clear()
    rehearsal.remove_relation('first', 'second')
    rehearsal.settle()
    assert steps(seen, 'first/0', 'stage') == [
        ('stage_relation_departed', 'second/0', 'second/0'),
        ('stage_relation_departed', 'second/1', 'second/1'),
        ('stage_relation_broken', None, None),
    ]
    departed = next(each for each in seen if each.event == 'stage_relation_departed')
    assert departed.remote_units == ['second/1']
    assert departed.settings['second'] == {}
    assert all('stage' not in str(each.provider) for each in rehearsal.relations)


def test_a_broken_relation_has_no_units_and_shows_nothing(
    rehearsal: engine.Rehearsal, seen: list[Any]
):
    pair(rehearsal)
    seen.clear()
    rehearsal.remove_relation('first:stage', 'second:tunes')
    rehearsal.settle()
    broken = next(each for each in seen if each.event == 'tunes_relation_broken')
    assert (broken.remote_units, broken.relation.active) == ([], False)
    assert broken.settings.get('first', {}) == {}


def test_a_relation_may_break_without_anybody_having_joined(
    rehearsal: engine.Rehearsal, seen: list[Any]
):
    rehearsal.deploy('player', 'first', trust=True)
    rehearsal.deploy('player', 'second', trust=True, units=0)
    rehearsal.integrate('first:stage', 'second:tunes')
    rehearsal.settle()
    rehearsal.remove_relation('first', 'second')
    rehearsal.settle()
    assert [each for each, *_ in steps(seen, 'first/0', 'stage')] == [
        'stage_relation_created',
        'stage_relation_broken',
    ]


@pytest.mark.parametrize(
    ('first', 'second', 'message'),
    [
        pytest.param('player', 'nobody', 'application "nobody" not found', id='application'),
        pytest.param('player:x', 'shelf', 'application "player" has no "x" relation', id='end'),
        pytest.param('shelf', 'shelf', 'no relations found', id='none'),
        pytest.param('player:tunes', 'shelf', 'no relations found', id='interface'),
        pytest.param(
            'player',
            'other',
            'ambiguous relation: "player other" could refer to '
            '"other:tunes player:stage"; "player:tunes other:stage"',
            id='ambiguous',
        ),
    ],
)
def test_juju_refuses_a_relation_in_its_own_words(
    rehearsal: engine.Rehearsal, first: str, second: str, message: str
):
    rehearsal.deploy('shelf')
    rehearsal.deploy('player')
    rehearsal.deploy('player', 'other')
    with pytest.raises(errors.JujuError) as raised:
        rehearsal.integrate(first, second)
    assert str(raised.value) == message


def test_a_relation_is_made_once_and_within_its_limit(rehearsal: engine.Rehearsal):
    rehearsal.deploy('shelf')
    rehearsal.deploy('shelf', 'attic')
    rehearsal.deploy('player')
    rehearsal.integrate('player', 'shelf')
    with pytest.raises(errors.JujuError, match=r'relation player:store shelf:store \(already'):
        rehearsal.integrate('shelf', 'player')
    with pytest.raises(errors.JujuError, match='player:store would exceed its maximum'):
        rehearsal.integrate('attic', 'player')


def test_removing_what_is_not_there_is_refused(rehearsal: engine.Rehearsal):
    rehearsal.deploy('shelf')
    rehearsal.deploy('player')
    with pytest.raises(errors.JujuError, match='relation matching "player shelf" not found'):
        rehearsal.remove_relation('player', 'shelf')
