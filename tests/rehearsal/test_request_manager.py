# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The request manager with Plex, with Jellyfin, with both, and with relations that come and go."""

import json
import pathlib
from typing import Any

import pytest

from charmarr_lib.testing.jellyfin import Account, JellyfinDouble, Library
from charmarr_lib.testing.plex import PlexDouble, Section
from charmarr_lib.testing.seerr import PlexTvDouble, SeerrDouble

CHARMS = pathlib.Path(__file__).parent / 'charms'
PASSWORD = 'correct horse'


def settings(operator) -> dict[str, Any]:
    """Return what is in Seerr's settings file."""
    [unit] = operator.rehearsal.applications['overseerr'].units
    [config] = unit.storage.values()
    folder = operator.rehearsal.kubernetes.volumes.folder(config.claim)
    return json.loads((folder / 'settings.json').read_text())


@pytest.fixture
def seerr(operator) -> SeerrDouble:
    """The program that runs in the next pod of the request manager, and in all after it."""
    double = SeerrDouble()
    operator.rehearsal.catalogue.register('ghcr.io/seerr-team/seerr', lambda: double)
    return double


@pytest.fixture
def plex(operator) -> PlexDouble:
    """A Plex with a library."""
    double = PlexDouble(sections=[Section('1', 'Films', 'movie')])
    operator.rehearsal.catalogue.register('lscr.io/linuxserver/plex', lambda: double)
    return double


@pytest.fixture
def jellyfin(operator) -> JellyfinDouble:
    """A Jellyfin that can be deployed."""
    double = JellyfinDouble(
        [Account('root', PASSWORD, 'id-of-root', True)],
        [Library('lib1', 'Films', 'movies')],
    )
    operator.rehearsal.catalogue.add(CHARMS / 'jellyfin-stand-in')
    operator.rehearsal.catalogue.register('docker.io/jellyfin/jellyfin', lambda: double)
    return double


@pytest.fixture
def with_jellyfin(operator, seerr, jellyfin):
    operator.types("""
        juju deploy jellyfin-stand-in jellyfin
        juju deploy overseerr-k8s overseerr
        juju relate overseerr jellyfin
    """)
    return operator


def set_up_with_jellyfin(operator) -> str:
    """Hand the administrator's password over in a secret, and run the action."""
    secret = operator.types(f"juju add-secret jellyfin-root username=root password='{PASSWORD}'")
    operator.types('juju grant-secret jellyfin-root overseerr')
    return operator.types(f'juju run overseerr/0 setup-jellyfin credentials={secret.strip()}')


def test_runs_without_trust(with_jellyfin):
    assert not with_jellyfin.rehearsal.applications['overseerr'].trust
    assert with_jellyfin.status('overseerr')[0] == 'active'


def test_with_jellyfin_the_settings_name_no_host_before_the_set_up(with_jellyfin, seerr):
    assert seerr.settings['jellyfin']['ip'] == ''
    assert 'setup-jellyfin' in with_jellyfin.status('overseerr')[1]


def test_is_set_up_with_jellyfin_without_a_browser(with_jellyfin, seerr):
    shown = set_up_with_jellyfin(with_jellyfin)
    assert 'libraries: "1"' in shown or "libraries: '1'" in shown
    assert seerr.settings['jellyfin']['ip'] == 'jellyfin.media.svc.cluster.local'
    assert with_jellyfin.status('overseerr') == ('active', '')
    assert PASSWORD not in shown + json.dumps(settings(with_jellyfin))


def test_is_set_up_with_plex_without_a_browser(operator, plex, seerr):
    operator.deploy_bundle()
    operator.types('juju run plex/0 claim-server token=claim-abcdefghijklmnopqrst')
    token = plex.preference('PlexOnlineToken')
    operator.rehearsal.kubernetes.network.outside['plex.tv'] = PlexTvDouble({token: 'owner'})
    secret = operator.types(f'juju add-secret plex-owner token={token}')
    operator.types('juju grant-secret plex-owner overseerr')
    operator.types(f'juju run overseerr/0 setup-plex credentials={secret.strip()}')
    assert seerr.settings['public']['initialized'] is True
    assert seerr.settings['plex']['machineId']
    assert operator.status('overseerr') == ('active', '')


def test_with_both_the_user_may_choose(suite, jellyfin):
    suite.types("""
        juju deploy jellyfin-stand-in jellyfin
        juju relate overseerr jellyfin
    """)
    level, message = suite.status('overseerr')
    assert level == 'active'
    assert message.endswith('(choose one of: plex, jellyfin)')
    assert settings(suite)['plex']['ip'] == 'plex.media.svc.cluster.local'


def test_after_a_choice_the_other_is_ignored(with_jellyfin, jellyfin):
    set_up_with_jellyfin(with_jellyfin)
    before = settings(with_jellyfin)
    with_jellyfin.types("""
        juju deploy charmarr-storage --trust
        juju deploy plex-k8s plex --trust
        juju relate plex charmarr-storage
        juju relate overseerr plex
    """)
    assert with_jellyfin.status('overseerr') == ('active', 'using jellyfin; ignoring: plex')
    assert settings(with_jellyfin) == before


def test_the_settings_survive_a_relation_that_goes_and_comes(with_jellyfin):
    set_up_with_jellyfin(with_jellyfin)
    before = settings(with_jellyfin)
    with_jellyfin.types('juju remove-relation overseerr jellyfin')
    assert settings(with_jellyfin) == before
    assert with_jellyfin.status('overseerr') == ('active', '')
    with_jellyfin.types('juju relate overseerr jellyfin')
    assert settings(with_jellyfin) == before
    assert with_jellyfin.status('overseerr') == ('active', '')


def test_a_preset_host_survives_a_relation_that_goes_and_comes(suite):
    suite.types('juju remove-relation overseerr plex')
    assert settings(suite)['plex']['ip'] == 'plex.media.svc.cluster.local'
    suite.types('juju relate overseerr plex')
    assert settings(suite)['plex']['ip'] == 'plex.media.svc.cluster.local'


def test_another_image_is_taken_over(suite):
    suite.types('juju remove-application overseerr --no-prompt --destroy-storage')
    old = 'seerr-image=lscr.io/linuxserver/overseerr:v1.35.0-ls159'
    suite.types(f"""
        juju deploy overseerr-k8s overseerr --resource {old}
        juju relate overseerr plex
    """)
    assert 'mediaServerType' not in settings(suite)['main']
    suite.types("""
        juju run overseerr/0 backup
        juju refresh overseerr --resource seerr-image=ghcr.io/seerr-team/seerr:v3.4.1
    """)
    assert settings(suite)['main']['mediaServerType'] == 1
    shown = suite.types('juju run overseerr/0 show-info')
    assert 'flavour: seerr' in shown


def test_scaled_up_only_the_leader_runs_it(suite):
    suite.types('juju scale-application overseerr 2')
    first, second = suite.rehearsal.applications['overseerr'].units
    assert first.status.name == 'active'
    assert second.status.name == 'blocked'
    assert 'scale-application overseerr 1' in second.status.message
