# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What must hold at every step of a model, whatever happens to it.

Each law is a function that yields what breaks it, one line each. Laws only look: at the model, at
the cluster, and at what the :class:`Witness` has noted.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from charmarr_lib.testing import mediahub

from . import doubles, engine, model

_SERVICE_ACCOUNT: Final = 'system:serviceaccount:'
_DELETING: Final = frozenset({'delete', 'deletecollection'})
_SHARED: Final = 'charmarr-shared'
_SHORTEST_SECRET: Final = 8  # shorter ones are found in any text
_RECORDED: Final = (
    *('StatefulSet', 'Service', 'Pod', 'Job', 'Event'),
    *('PersistentVolumeClaim', 'PersistentVolume'),
)
_WEBHOOK: Final = 'webhook-secret'
_ROTATION: Final = 'rotate-webhook-secret'
_USURPED: Final = 'is not the leader: cannot write'


class LawBroken(Exception):
    """A law does not hold.

    Attributes:
        law: Its name.
        lines: What breaks it.
    """

    def __init__(self, law: str, lines: Iterable[str]) -> None:
        self.law = law
        self.lines = tuple(lines)
        super().__init__(f'{law}: {"; ".join(self.lines)}')


@dataclasses.dataclass
class Witness:
    """What has been seen so far, as far as laws need to know what was before.

    Attributes:
        rehearsal: The model.
        troupe: The programs in it.
        heard: Lines that charms wrote to the log since the last step.
        told: Secrets that the operator typed.
        forged: Settings that somebody else wrote in a charm's place, by relation and application.
        media: Claims and volumes that there were: kind and name, to whether they may go.
        kept: Files on claims that must stay: path to content.
        templates: Each generation, its pod template, and whether that has the shared volume, by
            application.
        plays: How many plays of each server a hub has written down, by its database.
        webhooks: Revision and content of each secret that webhooks show, by its id.
        served: Requests to the API that the laws have looked at.
        erred: Failed hooks that the laws have looked at.
        versions: Version of the cluster's state that was searched for secrets.
    """

    rehearsal: engine.Rehearsal
    troupe: doubles.Troupe
    heard: list[str] = dataclasses.field(default_factory=list[str])
    told: set[str] = dataclasses.field(default_factory=set[str])
    forged: dict[tuple[int, str], Mapping[str, str]] = dataclasses.field(
        default_factory=dict[tuple[int, str], Mapping[str, str]]
    )
    media: dict[tuple[str, str], bool] = dataclasses.field(
        default_factory=dict[tuple[str, str], bool]
    )
    kept: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    templates: dict[str, tuple[int, Mapping[str, Any], bool]] = dataclasses.field(
        default_factory=dict[str, tuple[int, Mapping[str, Any], bool]]
    )
    plays: dict[pathlib.Path, Mapping[str, int]] = dataclasses.field(
        default_factory=dict[pathlib.Path, Mapping[str, int]]
    )
    webhooks: dict[str, tuple[int, Mapping[str, str]]] = dataclasses.field(
        default_factory=dict[str, tuple[int, Mapping[str, str]]]
    )
    served: int = 0
    erred: int = 0
    versions: tuple[object, ...] = ()

    def is_forged(self, relation: model.Relation, application: str) -> bool:
        """Tell whether an application's settings are what somebody else wrote."""
        forged = self.forged.get((relation.id, application))
        return forged is not None and forged == relation.bag(application).content

    def new_requests(self) -> list[Any]:
        """Return requests of charms since the last step that changed something."""
        made = self.rehearsal.cluster.requests[self.served :]
        return [each for each in made if each.changed and each.user.startswith(_SERVICE_ACCOUNT)]


Law = Callable[[Witness], Iterator[str]]


def no_hook_error(seen: Witness) -> Iterator[str]:
    """No hook and no action ends in an error; Juju's own refusal of an ex-leader is none."""
    for error in seen.rehearsal.errors[seen.erred :]:
        if _USURPED not in error.traceback:
            yield f'{error.unit} {error.hook}: {error.traceback.strip()}'
    seen.erred = len(seen.rehearsal.errors)


def no_media_deleted(seen: Witness) -> Iterator[str]:
    """No claim, no volume and no file on one goes unless the operator asked for that."""
    there: dict[tuple[str, str], bool] = {}
    for kind, name, going in _media(seen):
        # What has begun to go may go on, also when the application is not there any more.
        asked = going and seen.media.get((kind, name), False)
        there[kind, name] = asked or _may_go(seen, kind, name)
    for (kind, name), may_go in seen.media.items():
        if (kind, name) not in there and not may_go:
            yield f'{kind} {name} is gone'
    for request in seen.new_requests():
        key = (request.kind, request.name)
        if request.verb in _DELETING and not seen.media.get(key, key not in seen.media):
            yield f'{request.user} deleted {request.kind} {request.name}'
    seen.media = there
    yield from _lost_files(seen)


