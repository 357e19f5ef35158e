# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib

import ops
import pytest

from rehearsal import catalogue, engine, errors, model

KEEPER = {
    'name': 'keeper',
    'provides': {'keys': {'interface': 'keys'}},
    'config': {'options': {'version': {'type': 'string', 'default': 'a'}}},
}
VISITOR = {
    'name': 'visitor',
    'requires': {'keys': {'interface': 'keys'}},
    'config': {'options': {'token': {'type': 'secret'}}},
}


class KeeperCharm(ops.CharmBase):
    removed: list[int]

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._changed)
        framework.observe(self.on['keys'].relation_created, self._share)
        framework.observe(self.on.secret_remove, self._remove)

    def _secret(self):
        try:
            return self.model.get_secret(label='key')
        except ops.SecretNotFoundError:
            return self.app.add_secret({'value': str(self.config['version'])}, label='key')

    def _changed(self, _: ops.EventBase):
        if self.unit.is_leader():
            secret = self._secret()
            if self.config['version'] == 'bug':
                raise RuntimeError('after the secret')
            if secret.peek_content()['value'] != self.config['version']:
                secret.set_content({'value': str(self.config['version'])})

    def _share(self, event: ops.RelationCreatedEvent):
        secret = self._secret()
        secret.grant(event.relation)
        event.relation.data[self.app]['key'] = secret.get_info().id

    def _remove(self, event: ops.SecretRemoveEvent):
        self.removed.append(event.revision)
        event.remove_revision()


class VisitorCharm(ops.CharmBase):
    read: list[str]

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on['keys'].relation_changed, self._relation_changed)
        framework.observe(self.on.secret_changed, self._secret_changed)
        framework.observe(self.on.config_changed, self._config_changed)

    def _relation_changed(self, event: ops.RelationChangedEvent):
        id_ = event.relation.data[event.app].get('key')
        if id_:
            self.read.append(self.model.get_secret(id=id_).get_content()['value'])

    def _secret_changed(self, event: ops.SecretChangedEvent):
        self.read.append(event.secret.get_content(refresh=True)['value'])

    def _config_changed(self, _: ops.EventBase):
        token = self.config.get('token')
        if token:
            try:
                content = self.model.get_secret(id=str(token)).get_content(refresh=True)
            except ops.SecretNotFoundError:
                self.read.append('not granted')
            else:
                self.read.append(content['value'])


@pytest.fixture
def secrets(tmp_path: pathlib.Path):
    charms = catalogue.Catalogue()
    KeeperCharm.removed, VisitorCharm.read = [], []
    charms.add(model.Charm('keeper', tmp_path, KEEPER, KeeperCharm))
    charms.add(model.Charm('visitor', tmp_path, VISITOR, VisitorCharm))
    with engine.Rehearsal(charms) as rehearsal:
        yield rehearsal


@pytest.fixture
def related(secrets: engine.Rehearsal):
    secrets.deploy('keeper')
    secrets.deploy('visitor')
    secrets.integrate('keeper', 'visitor')
    secrets.settle()
    return secrets


def test_a_granted_secret_is_read_at_the_other_side(related: engine.Rehearsal):
    assert set(VisitorCharm.read) == {'a'}


def test_a_new_revision_is_told_to_who_read_the_old_one(related: engine.Rehearsal):
    related.configure('keeper', {'version': 'b'})
    related.settle()
    ran = [run.hook for run in related.history if run.unit == 'visitor/0']
    assert ran.count('secret-changed') == 1
    assert VisitorCharm.read[-1] == 'b'


def test_the_owner_may_drop_a_revision_that_nobody_reads(related: engine.Rehearsal):
    related.configure('keeper', {'version': 'b'})
    related.settle()
    assert KeeperCharm.removed == []
    (secret,) = related.secrets.secrets.values()
    # The owner itself still tracks the first revision: it only peeked at the second.
    secret.consumers['keeper/0'].revision = 2
    related.settle()
    assert KeeperCharm.removed == [1]
    assert list(secret.revisions) == [2]


def test_a_secret_goes_with_the_relation_that_granted_it(related: engine.Rehearsal):
    related.remove_relation('keeper', 'visitor')
    related.settle()
    (secret,) = related.secrets.secrets.values()
    assert not secret.readable('visitor/0')
    assert secret.readable('keeper/0')


def test_a_secret_goes_with_its_owner(related: engine.Rehearsal):
    related.remove_application('keeper')
    related.settle()
    assert related.secrets.secrets == {}


def test_an_operators_secret_is_read_once_it_is_granted(secrets: engine.Rehearsal):
    secrets.deploy('visitor')
    secrets.settle()
    id_ = secrets.add_secret('mine', {'value': 'x'})
    secrets.configure('visitor', {'token': id_})
    secrets.settle()
    assert VisitorCharm.read == ['not granted']
    secrets.grant_secret('mine', 'visitor')
    settled = secrets.settle()
    assert VisitorCharm.read == ['not granted']  # a grant fires nothing
    assert settled.quiet
    secrets.configure('visitor', {'trust': True})
    secrets.settle()
    assert VisitorCharm.read[-1] == 'x'
    secrets.update_secret('mine', {'value': 'y'})
    secrets.settle()
    assert VisitorCharm.read[-1] == 'y'
    secrets.revoke_secret('mine', 'visitor')
    secrets.remove_secret('mine')
    assert secrets.secrets.secrets == {}


def test_contents_are_never_shown(related: engine.Rehearsal):
    related.add_secret('mine', {'value': 'hunter2'})
    assert 'hunter2' not in repr(related.secrets.secrets)


def test_names_of_secrets_are_unique_and_must_exist(secrets: engine.Rehearsal):
    secrets.add_secret('mine', {'value': 'x'})
    with pytest.raises(errors.JujuError, match='"mine" already exists'):
        secrets.add_secret('mine', {'value': 'y'})
    with pytest.raises(errors.JujuError, match='secret "other" not found'):
        secrets.update_secret('other', {'value': 'y'})


def test_a_failed_hook_leaves_no_secret_behind(secrets: engine.Rehearsal):
    secrets.deploy('keeper', config={'version': 'bug'})
    assert not secrets.settle().quiet
    assert secrets.secrets.secrets == {}
