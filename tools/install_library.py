# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Installs charmarr-lib into the virtual environment of a charm that is being packed.

    python3 tools/install_library.py "${CRAFT_PART_INSTALL}/venv"
    python3 tools/install_library.py "${CRAFT_PART_INSTALL}/opt/mediahub" mediahub

charmcraft's python plugin installs the charm's lock, and pip takes no local folder beside
requirements with hashes. So each `charmcraft.yaml` calls this before `craftctl default`; the
plugin's own `pip check` then also fails the pack where the lock lacks something that charmarr-lib
needs. It runs on the Python of the charm's base, with nothing but pip. mediahub goes into its rock
in the same way.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = 'charmarr-lib'
BUILDER = ROOT / 'requirements' / 'build.txt'


def python(*arguments: str, path: str = '') -> None:
    """Run this interpreter with one more folder to import from; the pack ends where it fails."""
    variables = os.environ | {'PYTHONPATH': path}
    subprocess.run([sys.executable, *arguments], check=True, env=variables)


def build(package: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Build a package's wheel with the locked flit_core, which stays out of the charm."""
    builder, wheels = str(folder / 'builder'), folder / 'wheels'
    python('-m', 'pip', 'install', '--no-deps', '--target', builder, '-r', str(BUILDER))
    python('-m', 'flit_core.wheel', '--outdir', str(wheels), str(package), path=builder)
    (wheel,) = wheels.glob('*.whl')
    return wheel


def install(venv: pathlib.Path, package: pathlib.Path) -> None:
    """Make the environment that the plugin will go on with, and put the package there."""
    python('-m', 'venv', '--without-pip', str(venv))
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(package, pathlib.Path(folder))
        into = ('--python', str(venv / 'bin' / 'python3'))
        python('-m', 'pip', *into, 'install', '--no-deps', '--no-index', str(wheel))


if __name__ == '__main__':
    if len(sys.argv) not in (2, 3):
        sys.exit('usage: install_library.py VENV [PACKAGE]')
    install(pathlib.Path(sys.argv[1]), ROOT / (sys.argv[2:] or [LIBRARY])[0])
