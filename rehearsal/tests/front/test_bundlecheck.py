# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Holding a bundle against the charms it names."""

import base64
import pathlib

import ops
import pytest

from rehearsal import bundle, bundlecheck, catalogue, errors, model

SERVER = {
    'name': 'plex-k8s',
    'provides': {'media-server': {'interface': 'media_server'}},
    'requires': {'media-storage': {'interface': 'media_storage', 'limit': 1}},
    'resources': {'plex-image': {'type': 'oci-image'}},
    'storage': {'config': {'type': 'filesystem'}},
    'config': {
        'options': {
            'port': {'type': 'int', 'default': 32400},
            'name': {'type': 'string'},
            'fast': {'type': 'boolean', 'default': False},
        }
    },
}
STORAGE = {
    'name': 'charmarr-storage',
    'provides': {
        'media-storage': {'interface': 'media_storage'},
        'backups': {'interface': 'media_storage'},
    },
}


@pytest.fixture
def charms() -> catalogue.Catalogue:
    made = catalogue.Catalogue()
    for metadata in (SERVER, STORAGE):
        made.add(model.Charm(str(metadata['name']), pathlib.Path(), metadata, ops.CharmBase))
    return made


def text(plex: str = '', relations: str = '') -> str:
    return f"""\
applications:
  storage:
    charm: charmarr-storage
  plex:
    charm: plex-k8s
{plex}
relations:
{relations}
""".replace('relations:\n\n', '')


def check(
    charms: catalogue.Catalogue, content: str, folder: pathlib.Path | None = None
) -> bundlecheck.Checked:
    return bundlecheck.check(bundle.parse(content, folder=folder), charms)


def refusal(charms: catalogue.Catalogue, content: str, folder: pathlib.Path | None = None) -> str:
    with pytest.raises(errors.InputError) as caught:
        check(charms, content, folder)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_finds_charms_types_options_and_resolves_endpoints(charms: catalogue.Catalogue):
    checked = check(
        charms,
        text(
            '    options: {port: 80, name: "80", fast: "true"}', '- [plex, storage:media-storage]'
        ),
    )
    assert checked.charms['plex'].name == 'plex-k8s'
    assert checked.options['plex'] == {'port': 80, 'name': '80', 'fast': True}
    assert [(str(a), str(b)) for a, b in checked.relations] == [
        ('storage:media-storage', 'plex:media-storage')
    ]


@pytest.mark.parametrize(
    ('plex', 'relations', 'message'),
    [
        (
            '    options:\n      prot: 1',
            '',
            'bundle.yaml:7: applications.plex.options.prot: '
            'unknown option; known are: port, name, fast',
        ),
        (
            '    options:\n      port: abc',
            '',
            'bundle.yaml:7: applications.plex.options.port: option "port" expected int, got "abc"',
        ),
        (
            '    resources: {image: x}',
            '',
            'bundle.yaml:6: applications.plex.resources.image: '
            'charm "plex-k8s" has no such resource; known are: plex-image',
        ),
        (
            '    storage: {data: 1G}',
            '',
            'bundle.yaml:6: applications.plex.storage.data: '
            'charm "plex-k8s" has no such storage; known are: config',
        ),
        (
            '',
            '- [plex:nope, storage:media-storage]',
            'bundle.yaml:8: relations.0: application "plex" has no "nope" relation',
        ),
        (
            '',
            '- [plex:media-storage, seerr:x]',
            'bundle.yaml:8: relations.0: application "seerr" not found',
        ),
        (
            '',
            '- [plex:media-server, storage:media-storage]',
            'bundle.yaml:8: relations.0: cannot relate plex:media-server (provides media_server) '
            'to storage:media-storage (provides media_storage)',
        ),
        ('', '- [plex, plex]', 'bundle.yaml:8: relations.0: no relations found'),
        (
            '',
            '- [plex, storage]',
            'bundle.yaml:8: relations.0: ambiguous relation: "plex storage" could refer to '
            '"plex:media-storage storage:backups"; "plex:media-storage storage:media-storage"',
        ),
        (
            '',
            '- [plex, storage:backups]\n- [storage:backups, plex:media-storage]',
            'bundle.yaml:9: relations.1: the same relation as relations.0',
        ),
    ],
)
def test_refuses_what_does_not_fit_the_charms(
    charms: catalogue.Catalogue, plex: str, relations: str, message: str
):
    assert refusal(charms, text(plex, relations)) == message


def test_an_unknown_charm_is_named_with_those_there_are(charms: catalogue.Catalogue):
    message = refusal(charms, 'applications:\n  plex:\n    charm: plx\n')
    assert message == (
        'bundle.yaml:3: applications.plex.charm: '
        'charm "plx" not found; known are: charmarr-storage, plex-k8s'
    )


@pytest.mark.parametrize('name', ['Plex', 'plex_1', '1plex', 'plex-1', '-'])
def test_an_application_needs_a_name_juju_takes(charms: catalogue.Catalogue, name: str):
    message = refusal(charms, f'applications:\n  "{name}":\n    charm: plex-k8s\n')
    assert message.endswith(f'invalid application name "{name}"')


def test_a_bundle_without_applications_is_refused(charms: catalogue.Catalogue):
    assert refusal(charms, 'name: x\n') == 'bundle.yaml:1: the bundle has no applications'


def test_a_charm_can_be_a_path_from_the_bundle(
    charms: catalogue.Catalogue, tmp_path: pathlib.Path
):
    source = tmp_path / 'charms' / 'tiny' / 'src'
    source.mkdir(parents=True)
    (source.parent / 'charmcraft.yaml').write_text('name: tiny-k8s\n', encoding='utf-8')
    (source / 'charm.py').write_text(
        'import ops\n\n\nclass Tiny(ops.CharmBase):\n    pass\n', encoding='utf-8'
    )
    checked = check(charms, 'applications:\n  a:\n    charm: ./charms/tiny\n', tmp_path)
    assert checked.charms['a'].name == 'tiny-k8s'


def test_a_path_without_a_charm_is_refused(charms: catalogue.Catalogue, tmp_path: pathlib.Path):
    message = refusal(charms, 'applications:\n  a:\n    charm: ./absent\n', tmp_path)
    assert message.startswith('bundle.yaml:3: applications.a.charm: cannot read ')


def test_a_path_to_a_charm_that_is_no_text_is_refused(
    charms: catalogue.Catalogue, tmp_path: pathlib.Path
):
    (tmp_path / 'charmcraft.yaml').write_bytes(b'\xff')
    message = refusal(charms, 'applications:\n  a:\n    charm: ./.\n', tmp_path)
    assert message.endswith('charmcraft.yaml: not text in UTF-8')


def test_an_option_can_include_a_file(charms: catalogue.Catalogue, tmp_path: pathlib.Path):
    (tmp_path / 'name.txt').write_text('living room', encoding='utf-8')
    plain = check(charms, text('    options: {name: "include-file://name.txt"}'), tmp_path)
    assert plain.options['plex']['name'] == 'living room'
    coded = check(charms, text('    options: {name: "include-base64://name.txt"}'), tmp_path)
    assert coded.options['plex']['name'] == base64.b64encode(b'living room').decode()


def test_an_included_file_that_is_missing_is_named(
    charms: catalogue.Catalogue, tmp_path: pathlib.Path
):
    message = refusal(charms, text('    options: {name: "include-file://absent"}'), tmp_path)
    assert message.endswith('"absent" cannot be read as a text file')