def _media(seen: Witness) -> Iterator[tuple[str, str, bool]]:
    """Yield kind and name of every claim and volume, and whether it is being deleted."""
    for kind in ('PersistentVolumeClaim', 'PersistentVolume'):
        for found in seen.rehearsal.cluster.browse(kind):
            metadata = found['metadata']
            yield kind, metadata['name'], 'deletionTimestamp' in metadata


def _may_go(seen: Witness, kind: str, name: str) -> bool:
    """Tell whether the operator has asked for the end of a claim, or of a claim's volume."""
    if kind == 'PersistentVolume':
        found = seen.rehearsal.cluster.peek(kind, name) or {}
        name = found.get('spec', {}).get('claimRef', {}).get('name', '')
    for application in seen.rehearsal.applications.values():
        asked = application.destroy_storage or bool(application.config.get('cleanup-on-remove'))
        if asked and name.startswith(f'{application.name}-'):
            return True
    return False


def _lost_files(seen: Witness) -> Iterator[str]:
    volumes = seen.rehearsal.kubernetes.volumes
    for claim in seen.rehearsal.cluster.browse('PersistentVolumeClaim', seen.rehearsal.model):
        uid, name = claim['metadata']['uid'], claim['metadata']['name']
        if not volumes.is_bound(name):
            continue
        file = volumes.folder(name) / f'.kept-{uid}'
        if uid not in seen.kept:
            file.write_text(uid)
            seen.kept[uid] = name
        elif _content(file) != uid:
            yield f'a file on {name} is gone'


