# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Juju's commands on a running model: what they do and what they print."""

import io
import json
import pathlib
from collections.abc import Callable

import pytest
import yaml

from rehearsal import errors, session

Types = Callable[..., str]
Message = Callable[[str], str]


@pytest.fixture
def deployed(types: Types) -> None:
    types('deploy teller --trust', 'deploy reader', 'relate teller reader')


def refusal(types: Types, line: str) -> str:
    with pytest.raises(errors.RehearsalError) as caught:
        types(line)
    return str(caught.value)


def test_deploys_and_relates(types: Types, message: Message, err: io.StringIO):
    types('juju deploy teller news-desk --trust --config text=news -n 2')
    assert err.getvalue().splitlines() == [
        'Located local charm "teller", revision 0',
        'Deploying "news-desk" from local charm "teller", revision 0 on ubuntu@24.04/stable',
    ]
    types('juju deploy reader')
    assert message('reader/0') == 'blocked relate me to a teller'
    types('juju relate reader news-desk')
    assert message('reader/0') == 'active read: news'
    assert message('news-desk/1') == 'active'


@pytest.mark.usefixtures('deployed')
def test_configures_and_resets(types: Types, message: Message, at: session.Session):
    types('config teller text="good night" count=2')
    assert message('reader/0') == 'active read: good night good night'
    assert types('config teller text') == 'good night\n'
    types('config teller --reset text,count')
    assert message('reader/0') == 'active read: hello'
    assert not at.rehearsal.applications['teller'].config


@pytest.mark.usefixtures('deployed')
def test_shows_options_as_juju_does(types: Types):
    types('config teller text=x')
    printed = types('config teller')
    assert '    description: |-\n      What is published.\n      It may be long.\n' in printed
    shown = yaml.safe_load(printed)
    assert shown['application'] == 'teller'
    assert shown['charm'] == 'teller'
    assert shown['application-config']['trust'] == {
        'default': False,
        'description': 'Does this application have access to trusted credentials',
        'source': 'user',
        'type': 'bool',
        'value': True,
    }
    assert shown['settings']['text'] == {
        'default': 'hello',
        'description': 'What is published.\nIt may be long.',
        'source': 'user',
        'type': 'string',
        'value': 'x',
    }
    assert shown['settings']['count']['source'] == 'default'
    assert shown['settings']['secret-number'] == {
        'description': 'Has no default.',
        'source': 'unset',
        'type': 'int',
    }
    assert json.loads(types('config teller --format json')) == shown
    assert types('config teller breaks') == 'false\n'
    assert types('config teller trust') == 'true\n'


@pytest.mark.usefixtures('deployed')
def test_setting_an_option_to_its_value_is_a_warning(types: Types, err: io.StringIO):
    types('config teller text=x')
    types('config teller text=x')
    expected = 'WARNING the configuration setting "text" already has the value "x"\n'
    assert err.getvalue() == expected


@pytest.mark.usefixtures('deployed')
def test_relating_twice_is_refused(types: Types):
    assert refusal(types, 'relate teller reader').startswith('cannot add relation "')


@pytest.mark.usefixtures('deployed')
def test_removing_a_relation_and_relating_again(types: Types, message: Message):
    types('remove-relation teller reader')
    assert message('reader/0') == 'blocked relate me to a teller'
    types('integrate reader:news teller:news')
    assert message('reader/0') == 'active read: hello'


@pytest.mark.usefixtures('deployed')
def test_runs_an_action(types: Types, err: io.StringIO, at: session.Session):
    results = yaml.safe_load(types('run teller/0 greet name=world'))
    assert results == {'greeting': 'hello world', 'from': {'unit': 'teller'}}
    first = min(at.tasks)
    assert err.getvalue().splitlines()[:4] == [
        f'Running operation {first - 1} with 1 task',
        f'  - task {first} on unit-teller-0',
        '',
        f'Waiting for task {first}...',
    ]
    assert any('thinking' in line for line in err.getvalue().splitlines())
    assert not at.failed


