# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The files of the workspace keep the rules that no linter knows."""

import pathlib
import re
import tomllib
from collections.abc import Callable, Iterator

import pytest

import tree_checks


@pytest.fixture(scope='session')
def files(root: pathlib.Path) -> list[pathlib.Path]:
    try:
        return tree_checks.files(root)
    except LookupError as error:
        pytest.skip(str(error))


@pytest.fixture(scope='session')
def charm_modules(root: pathlib.Path) -> set[str]:
    return {file.stem for file in root.glob('charms/*/src/*.py')}


def faults(
    root: pathlib.Path,
    files: list[pathlib.Path],
    check: Callable[[str], Iterator[str]],
) -> list[str]:
    found: list[str] = []
    for file in files:
        content = tree_checks.text(file)
        if content is not None:
            found += [f'{file.relative_to(root)}: {fault}' for fault in check(content)]
    return found


def test_no_file_names_a_package_index(root: pathlib.Path, files: list[pathlib.Path]):
    assert faults(root, files, tree_checks.address_faults) == []


def test_no_file_names_a_folder_of_one_machine(root: pathlib.Path, files: list[pathlib.Path]):
    assert faults(root, files, tree_checks.path_faults) == []


def test_every_program_states_its_licence(root: pathlib.Path, files: list[pathlib.Path]):
    programs = [file for file in files if file.suffix == '.py' or file.parent.name == '.ci']
    assert len(programs) > 10
    assert faults(root, programs, tree_checks.header_faults) == []


def test_there_is_no_lock_that_records_addresses(files: list[pathlib.Path]):
    assert [
        file for file in files if file.name in {'uv.lock', 'poetry.lock', 'Pipfile.lock'}
    ] == []


def test_charmcraft_yaml_stands_alone(charm: pathlib.Path, files: list[pathlib.Path]):
    beside = {charm / name for name in ('actions.yaml', 'config.yaml', 'metadata.yaml')}
    assert sorted(beside.intersection(files)) == [], 'charmcraft refuses to pack with these'


def test_every_lock_has_a_hash_for_every_package(root: pathlib.Path):
    locks = [*root.glob('requirements/*.txt'), *root.glob('charms/*/requirements.txt')]
    assert len(locks) >= 8
    for lock in locks:
        packages = re.split(r'^(?=[\w.-]+==)', lock.read_text('utf-8'), flags=re.M)[1:]
        bare = [package.partition('\n')[0] for package in packages if '--hash=' not in package]
        assert packages, lock
        assert bare == [], lock


def test_charms_can_be_loaded_in_one_process(root: pathlib.Path):
    folders = {folder.name: folder / 'src' for folder in sorted(root.glob('charms/*'))}
    assert list(tree_checks.module_clashes(folders)) == []


def test_charms_import_only_their_own_modules(charm: pathlib.Path, charm_modules: set[str]):
    own = {file.stem for file in charm.glob('src/*.py')}
    assert own, 'the charm has no code'
    for file in charm.glob('src/*.py'):
        source = file.read_text('utf-8')
        forbidden = (charm_modules - own) | {'charm', 'rehearsal', 'pytest'}
        assert list(tree_checks.import_faults(source, forbidden)) == [], file


def test_only_the_charm_itself_knows_of_juju(charm: pathlib.Path):
    workload = [file for file in charm.glob('src/*.py') if file.name != 'charm.py']
    for file in workload:
        source = file.read_text('utf-8')
        assert list(tree_checks.import_faults(source, {'ops'})) == [], file


@pytest.mark.parametrize('package', ['charmarr-lib', 'rehearsal'])
def test_packages_do_not_import_charms(root: pathlib.Path, package: str, charm_modules: set[str]):
    sources = list(root.glob(f'{package}/src/**/*.py'))
    assert sources
    for file in sources:
        found = list(tree_checks.import_faults(file.read_text('utf-8'), charm_modules))
        assert found == [], file


