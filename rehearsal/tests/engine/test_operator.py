# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib
from typing import Any

import pytest

from rehearsal import catalogue, engine, errors, options


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'nope': '1'}, 'parsing settings for application: unknown option "nope"'),
        ({'volume': 'abc'}, 'option "volume" expected int, got "abc"'),
        ({'volume': True}, 'option "volume" expected int, got True'),
        ({'volume': 1.5}, 'option "volume" expected int, got 1.5'),
        ({'mood': 3}, 'option "mood" expected string, got 3'),
        ({'token': 'hunter2'}, 'option "token" expected secret'),
        ({'trust': 'maybe'}, 'option "trust" expected boolean, got "maybe"'),
    ],
)
def test_juju_refuses_a_setting_in_its_own_words(
    rehearsal: engine.Rehearsal, settings: dict[str, Any], message: str
):
    rehearsal.deploy('player')
    with pytest.raises(errors.JujuError) as raised:
        rehearsal.configure('player', settings)
    assert str(raised.value) == message
    assert rehearsal.applications['player'].config == {}


@pytest.mark.parametrize(('text', 'value'), [('7', 7), (7, 7), (7.0, 7), ('-3', -3)])
def test_numbers_come_as_text_too(rehearsal: engine.Rehearsal, text: Any, value: int):
    assert options.parse(rehearsal.catalogue.charm('player'), {'volume': text}) == {
        'volume': value
    }


@pytest.mark.parametrize(
    ('arguments', 'keywords', 'message'),
    [
        (('nope',), {}, "charm or bundle not found for charm 'nope'"),
        (('player', 'No Name'), {}, 'invalid application name "No Name"'),
        (('player', 'player-1'), {}, 'invalid application name "player-1"'),
        (('player',), {'units': -1}, 'scale must be a positive integer'),
        (('player',), {'config': {'volume': 'x'}}, 'option "volume" expected int, got "x"'),
        (('player',), {'resources': {'x': 'y'}}, 'unrecognized resource "x"'),
        (('player',), {'storage': {'x': '1G'}}, 'charm "player" has no store called "x"'),
        (('shelf',), {}, 'cannot add application "shelf": application already exists'),
    ],
)
def test_juju_refuses_a_deployment_in_its_own_words(
    rehearsal: engine.Rehearsal, arguments: tuple[Any, ...], keywords: dict[str, Any], message: str
):
    rehearsal.deploy('shelf')
    with pytest.raises(errors.JujuError) as raised:
        rehearsal.deploy(*arguments, **keywords)
    assert str(raised.value) == message
    assert list(rehearsal.applications) == ['shelf']


@pytest.mark.parametrize('verb', ['configure', 'trust', 'scale', 'refresh', 'remove_application'])
def test_an_unknown_application_is_named(rehearsal: engine.Rehearsal, verb: str):
    arguments = {'configure': ({},), 'scale': (1,)}.get(verb, ())
    with pytest.raises(errors.JujuError, match='application "nobody" not found'):
        getattr(rehearsal, verb)('nobody', *arguments)


def test_storage_and_images_are_as_deployed(rehearsal: engine.Rehearsal, found: Any):
    rehearsal.deploy(
        'player',
        trust=True,
        storage={'config': 'fast,10G'},
        resources={'player-image': 'example.com/player@sha256:0'},
    )
    rehearsal.settle()
    stateful_set = found('StatefulSet', 'player')
    (template,) = stateful_set['spec']['volumeClaimTemplates']
    assert template['spec']['resources']['requests'] == {'storage': '10Gi'}
    assert stateful_set['spec']['template']['spec']['containers'][1]['image'].endswith('@sha256:0')
    assert rehearsal.applications['player'].status.name == 'active'


def test_a_charms_own_minimum_size_counts(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player')
    rehearsal.settle()
    (claim,) = rehearsal.cluster.list('PersistentVolumeClaim')
    assert claim['status']['capacity'] == {'storage': '2Gi'}


def test_resolving_a_healthy_unit_is_refused(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    with pytest.raises(errors.JujuError, match='not in an error state'):
        rehearsal.resolved('player/0')


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        pytest.param({}, 'cannot read', id='nothing'),
        pytest.param({'charmcraft.yaml': '['}, 'is not YAML', id='yaml'),
        pytest.param({'charmcraft.yaml': 'type: charm'}, 'has no "name"', id='name'),
        pytest.param({'charmcraft.yaml': 'name: a'}, 'is missing', id='code'),
        pytest.param(
            {'charmcraft.yaml': 'name: a', 'src/charm.py': 'import nowhere_to_be_found'},
            "No module named 'nowhere_to_be_found'",
            id='import',
        ),
        pytest.param(
            {'charmcraft.yaml': 'name: a', 'src/charm.py': 'x = 1'},
            'defines 0 charm classes',
            id='class',
        ),
    ],
)
def test_a_folder_that_is_no_charm_is_refused_in_one_line(
    tmp_path: pathlib.Path, files: dict[str, str], message: str
):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    charms = catalogue.Catalogue()
    with pytest.raises(errors.InputError, match=message) as raised:
        charms.charm(charms.add(tmp_path))
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize(
    ('image', 'repository'),
    [
        ('example.com:5000/a/b:1', 'example.com:5000/a/b'),
        ('example.com:5000/a/b', 'example.com:5000/a/b'),
        ('a@sha256:0', 'a'),
        ('a:1@sha256:0', 'a'),
    ],
)
def test_programs_are_found_by_repository(image: str, repository: str):
    assert catalogue.repository(image) == repository
