# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tables in plain text, laid out as Juju lays them out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

GAP = '  '


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()
) -> list[str]:
    """Lay out rows under a header.

    Every column but the last is padded to its widest cell and followed by two spaces, so that a
    line whose last cell is empty ends in spaces, as Juju's do. A line break within a cell becomes
    a space: one row is one line.

    Args:
        header: The columns' names.
        rows: The cells, as many in each row as there are columns.
        right: Names of the columns that are aligned to the right.
    """
    lines = [[_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    ends = [name in set(right) for name in header]
    if not ends[-1]:
        widths[-1] = 0
    return [_line(cells, widths, ends) for cells in lines]


def _line(cells: Sequence[str], widths: Sequence[int], ends: Sequence[bool]) -> str:
    return GAP.join(
        cell.rjust(width) if end else cell.ljust(width)
        for cell, width, end in zip(cells, widths, ends, strict=True)
    )


def _one_line(cell: str) -> str:
    return ' '.join(cell.splitlines())


def natural(text: str) -> list[tuple[str, int]]:
    """Return a sort key that puts ``plex/2`` before ``plex/10``."""
    return [(word, int(digits or 0)) for word, digits in re.findall(r'(\D*)([0-9]*)', text)]
