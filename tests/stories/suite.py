# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The stories: what an operator does, and what comes of it, wherever it happens.

Each is held to the same words in the rehearsal (``tests/rehearsal``) and on a real Juju
(``tests/integration``). So they ask for nothing that only one of them has: no account of Plex, no
GPU, no storage but the cluster's default.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .operator import Operator

Story = Callable[[Operator], None]

_TOKEN = 'claim-not-a-token-of-anybody'
_NEEDS_STORAGE = 'needs storage; run: juju relate plex charmarr-storage'


def everything_is_active_after_the_bundle(operator: Operator) -> None:
    operator.deploys_bundle()
    operator.expects('charmarr-storage', 'active', '100Gi for plex')
    operator.expects('plex', 'active', 'claim-server')
    operator.expects('overseerr', 'active')
    operator.expects('mediahub', 'active', 'no token for plex; run: juju add-secret')


def every_action_that_only_looks_answers(operator: Operator) -> None:
    operator.deploys_bundle()
    plex = operator.runs('plex/0', 'show-info')
    assert plex.completed, plex.message
    assert re.fullmatch(r'http://plex\..+\.svc\.cluster\.local:32400', plex.results['api-url'])
    assert '/data' in plex.results['mounts'].split()
    seerr = operator.runs('overseerr/0', 'show-info')
    assert seerr.completed, seerr.message
    assert seerr.results['flavour'] == 'seerr'
    hub = operator.runs('mediahub/0', 'show-info')
    assert hub.completed, hub.message
    assert str(hub.results['running']).lower() == 'true'
    storage = operator.runs('charmarr-storage/0', 'show-storage')
    assert storage.completed, storage.message
    assert operator.runs('charmarr-storage/0', 'check-storage').completed


def a_plex_without_libraries_has_nothing_to_scan(operator: Operator) -> None:
    operator.deploys_bundle()
    scan = operator.runs('plex/0', 'scan-libraries')
    assert scan.completed, scan.message
    assert scan.results['scanning'] == 'none: there are no libraries'


def a_word_that_is_no_claim_token_is_refused_and_not_repeated(operator: Operator) -> None:
    operator.deploys_bundle()
    claim = operator.runs('plex/0', 'claim-server', token=f'{_TOKEN} !')
    assert not claim.completed
    assert 'token: must look like claim-' in claim.message
    assert _TOKEN not in operator.printed()


def an_account_that_was_not_granted_is_asked_for(operator: Operator) -> None:
    operator.deploys_bundle()
    secret = operator.types('juju add-secret owner token=nobody-shall-read-this').strip()
    for action in ('setup-plex', 'setup-jellyfin'):
        task = operator.runs('overseerr/0', action, credentials=secret)
        assert not task.completed
    assert 'nobody-shall-read-this' not in operator.printed()


def a_backup_can_be_restored(operator: Operator) -> None:
    operator.deploys_bundle()
    backup = operator.runs('overseerr/0', 'backup')
    assert backup.completed, backup.message
    restore = operator.runs(
        'overseerr/0', 'restore', path=backup.results['path'], sha256=backup.results['sha256']
    )
    assert restore.completed, restore.message
    assert restore.results['restored'] == backup.results['path']
    operator.expects('overseerr', 'active')


def plex_without_its_storage_says_what_to_type(operator: Operator) -> None:
    operator.deploys_bundle()
    operator.types('juju remove-relation plex charmarr-storage')
    operator.expects('plex', 'blocked', _NEEDS_STORAGE)
    operator.types('juju integrate plex charmarr-storage')
    operator.expects('plex', 'active')


def a_wrong_option_is_named_and_put_right(operator: Operator) -> None:
    operator.deploys_bundle()
    operator.types('juju config plex timezone=Nowhere/Land')
    operator.expects('plex', 'blocked', 'timezone: must be an IANA time zone')
    operator.types('juju config plex timezone=Europe/Berlin')
    operator.expects('plex', 'active')


def room_for_transcoding_comes_and_goes_with_one_option(operator: Operator) -> None:
    operator.deploys_bundle()
    operator.types('juju config plex transcode-size=1Gi')
    operator.expects('plex', 'active')
    assert '/transcode' in operator.runs('plex/0', 'show-info').results['mounts'].split()
    operator.types('juju config plex --reset transcode-size')
    operator.expects('plex', 'active')
    assert '/transcode' not in operator.runs('plex/0', 'show-info').results['mounts'].split()


def only_one_plex_runs_when_there_are_two(operator: Operator) -> None:
    operator.deploys_bundle()
    operator.types('juju scale-application plex 2')
    operator.expects('plex', 'active', 'only this unit runs Plex')
    operator.types('juju scale-application plex 1')
    operator.expects('plex', 'active')


def without_trust_plex_says_what_to_type(operator: Operator) -> None:
    operator.types("""
        juju deploy charmarr-storage --trust
        juju deploy plex-k8s plex
        juju integrate plex charmarr-storage
    """)
    operator.expects('plex', 'blocked', 'juju trust plex --scope=cluster')
    operator.types('juju trust plex --scope=cluster')
    operator.expects('plex', 'active')


def a_refresh_keeps_everything_active(operator: Operator) -> None:
    operator.deploys_bundle(previous=True)
    operator.types("""
        juju refresh charmarr-storage
        juju refresh plex
        juju refresh overseerr
        juju refresh mediahub
    """)
    operator.expects('charmarr-storage', 'active', '100Gi for plex')
    operator.expects('plex', 'active')
    operator.expects('overseerr', 'active')
    operator.expects('mediahub', 'active')


def all_can_be_removed(operator: Operator) -> None:
    operator.deploys_bundle()
    operator.types('juju remove-application mediahub overseerr plex --no-prompt --destroy-storage')
    operator.types('juju remove-application charmarr-storage --no-prompt')
    for application in ('mediahub', 'overseerr', 'plex', 'charmarr-storage'):
        assert not operator.has(application)


STORIES: tuple[Story, ...] = (
    everything_is_active_after_the_bundle,
    every_action_that_only_looks_answers,
    a_plex_without_libraries_has_nothing_to_scan,
    a_word_that_is_no_claim_token_is_refused_and_not_repeated,
    an_account_that_was_not_granted_is_asked_for,
    a_backup_can_be_restored,
    plex_without_its_storage_says_what_to_type,
    a_wrong_option_is_named_and_put_right,
    room_for_transcoding_comes_and_goes_with_one_option,
    only_one_plex_runs_when_there_are_two,
    without_trust_plex_says_what_to_type,
    a_refresh_keeps_everything_active,
    all_can_be_removed,
)
