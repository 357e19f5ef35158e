# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What people do on the page, and what they see."""

import os
import pathlib
from typing import Any

import pytest

from mediahub.testing import plex_delivery

ROOT = pathlib.Path(__file__).parents[3]
# Set to a folder, such as docs/images, to keep pictures of the page.
PICTURES = os.environ.get('MEDIAHUB_PICTURES')


def card(page: Any, title: str) -> Any:
    return page.locator('#streams > li').filter(has_text=title)


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.screenshot(path=ROOT / PICTURES / f'{name}.png')


def test_somebody_whom_the_server_is_shared_with_signs_in_with_plex(house: Any, visitor: Any):
    visitor.goto(house.hub.url)
    visitor.get_by_role('button', name='Sign in with Plex').click()
    visitor.wait_for_url(f'{house.tv.url}/**')
    visitor.get_by_role('button', name=house.tv.owner.name).click()
    visitor.get_by_role('heading', name='Now playing').wait_for()
    assert visitor.url.startswith(house.hub.url)
    visitor.get_by_role('button', name='Sign out').click()
    visitor.get_by_role('button', name='Sign in with Plex').wait_for()


def test_a_stranger_is_told_that_they_may_not_come_in(house: Any, visitor: Any):
    visitor.goto(house.hub.url)
    visitor.get_by_role('button', name='Sign in with Plex').click()
    visitor.wait_for_url(f'{house.tv.url}/**')
    visitor.get_by_role('button', name='Stranger').click()
    visitor.wait_for_url(f'{house.hub.url}/**')
    assert visitor.get_by_role('heading', name='Now playing').count() == 0
    visitor.goto(house.hub.url)
    visitor.get_by_role('button', name='Sign in with Plex').wait_for()


def test_a_session_appears_goes_on_pauses_and_ends_without_a_reload(
    until: Any, house: Any, page: Any
):
    page.evaluate('window.neverReloaded = true')
    session = house.play('The Long Ferry')
    session.deliver(plex_delivery.picture('720', burn=True))
    stream = card(page, 'The Long Ferry')
    stream.wait_for()
    assert 'Anna' in stream.inner_text()
    stream.get_by_text('Transcode').wait_for()
    position = stream.locator('.times span').first
    before = position.inner_text()
    until(lambda: position.inner_text() != before, 'the position moves')
    picture(page, 'now-playing')
    session.pause()
    stream.get_by_text('Paused').wait_for()
    session.resume()
    stream.get_by_text('Playing').wait_for()
    session.stop()
    stream.get_by_text('Ended').wait_for()
    stream.wait_for(state='detached')
    assert page.evaluate('window.neverReloaded') is True


def test_what_a_server_calls_a_film_is_text(house: Any, page: Any):
    house.plex.shelves.add_film('<img src=x onerror="window.hacked=1"> & Söhne “€”', 2020, 90)
    session = house.play('<img src=x onerror="window.hacked=1"> & Söhne “€”')
    card(page, '<img src=x onerror="window.hacked=1"> & Söhne “€”').wait_for()
    assert page.evaluate('window.hacked') is None
    session.stop()


def test_stopping_a_stream_asks_first(until: Any, house: Any, page: Any):
    session = house.play('Nine Lanterns')
    stop = card(page, 'Nine Lanterns').get_by_role('button', name='Stop the stream')
    stop.click()
    dialog = page.get_by_role('dialog')
    dialog.get_by_role('button', name='Cancel').click()
    assert session.live
    stop.click()
    dialog.get_by_label('Message to the viewer').fill('Bedtime')
    dialog.get_by_role('button', name='Stop stream').click()
    until(lambda: not session.live, 'the server ends the stream')


def test_a_viewer_can_stop_nothing(house: Any, visitor: Any):
    session = house.play('A Small Orchard')
    visitor.goto(house.hub.url)
    visitor.get_by_role('button', name='Sign in with Plex').click()
    visitor.get_by_role('button', name=house.tv.friend.name).click()
    card(visitor, 'A Small Orchard').wait_for()
    assert visitor.get_by_role('button', name='Stop the stream').count() == 0
    session.stop()


@pytest.fixture
def watched(until: Any, house: Any) -> None:
    """Anna has watched a film, and the hub knows it."""
    if house.finished('A Small Orchard'):
        return
    session = house.play('A Small Orchard')
    until(lambda: house.live('A Small Orchard'), 'the hub sees it')
    session.seek(80 * 60_000)
    session.stop()
    until(lambda: house.finished('A Small Orchard'), 'the hub has written it down')


def test_history_is_filtered_and_the_filter_is_in_the_address(
    until: Any, house, watched, page: Any
):
    page.get_by_role('link', name='History').click()
    rows = page.locator('tbody tr')
    until(lambda: rows.count() >= 1, 'there is history')
    page.get_by_label('Title').fill('Orchard')
    until(lambda: rows.count() and 'Orchard' in rows.first.inner_text(), 'it is filtered')
    until(
        lambda: 'search=Orchard' in page.evaluate('location.hash'), 'the filter is in the address'
    )
    page.get_by_label('Title').fill('nothing of that name')
    page.get_by_text('No play matches.').wait_for()
    page.reload()
    page.get_by_text('No play matches.').wait_for()
    page.get_by_role('button', name='Clear').click()
    until(lambda: rows.count() >= 1, 'all is there again')
    picture(page, 'history')


