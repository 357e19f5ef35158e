# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Options and action parameters of the charm; names and defaults are those of charmcraft.yaml."""

from __future__ import annotations

import enum
import re
from typing import Annotated, Final

import pydantic

from charmarr_lib import config, kubernetes

_LEAST_TRANSCODE_SIZE: Final = '1Gi'
_UTC: Final = 'Etc/UTC'
# tz database, theory.html: file name components of ASCII letters, digits, '.', '-', '+' and '_'.
_ZONE_NAME: Final = re.compile(r'[A-Za-z0-9][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*')
# Extended resources are fully qualified and outside kubernetes.io:
# https://kubernetes.io/docs/tasks/configure-pod-container/extended-resource/
_RESOURCE_DOMAIN: Final = re.compile(
    r'(?!([a-z0-9.-]+\.)?kubernetes\.io/)[a-z0-9]([a-z0-9-]*[a-z0-9])?'
    r'(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?'
)
# Seen in the wild: "claim-" and 20 characters of this alphabet; the length is not documented.
_CLAIM_TOKEN: Final = re.compile(r'claim-[A-Za-z0-9_-]+')


class LogLevel(enum.StrEnum):
    """How much the charm, and Plex in its log files, should say."""

    ERROR = 'error'
    WARNING = 'warning'
    INFO = 'info'
    DEBUG = 'debug'
    TRACE = 'trace'


def _resource(value: str) -> str:
    if value and not _RESOURCE_DOMAIN.fullmatch(value):
        raise ValueError('must be a device plugin resource such as gpu.intel.com/i915, or empty')
    return value


def _size(value: str) -> str:
    if not value:
        return value
    try:
        enough = kubernetes.parse_quantity(value) >= kubernetes.parse_quantity(
            _LEAST_TRANSCODE_SIZE
        )
    except kubernetes.InvalidQuantityError:
        raise ValueError('must be a quantity such as 20Gi, or empty') from None
    if not enough:
        # A folder this small would have the kubelet evict the pod with the first film.
        raise ValueError(f'must be at least {_LEAST_TRANSCODE_SIZE}, such as 20Gi, or empty')
    return value


def _zone(value: str) -> str:
    if value == _UTC:
        return value
    # The database takes a while to find, and most deployments do not ask for it.
    import zoneinfo

    try:
        if not _ZONE_NAME.fullmatch(value):
            raise ValueError(value)
        zoneinfo.ZoneInfo(value)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError('must be an IANA time zone such as Europe/Berlin') from None
    return value


def _claim_token(value: str) -> str:
    token = value.strip()
    if not _CLAIM_TOKEN.fullmatch(token):
        raise ValueError('must look like claim-xxxxxxxxxxxxxxxxxxxx; get one from plex.tv/claim')
    return token


class PlexOptions(config.Options):
    """What ``juju config`` sets."""

    hardware_transcoding: bool = False
    gpu_resource: Annotated[str, pydantic.AfterValidator(_resource)] = ''
    transcode_size: Annotated[str, pydantic.AfterValidator(_size)] = ''
    log_level: LogLevel = LogLevel.INFO
    timezone: Annotated[str, pydantic.AfterValidator(_zone)] = _UTC
    ingress_port: Annotated[int, pydantic.Field(ge=1, le=65535)] = 80


class ClaimServer(config.Options):
    """Parameters of ``claim-server``."""

    token: Annotated[str, pydantic.AfterValidator(_claim_token)] = pydantic.Field(repr=False)
    force: bool = False


class ShowInfo(config.Options):
    """Parameters of ``show-info``: none."""


class ScanLibraries(config.Options):
    """Parameters of ``scan-libraries``."""

    library: str = ''
