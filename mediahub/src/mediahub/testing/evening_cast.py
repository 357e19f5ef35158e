# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A household, its friends, and what they watch with."""

from __future__ import annotations

import dataclasses

from .plex_living import LivingPlex
from .plex_people import Device, Person


@dataclasses.dataclass(frozen=True)
class Viewer:
    """Somebody in front of a screen.

    Attributes:
        shows: What they follow, by title.
        weight: How much they watch, to others.
    """

    person: Person
    device: Device
    shows: tuple[str, ...] = ()
    weight: int = 3


class Cast:
    """Everybody, by the place where they sit."""

    def __init__(self, plex: LivingPlex):
        jonas, tove = plex.person('Jonas'), plex.person('Tove')
        olle, sam, priya = plex.person('Olle'), plex.person('Sam'), plex.person('Priya')
        self.sofa = Viewer(plex.owner, _television(plex), ('Harbour Street', 'Deep Field'), 5)
        self.desk = Viewer(jonas, _browser(plex), ('Signal Lost',), 3)
        self.tablet = Viewer(tove, _tablet(plex), ('The Tinker Twins',), 5)
        self.armchair = Viewer(olle, _stick(plex), ('Constable Fjord',), 3)
        self.far = Viewer(sam, _far_television(plex), ('Moss & Mortar', 'Harbour Street'), 4)
        self.train = Viewer(priya, _telephone(plex), ('Moss & Mortar',), 2)
        self.kitchen = Viewer(plex.owner, _speaker(plex), (), 2)
        self.bed = Viewer(jonas, _bedroom(plex), ('Constable Fjord',), 2)

    @property
    def viewers(self) -> list[Viewer]:
        """All who watch films and shows."""
        return [self.sofa, self.desk, self.tablet, self.armchair, self.far, self.train, self.bed]


def _television(plex: LivingPlex) -> Device:
    return plex.device(
        'Living room', product='Plex for Apple TV', platform='tvOS', platform_version='18.2',
        device='Apple TV 4K', vendor='Apple', version='8.45', address='192.168.1.21',
    )  # fmt: skip


def _browser(plex: LivingPlex) -> Device:
    return plex.device(
        'Chrome', product='Plex Web', platform='Chrome', platform_version='143.0', device='Linux',
        vendor='Google', version='4.145.1', address='192.168.1.34',
    )  # fmt: skip


def _tablet(plex: LivingPlex) -> Device:
    return plex.device(
        "Tove's tablet", product='Plex for iOS', platform='iOS', platform_version='18.2',
        device='iPad', vendor='Apple', version='8.45', address='192.168.1.40',
    )  # fmt: skip


def _stick(plex: LivingPlex) -> Device:
    return plex.device(
        'Armchair', product='Plex for Roku', platform='Roku', platform_version='14.0',
        device='Roku Express', vendor='Roku', version='7.29.4', address='192.168.1.52',
    )  # fmt: skip


def _far_television(plex: LivingPlex) -> Device:
    return plex.device(
        "Sam's TV", product='Plex for Samsung', platform='Samsung', platform_version='7.0',
        device='QE55Q60', vendor='Samsung', version='5.92.2', address='198.51.100.23',
        public_address='198.51.100.23', local=False,
    )  # fmt: skip


def _telephone(plex: LivingPlex) -> Device:
    return plex.device(
        "Priya's phone", product='Plex for Android (Mobile)', platform='Android',
        platform_version='15', device='Pixel 9', vendor='Google', version='10.30.0',
        address='192.0.2.77', public_address='192.0.2.77', local=False, relayed=True,
    )  # fmt: skip


def _speaker(plex: LivingPlex) -> Device:
    return plex.device(
        'Kitchen', product='Plexamp', platform='Linux', platform_version='6.6',
        device='Raspberry Pi', vendor='', version='4.11.5', address='192.168.1.60',
    )  # fmt: skip


def _bedroom(plex: LivingPlex) -> Device:
    return plex.device(
        'Bedroom', product='Plex for Android (TV)', platform='Android', platform_version='12',
        device='Chromecast', vendor='Google', version='10.30.0', address='192.168.1.63',
    )  # fmt: skip
