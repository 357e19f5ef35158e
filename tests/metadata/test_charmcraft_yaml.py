# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Every charmcraft.yaml keeps the rules that charmcraft does not check."""

from collections.abc import Callable
from typing import Any

import ops
import pytest

import charm_metadata
import charm_models


def check_name(check: object) -> str:
    return getattr(check, '__name__', repr(check))


@pytest.mark.parametrize('check', charm_metadata.CHECKS, ids=check_name)
def test_keeps_the_rule(metadata: dict[str, Any], check: charm_metadata.Check):
    assert list(check(metadata)) == []


def test_configuration_model_matches(metadata: dict[str, Any], charm_type: type[ops.CharmBase]):
    model = getattr(charm_type, 'config_type', None)
    assert list(charm_models.option_faults(metadata, model)) == []


def test_action_models_match(metadata: dict[str, Any], charm_type: type[ops.CharmBase]):
    models = getattr(charm_type, 'action_types', {})
    assert list(charm_models.action_faults(metadata, models)) == []


@pytest.mark.parametrize('check', charm_metadata.CHECKS, ids=check_name)
def test_a_flawless_sample_passes(sample: dict[str, Any], check: charm_metadata.Check):
    assert list(check(sample)) == []


Spoil = Callable[[dict[str, Any]], object]

FAULTS: list[tuple[charm_metadata.Check, Spoil, str]] = [
    (
        charm_metadata.name_faults,
        lambda m: m.update(name='Sample_k8s'),
        "charm 'Sample_k8s': use lowercase letters, digits and single dashes",
    ),
    (
        charm_metadata.name_faults,
        lambda m: m['actions'].update(scan_all={}),
        "action 'scan_all': use lowercase letters, digits and single dashes",
    ),
    (
        charm_metadata.name_faults,
        lambda m: m['actions']['scan']['params'].update({'two--dashes': {}}),
        "parameter of scan 'two--dashes': use lowercase letters, digits and single dashes",
    ),
    (
        charm_metadata.endpoint_faults,
        lambda m: m['provides']['media-server'].pop('interface'),
        'provides media-server: interface is missing',
    ),
    (
        charm_metadata.endpoint_faults,
        lambda m: m['requires']['media-storage'].pop('optional'),
        'requires media-storage: say optional: true or optional: false',
    ),
    (
        charm_metadata.endpoint_faults,
        lambda m: m['peers']['peers'].pop('interface'),
        'peers peers: interface is missing',
    ),
    (
        charm_metadata.container_faults,
        lambda m: m['containers']['sample'].update(resource='other'),
        "container sample: its resource 'other' is not declared",
    ),
    (
        charm_metadata.container_faults,
        lambda m: m['resources']['sample-image'].update(type='file'),
        "container sample: its resource 'sample-image' is no oci-image",
    ),
    (
        charm_metadata.container_faults,
        lambda m: m.pop('storage'),
        "container sample: its storage 'config' is not declared",
    ),
    (
        charm_metadata.option_faults,
        lambda m: m['config']['options']['fast'].update(type='bool'),
        'option fast: type bool is not one of string, int, float, boolean, secret',
    ),
    (
        charm_metadata.option_faults,
        lambda m: m['config']['options']['replicas'].update(default='1'),
        "option replicas: default '1' is no int",
    ),
    (
        charm_metadata.option_faults,
        lambda m: m['config']['options']['replicas'].update(default=True),
        'option replicas: default True is no int',
    ),
    (
        charm_metadata.option_faults,
        lambda m: m['config']['options']['fast'].update(default=0),
        'option fast: default 0 is no boolean',
    ),
    (
        charm_metadata.option_faults,
        lambda m: m['config']['options']['ratio'].pop('description'),
        'option ratio: description is missing',
    ),
    (
        charm_metadata.option_faults,
        lambda m: m['config']['options']['claim-token'].update(type='string'),
        'option claim-token: what must not be read belongs into an option of type secret',
    ),
    (
        charm_metadata.action_faults,
        lambda m: m['actions']['show'].pop('additionalProperties'),
        'action show: say additionalProperties: false',
    ),
    (
        charm_metadata.action_faults,
        lambda m: m['actions']['show'].pop('description'),
        'action show: description is missing',
    ),
    (
        charm_metadata.action_faults,
        lambda m: m['actions']['scan'].update(required=['section', 'other']),
        "action scan: required 'other' is no parameter",
    ),
    (
        charm_metadata.action_faults,
        lambda m: m['actions']['scan']['params']['depth'].update(type='int'),
        'action scan, depth: type int is not one of string, integer, number, boolean',
    ),
    (
        charm_metadata.action_faults,
        lambda m: m['actions']['scan']['params']['depth'].update(default='3'),
        "action scan, depth: default '3' is no integer",
    ),
    (
        charm_metadata.action_faults,
        lambda m: m['actions']['scan']['params']['section'].pop('description'),
        'action scan, section: description is missing',
    ),
    (
        charm_metadata.listing_faults,
        lambda m: m.pop('summary'),
        'summary is missing',
    ),
    (
        charm_metadata.listing_faults,
        lambda m: m['links'].pop('issues'),
        'links: issues is missing',
    ),
    (
        charm_metadata.listing_faults,
        lambda m: m['assumes'].remove('juju >= 3.6'),
        'assumes: juju >= 3.6 is missing',
    ),
    (
        charm_metadata.listing_faults,
        lambda m: m.update({'charm-libs': []}),
        'charm-libs: libraries come from the lock, not from Charmhub',
    ),
    (
        charm_metadata.part_faults,
        lambda m: m['parts']['charm'].update(plugin='uv'),
        "parts, charm: plugin has to be 'python'",
    ),
    (
        charm_metadata.part_faults,
        lambda m: m['parts']['charm'].update({'source-subdir': 'charms/other'}),
        "parts, charm: source-subdir has to be 'charms/sample-k8s'",
    ),
    (
        charm_metadata.part_faults,
        lambda m: m['parts']['charm'].pop('override-build'),
        "parts, charm: override-build lacks 'craftctl default'",
    ),
    (
        charm_metadata.part_faults,
        lambda m: m['parts']['files']['stage'].remove('icon.svg'),
        'parts, files: icon.svg is not staged',
    ),
    (
        charm_metadata.part_faults,
        lambda m: m.update(base='ubuntu@26.04'),
        'base has to be ubuntu@24.04 and platforms have to hold amd64',
    ),
]


