# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reading a bundle: what is taken, what is refused, and in which words."""

import pathlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import bundle, errors

PLEX = 'applications:\n  plex:\n    charm: plex-k8s\n'


def refusal(text: str) -> str:
    with pytest.raises(errors.InputError) as caught:
        bundle.parse(text)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_reads_what_juju_reads():
    read = bundle.parse("""\
bundle: kubernetes
applications:
  plex:
    charm: plex-k8s
    channel: latest/edge
    scale: 2
    trust: true
    options: {hardware-transcoding: true, log-level: debug, port: 32400}
    resources: {plex-image: 'lscr.io/linuxserver/plex:1.42', other: 4}
    storage: {config: 20G}
relations:
- [plex:media-storage, charmarr-storage:media-storage]
""")
    plex = read.applications['plex']
    assert (plex.charm, plex.units, plex.trust) == ('plex-k8s', 2, True)
    assert plex.options == {'hardware-transcoding': True, 'log-level': 'debug', 'port': 32400}
    assert plex.resources == {'plex-image': 'lscr.io/linuxserver/plex:1.42', 'other': 4}
    assert read.contents.relations == [['plex:media-storage', 'charmarr-storage:media-storage']]


def test_an_application_has_one_unit_unless_the_bundle_counts():
    assert bundle.parse(PLEX).applications['plex'].units == 1
    assert bundle.parse(PLEX + '    num_units: 3\n').applications['plex'].units == 3
    assert bundle.parse(PLEX + '    scale: 0\n').applications['plex'].units == 0


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'bundle.yaml: the bundle is empty'),
        ('# nothing\n---\n', 'bundle.yaml: the bundle is empty'),
        ('- plex\n', 'bundle.yaml:1: a bundle is a mapping'),
        ('applications: [plex]\n', 'bundle.yaml:1: applications: expected a mapping, got a list'),
        ('applications:\n', 'bundle.yaml:1: applications: expected a mapping, got nothing'),
        ('relations: plex\n', 'bundle.yaml:1: relations: expected a list, got "plex"'),
        (
            'applications:\n  plex:\n',
            'bundle.yaml:2: applications.plex: expected a mapping with "charm"',
        ),
        (
            'applications:\n  plex:\n    scale: 1\n',
            'bundle.yaml:2: applications.plex: "charm" is missing',
        ),
        (PLEX + '    chanel: x\n', 'bundle.yaml:4: applications.plex.chanel: unknown key'),
        ('bundel: kubernetes\n', 'bundle.yaml:1: bundel: unknown key'),
        (
            'bundle: lxd\n',
            'bundle.yaml:1: bundle: expected \'kubernetes\', got "lxd"',
        ),
        (
            PLEX + '    scale: two\n',
            'bundle.yaml:4: applications.plex.scale: expected a whole number, got "two"',
        ),
        (
            PLEX + '    scale: -1\n',
            'bundle.yaml:4: applications.plex.scale: expected a number of at least 0, got "-1"',
        ),
        (
            PLEX + '    trust: 1\n',
            'bundle.yaml:4: applications.plex.trust: expected true or false, got "1"',
        ),
        (
            PLEX + '    options:\n      port: [1]\n',
            'bundle.yaml:5: applications.plex.options.port: '
            'expected text, a number or true or false, got a list',
        ),
        (
            PLEX + '    options: x\n',
            'bundle.yaml:4: applications.plex.options: expected a mapping, got "x"',
        ),
        (
            PLEX + '    scale: 1\n    num_units: 1\n',
            'bundle.yaml:5: applications.plex.num_units: '
            'cannot specify both scale and num_units for application "plex"',
        ),
        (
            PLEX + '    offers: {x: {}}\n',
            'bundle.yaml:4: applications.plex.offers: is allowed in an overlay only',
        ),
        (
            PLEX + 'relations:\n- [plex]\n',
            'bundle.yaml:5: relations.0: a relation is a list of two endpoints',
        ),
        (
            PLEX + 'relations:\n- [plex, 5]\n',
            'bundle.yaml:5: relations.0.1: expected text, got "5"',
        ),
        (
            PLEX + 'machines: {"0": {}}\n',
            'bundle.yaml:4: machines: a Kubernetes bundle has no machines',
        ),
        (
            PLEX + 'saas: {x: {url: a}}\n',
            'bundle.yaml:4: saas: '
            'a rehearsal has one model; relations across models cannot be rehearsed',
        ),
        (PLEX + '    charm: plex\n', 'bundle.yaml:4: key "charm" is given twice'),
        ('1: x\n', 'bundle.yaml:1: a key must be text; put it in quotes'),
        ('a: &a [*a]\n', 'bundle.yaml:1: an alias that contains itself'),
        ('a: 2024-99-99\n', 'bundle.yaml:1: not a valid timestamp'),
        ('a: !!int ""\n', 'bundle.yaml:1: not a valid int'),
        ('<<: 3\n', 'bundle.yaml:1: "<<" takes a mapping'),
        ('[' * 600, 'bundle.yaml: nested too deeply'),
    ],
)
def test_refuses_in_one_line_with_file_line_and_key(text: str, message: str):
    assert refusal(text) == message


