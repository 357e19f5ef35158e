# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the charm makes of a settings file, for any file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seerr_settings
from charmarr_lib.interfaces import MediaServer
from seerr import Flavour
from seerr_servers import Address
from seerr_settings import Database, Fault, Settings, Stage, Wanted

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
TREES = st.recursive(
    SCALARS,
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
PART_NAMES = ['apiKey', 'mediaServerType', 'applicationUrl', 'ip', 'port', 'trustProxy', 'x']
PARTS = TREES | st.dictionaries(st.sampled_from(PART_NAMES), TREES | st.integers(0, 5), max_size=4)
FILES = st.dictionaries(
    st.sampled_from(['main', 'plex', 'jellyfin', 'network', 'public', 'clientId', 'more']),
    PARTS,
    max_size=5,
).map(Settings)
ADDRESSES = st.builds(
    Address,
    st.sampled_from(['plex', 'jellyfin.media.svc.cluster.local']),
    st.integers(1, 65535),
    st.booleans(),
    st.sampled_from(['', '/base']),
)
WISHES = st.builds(
    Wanted,
    api_key=st.none() | st.text('abc', min_size=1),
    plex=st.none() | ADDRESSES,
    jellyfin=st.none() | ADDRESSES,
    application_url=st.none() | st.sampled_from(['', 'https://requests.example.com']),
    trust_proxy=st.none() | st.booleans(),
)
STAGES = st.sampled_from(Stage)
FLAVOURS = st.sampled_from(Flavour)


@given(FILES, WISHES, STAGES, FLAVOURS)
def test_the_result_always_has_a_media_server_type(settings, wanted, stage, flavour):
    merged = seerr_settings.merge(settings, wanted, stage, flavour)
    if stage is not Stage.FOREIGN and flavour is not Flavour.OVERSEERR:
        assert merged.server_type is not None


@given(FILES, WISHES, STAGES.filter(lambda each: each is not Stage.DONE), FLAVOURS)
def test_a_jellyfin_host_is_never_written_before_the_set_up_is_done(
    settings, wanted, stage, flavour
):
    merged = seerr_settings.merge(settings, wanted, stage, flavour)
    assert merged.values.get('jellyfin') == settings.values.get('jellyfin')


@given(FILES, WISHES, STAGES, FLAVOURS)
def test_doing_it_again_changes_nothing(settings, wanted, stage, flavour):
    once = seerr_settings.merge(settings, wanted, stage, flavour)
    assert seerr_settings.merge(once, wanted, stage, flavour).values == once.values


@given(FILES, WISHES, STAGES, FLAVOURS)
def test_what_the_charm_does_not_know_is_kept(settings, wanted, stage, flavour):
    merged = seerr_settings.merge(settings, wanted, stage, flavour)
    for name in ('public', 'clientId', 'more'):
        assert merged.values.get(name) == settings.values.get(name)
    for part in ('main', 'plex', 'jellyfin', 'network'):
        before = settings.part(part)
        if not before:
            continue
        kept = {k: v for k, v in merged.part(part).items() if k in before}
        assert set(kept) == set(before)
        assert kept.get('x') == before.get('x')


@given(FILES, WISHES, STAGES, FLAVOURS)
def test_a_known_media_server_type_is_never_changed(settings, wanted, stage, flavour):
    merged = seerr_settings.merge(settings, wanted, stage, flavour)
    if settings.server_type is not None:
        assert merged.server_type == settings.server_type


@given(FILES, WISHES, FLAVOURS)
def test_data_of_overseerr_are_left_alone_until_they_are_taken_over(settings, wanted, flavour):
    assert seerr_settings.merge(settings, wanted, Stage.FOREIGN, flavour) is settings


@given(FILES, WISHES, STAGES, FLAVOURS)
def test_merging_leaves_its_input_alone(settings, wanted, stage, flavour):
    before = json.dumps(settings.values)
    seerr_settings.merge(settings, wanted, stage, flavour)
    assert json.dumps(settings.values) == before


@given(FILES)
def test_what_is_rendered_can_be_read_again(settings):
    assert seerr_settings.parse(seerr_settings.render(settings)).values == settings.values


@given(TREES)
def test_only_objects_are_settings(value):
    text = json.dumps(value).encode()
    if isinstance(value, dict):
        assert seerr_settings.parse(text).values == value
    else:
        with pytest.raises(seerr_settings.Damaged):
            seerr_settings.parse(text)


@given(st.binary(max_size=60))
def test_no_content_breaks_the_reader(content):
    try:
        settings = seerr_settings.parse(content)
    except seerr_settings.Damaged:
        return
    assert isinstance(settings.values, dict)


@pytest.mark.parametrize(
    'content',
    [
        pytest.param(b'{"main":', id='truncated'),
        pytest.param(b'{"main": NaN}', id='not a number'),
        pytest.param(b'{"main": 1e999}', id='too large a number'),
        pytest.param(b'[' * 100_000, id='nested too deeply'),
        pytest.param('{"ä": 1}'.encode('latin-1'), id='not utf-8'),
    ],
)
def test_refuses_what_seerr_could_not_read_or_would_read_otherwise(content):
    with pytest.raises(seerr_settings.Damaged):
        seerr_settings.parse(content)


@pytest.mark.parametrize('content', [None, b'', b' \n'])
def test_no_file_and_an_empty_one_are_the_same(content):
    assert seerr_settings.parse(content).values == {}


@given(FILES, st.sampled_from(Database), FLAVOURS)
def test_every_file_has_a_stage_or_a_fault(settings, found, flavour):
    fault = seerr_settings.fault(settings, found, flavour)
    stage = seerr_settings.stage(settings, found, flavour)
    assert fault is None or isinstance(fault, Fault)
    assert isinstance(stage, Stage)
    if stage is Stage.FOREIGN and fault is None:
        assert found is Database.PRESENT


MAIN = {'apiKey': 'k'}
SET_UP = {'main': {'mediaServerType': 1}, 'public': {'initialized': True}}


@pytest.mark.parametrize(
    ('values', 'found', 'flavour', 'stage', 'fault'),
    [
        ({}, Database.ABSENT, Flavour.SEERR, Stage.NEW, None),
        ({}, Database.PRESENT, Flavour.SEERR, Stage.NEW, Fault.EMPTY),
        ({'plex': {}}, Database.PRESENT, Flavour.SEERR, Stage.NEW, Fault.NO_MAIN),
        ({'plex': {}}, Database.ABSENT, Flavour.SEERR, Stage.NEW, None),
        ({'main': MAIN}, Database.ABSENT, Flavour.SEERR, Stage.NEW, None),
        ({'main': MAIN}, Database.PRESENT, Flavour.SEERR, Stage.FOREIGN, None),
        (
            {'main': MAIN},
            Database.WITHOUT_LOG,
            Flavour.SEERR,
            Stage.FOREIGN,
            Fault.DATABASE_WITHOUT_LOG,
        ),
        (SET_UP, Database.PRESENT, Flavour.SEERR, Stage.DONE, None),
        (SET_UP, Database.PRESENT, Flavour.JELLYSEERR, Stage.DONE, None),
        (SET_UP, Database.ABSENT, Flavour.SEERR, Stage.DONE, Fault.NO_DATABASE),
        (SET_UP, Database.WITHOUT_LOG, Flavour.SEERR, Stage.DONE, Fault.DATABASE_WITHOUT_LOG),
        (
            {'main': {'mediaServerType': 2}},
            Database.PRESENT,
            Flavour.SEERR,
            Stage.SIGNED_IN,
            None,
        ),
        (
            {'main': {'mediaServerType': 2}},
            Database.ABSENT,
            Flavour.SEERR,
            Stage.SIGNED_IN,
            Fault.NO_DATABASE,
        ),
        (
            {'main': {'mediaServerType': 4}},
            Database.WITHOUT_LOG,
            Flavour.SEERR,
            Stage.NEW,
            None,
        ),
        ({'main': MAIN}, Database.PRESENT, Flavour.OVERSEERR, Stage.NEW, None),
        (
            {'main': MAIN, 'plex': {'machineId': 'm'}},
            Database.PRESENT,
            Flavour.OVERSEERR,
            Stage.SIGNED_IN,
            None,
        ),
        (
            {'main': MAIN, 'public': {'initialized': True}},
            Database.PRESENT,
            Flavour.OVERSEERR,
            Stage.DONE,
            None,
        ),
    ],
)
def test_stages_and_faults(values, found, flavour, stage, fault):
    settings = Settings(values)
    assert seerr_settings.stage(settings, found, flavour) is stage
    assert seerr_settings.fault(settings, found, flavour) is fault


@pytest.mark.parametrize(
    ('sizes', 'found'),
    [
        ({}, Database.ABSENT),
        ({'db.sqlite3-wal': 9}, Database.ABSENT),
        ({'db.sqlite3': 4096}, Database.WITHOUT_LOG),
        ({'db.sqlite3': 4096, 'db.sqlite3-wal': 0}, Database.WITHOUT_LOG),
        ({'db.sqlite3': 4096, 'db.sqlite3-wal': 9000}, Database.PRESENT),
        ({'db.sqlite3': 90000}, Database.PRESENT),
    ],
)
def test_a_database_is_judged_by_its_sizes(sizes, found):
    assert seerr_settings.database(sizes) is found


@pytest.mark.parametrize(
    ('part', 'address'),
    [
        ({'ip': 'plex', 'port': 32400}, Address('plex', 32400)),
        ({'ip': 'plex', 'port': 443, 'useSsl': True}, Address('plex', 443, True)),
        ({'ip': '', 'port': 32400}, None),
        ({'ip': 'plex'}, None),
        ({'ip': 'plex', 'port': '32400'}, None),
        ({}, None),
    ],
)
def test_reads_the_host_that_is_configured(part, address):
    assert Settings({'plex': part}).address(MediaServer.PLEX) == address


def test_reads_the_base_of_a_jellyfin():
    part = {'ip': 'jellyfin', 'port': 8096, 'urlBase': '/jf'}
    found = Settings({'jellyfin': part}).address(MediaServer.EMBY)
    assert found == Address('jellyfin', 8096, base='/jf')


def test_sends_an_empty_base_rather_than_none():
    # Without it Seerr appends the word "undefined" to the URL.
    assert seerr_settings.jellyfin_fields(Address('jellyfin', 8096))['urlBase'] == ''


def test_its_repr_shows_no_setting():
    assert 'hush' not in repr(Settings({'main': {'apiKey': 'hush'}}))
