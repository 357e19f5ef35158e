# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An operator's life with the storage application, in Juju's own commands."""

import json
from typing import Any

import pytest

NFS = '--config backend-type=native-nfs --config nfs-server=nas.lan --config nfs-path=/media'


def claim(operator: Any, name: str = 'films-shared') -> Any:
    return operator.rehearsal.cluster.get('PersistentVolumeClaim', name, 'media')


def volume(operator: Any) -> Any:
    return operator.rehearsal.cluster.get('PersistentVolume', 'media-films-shared')


@pytest.fixture
def films(operator: Any) -> Any:
    operator.types(
        'juju deploy charmarr-storage films --trust\n'
        'juju deploy plex-k8s plex --trust\n'
        'juju relate plex films'
    )
    assert operator.status('films') == ('active', '100Gi for plex')
    return operator


def test_growing_is_followed_to_its_end(films: Any):
    films.types('juju config films size=200Gi')
    assert claim(films)['status']['capacity'] == {'storage': '200Gi'}
    assert films.status('films') == ('active', '200Gi for plex')


@pytest.mark.parametrize(
    'options',
    ['size=50Gi', 'size=big', 'access-mode=ReadWriteOnce', 'backend-type=hostpath hostpath=/srv'],
)
def test_what_cannot_be_is_blocked_and_disturbs_nobody(films: Any, options: str):
    before, generation = claim(films), films.generation('plex')
    films.types(f'juju config films {options}')
    assert films.status('films')[0] == 'blocked'
    assert films.status('plex')[0] == 'active'
    assert claim(films) == before
    assert films.generation('plex') == generation
    films.types('juju config films --reset size,access-mode,backend-type,hostpath')
    assert films.status('films') == ('active', '100Gi for plex')


def test_without_trust_it_asks_for_it_and_goes_on_when_it_has_it(operator: Any):
    operator.types('juju deploy charmarr-storage films')
    assert operator.status('films') == (
        'blocked',
        'not allowed to read PersistentVolumeClaim films-shared;'
        ' run: juju trust films --scope=cluster',
    )
    operator.types('juju trust films --scope=cluster')
    assert operator.status('films')[0] == 'active'


def test_the_actions_answer(films: Any):
    shown = films.types('juju run films/0 show-storage')
    assert 'claim: films-shared' in shown
    assert 'consumers: plex' in shown
    films.types('juju run films/0 check-storage')
    shown = films.types('juju run films/0 show-storage')
    assert 'last-check: passed for 1000:1000' in shown
    jobs = films.rehearsal.cluster.list('Job', 'media')
    assert [each['metadata']['name'] for each in jobs] == ['films-check-2']


def test_removing_the_application_keeps_the_media(films: Any):
    before = claim(films)['metadata']['uid']
    films.types('juju remove-application films --no-prompt')
    assert claim(films)['metadata']['uid'] == before
    films.types('juju deploy charmarr-storage films --trust\njuju relate plex films')
    assert claim(films)['metadata']['uid'] == before
    assert films.status('films') == ('active', '100Gi for plex')


def test_cleaning_up_keeps_the_media_while_anybody_is_related(films: Any):
    films.types(
        'juju config films cleanup-on-remove=true\njuju remove-application films --no-prompt'
    )
    assert claim(films) is not None


def test_cleaning_up_takes_the_claim_with_the_application(films: Any):
    films.types(
        'juju config films cleanup-on-remove=true\n'
        'juju remove-relation plex films\n'
        'juju remove-application films --no-prompt'
    )
    assert claim(films) is None
    assert films.rehearsal.cluster.list('Job', 'media') == []


def test_scaling_to_zero_and_back_keeps_the_media_whatever_the_options(operator: Any):
    operator.types('juju deploy charmarr-storage films --trust --config cleanup-on-remove=true')
    before = claim(operator)['metadata']['uid']
    operator.types('juju scale-application films 0')
    assert claim(operator)['metadata']['uid'] == before
    operator.types('juju scale-application films 1')
    assert claim(operator)['metadata']['uid'] == before
    assert 'ownerReferences' not in claim(operator)['metadata']
    assert operator.status('films') == ('active', '100Gi, not related yet')


def test_a_volume_on_nfs_is_taken_up_again_after_a_clean_removal(operator: Any):
    deploy = f'juju deploy charmarr-storage films --trust {NFS} --config cleanup-on-remove=true'
    operator.types(deploy)
    assert operator.status('films') == ('active', '100Gi, not related yet')
    before = volume(operator)['metadata']['uid']
    operator.types('juju remove-application films --no-prompt')
    assert claim(operator) is None
    assert volume(operator)['status']['phase'] == 'Released'
    operator.types(deploy)
    assert volume(operator)['metadata']['uid'] == before
    assert volume(operator)['status']['phase'] == 'Bound'
    assert operator.status('films')[0] == 'active'


def test_an_existing_claim_outlives_everything(operator: Any):
    operator.rehearsal.cluster.add(
        {
            'apiVersion': 'v1',
            'kind': 'PersistentVolumeClaim',
            'metadata': {'name': 'library', 'namespace': 'media'},
            'spec': {
                'accessModes': ['ReadWriteMany'],
                'resources': {'requests': {'storage': '2Ti'}},
            },
        }
    )
    operator.types(
        'juju deploy charmarr-storage films --trust --config backend-type=existing-claim'
        ' --config claim-name=library --config cleanup-on-remove=true\n'
        'juju deploy plex-k8s plex --trust\n'
        'juju relate plex films'
    )
    before = claim(operator, 'library')
    assert operator.status('films') == ('active', '2Ti for plex')
    operator.types('juju remove-relation plex films\njuju remove-application films --no-prompt')
    assert claim(operator, 'library') == before


def test_two_storages_in_one_model_do_not_know_each_other(films: Any):
    films.types('juju deploy charmarr-storage music --trust --config size=1Ti')
    assert claim(films, 'music-shared')['spec']['resources']['requests'] == {'storage': '1Ti'}
    films.types('juju remove-application music --no-prompt')
    assert films.status('films') == ('active', '100Gi for plex')


def test_the_check_really_links_files_on_the_volume(suite):
    said = suite.types('juju run charmarr-storage/leader check-storage')
    assert 'step-link: passed' in said
    folder = suite.rehearsal.kubernetes.volumes.folder('charmarr-storage-shared')
    assert {'movies', 'tv', 'music'} <= {each.name for each in (folder / 'media').iterdir()}


def test_a_volume_that_refuses_is_told_step_by_step(suite):
    folder = suite.rehearsal.kubernetes.volumes.folder('charmarr-storage-shared')
    (folder / 'media' / 'movies').rmdir()
    (folder / 'media' / 'movies').write_text('in the way')
    suite.types('juju config charmarr-storage puid=1001')
    assert suite.status('charmarr-storage')[0] == 'blocked'
    assert 'media/movies' in suite.status('charmarr-storage')[1]
    [relation] = [each for each in suite.rehearsal.relations if each.interface == 'media-storage']
    offered = json.loads(relation.databags['charmarr-storage'].content['config'])
    assert offered['puid'] == 1000, 'what works stays offered'
