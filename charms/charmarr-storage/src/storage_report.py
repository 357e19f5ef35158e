# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How the storage is, in words: the status line, and the results of the actions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import storage_check_job as check_job
from charmarr_lib.kubernetes import claims
from charmarr_lib.status import Level, Status
from shared_storage import Storage
from storage_state import last_good

_MOST_NAMES: Final = 8
_LONGEST: Final = 400  # characters of a status line
_LONGEST_REASON: Final = 160  # characters of what somebody else says in it
_UNITS: Final = ('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')
_NO_CLASS: Final = 'no storage class is set'
_ACCESS_WORDS: Final = ('accessmode', 'access mode', 'readwritemany', 'multi_node', 'rwx')


@dataclasses.dataclass(frozen=True)
class Consumer:
    """An application that is related.

    Attributes:
        name: What it calls itself, or what Juju calls it.
        is_known: Whether it has published its name.
    """

    name: str
    is_known: bool

    def __str__(self) -> str:
        return self.name if self.is_known else f'{self.name or "unnamed"} (unknown)'


def status(storage: Storage, consumers: Sequence[Consumer]) -> Status:
    """Return the status of the application's leader."""
    if storage.trouble is not None:
        return _line(storage.trouble.level, storage.trouble.text)
    for found in (_unbound(storage), _expanding(storage), _checked(storage)):
        if found is not None:
            return found
    return _line(Level.ACTIVE, _ready(storage, consumers))


def _line(level: Level, text: str) -> Status:
    return Status(level, _shortened(claims.one_line(text), _LONGEST))


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f'{text[: length - 3]}...'


def _unbound(storage: Storage) -> Status | None:
    claim = storage.seen.claim if storage.seen is not None else None
    if storage.seen is None or claim is None:
        return _line(Level.WAITING, 'the claim is not made yet')
    if claim.is_bound:
        return None
    if storage.seen.waits_for_consumer and not storage.delay:
        return _line(Level.ACTIVE, 'the volume is made when the first application mounts it')
    reason = explained(storage.delay, claim) or 'its volume is being made'
    return _line(Level.WAITING, f'PersistentVolumeClaim {claim.name} is not bound: {reason}')


def explained(delay: str, claim: claims.Claim) -> str:
    """Say what a well-known event means, and otherwise what it says."""
    told, delay = delay.lower(), _shortened(delay, _LONGEST_REASON)
    if _NO_CLASS in told:
        return 'no StorageClass is marked default'
    if any(word in told for word in _ACCESS_WORDS):
        modes = ' and '.join(claim.access_modes)
        return f'the provisioner does not offer {modes} ({delay})'
    return delay


def _expanding(storage: Storage) -> Status | None:
    claim = storage.seen.claim if storage.seen is not None else None
    if claim is None or not claims.is_expanding(claim):
        return None
    what = f'expanding from {claim.capacity} to {claim.requested}'
    failure = claims.expansion_failure(claim)
    if failure:
        return _line(Level.BLOCKED, f'{what} failed: {failure}; the volume keeps {claim.capacity}')
    if claims.waits_for_mount(claim):
        what += ': the file system grows when a pod mounts the volume anew'
    elif storage.delay:
        what += f': {_shortened(storage.delay, _LONGEST_REASON)}'
    return _line(Level.MAINTENANCE, what)


def _checked(storage: Storage) -> Status | None:
    """Return what the check has to say, unless all is well."""
    run = storage.seen.run if storage.seen is not None else None
    app = storage.wanted.names.app
    again = f'run: juju run {app}/leader check-storage'
    if run is not None and run.answer is not None:
        if run.answer.result is check_job.Result.DENIED:
            who = f'{run.answer.puid}:{run.answer.pgid}'
            text = f'the storage denies {who} - {run.answer.reason}; mend it, then {again}'
            return _line(Level.BLOCKED, text)
        if run.answer.result is check_job.Result.PASSED:
            return None
    if storage.seen is not None and last_good(storage.seen) is not None:
        return None
    reason = _shortened(storage.delay or _before(run), _LONGEST_REASON)
    return _line(Level.WAITING, f'checking the storage{f": {reason}" if reason else ""}')


