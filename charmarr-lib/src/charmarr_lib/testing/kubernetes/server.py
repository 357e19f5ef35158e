# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The fake API server itself."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx2

from . import (
    controllers,
    faults,
    kinds,
    lifecycle,
    operations,
    ownership,
    reading,
    refusals,
    trees,
    wire,
)
from . import store as stores

_VERSION = {
    'major': '1',
    'minor': '36',
    'gitVersion': 'v1.36.3',
    'gitCommit': '',
    'gitTreeState': 'clean',
    'buildDate': '1970-01-01T00:00:00Z',
    'goVersion': 'go1.26.0',
    'compiler': 'gc',
    'platform': 'linux/amd64',
}


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One request that was made.

    Args:
        verb: the Kubernetes verb; ``patch`` for every sort of patch, server-side apply included.
        kind: the kind of object; empty for ``/version``.
        namespace: where; None for all namespaces and for kinds outside any.
        name: which object; empty for a collection.
        user: who asked.
        manager: the field manager of a write; None for a read.
        status: the HTTP status that the server answered; 0 where a fault of the network meant
            that it did not.
        changed: whether an object in the store changed.
        dry_run: whether the request asked that nothing be stored.
    """

    verb: str
    kind: str
    namespace: str | None
    name: str
    user: str
    manager: str | None
    status: int
    changed: bool
    dry_run: bool


Authorise = Callable[[str, str, str, str | None], bool]
"""Whether a user may use a verb on a kind in a namespace."""


def _everybody(user: str, verb: str, kind: str, namespace: str | None) -> bool:
    return True


def _wall_clock() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class KubernetesFake:
    """A Kubernetes API server in memory, for tests and for the rehearsal.

    It behaves as kube-apiserver 1.36 does, as far as the kinds in kinds.py go: server-side apply
    with field ownership, strategic merge patch, defaults, validation, finalisers, errors. It has
    no controllers; `release_protection` and `collect_garbage` do what two of them would, when
    asked.
    It is strict: a path, parameter or body that it does not know raises `UnexpectedRequest`
    (an AssertionError) out of the client's call.

    Namespaces need not be created: an object may be put into any. One that was created and is
    being deleted takes no new objects.

    Args:
        clock: tells the time; by default the machine's clock.

    Attributes:
        requests: what was asked, oldest first.
        authorise: who may do what; replace it to refuse.
    """

    def __init__(self, *, clock: Callable[[], datetime.datetime] | None = None) -> None:
        self.requests: list[Recorded] = []
        self.authorise: Authorise = _everybody
        self._store = stores.Store()
        self._life = lifecycle.Lifecycle(self._store, clock or _wall_clock)
        self._operations = operations.Operations(self._life)
        self._reading = reading.Reading(self._store)
        self._faults = faults.Schedule()

    # The wire.

    def transport(self, user: str = 'admin') -> httpx2.MockTransport:
        """A transport for an httpx2 client, whose requests come from a user."""
        return httpx2.MockTransport(lambda request: self.handle(request, user))

    def handle(self, request: httpx2.Request, user: str = 'admin') -> httpx2.Response:
        """Answer one request.

        Raises:
            UnexpectedRequest: no client of ours should send this.
            ConnectError: a fault was arranged.
            ReadTimeout: a fault was arranged.
        """
        if request.url.path == '/version':
            return self._version(request, user)
        call = wire.read(request, user)
        fault = self._faults.next(call.verb, call.kind.name)
        if fault is not None and not fault.reaches_server:
            self._record(call, operations.Outcome(fault.code, b''))
            return fault.outcome(request)
        outcome = self._answered(call)
        self._record(call, outcome)
        if fault is not None:
            return fault.outcome(request)
        return _response(outcome)

    def _version(self, request: httpx2.Request, user: str) -> httpx2.Response:
        if request.method != 'GET':
            raise refusals.UnexpectedRequest(f'{request.method} /version')
        outcome = operations.Outcome(200, stores.encode(_VERSION))
        self.requests.append(Recorded('get', '', None, '', user, None, 200, False, False))
        return _response(outcome)

    def _answered(self, call: wire.Call) -> operations.Outcome:
        try:
            if not self._may(call, call.verb):
                raise refusals.not_authorised(operations.attempt(call, call.verb))
            return self._dispatched(call)
        except refusals.Refused as refused:
            return operations.Outcome(refused.code, stores.encode(refused.body))

    def _may(self, call: wire.Call, verb: str) -> bool:
        return self.authorise(call.user, verb, call.kind.name, call.namespace)

    def _dispatched(self, call: wire.Call) -> operations.Outcome:
        handlers: dict[str, Callable[[], operations.Outcome]] = {
            'get': lambda: self._reading.get(call, self._operations.present(call)),
            'list': lambda: self._reading.list(call),
            'watch': lambda: self._reading.watch(call),
            'create': lambda: self._operations.create(call),
            'update': lambda: self._operations.update(call),
            'patch': lambda: self._operations.patch(call, lambda verb: self._may(call, verb)),
            'delete': lambda: self._operations.delete(call),
            'deletecollection': lambda: self._operations.delete_all(
                call, self._reading.selected(call)
            ),
        }
        return handlers[call.verb]()

    def _record(self, call: wire.Call, outcome: operations.Outcome) -> None:
        self.requests.append(
            Recorded(
                verb=call.verb,
                kind=call.kind.name,
                namespace=call.namespace,
                name=call.name,
                user=call.user,
                manager=call.manager if call.writes else None,
                status=outcome.code,
                changed=outcome.changed,
                dry_run=call.dry_run,
            )
        )

    def reads(self) -> list[Recorded]:
        """The requests that could change nothing."""
        return [request for request in self.requests if request.verb not in wire.MUTATING]

    def writes(self) -> list[Recorded]:
        """The requests with a mutating verb, whether they changed anything or not."""
        return [request for request in self.requests if request.verb in wire.MUTATING]

    # Faults.

    def fail(
        self,
        fault: faults.Fault,
        *,
        nth: int = 1,
        times: int = 1,
        verb: str | None = None,
        kind: str | None = None,
    ) -> None:
        """Let requests to come fail.

        Args:
            fault: how.
            nth: the first of the matching requests from now on that fails; 1 is the next one.
            times: how many in a row fail; 0 is for ever.
            verb: the verb that requests must have to count; None is any.
            kind: the kind that they must be about; None is any.
        """
        self._faults.add(fault, nth=nth, times=times, verb=verb, kind=kind)

    def heal(self) -> None:
        """Drop all faults, those to come included."""
        self._faults.clear()

    # What is stored. Nothing here shows up in `requests`.

    def add(self, obj: Mapping[str, Any], *, manager: str = 'test') -> dict[str, Any]:
        """Create an object, as ``kubectl create`` does, but with the status it is given.

        Raises:
            Refused: the API server would refuse it.
        """
        tree = trees.copy(dict(obj))
        kind = _kind(tree.get('kind', ''))
        metadata = trees.branch(tree, 'metadata')
        namespace = metadata.get('namespace', 'default') if kind.namespaced else None
        call = wire.Call('create', kind, namespace, body=tree, manager=manager)
        return trees.copy(self._operations.created(call, keep_status=True).obj)

    @property
    def revision(self) -> int:
        """The resourceVersion of the newest change of anything."""
        return self._store.revision

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """An object, or None."""
        return trees.copy(self.peek(kind, name, namespace))

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """The objects of a kind, of one namespace and with some labels if given."""
        wanted = (labels or {}).items()
        return [
            trees.copy(obj)
            for obj in self.browse(kind, namespace)
            if wanted <= trees.branch(obj['metadata'], 'labels').items()
        ]

    def peek(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """An object itself, or None: for who only looks, as nothing in it may be changed."""
        found = self._store.get(_kind(kind), namespace, name)
        return found.obj if found else None

    def browse(self, kind: str, namespace: str | None = None) -> Sequence[dict[str, Any]]:
        """The objects of a kind themselves: for who only looks, as with :meth:`peek`."""
        return [stored.obj for stored in self._store.all(_kind(kind), namespace)]

    def set_status(
        self, kind: str, name: str, namespace: str | None, status: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Replace an object's whole status, as its controller would.

        Raises:
            Refused: there is no such object.
        """
        current = self._present(kind, name, namespace)
        wanted = {**current.obj, 'status': trees.copy(dict(status))}
        manager = 'kube-controller-manager'
        writer = self._life.writer(_kind(kind), manager, ownership.UPDATE, 'status')
        stored, _ = self._life.update(
            _kind(kind),
            current,
            wanted,
            lambda new: ownership.update(current.obj, new, current.shares, writer),
            subresource='status',
        )
        return trees.copy(stored.obj)

    def remove(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object without grace; its finalisers still hold it.

        Raises:
            Refused: there is no such object.
        """
        current = self._present(kind, name, namespace)
        removal = lifecycle.Removal(grace=0, propagation='Background')
        self._life.delete(_kind(kind), current, removal, dry_run=False)

    def _present(self, kind: str, name: str, namespace: str | None) -> stores.Stored:
        found = self._store.get(_kind(kind), namespace, name)
        if found is None:
            raise refusals.not_found(_kind(kind), name)
        return found

    # What controllers do.

    def release_protection(self) -> None:
        """Let go of deleted claims that nothing mounts, and of deleted volumes nothing claims."""
        controllers.release_protection(self._life)

    def collect_garbage(self) -> None:
        """Finish deletions: dependents of what is gone, orphans, emptied namespaces."""
        controllers.collect_garbage(self._life)


def _kind(name: str) -> kinds.Kind:
    if name not in kinds.BY_NAME:
        raise refusals.UnexpectedRequest(f'unknown kind {name!r}')
    return kinds.BY_NAME[name]


def _response(outcome: operations.Outcome) -> httpx2.Response:
    # No charset: clients tell a Status by this exact media type.
    headers = {'content-type': wire.JSON}
    return httpx2.Response(outcome.code, headers=headers, content=outcome.body)
