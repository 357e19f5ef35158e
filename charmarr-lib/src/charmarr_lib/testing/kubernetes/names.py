# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The names that objects, containers and volumes may have, with the API server's objections."""

from __future__ import annotations

import re

_LABEL = r'[a-z0-9]([-a-z0-9]*[a-z0-9])?'
_SUBDOMAIN = rf'{_LABEL}(\.{_LABEL})*'
_OLD_LABEL = r'[a-z]([-a-z0-9]*[a-z0-9])?'

_LABEL_LENGTH = 63
_SUBDOMAIN_LENGTH = 253

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    f"for validation is '{_SUBDOMAIN}')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    f"for validation is '{_LABEL}')"
)
_OLD_LABEL_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    f"regex used for validation is '{_OLD_LABEL}')"
)

_OF_KIND = {'Namespace': 'label', 'Service': 'old label', 'StatefulSet': 'label'}


def objection(kind: str, name: str) -> str | None:
    """Why an object of a kind may not have a name, or None."""
    form = _OF_KIND.get(kind, 'subdomain')
    if form == 'label':
        return label_objection(name)
    if form == 'old label':
        return _check(name, _OLD_LABEL, _LABEL_LENGTH, _OLD_LABEL_RULE)
    return _check(name, _SUBDOMAIN, _SUBDOMAIN_LENGTH, _SUBDOMAIN_RULE)


def label_objection(name: str) -> str | None:
    """Why a container or volume may not have a name, or None."""
    return _check(name, _LABEL, _LABEL_LENGTH, _LABEL_RULE)


def _check(name: str, pattern: str, longest: int, rule: str) -> str | None:
    if len(name) > longest:
        return f'must be no more than {longest} characters'
    return None if re.fullmatch(pattern, name) else rule
