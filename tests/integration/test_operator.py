# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the operator of a real Juju types, against a stand-in that knows no other commands."""

import dataclasses
import json
import pathlib
import subprocess

import pytest
import yaml

from ..stories import on_juju


@dataclasses.dataclass
class Info:
    current: str
    message: str = ''


@dataclasses.dataclass
class Unit:
    workload_status: Info
    juju_status: Info
    leader: bool = True


@dataclasses.dataclass
class App:
    units: dict[str, Unit]


@dataclasses.dataclass
class Status:
    apps: dict[str, App]


class JujuDouble:
    """Knows the commands it was told of, and a series of statuses, the last of which stays."""

    def __init__(self, answers: dict[str, str], *statuses: Status):
        self.answers = answers
        self.statuses = list(statuses) or [Status({})]
        self.typed: list[str] = []

    def cli(self, *args: str) -> str:
        line = ' '.join(args)
        self.typed.append(line)
        if line not in self.answers:
            raise subprocess.CalledProcessError(1, line, '', f'ERROR {args[0]}: not expected')
        return self.answers[line]

    def status(self) -> Status:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def wait(self, ready, *, error=None, delay=1.0, timeout=None, successes=3):
        good = 0
        for _ in range(len(self.statuses) + successes):
            status = self.status()
            if error is not None and error(status):
                raise RuntimeError('a hook has failed')
            good = good + 1 if ready(status) else 0
            if good == successes:
                return
        raise TimeoutError


def plex(level: str, message: str = '', agent: str = 'idle') -> Status:
    return Status({'plex': App({'plex/0': Unit(Info(level, message), Info(agent))})})


@pytest.fixture
def charms(tmp_path):
    path = tmp_path / 'plex-k8s.charm'
    return {
        'plex-k8s': on_juju.PackedCharm('plex-k8s', path, {'plex-image': 'image:1'}),
        'charmarr-storage': on_juju.PackedCharm('charmarr-storage', path, {}, 'latest/stable'),
        'overseerr-k8s': on_juju.PackedCharm('overseerr-k8s', path, {}, str(path) + '.old.charm'),
        'mediahub-k8s': on_juju.PackedCharm('mediahub-k8s', path, {'mediahub-image': 'hub:1'}),
    }


@pytest.fixture
def at(charms, tmp_path):
    def operator(juju: JujuDouble) -> on_juju.JujuOperator:
        return on_juju.JujuOperator(juju, charms, tmp_path)

    return operator


def test_deploys_the_packed_charm_under_the_name_it_would_have(at, tmp_path):
    path = tmp_path / 'plex-k8s.charm'
    lines = (
        f'deploy {path} --trust --resource plex-image=image:1 plex-k8s',
        f'deploy {path} plex --resource plex-image=image:1',
    )
    juju = JujuDouble(dict.fromkeys(lines, ''))
    at(juju).types('juju deploy plex-k8s --trust\n  juju deploy plex-k8s plex  # named\n')
    assert tuple(juju.typed) == lines


def test_refreshes_to_the_packed_charm(at, tmp_path):
    status = json.dumps({'applications': {'plex': {'charm-name': 'plex-k8s'}}})
    refresh = f'refresh plex --path {tmp_path / "plex-k8s.charm"} --resource plex-image=image:1'
    juju = JujuDouble({'status plex --format=json': status, refresh: ''})
    at(juju).types('juju refresh plex')
    assert juju.typed[-1] == refresh


def test_the_bundle_names_packed_charms_or_the_revision_before(at, tmp_path):
    target = tmp_path / 'bundle.yaml'
    at(JujuDouble({f'deploy {target} --trust': ''})).deploys_bundle(previous=True)
    deployed = yaml.safe_load(target.read_text())['applications']
    assert deployed['plex']['charm'] == str(tmp_path / 'plex-k8s.charm')
    assert deployed['plex']['resources'] == {'plex-image': 'image:1'}
    assert deployed['mediahub']['resources'] == {'mediahub-image': 'hub:1'}
    assert deployed['charmarr-storage']['channel'] == 'latest/stable'
    assert pathlib.Path(deployed['overseerr']['charm']).name == 'plex-k8s.charm.old.charm'


def test_what_juju_refuses_fails_the_story_in_jujus_words(at):
    with pytest.raises(AssertionError, match='juju destroy: ERROR destroy: not expected'):
        at(JujuDouble({})).types('juju destroy everything')


def test_waits_for_a_status_and_says_which_it_was_if_it_does_not_come(at):
    at(JujuDouble({}, plex('waiting'), plex('active', 'unclaimed; run'))).expects(
        'plex', 'active', 'unclaimed'
    )
    with pytest.raises(AssertionError, match=r'it is blocked: needs storage'):
        at(JujuDouble({}, plex('blocked', 'needs storage'))).expects('plex', 'active')


def test_a_hook_that_fails_ends_the_story(at):
    juju = JujuDouble({'trust plex': ''}, plex('maintenance', agent='executing'), plex('error'))
    with pytest.raises(RuntimeError, match='a hook has failed'):
        at(juju).types('juju trust plex')


def test_an_action_ends_with_what_it_answered(at):
    answer = {'plex/0': {'status': 'completed', 'results': {'return-code': 0, 'api-url': 'u'}}}
    line = 'run plex/0 claim-server token="a b" force=true --format=json --wait=10m'
    task = at(JujuDouble({line: json.dumps(answer)})).runs(
        'plex/0', 'claim-server', token='a b', force=True
    )
    assert (task.completed, task.results) == (True, {'api-url': 'u'})
