# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The set-up with Jellyfin, without a browser."""

import dataclasses

import pytest
from ops import testing

from charmarr_lib.testing.seerr import SeerrDouble


@pytest.fixture
def related(unit):
    """A unit with a Jellyfin and a Seerr that nobody has set up."""
    unit.relate_jellyfin()
    unit.deploy()
    unit.wire.sent.clear()
    return unit


def set_up(unit, **params):
    credentials = unit.secret(username='root', password='correct horse')
    return unit.act('setup-jellyfin', credentials=credentials, **params)


def fail(unit, **params) -> str:
    credentials = unit.secret(username='root', password='correct horse')
    return unit.failure('setup-jellyfin', credentials=credentials, **params)


def test_does_what_the_wizard_does(related):
    results = set_up(related)
    settings = related.seerr.settings
    assert results == {'media-server': 'jellyfin', 'already-done': 'false', 'libraries': '2'}
    assert settings['public']['initialized'] is True
    assert settings['main']['mediaServerType'] == 2
    assert settings['jellyfin']['ip'] == 'jellyfin.media.svc.cluster.local'
    assert [each['enabled'] for each in settings['jellyfin']['libraries']] == [True, True]
    assert related.jellyfin.keys == {'jfkey-1': 'Seerr'}


def test_the_unit_is_active_afterwards(related):
    set_up(related)
    assert related.status == ('active', '')


@pytest.mark.parametrize('email', ['', 'me@example.com'])
def test_the_administrator_has_a_mail_address(related, email):
    set_up(related, email=email)
    assert related.seerr.state.users[0]['email'] == (email or 'root')


def test_doing_it_again_changes_nothing(related):
    set_up(related)
    before = related.settings()
    results = set_up(related)
    assert results == {'media-server': 'jellyfin', 'already-done': 'true'}
    assert related.settings() == before
    assert len(related.jellyfin.keys) == 1


def test_goes_on_where_it_was_cut_short(related):
    libraries, related.jellyfin.libraries = related.jellyfin.libraries, []
    message = fail(related)
    assert message == ('the media server has no libraries yet: add one, then run the action again')
    assert related.seerr.settings['public']['initialized'] is False
    related.jellyfin.libraries = libraries
    results = set_up(related)
    assert results['libraries'] == '2'
    assert len(related.jellyfin.keys) == 1


def test_keeps_the_libraries_that_were_chosen_in_the_browser(related):
    libraries, related.jellyfin.libraries = related.jellyfin.libraries, []
    fail(related)
    related.jellyfin.libraries = libraries
    related.seerr.settings['jellyfin']['libraries'] = [
        {'id': 'lib2', 'name': 'Series', 'enabled': True, 'type': 'show'}
    ]
    assert set_up(related)['libraries'] == '1'
    known = related.seerr.settings['jellyfin']['libraries']
    assert {each['id']: each['enabled'] for each in known} == {'lib1': False, 'lib2': True}


def test_works_with_a_seerr_that_switches_libraries_one_by_one(unit):
    unit.reboot(SeerrDouble(one_by_one=True))
    unit.relate_jellyfin()
    unit.deploy()
    assert set_up(unit)['libraries'] == '2'
    known = unit.seerr.settings['jellyfin']['libraries']
    assert [each['enabled'] for each in known] == [True, True]


@pytest.mark.parametrize(
    ('username', 'password', 'message'),
    [
        ('root', 'wrong', 'the media server refuses the user name or the password'),
        ('bob', 'correct horse', 'the account is no administrator of the media server'),
    ],
)
def test_a_refused_account_is_named(related, username, password, message):
    credentials = related.secret(username=username, password=password)
    assert related.failure('setup-jellyfin', credentials=credentials) == message
    assert related.seerr.state.users == []


def test_a_server_that_does_not_answer_is_named(related):
    related.jellyfin.running = False
    assert fail(related) == (
        'jellyfin does not answer at http://jellyfin.media.svc.cluster.local:8096'
    )


def test_csrf_protection_is_named(related):
    related.seerr.settings['network']['csrfProtection'] = True
    assert fail(related) == (
        'CSRF protection is on in Seerr: switch it off in its network settings'
    )


def test_a_seerr_that_uses_plex_is_named(related):
    related.seerr.add_administrator('token')
    related.seerr.settings['main']['mediaServerType'] = 1
    related.seerr.save()
    assert fail(related) == 'Seerr is set up for plex, which cannot be changed'


def test_a_jellyfin_host_in_the_settings_is_named(related):
    related.seerr.settings['jellyfin']['ip'] = 'elsewhere'
    assert 'names a Jellyfin host already' in fail(related)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'username': 'root'}, 'the secret lacks password'),
        ({'other': 'x'}, 'the secret lacks username and password'),
        ({'username': 'root', 'password': ''}, 'the secret lacks password'),
    ],
)
def test_a_secret_that_lacks_a_key_is_named(related, content, message):
    credentials = related.secret(**content)
    assert related.failure('setup-jellyfin', credentials=credentials) == message


def test_a_secret_that_is_gone_or_not_granted_is_named(related):
    message = related.failure('setup-jellyfin', credentials='secret:d3adb33f')
    assert message == 'cannot read that secret; run: juju grant-secret <name> overseerr'


def test_takes_the_newest_content_of_the_secret(related):
    secret = testing.Secret(
        {'username': 'root', 'password': 'old'},
        latest_content={'username': 'root', 'password': 'correct horse'},
    )
    secrets = frozenset({*related.state.secrets, secret})
    related.state = dataclasses.replace(related.state, secrets=secrets)
    assert related.act('setup-jellyfin', credentials=secret.id)['libraries'] == '2'


def test_needs_a_jellyfin(unit):
    unit.relate()
    unit.deploy()
    assert fail(unit) == 'no jellyfin or emby is related that has said where it is'


def test_needs_to_know_which_of_several(related):
    related.relate_jellyfin('jellyfin-kids')
    assert fail(related) == (
        'several media servers are related: set server to one of jellyfin, jellyfin-kids'
    )
    assert set_up(related, server='jellyfin')['media-server'] == 'jellyfin'


def test_needs_a_seerr_that_runs(unit):
    unit.relate_jellyfin()
    unit.write_settings('{"main":')
    unit.deploy()
    assert fail(unit) == 'Seerr does not run; see juju status'


def test_needs_a_container(related):
    credentials = related.secret(username='root', password='correct horse')
    with pytest.raises(testing.ActionFailed, match='the container cannot be reached yet'):
        related.run(
            related.context.on.action('setup-jellyfin', params={'credentials': credentials}),
            can_connect=False,
        )


def test_is_refused_by_a_unit_that_does_not_run_seerr(related):
    related.state = dataclasses.replace(related.state, leader=False, planned_units=2)
    message = fail(related)
    assert message == 'only the leader runs Seerr; run the action on overseerr/leader'
