# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the charms really write, field by field.

Other people's charms read this. A change here is a change for them.
"""

import pytest

SIDES = [
    ('media-storage', 'charmarr-storage'),
    ('media-storage', 'plex'),
    ('media-server', 'plex'),
    ('media-server', 'overseerr'),
]


@pytest.mark.parametrize(('interface', 'application'), SIDES)
def test_every_databag_has_the_one_key(databag, interface, application):
    assert databag(interface, application).keys() == {'config'}


def test_storage_provider(wire):
    assert wire('media-storage', 'charmarr-storage') == {
        'pvc_name': 'charmarr-storage-shared',
        'mount_path': '/data',
        'puid': 1000,
        'pgid': 1000,
    }


def test_storage_requirer(wire):
    assert wire('media-storage', 'plex') == {'instance_name': 'plex'}


def test_server_provider(wire):
    assert wire('media-server', 'plex') == {
        'api_url': 'http://plex.media.svc.cluster.local:32400',
        'server': 'plex',
        'instance_name': 'plex',
        'name': 'plex',
    }


def test_server_requirer(wire):
    assert wire('media-server', 'overseerr') == {
        'requester': 'seerr',
        'instance_name': 'overseerr',
    }
