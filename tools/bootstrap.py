# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a command in an environment that it sets up first, where that is needed.

    python3 tools/bootstrap.py GROUP COMMAND [ARGUMENT...]

This file keeps to what every Python 3 can read, so that an old one is answered with a sentence and
not with a SyntaxError. All the work is in `environments`, which only a new enough Python loads.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
NEWER_NAMES = ['python3.14', 'python3.13', 'python3.12', 'python3.11']


def is_new_enough(name: str) -> bool:
    """Whether the interpreter of this name exists, starts, and is new enough.

    It is run and not only looked for: version managers put names on the PATH that then refuse.
    """
    test = 'import sys; sys.exit(sys.version_info[:2] < %r)' % (OLDEST,)
    with open(os.devnull, 'w') as nowhere:
        try:
            return subprocess.call([name, '-c', test], stdout=nowhere, stderr=nowhere) == 0
        except OSError:
            return False


def start_over() -> None:
    """Go on with a newer Python from the PATH, unless PYTHON says which one is wanted."""
    if not os.environ.get('PYTHON'):
        for name in NEWER_NAMES:
            if is_new_enough(name):
                os.execvp(name, [name] + sys.argv)
    words = OLDEST + sys.version_info[:2] + (sys.executable,)
    sys.exit(
        'Charmarr needs Python %d.%d or newer; this is %d.%d (%s). '
        'Set PYTHON, for instance: make rehearse PYTHON=python3.12' % words
    )


if __name__ == '__main__':
    if sys.version_info[:2] < OLDEST:
        start_over()
    import environments

    sys.exit(environments.main(sys.argv[1:]))
