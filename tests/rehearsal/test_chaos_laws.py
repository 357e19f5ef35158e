# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Each law finds what was planted for it, and nothing where nothing was."""

from __future__ import annotations

import pathlib
import random
from collections.abc import Iterator

import pytest

from charmarr_lib.testing import mediahub, workload
from rehearsal import (
    acts,
    bundle,
    bundlecheck,
    catalogue,
    chaos,
    doubles,
    kube,
    laws,
    model,
    outcomes,
    secrets,
)

ROOT = pathlib.Path(__file__).parents[2]
SECRET = 'claim-abcdefghijklmnopqrst'
HOME = '/home'
BACKUPS = f'{HOME}/backups'
CHARM = 'system:serviceaccount:media:plex'
SHARED = {
    'volumes': [{'name': 'charmarr-shared', 'persistentVolumeClaim': {'claimName': 'shared'}}],
    'containers': [
        {'name': 'plex', 'volumeMounts': [{'name': 'charmarr-shared', 'mountPath': '/data'}]}
    ],
}
NOT_SHARED = {
    'volumes': [{'name': 'charmarr-shared', '$patch': 'delete'}],
    'containers': [{'name': 'plex', 'volumeMounts': [{'mountPath': '/data', '$patch': 'delete'}]}],
}


@pytest.fixture
def night() -> Iterator[chaos.Night]:
    """A model that the bundle was asked of, before any hook."""
    charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
    checked = bundlecheck.check(bundle.load(ROOT / 'bundle.yaml'), charms)
    with chaos.Night(charms, checked, '0') as night:
        laws.check(night.witness)
        yield night


def broken(night: chaos.Night) -> str:
    """Return the law that does not hold, empty if all do."""
    try:
        laws.check(night.witness)
    except laws.LawBroken as error:
        return error.law if error.lines else 'a law without a reason'
    return ''


def storage_relation(night: chaos.Night) -> model.Relation:
    return next(each for each in night.rehearsal.relations if each.interface == 'media-storage')


def server_relation(night: chaos.Night) -> model.Relation:
    return next(each for each in night.rehearsal.relations if each.interface == 'media-server')


def charm_api(night: chaos.Night) -> kube.Api:
    return kube.Api(night.rehearsal.cluster, 'media', CHARM, 'planted')


def plant_claim(night: chaos.Night, name: str) -> None:
    night.rehearsal.cluster.add(
        {
            'apiVersion': 'v1',
            'kind': 'PersistentVolumeClaim',
            'metadata': {'name': name, 'namespace': 'media'},
            'spec': {
                'accessModes': ['ReadWriteOnce'],
                'resources': {'requests': {'storage': '1Gi'}},
            },
        }
    )


def drop_claim(night: chaos.Night, name: str) -> None:
    night.rehearsal.cluster.remove('PersistentVolumeClaim', name, 'media')
    night.rehearsal.cluster.release_protection()


def test_all_hold_where_nothing_was_planted(night):
    assert broken(night) == ''


def test_a_failed_hook_is_found(night):
    night.rehearsal.errors.append(outcomes.HookError('plex/0', 'start', 'ValueError: no'))
    assert broken(night) == 'no hook error'


def test_what_juju_refuses_an_ex_leader_is_no_error_of_the_charm(night):
    refusal = 'plex/0 is not the leader: cannot write media-server\n'
    night.rehearsal.errors.append(outcomes.HookError('plex/0', 'start', refusal))
    assert broken(night) == ''


def test_a_claim_that_nobody_asked_to_delete_is_missed(night):
    plant_claim(night, 'plex-planted')
    assert broken(night) == ''
    drop_claim(night, 'plex-planted')
    assert broken(night) == 'no media object deleted unless asked'


def test_a_claim_that_the_operator_wants_destroyed_is_not_missed(night):
    plant_claim(night, 'plex-planted')
    night.do('juju remove-application plex --destroy-storage --no-prompt')
    assert broken(night) == ''
    drop_claim(night, 'plex-planted')
    assert broken(night) == ''


def test_a_file_that_is_gone_from_a_claim_is_missed(night):
    while night.rehearsal.kubernetes.reconcile():
        pass
    assert broken(night) == ''
    claims = night.rehearsal.cluster.list('PersistentVolumeClaim', 'media')
    name, uid = claims[0]['metadata']['name'], claims[0]['metadata']['uid']
    (night.rehearsal.kubernetes.volumes.folder(name) / f'.kept-{uid}').unlink()
    assert broken(night) == 'no media object deleted unless asked'


def test_two_plex_on_one_folder_are_found(night):
    for _ in range(2):
        plex = night.rehearsal.catalogue.program(doubles.PLEX_IMAGE)
        plex.folders, plex.running = ['/volumes/config'], True
        night.troupe.started(plex)
    assert broken(night) == 'no two Plex on one database'


