# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Webhooks: a secret that Juju keeps, a URL that can be told, a rotation without a gap."""


def content(unit) -> dict[str, str]:
    return dict(unit.webhook_secret.latest_content or {})


def test_are_off_at_first_and_make_no_secret(unit):
    unit.watch()
    assert unit.hub.setting('enable-plex-webhooks') is False
    assert unit.act('show-info')['webhook-url'] == 'none: plex-webhooks is false'
    assert [each for each in unit.state.secrets if each.label] == []


def test_the_secret_is_made_once_and_given_to_the_hub(unit):
    unit.configure(plex_webhooks=True)
    unit.watch()
    made = content(unit)['secret']
    assert len(made) >= 40
    assert unit.hub.secret('plex-webhook-secret') == made
    unit.run()
    assert content(unit) == {'secret': made}


def test_show_info_says_where_to_send_them_and_how_to_read_the_secret(unit):
    unit.configure(plex_webhooks=True)
    unit.relate_ingress()
    unit.watch()
    info = unit.act('show-info')
    assert info['webhook-url'] == (
        'https://hub.example.com:80/api/v1/plex/webhook?token=(the secret)'
    )
    assert info['how'] == f'juju show-secret --reveal {unit.webhook_secret.id}'


def test_rotation_takes_the_old_one_until_the_next(unit):
    unit.configure(plex_webhooks=True)
    unit.watch()
    first = content(unit)['secret']
    unit.act('rotate-webhook-secret')
    second = content(unit)['secret']
    assert second != first
    assert unit.hub.secret('plex-webhook-secret') == second
    assert unit.hub.secret('plex-webhook-secret-previous') == first
    unit.act('rotate-webhook-secret')
    assert unit.hub.secret('plex-webhook-secret-previous') == second


def test_rotation_without_a_secret_says_what_to_do(unit):
    unit.watch()
    assert unit.failure('rotate-webhook-secret') == (
        'there is none yet; run: juju config mediahub plex-webhooks=true'
    )


def test_can_be_registered_at_plex_tv(unit):
    unit.configure(plex_webhooks=True, external_url='https://hub.example.com')
    unit.watch()
    assert unit.act('register-webhook') == {
        'registered': 'https://hub.example.com/api/v1/plex/webhook'
    }
    assert unit.hub.registered == ['https://hub.example.com/api/v1/plex/webhook']


def test_a_refusal_of_plex_tv_is_told(unit):
    unit.configure(plex_webhooks=True)
    unit.watch()
    unit.hub.plex_pass = False
    assert unit.failure('register-webhook') == 'plex.tv refuses: webhooks need a Plex Pass'
