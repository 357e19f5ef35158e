# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The page that stands in for app.plex.tv/auth: choose who you are, go back."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .http import Answer

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; background: #1f2326; color: #eee; margin: 0;
  display: grid; place-items: center; min-height: 100vh; }
main { max-width: 26rem; padding: 1.5rem; }
button { display: block; width: 100%; margin: .5rem 0; padding: .75rem 1rem; font: inherit;
  text-align: left; color: inherit; background: #34393d; border: 1px solid #59636b;
  border-radius: .5rem; cursor: pointer; }
button:hover, button:focus-visible { background: #454c52; }
p.small { color: #b9c0c6; font-size: .9rem; }
"""

# What stands behind the # never leaves the browser, so that a script has to read it: Plex has both
# #?name=value and #!?name=value.
_SCRIPT = """
const given = new URLSearchParams(location.hash.replace(/^#!?\\??/, ''));
const product = given.get('context[device][product]') || 'An application';
document.getElementById('product').textContent = product;
for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', async () => {
    const body = new URLSearchParams({code: given.get('code') || '', user: button.value});
    const answer = await fetch('/auth/claim', {method: 'POST', body});
    const forward = given.get('forwardUrl');
    if (!answer.ok) {
      document.getElementById('said').textContent = 'This code is not known, or too old.';
    } else if (/^https?:/.test(forward || '')) {
      location.assign(forward);
    } else {
      document.getElementById('said').textContent = 'Signed in. You can close this window.';
    }
  });
}
"""


def page(users: Iterable[tuple[int, str, str]]) -> Answer:
    """The page.

    Args:
        users: Those to choose from: number, name, and what they may do.
    """
    choices = ''.join(
        f'<button value="{number}">{escape(name)}<br><small>{escape(role)}</small></button>'
        for number, name, role in users
    )
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_STYLE}</style></head><body><main>
<h1>Sign in</h1>
<p><strong id="product"></strong> wants to know who you are.</p>
{choices}
<p id="said" role="status"></p>
<p class="small">This page stands in for app.plex.tv. No account is needed, none is asked for.</p>
</main><script>{_SCRIPT}</script></body></html>"""
    return Answer(200, text.encode(), 'text/html; charset=utf-8')
