# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The layer goes to Pebble as YAML, which ops writes and which knows plain types only."""

from __future__ import annotations

import ops
import pytest

import seerr
import seerr_options


@pytest.mark.parametrize('level', list(seerr_options.LogLevel))
def test_every_log_level_can_be_sent_to_pebble(level):
    image = seerr.Image(seerr.Flavour.SEERR, '3.4.1', '/app')
    text = ops.pebble.Layer(seerr.layer(image, level, 'Etc/UTC')).to_yaml()
    assert f'LOG_LEVEL: {level.value}' in text
