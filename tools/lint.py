# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Runs all linters on the whole workspace, goes on after a failure, and names those that failed.

One list for `make lint`, tox and CI, so that they cannot differ. Run it inside the `lint`
environment: its programs are the ones beside this interpreter.
"""

import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

CHECKS = {
    'style': ('ruff', 'check'),
    'format': ('ruff', 'format', '--check'),
    'types': ('pyright',),
    'layers': ('lint-imports', '--no-cache', '--no-logo'),
    'spelling': ('codespell',),
    'locks': ('python', 'tools/lock.py', '--check'),
}


def passes(name: str) -> bool:
    """Run one check, its output going where ours goes."""
    program, *arguments = CHECKS[name]
    folder = pathlib.Path(sys.executable).parent
    search = os.pathsep.join((str(folder), os.environ.get('PATH', os.defpath)))
    print(f'--- {name}: {" ".join(CHECKS[name])}', flush=True)
    started = time.monotonic()
    done = subprocess.run(
        [str(folder / program), *arguments], cwd=ROOT, env=os.environ | {'PATH': search}
    )
    verdict = 'failed' if done.returncode else 'passed'
    print(f'--- {name} {verdict} ({time.monotonic() - started:.1f} s)', flush=True)
    return done.returncode == 0


def main(wanted: list[str]) -> int:
    """Run the named checks, all of them where none is named."""
    unknown = [name for name in wanted if name not in CHECKS]
    if unknown:
        print(f'unknown check {unknown[0]}; there are: {", ".join(CHECKS)}', file=sys.stderr)
        return 2
    failed = [name for name in wanted or CHECKS if not passes(name)]
    if failed:
        print(f'lint failed: {", ".join(failed)}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
