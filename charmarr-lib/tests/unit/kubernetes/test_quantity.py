# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import contextlib
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charmarr_lib import kubernetes


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('0', '0'),
        ('1Ki', '1024'),
        ('1024Mi', 2**30),
        ('1Gi', 2**30),
        ('1.5Gi', 3 * 2**29),
        ('.5', '0.5'),
        ('100M', '100000000'),
        ('500m', '0.5'),
        ('1e3', '1000'),
        ('2E', '2000000000000000000'),
        ('2E2', '200'),
        ('-3k', '-3000'),
    ],
)
def test_reads_every_notation(text, value):
    assert kubernetes.parse_quantity(text) == decimal.Decimal(value)


NO_QUANTITIES = ['', 'Gi', '10 Gi', '10gb', '1KiB', '0x10', '1e', '9' * 65, '\u0661Gi']


@pytest.mark.parametrize('text', NO_QUANTITIES)
def test_refuses_what_is_no_quantity(text):
    with pytest.raises(kubernetes.InvalidQuantityError, match='such as 100Gi'):
        kubernetes.parse_quantity(text)


@given(st.text(max_size=70))
def test_any_text_is_a_quantity_or_refused(text):
    with contextlib.suppress(kubernetes.InvalidQuantityError):
        assert kubernetes.parse_quantity(text).is_finite()