def test_a_chart_is_drawn_and_its_numbers_can_be_read(house, watched, page: Any):
    page.get_by_role('link', name='Charts').click()
    chart = page.locator('[data-chart="by-user"]')
    chart.locator('canvas').wait_for()
    chart.locator('summary').click()
    chart.get_by_role('rowheader', name='Anna').wait_for()
    picture(page, 'charts')


def test_a_scan_runs_with_its_progress(until: Any, house: Any, page: Any):
    page.get_by_role('link', name='Libraries').click()
    library = page.locator('#libraries > li').first
    library.wait_for()
    picture(page, 'libraries')
    library.get_by_role('button').click()
    library.get_by_text('Scanning').wait_for()
    house.plex.scans.clear()
    until(lambda: 'Scanning' not in library.inner_text(), 'the scan ends')


def test_a_server_of_another_kind_shows_and_is_scanned(until: Any, house: Any, page: Any):
    page.get_by_role('link', name='Servers').click()
    server = page.locator('[data-server="cellar"]')
    server.get_by_text('libraries only').wait_for()
    server.get_by_text('jellyfin').wait_for()
    server.get_by_text('Connected').first.wait_for()
    page.get_by_role('link', name='Libraries').click()
    scan = page.get_by_role('button', name='Scan Music on cellar')
    scan.click()
    page.locator('#libraries > li').filter(has=scan).get_by_text('Scanning 42 %').wait_for()
    house.jellyfin.finish_scan()
    until(scan.is_enabled, 'the scan ends')


def test_servers_say_how_they_are(house: Any, page: Any):
    page.get_by_role('link', name='Servers').click()
    server = page.locator('#servers > li').first
    server.get_by_text('Connected').first.wait_for()
    picture(page, 'servers')


def test_a_lost_connection_heals_with_everything_there(house: Any, page: Any):
    session = house.play('The Long Ferry')
    card(page, 'The Long Ferry').wait_for()
    page.evaluate('window.neverReloaded = true')
    house.hub.kill()
    page.get_by_text('Reconnecting').wait_for()
    house.hub.start()
    page.get_by_text('● Live').wait_for()
    card(page, 'The Long Ferry').get_by_text('Playing').wait_for()
    assert card(page, 'The Long Ferry').count() == 1
    assert page.evaluate('window.neverReloaded') is True
    session.stop()


VIEWS = ['now', 'history', 'charts', 'libraries', 'servers']


@pytest.mark.parametrize('width', [360, 1440])
@pytest.mark.parametrize('view', VIEWS)
def test_fits_a_phone_and_a_desktop(house, watched, page: Any, view: str, width: int):
    page.set_viewport_size({'width': width, 'height': 800})
    page.goto(f'{house.hub.url}/#/{view}')
    page.get_by_role('heading', level=1).wait_for()
    page.wait_for_load_state('networkidle') if view != 'now' else None
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    if width == 360:
        picture(page, f'{view}-phone')


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('view', VIEWS)
def test_has_no_serious_barrier(house, watched, page: Any, view: str, scheme: str):
    from axe_playwright_python.sync_playwright import Axe  # pyright: ignore[reportMissingTypeStubs] -- it has none

    session = house.play('Nine Lanterns')
    page.emulate_media(color_scheme=scheme)
    page.goto(f'{house.hub.url}/#/{view}')
    page.get_by_role('heading', level=1).wait_for()
    if view == 'now':
        card(page, 'Nine Lanterns').wait_for()
    if view == 'charts':
        page.locator('canvas').first.wait_for()
    found = Axe().run(page).response['violations']
    serious = [each for each in found if each['impact'] in ('serious', 'critical')]
    session.stop()
    assert [(each['id'], [node['html'] for node in each['nodes']][:3]) for each in serious] == []


def test_everything_comes_from_the_hub_itself(house: Any, visitor: Any):
    asked: list[str] = []
    visitor.on('request', lambda request: asked.append(request.url))
    visitor.goto(house.hub.sign_in_link())
    visitor.get_by_role('button').first.click()
    for view in VIEWS:
        visitor.goto(f'{house.hub.url}/#/{view}')
        visitor.get_by_role('heading', level=1).wait_for()
    assert asked
    assert [url for url in asked if not url.startswith(house.hub.url)] == []


def test_can_be_used_with_the_keyboard_alone(house: Any, page: Any):
    page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.textContent') == 'Skip to content'
    page.keyboard.press('Enter')
    page.get_by_role('link', name='History').focus()
    page.keyboard.press('Enter')
    page.get_by_role('heading', name='History').wait_for()
    assert page.evaluate('document.activeElement.id') == 'content'


def test_a_chosen_theme_stays(house: Any, page: Any):
    page.get_by_role('button', name='Colours: auto').click()
    page.get_by_role('button', name='Colours: light').click()
    page.reload()
    page.get_by_role('button', name='Colours: dark').wait_for()
    assert page.evaluate('document.documentElement.dataset.theme') == 'dark'
