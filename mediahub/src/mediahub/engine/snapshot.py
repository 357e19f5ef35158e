# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A library read page by page, and the proof that nothing of it is missing.

A dialect yields pages and hands in evidence on the way: totals that the server claims, whether it
was scanning, what exactly was asked. The proof is drawn when the last page has been taken. Whoever
wants to delete on the strength of a snapshot must look at the proof; whoever lists must raise
where there is none (:func:`collect`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Iterable

import msgspec

from . import errors
from .values import Item, Kind


class Page(msgspec.Struct, frozen=True):
    """Some items of one kind, at least one."""

    kind: Kind
    items: tuple[Item, ...]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for a snapshot being the whole truth.

    Attributes:
        counts: Items delivered, by kind, without repetitions next to each other.
        totals: Items that the server says there are, by kind.
        fingerprint: Text that is the same for two snapshots exactly when they asked the same
            installation for the same libraries.
        machine_id: The installation.
        problems: Why this is no proof; empty when it is one.
        partial: Only a part was asked for, such as what changed. Without problems that part is
            whole, and says nothing of the rest.
    """

    counts: dict[str, int]
    totals: dict[str, int]
    fingerprint: str
    machine_id: str
    problems: tuple[str, ...]
    partial: bool = False

    @property
    def complete(self) -> bool:
        """Whether the snapshot holds everything that the server has."""
        return not self.problems and not self.partial


@dataclasses.dataclass
class Evidence:
    """Collects what the server claims while a snapshot is read.

    Attributes:
        partial: Only a part is asked for. Nothing will be concluded from what does not come, so a
            server may be scanning, and lists without a total are taken as they are.
    """

    partial: bool = False
    machine_id: str = ''
    fingerprint: str = ''
    problems: list[str] = dataclasses.field(default_factory=list[str])
    _totals: dict[tuple[Kind, str], int] = dataclasses.field(
        default_factory=dict[tuple[Kind, str], int]
    )
    _moment: str | None = None
    _scanning: list[bool | None] = dataclasses.field(default_factory=list[bool | None])

    def problem(self, text: str) -> None:
        """Note why the snapshot proves nothing; the same reason counts once."""
        if text not in self.problems:
            self.problems.append(text)

    def total(self, kind: Kind, library: str, claimed: int | None) -> None:
        """Note how many items of a kind the server says one library has.

        Called with every page: a total that changes on the way, or that is never told, is a
        problem.
        """
        if claimed is None:
            self.problem(f'the server gave no total of {kind.value}s')
            return
        known = self._totals.setdefault((kind, library), claimed)
        if known != claimed:
            self.problem(f'the total of {kind.value}s changed from {known} to {claimed}')

    def scanning(self, answer: bool | None) -> None:
        """Note whether the server was scanning just now; None where it does not tell."""
        self._scanning.append(answer)

    def scope(self, fingerprint: str) -> None:
        """Note what was read; a second, different answer means it changed on the way."""
        if self.fingerprint and fingerprint != self.fingerprint:
            self.problem('the libraries changed while they were read')
        self.fingerprint = self.fingerprint or fingerprint

    def moment(self, mark: str) -> None:
        """Note a mark that changes when the library does; a second, different one is a problem.

        Unlike the scope it may differ from one snapshot to the next.
        """
        if self._moment is not None and mark != self._moment:
            self.problem('the library changed while it was read')
        self._moment = mark if self._moment is None else self._moment

    def totals(self) -> dict[str, int]:
        """The totals over all libraries, by kind."""
        sums: dict[str, int] = {}
        for (kind, _), count in self._totals.items():
            sums[kind.value] = sums.get(kind.value, 0) + count
        return sums

    def draw(self, counts: dict[str, int], kinds: Iterable[Kind]) -> Proof:
        """Draw the proof from everything that was noted."""
        totals = self.totals()
        for kind in kinds:
            self._compare(kind, counts.get(kind.value, 0), totals.get(kind.value))
        if True in self._scanning and not self.partial:
            self.problem('the server was scanning')
        if not self.fingerprint:
            self.problem('no library was read')
        return Proof(
            counts=counts,
            totals=totals,
            fingerprint=self.fingerprint,
            machine_id=self.machine_id,
            problems=tuple(self.problems),
            partial=self.partial,
        )

    def _compare(self, kind: Kind, count: int, total: int | None) -> None:
        if total is None and self.partial:
            return
        if total is None:
            self.problem(f'the server gave no total of {kind.value}s')
        elif total != count:
            self.problem(f'{count} of {total} {kind.value}s arrived')


class Snapshot(AsyncIterator[Page]):
    """The pages of a library, then their proof.

    Iterate over it; an error on the way is raised from the iteration and ends it. Close it, or
    read it to the end.
    """

    def __init__(self, pages: AsyncGenerator[Page], evidence: Evidence, kinds: tuple[Kind, ...]):
        self._pages = pages
        self._evidence = evidence
        self._kinds = kinds
        self._counts = {kind.value: 0 for kind in kinds}
        self._proof: Proof | None = None

    async def __anext__(self) -> Page:
        try:
            page = await anext(self._pages)
        except StopAsyncIteration:
            if self._proof is None:
                self._proof = self._evidence.draw(dict(self._counts), self._kinds)
            raise
        self._counts[page.kind.value] += len({item.ref.native_id for item in page.items})
        return page

    @property
    def proof(self) -> Proof:
        """The proof; there is none before the last page was taken."""
        if self._proof is None:
            raise RuntimeError('the snapshot has not been read to its end')
        return self._proof

    async def aclose(self) -> None:
        """Stop reading."""
        await self._pages.aclose()


async def collect(server: str, snapshot: Snapshot) -> dict[str, Item]:
    """Read a whole snapshot into memory, by native id in the server's order.

    Raises:
        Incomplete: The list came without proof that it is whole.
        MediaServerError: Anything the server or the network did.
    """
    found: dict[str, Item] = {}
    async for page in snapshot:
        found.update((item.ref.native_id, item) for item in page.items)
    proof = snapshot.proof
    distinct = sum(proof.counts.values())
    problems = list(proof.problems)
    if distinct != len(found):
        problems.append(f'{distinct - len(found)} items came more than once')
    if problems:
        raise errors.Incomplete(server, problems)
    return found
