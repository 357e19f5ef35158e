# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Decides whether two titles mean the same, and which search result is the best.

Servers search as they like: some ignore accents, some want one field only. So their results are
ranked here, in one way for all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from .values import Track

# 'Song (feat. Somebody)', 'Song [2011 Remaster]': not part of what people search for.
_ASIDE = re.compile(r'[(\[][^()\[\]]*[)\]]')
_SEPARATORS = re.compile(r'[\W_]+')


def key(name: str | None) -> str:
    """What two spellings of one name have in common: letters and digits, no accents, no case.

    Names that consist of signs alone, such as ``+``, keep them.
    """
    if not name:
        return ''
    decomposed = unicodedata.normalize('NFKD', name)
    bare = ''.join(sign for sign in decomposed if not unicodedata.combining(sign))
    folded = bare.casefold()
    return _SEPARATORS.sub(' ', folded).strip() or folded.strip()


def score(track: Track, title: str, artist: str) -> int:
    """How well a track answers a search, 0 (not at all) to 100."""
    titles = _likeness(track.title, title)
    if not artist:
        return titles
    artists = _likeness(track.artist or '', artist)
    return 0 if not titles or not artists else (titles * 2 + artists) // 3


def best(tracks: Iterable[Track], title: str, artist: str, limit: int) -> tuple[Track, ...]:
    """The tracks that answer a search, best first, each once."""
    found = {track.ref: track for track in tracks}
    ranked = [(score(track, title, artist), track) for track in found.values()]
    ranked.sort(key=lambda pair: -pair[0])
    return tuple(track for points, track in ranked if points)[:limit]


def _likeness(have: str, want: str) -> int:
    mine, wanted = key(have), key(want)
    if not wanted or mine == wanted:
        return 100
    if key(_ASIDE.sub(' ', have)) == wanted or key(_ASIDE.sub(' ', want)) == mine:
        return 90
    if not mine:
        return 0
    if f' {wanted} ' in f' {mine} ' or f' {mine} ' in f' {wanted} ':
        return 70
    return 50 if wanted in mine else 0
