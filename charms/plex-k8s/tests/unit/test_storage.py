# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import dataclasses
import typing

import httpx2
import pytest
from ops import testing

from charmarr_lib import interfaces
from charmarr_lib.testing.kubernetes import Fault

if typing.TYPE_CHECKING:
    from conftest import Unit

SHARED = {'name': 'charmarr-shared', 'mountPath': '/data'}


def volume(
    pvc_name: str = 'charmarr-storage-shared', **changes: typing.Any
) -> interfaces.MediaStorageProviderData:
    return interfaces.MediaStorageProviderData(pvc_name=pvc_name, **changes)


def test_asks_for_storage_with_the_command_that_gives_it(unit: Unit):
    unit.run()
    assert unit.status == ('blocked: needs storage; run: juju relate plex charmarr-storage')
    assert unit.kube.writes() == []


def test_mounts_the_shared_volume_in_one_rollout(unit: Unit):
    unit.relate_storage()
    unit.run()
    assert unit.generation == 2
    assert SHARED in unit.container_spec['volumeMounts']
    assert unit.volumes['charmarr-shared']['persistentVolumeClaim'] == {
        'claimName': 'charmarr-storage-shared'
    }
    assert unit.status == 'waiting: waiting for the pod to be replaced'
    assert unit.pod.running() == []


def test_mounts_where_the_provider_says(unit: Unit):
    unit.relate_storage(volume(mount_path='/media'))
    unit.settle()
    assert unit.status.startswith('active')
    assert '/media' in unit.act('show-info')['mounts'].split()


def test_waits_until_this_very_pod_has_the_volume(unit: Unit):
    unit.relate_storage()
    unit.run()
    unit.run()  # the template names the volume, the pod is still the old one
    assert unit.status == 'waiting: waiting for /data to be mounted'
    assert unit.pod.running() == []
    unit.roll()
    unit.run()
    assert unit.pod.running() == ['plex']


def test_waits_for_its_own_volume(unit: Unit):
    unit.relate_storage()
    unit.run()
    unit.lost = {'/config'}
    unit.roll()
    unit.run()
    assert unit.status == 'waiting: waiting for /config to be mounted'
    assert unit.pod.running() == []


def test_tells_the_provider_who_mounts(unit: Unit):
    unit.relate_storage()
    unit.run()
    assert unit.published('media-storage') == '{"instance_name":"plex"}'


def test_tells_the_provider_before_anything_else_is_there(unit: Unit):
    unit.relate_storage(None)
    unit.run(connected=False)
    assert unit.published('media-storage') == '{"instance_name":"plex"}'


def test_runs_as_the_owner_of_the_media(unit: Unit):
    unit.relate_storage(volume(puid=1234, pgid=4321))
    unit.settle()
    assert unit.plex.launched is not None
    assert (unit.plex.launched.user_id, unit.plex.launched.group_id) == (1234, 4321)
    assert unit.plex.launched.groups == (4321,)
    assert unit.pod.files.owner('/config') == (1234, 4321)


def test_restarts_as_another_owner(running: Unit):
    running.relate_storage(volume(puid=2000, pgid=2000))
    running.run()
    assert running.plex.running
    assert running.plex.launched is not None
    assert running.plex.launched.user_id == 2000
    assert running.pod.files.owner('/config/Library') == (2000, 2000)


def test_looks_only_at_the_top_of_its_folder(running: Unit):
    commands = len(running.pod.executed)
    assert commands > 0
    running.run()
    running.roll()
    running.run()
    assert running.pod.executed == []


def test_releases_the_volume_when_storage_is_removed(running: Unit):
    before = running.generation
    running.break_relation('media-storage')
    assert running.pod.running() == []
    assert running.volumes == {}
    assert SHARED not in running.container_spec['volumeMounts']
    assert running.generation == before + 1
    running.roll()
    running.run()
    assert running.status == ('blocked: needs storage; run: juju relate plex charmarr-storage')


def test_stops_plex_before_it_lets_go_of_the_volume(running: Unit):
    seen: list[bool] = []

    def watch(request: httpx2.Request) -> None:
        if request.method == 'PATCH' and 'dryRun' not in request.url.params:
            seen.append(running.plex.running)

    running.on_request = watch
    running.break_relation('media-storage')
    assert seen == [False]


def test_closes_its_port(running: Unit):
    running.break_relation('media-storage')
    assert running.state.opened_ports == frozenset()
    running.roll()
    running.relate_storage()
    running.settle()
    assert running.state.opened_ports == {testing.TCPPort(32400)}


def test_releases_nothing_before_it_knows_its_relations(running: Unit):
    before = running.generation
    relations = running.state.relations
    running.state = dataclasses.replace(running.state, relations={running.relate_seerr()})
    on = running.context.on
    running.run(on.install())
    running.run(on.relation_created(running.relation('media-server')))
    # Its pod is replaced before it was told of the storage.
    for event in (on.upgrade_charm(), on.config_changed(), on.start()):
        running.run(event)
    assert running.generation == before
    running.state = dataclasses.replace(running.state, relations=relations)
    running.run(on.config_changed())
    assert running.generation == before


def test_what_could_not_be_released_at_once_is_by_update_status(running: Unit):
    storage = running.relation('media-storage')
    relations = running.state.relations - {storage}
    running.state = dataclasses.replace(running.state, relations=relations)
    before = running.generation
    running.run(running.context.on.update_status())
    assert running.generation == before + 1


def test_deletes_no_claim(running: Unit):
    running.break_relation('media-storage')
    assert running.kube.get('PersistentVolumeClaim', 'charmarr-storage-shared', 'media')


