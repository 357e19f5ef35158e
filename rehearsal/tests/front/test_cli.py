# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The console command from its arguments to its exit status."""

import io
import json
import pathlib
import re
from collections.abc import Callable

import pytest

from rehearsal import cli, engine

Rehearse = Callable[..., tuple[int, str, str]]


def test_a_bundle_settles_and_is_reported(rehearse: Rehearse, bundle_file: pathlib.Path):
    status, out, err = rehearse(str(bundle_file))
    assert status == 0, err
    assert out.startswith('Executing changes:\n')
    assert re.search(r'^reader/0\*  active +idle .* read: good evening$', out, re.MULTILINE)
    assert re.search(r'^StatefulSet +teller +1/1 ready', out, re.MULTILINE)
    assert re.search(r'^Settled in \d+\.\d s: \d+ hooks, ', out, re.MULTILINE)
    assert 'rollouts: none.' in out
    assert 'teller/0: config-changed' in err


def test_quiet_shows_no_progress(rehearse: Rehearse, bundle_file: pathlib.Path):
    _, _, err = rehearse(str(bundle_file), '--quiet')
    assert 'config-changed' not in err


def test_programs_get_one_document(rehearse: Rehearse, bundle_file: pathlib.Path):
    status, out, _ = rehearse(str(bundle_file), '--format', 'json', '--quiet')
    document = json.loads(out)
    assert status == 0
    assert document['version'] == 1
    assert document['settled'] is True
    assert document['failure'] is None
    assert document['errors'] == []
    assert document['status']['applications']['reader']['units']['reader/0'][
        'workload-status'
    ] == {'current': 'active', 'message': 'read: good evening'}
    assert document['counts']['hooks'] > 8
    assert document['counts']['steady']['api_writes'] == 0
    kinds = {(each['kind'], each['name']) for each in document['kubernetes']}
    assert ('StatefulSet', 'teller') in kinds


def test_a_script_runs_after_the_bundle(
    rehearse: Rehearse, bundle_file: pathlib.Path, tmp_path: pathlib.Path
):
    script = tmp_path / 'x.juju'
    script.write_text('juju config teller text=later\njuju status\n', encoding='utf-8')
    status, out, err = rehearse(str(bundle_file), '--script', str(script))
    assert status == 0
    assert '$ juju config teller text=later' in err
    assert 'read: later' in out


def test_a_script_alone_starts_with_an_empty_model(
    rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr('sys.stdin', io.StringIO('deploy teller\nrun teller/0 greet name=you\n'))
    status, out, _ = rehearse('--script', '-', '--format', 'json', '--quiet')
    assert status == 0
    ran = json.loads(out)['commands']
    assert [each['place'] for each in ran] == ['standard input:1', 'standard input:2']
    assert ran[1]['command'] == 'juju run teller/0 greet name=********'
    assert ran[1]['output'].startswith('greeting: hello you')


def test_a_script_stops_at_the_first_error(rehearse: Rehearse, tmp_path: pathlib.Path):
    script = tmp_path / 'x.juju'
    script.write_text('deploy teller\nrelate teller nope\ndeploy reader\n', encoding='utf-8')
    status, out, err = rehearse('--script', str(script), '--quiet')
    assert status == 1
    assert err.splitlines()[-1] == f'ERROR {script}:2: application "nope" not found'
    assert 'teller/0*' in out
    assert 'reader' not in out


def test_a_misspelt_command_stops_a_script_before_it_starts(
    rehearse: Rehearse, tmp_path: pathlib.Path
):
    script = tmp_path / 'x.juju'
    script.write_text('deploy teller\ndepoly reader\n', encoding='utf-8')
    status, out, err = rehearse('--script', str(script))
    assert (status, out) == (2, '')
    assert err.startswith(f'ERROR {script}:2: juju: "depoly" is not a command of a rehearsal')


def test_a_hook_that_fails_makes_the_status_1(rehearse: Rehearse, tmp_path: pathlib.Path):
    script = tmp_path / 'x.juju'
    script.write_text('deploy teller --config breaks=true\n', encoding='utf-8')
    status, out, err = rehearse('--script', str(script), '--quiet')
    assert status == 1
    assert err.count('RuntimeError: told to break') == 1
    assert re.search(r'^teller/0\*  error .*hook failed: "config-changed"$', out, re.MULTILINE)


def test_a_model_that_does_not_rest_says_what_moves(rehearse: Rehearse, bundle_file: pathlib.Path):
    status, out, err = rehearse(str(bundle_file), '--limit', '3', '--quiet')
    assert status == 1
    assert 'Not settled after 3 hooks. Still moving:\n- ' in err
    assert 'Not settled in ' in out


def test_without_trust_the_charms_have_none(
    rehearse: Rehearse, bundle_file: pathlib.Path, tmp_path: pathlib.Path
):
    script = tmp_path / 'x.juju'
    script.write_text('config teller trust\n', encoding='utf-8')
    arguments = (str(bundle_file), '--script', str(script), '--format', 'json', '--quiet')
    for more, expected in (((), 'true\n'), (('--no-trust',), 'false\n')):
        _, out, _ = rehearse(*arguments, *more)
        assert json.loads(out)['commands'][0]['output'] == expected


def test_juju_4_can_be_rehearsed(rehearse: Rehearse, bundle_file: pathlib.Path):
    status, out, _ = rehearse(str(bundle_file), '--juju', '4.0', '--quiet', '--model', 'films')
    assert status == 0
    assert re.search(r'^films +rehearsal +embedded/localhost +4\.0\.1 ', out, re.MULTILINE)
    assert 'SLA' not in out


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('applications: {a: {charm: nope}}\n', ':1: applications.a.charm: charm "nope" not found'),
        ('applications: {\n', ':2: not YAML: '),
        (None, ': no such file'),
    ],
)
def test_a_bundle_that_cannot_be_used_is_one_line_and_status_2(
    rehearse: Rehearse, tmp_path: pathlib.Path, content: str | None, message: str
):
    file = tmp_path / 'b.yaml'
    if content is not None:
        file.write_text(content, encoding='utf-8')
    status, out, err = rehearse(str(file))
    assert (status, out) == (2, '')
    assert err.startswith(f'ERROR {file}{message}')
    assert err.count('\n') == 1


