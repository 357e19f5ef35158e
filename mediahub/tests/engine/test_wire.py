# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx2
import msgspec
import pytest

from mediahub.engine import breaker, coerce, errors, paging, wire

pytestmark = pytest.mark.anyio

Reply = httpx2.Response | Exception

POLICY = wire.Policy(attempts=3, wait=0, longest_wait=5, limits=breaker.Limits(minimum=4))


class Script(httpx2.AsyncBaseTransport):
    """Answers in turn; the last answer is given for ever."""

    def __init__(self, *replies: Reply):
        self._replies = list(replies)
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


Connect = Callable[..., wire.Wire]


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    pools: list[httpx2.AsyncClient] = []

    def connected(script: Script, clock: breaker.Clock | None = None) -> wire.Wire:
        pools.append(wire.pool(script))
        secrets = ('s3cret',)
        headers = {'X-Token': 's3cret'}
        return wire.Wire(
            'den', 'http://h/base/', pools[-1], headers=headers, secrets=secrets, policy=POLICY,
            clock=clock,
        )  # fmt: skip

    yield connected
    for pool in pools:
        await pool.aclose()


def ok(content: bytes = b'{}') -> httpx2.Response:
    return httpx2.Response(200, content=content)


@pytest.mark.parametrize(
    ('reply', 'error'),
    [
        (httpx2.Response(401), errors.CredentialsRefused),
        (httpx2.Response(403), errors.Forbidden),
        (httpx2.Response(404), errors.NotFound),
        (httpx2.Response(409), errors.Conflict),
        (httpx2.Response(429, headers={'Retry-After': '600'}), errors.RateLimited),
        (httpx2.Response(500), errors.ServerFailed),
        (httpx2.Response(504), errors.TimedOut),
        (httpx2.Response(302, headers={'Location': '/login'}), errors.ProtocolError),
        (httpx2.Response(422, content=b'no'), errors.ProtocolError),
        (httpx2.ConnectError('refused'), errors.Unreachable),
        (httpx2.ReadTimeout('late'), errors.TimedOut),
        (httpx2.RemoteProtocolError('garbled'), errors.Unreachable),
    ],
)
async def test_every_failure_has_its_error(
    reply: Reply, error: type[errors.MediaServerError], connect: Connect
):
    with pytest.raises(error) as raised:
        await connect(Script(reply)).get('/x')

    assert type(raised.value) is error
    assert str(raised.value).startswith('den: ')
    assert '\n' not in str(raised.value)


async def test_reads_are_repeated_until_one_succeeds(connect: Connect):
    script = Script(httpx2.ConnectError('refused'), httpx2.Response(502), ok())

    await connect(script).get('/x')

    assert [str(request.url) for request in script.requests] == ['http://h/base/x'] * 3


async def test_changes_are_never_repeated(connect: Connect):
    script = Script(httpx2.ReadError('reset'))

    with pytest.raises(errors.Unreachable):
        await connect(script).send('PUT', '/x')

    assert len(script.requests) == 1


async def test_waits_as_long_as_the_server_asks(connect: Connect):
    script = Script(httpx2.Response(429, headers={'Retry-After': '0'}), ok())

    await connect(script).get('/x')

    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ('given', 'seconds'), [('7', 7), ('', None), ('soon', None), ('-1', None)]
)
def test_reads_retry_after(given: str, seconds: float | None):
    response = httpx2.Response(429, headers={'Retry-After': given})
    assert wire.retry_after(response) == seconds


def test_absurd_date_to_retry_after_is_none():
    late = 'Wed, 21 Oct 99999999999999999999 07:28:00 GMT'
    assert wire.retry_after(httpx2.Response(429, headers={'Retry-After': late})) is None


def test_reads_retry_after_as_a_date():
    response = httpx2.Response(429, headers={'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT'})
    assert wire.retry_after(response) == 0


async def test_html_with_200_is_a_protocol_error_that_quotes_it(connect: Connect):
    connected = connect(Script(ok(b'<html>token s3cret</html>')))
    response = await connected.get('/x')

    with pytest.raises(errors.ProtocolError) as raised:
        connected.decode(response, dict)

    assert '<html>token ***</html>' in str(raised.value)


@pytest.mark.parametrize('place', range(60, 90))
async def test_quotation_cuts_no_secret_in_half(connect: Connect, place: int):
    connected = connect(Script(ok(b'<' + b'x' * place + b's3cret>')))
    response = await connected.get('/x')

    with pytest.raises(errors.ProtocolError) as raised:
        connected.decode(response, dict)

    assert 's3' not in str(raised.value)


