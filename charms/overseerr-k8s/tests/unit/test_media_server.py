# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Following a media server after the set-up, without ever leaving Seerr with a wrong host."""

import dataclasses

import httpx2
import pytest
from ops import testing

from charmarr_lib.interfaces import MediaServer
from charmarr_lib.testing import relation_for_requirer

NEW_URL = 'http://plex.other.svc.cluster.local:32400'
NEW_HOST = 'plex.other.svc.cluster.local'


def move_plex(unit, url: str = NEW_URL) -> None:
    """Let the related Plex publish another URL."""
    unit.unrelate('media-server')
    unit.relate(url=url)


def host(unit) -> str:
    return unit.seerr.settings['plex']['ip']


@pytest.fixture
def set_up(unit):
    """A unit that uses Plex."""
    unit.set_up_with_plex()
    unit.wire.sent.clear()
    return unit


def test_follows_plex_through_the_api(set_up):
    set_up.wire.hosts[NEW_HOST, 32400] = set_up.plex
    move_plex(set_up)
    set_up.run()
    assert host(set_up) == NEW_HOST
    assert set_up.settings()['plex']['ip'] == NEW_HOST
    assert set_up.pod.starts('seerr') == 1
    assert set_up.status[0] == 'active'


def test_asks_plex_before_it_tells_seerr(set_up):
    move_plex(set_up)
    set_up.wire.sent.clear()
    set_up.run()
    assert set_up.wire.sent == [f'GET {NEW_URL}/identity']
    assert host(set_up) == 'plex.media.svc.cluster.local'
    assert set_up.status == ('waiting', f'waiting for plex to answer at {NEW_URL}')


def test_tries_again_until_plex_answers(set_up):
    move_plex(set_up)
    set_up.run()
    set_up.wire.hosts[NEW_HOST, 32400] = set_up.plex
    set_up.run(set_up.context.on.update_status())
    assert host(set_up) == NEW_HOST


def test_keeps_what_seerr_knows_of_plex(set_up):
    before = set_up.settings()['plex']
    set_up.wire.hosts[NEW_HOST, 32400] = set_up.plex
    move_plex(set_up)
    set_up.run()
    assert set_up.settings()['plex'] == {**before, 'ip': NEW_HOST}


def test_puts_the_old_host_back_when_plex_refuses(set_up):
    set_up.wire.hosts[NEW_HOST, 32400] = set_up.plex
    set_up.plex.token = 'somebody-else'
    move_plex(set_up)
    set_up.run()
    assert host(set_up) == 'plex.media.svc.cluster.local'
    set_up.seerr.save()  # what the next change of anything does
    assert set_up.settings()['plex']['ip'] == 'plex.media.svc.cluster.local'
    assert set_up.status == (
        'blocked',
        'plex does not let Seerr in: sign in to Seerr again as its owner',
    )


def test_puts_the_old_host_back_when_seerr_takes_too_long(set_up):
    set_up.wire.hosts[NEW_HOST, 32400] = set_up.plex
    move_plex(set_up)

    def lose(request, handler):
        handler(request)
        raise httpx2.ReadTimeout('The read operation timed out', request=request)

    set_up.wire.sent.clear()
    set_up.wire.break_at, set_up.wire.fault = 2, lose
    set_up.run()
    assert host(set_up) == 'plex.media.svc.cluster.local'
    assert set_up.status[0] == 'waiting'
    set_up.wire.fault = None
    set_up.run()
    assert host(set_up) == NEW_HOST


def test_edits_the_file_where_csrf_protection_shuts_the_api(set_up):
    set_up.seerr.settings['network']['csrfProtection'] = True
    set_up.seerr.save()
    set_up.wire.hosts[NEW_HOST, 32400] = set_up.plex
    move_plex(set_up)
    set_up.run()
    assert host(set_up) == NEW_HOST
    assert set_up.pod.starts('seerr') == 2
    assert set_up.seerr.settings['network']['csrfProtection'] is True
    assert set_up.status[0] == 'active'


def test_corrects_a_host_that_a_user_has_spoilt(set_up):
    set_up.seerr.settings['plex']['ip'] = 'typo'
    set_up.seerr.save()
    set_up.run(set_up.context.on.update_status())
    assert host(set_up) == 'plex.media.svc.cluster.local'


def test_the_settings_stay_when_the_relation_goes(set_up):
    before = set_up.settings()
    set_up.unrelate('media-server')
    set_up.run()
    assert set_up.settings() == before
    assert set_up.status[0] == 'active'


def test_the_relation_can_come_back(set_up):
    set_up.unrelate('media-server')
    before = set_up.settings()
    starts = set_up.pod.starts('seerr')
    set_up.relate()
    set_up.run()
    assert set_up.settings() == before
    assert set_up.pod.starts('seerr') == starts
    assert set_up.wire.sent == []