def test_a_charm_folder_is_complete(charm: pathlib.Path):
    project = tomllib.loads((charm / 'pyproject.toml').read_text('utf-8'))
    assert project['project']['name'] == charm.name
    assert project['project']['requires-python'] == '>=3.11'
    assert 'charmarr-lib' in project['project']['dependencies']
    environments = (charm / 'tox.ini').read_text('utf-8')
    for name in ('format', 'lint', 'unit', 'integration'):
        assert f'[testenv:{name}]' in environments
    assert (charm / 'README.md').is_file()


def test_a_charm_has_a_round_icon_of_the_size_that_the_store_wants(charm: pathlib.Path):
    icon = (charm / 'icon.svg').read_text('utf-8')
    assert 'width="100" height="100"' in icon
    assert '<circle cx="50" cy="50" r="50"' in icon


def test_a_charm_ships_the_versions_that_were_tested(charm: pathlib.Path, root: pathlib.Path):
    pins = re.compile(r'^([\w.-]+)==(\S+)', re.M)
    shipped = dict(pins.findall((charm / 'requirements.txt').read_text('utf-8')))
    tested = dict(pins.findall((root / 'requirements' / 'test.txt').read_text('utf-8')))
    assert {'ops', 'pydantic', 'lightkube'} <= shipped.keys()
    assert {name: tested.get(name) for name in shipped} == shipped


INDEXES = ['pypi' + '.org', 'files.python' + 'hosted.org', 'https://my-py' + 'pi.lan/simple']


@pytest.mark.parametrize('name', [*INDEXES, 'registry.npm' + 'js.org', 'proxy.gol' + 'ang.org'])
def test_an_index_is_found(name: str):
    content = f'first\nsee {name} for more\n'
    assert [fault.partition(' names')[0] for fault in tree_checks.address_faults(content)] == [
        'line 2'
    ]


@pytest.mark.parametrize('line', ['packages from PyPI', 'ghcr.io/seerr', 'import pypi_client'])
def test_other_words_are_no_index(line: str):
    assert list(tree_checks.address_faults(line)) == []


@pytest.mark.parametrize('folder', ['/ho' + 'me/ann/x', '/wo' + 'rk/main', '/ro' + 'ot/.cache'])
def test_a_private_folder_is_found(folder: str):
    assert len(list(tree_checks.path_faults(f'cd {folder}'))) == 1


@pytest.mark.parametrize('line', ['https://a.b/home/user', './work/x', '/data/media', '/homes'])
def test_other_paths_are_not_private(line: str):
    assert list(tree_checks.path_faults(line)) == []


HEADER = tree_checks.HEADER


@pytest.mark.parametrize(
    ('content', 'count'),
    [
        (HEADER, 0),
        ('#!/usr/bin/env bash\n' + HEADER, 0),
        ('', 1),
        ('"""Docs."""\n' + HEADER, 1),
        (HEADER.replace('Apache-2.0', 'MIT'), 1),
    ],
)
def test_a_missing_licence_is_found(content: str, count: int):
    assert len(list(tree_checks.header_faults(content))) == count


def test_modules_of_the_same_name_are_found(tmp_path: pathlib.Path):
    folders = {name: tmp_path / name for name in ('a', 'b')}
    for folder in folders.values():
        folder.mkdir()
        for module in ('charm', 'settings', f'only_{folder.name}'):
            (folder / f'{module}.py').touch()
    assert list(tree_checks.module_clashes(folders)) == ['settings is a module of a and of b']


@pytest.mark.parametrize(
    ('source', 'found'),
    [
        ('import ops', ['imports ops']),
        ('import ops.pebble as p', ['imports ops']),
        ('from ops.testing import State', ['imports ops']),
        ('def f():\n    import ops', ['imports ops']),
        ('from . import ops', []),
        ('import opsimath', []),
    ],
)
def test_a_forbidden_import_is_found_wherever_it_hides(source: str, found: list[str]):
    assert list(tree_checks.import_faults(source, {'ops'})) == found


def test_files_outside_a_checkout_cannot_be_listed(tmp_path: pathlib.Path):
    with pytest.raises(LookupError, match='git cannot list'):
        tree_checks.files(tmp_path)
