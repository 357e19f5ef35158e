# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import logging
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from mediahub import plays
from mediahub.engine import errors, wire
from mediahub.playback import importing, plex_api
from mediahub.playback.tautulli import Surroundings, Tautulli
from mediahub.playback.tautulli_import import TautulliImport
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.testing.clocks import HandClock
from mediahub.testing.http import InProcess
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.tautulli import Row, TautulliDouble, User

pytestmark = pytest.mark.anyio

MACHINE = 'e' * 40
EARLIER = datetime.datetime(2024, 3, 1, 20, 0, tzinfo=datetime.UTC)
POLICY = wire.Policy(attempts=2, wait=0)

# The fields of a row as the API reference of ``get_history`` documents them.
DOCUMENTED = {
    'date', 'friendly_name', 'full_title', 'grandparent_rating_key', 'grandparent_title',
    'original_title', 'group_count', 'group_ids', 'guid', 'ip_address', 'live', 'location',
    'machine_id', 'media_index', 'media_type', 'originally_available_at', 'parent_media_index',
    'parent_rating_key', 'parent_title', 'paused_counter', 'percent_complete', 'platform',
    'play_duration', 'product', 'player', 'rating_key', 'reference_id', 'relayed', 'row_id',
    'secure', 'session_key', 'started', 'state', 'stopped', 'thumb', 'title',
    'transcode_decision', 'user', 'user_id', 'watched_status', 'year',
}  # fmt: skip


def kept(database: Database) -> int:
    """How many plays the hub has."""
    return int(database.read('SELECT count(*) FROM finished_plays')[0][0])


@pytest.fixture
def double() -> TautulliDouble:
    return TautulliDouble(MACHINE)


@pytest.fixture
async def pool(double: TautulliDouble) -> AsyncGenerator[httpx2.AsyncClient]:
    async with wire.pool(InProcess(double)) as opened:
        yield opened


@pytest.fixture
def tautulli(double: TautulliDouble, pool: httpx2.AsyncClient) -> Tautulli:
    return Tautulli('http://tautulli.test:8181', double.api_key, pool, POLICY)


def fill(double: TautulliDouble, count: int, **fields: Any) -> None:
    ann = User(31, 'ann', 'Ann')
    double.users.append(ann)
    for number in range(count):
        started = EARLIER + datetime.timedelta(hours=12 * number)
        user = ann if number % 2 else double.users[0]
        double.rows.append(Row(user, started, 3000, 600, section=1 + number % 3, fields=fields))


async def everything(tautulli: Tautulli, **options: Any) -> list[plays.Play]:
    around = await tautulli.surroundings()
    return [play async for page in tautulli.history(around, **options) for play in page]


def test_rows_of_the_double_are_as_documented(double: TautulliDouble):
    fill(double, 1)
    assert double.node(1, double.rows[0]).keys() == DOCUMENTED


async def test_a_row_is_a_play(double: TautulliDouble, tautulli: Tautulli):
    fill(double, 1)
    (play,) = await everything(tautulli)
    assert (play.server, play.source) == (MACHINE, plays.Source.TAUTULLI)
    assert play.started_at == EARLIER
    assert play.stopped_at == EARLIER + datetime.timedelta(seconds=3000)
    assert (play.played_ms, play.paused_ms) == (2_400_000, 600_000)
    assert (play.item.rating_key, play.item.title) == ('4348', 'The Red Woman')
    assert (play.item.media_type, play.item.year) == (plays.MediaType.MOVIE, 2016)
    assert (play.item.library_id, play.item.library) == ('1', 'Films')
    assert (play.player.title, play.player.local) == ('Castle-PC', False)
    assert play.transcoded
    assert play.stream.decision is plays.Decision.TRANSCODE


async def test_the_owner_is_one_and_the_others_keep_their_number(
    double: TautulliDouble, tautulli: Tautulli
):
    fill(double, 2)
    found = await everything(tautulli)
    assert {(play.viewer.account_id, play.viewer.name) for play in found} == {
        ('1', 'The owner'),
        ('31', 'Ann'),
    }


async def test_reads_every_page_of_every_library_once(double: TautulliDouble, tautulli: Tautulli):
    fill(double, 100)
    found = await everything(tautulli, page=7)
    assert len(found) == 100
    assert len({play.play_id for play in found}) == 100
    # A third was in a library that Tautulli lists no more.
    assert sum(play.item.library == '' for play in found) == 33


async def test_leaves_out_what_goes_on_and_what_makes_no_sense(
    double: TautulliDouble, tautulli: Tautulli
):
    fill(double, 1)
    user = double.users[0]
    double.rows += [
        Row(user, EARLIER, 100, going_on=True),
        Row(user, EARLIER, 100, fields={'stopped': 0}),
        Row(user, EARLIER, 100, fields={'started': None}),
        Row(user, EARLIER, -5),
    ]
    assert len(await everything(tautulli)) == 1


