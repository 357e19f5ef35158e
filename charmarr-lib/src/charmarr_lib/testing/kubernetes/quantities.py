# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Resource quantities: parsing, comparing, and the canonical form that the API server stores."""

from __future__ import annotations

import decimal
import functools
import re

_PATTERN = re.compile(r'([+-]?(?:\d+\.?\d*|\.\d+))([a-zA-Z]*)([-+]?\d*)')
_BINARY = {'Ki': 1, 'Mi': 2, 'Gi': 3, 'Ti': 4, 'Pi': 5, 'Ei': 6}
_DECIMAL = {'n': -9, 'u': -6, 'm': -3, '': 0, 'k': 3, 'M': 6, 'G': 9, 'T': 12, 'P': 15, 'E': 18}
_BY_POWER = {power: suffix for suffix, power in _DECIMAL.items()}
_FINEST = decimal.Decimal('1e-9')

PATTERN_ERROR = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
"""What the API server answers to a quantity that it cannot read."""


def value(text: str | int | float) -> decimal.Decimal:
    """The number that a quantity stands for, rounded up to the nano as the API server does.

    Raises:
        ValueError: the text is not a quantity.
    """
    return _parsed(str(text).strip())[0]


@functools.lru_cache(maxsize=1024)
def canonical(text: str | int | float) -> str:
    """The form in which the API server returns a quantity: ``1024Mi`` comes back as ``1Gi``.

    Raises:
        ValueError: the text is not a quantity.
    """
    written = str(text).strip()
    number, suffix = _parsed(written)
    if suffix in _BINARY:
        return _in_binary(number)
    if _stays(written, suffix):
        return written
    if suffix[:1] in ('e', 'E') and suffix != 'E':
        return _with_power(number, exponent=True)
    return _with_power(number, exponent=False)


def _parsed(text: str) -> tuple[decimal.Decimal, str]:
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(PATTERN_ERROR)
    digits, suffix, exponent = found.groups()
    return _rounded(decimal.Decimal(digits) * _factor(suffix, exponent)), suffix + exponent


def _factor(suffix: str, exponent: str) -> decimal.Decimal:
    if suffix in ('e', 'E') and exponent:
        return decimal.Decimal(10) ** int(exponent)
    if exponent or (suffix not in _BINARY and suffix not in _DECIMAL):
        raise ValueError(PATTERN_ERROR)
    if suffix in _BINARY:
        return decimal.Decimal(1024) ** _BINARY[suffix]
    return decimal.Decimal(10) ** _DECIMAL[suffix]


def _rounded(number: decimal.Decimal) -> decimal.Decimal:
    with decimal.localcontext(prec=60):
        up = decimal.ROUND_CEILING if number > 0 else decimal.ROUND_FLOOR
        return number.quantize(_FINEST, rounding=up)


def _stays(written: str, suffix: str) -> bool:
    """Whether a decimal quantity is kept as it was written.

    The API server keeps what could be read without shifting digits, so ``1.250`` is not turned
    into ``1250m``, though ``1.25`` is.
    """
    whole, _, fraction = written.removesuffix(suffix).lstrip('+-').partition('.')
    digits = (whole.lstrip('0') or '0') + fraction
    power = int(suffix[1:]) if suffix[:1] in ('e', 'E') and suffix != 'E' else 0
    finest = power + _DECIMAL.get(suffix, 0) - len(fraction)
    aligned = finest % 3 == 0 and finest >= _DECIMAL['n']
    return aligned and not digits.endswith('000') and not digits.startswith('0')


def _in_binary(number: decimal.Decimal) -> str:
    # Below 1 Ki, and where a fraction is left, binary quantities are written in decimal.
    if number != number.to_integral_value() or abs(number) < 1024:
        return _with_power(number, exponent=False)
    whole, suffix = int(number), ''
    for name in _BINARY:
        if whole % 1024:
            break
        whole, suffix = whole // 1024, name
    return f'{whole}{suffix}'


def _with_power(number: decimal.Decimal, *, exponent: bool) -> str:
    if not number:
        return '0'
    power = next(step for step in range(18, -10, -3) if not number % decimal.Decimal(10) ** step)
    whole = int(number.scaleb(-power))
    if exponent:
        return f'{whole}e{power}' if power else str(whole)
    return f'{whole}{_BY_POWER[power]}'
