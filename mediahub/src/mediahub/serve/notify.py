# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tells systemd how it goes, where systemd has started the hub and wants to know."""

from __future__ import annotations

import contextlib
import os
import socket


def tell(state: str) -> None:
    """Send a state such as ``READY=1``; see sd_notify(3). Nobody listening is no error."""
    address = os.environ.get('NOTIFY_SOCKET', '')
    if not address:
        return
    if address.startswith('@'):
        address = '\0' + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(address)
        sender.sendall(state.encode())
