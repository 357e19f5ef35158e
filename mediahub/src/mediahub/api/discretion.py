# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What only administrators see: the addresses that people play from."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ..plays import Play, Seen
from .access import Identity

Playing = TypeVar('Playing', Play, Seen)


def for_eyes(eyes: Identity, playing: Playing) -> Playing:
    """A play as somebody may see it."""
    return playing if eyes.admin else without_address(playing)


def without_address(playing: Playing) -> Playing:
    """A play without addresses."""
    if not playing.player.address:
        return playing
    player = msgspec.structs.replace(playing.player, address='')
    return msgspec.structs.replace(playing, player=player)
