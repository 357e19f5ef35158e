# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Job that runs the check, and what it has found out.

The Job is also the record. It stays, with the answer in an annotation, until the next run has
begun, and that one carries the last good answer on. So no hook has to wait, nothing is lost with
the charm's pod, and one list of the Jobs says all there is to know.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import pydantic

import storage_check
import storage_names
from charmarr_lib.kubernetes import Manifest, claims

CONTAINER: Final = 'check'
RUN: Final = 'charmarr.io/check-run'
KEY: Final = 'charmarr.io/check-key'
ANSWER: Final = 'charmarr.io/check-answer'
LAST_GOOD: Final = 'charmarr.io/last-good-answer'
PREVIOUS: Final = 'charmarr.io/previous-answer'
SUBJECT: Final = 'charmarr.io/check-subject'
POD: Final = 'charmarr.io/check-of'

_MOUNT: Final = '/storage'
_MESSAGE: Final = '/dev/termination-log'
_TRIES: Final = 3
# What the layout's container needs beyond an ordinary user: to create in a folder that is not its
# own, to give folders away, and to act as their owner.
_CAPABILITIES: Final = ('CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID')


class Result(enum.StrEnum):
    """The three answers."""

    PASSED = 'passed'
    DENIED = 'denied'
    UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing that was tried: its name, how it went, and why it failed."""

    name: str
    state: str
    error: str = ''


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a check is about.

    Attributes:
        claim: Name of the claim.
        uid: The claim's uid.
        puid: User that has to be able to use it.
        pgid: Group of that user.
        layout: Whether the folders of the layout are wanted.
    """

    claim: str
    uid: str
    puid: int
    pgid: int
    layout: bool

    @property
    def key(self) -> str:
        """Short text that differs for every subject."""
        text = json.dumps(dataclasses.astuple(self))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a check has found out.

    Attributes:
        result: One of the three answers.
        uid: Uid of the claim it is about.
        puid: User that it was made as.
        pgid: Group of that user.
        at: When the Job ended, as Kubernetes writes it; may be empty.
        reason: Why it is not passed, in one line.
        steps: What was tried.
        free: Bytes that were free, if measured.
        total: Bytes there were, if measured.
    """

    result: Result
    uid: str
    puid: int
    pgid: int
    at: str = ''
    reason: str = ''
    steps: tuple[Step, ...] = ()
    free: int | None = None
    total: int | None = None

    def text(self) -> str:
        """Return the answer as an annotation holds it."""
        return json.dumps(dataclasses.asdict(self), separators=(',', ':'))


@dataclasses.dataclass(frozen=True)
class Run:
    """One Job.

    Attributes:
        name: Name of the Job.
        version: ``resourceVersion``.
        number: Runs are numbered; the highest counts.
        key: Of its subject.
        subject: What it checks, as far as the answer repeats it: uid, puid, pgid.
        ended: Its last condition, once there is one: type, reason, message, time.
        answer: What has been recorded of it.
        last_good: The last passed answer before it.
        previous: The answer of the run before, if that told nothing.
    """

    name: str
    version: str
    number: int
    key: str
    subject: tuple[str, int, int]
    ended: Mapping[str, str] | None
    answer: Answer | None
    last_good: Answer | None
    previous: Answer | None

    @property
    def tells_nothing(self) -> bool:
        """Whether it ended without an answer that one can use."""
        return self.answer is not None and self.answer.result is Result.UNKNOWN

    @property
    def good(self) -> Answer | None:
        """The last good answer as of this run."""
        if self.answer is not None and self.answer.result is Result.PASSED:
            return self.answer
        return self.last_good


def manifest(
    names: storage_names.Names,
    subject: Subject,
    number: int,
    *,
    stateful_set: Mapping[str, Any],
    last_good: Answer | None = None,
    previous: Answer | None = None,
    nodes: Sequence[str] = (),
) -> Manifest:
    """Return the Job of one run.

    Args:
        names: Names and labels.
        subject: What to check.
        number: Number of the run.
        stateful_set: The charm's own StatefulSet. Its image is the one that is run, and the Job is
            deleted with it.
        last_good: To be carried on.
        previous: To be carried on.
        nodes: Nodes that the volume is mounted on, if it can be mounted on one only.
    """
    annotations = {SUBJECT: json.dumps([subject.uid, subject.puid, subject.pgid])}
    for key, answer in ((LAST_GOOD, last_good), (PREVIOUS, previous)):
        if answer is not None:
            annotations[key] = answer.text()
    return {
        'metadata': {
            'name': names.job(number),
            'labels': {**names.labels, RUN: str(number), KEY: subject.key},
            'annotations': annotations,
            'ownerReferences': [owner(stateful_set)],
        },
        'spec': {
            'backoffLimit': _TRIES,
            'podFailurePolicy': {'rules': _failure_rules()},
            'template': {
                'metadata': {
                    # Not our usual labels: Juju takes every pod with the application's name for
                    # one of its units, and its Service would send traffic there.
                    'labels': {POD: names.job(number), 'sidecar.istio.io/inject': 'false'},
                },
                'spec': _pod(subject, stateful_set, names.job(number), nodes),
            },
        },
    }


def owner(stateful_set: Mapping[str, Any]) -> Manifest:
    """Return the reference that makes Kubernetes delete an object with a StatefulSet."""
    meta = stateful_set['metadata']
    return {
        'apiVersion': 'apps/v1',
        'kind': 'StatefulSet',
        'name': meta['name'],
        'uid': meta['uid'],
        # Juju deletes the StatefulSet in the foreground, and must not wait for us.
        'blockOwnerDeletion': False,
    }


def read(job: Mapping[str, Any]) -> Run:
    """Read a Job."""
    meta = claims.section(job, 'metadata')
    labels, annotations = (claims.section(meta, key) for key in ('labels', 'annotations'))
    return Run(
        name=meta.get('name', ''),
        version=meta.get('resourceVersion', ''),
        number=_number(labels.get(RUN)),
        key=labels.get(KEY, ''),
        subject=_subject(annotations.get(SUBJECT)),
        ended=_end(claims.section(job, 'status')),
        answer=_answer(annotations.get(ANSWER)),
        last_good=_answer(annotations.get(LAST_GOOD)),
        previous=_answer(annotations.get(PREVIOUS)),
    )


def conclude(run: Run, pods: Iterable[Mapping[str, Any]]) -> Answer:
    """Return the answer of a Job that has ended.

    The exit code decides, and the termination message says more. A pod may be gone by now; then
    the Job alone tells.
    """
    ended = run.ended or {}
    code, message = _last_words(pods)
    report = _object(message)
    result = _result(ended, code)
    uid, puid, pgid = run.subject
    steps = tuple(_steps(report.get('steps')))
    failed = next((f'{each.name}: {each.error}' for each in steps if each.error), '')
    return Answer(
        result=result,
        uid=uid,
        puid=puid,
        pgid=pgid,
        at=ended.get('lastTransitionTime', ''),
        reason='' if result is Result.PASSED else failed or _why(ended, message),
        steps=steps,
        free=_whole(report.get('free')),
        total=_whole(report.get('total')),
    )


def _failure_rules() -> list[Manifest]:
    denied = {'containerName': CONTAINER, 'operator': 'In', 'values': [storage_check.DENIED]}
    return [
        {'action': 'FailJob', 'onExitCodes': denied},
        # An eviction says nothing about the volume.
        {'action': 'Ignore', 'onPodConditions': [{'type': 'DisruptionTarget', 'status': 'True'}]},
    ]


def _pod(
    subject: Subject, stateful_set: Mapping[str, Any], scratch: str, nodes: Sequence[str]
) -> Manifest:
    template: Mapping[str, Any] = stateful_set['spec']['template']['spec']
    image = next(each['image'] for each in template['containers'] if each['name'] == 'charm')
    pod: Manifest = {
        'restartPolicy': 'Never',
        'automountServiceAccountToken': False,
        'enableServiceLinks': False,
        'containers': [_check_container(image, subject, scratch)],
        'volumes': [
            {'name': 'storage', 'persistentVolumeClaim': {'claimName': subject.claim}},
        ],
    }
    if subject.layout:
        pod['initContainers'] = [_layout_container(image, subject)]
    # The image is for one architecture, and may need a password.
    pod |= {key: template[key] for key in ('nodeSelector', 'imagePullSecrets') if key in template}
    if nodes:
        pod['affinity'] = {'nodeAffinity': _on(nodes)}
    return pod


def _check_container(image: str, subject: Subject, scratch: str) -> Manifest:
    arguments = ['--root', _MOUNT, '--scratch', f'.{scratch}', '--answer', _MESSAGE]
    if subject.layout:
        arguments.append('--layout')
    return {
        **_container(CONTAINER, image, 'check', arguments),
        'terminationMessagePath': _MESSAGE,
        'terminationMessagePolicy': 'FallbackToLogsOnError',
        'securityContext': {
            'runAsUser': subject.puid,
            'runAsGroup': subject.pgid,
            'allowPrivilegeEscalation': False,
            'capabilities': {'drop': ['ALL']},
        },
    }


def _layout_container(image: str, subject: Subject) -> Manifest:
    arguments = ['--root', _MOUNT, '--owner', f'{subject.puid}:{subject.pgid}']
    return {
        **_container('layout', image, 'prepare', arguments),
        'securityContext': {
            'runAsUser': 0,
            'runAsGroup': 0,
            'allowPrivilegeEscalation': False,
            'capabilities': {'drop': ['ALL'], 'add': list(_CAPABILITIES)},
        },
    }


def _container(name: str, image: str, command: str, arguments: list[str]) -> Manifest:
    return {
        'name': name,
        'image': image,
        'imagePullPolicy': 'IfNotPresent',
        # The program itself is the argument, so nothing has to be mounted but the volume.
        'command': ['python3', '-I', '-c', _program(), command, *arguments],
        'resources': {
            'requests': {'cpu': '10m', 'memory': '32Mi'},
            'limits': {'memory': '128Mi'},
        },
        'volumeMounts': [{'name': 'storage', 'mountPath': _MOUNT}],
    }


def _program() -> str:
    return pathlib.Path(storage_check.__file__).read_text('utf-8')


def _on(nodes: Sequence[str]) -> Manifest:
    # One term for each: Kubernetes takes a single value where it matches a field.
    terms = [
        {'matchFields': [{'key': 'metadata.name', 'operator': 'In', 'values': [node]}]}
        for node in nodes
    ]
    return {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': terms}}


def _end(status: Mapping[str, Any]) -> Mapping[str, str] | None:
    for condition in status.get('conditions') or ():
        if condition.get('type') in ('Complete', 'Failed') and condition.get('status') == 'True':
            return condition
    return None


def _result(ended: Mapping[str, str], code: int | None) -> Result:
    if ended.get('type') == 'Complete':
        return Result.PASSED
    if code == storage_check.DENIED or ended.get('reason') == 'PodFailurePolicy':
        return Result.DENIED
    return Result.UNKNOWN


def _last_words(pods: Iterable[Mapping[str, Any]]) -> tuple[int | None, str]:
    """Return exit code and message of the check's container, of the newest pod that has them."""
    states = [
        claims.section(each, 'state', 'terminated')
        for pod in pods
        for each in claims.section(pod, 'status').get('containerStatuses') or ()
        if each.get('name') == CONTAINER
    ]
    ended = [each for each in states if each]
    if not ended:
        return None, ''
    last = max(ended, key=lambda each: each.get('finishedAt') or '')
    return last.get('exitCode'), last.get('message') or ''


