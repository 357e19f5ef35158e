# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Lets ``python -m rehearsal`` do what the command ``rehearse`` does."""

import sys

from . import cli

if __name__ == '__main__':
    sys.exit(cli.main())
