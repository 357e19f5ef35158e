# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Which media server is used, when several are related."""

import pytest

from charmarr_lib.interfaces import MediaServer
from seerr_servers import Address, Configured, Server, choose

ALL = frozenset(MediaServer)


def server(app: str, kind: MediaServer = MediaServer.PLEX) -> Server:
    return Server(app, kind, Address(app, 32400))


PLEX, PLEX_4K = server('plex'), server('plex-4k')
JELLYFIN = server('jellyfin', MediaServer.JELLYFIN)
EMBY = server('emby', MediaServer.EMBY)
SET_UP_WITH_PLEX = Configured(MediaServer.PLEX, PLEX.address)


def decide(servers, preferred='', configured=None, usable=ALL, pending=()):
    return choose(servers, preferred, configured=configured, usable=usable, pending=pending)


def test_without_servers_there_is_nothing_to_choose():
    choice = decide([])
    assert (choice.server, choice.others, choice.problem) == (None, (), '')


def test_the_only_one_is_chosen():
    assert decide([PLEX]).server is PLEX


def test_before_the_set_up_plex_is_preset_because_that_does_no_harm():
    choice = decide([JELLYFIN, PLEX])
    assert choice.server is PLEX
    assert choice.others == ('jellyfin',)


def test_before_the_set_up_two_of_a_kind_need_a_decision():
    choice = decide([PLEX, PLEX_4K, JELLYFIN])
    assert choice.server is None
    assert choice.problem == 'set media-server to plex or plex-4k'


def test_the_option_decides():
    assert decide([PLEX, PLEX_4K], 'plex-4k').server is PLEX_4K
    assert decide([PLEX, JELLYFIN], 'jellyfin').server is JELLYFIN


def test_after_the_set_up_only_its_kind_is_used():
    choice = decide([JELLYFIN, PLEX], configured=SET_UP_WITH_PLEX)
    assert choice.server is PLEX
    assert choice.others == ('jellyfin',)


def test_after_the_set_up_the_configured_one_is_kept():
    configured = Configured(MediaServer.PLEX, PLEX_4K.address)
    assert decide([PLEX, PLEX_4K], configured=configured).server is PLEX_4K


def test_after_the_set_up_the_first_related_takes_over_from_one_that_is_gone():
    configured = Configured(MediaServer.PLEX, Address('elsewhere', 32400))
    assert decide([PLEX, PLEX_4K], configured=configured).server is PLEX


def test_after_the_set_up_the_option_moves_it():
    assert decide([PLEX, PLEX_4K], 'plex-4k', SET_UP_WITH_PLEX).server is PLEX_4K


def test_after_the_set_up_another_kind_is_no_replacement():
    choice = decide([JELLYFIN, EMBY], configured=SET_UP_WITH_PLEX)
    assert choice.server is None
    assert choice.problem == ('set up for plex but related to jellyfin (jellyfin), emby (emby)')


def test_after_the_set_up_the_option_cannot_change_the_kind():
    choice = decide([PLEX, JELLYFIN], 'jellyfin', SET_UP_WITH_PLEX)
    assert choice.problem == 'set up for plex but related to jellyfin (jellyfin)'


def test_the_option_has_to_name_a_related_one():
    assert decide([PLEX], 'plex2').problem == (
        'media-server: no media server plex2 is related, related are plex'
    )
    assert 'relate it first' in decide([], 'plex').problem


def test_one_that_has_said_nothing_yet_is_waited_for():
    choice = decide([JELLYFIN], 'plex', pending=['plex'])
    assert (choice.server, choice.problem) == (None, '')


def test_overseerr_knows_only_plex():
    only_plex = frozenset({MediaServer.PLEX})
    assert decide([JELLYFIN, PLEX], usable=only_plex).server is PLEX
    choice = decide([JELLYFIN], usable=only_plex)
    assert choice.problem == 'this image knows only Plex but is related to jellyfin (jellyfin)'


@pytest.mark.parametrize(
    ('url', 'address'),
    [
        ('http://plex:32400', Address('plex', 32400)),
        ('https://plex.example.com', Address('plex.example.com', 443, True)),
        ('http://jf.example.com/media/', Address('jf.example.com', 80, False, '/media')),
        ('http://[fd00::1]:8096', Address('fd00::1', 8096)),
    ],
)
def test_urls_are_taken_apart_and_put_together(url, address):
    assert Address.from_url(url) == address
    assert Address.from_url(address.url) == address
