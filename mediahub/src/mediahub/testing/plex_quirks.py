# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How Plex servers differ from each other and from what is written of them."""

from __future__ import annotations

import dataclasses
import re

# Paths that only newer servers know, and those that a server may one day know no longer.
OFFICIAL = re.compile(
    r'/library/sections/all|/hubs/continueWatching(/items)?|/:/websocket/notifications'
    r'|/:/eventsource/notifications'
)
LEGACY = re.compile(
    r'/accounts|/devices|/library/sections|/library/onDeck|/transcode/sessions(/.*)?'
    r'|/:/websockets/notifications'
)


@dataclasses.dataclass
class Quirks:
    """Switches; each is one server's habit that was reported.

    Attributes:
        era: ``both``; ``old`` knows no official paths, ``new`` no legacy ones.
        frame_ids: Ids in frames: ``text``, ``number`` or ``mixed``.
        text_sizes: Whether frames and documents have ``size`` as a text.
        number_ids: Whether sessions have user ids and keys as numbers.
        triple_stops: Whether a stop is told three times, twice without item.
        repeats: How often every frame is sent again.
        shuffle: How many frames are held back and sent in another order.
        silent: Whether listeners hear nothing, no ping and no answer to one, though they are
            connected.
        lag: Seconds until a session shows up, and after its end is gone.
        starting: What a server answers that is not up yet: ``empty`` lists no sessions, ``503``
            answers that to everything; empty when it is up.
    """

    era: str = 'both'
    frame_ids: str = 'text'
    text_sizes: bool = False
    number_ids: bool = False
    triple_stops: bool = False
    repeats: int = 0
    shuffle: int = 0
    silent: bool = False
    lag: float = 0
    starting: str = ''

    def knows(self, path: str) -> bool:
        """Whether a server of this era has the path."""
        absent = {'old': OFFICIAL, 'new': LEGACY}.get(self.era)
        return absent is None or absent.fullmatch(path) is None
