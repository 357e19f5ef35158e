# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The few pages that signing in needs by itself. No script, no style, nothing from elsewhere."""

from __future__ import annotations

import html

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..envelope import Problem

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title></head>
<body><main><h1>{title}</h1>
{body}
</main></body>
</html>
"""

_FORM = """<p>{text}</p>
<form method="post"><button type="submit" autofocus>Sign in</button></form>"""


# With "no-referrer" a browser sends the form with "Origin: null", as a strange page would.
_HEADERS = {'Referrer-Policy': 'same-origin'}


def wanted(request: Request) -> bool:
    """Whether a browser shows the answer to somebody."""
    return 'text/html' in request.headers.get('accept', '')


def confirm(text: str) -> Response:
    """Ask whether to sign in, so that a program that only looks at a link does not use it up."""
    page = _page('mediahub', _FORM.format(text=html.escape(text)))
    return HTMLResponse(page, headers=_HEADERS)


def refused(problem: Problem) -> Response:
    """Say why somebody cannot come in."""
    text = f'<p>{html.escape(problem.message)}</p>\n<p><a href="/">Back to the hub</a></p>'
    return HTMLResponse(_page('Not signed in', text), problem.status, problem.headers)


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=html.escape(title), body=body)