def _why(ended: Mapping[str, str], message: str) -> str:
    return claims.one_line(message)[-200:] or claims.one_line(
        ended.get('message') or ended.get('reason') or 'the Job failed'
    )


def _answer(text: str | None) -> Answer | None:
    """Read a recorded answer; one that somebody has spoilt counts as none."""
    try:
        return _answers().validate_json(text) if text else None
    except pydantic.ValidationError:
        return None


@functools.cache
def _answers() -> pydantic.TypeAdapter[Answer]:
    # Not with the import: a hook without a finished check has no use for it.
    return pydantic.TypeAdapter(Answer)


def _steps(found: Any) -> Iterable[Step]:
    for each in cast('list[Any]', found) if isinstance(found, list) else ():
        if isinstance(each, dict):
            step = cast('dict[str, Any]', each)
            error = claims.one_line(str(step.get('error') or ''))
            yield Step(str(step.get('step')), str(step.get('state')), error)


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads((text or '').strip().rpartition('\n')[2])
    except (ValueError, RecursionError):
        return {}
    return cast('dict[str, Any]', found) if isinstance(found, dict) else {}


def _subject(text: str | None) -> tuple[str, int, int]:
    try:
        uid, puid, pgid = json.loads(text or '')
        return str(uid), int(puid), int(pgid)
    except (TypeError, ValueError):
        return '', -1, -1


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
