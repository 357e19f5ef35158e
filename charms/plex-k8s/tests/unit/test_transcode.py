# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from conftest import Unit


def with_folder(unit: Unit) -> Unit:
    unit.configure(transcode_size='20Gi')
    unit.roll()
    unit.settle()
    return unit


def test_there_is_no_folder_by_default(running: Unit):
    assert 'charmarr-scratch' not in running.volumes
    assert running.plex.preference('TranscoderTempDirectory') == ''


def test_mounts_a_folder_on_disk_with_a_limit(running: Unit):
    running.configure(transcode_size='20Gi')
    assert running.volumes['charmarr-scratch']['emptyDir'] == {'sizeLimit': '20Gi'}
    mounts = running.container_spec['volumeMounts']
    assert {'name': 'charmarr-scratch', 'mountPath': '/transcode'} in mounts


def test_plex_transcodes_into_it(running: Unit):
    with_folder(running)
    assert running.plex.preference('TranscoderTempDirectory') == '/transcode'


def test_a_folder_that_the_user_has_set_stays(running: Unit):
    running.plex.prefer('TranscoderTempDirectory', '/fast')
    with_folder(running)
    assert running.plex.preference('TranscoderTempDirectory') == '/fast'


def test_a_folder_that_the_user_sets_later_stays(running: Unit):
    with_folder(running)
    running.plex.prefer('transcodertempdirectory', '/fast')
    running.run()
    running.roll()
    running.settle()
    assert running.plex.preference('TranscoderTempDirectory') == '/fast'


def test_switching_it_off_leaves_no_trace(running: Unit):
    before = running.statefulset['spec']
    with_folder(running)
    running.configure(transcode_size='')
    running.roll()
    running.settle()
    assert running.statefulset['spec'] == before
    assert running.plex.preference('TranscoderTempDirectory') == ''


def test_another_size_is_one_rollout(running: Unit):
    with_folder(running)
    before = running.generation
    running.configure(transcode_size='30Gi')
    assert running.generation == before + 1
    assert running.volumes['charmarr-scratch']['emptyDir'] == {'sizeLimit': '30Gi'}


def test_the_same_size_in_other_words_is_none(running: Unit):
    running.configure(transcode_size='1Gi')
    running.roll()
    running.settle()
    before = running.generation
    running.configure(transcode_size='1024Mi')
    assert running.generation == before


def test_all_three_wishes_are_one_rollout(unit: Unit):
    unit.configure(transcode_size='20Gi', hardware_transcoding=True)
    unit.relate_storage()
    unit.settle()
    assert unit.generation == 2
    assert sorted(unit.volumes) == ['charmarr-device', 'charmarr-scratch', 'charmarr-shared']
