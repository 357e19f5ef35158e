# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The fake and the real API server side by side: each gets every request, and both must agree.

What two servers cannot have in common, such as a uid, is replaced by a word that says where it
came up first. So it still matters whether a version is the one from before.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from . import wire

# Fields whose values a server makes up.
_MADE_UP: Final = frozenset(
    {
        'batch.kubernetes.io/controller-uid',
        'clusterIP',
        'controller-uid',
        'nodePort',
        'resourceVersion',
        'uid',
    }
)
_TIMES: Final = frozenset(
    {'creationTimestamp', 'deletionTimestamp', 'lastPhaseTransitionTime', 'time'}
)
_LONGEST: Final = 400  # characters of a value in a message
# A difference of Go structs, which nobody but a person reads.
_DIFF: Final = re.compile(r'\n@@.*', re.DOTALL)
_VERSION: Final = re.compile(r'(ResourceVersion in record \()\d+\)')
_UID: Final = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')


class Words:
    """What one server made up, each value replaced by a word for when it was first seen.

    Args:
        versions: Whether it matters if a resourceVersion is the one from before.
    """

    def __init__(self, *, versions: bool = True) -> None:
        self._versions = versions
        self._known: dict[str, str] = {}

    def replaced(self, value: Any, key: str = '') -> Any:
        """Return a value as any server would have sent it."""
        if isinstance(value, dict):
            items = cast('dict[str, Any]', value).items()
            # In one order, whatever the order in the answer: words count up.
            return {name: self._field(name, each) for name, each in sorted(items)}
        if isinstance(value, list):
            return [self.replaced(each) for each in cast('list[Any]', value)]
        if key in _TIMES:
            return 'some time'
        if isinstance(value, str):
            value = _DIFF.sub('', _VERSION.sub(r'\1some version)', value))
            return _UID.sub(lambda found: self._word('uid', found[0]), value)
        return value

    def _field(self, name: str, value: Any) -> Any:
        if name == 'resourceVersion' and not self._versions:
            return 'some version'
        if name in _MADE_UP and isinstance(value, str | int) and value not in ('', 'None'):
            return self._word(name, str(value))
        if name == 'clusterIPs' and value != ['None']:
            return [self._word('clusterIP', each) for each in value]
        if name == 'causes':
            # The server says some things as often as it has code that looks for them, and
            # conflicts in the order of a Go map, which is none.
            return _distinct(sorted(self.replaced(value), key=_cause))
        if name == 'managedFields':
            # Their order follows times, of which two servers have different ones.
            return sorted(self.replaced(value), key=_share)
        return self.replaced(value, name)

    def _word(self, name: str, value: str) -> str:
        return self._known.setdefault(value, f'{name} {len(self._known)}')


def _cause(cause: dict[str, Any]) -> tuple[str, str]:
    return cause.get('field', ''), cause['message']


def _distinct(items: list[Any]) -> list[Any]:
    return [each for index, each in enumerate(items) if each not in items[:index]]


def _share(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry['operation'], entry['manager'], entry.get('subresource', '')


@dataclasses.dataclass(frozen=True)
class Twins:
    """Both servers.

    Attributes:
        fake: The one in memory.
        real: The real one.
    """

    fake: wire.Api
    real: wire.Api
    _fake_words: Words = dataclasses.field(default_factory=Words)
    _real_words: Words = dataclasses.field(default_factory=Words)

    def afresh(self) -> Twins:
        """Return the same servers, with nothing seen yet and whatever versions they make.

        The real server makes a version of a write that changes nothing if the times in
        managedFields put two managers in another order, which depends on when seconds end.
        """
        words = Words(versions=False), Words(versions=False)
        return Twins(self.fake, self.real, *words)

    def ask(self, request: Callable[[wire.Api], wire.Answer]) -> wire.Answer:
        """Ask both, and return the answer of the fake once it is that of the real one.

        An answer that is not JSON, or a refusal by the strict fake, fails the test as well.
        """
        real = request(self.real)
        fake = request(self.fake)
        said = self._fake_words.replaced(_plain(fake))
        truth = self._real_words.replaced(_plain(real))
        found = list(differences(said, truth))
        assert not found, '\n'.join(['fake and real differ:', *found])
        return fake


def _plain(answer: wire.Answer) -> dict[str, Any]:
    plain = dataclasses.asdict(answer)
    if answer.body.get('kind', '').endswith('List'):
        # The version of a list is that of the whole server, which also writes things of its own.
        plain['body']['metadata'].pop('resourceVersion')
    return plain


def differences(said: Any, truth: Any, path: str = '') -> Iterator[str]:
    """Yield a line for each place where two answers differ."""
    if isinstance(said, dict) and isinstance(truth, dict):
        left, right = cast('dict[str, Any]', said), cast('dict[str, Any]', truth)
        for key in sorted({*left, *right}):
            yield from differences(left.get(key, ...), right.get(key, ...), f'{path}.{key}')
    elif isinstance(said, list) and isinstance(truth, list):
        pairs = itertools.zip_longest(cast('list[Any]', said), cast('list[Any]', truth))
        for index, (one, other) in enumerate(pairs):
            yield from differences(one, other, f'{path}[{index}]')
    elif said != truth or type(said) is not type(truth):
        yield f'{path}: fake {_short(said)}, real {_short(truth)}'


def _short(value: Any) -> str:
    text = 'nothing' if value is ... else repr(value)
    return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...'