@pytest.mark.parametrize(('check', 'spoil', 'fault'), FAULTS, ids=[row[2] for row in FAULTS])
def test_a_fault_is_found(
    sample: dict[str, Any], check: charm_metadata.Check, spoil: Spoil, fault: str
):
    spoil(sample)
    assert fault in list(check(sample))


def test_every_check_has_a_fault_that_it_finds():
    own_test = {charm_metadata.resource_faults}  # the images below
    assert {row[0] for row in FAULTS} | own_test == set(charm_metadata.CHECKS)


@pytest.mark.parametrize(
    ('image', 'pinned'),
    [
        ('lscr.io/linuxserver/plex:1.43.2', True),
        ('registry:5000/plex:1.43.2', True),
        ('plex@sha256:' + 'a' * 64, True),
        ('plex:latest@sha256:' + 'a' * 64, True),
        ('lscr.io/linuxserver/plex:latest', False),
        ('lscr.io/linuxserver/plex', False),
        ('registry:5000/plex', False),
        ('plex:', False),
        ('', False),
        (None, False),
    ],
)
def test_an_image_is_pinned_by_a_version_or_a_digest(
    sample: dict[str, Any], image: str | None, pinned: bool
):
    sample['resources']['sample-image']['upstream-source'] = image
    faults = list(charm_metadata.resource_faults(sample))
    assert (faults == []) is pinned
