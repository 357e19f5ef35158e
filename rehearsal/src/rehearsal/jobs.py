# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Runs the programs of Jobs, on the folders that stand for their volumes.

A container whose command is a Python program (``python3 -c ...``) is run for real, as whoever
runs the rehearsal: no uid is changed, so a program cannot find out what another user may do. A
container with any other command ends well at once, for its image is not here.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

from charmarr_lib.testing.kubernetes import KubernetesFake

from . import interpreter, kube
from .volumes import Volumes

Manifest = dict[str, Any]

_LONGEST_MESSAGE: Final = 4096  # bytes; the kubelet keeps no more


class Runner:
    """Runs Jobs to their end.

    Args:
        fake: The Kubernetes API; it gets the pod of each Job.
        namespace: Where the Jobs are.
        volumes: Knows the folder of a claim.
    """

    def __init__(self, fake: KubernetesFake, namespace: str, volumes: Volumes) -> None:
        self._fake = fake
        self._namespace = namespace
        self._volumes = volumes

    def run(self, job: Manifest) -> bool:
        """Run the containers of a Job one after the other, and tell whether all ended well.

        Its pod stays in the API with the exit codes and termination messages.
        """
        spec = job['spec']['template']['spec']
        ended: list[Manifest] = []
        for container in (*kube.items(spec, 'initContainers'), *spec['containers']):
            ended.append(self._container(container, spec))
            if ended[-1]['state']['terminated']['exitCode']:
                break
        well = not ended[-1]['state']['terminated']['exitCode']
        self._report(job, ended, well=well)
        return well

    def _container(self, container: Manifest, spec: Manifest) -> Manifest:
        code, message = 0, ''
        match [*container.get('command', ()), *container.get('args', ())]:
            case ['python3', '-c', program, *rest] | ['python3', '-I', '-c', program, *rest]:
                code, message = self._python(program, rest, container, spec)
            case _:
                pass
        terminated = {'exitCode': code, 'message': message}
        return {'name': container['name'], 'state': {'terminated': terminated}}

    def _python(
        self, program: str, arguments: Sequence[str], container: Manifest, spec: Manifest
    ) -> tuple[int, str]:
        with tempfile.TemporaryDirectory(prefix='rehearsal-job-') as folder:
            said, output = pathlib.Path(folder) / 'termination-log', pathlib.Path(folder) / 'log'
            places = self._places(container, spec)
            if 'terminationMessagePath' in container:
                places[container['terminationMessagePath']] = said
            moved = [_moved(each, places) for each in arguments]
            code = interpreter.shared().run(program, moved, output)
            text = (said if said.exists() else output).read_text('utf-8')
        return code, text[-_LONGEST_MESSAGE:]

    def _places(self, container: Manifest, spec: Manifest) -> dict[str, pathlib.Path]:
        """Return where each mount point of a container is on this machine."""
        claims = {
            volume['name']: volume['persistentVolumeClaim']['claimName']
            for volume in kube.items(spec, 'volumes')
            if 'persistentVolumeClaim' in volume
        }
        return {
            mount['mountPath']: self._volumes.folder(claims[mount['name']])
            for mount in kube.items(container, 'volumeMounts')
            if mount['name'] in claims
        }

    def _report(self, job: Manifest, ended: list[Manifest], *, well: bool) -> None:
        meta, template = job['metadata'], job['spec']['template']
        name = f'{meta["name"]}-rehearsed'
        labels = {**template.get('metadata', {}).get('labels', {}), 'job-name': meta['name']}
        owner = {'apiVersion': 'batch/v1', 'kind': 'Job', 'name': meta['name'], 'uid': meta['uid']}
        self._fake.add(
            {
                'apiVersion': 'v1',
                'kind': 'Pod',
                'metadata': {
                    'name': name,
                    'namespace': self._namespace,
                    'labels': labels,
                    'ownerReferences': [owner],
                },
                'spec': template['spec'],
                'status': {
                    'phase': 'Succeeded' if well else 'Failed',
                    'containerStatuses': ended,
                },
            },
            manager='kube-controller-manager',
        )


def _moved(argument: str, places: Mapping[str, pathlib.Path]) -> str:
    """Return an argument with a path inside the container made one of this machine."""
    for place, folder in places.items():
        if argument == place or argument.startswith(f'{place}/'):
            return str(folder) + argument.removeprefix(place)
    return argument
