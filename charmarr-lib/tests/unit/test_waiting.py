# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import time

import httpx2
import pytest

from charmarr_lib import http, waiting


def test_a_pause_lasts_as_long_as_it_says():
    begun = time.monotonic()
    assert waiting.pause(0.01)
    assert time.monotonic() - begun >= 0.01


def test_no_time_passes_where_the_network_is_a_stand_in():
    begun = time.monotonic()
    with http.use_transport(httpx2.MockTransport(lambda _: httpx2.Response(200))):
        assert not waiting.pause(3600)
    assert time.monotonic() - begun < 60


def test_a_pause_can_be_replaced_for_a_while():
    asked: list[float] = []
    with waiting.use_pause(asked.append):
        assert waiting.pause(3600)
    waiting.pause(0)
    assert asked == [3600]


def test_the_pause_comes_back_after_an_error():
    asked: list[float] = []
    with pytest.raises(ValueError, match='no'), waiting.use_pause(asked.append):
        raise ValueError('no')
    waiting.pause(0)
    assert asked == []
