# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Calls to the Kubernetes API, with plain dicts in and out and two kinds of failure.

lightkube writes. It is built with the first write, since building it outside a pod fails and
importing it costs more than a quiet hook; what is only read is read by :mod:`._reads`.
"""

from __future__ import annotations

import contextlib
import enum
import functools
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from .. import http
from . import _reads

if TYPE_CHECKING:
    import lightkube

Manifest = dict[str, Any]
"""A Kubernetes object as JSON has it."""

_TIMEOUT: Final = 10.0  # seconds; an API server that needs longer is not going to answer
_STAND_IN_SERVER: Final = 'https://kubernetes.default.svc'
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_TIMED_OUT: Final = 408
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_NO_CREDENTIALS: Final = 'this container has no Kubernetes credentials'
_NO_OBJECT: Final = 'the answer is no Kubernetes object'
_LATE: Final = 'the API server did not answer in time'
_SILENT: Final = 'the API server cannot be reached'


class Kind(enum.Enum):
    """A kind of object: group, version, kind, plural, whether it lives in a namespace."""

    STATEFUL_SET = ('apps', 'v1', 'StatefulSet', 'statefulsets', True)
    JOB = ('batch', 'v1', 'Job', 'jobs', True)
    EVENT = ('', 'v1', 'Event', 'events', True)
    NODE = ('', 'v1', 'Node', 'nodes', False)
    PERSISTENT_VOLUME = ('', 'v1', 'PersistentVolume', 'persistentvolumes', False)
    PERSISTENT_VOLUME_CLAIM = (
        *('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
        True,
    )
    POD = ('', 'v1', 'Pod', 'pods', True)
    STORAGE_CLASS = ('storage.k8s.io', 'v1', 'StorageClass', 'storageclasses', False)

    @property
    def api_version(self) -> str:
        """``apiVersion`` as in a manifest."""
        group, version = self.value[:2]
        return f'{group}/{version}' if group else version

    @property
    def kind(self) -> str:
        """``kind`` as in a manifest."""
        return self.value[2]

    @property
    def is_namespaced(self) -> bool:
        """Whether objects of this kind live in a namespace."""
        return self.value[4]


class ClusterError(Exception):
    """The Kubernetes API did not do what was asked. The text is one line."""


class RefusedError(ClusterError):
    """The API server understood and said no; asking again alone will not help.

    Attributes:
        code: HTTP status code.
        reason: What it refused, in one line.
        remedy: What an operator can do about it, in one line, or empty.
    """

    def __init__(self, code: int, reason: str, remedy: str = ''):
        super().__init__(f'{reason}; {remedy}' if remedy else reason)
        self.code = code
        self.reason = reason
        self.remedy = remedy


class UnreachableError(ClusterError):
    """The API server could not be asked, or could not answer; the next event asks again."""


class Cluster:
    """The Kubernetes API as one application sees it.

    Args:
        app: Name of the Juju application; remedies name it.
        namespace: Namespace of the model, which is the model's name.
        field_manager: Who the API server records as the owner of what is written.
    """

    def __init__(self, app: str, namespace: str, field_manager: str):
        self.app = app
        self.namespace = namespace
        self.field_manager = field_manager
        self._client: Any = None

    def get(self, kind: Kind, name: str) -> Manifest | None:
        """Return the object, or None if there is none of that name.

        Raises:
            RefusedError: if the API server says no.
            UnreachableError: if it cannot be asked.
        """
        doing = f'read {kind.kind} {name}'
        reply = self._ask(doing, self._path(kind, name))
        if reply.status == _NOT_FOUND and _is_status(reply):
            return None
        return self._object(doing, kind.kind, reply)

    def find(
        self,
        kind: Kind,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[Manifest]:
        """Return the objects of a kind in the namespace that the selectors match.

        Raises:
            RefusedError: if the API server says no.
            UnreachableError: if it cannot be asked.
        """
        doing = f'list {kind.kind} objects'
        selectors = {'labelSelector': labels, 'fieldSelector': fields}
        query = {name: _selector(each) for name, each in selectors.items() if each}
        reply = self._ask(doing, self._path(kind), query)
        found: Any = self._object(doing, f'{kind.kind}List', reply).get('items') or []
        return [dict(each) for each in found]

    def create(self, kind: Kind, manifest: Mapping[str, Any]) -> Manifest:
        """Create an object, and return it as stored.

        Raises:
            RefusedError: if the API server says no; code 409 if there is one of that name.
            UnreachableError: if it cannot be asked. The object may exist all the same.
        """
        resource = _resource(kind)
        with self._failures(f'create {kind.kind} {_name(manifest)}'):
            body = resource(**_complete(kind, manifest))
            return _plain(self._lightkube().create(body))

    def apply(self, kind: Kind, manifest: Mapping[str, Any], *, dry_run: bool = False) -> Manifest:
        """Own exactly the fields of ``manifest`` (server-side apply, never forced).

        Raises:
            RefusedError: if the API server says no; code 409 if another manager owns a field.
            UnreachableError: if it cannot be asked. It may have been applied all the same.
        """
        from lightkube.types import PatchType

        name = _name(manifest)
        with self._failures(f'apply {kind.kind} {name}'):
            patched = self._lightkube().patch(
                _resource(kind),
                name,
                _complete(kind, manifest),
                patch_type=PatchType.APPLY,
                dry_run=dry_run,
            )
            return _plain(patched)

    def merge(self, kind: Kind, name: str, patch: Mapping[str, Any]) -> Manifest:
        """Change single fields (JSON merge patch, RFC 7386: None removes a field).

        Give ``metadata.resourceVersion`` to be refused when the object has changed meanwhile.

        Raises:
            RefusedError: if the API server says no.
            UnreachableError: if it cannot be asked. It may have been changed all the same.
        """
        from lightkube.types import PatchType

        with self._failures(f'change {kind.kind} {name}'):
            patched = self._lightkube().patch(
                _resource(kind), name, dict(patch), patch_type=PatchType.MERGE
            )
            return _plain(patched)

    def delete(self, kind: Kind, name: str) -> bool:
        """Delete an object and, in the background, what it owns.

        Returns:
            Whether there was one.

        Raises:
            RefusedError: if the API server says no.
            UnreachableError: if it cannot be asked. It may have been deleted all the same.
        """
        from lightkube.types import CascadeType

        with self._failures(f'delete {kind.kind} {name}'):
            try:
                self._lightkube().delete(_resource(kind), name, cascade=CascadeType.BACKGROUND)
            except _api_error() as error:
                if _code(error) == _NOT_FOUND:
                    return False
                raise
            return True

    def _path(self, kind: Kind, name: str = '') -> str:
        group, version, _, plural, is_namespaced = kind.value
        root = f'/apis/{group}/{version}' if group else f'/api/{version}'
        where = f'/namespaces/{self.namespace}' if is_namespaced else ''
        return f'{root}{where}/{plural}/{name}' if name else f'{root}{where}/{plural}'

    def _ask(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> http.Reply:
        try:
            return _reads.get(path, query or {}, _TIMEOUT)
        except _reads.NoCredentialsError:
            raise UnreachableError(_NO_CREDENTIALS) from None
        except http.TooLateError:
            raise UnreachableError(f'cannot {doing}: {_LATE}') from None
        except http.RequestError:
            raise UnreachableError(f'cannot {doing}: {_SILENT}') from None

    def _object(self, doing: str, kind: str, reply: http.Reply) -> Manifest:
        """Return the object that was asked for, or raise what the answer means."""
        if reply.status != _OK:
            if not _is_status(reply):
                raise UnreachableError(
                    f'cannot {doing}: something between answered {reply.status}'
                )
            raise self._refused(doing, reply.status, _json(reply))
        found = _json(reply)
        if found.get('kind') != kind:
            raise UnreachableError(f'cannot {doing}: {_NO_OBJECT}')
        return found

    def _lightkube(self) -> Any:
        # Any, because lightkube's overloads are only partly typed; this module is where that ends.
        if self._client is None:
            self._client = _client(self.namespace, self.field_manager)
        return self._client

    @contextlib.contextmanager
    def _failures(self, doing: str) -> Generator[None]:
        """Turn whatever lightkube raises into one of the two kinds of failure."""
        import httpx2
        import msgspec
        from lightkube.core import exceptions

        try:
            yield
        except exceptions.ApiError as error:
            raise self._refusal(doing, error) from None
        except exceptions.ConfigError:
            raise UnreachableError(_NO_CREDENTIALS) from None
        except httpx2.HTTPStatusError as error:
            # lightkube takes an error for the API server's only if its Content-Type is exact.
            raise UnreachableError(
                f'cannot {doing}: something between answered {error.response.status_code}'
            ) from None
        except httpx2.HTTPError as error:
            raise UnreachableError(f'cannot {doing}: {_kind_of(error)}') from None
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, AttributeError, TypeError):
            # An answer without Content-Type, or with a body that is no Kubernetes object, fails
            # inside lightkube in one of these ways.
            raise UnreachableError(f'cannot {doing}: {_NO_OBJECT}') from None

    def _refusal(self, doing: str, error: Exception) -> ClusterError:
        status: Any = getattr(error, 'status', None)
        details: Any = getattr(status, 'details', None)
        causes: list[Any] = getattr(details, 'causes', None) or []
        fields = [{'field': each.field, 'message': each.message} for each in causes]
        message = getattr(status, 'message', None)
        return self._refused(
            doing, _code(error), {'message': message, 'details': {'causes': fields}}
        )

    def _refused(self, doing: str, code: int, status: Mapping[str, Any]) -> ClusterError:
        message = _one_line(status.get('message') or f'status {code}')
        if code == _FORBIDDEN and _lacks_trust(message):
            return RefusedError(
                code,
                f'not allowed to {doing}',
                f'run: juju trust {self.app} --scope=cluster',
            )
        if code in (_UNAUTHORIZED, _TIMED_OUT, _TOO_MANY) or code >= _SERVER_FAULT:
            return UnreachableError(f'cannot {doing}: the API server answered {code}')
        return RefusedError(code, f'cannot {doing}: {_causes(status) or message}')


def _client(namespace: str, field_manager: str) -> lightkube.Client:
    import httpx2
    import lightkube
    from lightkube.config import kubeconfig, models

    http.silence()
    replacement = http.transport()
    # Loading the machine's certificates takes longer than all else, and a stand-in shows none.
    server = models.Cluster(server=_STAND_IN_SERVER, insecure=True)
    stand_in = kubeconfig.KubeConfig.from_one(cluster=server, user=models.User()).get()
    return lightkube.Client(
        config=stand_in if replacement else None,
        namespace=namespace,
        field_manager=field_manager,
        timeout=httpx2.Timeout(_TIMEOUT),
        transport=replacement,
    )


@functools.cache
def _resource(kind: Kind) -> Any:
    """Return lightkube's class for a kind.

    Generic ones, because they hand out plain dicts and spare the import of all typed models.
    """
    from lightkube import generic_resource

    generic: Any = generic_resource  # its functions leave an argument untyped
    if kind.is_namespaced:
        return generic.create_namespaced_resource(*kind.value[:4])
    return generic.create_global_resource(*kind.value[:4])


def _api_error() -> type[Exception]:
    from lightkube.core import exceptions

    return exceptions.ApiError


def _plain(found: Any) -> Manifest:
    return dict(found)


def _name(manifest: Mapping[str, Any]) -> str:
    return manifest['metadata']['name']


def _complete(kind: Kind, manifest: Mapping[str, Any]) -> Manifest:
    return {'apiVersion': kind.api_version, 'kind': kind.kind, **manifest}


def _code(error: Exception) -> int:
    return cast('Any', error).response.status_code


def _lacks_trust(message: str) -> bool:
    # Admission plugins answer 403 too, for instance when a class does not allow expansion; only
    # the authoriser names the user and what it may not do.
    return 'User "' in message and 'cannot' in message


def _causes(status: Mapping[str, Any]) -> str:
    """Name the fields at fault, as far as the API server does."""
    details: Any = status.get('details') or {}
    causes: list[Any] = details.get('causes') or []
    return _one_line(
        ', '.join(
            f'{each["field"]}: {each.get("message")}' for each in causes if each.get('field')
        )
    )


def _selector(wanted: Mapping[str, str]) -> str:
    return ','.join(f'{key}={value}' for key, value in wanted.items())


def _json(reply: http.Reply) -> Manifest:
    """Return the JSON object of an answer, an empty one if it holds something else."""
    try:
        found: Any = reply.json()
    except ValueError:
        return {}
    return cast('Manifest', found) if isinstance(found, dict) else {}


def _is_status(reply: http.Reply) -> bool:
    """Tell whether an answer is the API server's own word, and not that of something between."""
    return reply.content_type == 'application/json' and _json(reply).get('kind') == 'Status'


def _one_line(text: str) -> str:
    return ' '.join(text.split())


def _kind_of(error: Exception) -> str:
    """Say in words what went wrong on the way; the exception's own text may hold addresses."""
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        return _LATE
    return _SILENT
