# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Loaded by pytest where mediahub is installed: the suite's assertions explain themselves."""

import pytest

_ASSERTING = ('suite', 'uses', 'driver')

pytest.register_assert_rewrite(*(f'mediahub.conformance.{name}' for name in _ASSERTING))


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker, so that ``-m conformance`` selects the kit's tests."""
    config.addinivalue_line('markers', 'conformance: held to the contract of a media server')
