# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every option: what is accepted, and what an operator reads when it is not."""

from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import storage_options
from charmarr_lib import kubernetes

REFUSED = [
    ('backend_type', 'ceph', "'storage-class', 'native-nfs', 'hostpath' or 'existing-claim'"),
    ('backend_type', '', "'storage-class', 'native-nfs', 'hostpath' or 'existing-claim'"),
    ('storage_class', 'Fast Disks', 'must be a Kubernetes object name'),
    ('size', 'big', 'must be a quantity such as 100Gi'),
    ('size', '', 'must be a quantity such as 100Gi'),
    ('size', '100 Gi', 'must be a quantity such as 100Gi'),
    ('size', '100GB', 'must be a quantity such as 100Gi'),
    ('size', '-100Gi', 'must be between 1Mi and 8Ei'),
    ('size', '0', 'must be between 1Mi and 8Ei'),
    ('size', '100', 'must be between 1Mi and 8Ei'),
    ('size', '9Ei', 'must be between 1Mi and 8Ei'),
    ('size', '1e99999999999', 'must be'),
    ('size', '1048576500m', 'must be a whole number of bytes'),
    ('access_mode', 'ReadOnlyMany', "'ReadWriteMany' or 'ReadWriteOnce'"),
    ('nfs_server', 'nas:2049', 'must be a host name or an IP address'),
    ('nfs_server', 'nfs://nas', 'must be a host name or an IP address'),
    ('nfs_server', 'my nas', 'must be a host name or an IP address'),
    ('nfs_server', '192.168.1.300', 'must be a host name or an IP address'),
    ('nfs_server', '-nas', 'must be a host name or an IP address'),
    ('nfs_server', 'fe80::1%eth0', 'must be a host name or an IP address'),
    ('nfs_path', 'volume1/media', 'must be an absolute path without ".."'),
    ('nfs_path', '/volume1/../etc', 'must be an absolute path without ".."'),
    ('nfs_path', '/volume1\nmedia', 'must not contain control characters'),
    ('nfs_mount_options', 'hard;rm -rf /', 'must be mount options separated by commas'),
    ('nfs_mount_options', 'hard,,soft', 'must be mount options separated by commas'),
    ('hostpath', 'srv/media', 'must be an absolute path without ".."'),
    ('hostpath', '/srv/media/..', 'must be an absolute path without ".."'),
    ('hostpath', '/', 'must not be the root folder'),
    ('hostpath_node', 'node 1', 'must be a Kubernetes object name'),
    ('claim_name', '../library', 'must be a Kubernetes object name'),
    ('claim_name', 'x' * 254, 'must be a Kubernetes object name'),
    ('mount_path', '', 'must be an absolute path such as /data'),
    ('mount_path', 'data', 'must be an absolute path without ".."'),
    ('mount_path', '/data/../etc', 'must be an absolute path without ".."'),
    ('mount_path', '//', 'must not be the root folder'),
    ('mount_path', '/data:ro', 'must not contain ":"'),
    ('mount_path', '/usr/share/media', 'must not be in /usr'),
    ('puid', -1, 'greater than or equal to 0'),
    ('pgid', 2**32, 'less than or equal to 4294967294'),
]

NEEDED = [
    ('native-nfs', {'nfs_path': '/media'}, 'nfs-server'),
    ('native-nfs', {'nfs_server': 'nas'}, 'nfs-path'),
    ('hostpath', {}, 'hostpath'),
    ('existing-claim', {}, 'claim-name'),
]


@pytest.mark.parametrize(('option', 'value', 'accepted'), REFUSED)
def test_a_wrong_value_is_blocked_with_name_and_what_is_accepted(
    storage: Any, option: str, value: Any, accepted: str
):
    storage.configure(**{option: value})
    name, message = storage.status
    assert name == 'blocked'
    assert message.startswith(f'{option.replace("_", "-")}: ')
    assert accepted in message
    assert '\n' not in message
    assert storage.cluster.api.requests == []


@pytest.mark.parametrize(('backend', 'others', 'missing'), NEEDED)
def test_what_a_backend_needs_is_asked_for(
    storage: Any, backend: str, others: dict[str, str], missing: str
):
    storage.configure(backend_type=backend, **others)
    assert storage.status == ('blocked', f'{missing}: must be set when backend-type is {backend}')


def test_several_wrong_values_are_all_named_in_one_line(storage: Any):
    storage.configure(size='big', puid=-1)
    assert 'size: ' in storage.status[1]
    assert 'puid: ' in storage.status[1]


@pytest.mark.parametrize(('option', 'value', 'accepted'), REFUSED)
def test_what_is_published_stays_when_an_option_goes_wrong(
    storage: Any, option: str, value: Any, accepted: str
):
    storage.relate('plex')
    storage.settle()
    before, claim = storage.published(), storage.cluster.claim
    storage.configure(**{option: value})
    assert storage.status[0] == 'blocked'
    assert accepted in storage.status[1]
    assert storage.published() == before
    assert storage.cluster.claim == claim


def test_a_mended_option_is_followed_at_once(storage: Any):
    storage.configure(size='big')
    storage.configure(size='1Ti')
    storage.relate('plex')
    storage.settle()
    assert storage.status == ('active', '1Ti for plex')


@pytest.mark.parametrize(
    ('given_path', 'kept'),
    [('/data/', '/data'), ('//data', '/data'), ('/srv//media/.', '/srv/media')],
)
def test_paths_are_kept_in_their_plain_form(given_path: str, kept: str):
    options = storage_options.StorageOptions(mount_path=given_path, nfs_path=given_path)
    assert (options.mount_path, options.nfs_path) == (kept, kept)


@pytest.mark.parametrize('host', ['nas', 'nas.lan', '10.0.0.7', 'fd00::7', 'NAS.example.org.'])
def test_hosts_may_be_names_and_addresses(host: str):
    assert storage_options.StorageOptions(nfs_server=host).nfs_server == host


def test_mount_options_are_split():
    options = storage_options.StorageOptions(
        backend_type=storage_options.Backend.NATIVE_NFS,
        nfs_server='nas',
        nfs_path='/',
        nfs_mount_options='nfsvers=4.1, hard',
    )
    assert options.mount_options == ('nfsvers=4.1', 'hard')


@given(st.text(max_size=12))
def test_any_text_is_a_size_that_kubernetes_takes_or_is_refused(text: str):
    try:
        options = storage_options.StorageOptions(size=text)
    except pydantic.ValidationError:
        return
    assert 2**20 <= kubernetes.parse_quantity(options.size) < 2**63


@given(st.text(max_size=20))
def test_any_text_is_a_path_below_the_root_or_is_refused(text: str):
    try:
        path = storage_options.StorageOptions(mount_path=text).mount_path
    except pydantic.ValidationError:
        return
    assert path.startswith('/')
    assert path != '/'
    assert '..' not in path.split('/')
