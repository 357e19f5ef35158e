# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Webhooks: what Plex sends is taken, anything else is refused with its own code."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from mediahub.api.webhook_body import LIMITS

from .conftest import MACHINE, MakeHub, Rung, Visit

pytestmark = pytest.mark.anyio

PATH = '/api/v1/plex/webhook'
SECRET = 'a-secret-of-enough-letters'
ON = {'ENABLE_PLEX_WEBHOOKS': 'true', 'PLEX_WEBHOOK_SECRET': SECRET}
OPEN = {'ENABLE_PLEX_WEBHOOKS': 'true'}
JPEG = b'\xff\xd8\xff\xe0' + bytes(20_000)


def payload(event: str = 'media.play', machine: str = MACHINE, **more: Any) -> bytes:
    """As Plex writes it, with the names that differ by case alone."""
    document = {
        'event': event,
        'user': True,
        'owner': True,
        'Account': {'id': 1, 'thumb': '', 'title': 'ada'},
        'Server': {'title': 'living-room', 'uuid': machine},
        'Player': {'local': True, 'publicAddress': '203.0.113.9', 'title': 'tv', 'uuid': 'tv-1'},
        'Metadata': {
            'ratingKey': '7',
            'guid': 'plex://movie/1',
            'Guid': [{'id': 'imdb://tt0196229'}],
            'rating': 7.5,
            'Rating': [{'type': 'audience', 'value': 7.5}],
            'thumb': '/library/metadata/7/thumb/1700000000',
        },
    }
    return json.dumps(document | more).encode()


def form(document: bytes, thumb: bytes = b'', boundary: str = '------------------------b0') -> Any:
    """Headers and body of a form as Plex sends it."""
    parts = [
        b'Content-Disposition: form-data; name="payload"\r\n'
        b'Content-Type: application/json\r\n\r\n' + document
    ]
    if thumb:
        parts.append(
            b'Content-Disposition: form-data; name="thumb"; filename="thumb.jpg"\r\n'
            b'Content-Type: image/jpeg\r\n\r\n' + thumb
        )
    line = f'--{boundary}'.encode()
    body = b''.join(line + b'\r\n' + part + b'\r\n' for part in parts) + line + b'--\r\n'
    return {
        'headers': {'Content-Type': f'multipart/form-data; boundary={boundary}'},
        'content': body,
    }


def code(response: httpx2.Response) -> tuple[int, str]:
    body = response.json()
    assert body['status'] == 'error'
    assert body['data'] is None
    assert set(body['metadata']) == {'timestamp', 'query_time_ms', 'cached'}
    assert SECRET not in response.text
    return response.status_code, body['error']['code']


async def pieces(piece: bytes, count: int, taken: list[int]) -> AsyncGenerator[bytes]:
    for number in range(count):
        taken.append(number)
        yield piece


@pytest.mark.parametrize('thumb', [b'', JPEG])
async def test_form_of_plex_rings_the_bell_of_its_server(visit: Visit, rung: Rung, thumb: bytes):
    async with visit(**ON) as client:
        response = await client.post(f'{PATH}/{SECRET}', **form(payload(), thumb))

    assert response.status_code == 200
    assert response.json()['data'] == {'received': True, 'event': 'media.play'}
    assert rung() == 1


async def test_bare_json_is_taken_too(visit: Visit, rung: Rung):
    async with visit(**ON) as client:
        response = await client.post(
            f'{PATH}?token={SECRET}',
            content=payload('library.new'),
            headers={'Content-Type': 'application/json; charset=utf-8'},
        )

    assert response.status_code == 200
    assert rung() == 1


async def test_thumb_is_kept_only_where_it_is_wanted(visit: Visit, make_hub: MakeHub):
    kept = ('/library/metadata/7/thumb/1700000000', 'any')
    for wanted in (False, True):
        hub = make_hub(**OPEN, PLEX_WEBHOOK_THUMBS=str(wanted))
        async with visit(hub) as client:
            await client.post(PATH, **form(payload(), JPEG))
        assert hub.pictures.get(MACHINE, *kept) == (JPEG if wanted else None)


