# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The set-up with Plex, without a browser."""

import pytest

from charmarr_lib.testing.seerr import SeerrDouble

TOKEN = 'plex-token-of-the-owner'


@pytest.fixture
def related(unit):
    """A unit with a Plex and a Seerr that nobody has set up."""
    unit.relate()
    unit.deploy()
    unit.wire.sent.clear()
    return unit


def test_does_what_the_wizard_does(related):
    results = related.act('setup-plex', credentials=related.secret(token=TOKEN))
    settings = related.seerr.settings
    assert results == {'media-server': 'plex', 'already-done': 'false', 'libraries': '1'}
    assert settings['public']['initialized'] is True
    assert settings['main']['mediaServerType'] == 1
    assert settings['plex']['machineId'] == 'machine-plex'
    assert [each['enabled'] for each in settings['plex']['libraries']] == [True]


@pytest.mark.parametrize(
    'double',
    [
        SeerrDouble('overseerr'),
        SeerrDouble('jellyseerr', '2.7.3'),
        SeerrDouble(one_by_one=True),
    ],
    ids=['overseerr', 'jellyseerr', 'one by one'],
)
def test_works_with_every_flavour(unit, double):
    unit.reboot(double)
    unit.relate()
    unit.deploy()
    unit.act('setup-plex', credentials=unit.secret(token=TOKEN))
    assert double.settings['public']['initialized'] is True
    assert [each['enabled'] for each in double.settings['plex']['libraries']] == [True]
    assert unit.status == ('active', '')


def test_doing_it_again_changes_nothing(related):
    related.act('setup-plex', credentials=related.secret(token=TOKEN))
    before = related.settings()
    results = related.act('setup-plex', credentials=related.secret(token=TOKEN))
    assert results == {'media-server': 'plex', 'already-done': 'true'}
    assert related.settings() == before


def test_goes_on_where_it_was_cut_short(related):
    titles, related.plex.libraries = related.plex.libraries, []
    message = related.failure('setup-plex', credentials=related.secret(token=TOKEN))
    assert 'no libraries' in message
    related.plex.libraries = titles
    # By now there is an administrator: the token is not shown to plex.tv a second time.
    related.wire.sent.clear()
    related.act('setup-plex', credentials=related.secret(token=TOKEN))
    assert related.seerr.settings['public']['initialized'] is True
    assert not [each for each in related.wire.sent if 'plex.tv' in each]


def test_a_refused_token_is_named(related):
    message = related.failure('setup-plex', credentials=related.secret(token='stale-token'))
    assert message == 'plex.tv refuses the token, or cannot be reached from the pod'
    assert related.seerr.state.users == []


def test_an_account_that_the_server_does_not_know_is_named_and_the_host_stays(related):
    related.plex_tv.accounts['stranger-token'] = 'stranger'
    message = related.failure('setup-plex', credentials=related.secret(token='stranger-token'))
    assert message == 'the media server does not let Seerr in'
    assert related.seerr.settings['plex']['ip'] == 'plex.media.svc.cluster.local'
    assert related.seerr.settings['public']['initialized'] is False


def test_sets_the_host_of_the_server_that_is_named(related):
    related.wire.hosts['plex-4k', 32400] = related.plex
    related.relate('plex-4k', 'http://plex-4k:32400')
    credentials = related.secret(token=TOKEN)
    related.act('setup-plex', credentials=credentials, server='plex-4k')
    assert related.seerr.settings['plex']['ip'] == 'plex-4k'


def test_needs_a_plex(unit):
    unit.relate_jellyfin()
    unit.deploy()
    message = unit.failure('setup-plex', credentials=unit.secret(token=TOKEN))
    assert message == 'no plex is related that has said where it is'


def test_a_seerr_that_uses_jellyfin_is_named(unit):
    unit.set_up_with_jellyfin()
    unit.relate()
    message = unit.failure('setup-plex', credentials=unit.secret(token=TOKEN))
    assert message == 'Seerr is set up for jellyfin, which cannot be changed'
