# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Webhooks as a Plex server posts them: multipart, without signature, and never a second time."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import queue
import threading
from collections import deque

import httpx2
import msgspec

from .plex_documents import Node

# The sender gives no second chance, and does not wait for long.
TIMEOUT = 10.0

_BOUNDARY = '------------------------5e6f1c2b7a90d384'

# Events that come with a poster.
WITH_THUMB = frozenset(
    {'media.play', 'media.rate', 'library.new', 'library.on.deck', 'playback.started'}
)


@dataclasses.dataclass(frozen=True)
class Webhook:
    """One message; ``thumb`` is a JPEG, or empty."""

    payload: Node
    thumb: bytes = b''

    @property
    def event(self) -> str:
        """Its event, such as ``media.play``."""
        return self.payload['event']

    @property
    def content_type(self) -> str:
        """The header that goes with :meth:`body`."""
        return f'multipart/form-data; boundary={_BOUNDARY}'

    def body(self) -> bytes:
        """The message as it is posted."""
        parts = [_part('name="payload"', 'application/json', msgspec.json.encode(self.payload))]
        if self.thumb:
            parts.append(_part('name="thumb"; filename="thumb.jpg"', 'image/jpeg', self.thumb))
        return b''.join(parts) + f'--{_BOUNDARY}--\r\n'.encode()


def _part(name: str, kind: str, content: bytes) -> bytes:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\nContent-Type: {kind}\r\n\r\n'
    )
    return head.encode() + content + b'\r\n'


class Hooks:
    """Posts messages to every address, in order, from a thread of its own.

    Attributes:
        urls: Where to.
        thumbs: Whether posters go along.
        signing_key: With it every message has an ``X-Plex-Signature``, which Plex does not add but
            a proxy in front of a receiver may.
        sent: The newest messages.
        answers: The status of each post, or the name of what went wrong.
    """

    def __init__(self, agent: str):
        self._agent = agent
        self.urls: list[str] = []
        self.thumbs = True
        self.signing_key = b''
        self.sent: deque[Webhook] = deque(maxlen=1_000)
        self.answers: deque[int | str] = deque(maxlen=1_000)
        self._queue: queue.Queue[tuple[str, Webhook] | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def send(self, message: Webhook) -> None:
        """Post a message to every address, soon."""
        if not self.thumbs or message.event not in WITH_THUMB:
            message = dataclasses.replace(message, thumb=b'')
        self.sent.append(message)
        for url in self.urls:
            self._queue.put((url, message))
        if self.urls and self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Wait until everything was posted."""
        self._queue.join()

    def close(self) -> None:
        """Post what is left, then end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        with httpx2.Client(timeout=TIMEOUT, headers={'user-agent': self._agent}) as client:
            while (entry := self._queue.get()) is not None:
                self.answers.append(self._post(client, *entry))
                self._queue.task_done()
        self._queue.task_done()

    def _post(self, client: httpx2.Client, url: str, message: Webhook) -> int | str:
        body = message.body()
        headers = {'content-type': message.content_type}
        if self.signing_key:
            digest = hmac.new(self.signing_key, body, hashlib.sha256).hexdigest()
            headers['x-plex-signature'] = digest
        try:
            return client.post(url, content=body, headers=headers).status_code
        except httpx2.HTTPError as error:
            return type(error).__name__