async def test_thumb_that_is_no_picture_is_dropped(visit: Visit, make_hub: MakeHub):
    hub = make_hub(**OPEN, PLEX_WEBHOOK_THUMBS='true')
    async with visit(hub) as client:
        sent = form(payload(), b'<script>alert(1)</script>')
        assert (await client.post(PATH, **sent)).status_code == 200

    assert not list((hub.settings.home / 'pictures').glob('*'))


async def test_without_a_secret_everybody_may_ring(visit: Visit, rung: Rung):
    async with visit(**OPEN) as client:
        assert (await client.post(PATH, **form(payload()))).status_code == 200


async def test_replayed_webhook_only_rings_again(visit: Visit, rung: Rung):
    async with visit(**ON) as client:
        for _ in range(3):
            assert (await client.post(f'{PATH}/{SECRET}', **form(payload()))).status_code == 200

    assert rung() == 3


async def test_webhooks_are_off_by_default(visit: Visit, rung: Rung):
    async with visit() as client:
        assert code(await client.post(PATH, **form(payload()))) == (404, 'WEBHOOKS_DISABLED')
    assert rung() == 0


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        (PATH, (401, 'MISSING_SIGNATURE')),
        (f'{PATH}/wrong', (401, 'INVALID_TOKEN')),
        (f'{PATH}?token=wrong', (401, 'INVALID_TOKEN')),
        (f'{PATH}?token=', (401, 'MISSING_SIGNATURE')),
        (f'{PATH}/{SECRET[:-1]}', (401, 'INVALID_TOKEN')),
        (f'{PATH}?' + '&'.join(f'a{n}=1' for n in range(50)), (400, 'INVALID_REQUEST')),
    ],
)
async def test_forged_webhook_is_refused(
    visit: Visit, rung: Rung, path: str, expected: tuple[int, str]
):
    async with visit(**ON) as client:
        assert code(await client.post(path, **form(payload()))) == expected
    assert rung() == 0


async def test_two_secrets_are_valid_while_one_is_replaced(visit: Visit):
    old = 'the-secret-of-yesterday'
    async with visit(**ON, PLEX_WEBHOOK_SECRET_PREVIOUS=old) as client:
        for secret in (SECRET, old):
            response = await client.post(f'{PATH}/{secret}', **form(payload()))
            assert response.status_code == 200


@pytest.mark.parametrize('prefix', ['', 'sha256='])
async def test_signature_of_a_signing_proxy_is_taken(visit: Visit, prefix: str):
    async with visit(**ON, PLEX_WEBHOOK_AUTH='hmac') as client:
        sent = form(payload(), JPEG)
        digest = hmac.new(SECRET.encode(), sent['content'], hashlib.sha256).hexdigest()
        sent['headers']['X-Plex-Signature'] = prefix + digest

        assert (await client.post(PATH, **sent)).status_code == 200

        sent['content'] = sent['content'].replace(b'media.play', b'media.stop')
        assert code(await client.post(PATH, **sent)) == (401, 'INVALID_SIGNATURE')


async def test_strict_ways_take_nothing_else(visit: Visit):
    async with visit(**ON, PLEX_WEBHOOK_AUTH='hmac') as client:
        refused = await client.post(f'{PATH}/{SECRET}', **form(payload()))
        assert code(refused) == (401, 'MISSING_SIGNATURE')
    async with visit(**ON, PLEX_WEBHOOK_AUTH='token') as client:
        sent = form(payload())
        sent['headers']['X-Plex-Signature'] = hmac.new(
            SECRET.encode(), sent['content'], hashlib.sha256
        ).hexdigest()
        assert code(await client.post(PATH, **sent)) == (401, 'MISSING_TOKEN')


@pytest.mark.parametrize(
    ('network', 'status'), [('192.0.2.0/24', 200), ('192.0.2.7', 200), ('198.51.100.0/24', 403)]
)
async def test_address_can_be_what_is_believed(visit: Visit, network: str, status: int):
    async with visit(**OPEN, PLEX_WEBHOOK_ALLOW=network) as client:
        assert (await client.post(PATH, **form(payload()))).status_code == status


