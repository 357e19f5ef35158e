# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What must hold for whatever a browser, a proxy or Mallory sends."""

import ipaddress
import re
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from mediahub import settings
from mediahub.api.auth import place, returning
from mediahub.api.auth.plextv import Resource, roles
from mediahub.api.auth.tickets import challenge, derived, same
from mediahub.api.envelope import Problem

ORIGIN = 'https://hub.example'
CHOSEN = settings.load({'MEDIAHUB_PUBLIC_URL': ORIGIN})

# Texts that are near to being a path, because random ones hardly ever are.
PATHS = st.text(alphabet='/\\ab.:@%25fFcC09?#&=\t\r\n é', max_size=20).map('/'.__add__)


def as_browsers_read(path: str) -> str:
    """As the URL standard has browsers read it: blanks go, a backslash is a slash."""
    return re.sub(r'[\t\r\n]', '', path).replace('\\', '/')


@given(PATHS)
@example('/%2f%2fevil.example')
@example('/%5c/evil.example')
@example('/%09/evil.example')
def test_path_that_is_returned_to_leads_to_us_however_it_is_read(path: str):
    try:
        accepted = returning.checked(path)
    except Problem:
        return
    for _ in range(5):
        target = urlsplit(urljoin(ORIGIN, as_browsers_read(accepted)))
        assert (target.scheme, target.netloc) == ('https', 'hub.example')
        assert not re.search(r'[\r\n\x00]', accepted)
        accepted = unquote(accepted)


@given(st.text(alphabet='abc/-._~?=&', max_size=40).filter(lambda t: not t.startswith('/')))
def test_ordinary_paths_are_returned_to(rest: str):
    assert returning.checked(f'/{rest}') == f'/{rest}'


HOSTS = st.one_of(
    st.text(alphabet='hub.exampl-:[]@/\\%0123456789 ', max_size=30),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda found: f'[{found}]'),
)


@given(HOSTS, st.sampled_from(['http', 'https', 'ws', 'wss']))
def test_place_is_never_a_host_that_is_not_ours(host: str, scheme: str):
    scope = {'type': 'http', 'scheme': scheme, 'headers': [(b'host', host.encode())]}
    try:
        found = place.of(HTTPConnection(scope), CHOSEN)
    except Problem:
        return
    name = urlsplit(found.origin).hostname or ''
    assert urlsplit(found.origin).netloc == found.authority
    if name not in {'hub.example', 'localhost', CHOSEN.host} and not name.endswith('.localhost'):
        ipaddress.ip_address(name)


@given(st.text(max_size=60), st.text(max_size=60))
def test_only_the_same_ticket_is_the_same(one: str, other: str):
    assert same(one, other) is (one == other)
    assert (challenge(one) == challenge(other)) is (one == other)
    assert (derived(one, 'csrf') == derived(other, 'csrf')) is (one == other)


@given(
    st.lists(
        st.builds(
            Resource,
            client_identifier=st.sampled_from(['a', 'b', 'c', 'd']),
            provides=st.sampled_from(['server', 'client,player', 'server,client', 'servers', '']),
            owned=st.booleans(),
        )
    )
)
def test_nobody_comes_in_by_what_is_no_server_of_ours(resources: list[Resource]):
    found = roles(resources, {'a': 'attic', 'b': 'basement'})
    ours = {
        one.client_identifier
        for one in resources
        if one.client_identifier in 'ab' and 'server' in one.provides.split(',')
    }
    assert set(found) == ours
    for machine, owned in found.items():
        assert any(one.owned is owned for one in resources if one.client_identifier == machine)


@pytest.mark.parametrize('order', [[True, False], [False, True]])
def test_server_that_is_listed_twice_is_owned_if_one_entry_says_so(order: list[bool]):
    twice = [Resource(client_identifier='a', provides='server', owned=owned) for owned in order]
    assert roles(twice, {'a': 'attic'}) == {'a': True}