@pytest.fixture
def volume(tmp_path) -> pathlib.Path:
    made = tmp_path / 'volume'
    made.mkdir()
    return made


def start_hub(night: chaos.Night, volume: pathlib.Path, *servers: str) -> mediahub.MediahubDouble:
    """Start a hub in a container of its own, with its home on the volume."""
    root = volume.parent / f'container-{len(night.troupe.hubs)}'
    root.mkdir()
    (root / 'home').symlink_to(volume)
    (root / 'hub.toml').write_text(
        '[hub]\nhome = "/home"\n' + ''.join(f'[[servers]]\nname = "{each}"\n' for each in servers)
    )
    hub = night.rehearsal.catalogue.program(doubles.HUB_IMAGE)
    assert isinstance(hub, mediahub.MediahubDouble)
    hub.start(workload.Launch('mediahub --config /hub.toml serve', {}, 0, 0, root))
    return hub


def test_two_hubs_on_one_database_are_found(night, volume):
    start_hub(night, volume)
    assert broken(night) == ''
    start_hub(night, volume)
    assert broken(night) == 'no two hubs on one database'


def test_a_hub_on_the_database_of_one_that_stopped_is_fine(night, volume):
    start_hub(night, volume)
    night.troupe.hubs[0].stop()
    start_hub(night, volume)
    assert broken(night) == ''


@pytest.fixture
def hub(night, volume) -> mediahub.MediahubDouble:
    """A hub that has seen two plays."""
    hub = start_hub(night, volume, 'plex')
    for _ in range(2):
        hub.tick()
    assert mediahub.history(hub.database) == {'plex': 2}
    assert broken(night) == ''
    return hub


def test_a_server_that_left_takes_no_play_with_it(night, hub):
    hub.stop()
    other = start_hub(night, hub.database.parent)
    other.tick()
    assert broken(night) == ''
    other.database.write_text('{"version": 1, "plays": {}}')
    assert broken(night) == 'no play lost'


@pytest.mark.parametrize('content', [None, '', '{"version": 1}'])
def test_a_database_that_is_gone_or_not_whole_is_found(night, hub, content):
    hub.database.unlink()
    if content is not None:
        hub.database.write_text(content)
    assert broken(night) == 'no play lost'


def test_a_restore_loses_nothing_and_what_it_put_aside_must_stay(night, hub):
    ran = hub.execute(['mediahub', '--config', '/hub.toml', 'backup', '--folder', BACKUPS])
    for _ in range(2):
        hub.tick()
    assert broken(night) == ''
    hub.stop()
    restored = hub.execute(['mediahub', '--config', '/hub.toml', 'restore', ran.stdout.strip()])
    assert restored.exit_code == 0
    assert mediahub.history(hub.database) == {'plex': 2}
    assert broken(night) == ''
    [kept] = hub.database.parent.glob('*.before-*')
    kept.unlink()
    assert broken(night) == 'no play lost'


@pytest.fixture
def webhook(night):
    """The secret that webhooks show."""
    content = {'secret': 'first-secret-of-webhooks'}
    found = secrets.Secret('secret:w', 'mediahub', 'webhook-secret', {1: content})
    night.rehearsal.secrets.secrets[found.id] = found
    assert broken(night) == ''
    return found


NEXT = {'secret': 'second-secret-of-webhooks', 'previous': 'first-secret-of-webhooks'}


def test_a_rotation_that_was_asked_for_is_fine(night, webhook):
    night.rehearsal.start_action('mediahub/0', 'rotate-webhook-secret')
    webhook.revisions[2] = NEXT
    assert broken(night) == ''
    webhook.revisions[3] = {'secret': 'third-secret-of-webhooks', 'previous': NEXT['secret']}
    assert broken(night) == 'no rotation but by its action'


@pytest.mark.parametrize(
    'content', [NEXT, NEXT | {'previous': 'another'}, NEXT | {'secret': NEXT['previous']}]
)
def test_a_rotation_that_was_not_asked_for_or_forgets_is_found(night, webhook, content):
    if content is not NEXT:
        night.rehearsal.start_action('mediahub/0', 'rotate-webhook-secret')
    webhook.revisions[2] = content
    assert broken(night) == 'no rotation but by its action'


def test_a_plex_on_the_folder_of_one_that_stopped_is_fine(night):
    for _ in range(2):
        plex = night.rehearsal.catalogue.program(doubles.PLEX_IMAGE)
        plex.folders, plex.running = ['/volumes/config'], True
        night.troupe.started(plex)
        plex.running = False
    assert broken(night) == ''


def in_the_log(night):
    night.witness.heard.append(f'claiming with {SECRET}')