@pytest.mark.parametrize(
    ('text', 'line'),
    [('a: [1\nb: 2\n', 2), ('a: "x\n', 2), ('a: *b\n', 1), ('a: !!python/name:os.system x\n', 1)],
)
def test_names_the_line_where_yaml_ends(text: str, line: int):
    assert refusal(text).startswith(f'bundle.yaml:{line}: not YAML: ')


def test_reports_the_first_of_several_problems():
    text = PLEX + '    scale: two\n    chanel: x\nbundel: y\n'
    assert refusal(text).startswith('bundle.yaml:4: applications.plex.scale')


def test_a_file_that_stands_for_billions_is_refused():
    lines = ['a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]']
    lines += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 12)]
    assert refusal('\n'.join(lines)) == 'bundle.yaml: holds more than 100000 values'


def test_merge_keys_give_way_to_what_is_written_out():
    read = bundle.parse("""\
applications:
  plex: &plex {charm: plex-k8s, scale: 1, trust: true}
  other: {<<: *plex, scale: 3}
""")
    other = read.applications['other']
    assert (other.charm, other.units, other.trust) == ('plex-k8s', 3, True)


def test_an_overlay_merges_maps_and_appends_relations():
    read = bundle.parse("""\
applications:
  plex: {charm: plex-k8s, options: {a: 1, b: 2}}
  seerr: {charm: overseerr-k8s}
relations:
- [plex:x, seerr:x]
---
applications:
  plex: {options: {b: 3}, scale: 2}
  storage: {charm: charmarr-storage}
relations:
- [plex:y, storage:y]
""")
    assert read.applications['plex'].options == {'a': 1, 'b': 3}
    assert read.applications['plex'].units == 2
    assert read.contents.relations == [['plex:x', 'seerr:x'], ['plex:y', 'storage:y']]


def test_an_application_without_a_body_in_an_overlay_goes_with_its_relations():
    read = bundle.parse("""\
applications:
  plex: {charm: plex-k8s}
  seerr: {charm: overseerr-k8s}
  storage: {charm: charmarr-storage}
relations:
- [plex:x, seerr:x]
- [plex:y, storage:y]
---
applications:
  seerr:
""")
    assert set(read.applications) == {'plex', 'storage'}
    assert read.contents.relations == [['plex:y', 'storage:y']]


def test_a_problem_in_an_overlay_names_the_overlays_file_and_line(tmp_path: pathlib.Path):
    base, overlay = tmp_path / 'bundle.yaml', tmp_path / 'more.yaml'
    base.write_text(PLEX + 'relations:\n- [plex:a, plex:b]\n', encoding='utf-8')
    overlay.write_text('\nrelations:\n- [plex]\n', encoding='utf-8')
    with pytest.raises(errors.InputError, match=r'more\.yaml:3: relations\.1: a relation is'):
        bundle.load(base, [overlay])


def test_offers_are_refused_because_a_rehearsal_has_one_model():
    text = PLEX + '---\napplications: {plex: {offers: {x: {endpoints: [media-server]}}}}\n'
    assert 'offers cannot be rehearsed' in refusal(text)


def test_a_missing_file_is_named(tmp_path: pathlib.Path):
    with pytest.raises(errors.InputError) as caught:
        bundle.load(tmp_path / 'absent.yaml')
    assert str(caught.value) == f'{tmp_path / "absent.yaml"}: no such file'


def test_a_folder_and_binary_data_are_refused(tmp_path: pathlib.Path):
    with pytest.raises(errors.InputError, match='cannot be read: Is a directory'):
        bundle.load(tmp_path)
    (tmp_path / 'binary').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(errors.InputError, match='not a text file in UTF-8'):
        bundle.load(tmp_path / 'binary')


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(), st.dates()
)
KEYS = st.one_of(
    st.sampled_from(
        ['applications', 'relations', 'plex', 'charm', 'options', 'scale', 'trust', 'saas', 'to']
    ),
    st.text(max_size=4),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def outcome(text: str) -> str:
    """Return the refusal of a text, in one line, or what marks it as taken."""
    try:
        bundle.parse(text)
    except errors.InputError as exc:
        return str(exc)
    return 'bundle.yaml'


@given(st.lists(TREES, min_size=1, max_size=3))
def test_no_tree_makes_anything_but_a_bundle_or_one_line(trees: list[object]):
    answer = outcome(yaml.safe_dump_all(trees))
    assert answer.startswith('bundle.yaml')
    assert len(answer.splitlines()) == 1


@given(st.text(alphabet='ab:- \n[]{}&*!|>"\'#%@<,0?~', max_size=40))
def test_no_text_makes_anything_but_a_bundle_or_one_line(text: str):
    assert len(outcome(text).splitlines()) == 1