async def test_webhook_of_a_strange_server_is_refused_and_logged_once(
    visit: Visit, rung: Rung, caplog: pytest.LogCaptureFixture
):
    async with visit(**ON) as client:
        for _ in range(3):
            response = await client.post(f'{PATH}/{SECRET}', **form(payload(machine='other')))
            assert code(response) == (403, 'UNKNOWN_SERVER')

    assert rung() == 0
    warned = [entry for entry in caplog.records if entry.name == 'mediahub.api.webhook']
    assert len(warned) == 1


async def test_line_of_the_log_is_one_and_holds_no_secret(
    visit: Visit, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, 'mediahub.requests')
    async with visit(**ON) as client:
        await client.post(f'{PATH}/{SECRET}', **form(payload()))
        await client.post(f'{PATH}/{SECRET}x', **form(payload()))
        await client.post(f'{PATH}?token={SECRET}', **form(b'{'))

    lines = [entry.getMessage() for entry in caplog.records if entry.name == 'mediahub.requests']
    assert len(lines) == 3
    assert SECRET not in ''.join(lines)
    assert 'code=INVALID_TOKEN' in lines[1]
    assert 'code=INVALID_PAYLOAD' in lines[2]


@pytest.mark.parametrize(
    ('document', 'expected'),
    [
        (b'', 'INVALID_PAYLOAD'),
        (b'{', 'INVALID_PAYLOAD'),
        (b'[]', 'INVALID_PAYLOAD'),
        (b'null', 'INVALID_PAYLOAD'),
        (b'{"event": 7}', 'INVALID_PAYLOAD'),
        (b'{"Event": "media.play"}', 'INVALID_PAYLOAD'),
        (b'\xff\xfe\x00', 'INVALID_PAYLOAD'),
        (b'{"event": "media.play\xc3\x28"}', 'INVALID_PAYLOAD'),
        (b'{"event": "media.play", "Server": "x"}', 'INVALID_PAYLOAD'),
        (b'{"event": "media.play", "x": ' + b'[' * 200_000, 'INVALID_PAYLOAD'),
        (b'{"event": "media.play\\r\\nX-Evil: 1"}', 'INVALID_PAYLOAD'),
        (b'{"event": "' + b'a' * 100 + b'"}', 'INVALID_PAYLOAD'),
        (payload(machine='caf\u00e9 \u202e \ud83d\ude00'), 'UNKNOWN_SERVER'),
        (payload(machine=''), 'UNKNOWN_SERVER'),
        (
            b'{"event": "media.play", "server": {"uuid": "' + MACHINE.encode() + b'"}}',
            'UNKNOWN_SERVER',
        ),
    ],
)
@pytest.mark.parametrize('as_form', [True, False])
async def test_bad_payload_is_refused_in_one_line(
    visit: Visit,
    rung: Rung,
    caplog: pytest.LogCaptureFixture,
    document: bytes,
    expected: str,
    as_form: bool,
):
    caplog.set_level(logging.INFO, 'mediahub.requests')
    sent: Any = (
        form(document)
        if as_form
        else {'content': document, 'headers': {'Content-Type': 'application/json'}}
    )
    async with visit(**OPEN) as client:
        response = await client.post(PATH, **sent)

    assert code(response)[1] == expected
    assert rung() == 0
    lines = [entry.getMessage() for entry in caplog.records if entry.name == 'mediahub.requests']
    assert len(lines) == 1
    assert '\n' not in lines[0]


@pytest.mark.parametrize(
    'content_type',
    ['', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'image/jpeg'],
)
async def test_other_types_of_body_are_refused(visit: Visit, content_type: str):
    headers = {'Content-Type': content_type} if content_type else {}
    async with visit(**OPEN) as client:
        response = await client.post(PATH, content=payload(), headers=headers)

    assert code(response) == (415, 'UNSUPPORTED_MEDIA_TYPE')


