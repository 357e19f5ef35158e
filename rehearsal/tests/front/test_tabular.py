# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What ``juju status`` looks like, to the character."""

import dataclasses

from rehearsal import tables, tabular

MODEL = tabular.ModelRow(
    'media', 'k8s', 'microk8s/localhost', '3.6.12', 'unsupported', '21:47:03Z'
)
PLEX = tabular.AppRow(
    name='plex',
    version='1.41.3',
    status='waiting',
    have=1,
    want=2,
    charm='plex-k8s',
    channel='latest/stable',
    revision=12,
    address='10.152.183.40',
    exposed=False,
    message='waiting for units to settle down',
)
LEADER = tabular.UnitRow('plex/0', True, 'active', 'idle', '10.1.34.12', '32400/tcp', '')
FOLLOWER = tabular.UnitRow(
    'plex/1',
    False,
    'waiting',
    'executing',
    '10.1.34.13',
    '',
    'waiting for Pebble',
    'config-changed',
)
SERVER = tabular.RelationRow('plex:media-server', 'seerr:media-server', 'media_server', 'regular')
PEERS = tabular.RelationRow('plex:peers', 'plex:peers', 'plex_peers', 'peer')
STATUS = tabular.Status(MODEL, (PLEX,), (FOLLOWER, LEADER), (PEERS, SERVER))

# The trailing spaces are Juju's: only the last cell of a line is not padded. '|' marks the end.
SAMPLE = """\
Model  Controller  Cloud/Region        Version  SLA          Timestamp|
media  k8s         microk8s/localhost  3.6.12   unsupported  21:47:03Z|
|
App   Version  Status   Scale  Charm     Channel        Rev  Address        Exposed  Message|
plex  1.41.3   waiting    1/2  plex-k8s  latest/stable   12  10.152.183.40  no       \
waiting for units to settle down|
|
Unit     Workload  Agent      Address     Ports      Message|
plex/0*  active    idle       10.1.34.12  32400/tcp  |
plex/1   waiting   executing  10.1.34.13             (config-changed) waiting for Pebble|
|
Integration provider  Requirer            Interface     Type     Message|
plex:media-server     seerr:media-server  media_server  regular  |
plex:peers            plex:peers          plex_peers    peer     |
"""


def ends_marked(text: str) -> str:
    return ''.join(f'{line}|\n' for line in text.split('\n'))


def test_status_with_relations_is_jujus_to_the_character():
    assert ends_marked(tabular.render(STATUS, relations=True)) == SAMPLE


def test_relations_are_left_out_unless_asked_for():
    assert 'Integration provider' not in tabular.render(STATUS)


def test_juju_4_has_no_sla_column():
    model = dataclasses.replace(MODEL, sla=None, version='4.0.1')
    lines = tabular.model_section(model)
    assert lines[0] == 'Model  Controller  Cloud/Region        Version  Timestamp'


def test_an_empty_model_shows_the_model_alone():
    assert tabular.render(tabular.Status(MODEL), relations=True).count('\n') == 1


def test_scale_is_one_number_when_all_units_are_there():
    app = dataclasses.replace(PLEX, have=2)
    row = tabular.render(tabular.Status(MODEL, (app,))).splitlines()[-1]
    assert row.startswith('plex  1.41.3   waiting      2  plex-k8s')


def test_a_long_version_is_cut():
    app = dataclasses.replace(PLEX, version='1.41.3.9314-a0bfb8370-abcdefghijklm')
    assert '1.41.3.9314-a0bfb8370-abcdefgh...  waiting' in tabular.render(
        tabular.Status(MODEL, (app,))
    )


def test_units_are_sorted_as_people_count():
    units = tuple(dataclasses.replace(LEADER, name=f'plex/{n}') for n in (10, 2, 0))
    lines = tabular.render(tabular.Status(MODEL, (), units)).splitlines()[-3:]
    assert [line.split('*')[0] for line in lines] == ['plex/0', 'plex/2', 'plex/10']


def test_a_message_of_two_lines_stays_one_row():
    unit = dataclasses.replace(LEADER, message='first\nsecond')
    assert tabular.render(tabular.Status(MODEL, (), (unit,))).endswith('first second')


def test_storage_is_a_section_of_its_own():
    row = tabular.StorageRow(
        'plex/0', 'config/0', 'filesystem', 'kubernetes', '/config', '10 GiB', 'attached'
    )
    shown = tabular.render(tabular.Status(MODEL, storage=(row,)), storage=True)
    assert shown.splitlines()[-2:] == [
        'Storage Unit  Storage ID  Type        Pool        Mountpoint  Size    Status    Message',
        'plex/0        config/0    filesystem  kubernetes  /config     10 GiB  attached  ',
    ]


def test_a_table_aligns_a_last_column_to_the_right_when_asked():
    assert tables.table(('What', 'Count'), [('reads', '7')], right=('Count',)) == [
        'What   Count',
        'reads      7',
    ]
