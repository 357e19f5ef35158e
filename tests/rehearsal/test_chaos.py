# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Bad nights of the bundle that are always played, and how nights are played."""

from __future__ import annotations

import io
import math
import pathlib
import shutil

import pytest

from charmarr_lib.testing.kubernetes import kinds, store
from rehearsal import arguments, bundle, bundlecheck, catalogue, chaos, cli, errors, vigil

ROOT = pathlib.Path(__file__).parents[2]
FIXED = range(30)
FOUND = sorted((pathlib.Path(__file__).parent / 'nights').glob('*.txt'))
"""Scripts of nights that once found something, by the seeds that drew them then."""


@pytest.fixture(scope='module')
def nights() -> chaos.Nights:
    charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
    return chaos.Nights(charms, bundlecheck.check(bundle.load(ROOT / 'bundle.yaml'), charms))


def told(verdict: chaos.Verdict) -> str:
    """Return how a night failed, with the script that replays it."""
    out: list[str] = []
    vigil.report(verdict, out.append)
    return '\n'.join(out)


@pytest.mark.parametrize('seed', FIXED)
def test_a_night_ends_where_it_should(nights, seed):
    verdict = nights.play(str(seed))
    assert not verdict.law, told(verdict)


@pytest.mark.parametrize('script', FOUND, ids=lambda file: file.stem)
def test_a_night_that_found_something_ends_where_it_should(nights, script):
    verdict = nights.replay(vigil.read(script))
    assert not verdict.law, told(verdict)


def test_a_script_replays_its_night(nights):
    played = nights.play('7')
    replayed = nights.replay(played.lines)
    assert replayed.lines == played.lines
    assert (replayed.hooks, replayed.killed, replayed.failed) == (
        played.hooks,
        played.killed,
        played.failed,
    )


def test_other_seeds_draw_other_nights(nights):
    assert nights.play('7').lines[1:] != nights.play('8').lines[1:]


def test_nothing_changes_an_object_that_it_only_looks_at(nights, monkeypatch):
    stored: list[tuple[store.Stored, bytes]] = []
    put = store.Store.put

    def remembered(self: store.Store, kind: kinds.Kind, wanted: store.Stored) -> store.Stored:
        kept = put(self, kind, wanted)
        stored.append((kept, store.encode(kept.obj)))
        return kept

    monkeypatch.setattr(store.Store, 'put', remembered)
    nights.play('7')
    assert stored
    assert [each.name for each, before in stored if store.encode(each.obj) != before] == []


@pytest.fixture
def faulty(tmp_path) -> vigil.Plan:
    """The suite with a Plex that lets go of its volume whenever no storage is in sight."""
    shutil.copytree(ROOT / 'charms', tmp_path / 'charms', ignore=shutil.ignore_patterns('tests'))
    shutil.copy(ROOT / 'bundle.yaml', tmp_path)
    charm = tmp_path / 'charms' / 'plex-k8s' / 'src' / 'charm.py'
    text = charm.read_text()
    early = 'isinstance(event, _EARLY)'
    assert early in text
    charm.write_text(text.replace(early, 'False'))
    folders = tuple(catalogue.in_folder(tmp_path / 'charms'))
    return vigil.Plan(tmp_path / 'bundle.yaml', (), folders)


SCALED = (
    '#chaos: seed 0',
    '#chaos: annotate overseerr',
    '#chaos: steps 60',
    'juju config overseerr log-level=debug',
    'juju scale-application plex 0',
    '#chaos: steps 20',
    'juju scale-application plex 1',
    '#chaos: calm',
)


def test_a_defect_is_found_and_its_night_made_short(faulty):
    nights = faulty.nights()
    verdict = nights.replay(SCALED)
    assert verdict.law == 'no rollout without a difference'
    short = vigil.shorten(nights, verdict, patience=math.inf)
    assert short.law == verdict.law
    assert '#chaos: annotate overseerr' not in short.lines
    assert 'juju config overseerr log-level=debug' not in short.lines
    assert 'juju scale-application plex 0' in short.lines


def test_what_is_printed_replays_the_failure(faulty, tmp_path):
    out: list[str] = []
    vigil.report(faulty.nights().replay(SCALED), out.append)
    assert out[0] == 'seed 0: no rollout without a difference'
    script = tmp_path / 'night.txt'
    script.write_text('\n'.join(line for line in out if line.startswith('    ')))
    assert faulty.nights().replay(vigil.read(script)).law == 'no rollout without a difference'


def test_the_same_script_holds_without_the_defect(nights):
    verdict = nights.replay(SCALED)
    assert not verdict.law, told(verdict)


def test_nights_are_tallied():
    out = io.StringIO()
    plan = vigil.Plan(ROOT / 'bundle.yaml', (), tuple(catalogue.in_folder(ROOT / 'charms')))
    tally = vigil.watch(plan, ['1', '2'], 1, out)
    assert (tally.nights, tally.failed) == (2, {})
    assert out.getvalue().startswith('2 nights, ')
    assert 'every law held at every step' in out.getvalue()


@pytest.mark.parametrize(
    'line',
    [
        '#chaos: earthquake plex',
        '#chaos: kill',
        '#chaos: trouble plex api politely 0 1',
        '#chaos: trouble plex api broken some 1',
        '#chaos: mood plex cheerful',
        '#chaos: repeat plex/0 install',
        '#chaos: secret overseerr secret-changed',
        'juju conifg plex log-level=debug',
    ],
)
def test_a_line_that_says_nothing_is_refused(nights, line):
    with pytest.raises(errors.InputError):
        nights.replay([line])


@pytest.mark.parametrize(
    'line',
    [
        '#chaos: kill plex/7',
        '#chaos: evict jellyfin/0',
        '#chaos: reapply jellyfin',
        'juju remove-relation plex overseerr',
        'juju remove-relation plex charmarr-storage',
    ],
)
def test_what_is_not_there_any_more_does_not_matter(nights, line):
    assert nights.replay(['#chaos: seed 1', line, line, '#chaos: calm']).law == ''


def test_the_command_replays_a_script(tmp_path, capsys):
    script = tmp_path / 'night.txt'
    script.write_text('#chaos: seed 1\n#chaos: steps 9\n#chaos: kill plex/0\n#chaos: calm\n')
    assert cli.main([str(ROOT / 'bundle.yaml'), '--replay', str(script)]) == 0
    assert capsys.readouterr().out.startswith('every law held, and the night ended where it')


@pytest.mark.parametrize(
    'words',
    [
        ['--nights', '3'],
        ['--chaos', 'often'],
        ['--chaos', '-1'],
        ['--chaos', '1', '--format', 'json'],
        ['--chaos', '1', '--replay', 'night.txt'],
    ],
)
def test_arguments_that_do_not_go_together_are_refused(words, capsys):
    with pytest.raises(SystemExit) as refused:
        arguments.parse(words)
    assert refused.value.code == 2
    assert 'usage: rehearse' in capsys.readouterr().err