def _content(file: pathlib.Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None


def one_plex_a_database(seen: Witness) -> Iterator[str]:
    """Two Plex never run on one folder."""
    for folder in seen.troupe.collisions:
        yield f'a second Plex was started in {folder.rpartition("/volumes/")[2]}'
    seen.troupe.collisions.clear()


def one_hub_a_database(seen: Witness) -> Iterator[str]:
    """Two hubs never run on one database."""
    for folder in seen.troupe.hub_collisions:
        yield f'a second hub was started in {folder.rpartition("/volumes/")[2]}'
    seen.troupe.hub_collisions.clear()


def no_history_lost(seen: Witness) -> Iterator[str]:
    """Every play that a hub wrote down stays, in its database or in one that was kept beside it.

    So the database is there from its first moment on and always whole; what a restore puts aside
    stays too; and a server that leaves takes nothing with it.
    """
    for database in {hub.database for hub in seen.troupe.hubs}:
        if not database.parent.exists():
            continue  # the volume went, which is another law's business
        known = seen.plays.get(database, {})
        try:
            there = _plays(database)
        except ValueError as error:
            yield str(error)
            continue
        for server, count in known.items():
            if there.get(server, 0) < count:
                yield f'{count - there.get(server, 0)} plays of {server} are gone'
        seen.plays[database] = there


def _plays(database: pathlib.Path) -> dict[str, int]:
    most: dict[str, int] = mediahub.history(database)
    for kept in database.parent.glob(f'{database.name}.before-*'):
        for server, count in mediahub.history(kept).items():
            most[server] = max(count, most.get(server, 0))
    return most


def one_rotation_an_action(seen: Witness) -> Iterator[str]:
    """What webhooks show changes when the operator says so, once, and the one before is kept."""
    asked = sum(each.name == _ROTATION for each in seen.rehearsal.actions)
    secrets = seen.rehearsal.secrets.secrets.values()
    there = {each.id: each for each in secrets if each.owner and each.label == _WEBHOOK}
    for id_, secret in there.items():
        content = secret.revisions[secret.latest]
        number, before = seen.webhooks.get(id_, (secret.latest, content))
        seen.webhooks[id_] = (secret.latest, content)
        if secret.latest == number:
            continue
        if content.get('previous') != before['secret'] or content['secret'] == before['secret']:
            yield f'revision {secret.latest} of {id_} forgets the one before'
        if secret.latest - 1 > asked:
            yield f'{id_} was changed {secret.latest - 1} times, and that was asked {asked} times'


def no_running_plex_edited(seen: Witness) -> Iterator[str]:
    """Nobody edits the settings of a Plex that runs: it would write over them when it stops."""
    for folder in seen.troupe.lost_edits():
        yield f'the settings in {folder.rpartition("/volumes/")[2]} were edited under Plex'


def no_secret_shown(seen: Witness) -> Iterator[str]:
    """No secret is in a log, a status, a plan, an answer of an action, a databag, an object."""
    secrets = {each for each in _secrets(seen) if len(each) >= _SHORTEST_SECRET}
    for place, text in _texts(seen):
        if any(secret in text for secret in secrets):
            yield f'{place} holds a secret'
    seen.heard.clear()


def _secrets(seen: Witness) -> Iterator[str]:
    yield from seen.told
    yield from seen.troupe.secrets()
    for secret in seen.rehearsal.secrets.secrets.values():
        for content in secret.revisions.values():
            yield from content.values()


def _texts(seen: Witness) -> Iterator[tuple[str, str]]:
    rehearsal = seen.rehearsal
    yield from (('the log', line) for line in seen.heard)
    for application in rehearsal.applications.values():
        yield f'the status of {application.name}', application.status.message
        for unit in application.units:
            yield f'the status of {unit.name}', unit.workload.message
            for name, fake in unit.pod.containers.items() if unit.pod else ():
                yield f'the plan of {unit.name} {name}', str(fake.plan().to_dict())
    for action in rehearsal.actions:
        yield f'the answer of {action.name}', f'{action.results} {action.log} {action.message}'
    for relation in rehearsal.relations:
        for name, bag in relation.databags.items():
            yield f'{relation.key} {name}', str(bag.content)
    yield from _objects(seen)


def _objects(seen: Witness) -> Iterator[tuple[str, str]]:
    """Yield the objects of the cluster as text, when charms have changed any."""
    if not seen.new_requests():
        return
    for kind in _RECORDED:
        for found in seen.rehearsal.cluster.browse(kind):
            yield f'{kind} {found["metadata"]["name"]}', json.dumps(found)


def only_truth_published(seen: Witness) -> Iterator[str]:
    """What is published names what exists."""
    for relation in seen.rehearsal.relations:
        if relation.is_peer or relation.life is not model.Life.ALIVE:
            continue  # of a relation that ends, nothing is told any more
        for side in (relation.provider, relation.requirer):
            text = relation.bag(side.application).content.get('config')
            if text is not None and not seen.is_forged(relation, side.application):
                for lie in _lies(seen, side, json.loads(text)):
                    yield f'{relation.key} {side.application}: {lie}'


def _lies(seen: Witness, side: model.EndpointRef, told: Mapping[str, Any]) -> Iterator[str]:
    if told.get('instance_name', side.application) != side.application:
        yield f'instance_name {told["instance_name"]}'
    rehearsal = seen.rehearsal
    if 'pvc_name' in told:
        claim = rehearsal.cluster.peek('PersistentVolumeClaim', told['pvc_name'], rehearsal.model)
        if claim is None:
            yield f'claim {told["pvc_name"]} does not exist'
    if 'api_url' in told:
        host = str(told['api_url']).partition('://')[2].partition('.')[0]
        if host != side.application or host not in rehearsal.applications:
            yield f'{told["api_url"]} leads to no application'


def no_idle_rollout(seen: Witness) -> Iterator[str]:
    """A charm changes its StatefulSet only where the template differs, and lets nothing go early.

    The shared volume goes when the relation does, and not before.
    """
    wrote = {each.name for each in seen.new_requests() if each.kind == 'StatefulSet'}
    for name, application in seen.rehearsal.applications.items():
        found = seen.rehearsal.cluster.peek('StatefulSet', name, seen.rehearsal.model)
        if found is None:
            seen.templates.pop(name, None)
            continue
        now = _template(found)
        before = seen.templates.get(name, now)
        seen.templates[name] = now
        if name in wrote and now[0] != before[0] and now[1] == before[1]:
            yield f'{name} was written without a difference in its template'
        if before[2] and not now[2] and _wants_volume(seen, application):
            yield f'{name} lets go of the shared volume, though it is related to the storage'


def _template(stateful_set: Mapping[str, Any]) -> tuple[int, Mapping[str, Any], bool]:
    template = stateful_set['spec']['template']
    names = {each['name'] for each in template['spec'].get('volumes') or ()}
    return stateful_set['metadata']['generation'], template, _SHARED in names


def _wants_volume(seen: Witness, application: model.Application) -> bool:
    return application.life is model.Life.ALIVE and any(
        relation.life is model.Life.ALIVE
        and relation.requirer.application == application.name
        and relation.interface == 'media-storage'
        for relation in seen.rehearsal.relations
    )


LAWS: Final[Mapping[str, Law]] = {
    'no hook error': no_hook_error,
    'no media object deleted unless asked': no_media_deleted,
    'no two Plex on one database': one_plex_a_database,
    'no two hubs on one database': one_hub_a_database,
    'no play lost': no_history_lost,
    'no rotation but by its action': one_rotation_an_action,
    'no settings edited under a running Plex': no_running_plex_edited,
    'no secret in any recorded text': no_secret_shown,
    'nothing published that is not true': only_truth_published,
    'no rollout without a difference': no_idle_rollout,
}
"""Every law by its name."""


def check(seen: Witness) -> None:
    """Hold a model to every law.

    Raises:
        LawBroken: One does not hold.
    """
    for name, law in LAWS.items():
        lines = list(law(seen))
        if lines:
            raise LawBroken(name, lines)
    seen.served = len(seen.rehearsal.cluster.requests)