@pytest.mark.usefixtures('deployed')
def test_runs_an_action_on_the_leader_for_programs(types: Types, at: session.Session):
    shown = json.loads(types('run teller/leader greet name=x --format json'))
    task = shown['teller/0']
    assert task['status'] == 'completed'
    assert task['results']['greeting'] == 'hello x'
    assert yaml.safe_load(types(f'show-task {task["id"]}')) == task


@pytest.mark.usefixtures('deployed')
def test_an_action_that_fails_prints_why(types: Types, err: io.StringIO, at: session.Session):
    types('run teller/0 refuse')
    assert f'Action id {max(at.tasks)} failed: no' in err.getvalue()
    assert at.failed


@pytest.mark.usefixtures('deployed')
def test_an_action_that_crashes_is_an_error(types: Types):
    message = refusal(types, 'run teller/0 crash')
    assert message.startswith('the following task failed:\n - id "')
    assert message.endswith("use 'juju show-task' to inspect the failure")


@pytest.mark.usefixtures('deployed')
def test_an_action_refuses_unknown_and_missing_parameters(types: Types):
    assert 'name' in refusal(types, 'run teller/0 greet')
    assert 'nome' in refusal(types, 'run teller/0 greet name=x nome=y')


@pytest.mark.usefixtures('deployed')
def test_scales_up_and_down(types: Types, err: io.StringIO, at: session.Session):
    types('scale-application teller 3')
    assert err.getvalue() == 'teller scaled to 3 units\n'
    assert [unit.name for unit in at.rehearsal.applications['teller'].units] == [
        'teller/0',
        'teller/1',
        'teller/2',
    ]
    types('scale-application teller 0')
    assert not at.rehearsal.applications['teller'].units


@pytest.mark.usefixtures('deployed')
def test_trusts_and_takes_trust_away(types: Types, at: session.Session):
    types('trust reader --scope=cluster')
    assert at.rehearsal.applications['reader'].trust
    types('trust reader --remove --scope=cluster')
    assert not at.rehearsal.applications['reader'].trust


@pytest.mark.usefixtures('deployed')
def test_refreshes_to_the_next_revision(types: Types, err: io.StringIO, at: session.Session):
    types('refresh teller')
    assert at.rehearsal.applications['teller'].revision == 1
    assert err.getvalue() == 'Added local charm "teller", revision 1, to the model\n'


@pytest.mark.usefixtures('deployed')
def test_removes_an_application(types: Types, message: Message, at: session.Session):
    assert types('remove-application teller --no-prompt') == (
        'will remove application teller\n- will remove unit teller/0\n'
    )
    assert list(at.rehearsal.applications) == ['reader']
    assert message('reader/0') == 'blocked relate me to a teller'


@pytest.mark.usefixtures('deployed')
@pytest.mark.parametrize('answer', [True, False])
def test_asks_before_it_removes(types: Types, at: session.Session, err: io.StringIO, answer: bool):
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    at.confirm = confirm
    if answer:
        types('remove-application teller')
    else:
        assert refusal(types, 'remove-application teller') == 'application removal: aborted'
    assert asked == ['Continue [y/N]? ']
    assert ('teller' in at.rehearsal.applications) is not answer
    assert err.getvalue().startswith(
        'WARNING This command will perform the following actions:\n'
        'will remove application teller\n- will remove unit teller/0\n'
    )


@pytest.mark.usefixtures('deployed')
def test_a_hook_that_fails_shows_its_traceback_once_and_is_mended(
    types: Types, at: session.Session, err: io.StringIO, message: Message
):
    types('config teller breaks=true')
    assert err.getvalue().count('RuntimeError: told to break') == 1
    assert 'teller/0: hook failed: "config-changed"' in err.getvalue()
    assert at.failed
    assert 'hook failed: "config-changed"' in types('status teller')
    types('config teller breaks=false', 'resolved teller/0')
    assert message('teller/0') == 'active'


@pytest.mark.usefixtures('deployed')
@pytest.mark.parametrize(('flag', 'verb'), [('', 'detach'), ('--destroy-storage', 'remove')])
def test_storage_is_listed_and_said_to_go(types: Types, flag: str, verb: str):
    row = types('status --storage').splitlines()[-1].split()
    assert row[:4] == ['reader/0', 'clippings/0', 'filesystem', 'kubernetes']
    assert '2Gi' in row
    said = types(f'remove-application reader --no-prompt {flag}').splitlines()
    assert said[-1] == f'- will {verb} storage clippings/0'