async def test_body_that_says_it_is_large_is_not_read(visit: Visit):
    taken: list[int] = []
    headers = form(b'')['headers'] | {'Content-Length': str(1024**3)}
    async with visit(**OPEN) as client:
        response = await client.post(
            PATH, content=pieces(bytes(65536), 16384, taken), headers=headers
        )

    assert code(response) == (413, 'BODY_TOO_LARGE')
    assert response.headers['connection'] == 'close'


async def test_body_that_turns_out_large_is_refused_on_the_way(visit: Visit, rung: Rung):
    taken: list[int] = []
    head = form(payload(), JPEG)
    async with visit(**OPEN) as client:
        response = await client.post(
            PATH, content=pieces(bytes(65536), 16384, taken), headers=head['headers']
        )

    assert response.status_code in {400, 413}
    assert rung() == 0


async def test_large_payload_is_refused(visit: Visit):
    large = payload(filling='x' * LIMITS.payload)
    async with visit(**OPEN) as client:
        assert code(await client.post(PATH, **form(large))) == (413, 'BODY_TOO_LARGE')


async def test_ten_thousand_parts_are_refused(visit: Visit):
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    async with visit(**OPEN) as client:
        response = await client.post(
            PATH,
            content=part * 10_000 + b'--b--\r\n',
            headers={'Content-Type': 'multipart/form-data; boundary=b'},
        )

    assert code(response) == (413, 'TOO_MANY_PARTS')


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'nonsense',
        b'--b\r\n',
        b'--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="payload"\r\n\r\n{}',
        b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n{}\r\n--b--\r\n',
        b'--b\r\n' + b'X: y\r\n' * 100 + b'\r\n{}\r\n--b--\r\n',
        b'--b\r\nX: ' + b'y' * 100_000 + b'\r\n\r\n{}\r\n--b--\r\n',
        b'--b\r\n\x00\xff: \r\n\r\n\r\n--b--\r\n',
    ],
)
async def test_damaged_form_is_refused(visit: Visit, rung: Rung, body: bytes):
    async with visit(**OPEN) as client:
        response = await client.post(
            PATH, content=body, headers={'Content-Type': 'multipart/form-data; boundary=b'}
        )

    assert response.status_code == 400
    assert code(response)[1] in {'INVALID_REQUEST', 'INVALID_PAYLOAD'}
    assert rung() == 0


async def test_endless_boundary_is_refused(visit: Visit):
    async with visit(**OPEN) as client:
        response = await client.post(
            PATH,
            content=b'x',
            headers={'Content-Type': f'multipart/form-data; boundary={"b" * 500}'},
        )

    assert response.status_code == 400


async def test_second_part_of_a_name_does_not_count(visit: Visit):
    sent, other = form(payload('media.play')), form(payload('media.stop'))
    end = sent['content'].rindex(b'\r\n--') + 2
    sent['content'] = sent['content'][:end] + other['content']
    async with visit(**OPEN) as client:
        response = await client.post(PATH, **sent)

    assert response.json()['data']['event'] == 'media.play'


async def test_other_methods_are_refused(visit: Visit):
    async with visit(**ON) as client:
        assert code(await client.get(f'{PATH}/{SECRET}')) == (405, 'METHOD_NOT_ALLOWED')


async def test_webhooks_are_counted_by_event_and_outcome(visit: Visit, make_hub: MakeHub):
    hub = make_hub(**OPEN)
    async with visit(hub) as client:
        await client.post(PATH, **form(payload('media.play')))
        await client.post(PATH, **form(payload('media.unheard')))
        await client.post(PATH, **form(b'{'))

    text = hub.metrics.exposed(()).decode()
    assert 'mediahub_webhooks_total{event="media.play",outcome="taken"} 1.0' in text
    assert 'mediahub_webhooks_total{event="other",outcome="taken"} 1.0' in text
    assert 'mediahub_webhooks_total{event="refused",outcome="INVALID_PAYLOAD"} 1.0' in text
