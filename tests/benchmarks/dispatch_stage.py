# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A charm in a folder of its own, with stand-ins for Juju's hook tools, run in fresh processes.

A hook tool here is a shell script that prints what was prepared, using nothing but what the shell
has built in: in a pod it is Juju's own program, whose time is not the charm's. The time of the
tools is measured apart and left out.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from rehearsal import charm_context, model

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]

_ASKING = (
    *('config-get', 'goal-state', 'is-leader', 'opened-ports', 'relation-get', 'relation-ids'),
    *('relation-list', 'secret-get', 'secret-info-get'),
)
_TELLING = (
    *('application-version-set', 'juju-log', 'open-port', 'close-port', 'relation-set'),
    *('secret-add', 'secret-set', 'state-set', 'status-set'),
)
_ASK = """#!/bin/sh
echo "${0##*/}" >>"$BENCH_STAGE/calls"
answer="$BENCH_STAGE/answers/${0##*/} $*"
if [ -f "$answer" ]; then
    while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done <"$answer"
elif [ -f "$answer-none" ]; then
    echo 'ERROR not found' >&2
    exit 1
else
    printf '%s\\n' "${0##*/}" "$@" >"$BENCH_STAGE/missing"
    exit 1
fi
"""
_TELL = """#!/bin/sh
printf '%s\\n' "${0##*/}" >>"$BENCH_STAGE/calls"
case ${0##*/} in juju-log) ;; *) printf '%s\\n' "${0##*/} $*" >>"$BENCH_STAGE/told" ;; esac
"""
_MOST_QUESTIONS = 100

Answer = Callable[[str, Sequence[str]], 'str | None']


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one process took.

    Attributes:
        seconds: CPU time, user and system, of the process without that of its hook tools.
        tools: How many hook tools it called.
    """

    seconds: float
    tools: int


class NotSteadyError(Exception):
    """The dispatch changed something, or failed."""


class Stage:
    """The surroundings of one unit.

    Args:
        folder: An empty folder.
        charm: The unit's charm.
        unit: Name of the unit.
        model_name: Name of the model.
        answer: What hook tools answer.
        environment: Further variables.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        charm: model.Charm,
        unit: str,
        model_name: str,
        answer: Answer,
        environment: Mapping[str, str],
    ):
        self.folder = folder
        self.sockets = folder / 'c'
        self._charm = folder / 'charm'
        self._answer = answer
        for each in (self.sockets, self._charm, folder / 'bin', folder / 'answers'):
            each.mkdir()
        charm_context.unpack(charm, self._charm)
        for tools, script in ((_ASKING, _ASK), (_TELLING, _TELL)):
            for tool in tools:
                program = folder / 'bin' / tool
                program.write_text(script)
                program.chmod(0o755)
        self._environment = {
            **_environment(folder, self._charm, unit, model_name),
            **environment,
        }

    def reach_kubernetes_at(self, port: int) -> None:
        """Tell the charm where the API server is, as the kubelet does."""
        self._environment['KUBERNETES_SERVICE_HOST'] = '127.0.0.1'
        self._environment['KUBERNETES_SERVICE_PORT'] = str(port)

    def dispatch(self) -> Cost:
        """Run update-status in a fresh process.

        Raises:
            NotSteadyError: if it failed, or told Juju more than its status and its version.
        """
        for _ in range(_MOST_QUESTIONS):
            self._forget()
            program = [str(HERE / 'dispatch_process.py'), str(self._charm / 'src' / 'charm.py')]
            cost, code, errors = self._run([*program, str(self.sockets)])
            missing = self.folder / 'missing'
            if not missing.exists():
                self._check(code, errors)
                return cost
            tool, *words = missing.read_text().splitlines()
            self._prepare(tool, words)
        raise NotSteadyError('the charm asks Juju without end')

    def imports(self, code: str) -> Cost:
        """Run a piece of Python, with the charm's modules in reach, in a fresh process.

        Raises:
            NotSteadyError: if it fails.
        """
        self._forget()
        cost, status, errors = self._run(['-c', code])
        if status:
            raise NotSteadyError(errors)
        return cost

    def modules(self) -> frozenset[str]:
        """Return the modules that a dispatch loads."""
        self._environment['BENCH_MODULES'] = 'modules'
        self.dispatch()
        del self._environment['BENCH_MODULES']
        return frozenset(self._read('modules').splitlines())

    def told(self) -> list[str]:
        """Return what the last dispatch told Juju."""
        return self._read('told').splitlines()

    def _forget(self) -> None:
        for name in ('calls', 'told', 'missing', 'tools'):
            (self.folder / name).unlink(missing_ok=True)

    def _prepare(self, tool: str, words: Sequence[str]) -> None:
        answer = self._answer(tool, words)
        target = self.folder / 'answers' / f'{tool} {" ".join(words)}'
        if answer is None:
            target = target.with_name(f'{target.name}-none')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(answer or '')

    def _check(self, code: int, errors: str) -> None:
        if code:
            raise NotSteadyError(errors)
        allowed = ('status-set', 'application-version-set')
        changes = [each for each in self.told() if not each.startswith(allowed)]
        if changes:
            raise NotSteadyError(f'in steady state the charm runs: {"; ".join(changes)}')

    def _run(self, arguments: Sequence[str]) -> tuple[Cost, int, str]:
        errors = self.folder / 'errors'
        with errors.open('wb') as sink:
            process = subprocess.Popen(  # noqa: S603 -- our own interpreter on our own code
                [sys.executable, *arguments],
                env=self._environment,
                cwd=self._charm,
                stdout=subprocess.DEVNULL,
                stderr=sink,
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        # What the kernel counts for a process holds what its children took.
        seconds = used.ru_utime + used.ru_stime - float(self._read('tools') or 0)
        cost = Cost(seconds, len(self._read('calls').splitlines()))
        return cost, process.returncode, errors.read_text()

    def _read(self, name: str) -> str:
        target = self.folder / name
        return target.read_text() if target.exists() else ''


def _environment(
    folder: pathlib.Path, charm: pathlib.Path, unit: str, model_name: str
) -> dict[str, str]:
    return {
        'BENCH_STAGE': str(folder),
        'HOME': str(folder),
        'PATH': f'{folder / "bin"}{os.pathsep}{os.defpath}',
        # Compiled once, as in a charm's folder in a pod.
        'PYTHONPYCACHEPREFIX': str(folder.parent / 'pycache'),
        'PYTHONPATH': os.pathsep.join((str(charm / 'src'), str(ROOT / 'charmarr-lib/src'))),
        'JUJU_CHARM_DIR': str(charm),
        'JUJU_DISPATCH_PATH': 'hooks/update-status',
        'JUJU_HOOK_NAME': 'update-status',
        'JUJU_MODEL_NAME': model_name,
        'JUJU_MODEL_UUID': '7a3c2b7e-0c53-4b2d-8a0c-3b5e0f1f3c11',
        'JUJU_UNIT_NAME': unit,
        'JUJU_VERSION': '3.6.9',
    }
