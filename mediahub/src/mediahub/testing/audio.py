# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Writes small audio files with tags, byte by byte: FLAC with Vorbis comments, no encoder needed.

The audio is silence: frames with a constant subframe, the shortest that FLAC knows. Players and
servers take them for real.
"""

from __future__ import annotations

import pathlib
import struct
from collections.abc import Mapping

RATE = 8000
BLOCK = 4096


def write_flac(path: pathlib.Path, tags: Mapping[str, str], seconds: float = 1.0) -> None:
    """Write a mono FLAC file of silence; folders are made.

    Args:
        path: Where to.
        tags: Vorbis comments, such as ``TITLE``.
        seconds: Length; differs by less than a block from what is asked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = max(1, round(seconds * RATE / BLOCK))
    samples = blocks * BLOCK
    info = _block(0, _stream_info(samples), last=False) + _block(4, _comments(tags), last=True)
    frames = b''.join(_frame(number) for number in range(blocks))
    path.write_bytes(b'fLaC' + info + frames)


def _block(kind: int, content: bytes, *, last: bool) -> bytes:
    header = (0x80 if last else 0) | kind
    return bytes([header]) + len(content).to_bytes(3, 'big') + content


def _stream_info(samples: int) -> bytes:
    sizes = struct.pack('>HH', BLOCK, BLOCK) + b'\0' * 6
    # 20 bits of rate, 3 of channels - 1, 5 of bits a sample - 1, 36 of samples.
    packed = (RATE << 44) | (0 << 41) | (15 << 36) | samples
    return sizes + packed.to_bytes(8, 'big') + b'\0' * 16


def _comments(tags: Mapping[str, str]) -> bytes:
    vendor = b'mediahub'
    entries = [f'{name}={value}'.encode() for name, value in tags.items()]
    packed = b''.join(struct.pack('<I', len(entry)) + entry for entry in entries)
    return struct.pack('<I', len(vendor)) + vendor + struct.pack('<I', len(entries)) + packed


def _frame(number: int) -> bytes:
    # Sync code, fixed block size; 4096 samples at the rate of the stream info; mono, 16 bits.
    header = b'\xff\xf8' + bytes([0b1100_0000, 0b0000_1000]) + _coded(number)
    header += bytes([_crc(header, 8, 0x07)])
    frame = header + b'\0' + b'\0\0'  # a constant subframe of 0
    return frame + _crc(frame, 16, 0x8005).to_bytes(2, 'big')


def _coded(number: int) -> bytes:
    """A frame number, coded as UTF-8 codes a character."""
    return chr(number).encode('utf-8', 'surrogatepass')


def _crc(content: bytes, bits: int, polynomial: int) -> int:
    top, mask, value = 1 << (bits - 1), (1 << bits) - 1, 0
    for byte in content:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = ((value << 1) ^ (polynomial if value & top else 0)) & mask
    return value
