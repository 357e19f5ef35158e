# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Kubernetes quantities, such as ``20Gi`` or ``500m``."""

from __future__ import annotations

import decimal
import re
from typing import Final

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_QUANTITY: Final = re.compile(
    r'(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<suffix>Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?',
    re.ASCII,
)
_BINARY: Final = {'Ki': 1, 'Mi': 2, 'Gi': 3, 'Ti': 4, 'Pi': 5, 'Ei': 6}
_DECIMAL: Final = {'n': -9, 'u': -6, 'm': -3, 'k': 3, 'M': 6, 'G': 9, 'T': 12, 'P': 15, 'E': 18}
_MAX_LENGTH: Final = 64


class InvalidQuantityError(ValueError):
    """The text is no Kubernetes quantity."""


def parse_quantity(text: str) -> decimal.Decimal:
    """Return the value of a quantity, in its base unit (bytes for storage).

    Raises:
        InvalidQuantityError: if the text is no quantity.
    """
    found = _QUANTITY.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if found is None:
        raise InvalidQuantityError('must be a quantity such as 100Gi')
    number = decimal.Decimal(found['number'])
    suffix = found['suffix'] or ''
    if suffix in _BINARY:
        return number * 1024 ** _BINARY[suffix]
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:] or 0)
    try:
        return number.scaleb(exponent)
    except (decimal.InvalidOperation, decimal.Overflow):
        raise InvalidQuantityError('must be a quantity such as 100Gi') from None
