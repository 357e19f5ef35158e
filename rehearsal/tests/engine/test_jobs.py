# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Jobs run their Python programs on the folders of their volumes."""

from typing import Any

import pytest

from rehearsal import engine

CLAIM = {
    'apiVersion': 'v1',
    'kind': 'PersistentVolumeClaim',
    'metadata': {'name': 'films', 'namespace': 'media'},
    'spec': {'accessModes': ['ReadWriteMany'], 'resources': {'requests': {'storage': '1Gi'}}},
}
WRITE = 'import pathlib, sys; pathlib.Path(sys.argv[1]).write_text("a film")'


def job(*containers: dict[str, Any], init: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    volume = {'name': 'films', 'persistentVolumeClaim': {'claimName': 'films'}}
    spec: dict[str, Any] = {
        'restartPolicy': 'Never',
        'containers': list(containers),
        'volumes': [volume],
    }
    if init:
        spec['initContainers'] = init
    return {
        'apiVersion': 'batch/v1',
        'kind': 'Job',
        'metadata': {'name': 'work', 'namespace': 'media'},
        'spec': {'template': {'metadata': {'labels': {'mine': 'yes'}}, 'spec': spec}},
    }


def container(*command: str, name: str = 'main', **more: Any) -> dict[str, Any]:
    mounts = [{'name': 'films', 'mountPath': '/films'}]
    return {'name': name, 'image': 'x', 'command': list(command), 'volumeMounts': mounts, **more}


def run(rehearsal: engine.Rehearsal, *objects: dict[str, Any]) -> tuple[str, list[Any]]:
    """Add objects, settle, and return how the Job ended and its pod's containers."""
    for each in (CLAIM, *objects):
        rehearsal.cluster.add(each)
    rehearsal.settle()
    ended = rehearsal.cluster.get('Job', 'work', 'media')
    assert ended is not None
    [pod] = rehearsal.cluster.list('Pod', 'media', {'job-name': 'work'})
    assert pod['metadata']['labels']['mine'] == 'yes'
    return ended['status']['conditions'][0]['type'], pod['status']['containerStatuses']


def test_a_program_works_on_the_folder_of_its_claim(rehearsal: engine.Rehearsal):
    how, _ = run(rehearsal, job(container('python3', '-c', WRITE, '/films/one.txt')))
    assert how == 'Complete'
    folder = rehearsal.kubernetes.volumes.folder('films')
    assert (folder / 'one.txt').read_text() == 'a film'


def test_the_termination_message_is_kept(rehearsal: engine.Rehearsal):
    log = '/dev/termination-log'
    _, [main] = run(
        rehearsal, job(container('python3', '-c', WRITE, log, terminationMessagePath=log))
    )
    assert main['state']['terminated'] == {'exitCode': 0, 'message': 'a film'}


def test_a_failing_program_fails_the_job_with_its_code_and_words(rehearsal: engine.Rehearsal):
    program = 'import sys; print("no room"); sys.exit(3)'
    how, [main] = run(rehearsal, job(container('python3', '-c', program)))
    assert how == 'Failed'
    assert main['state']['terminated'] == {'exitCode': 3, 'message': 'no room\n'}


def test_a_failing_init_container_keeps_the_others_from_running(rehearsal: engine.Rehearsal):
    first = container('python3', '-c', 'raise SystemExit(1)', name='first')
    second = container('python3', '-c', WRITE, '/films/one.txt')
    how, ended = run(rehearsal, job(second, init=[first]))
    assert how == 'Failed'
    assert [each['name'] for each in ended] == ['first']
    assert not (rehearsal.kubernetes.volumes.folder('films') / 'one.txt').exists()


@pytest.mark.parametrize('command', [('sh', '-c', 'exit 1'), ()])
def test_what_is_not_here_to_run_ends_well(rehearsal: engine.Rehearsal, command: tuple[str, ...]):
    how, _ = run(rehearsal, job(container(*command)))
    assert how == 'Complete'
