# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the Charmarr charms share.

Import the part you need: :mod:`charmarr_lib.interfaces`, :mod:`charmarr_lib.kubernetes`,
:mod:`charmarr_lib.pebble`, :mod:`charmarr_lib.reconcile`, :mod:`charmarr_lib.ingress`. This module
itself imports nothing, because a hook pays for every import.
"""

__version__ = '0.1.0'
