# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from conftest import Unit

RENDER = {'/dev/dri/renderD128': 109, '/dev/dri/card0': 44}
INTEL = 'gpu.intel.com/i915'
UNCLAIMED = 'unclaimed; run: juju run plex/leader claim-server token=(from https://plex.tv/claim)'


def add_node(unit: Unit, **allocatable: str) -> None:
    unit.kube.add(
        {
            'apiVersion': 'v1',
            'kind': 'Node',
            'metadata': {'name': 'node-1'},
            'status': {'allocatable': {'cpu': '4', **allocatable}},
        }
    )


def test_is_off_by_default(running: Unit):
    assert list(running.volumes) == ['charmarr-shared']
    assert 'securityContext' not in running.container_spec or not running.container_spec[
        'securityContext'
    ].get('privileged')


def test_mounts_the_device_with_the_privilege_that_opens_it(running: Unit):
    running.gpu = RENDER
    running.configure(hardware_transcoding=True)
    assert running.volumes['charmarr-device']['hostPath'] == {
        'path': '/dev/dri',
        'type': 'DirectoryOrCreate',
    }
    assert running.container_spec['securityContext']['privileged'] is True


def test_plex_gets_the_groups_of_the_device(running: Unit):
    running.gpu = RENDER
    running.configure(hardware_transcoding=True)
    running.roll()
    running.settle()
    assert running.plex.launched is not None
    assert running.plex.launched.groups == (1000, 44, 109)
    assert running.act('show-info')['device'] == 'card0 renderD128'
    assert running.status == f'active: {UNCLAIMED}'


def test_takes_one_rollout_together_with_storage(unit: Unit):
    unit.gpu = RENDER
    unit.configure(hardware_transcoding=True)
    assert unit.generation == 1, 'there is nothing to transcode without storage'
    unit.relate_storage()
    unit.settle()
    assert unit.generation == 2
    assert unit.plex.launched is not None
    assert 109 in unit.plex.launched.groups


def test_stops_plex_cleanly_before_the_rollout(running: Unit):
    stopped_at: list[bool] = []
    running.on_request = lambda request: stopped_at.append(not running.plex.running)
    running.configure(hardware_transcoding=True)
    assert stopped_at[-1] is True
    assert running.status == 'waiting: waiting for the pod to be replaced'
    assert running.published('media-server'), 'a restart is no reason to withdraw'


def test_a_node_without_the_device_runs_plex_and_says_so(running: Unit):
    running.configure(hardware_transcoding=True)
    running.roll()
    running.settle()
    assert running.pod.running() == ['plex']
    assert running.status == (
        f'active: {UNCLAIMED}; hardware transcoding is on, but this node has no /dev/dri/renderD*'
    )


def test_a_display_without_a_render_node_is_no_gpu(running: Unit):
    running.gpu = {'/dev/dri/card0': 44}
    running.configure(hardware_transcoding=True)
    running.roll()
    running.settle()
    assert 'this node has no /dev/dri/renderD*' in running.status


def test_takes_the_device_from_a_plugin_without_privileges(running: Unit):
    add_node(running, **{INTEL: '1'})
    running.gpu = RENDER
    running.configure(hardware_transcoding=True, gpu_resource=INTEL)
    assert running.container_spec['resources']['limits'][INTEL] == '1'
    assert not running.container_spec['securityContext'].get('privileged')
    assert 'charmarr-device' not in running.volumes
    running.roll()
    running.settle()
    assert running.plex.launched is not None
    assert 109 in running.plex.launched.groups


def test_a_plugin_that_no_node_has_does_not_keep_the_pod_down(running: Unit):
    add_node(running)
    before = running.generation
    running.configure(hardware_transcoding=True, gpu_resource=INTEL)
    assert running.generation == before
    assert running.pod.running() == ['plex']
    assert f'hardware transcoding is on, but no node offers {INTEL}' in running.status


def test_the_plugin_resource_alone_does_nothing(running: Unit):
    before = running.generation
    running.configure(gpu_resource=INTEL)
    assert running.generation == before


def test_switching_off_leaves_no_trace(running: Unit):
    before = running.statefulset['spec']
    running.gpu = RENDER
    running.configure(hardware_transcoding=True)
    running.roll()
    running.settle()
    starts = running.pod.starts('plex')
    running.configure(hardware_transcoding=False)
    assert running.statefulset['spec'] == before
    assert running.pod.starts('plex') == starts, 'it is stopped once, not restarted first'
    running.roll()
    running.settle()
    assert running.plex.launched is not None
    assert running.plex.launched.groups == (1000,)


def test_goes_from_host_device_to_plugin_in_one_rollout(running: Unit):
    add_node(running, **{INTEL: '1'})
    running.configure(hardware_transcoding=True)
    running.roll()
    before = running.generation
    running.configure(gpu_resource=INTEL)
    assert running.generation == before + 1
    assert 'charmarr-device' not in running.volumes
    assert not running.container_spec['securityContext'].get('privileged')
