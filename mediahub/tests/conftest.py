# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Shared by mediahub's tests."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return 'asyncio'