def _before(run: check_job.Run | None) -> str:
    told = (run.answer or run.previous) if run is not None else None
    return f'again, because {told.reason}' if told is not None else ''


def _ready(storage: Storage, consumers: Sequence[Consumer]) -> str:
    claim = storage.seen.claim if storage.seen is not None else None
    volume = storage.seen.volume if storage.seen is not None else None
    # Nothing reports the growth of a static volume to its claim.
    capacity = volume.capacity if volume is not None else claim.capacity if claim else ''
    text = f'{capacity} for {_listed(consumers)}' if consumers else f'{capacity}, not related yet'
    run = storage.seen.run if storage.seen is not None else None
    is_checking = run is not None and run.answer is None
    return f'{text}; checking again' if is_checking else text


def _listed(consumers: Sequence[Consumer]) -> str:
    names = sorted(map(str, consumers))
    more = len(names) - _MOST_NAMES
    return ', '.join(names[:_MOST_NAMES]) + (f' and {more} more' if more > 0 else '')


def overview(storage: Storage, consumers: Sequence[Consumer]) -> dict[str, str]:
    """Return the results of ``show-storage``."""
    wanted, seen = storage.wanted, storage.seen
    claim = seen.claim if seen is not None else None
    results = {'backend': str(wanted.backend), 'claim': wanted.claim}
    if claim is not None:
        results |= _of_claim(claim)
    volume = seen.volume if seen is not None else None
    if volume is not None:
        results |= {'volume-phase': volume.phase, 'source': _source(volume)}
    offer = storage.offer
    if offer is not None:
        results |= {
            'mount-path': offer.mount_path,
            'owner': f'{offer.puid}:{offer.pgid}',
        }
    results['consumers'] = ', '.join(sorted(map(str, consumers))) or 'none'
    run = seen.run if seen is not None else None
    return results | _of_run(run)


def _of_claim(claim: claims.Claim) -> dict[str, str]:
    return {
        'phase': str(claim.phase),
        'volume': claim.volume or 'none yet',
        'class': claim.storage_class or 'none',
        'access-modes': ', '.join(claim.access_modes),
        'requested': claim.requested,
        'capacity': claim.capacity or 'none yet',
    }


def _source(volume: claims.Volume) -> str:
    """Return where the files are, as ``mount`` would name it."""
    nfs, folder = volume.source.get('nfs'), volume.source.get('hostPath')
    if nfs:
        return f'{nfs["server"]}:{nfs["path"]}'
    on = f' on {", ".join(volume.nodes)}' if volume.nodes else ''
    return f'{folder["path"]}{on}' if folder else ''


def _of_run(run: check_job.Run | None) -> dict[str, str]:
    if run is None:
        return {'last-check': 'none'}
    if run.answer is not None:
        return answer(run.answer)
    results = answer(run.good) if run.good is not None else {'last-check': 'none'}
    return {**results, 'check': f'run {run.number} is under way'}


def answer(found: check_job.Answer) -> dict[str, str]:
    """Return the results of a check: the outcome, each step, and the space."""
    results = {'last-check': f'{found.result} for {found.puid}:{found.pgid} {found.at}'.strip()}
    if found.reason:
        results['reason'] = found.reason
    results |= {f'step-{_key(step.name)}': _told(step) for step in found.steps}
    if found.free is not None and found.total is not None:
        results |= {'free': size(found.free), 'used': size(found.total - found.free)}
        results['total'] = size(found.total)
    return results


def _told(step: check_job.Step) -> str:
    return f'{step.state}: {step.error}' if step.error else step.state


def _key(name: str) -> str:
    """Return a name as Juju allows it in a result's key."""
    return ''.join(each for each in name.lower() if each.isascii() and each.isalnum()) or 'other'


def size(amount: int) -> str:
    """Return a number of bytes as people read it."""
    power = min((max(amount, 1).bit_length() - 1) // 10, len(_UNITS) - 1)
    return f'{amount / 1024**power:.1f} {_UNITS[power]}' if power else f'{amount} B'
