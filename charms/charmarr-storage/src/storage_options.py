# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The charm's options and its actions' parameters, checked.

A field is an option with ``-`` for ``_``; charmcraft.yaml says what each is for.
"""

from __future__ import annotations

import enum
import ipaddress
import posixpath
import re
from typing import Annotated, Final

import pydantic

from charmarr_lib import config, kubernetes

EVERY_NODE: Final = '*'
"""Value of ``hostpath-node`` for a folder that every node has."""

_LABEL: Final = r'[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
_NAME: Final = re.compile(rf'{_LABEL}(\.{_LABEL})*')
_MAX_NAME: Final = 253
_HOST: Final = re.compile(r'[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?', re.IGNORECASE)
_MOUNT_OPTION: Final = re.compile(r'[a-z][a-z0-9_-]*(=[\w.:/@%+-]+)?')
_SMALLEST: Final = 1024**2  # bytes; less is a size whose unit was forgotten
_LARGEST: Final = 2**63 - 1  # bytes; a quantity's limit in Kubernetes

# A container keeps its programs, its devices or Pebble there; a volume would hide them.
_SYSTEM_FOLDERS: Final = frozenset(
    [
        'bin',
        'boot',
        'charm',
        'config',
        'dev',
        'etc',
        'lib',
        'lib32',
        'lib64',
        'proc',
        'run',
        'sbin',
        'sys',
        'usr',
    ]
)


class Backend(enum.StrEnum):
    """Where the volume comes from."""

    STORAGE_CLASS = 'storage-class'
    NATIVE_NFS = 'native-nfs'
    HOSTPATH = 'hostpath'
    EXISTING_CLAIM = 'existing-claim'

    @property
    def is_static(self) -> bool:
        """Whether the charm makes the PersistentVolume itself."""
        return self is Backend.NATIVE_NFS or self is Backend.HOSTPATH


class AccessMode(enum.StrEnum):
    """Who may mount the volume at once."""

    MANY = 'ReadWriteMany'
    ONCE = 'ReadWriteOnce'


def _object_name(value: str) -> str:
    if value and (len(value) > _MAX_NAME or not _NAME.fullmatch(value)):
        raise ValueError('must be a Kubernetes object name (lower case, digits, "-" and ".")')
    return value


def _node(value: str) -> str:
    return value if value == EVERY_NODE else _object_name(value)


def _size(value: str) -> str:
    try:
        amount = kubernetes.parse_quantity(value)
    except kubernetes.InvalidQuantityError:
        raise ValueError('must be a quantity such as 100Gi or 4Ti') from None
    if not _SMALLEST <= amount <= _LARGEST:
        raise ValueError('must be between 1Mi and 8Ei, with its unit, such as 100Gi')
    if amount != int(amount):
        raise ValueError('must be a whole number of bytes, such as 100Gi')
    return value


def _host(value: str) -> str:
    if not value or _is_address(value):
        return value
    labels = value.removesuffix('.').split('.')
    # A name whose last part is a number is a mistyped address.
    if len(value) > _MAX_NAME or labels[-1].isdigit() or not all(map(_HOST.fullmatch, labels)):
        raise ValueError('must be a host name or an IP address')
    return value


def _is_address(value: str) -> bool:
    # Not with a zone (fe80::1%eth0), which means something else on each node.
    try:
        return '%' not in value and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _folder(value: str) -> str:
    if not value:
        return value
    if not value.startswith('/') or '..' in value.split('/'):
        raise ValueError('must be an absolute path without ".."')
    if re.search(r'[\x00-\x1f\x7f]', value):
        raise ValueError('must not contain control characters')
    # posixpath keeps a leading double slash.
    return '/' + posixpath.normpath(value).lstrip('/')


def _not_root(value: str) -> str:
    if value == '/':
        raise ValueError('must not be the root folder')
    return value


def _mount_path(value: str) -> str:
    if not value:
        raise ValueError('must be an absolute path such as /data')
    if ':' in value:
        raise ValueError('must not contain ":"')
    top = value.split('/')[1]
    if top in _SYSTEM_FOLDERS:
        raise ValueError(f'must not be in /{top}, which applications need; /data is usual')
    return value


def _mount_options(value: str) -> str:
    options = [each.strip() for each in value.split(',')] if value.strip() else []
    if not all(map(_MOUNT_OPTION.fullmatch, options)):
        raise ValueError('must be mount options separated by commas, such as nfsvers=4.1,hard')
    return ','.join(options)


ObjectName = Annotated[str, pydantic.AfterValidator(_object_name)]
Folder = Annotated[str, pydantic.AfterValidator(_folder)]
FolderBelowRoot = Annotated[Folder, pydantic.AfterValidator(_not_root)]
UserId = Annotated[int, pydantic.Field(ge=0, le=4294967294)]

_NEEDED_BY: Final = {
    'nfs_server': Backend.NATIVE_NFS,
    'nfs_path': Backend.NATIVE_NFS,
    'hostpath': Backend.HOSTPATH,
    'claim_name': Backend.EXISTING_CLAIM,
}


class StorageOptions(config.Options):
    """Options of the application."""

    # Declared first: the others' validators look at it.
    backend_type: Backend = Backend.STORAGE_CLASS
    storage_class: ObjectName = ''
    size: Annotated[str, pydantic.AfterValidator(_size)] = '100Gi'
    access_mode: AccessMode = AccessMode.MANY
    nfs_server: Annotated[str, pydantic.AfterValidator(_host)] = ''
    nfs_path: Folder = ''
    nfs_mount_options: Annotated[str, pydantic.AfterValidator(_mount_options)] = ''
    hostpath: FolderBelowRoot = ''
    hostpath_node: Annotated[str, pydantic.AfterValidator(_node)] = ''
    claim_name: ObjectName = ''
    mount_path: Annotated[FolderBelowRoot, pydantic.AfterValidator(_mount_path)] = '/data'
    puid: UserId = 1000
    pgid: UserId = 1000
    create_layout: bool = True
    cleanup_on_remove: bool = False

    @pydantic.field_validator(*_NEEDED_BY)
    @classmethod
    def _be_set_where_needed(cls, value: str, info: pydantic.ValidationInfo) -> str:
        needing = _NEEDED_BY[info.field_name or '']
        if not value and info.data.get('backend_type') is needing:
            raise ValueError(f'must be set when backend-type is {needing}')
        return value

    @property
    def mount_options(self) -> tuple[str, ...]:
        """The options of an NFS mount, one by one."""
        is_used = self.nfs_mount_options and self.backend_type is Backend.NATIVE_NFS
        return tuple(self.nfs_mount_options.split(',')) if is_used else ()


class CheckStorageParams(config.Options):
    """Parameters of ``check-storage``."""

    wait: Annotated[int, pydantic.Field(ge=0, le=600)] = 60


class ShowStorageParams(config.Options):
    """``show-storage`` takes none."""
