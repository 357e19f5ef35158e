# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Checked field types that the relation models share."""

from __future__ import annotations

import posixpath
import re
import urllib.parse
from typing import Annotated

import pydantic

_DNS_SUBDOMAIN = re.compile(r'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
_MAX_NAME = 253


def _object_name(value: str) -> str:
    if len(value) > _MAX_NAME or not _DNS_SUBDOMAIN.fullmatch(value):
        raise ValueError('must be a Kubernetes object name (lower case, digits, "-" and ".")')
    return value


def _absolute_path(value: str) -> str:
    if not value.startswith('/') or '..' in value.split('/') or '\0' in value:
        raise ValueError('must be an absolute path without ".."')
    if ':' in value:
        # Kubernetes refuses a mountPath with a colon.
        raise ValueError('must not contain ":"')
    # posixpath keeps a leading double slash; a container has no use for it.
    normal = '/' + posixpath.normpath(value).lstrip('/')
    if normal == '/':
        raise ValueError('must not be the root folder')
    return normal


def _http_url(value: str) -> str:
    try:
        parts = urllib.parse.urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError('must be a URL such as http://plex.media.svc:32400') from None
    if parts.scheme not in ('http', 'https') or not parts.hostname or port == 0:
        raise ValueError('must be a URL such as http://plex.media.svc:32400')
    if parts.username is not None or parts.password is not None:
        raise ValueError('must not hold credentials')
    if parts.query or parts.fragment or re.search(r'[\s\x00-\x1f\\]', value):
        raise ValueError('must be a plain URL without query, fragment or spaces')
    return value.rstrip('/')


ObjectName = Annotated[str, pydantic.AfterValidator(_object_name)]
"""Name of a Kubernetes object: a DNS subdomain (RFC 1123)."""

AbsolutePath = Annotated[str, pydantic.AfterValidator(_absolute_path)]
"""Absolute, normalised POSIX path below the root."""

HttpUrl = Annotated[str, pydantic.AfterValidator(_http_url)]
"""``http`` or ``https`` URL without credentials, query or trailing slash."""

UserId = Annotated[int, pydantic.Field(ge=0, le=4294967294)]
"""Numeric user or group id, as Linux takes them."""
