# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The way in from outside, which opens once there is an administrator."""

import dataclasses
import json

import pytest

from charmarr_lib.testing.seerr import SeerrDouble

URL = 'http://requests.example.com'


def url_of(unit) -> str:
    return unit.seerr.settings['main']['applicationUrl']


def trusts(unit) -> bool:
    return unit.seerr.settings['network']['trustProxy']


def test_nobody_is_let_in_before_the_set_up(unit):
    unit.relate()
    unit.relate_ingress()
    unit.deploy()
    assert not unit.asked_for_ingress()
    assert unit.status == (
        'active',
        'not set up; run: juju run overseerr/leader setup-plex credentials=(secret), or: '
        'kubectl -n media port-forward overseerr-0 5055, then open http://localhost:5055',
    )


def test_people_are_let_in_after_the_set_up(unit):
    unit.relate_ingress()
    unit.set_up_with_plex()
    assert unit.asked_for_ingress()
    (relation,) = unit.state.get_relations('ingress')
    asked = json.loads(relation.local_app_data['config'])
    (route,) = asked['http_routes']
    (backend,) = route['backends']
    assert (backend['service'], backend['port']) == ('overseerr', 5055)
    assert route['matches'][0]['path']['value'] == '/'


def test_the_set_up_by_action_opens_it_at_once(unit):
    unit.relate()
    unit.relate_ingress()
    unit.deploy()
    unit.act('setup-plex', credentials=unit.secret(token='plex-token-of-the-owner'))
    assert unit.asked_for_ingress()


def test_the_set_up_in_the_browser_opens_it_with_the_next_event(unit):
    unit.relate_ingress()
    unit.deploy()
    unit.seerr.settings['public']['initialized'] = True
    unit.seerr.settings['main']['mediaServerType'] = 1
    unit.seerr.add_administrator('plex-token-of-the-owner')
    unit.seerr.save()
    unit.run(unit.context.on.update_status())
    assert unit.asked_for_ingress()


def test_the_option_opens_it_earlier_and_the_status_warns(unit):
    unit.configure(expose_setup=True)
    unit.relate_ingress()
    unit.deploy()
    assert unit.asked_for_ingress()
    assert 'the ingress is open: the first visitor becomes administrator' in unit.status[1]
    unit.configure(expose_setup=False)
    unit.run()
    assert not unit.asked_for_ingress()


def test_it_is_shut_again_when_the_data_are_gone(unit):
    unit.relate_ingress()
    unit.set_up_with_plex()
    unit.reboot()
    (unit.folder / 'settings.json').unlink()
    unit.deploy()
    assert unit.status[0] == 'blocked'
    assert not unit.asked_for_ingress()


def test_it_stays_as_it_is_while_the_container_is_away(unit):
    unit.relate_ingress()
    unit.set_up_with_plex()
    unit.run(can_connect=False)
    assert unit.asked_for_ingress()


def test_the_url_and_the_trust_are_set_before_the_first_start(unit):
    unit.relate_ingress()
    unit.deploy()
    assert url_of(unit) == URL
    assert trusts(unit) is True
    assert unit.pod.starts('seerr') == 1


def test_after_the_set_up_trust_costs_one_restart(unit):
    unit.set_up_with_plex()
    unit.relate_ingress()
    unit.run()
    assert (url_of(unit), trusts(unit)) == (URL, True)
    assert unit.pod.starts('seerr') == 2
    unit.run()
    assert unit.pod.starts('seerr') == 2


def test_after_the_set_up_a_new_url_goes_through_the_api(unit):
    unit.relate_ingress()
    unit.set_up_with_plex()
    starts = unit.pod.starts('seerr')
    unit.configure(external_url='https://other.example.com')
    unit.run()
    assert url_of(unit) == 'https://other.example.com'
    assert unit.settings()['main']['applicationUrl'] == 'https://other.example.com'
    assert unit.pod.starts('seerr') == starts


def test_after_the_set_up_csrf_protection_makes_it_go_through_the_file(unit):
    unit.relate_ingress()
    unit.set_up_with_plex()
    unit.seerr.settings['network']['csrfProtection'] = True
    unit.seerr.save()
    starts = unit.pod.starts('seerr')
    unit.configure(external_url='https://other.example.com')
    unit.run()
    assert url_of(unit) == 'https://other.example.com'
    assert unit.pod.starts('seerr') == starts + 1
    assert unit.status[0] == 'active'


def test_the_users_own_url_comes_back_when_the_ingress_goes(unit):
    unit.set_up_with_plex()
    unit.seerr.settings['main']['applicationUrl'] = 'https://mine.example.com'
    unit.seerr.save()
    unit.relate_ingress()
    unit.run()
    assert url_of(unit) == URL
    unit.unrelate('ingress')
    unit.run()
    assert url_of(unit) == 'https://mine.example.com'
    assert trusts(unit) is False


def test_a_url_that_the_user_has_changed_since_is_kept_when_the_ingress_goes(unit):
    unit.relate_ingress()
    unit.set_up_with_plex()
    unit.seerr.settings['main']['applicationUrl'] = 'https://mine.example.com'
    unit.seerr.save()
    unit.unrelate('ingress')
    unit.run()
    assert url_of(unit) == 'https://mine.example.com'


def test_without_an_ingress_the_users_url_is_none_of_the_charms_business(unit):
    unit.set_up_with_plex()
    unit.seerr.settings['main']['applicationUrl'] = 'https://mine.example.com'
    unit.seerr.settings['network']['trustProxy'] = True
    unit.seerr.save()
    unit.run()
    assert url_of(unit) == 'https://mine.example.com'
    assert trusts(unit) is True


def test_a_gateway_that_loses_its_host_for_a_moment_changes_nothing(unit):
    unit.relate_ingress()
    unit.set_up_with_plex()
    (relation,) = unit.state.get_relations('ingress')
    others = [each for each in unit.state.relations if each.id != relation.id]
    silent = dataclasses.replace(relation, remote_app_data={})
    unit.state = dataclasses.replace(unit.state, relations=frozenset({*others, silent}))
    unit.run()
    assert (url_of(unit), trusts(unit)) == (URL, True)


def test_a_port_of_its_own_is_in_the_url(unit):
    unit.configure(ingress_port=8443)
    unit.relate_ingress(tls=True)
    unit.deploy()
    assert url_of(unit) == 'https://requests.example.com:8443'


def test_overseerr_has_its_trust_elsewhere(unit):
    unit.reboot(SeerrDouble('overseerr'))
    unit.relate_ingress()
    unit.deploy()
    assert unit.seerr.settings['main']['trustProxy'] is True
    assert 'network' not in unit.settings()


@pytest.mark.parametrize('note', ['{', '{"url": 1}', '[]', ''])
def test_a_spoilt_note_of_the_charm_does_no_harm(unit, note):
    unit.relate_ingress()
    unit.set_up_with_plex()
    (unit.folder / '.charm-record.json').write_text(note)
    unit.unrelate('ingress')
    unit.run()
    assert unit.status[0] == 'active'
    assert url_of(unit) == URL
