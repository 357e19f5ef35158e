# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Chromium of this machine, driven by Playwright, for tests and pictures of the page."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Generator
from typing import Any, Final

MISSING: Final = 'there is no Chromium; install it, or name one in CHROMIUM'

# Milliseconds that a busy machine may take; what is there is not waited for.
_PATIENCE: Final = 120_000

_FLAGS: Final = (
    '--no-sandbox',  # tests run as root in containers
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
)


def chromium() -> str | None:
    """The program; None where there is none."""
    return (
        os.environ.get('CHROMIUM') or shutil.which('chromium') or shutil.which('chromium-browser')
    )


@contextlib.contextmanager
def opened(program: str) -> Generator[Any]:
    """A browser; a context."""
    from playwright.sync_api import sync_playwright  # a hub needs no Playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def visit(browser: Any) -> Generator[Any]:
    """A page of somebody who was never there; a context.

    Raises:
        AssertionError: When it is left, if a script of the page had a fault.
    """
    context = browser.new_context(viewport={'width': 1440, 'height': 900})
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    faults = list[str]()

    def note(message: Any) -> None:
        _note(message, faults)

    def fail(error: Any) -> None:
        faults.append(str(error))

    page.on('pageerror', fail)
    page.on('console', note)
    yield page
    context.close()
    if faults:
        raise AssertionError(faults)


def _note(message: Any, faults: list[str]) -> None:
    # A request that was refused or cut is what some tests are about; a script's fault is not.
    expected = ('Failed to load resource', 'WebSocket connection')
    if message.type == 'error' and not any(each in message.text for each in expected):
        faults.append(message.text)


def sign_in(page: Any, link: str) -> None:
    """Sign in by a link that works once."""
    page.goto(link)
    page.get_by_role('button').first.click()
    page.get_by_role('heading', name='Now playing').wait_for()