def in_a_status(night):
    night.rehearsal.applications['plex'].units[0].workload = model.Status('blocked', SECRET)


def in_a_databag(night):
    storage_relation(night).bag('plex/0').commit({'note': SECRET})


def in_an_answer(night):
    action = night.rehearsal.start_action('plex/0', 'show-info')
    action.results = {'token': SECRET}


def in_a_plan(night):
    night.rehearsal.kubernetes.reconcile()
    while night.rehearsal.applications['plex'].units[0].pod is None:
        night.rehearsal.advance()
    pod = night.rehearsal.applications['plex'].units[0].pod
    service = {'override': 'replace', 'command': 'x', 'environment': {'TOKEN': SECRET}}
    pod.containers['plex'].add_layer('planted', {'services': {'plex': service}})


def in_an_object(night):
    noted = {'metadata': {'annotations': {'example.org/note': SECRET}}}
    charm_api(night).strategic('StatefulSet', 'plex', noted)


@pytest.mark.parametrize(
    'plant', [in_the_log, in_a_status, in_a_databag, in_an_answer, in_a_plan, in_an_object]
)
def test_a_secret_is_found(night, plant):
    night.witness.told.add(SECRET)
    plant(night)
    assert broken(night) == 'no secret in any recorded text'


def test_the_content_of_a_secret_of_jujus_is_one(night):
    night.rehearsal.add_secret('owner', {'token': SECRET})
    in_the_log(night)
    assert broken(night) == 'no secret in any recorded text'


@pytest.mark.parametrize(
    ('relation', 'application', 'told'),
    [
        (storage_relation, 'charmarr-storage', '{"pvc_name": "nowhere"}'),
        (storage_relation, 'plex', '{"instance_name": "jellyfin"}'),
        (server_relation, 'plex', '{"api_url": "http://emby.media.svc.cluster.local:8096"}'),
    ],
)
def test_what_is_not_true_is_found_when_it_is_published(night, relation, application, told):
    relation(night).bag(application).commit({'config': told})
    assert broken(night) == 'nothing published that is not true'


def test_what_was_true_before_a_relation_ended_is_no_lie(night):
    told = '{"api_url": "http://plex.media.svc.cluster.local:32400"}'
    server_relation(night).bag('plex').commit({'config': told})
    night.do('juju remove-application plex --no-prompt')
    del night.rehearsal.applications['plex']
    assert broken(night) == ''


def test_what_a_forger_wrote_is_not_taken_for_the_charms(night):
    night.do('#chaos: forge plex:media-storage charmarr-storage:media-storage plex garbage')
    assert 'half a' in storage_relation(night).bag('plex').content['config']
    assert broken(night) == ''


def test_a_write_without_a_difference_in_the_template_is_found(night):
    charm_api(night).strategic('StatefulSet', 'plex', {'spec': {'revisionHistoryLimit': 3}})
    assert broken(night) == 'no rollout without a difference'


def test_a_strangers_write_is_not_the_charms(night):
    night.do('#chaos: edit plex')
    assert broken(night) == ''


def test_a_volume_let_go_while_it_is_wanted_is_found(night):
    charm_api(night).strategic('StatefulSet', 'plex', {'spec': {'template': {'spec': SHARED}}})
    assert broken(night) == ''
    charm_api(night).strategic('StatefulSet', 'plex', {'spec': {'template': {'spec': NOT_SHARED}}})
    assert broken(night) == 'no rollout without a difference'


def test_a_volume_may_go_with_its_relation(night):
    charm_api(night).strategic('StatefulSet', 'plex', {'spec': {'template': {'spec': SHARED}}})
    assert broken(night) == ''
    night.do('juju remove-relation plex charmarr-storage')
    charm_api(night).strategic('StatefulSet', 'plex', {'spec': {'template': {'spec': NOT_SHARED}}})
    assert broken(night) == ''


def test_settings_that_are_edited_under_a_running_plex_are_found(night):
    night.rehearsal.settle()
    (plex,) = night.troupe.plexes
    assert broken(night) == ''
    (pathlib.Path(plex.folders[-1]) / 'Preferences.xml').write_text('<Preferences/>')
    assert broken(night) == 'no settings edited under a running Plex'
    plex.stop()
    assert broken(night) == 'no settings edited under a running Plex'


def test_an_access_mode_is_a_mistake_only_once_there_is_a_volume(night):
    choose = next(each.choose for each in acts.ACTS if each.name == 'mistake')

    def mistakes() -> set[str | None]:
        chance = random.Random(0)  # noqa: S311  # no secret
        return {choose(chance, night.rehearsal) for _ in range(400)}

    mode = 'juju config charmarr-storage access-mode=ReadWriteOnce'
    early = mistakes()
    night.rehearsal.settle()
    assert (mode in early, mode in mistakes()) == (False, True)
