# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from typing import Any

from charmarr_lib.kubernetes import _fields

POD = ('spec', 'template', 'spec')
MANIFEST: dict[str, Any] = {
    'apiVersion': 'apps/v1',
    'kind': 'StatefulSet',
    'metadata': {'name': 'plex', 'namespace': 'media'},
    'spec': {
        'template': {
            'spec': {
                'containers': [
                    {
                        'name': 'plex',
                        'volumeMounts': [{'name': 'data', 'mountPath': '/data'}],
                        'resources': {'limits': {'gpu.intel.com/i915': '1'}},
                    }
                ],
                'volumes': [{'name': 'data', 'emptyDir': {'sizeLimit': '1Gi'}}],
            }
        }
    },
}
# As a kube-apiserver 1.36 records it after the apply of MANIFEST.
FIELDS_V1 = {
    'f:spec': {
        'f:template': {
            'f:spec': {
                'f:containers': {
                    'k:{"name":"plex"}': {
                        '.': {},
                        'f:name': {},
                        'f:resources': {'f:limits': {'f:gpu.intel.com/i915': {}}},
                        'f:volumeMounts': {
                            'k:{"mountPath":"/data"}': {
                                '.': {},
                                'f:mountPath': {},
                                'f:name': {},
                            }
                        },
                    }
                },
                'f:volumes': {
                    'k:{"name":"data"}': {
                        '.': {},
                        'f:emptyDir': {'f:sizeLimit': {}},
                        'f:name': {},
                    }
                },
            }
        }
    }
}


def live(**entry):
    managed = {'manager': 'plex', 'operation': 'Apply', 'fieldsV1': FIELDS_V1, **entry}
    return {'metadata': {'name': 'plex', 'managedFields': [managed]}}


def test_what_is_wished_is_what_the_api_server_records_as_owned():
    assert _fields.wished(MANIFEST) == _fields.owned(live(), 'plex')


def test_names_every_leaf_once():
    assert (*POD, 'volumes', 'k:{"name":"data"}', 'emptyDir', 'sizeLimit') in _fields.wished(
        MANIFEST
    )
    assert len(_fields.wished(MANIFEST)) == 6


def test_identity_is_owned_by_nobody():
    assert _fields.wished({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'a'}}) == set()


def test_labels_are_owned():
    manifest = {'metadata': {'name': 'a', 'labels': {'x': 'y'}}}
    assert _fields.wished(manifest) == {('metadata', 'labels', 'x')}


def test_other_managers_updates_and_subresources_do_not_count():
    assert _fields.owned(live(manager='juju'), 'plex') == set()
    assert _fields.owned(live(operation='Update'), 'plex') == set()
    assert _fields.owned(live(subresource='status'), 'plex') == set()
    assert _fields.owned({'metadata': {}}, 'plex') == set()


def test_holds_ignores_what_else_there_is():
    spec = MANIFEST['spec']
    grown = {
        'template': {
            'spec': {
                'containers': [
                    {'name': 'charm'},
                    {**spec['template']['spec']['containers'][0], 'image': 'x'},
                ],
                'volumes': [{'name': 'other'}, *spec['template']['spec']['volumes']],
            }
        }
    }
    assert _fields.holds(grown, spec)
    assert not _fields.holds(spec, grown)


def test_holds_compares_quantities_by_value():
    assert _fields.holds({'limits': {'memory': '1Gi'}}, {'limits': {'memory': '1024Mi'}})
    assert not _fields.holds({'limits': {'memory': '1Gi'}}, {'limits': {'memory': '1G'}})
    assert _fields.holds({'emptyDir': {'sizeLimit': '1Gi'}}, {'emptyDir': {'sizeLimit': '1024Mi'}})


def test_holds_compares_other_values_as_they_are():
    assert not _fields.holds({'image': '1Gi'}, {'image': '1024Mi'})
    assert not _fields.holds({}, {'privileged': True})
    assert not _fields.holds({'privileged': False}, {'privileged': True})
    assert not _fields.holds(None, {'a': 1})