async def test_what_a_server_says_steers_no_terminal(connect: Connect):
    connected = connect(Script(ok(b'\x1b[2J\x1b]0;gone\x07 \xc2\x9b31m<html>')))
    response = await connected.get('/x')

    with pytest.raises(errors.ProtocolError) as raised:
        connected.decode(response, dict)

    assert raised.value.sent == '[2J ]0;gone 31m<html>'


@pytest.mark.parametrize(
    ('content', 'title'),
    [
        (rb'{"title": "No\udceb.flac"}', 'No\ufffd.flac'),
        (rb'{"title": "\ud83d"}', '\ufffd'),
        (rb'{"title": "\ud83d\ude00 \ud83d\ud83d\ude00"}', '\U0001f600 \ufffd\U0001f600'),
        (rb'{"title": "\\ud83d \ud83d"}', '\\ud83d \ufffd'),
        (b'{"title": "No\xeb.flac"}', 'No\ufffd.flac'),
    ],
)
async def test_text_that_is_no_unicode_costs_its_characters_only(
    connect: Connect, content: bytes, title: str
):
    connected = connect(Script(ok(content)))
    response = await connected.get('/x')

    assert connected.decode(response, dict[str, str]) == {'title': title}


async def test_json_without_a_bottom_is_a_protocol_error(connect: Connect):
    connected = connect(Script(ok(b'{"a":' * 100_000)))
    response = await connected.get('/x')

    with pytest.raises(errors.ProtocolError):
        connected.decode(response, dict[str, object])


async def test_secrets_are_in_no_error_and_no_log(
    connect: Connect, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)

    with pytest.raises(errors.Unreachable) as raised:
        await connect(Script(httpx2.ConnectError('to http://u:s3cret@h'))).get(
            '/x', (('apiKey', 's3cret'),)
        )

    assert 's3cret' not in str(raised.value)
    assert 's3cret' not in caplog.text


async def test_breaker_opens_after_too_many_failures_and_closes_after_good_probes(
    connect: Connect,
):
    now = [0.0]
    script = Script(*[httpx2.ConnectError('refused')] * 4, ok())
    connected = connect(script, lambda: now[0])
    for _ in range(4):
        with pytest.raises(errors.Unreachable):
            await connected.send('GET', '/x')

    with pytest.raises(errors.CircuitOpen) as rejected:
        await connected.get('/x')
    assert rejected.value.retry_after == 30
    assert len(script.requests) == 4

    now[0] = 31
    await connected.get('/x')
    assert connected.breaker.circuit is breaker.Circuit.HALF_OPEN
    await connected.get('/x')
    assert connected.breaker.circuit is breaker.Circuit.CLOSED


def test_breaker_opens_again_when_a_probe_fails():
    now = [0.0]
    guard = breaker.Breaker('den', breaker.Limits(minimum=2), lambda: now[0])
    for _ in range(2):
        guard.admit()
        guard.failed()
    now[0] = 31
    guard.admit()
    guard.failed()

    assert guard.circuit is breaker.Circuit.OPEN


def test_breaker_lets_few_probes_through_at_a_time():
    now = [0.0]
    guard = breaker.Breaker('den', breaker.Limits(minimum=1, probes=1), lambda: now[0])
    guard.admit()
    guard.failed()
    now[0] = 31
    guard.admit()

    with pytest.raises(errors.CircuitOpen):
        guard.admit()
    guard.abandoned()
    guard.admit()


def test_breaker_forgets_failures_outside_its_window():
    now = [0.0]
    guard = breaker.Breaker('den', breaker.Limits(minimum=2), lambda: now[0])
    guard.failed()
    now[0] = 61
    guard.failed()

    assert guard.circuit is breaker.Circuit.CLOSED


def listing(count: int, served: list[tuple[int, int]], limit: int = 10**6):
    async def fetch(start: int, size: int) -> paging.Batch[int]:
        served.append((start, size))
        if size > limit:
            raise errors.TimedOut('den', 'late')
        rows = list(range(count))[start : start + size]
        return paging.Batch(rows, [str(row) for row in rows], count)

    return fetch


Fetch = Callable[[int, int], Awaitable[paging.Batch[int]]]


async def read(fetch: Fetch, size: paging.PageSize) -> list[int]:
    pages = paging.pages('den', fetch, size)
    return [row async for batch in pages for row in batch.items]


