# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Runs a charm as Juju's dispatch script does, with its containers' sockets elsewhere.

    python dispatch_process.py CHARM_PY SOCKETS

Juju puts the sockets below ``/charm/containers``, and Kubernetes the credentials below
``/var/run/secrets``, where a machine that is no pod has none.
"""

import atexit
import importlib
import os
import pathlib
import resource
import runpy
import sys
from typing import Any

import ops
from ops import pebble

_JUJUS = '/charm/containers'


def main(charm: str, sockets: str) -> None:
    """Run the charm."""

    class Client(pebble.Client):
        """Finds Pebble in the folder of the measurement."""

        def __init__(self, socket_path: str):
            super().__init__(socket_path.replace(_JUJUS, sockets))

    ops.pebble.Client = Client
    account = os.environ.get('BENCH_ACCOUNT')
    if account:
        # A charm that is trusted imports this anyway.
        reads: Any = importlib.import_module('charmarr_lib.kubernetes._reads')
        reads.SERVICE_ACCOUNT = pathlib.Path(account)
    sys.argv = [charm]
    sys.path[0] = str(pathlib.Path(charm).parent)
    runpy.run_path(charm, run_name='__main__')


def _account() -> None:
    """Leave word of what the hook tools took and, if wanted, of the modules that were loaded."""
    stage = pathlib.Path(os.environ['BENCH_STAGE'])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    (stage / 'tools').write_text(str(used.ru_utime + used.ru_stime))
    wanted = os.environ.get('BENCH_MODULES')
    if wanted:
        (stage / wanted).write_text('\n'.join(sorted(sys.modules)))


if __name__ == '__main__':
    atexit.register(_account)
    main(*sys.argv[1:])
