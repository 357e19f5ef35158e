# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub serve``: puts the parts of the hub together, runs them and stops them in order."""

from .process import run

__all__ = ['run']
