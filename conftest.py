# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Keeps the packages ``rehearsal`` and ``mediahub`` apart from the folders of the same names.

pytest names a test module after its path, ``rehearsal.tests...``, and makes up the packages on the
way to it. It takes the real package for the first of them only when that is loaded already.
"""

import contextlib
import importlib

for package in ('mediahub', 'rehearsal'):
    with contextlib.suppress(ImportError):  # the environment of a single charm has neither
        importlib.import_module(package)
