# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Options: what each does, and what a wrong value says."""

import pydantic
import pytest

from seerr_options import Options, RestoreParams


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('log_level', 'loud', "log-level: input should be 'error', 'warn', 'info', 'debug'"),
        ('api_key_rotation', 'hourly', "api-key-rotation: input should be 'disabled', 'daily'"),
        ('ingress_port', 0, 'ingress-port: input should be greater than or equal to 1'),
        ('ingress_port', 70000, 'ingress-port: input should be less than or equal to 65535'),
        ('timezone', 'half past nine', 'timezone: must be a time zone such as Etc/UTC'),
        ('external_url', 'requests', 'external-url: must be a URL such as https://requests'),
        ('external_url', 'https://x/seerr', 'external-url: must be a host of its own'),
        ('external_url', 'https://x:port', 'external-url: must be a URL such as'),
    ],
)
def test_a_wrong_value_is_named_and_changes_nothing(unit, option, value, message):
    unit.set_up_with_plex()
    before = unit.settings()
    unit.configure(**{option: value})
    unit.run()
    assert unit.status[0] == 'blocked'
    assert unit.status[1].startswith(message)
    assert str(value) not in unit.status[1].removeprefix(message) or isinstance(value, int)
    assert unit.pod.running() == ['seerr']
    assert unit.settings() == before


def test_a_wrong_value_is_no_hindrance_to_a_removal(unit):
    unit.set_up_with_plex()
    unit.configure(log_level='loud')
    unit.run(unit.context.on.stop())
    assert unit.pod.running() == []


def test_goes_on_when_the_value_is_mended(unit):
    unit.configure(log_level='loud')
    unit.deploy()
    assert unit.pod.running() == []
    unit.configure(log_level='warn')
    unit.run()
    assert unit.pod.running() == ['seerr']
    assert unit.status[0] == 'active'


def test_a_new_log_level_costs_one_restart(unit):
    unit.set_up_with_plex()
    starts = unit.pod.starts('seerr')
    unit.configure(log_level='debug')
    unit.run()
    unit.run()
    assert unit.pod.starts('seerr') == starts + 1
    assert unit.seerr.launched.environment['LOG_LEVEL'] == 'debug'


@pytest.mark.parametrize('value', ['Etc/UTC', 'Europe/Berlin', 'America/Argentina/Ushuaia', 'UTC'])
def test_time_zones_are_taken(value):
    assert Options(timezone=value).timezone == value


@pytest.mark.parametrize('value', ['', 'https://x', 'http://x:8080', 'https://x/'])
def test_urls_are_taken(value):
    assert Options(external_url=value).external_url == value.rstrip('/')


@pytest.mark.parametrize('value', ['/app/config', '/app/config/', '/app/config/../x', 'x', '/x'])
def test_an_archive_lies_in_the_config_storage(value):
    with pytest.raises(pydantic.ValidationError):
        RestoreParams(path=value)


def test_a_checksum_may_be_in_capitals():
    assert RestoreParams(path='/app/config/x', sha256='AB' * 32).sha256 == 'ab' * 32


def test_the_option_has_to_name_a_related_media_server(unit):
    unit.relate()
    unit.configure(media_server='plex2')
    unit.deploy()
    assert unit.status == (
        'blocked',
        'media-server: no media server plex2 is related, related are plex',
    )
