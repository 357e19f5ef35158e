# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Keeps the package ``rehearsal`` apart from the folder of the same name.

pytest names a test module after its path, ``rehearsal.tests...``, and makes up the packages on the
way to it. It takes the real package for the first of them only when that is loaded already.
"""

import contextlib

with contextlib.suppress(ImportError):  # the environment of a single charm does not have it
    import rehearsal as rehearsal