def test_a_script_that_is_no_text_is_one_line_and_status_2(
    rehearse: Rehearse, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / 'x').write_bytes(b'\xff')
    assert rehearse('--script', str(tmp_path / 'x'))[::2] == (
        2,
        f'ERROR {tmp_path / "x"}: not text in UTF-8\n',
    )
    for arguments in (('--script', '-'), ('-i',)):
        monkeypatch.setattr('sys.stdin', io.TextIOWrapper(io.BytesIO(b'\xff'), encoding='utf-8'))
        status, _, err = rehearse(*arguments, '--quiet')
        assert (status, err) == (2, 'ERROR standard input: not text in UTF-8\n')


def test_a_folder_without_charms_is_refused(
    bundle_file: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / 'empty').mkdir()
    assert cli.main([str(bundle_file), '--charms', str(tmp_path / 'empty')]) == 2
    assert 'holds no charm' in capsys.readouterr().err


def test_charms_beside_the_bundle_are_found(
    bundle_file: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    charms = pathlib.Path(__file__).parent / 'charms'
    (bundle_file.parent / 'charms').symlink_to(charms)
    assert cli.main([str(bundle_file), '--quiet']) == 0
    assert 'read: good evening' in capsys.readouterr().out


def test_the_bundle_beside_us_is_the_default(
    rehearse: Rehearse, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    status, _, err = rehearse()
    assert (status, err) == (2, 'ERROR bundle.yaml: no such file\n')


@pytest.mark.parametrize(
    'arguments',
    [
        ('--limit', '0'),
        ('--limit', 'x'),
        ('-i', '--format', 'json'),
        ('--juju', '2'),
        ('--model', 'My Model'),
    ],
)
def test_wrong_flags_are_status_2(rehearse: Rehearse, arguments: tuple[str, ...]):
    with pytest.raises(SystemExit) as caught:
        rehearse(*arguments)
    assert caught.value.code == 2


def test_an_interrupt_is_status_130(
    rehearse: Rehearse, bundle_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(self: engine.Rehearsal, limit: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.Rehearsal, 'settle', interrupted)
    status, _, err = rehearse(str(bundle_file))
    assert status == 130
    assert 'Traceback' not in err


def test_a_reader_that_goes_away_is_no_traceback(
    rehearse: Rehearse, bundle_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr('sys.stdout', Closed())
    status, _, err = rehearse(str(bundle_file), '--quiet')
    assert status == 141
    assert 'Traceback' not in err


def test_the_prompt_takes_lines_when_there_is_no_terminal(
    rehearse: Rehearse, bundle_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    typed = 'frob\n\nconfig teller text=typed\nremove-application teller\ny\nstatus\nexit\nfrob\n'
    monkeypatch.setattr('sys.stdin', io.StringIO(typed))
    status, out, err = rehearse(str(bundle_file), '-i', '--quiet')
    assert err.count('is not a command of a rehearsal') == 1
    assert status == 1
    assert 'blocked   idle' in out


def test_the_charms_log_is_shown_when_asked_for(rehearse: Rehearse, bundle_file: pathlib.Path):
    _, _, err = rehearse(str(bundle_file), '--quiet', '--debug-log')
    assert re.search(r'^unit-teller-0: \d\d:\d\d:\d\d [A-Z]+ unit\.teller/0', err, re.MULTILINE)
