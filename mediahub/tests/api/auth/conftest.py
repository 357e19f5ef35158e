# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Shared by the tests of signing in."""

from __future__ import annotations

import pytest

from mediahub.api.auth.people import Person, Role


class Seconds:
    """Monotonic seconds that are turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def ada() -> Person:
    return Person('1001', 'ada', Role.ADMIN)


@pytest.fixture
def vera() -> Person:
    return Person('1002', 'vera', Role.VIEWER)