async def test_reads_as_many_pages_as_needed_and_none_more():
    served: list[tuple[int, int]] = []

    assert await read(listing(2500, served), paging.PageSize(1000)) == list(range(2500))
    assert served == [(0, 1000), (1000, 1000), (2000, 1000)]


def untold(count: int, served: list[tuple[int, int]]):
    """A list that does not tell its length."""
    told = listing(count, served)

    async def fetch(start: int, size: int) -> paging.Batch[int]:
        batch = await told(start, size)
        return paging.Batch(batch.items, batch.ids)

    return fetch


@pytest.mark.parametrize(
    ('count', 'expected', 'starts'),
    [
        (250, None, [0, 100, 200, 250]),
        (250, 250, [0, 100, 200]),  # short, and as long as expected
        (250, 240, [0, 100, 200, 250]),
        (250, 260, [0, 100, 200, 250]),
        (200, 200, [0, 100, 200]),  # there may have been more than fitted in
        (250, 100, [0, 100, 200, 250]),
    ],
)
async def test_list_ends_with_an_empty_page_or_a_short_one_that_was_expected(
    count: int, expected: int | None, starts: list[int]
):
    served: list[tuple[int, int]] = []
    pages = paging.pages('den', untold(count, served), paging.PageSize(100), expected=expected)

    assert [row async for batch in pages for row in batch.items] == list(range(count))
    assert [start for start, _ in served] == starts


async def test_page_shrinks_until_it_comes_and_grows_again():
    served: list[tuple[int, int]] = []
    size = paging.PageSize(1000)

    found = await read(listing(1000, served, limit=300), size)

    assert found == list(range(1000))
    assert served[:4] == [(0, 1000), (0, 500), (0, 250), (250, 500)]


async def test_smallest_page_that_fails_fails():
    with pytest.raises(errors.TimedOut):
        await read(listing(100, [], limit=0), paging.PageSize(100))


async def test_page_that_comes_again_is_an_error_and_no_endless_loop():
    async def always_the_same(start: int, size: int) -> paging.Batch[int]:
        return paging.Batch([1, 2], ['1', '2'])

    with pytest.raises(errors.ProtocolError, match='came before'):
        await read(always_the_same, paging.PageSize(2))


async def test_server_that_begins_anew_is_an_error_and_no_endless_loop():
    async def round_and_round(start: int, size: int) -> paging.Batch[int]:
        rows = [start % 6, start % 6 + 1]
        return paging.Batch(rows, [str(row) for row in rows])

    with pytest.raises(errors.ProtocolError, match='came before'):
        await read(round_and_round, paging.PageSize(2))


@pytest.mark.parametrize(
    ('value', 'year'),
    [('2011-05-01', 2011), (1999, 1999), ('19xx', None), ('', None), (0, None), (True, None)],
)
def test_reads_years(value: object, year: int | None):
    assert coerce.year(value) == year


@pytest.mark.parametrize(
    ('value', 'seconds'),
    [
        ('2026-01-01T00:00:00.1234567Z', 1_767_225_600.123456),
        ('2026-01-01T02:00:00+02:00', 1_767_225_600),
        ('2026-01-01T00:00:00', 1_767_225_600),
        ('yesterday', None),
        (7, None),
    ],
)
def test_reads_times_with_and_without_a_zone(value: object, seconds: float | None):
    found = coerce.moment(value)
    assert (found.timestamp() if found else None) == seconds


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 10**30, '9' * 40, 'x', None, '²'])
def test_numbers_that_are_none_are_unknown(value: object):
    assert coerce.integer(value) is None


def test_paths_are_relative_to_the_innermost_folder():
    folders = ['/data', '/data/music/', 'O:\\Media']
    assert coerce.relative_path('/data/music/a/b.flac', folders) == 'a/b.flac'
    assert coerce.relative_path('O:\\Media\\a\\b.flac', folders) == 'a/b.flac'
    assert coerce.relative_path('/database/x.flac', folders) == '/database/x.flac'


def test_values_are_frozen():
    from mediahub.engine.values import ItemRef, Kind

    ref = ItemRef('den', Kind.TRACK, '1')
    with pytest.raises(AttributeError):
        ref.server = 'x'  # pyright: ignore[reportAttributeAccessIssue] - that is the test
    assert msgspec.json.decode(msgspec.json.encode(ref), type=ItemRef) == ref
