# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Takes the pictures of the hub's page that the documentation shows, from `mediahub demo`.

    page_pictures.py [FOLDER]       docs/images by default

Needs Chromium on the PATH, or its place in CHROMIUM.
"""

import contextlib
import pathlib
import re
import subprocess
import sys
from collections.abc import Generator
from typing import Any

from mediahub.testing import browser

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Views, with what has to be there before a picture is taken.
VIEWS = {
    'now': '#streams > li:nth-child(3)',
    'history': 'tbody tr:nth-child(10)',
    'charts': '[data-chart="top-titles"] canvas',
    'libraries': '#libraries > li',
    'servers': '#servers > li',
}
SIZES = {'': (1440, 900), '-phone': (360, 740)}
SCHEMES = {'': 'dark', '-light': 'light'}


@contextlib.contextmanager
def demo() -> Generator[str]:
    """Run the demo; yields its sign-in link."""
    command = [sys.executable, '-m', 'mediahub.cli', 'demo', '--speed', '60']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout or ():
                found = re.search(r'http://\S+/auth/link/\S+', line)
                if found:
                    yield found[0]
                    return
            sys.exit('the demo did not start')
        finally:
            process.terminate()


def take(page: Any, link: str, folder: pathlib.Path) -> None:
    """Go through the views."""
    browser.sign_in(page, link)
    for suffix, (width, height) in SIZES.items():
        for shade, scheme in SCHEMES.items():
            page.set_viewport_size({'width': width, 'height': height})
            page.emulate_media(color_scheme=scheme)
            for view, awaited in VIEWS.items():
                if view != 'now' and (suffix or shade):
                    continue
                page.goto(f'{link.partition("/api/")[0]}/#/{view}')
                page.locator(awaited).first.wait_for()
                page.wait_for_timeout(1500)  # posters
                page.screenshot(path=folder / f'{view}{suffix}{shade}.png')


def main(folder: pathlib.Path) -> None:
    """Take all pictures."""
    program = browser.chromium()
    if program is None:
        sys.exit(browser.MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as link, browser.opened(program) as opened, browser.visit(opened) as page:
        take(page, link, folder)


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / 'docs' / 'images')