def test_follows_jellyfin_through_the_api(unit):
    unit.set_up_with_jellyfin()
    unit.unrelate('media-server')
    unit.wire.hosts['jf.example.com', 443] = lambda request: unit.jellyfin.handle(request, '')
    unit.relate_jellyfin(url='https://jf.example.com')
    unit.run()
    settings = unit.seerr.settings['jellyfin']
    assert (settings['ip'], settings['port'], settings['useSsl']) == ('jf.example.com', 443, True)
    assert settings['libraries'][0]['enabled'] is True


def test_a_refusal_by_jellyfin_changes_nothing(unit):
    unit.set_up_with_jellyfin()
    unit.unrelate('media-server')
    unit.wire.hosts['other', 8096] = lambda request: unit.jellyfin.handle(request, '')
    unit.jellyfin.keys.clear()
    unit.relate_jellyfin(url='http://other:8096')
    before = unit.seerr.settings['jellyfin']
    unit.run()
    assert unit.seerr.settings['jellyfin'] == before
    assert unit.status[0] == 'blocked'
    assert 'does not let Seerr in' in unit.status[1]


def test_emby_is_followed_as_jellyfin_is(unit):
    unit.relate('emby', 'http://jellyfin.media.svc.cluster.local:8096', MediaServer.EMBY)
    unit.deploy()
    credentials = unit.secret(username='root', password='correct horse')
    unit.act('setup-jellyfin', credentials=credentials)
    assert unit.seerr.settings['main']['mediaServerType'] == 3
    unit.unrelate('media-server')
    unit.wire.hosts['emby2', 8096] = lambda request: unit.jellyfin.handle(request, '')
    unit.relate('emby', 'http://emby2:8096', MediaServer.EMBY)
    unit.run()
    assert unit.seerr.settings['jellyfin']['ip'] == 'emby2'


def test_names_the_servers_that_are_not_used(set_up):
    set_up.relate_jellyfin()
    set_up.run()
    assert set_up.status == ('active', 'using plex; ignoring: jellyfin')
    assert host(set_up) == 'plex.media.svc.cluster.local'


def test_another_kind_alone_is_no_replacement(set_up):
    set_up.unrelate('media-server')
    set_up.relate_jellyfin()
    set_up.run()
    assert set_up.status == (
        'blocked',
        'set up for plex but related to jellyfin (jellyfin)',
    )
    assert set_up.settings()['jellyfin']['ip'] == ''


def test_the_option_moves_seerr_to_another_server(set_up):
    set_up.wire.hosts['plex-4k', 32400] = set_up.plex
    set_up.relate('plex-4k', 'http://plex-4k:32400')
    set_up.run()
    assert host(set_up) == 'plex.media.svc.cluster.local'
    set_up.configure(media_server='plex-4k')
    set_up.run()
    assert host(set_up) == 'plex-4k'
    assert set_up.status == ('active', 'using plex-4k; ignoring: plex')


def test_two_of_a_kind_need_a_decision_before_the_set_up(unit):
    unit.relate()
    unit.relate('plex-4k', 'http://plex-4k:32400')
    unit.deploy()
    assert unit.status == ('blocked', 'set media-server to plex or plex-4k')
    unit.configure(media_server='plex-4k')
    unit.run()
    assert unit.settings()['plex']['ip'] == 'plex-4k'
    assert unit.status[0] == 'active'


def test_before_the_set_up_all_kinds_are_offered(unit):
    unit.relate_jellyfin()
    unit.relate()
    unit.deploy()
    assert unit.status[0] == 'active'
    assert '(choose one of: jellyfin, plex)' in unit.status[1]
    assert host(unit) == 'plex.media.svc.cluster.local'


def test_while_somebody_goes_through_the_wizard_the_host_is_left_alone(unit):
    unit.relate()
    unit.deploy()
    unit.seerr.add_administrator('plex-token-of-the-owner')
    unit.seerr.settings['main']['mediaServerType'] = 1
    unit.seerr.settings['plex']['ip'] = 'typed-by-the-user'
    unit.seerr.save()
    unit.run()
    assert host(unit) == 'typed-by-the-user'


def test_malformed_data_name_the_application_and_change_nothing(set_up):
    before = set_up.settings()
    relation = relation_for_requirer('media-server', '{"api_url": 1}', remote_app='broken')
    set_up.add(relation)
    set_up.run()
    assert set_up.status[0] == 'waiting'
    assert set_up.status[1].startswith('broken published malformed data: ')
    assert set_up.settings() == before


def test_data_that_become_malformed_for_a_moment_change_nothing(set_up):
    before = set_up.settings()
    (relation,) = set_up.state.get_relations('media-server')
    spoilt = dataclasses.replace(relation, remote_app_data={'config': '{'})
    set_up.state = dataclasses.replace(set_up.state, relations=frozenset({spoilt}))
    set_up.run(set_up.context.on.relation_changed(spoilt))
    assert set_up.settings() == before
    assert set_up.status[0] == 'waiting'


def test_a_server_that_has_published_nothing_yet_is_no_problem(set_up):
    set_up.add(testing.Relation('media-server', remote_app_name='new'))
    set_up.run()
    assert set_up.status[0] == 'active'