def test_comes_back_when_storage_is_related_again(running: Unit):
    machine = running.act('show-info')['machine-identifier']
    running.break_relation('media-storage')
    running.roll()
    running.relate_storage()
    running.settle()
    assert running.act('show-info')['machine-identifier'] == machine


def test_leaves_the_pod_alone_while_the_application_is_removed(running: Unit):
    running.scale(0, leader=True)
    before = running.generation
    running.break_relation('media-storage')
    assert running.pod.running() == []
    assert running.generation == before
    assert running.status == 'waiting: going away, or scaled to zero'


def test_names_a_claim_that_is_not_there(unit: Unit):
    unit.relate_storage(volume(pvc_name='nowhere'))
    unit.run()
    assert unit.status == (
        'blocked: cannot mount the shared volume: claim nowhere does not exist in namespace media'
    )
    assert unit.generation == 1


def test_keeps_its_volume_while_another_is_not_there(running: Unit):
    before = running.generation
    running.relate_storage(volume(pvc_name='nowhere'))
    running.run()
    assert running.generation == before
    assert running.pod.running() == ['plex']
    assert 'claim nowhere does not exist' in running.status


def test_waits_with_the_gpu_for_a_claim_that_is_not_there(unit: Unit):
    unit.configure(hardware_transcoding=True)
    unit.relate_storage(volume(pvc_name='late'))
    unit.run()
    assert unit.generation == 1
    unit.add_claim('late')
    unit.settle()
    assert unit.generation == 2
    assert sorted(unit.volumes) == ['charmarr-device', 'charmarr-shared']


def test_follows_another_claim(running: Unit):
    running.add_claim('other')
    running.relate_storage(volume(pvc_name='other'))
    running.settle()
    assert running.volumes['charmarr-shared']['persistentVolumeClaim']['claimName'] == 'other'
    assert running.status.startswith('active')


@pytest.mark.parametrize(
    ('path', 'hidden'),
    [
        ('/config', '/config'),
        ('/transcode', '/transcode'),
        ('/dev', '/dev/dri'),
        ('/usr', '/usr/lib/plexmediaserver'),
        ('/charm', '/charm'),
        ('/run', '/run/plex-temp'),
    ],
)
def test_refuses_to_be_hidden_by_the_volume(unit: Unit, path: str, hidden: str):
    unit.relate_storage(volume(mount_path=path))
    unit.run()
    assert unit.status == (
        f'blocked: the storage wants to be mounted at {path}, which would hide {hidden}; '
        'change its mount-path, such as to /data'
    )
    assert unit.kube.writes() == []


@pytest.mark.parametrize(
    ('text', 'field'),
    [
        ('{', 'config'),
        ('[]', 'config'),
        ('{}', 'pvc_name'),
        ('{"pvc_name": "UPPER"}', 'pvc_name'),
        ('{"pvc_name": "a", "mount_path": "data"}', 'mount_path'),
        ('{"pvc_name": "a", "mount_path": "/../etc"}', 'mount_path'),
        ('{"pvc_name": "a", "puid": "many"}', 'puid'),
        ('{"pvc_name": "a", "pgid": -1}', 'pgid'),
    ],
)
def test_names_what_the_storage_got_wrong_and_keeps_running(running: Unit, text: str, field: str):
    before = running.generation
    running.relate_storage(text)
    running.run()
    assert running.status.startswith('waiting')
    assert f'charmarr-storage published malformed data: {field}:' in (running.status)
    assert running.plex.running
    assert running.generation == before
    assert running.published('media-server')


def test_keeps_running_while_the_storage_says_nothing(running: Unit):
    before = running.generation
    running.relate_storage(None)
    running.run()
    assert running.status == ('waiting: waiting for charmarr-storage to publish its volume')
    assert running.plex.running
    assert running.generation == before


def test_reads_what_an_older_peer_publishes(unit: Unit):
    unit.relate_storage('{"pvc_name": "charmarr-storage-shared", "backend": "nfs"}')
    unit.settle()
    assert unit.plex.launched is not None
    assert unit.plex.launched.user_id == 1000


def test_says_how_to_get_trust(unit: Unit):
    unit.kube.authorise = lambda user, verb, kind, namespace: kind != 'StatefulSet'
    unit.relate_storage()
    unit.run()
    assert unit.status.startswith('blocked')
    assert 'run: juju trust plex --scope=cluster' in unit.status


def test_goes_on_once_trusted(unit: Unit):
    unit.kube.authorise = lambda user, verb, kind, namespace: False
    unit.relate_storage()
    unit.run()
    unit.kube.authorise = lambda user, verb, kind, namespace: True
    unit.settle()
    assert unit.status.startswith('active')


def test_brings_plex_back_when_the_pod_could_not_be_changed(running: Unit):
    running.configure()
    starts = running.pod.starts('plex')
    running.kube.fail(Fault.refused(), nth=2, verb='patch')
    running.configure(transcode_size='20Gi')
    assert running.pod.running() == ['plex']
    assert running.pod.starts('plex') == starts + 1
    assert running.status.startswith('waiting')


def test_does_not_stop_plex_for_a_change_that_is_refused(running: Unit):
    starts = running.pod.starts('plex')
    running.kube.fail(Fault.status(422, 'no'), verb='patch', times=0)
    running.configure(transcode_size='20Gi')
    assert running.status.startswith('blocked')
    assert running.pod.starts('plex') == starts
    assert running.pod.running() == ['plex']


def test_names_a_volume_that_cannot_be_written(unit: Unit):
    unit.read_only = {'/config'}
    unit.relate_storage()
    unit.run()
    unit.roll()
    unit.run()
    assert unit.status == (
        'blocked: cannot change the owner of /config; check the storage "config"'
    )
