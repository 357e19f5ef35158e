# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import typing
import zoneinfo
from collections.abc import Iterator

import pytest

if typing.TYPE_CHECKING:
    from conftest import Unit

BAD = [
    ('log_level', 'loud', 'log-level: input should be'),
    ('log_level', 'INFO', 'log-level: input should be'),
    ('log_level', '', 'log-level: input should be'),
    ('timezone', 'Mars/Olympus', 'timezone: must be an IANA time zone such as Europe/Berlin'),
    ('timezone', '../../etc/passwd', 'timezone: must be an IANA time zone'),
    ('timezone', '/etc/localtime', 'timezone: must be an IANA time zone'),
    ('timezone', 'Europe', 'timezone: must be an IANA time zone'),
    ('timezone', 'Europe/Berlin; reboot', 'timezone: must be an IANA time zone'),
    ('timezone', '', 'timezone: must be an IANA time zone'),
    ('transcode_size', 'lots', 'transcode-size: must be a quantity such as 20Gi'),
    ('transcode_size', '20', 'transcode-size: must be at least 1Gi'),
    ('transcode_size', '-20Gi', 'transcode-size: must be at least 1Gi'),
    ('transcode_size', '20GB', 'transcode-size: must be a quantity such as 20Gi'),
    ('gpu_resource', 'i915', 'gpu-resource: must be a device plugin resource'),
    ('gpu_resource', 'kubernetes.io/cpu', 'gpu-resource: must be a device plugin resource'),
    ('gpu_resource', 'a.kubernetes.io/x', 'gpu-resource: must be a device plugin resource'),
    ('gpu_resource', 'gpu.intel.com/', 'gpu-resource: must be a device plugin resource'),
    ('gpu_resource', 'gpu.intel.com/i 915', 'gpu-resource: must be a device plugin resource'),
    ('ingress_port', 0, 'ingress-port: input should be greater than or equal to 1'),
    ('ingress_port', 65536, 'ingress-port: input should be less than or equal to 65535'),
]


@pytest.mark.parametrize(('option', 'value', 'message'), BAD)
def test_a_wrong_option_is_named_in_one_line(
    unit: Unit, option: str, value: str | int, message: str
):
    unit.configure(**{option: value})
    assert unit.status.startswith(f'blocked: {message}')
    assert '\n' not in unit.status


@pytest.mark.parametrize(('option', 'value', 'message'), BAD)
def test_a_wrong_option_changes_nothing_that_runs(
    running: Unit, option: str, value: str | int, message: str
):
    plan, generation = running.pod.plan(), running.generation
    published = running.published('media-server')
    running.configure(**{option: value})
    assert message in running.status
    assert running.pod.running() == ['plex']
    assert running.pod.plan() == plan
    assert running.generation == generation
    assert running.published('media-server') == published


def test_storage_is_released_even_if_an_option_is_wrong(running: Unit):
    running.configure(timezone='Mars/Olympus')
    running.break_relation('media-storage')
    assert running.volumes == {}
    assert running.pod.running() == []


def test_all_wrong_options_are_named(unit: Unit):
    unit.configure(timezone='Mars/Olympus', transcode_size='lots')
    assert 'timezone: ' in unit.status
    assert 'transcode-size: ' in unit.status


def test_goes_on_when_the_option_is_right_again(running: Unit):
    running.configure(timezone='Mars/Olympus')
    running.configure(timezone='Europe/Berlin')
    assert running.status.startswith('active')
    assert running.pod.plan().services['plex'].environment['TZ'] == 'Europe/Berlin'


@pytest.mark.parametrize(
    'zone', ['Etc/UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'America/Port-au-Prince']
)
def test_time_zones_of_every_form_are_taken(running: Unit, zone: str):
    running.configure(timezone=zone)
    assert running.status.startswith('active')
    assert running.pod.plan().services['plex'].environment['TZ'] == zone


@pytest.fixture
def bare() -> Iterator[None]:
    """A machine without a database of time zones, as the charm's container may be."""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()


@pytest.mark.usefixtures('bare')
def test_time_zones_are_known_on_a_bare_machine(running: Unit):
    running.configure(timezone='Asia/Kathmandu')
    assert running.status.startswith('active')
    running.configure(timezone='Asia/Nowhere')
    assert running.status.startswith('blocked: timezone: ')


def test_works_without_a_single_option_set(running: Unit):
    assert running.state.config == {}
    assert running.status.startswith('active')
