# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Posters for films that do not exist, painted and written as PNG and JPEG byte by byte.

A poster is a mosaic of 60 by 90 cells, each of 8 by 8 dots: so a JPEG needs no cosines, because a
cell is one block of a single colour.
"""

from __future__ import annotations

import colorsys
import dataclasses
import functools
import hashlib
import math
import struct
import textwrap
import zlib

WIDTH, HEIGHT, CELL = 60, 90, 8

Colour = tuple[int, int, int]

# Letters of three by five cells: one octal digit a row.
_LETTERS = {
    'A': '25755', 'B': '65656', 'C': '34443', 'D': '65556', 'E': '74647', 'F': '74644',
    'G': '34553', 'H': '55755', 'I': '72227', 'J': '11152', 'K': '55655', 'L': '44447',
    'M': '57755', 'N': '65555', 'O': '25552', 'P': '65644', 'Q': '25563', 'R': '65655',
    'S': '34216', 'T': '72222', 'U': '55557', 'V': '55552', 'W': '55775', 'X': '55255',
    'Y': '55222', 'Z': '71247', '0': '75557', '1': '26227', '2': '61247', '3': '61216',
    '4': '55711', '5': '74616', '6': '34757', '7': '71222', '8': '75757', '9': '75716',
    "'": '22000', '-': '00700', '.': '00002', ':': '02020', '&': '25256', '!': '22202',
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Picture:
    """A mosaic: rows of cells, from the top."""

    rows: tuple[tuple[Colour, ...], ...]

    def png(self) -> bytes:
        """As PNG."""
        width, height = len(self.rows[0]) * CELL, len(self.rows) * CELL
        lines = b''.join(
            (b'\0' + b''.join(bytes(colour) * CELL for colour in row)) * CELL for row in self.rows
        )
        header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
        chunks = (b'IHDR', header), (b'IDAT', zlib.compress(lines, 6)), (b'IEND', b'')
        return b'\x89PNG\r\n\x1a\n' + b''.join(_chunk(name, data) for name, data in chunks)

    def jpeg(self) -> bytes:
        """As baseline JPEG."""
        return _jpeg(self)


@functools.lru_cache(maxsize=256)
def poster(title: str, seed: str) -> Picture:
    """A poster with the title on it: a sky, a sun, hills; the same for the same seed."""
    numbers = hashlib.sha256(seed.encode()).digest()
    cells = [[_sky(numbers, row) for _ in range(WIDTH)] for row in range(HEIGHT)]
    _sun(cells, numbers)
    for depth in range(3):
        _hills(cells, numbers, depth)
    _write(cells, title)
    return Picture(tuple(tuple(row) for row in cells))


@functools.lru_cache(maxsize=256)
def poster_jpeg(title: str, seed: str) -> bytes:
    """A poster as JPEG; see :func:`poster`."""
    return poster(title, seed).jpeg()


def _hue(numbers: bytes, shift: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb((numbers[0] / 256 + shift) % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _sky(numbers: bytes, row: int) -> Colour:
    down = row / HEIGHT
    return _hue(numbers, 0.12 * down, 0.75 - 0.4 * down, 0.25 + 0.55 * down)


def _sun(cells: list[list[Colour]], numbers: bytes) -> None:
    x, y, size = 12 + numbers[1] % 36, 40 + numbers[2] % 16, 7 + numbers[3] % 6
    colour = _hue(numbers, 0.5, 0.25, 0.98)
    for row in range(y - size, y + size + 1):
        for column in range(max(0, x - size), min(WIDTH, x + size + 1)):
            if (row - y) ** 2 + (column - x) ** 2 <= size * size:
                cells[row][column] = colour


def _hills(cells: list[list[Colour]], numbers: bytes, depth: int) -> None:
    colour = _hue(numbers, 0.06 * depth, 0.6, 0.45 - 0.14 * depth)
    for column in range(WIDTH):
        wave = math.sin(column / (5 + numbers[4 + depth] % 9) + numbers[7 + depth])
        top = round(62 + 9 * depth + 4 * wave)
        for row in range(top, HEIGHT):
            cells[row][column] = colour


def _write(cells: list[list[Colour]], title: str) -> None:
    for number, line in enumerate(textwrap.wrap(title.upper(), 14)[:5]):
        left = (WIDTH - 4 * len(line)) // 2
        for place, letter in enumerate(line):
            _letter(cells, 6 + 7 * number, left + 4 * place, _LETTERS.get(letter, '00000'))


def _letter(cells: list[list[Colour]], top: int, left: int, rows: str) -> None:
    for row, digits in enumerate(rows):
        for column in range(3):
            if int(digits, 8) & (4 >> column):
                cells[top + row][left + column] = (250, 246, 235)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


# JPEG: every block is a mean value and nothing else.

# How many codes there are of each length, then what they stand for: the sizes of a difference as
# in the standard's example, and for the rest the one symbol that ends a block.
_MEANS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), bytes(range(12))
_ENDS = bytes([1] + [0] * 15), bytes([0])


def _codes() -> list[str]:
    """The code of each size of a difference."""
    codes: list[str] = []
    code = 0
    for length, count in enumerate(_MEANS[0], 1):
        for _ in range(count):
            codes.append(f'{code:0{length}b}')
            code += 1
        code <<= 1
    return codes


def _jpeg(picture: Picture) -> bytes:
    height, width = len(picture.rows) * CELL, len(picture.rows[0]) * CELL
    parts = b''.join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    frame = struct.pack('>BHHB', 8, height, width, 3) + parts
    scan = bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])
    return b''.join([
        b'\xff\xd8',
        _segment(0xE0, b'JFIF\0\x01\x01\0\0\x01\0\x01\0\0'),
        _segment(0xDB, b'\0' + bytes([8] * 64)),
        _segment(0xC0, frame),
        _segment(0xC4, b'\0' + _MEANS[0] + _MEANS[1]),
        _segment(0xC4, b'\x10' + _ENDS[0] + _ENDS[1]),
        _segment(0xDA, scan),
        _blocks(picture),
        b'\xff\xd9',
    ])  # fmt: skip


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack('>BBH', 0xFF, marker, len(data) + 2) + data


def _blocks(picture: Picture) -> bytes:
    codes, last, bits = _codes(), [0, 0, 0], list[str]()
    for row in picture.rows:
        for colour in row:
            for part, mean in enumerate(_means(colour)):
                bits.append(_difference(mean - last[part], codes) + '0')
                last[part] = mean
    text = ''.join(bits)
    text += '1' * (-len(text) % 8)
    packed = int(text, 2).to_bytes(len(text) // 8, 'big')
    return packed.replace(b'\xff', b'\xff\0')


@functools.cache
def _means(colour: Colour) -> tuple[int, int, int]:
    """Brightness and the two differences of colour, each around 0."""
    red, green, blue = colour
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(bright) - 128,
        max(-128, min(127, round((blue - bright) * 0.564))),
        max(-128, min(127, round((red - bright) * 0.713))),
    )


def _difference(value: int, codes: list[str]) -> str:
    size = abs(value).bit_length()
    if not size:
        return codes[0]
    return codes[size] + f'{value if value > 0 else value + (1 << size) - 1:0{size}b}'