async def test_numbers_that_contradict_each_other_give_times_that_fit(
    double: TautulliDouble, tautulli: Tautulli
):
    double.rows.append(
        Row(double.users[0], EARLIER, 100, fields={'paused_counter': 900, 'play_duration': '777'})
    )
    (play,) = await everything(tautulli)
    assert (play.played_ms, play.paused_ms) == (0, 100_000)


@pytest.mark.parametrize('text', [True, False])
async def test_ids_come_as_number_or_text(double: TautulliDouble, tautulli: Tautulli, text: bool):
    kind = str if text else int
    double.rows.append(
        Row(
            double.users[0], EARLIER, 60,
            fields={'rating_key': kind(7), 'user_id': kind(9001), 'live': kind(1)},
        )
    )  # fmt: skip
    (play,) = await everything(tautulli)
    assert (play.item.rating_key, play.viewer.account_id) == ('7', '1')
    assert play.item.media_type is plays.MediaType.LIVE


@pytest.mark.parametrize(
    ('name', 'value', 'kind', 'what'),
    [
        ('api_key', 'other', errors.CredentialsRefused, '401'),
        ('enabled', False, errors.CredentialsRefused, 'not enab'),
        ('broken', True, errors.ProtocolError, 'Unable to exec'),
        ('machine', '', errors.Incompatible, 'finish its set-up'),
    ],
)
async def test_failure_says_what_is_wrong_and_keeps_the_key(
    double: TautulliDouble,
    tautulli: Tautulli,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: object,
    kind: type[Exception],
    what: str,
):
    key = double.api_key
    setattr(double, name, value)
    with caplog.at_level(logging.DEBUG), pytest.raises(kind, match=what) as failure:
        await everything(tautulli)
    assert key not in str(failure.value)
    assert key not in caplog.text


async def test_what_is_no_tautulli_is_told():
    async with wire.pool(httpx2.MockTransport(lambda _: httpx2.Response(200, text='{}'))) as other:
        stranger = Tautulli('http://h', 'key-of-tautulli', other, POLICY)
        with pytest.raises(errors.ProtocolError, match='no answer of Tautulli'):
            await stranger.surroundings()


async def test_an_import_goes_on_where_it_was(
    double: TautulliDouble, tautulli: Tautulli, database: Database, hand_clock: HandClock
):
    record = Plays(database)
    fill(double, 50)
    first = TautulliImport(tautulli, record, database, clock=hand_clock)
    assert await first.try_once()
    assert (first.state.read, first.state.new, kept(database)) == (50, 50, 50)
    double.rows.append(Row(double.users[0], EARLIER + datetime.timedelta(days=30), 60))
    again = TautulliImport(tautulli, record, database, clock=hand_clock)
    assert await again.try_once()
    assert again.state.new == 1
    assert again.state.read < 51  # it reads two days back, not everything
    assert kept(database) == 51


async def test_an_import_that_breaks_off_is_told_and_made_up_for(
    double: TautulliDouble,
    tautulli: Tautulli,
    database: Database,
    hand_clock: HandClock,
    caplog: pytest.LogCaptureFixture,
):
    record = Plays(database)
    fill(double, 5)
    double.broken = True
    job = TautulliImport(tautulli, record, database, clock=hand_clock)
    with caplog.at_level(logging.INFO, 'mediahub'):
        for _ in range(3):
            assert not await job.try_once()
        assert 'Unable to execute' in job.state.problem
        double.broken = False
        for _ in range(3):
            assert await job.try_once()
    assert (job.state.problem, kept(database)) == ('', 5)
    levels = [record.levelno for record in caplog.records if record.name.endswith('importing')]
    assert levels == [logging.WARNING, logging.INFO]
    assert 'complete; 5 entries read, 5 plays added' in caplog.text


async def test_the_server_tells_how_long_items_are(
    double: TautulliDouble, tautulli: Tautulli, hand_clock: HandClock
):
    plex = LivingPlex(hand_clock).stocked()
    film, other = plex.shelves.of_kind('movie')[:2]
    user = double.users[0]
    double.rows += [
        Row(user, EARLIER, 60, fields={'rating_key': film.id, 'title': film.title, 'guid': ''}),
        # A library that was built anew has given the key to another film.
        Row(user, EARLIER, 60, fields={'rating_key': other.id, 'title': 'Lost', 'guid': ''}),
    ]
    async with wire.pool(InProcess(plex)) as opened:
        address = plex_api.Address('den', 'http://plex.test', plex.token)
        shelf = importing.Shelf(plex_api.PlexApi(address, opened, POLICY))
        known, lost = await everything(tautulli, shelf=shelf)
    assert known.item.duration_ms == film.duration_ms
    assert known.percent == 84
    assert (lost.item.title, lost.item.duration_ms, lost.percent) == ('Lost', None, None)


async def test_a_library_that_nobody_names_is_read_all_the_same(
    double: TautulliDouble, tautulli: Tautulli
):
    fill(double, 3)
    bare = Surroundings(machine_id=MACHINE)
    found = [play async for page in tautulli.history(bare) for play in page]
    assert len(found) == 3