def test_secrets_are_added_granted_and_never_shown(types: Types, err: io.StringIO):
    types('deploy teller')
    id_ = types('add-secret token value=hunter2').strip()
    assert id_.startswith('secret:')
    types('grant-secret token teller')
    shown = yaml.safe_load(types('show-secret token'))
    assert shown == {
        id_.removeprefix('secret:'): {'revision': 1, 'owner': '<model>', 'name': 'token'}
    }
    types('update-secret token value=hunter3')
    assert '"revision": 2' in types('show-secret token --format json')
    types('revoke-secret token teller', 'remove-secret token')
    assert 'hunter' not in err.getvalue()
    assert refusal(types, 'show-secret token') == 'secret "token" not found'


def test_status_of_an_empty_model(types: Types, err: io.StringIO):
    assert types('status').splitlines()[0].startswith('Model  Controller')
    assert err.getvalue() == '\nModel "admin/media" is empty.\n'


@pytest.mark.usefixtures('deployed')
def test_status_in_three_formats(types: Types, err: io.StringIO):
    table = types('status --relations')
    assert 'teller:news           reader:news  news       regular  ' in table
    document = json.loads(types('status --format json'))
    again = yaml.safe_load(types('status --format yaml'))
    for each in (document, again):
        each['controller'].clear()
    assert document == again
    types('status nope')
    assert err.getvalue() == '\nNothing matched specified filter.\n'


def test_deploys_a_bundle_change_by_change(
    types: Types, err: io.StringIO, bundle_file: pathlib.Path, message: Message
):
    assert types('deploy ./bundle.yaml --trust').splitlines() == [
        'Executing changes:',
        '- upload charm reader for base ubuntu@24.04/stable with architecture=amd64',
        '- deploy application reader with 1 unit on ubuntu@24.04/stable',
        '- upload charm teller for base ubuntu@24.04/stable with architecture=amd64',
        '- deploy application teller with 1 unit on ubuntu@24.04/stable',
        '- add relation teller:news - reader:news',
    ]
    assert err.getvalue().splitlines() == [
        'Located local charm "reader"',
        'Located local charm "teller"',
        'Deploy of bundle completed.',
    ]
    assert message('reader/0') == 'active read: good evening'
    assert types('deploy ./bundle.yaml --trust') == ''
    assert 'No changes to apply.' in err.getvalue()


def test_a_bundle_changes_what_is_there(types: Types, bundle_file: pathlib.Path, message: Message):
    types('deploy ./bundle.yaml --trust')
    overlay = bundle_file.parent / 'more.yaml'
    overlay.write_text(
        'applications: {teller: {options: {text: hi}, scale: 2, expose: true}}\n', encoding='utf-8'
    )
    line = 'deploy ./bundle.yaml --trust --overlay more.yaml'
    expected = [
        '- set application options for teller',
        '- scale teller to 2 units',
    ]
    assert types(f'{line} --dry-run').splitlines() == ['Changes to deploy bundle:', *expected]
    assert message('reader/0') == 'active read: good evening'
    assert types(line).splitlines() == ['Executing changes:', *expected]
    assert message('reader/0') == 'active read: hi'


@pytest.mark.usefixtures('bundle_file')
def test_a_bundle_that_wants_trust_needs_the_flag(types: Types, at: session.Session):
    message = refusal(types, 'deploy ./bundle.yaml')
    assert message.endswith('the following application(s):\n  - teller')
    assert not at.rehearsal.applications


def test_a_bundle_says_what_a_rehearsal_leaves_out(
    types: Types, at: session.Session, err: io.StringIO
):
    (at.folder / 'b.yaml').write_text(
        'applications: {teller: {charm: teller, constraints: mem=1G, expose: true}}\n',
        encoding='utf-8',
    )
    shown = types('deploy ./b.yaml')
    assert 'WARNING constraints of application "teller" have no effect in a rehearsal' in (
        err.getvalue()
    )
    assert '- expose all endpoints of teller and allow access from CIDRs' in shown
    assert at.rehearsal.applications['teller'].exposed
