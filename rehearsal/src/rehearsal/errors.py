# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What goes wrong for a reason an operator can act on.

Every message is one line (or Juju's own few), says what is wrong and never holds a secret's
content. Anything else that is raised is a defect of the rehearsal.
"""

from __future__ import annotations

import typing


class RehearsalError(Exception):
    """Something the operator asked for cannot be done.

    Attributes:
        exit_status: What the process answers when this ends it.
    """

    exit_status: typing.ClassVar[int] = 1


class JujuError(RehearsalError):
    """Juju refuses a command; the message is Juju's wording without the leading ``ERROR``."""


class InputError(RehearsalError):
    """What was handed in cannot be read: a file, a key, a flag, a command's name.

    The message is always one line: line breaks in what it quotes become spaces.
    """

    exit_status = 2

    def __init__(self, message: str) -> None:
        super().__init__(' '.join(message.splitlines()))
