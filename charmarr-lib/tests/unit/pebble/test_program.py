# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import http.client
import io

import ops
import pytest

from charmarr_lib import pebble
from charmarr_lib.pebble import Disconnected, Exited, NotDone, Program

LAYER = {
    'services': {'plex': {'override': 'replace', 'command': '/bin/plex', 'startup': 'enabled'}},
    'checks': {'up': {'override': 'replace', 'tcp': {'port': 1}, 'threshold': 1}},
}
OWNER = (1000, 1001)
CHANGE = ops.pebble.Change(
    id=ops.pebble.ChangeID('1'),
    kind='start',
    summary='',
    status='Error',
    tasks=[],
    ready=True,
    err=None,
    spawn_time=datetime.datetime.now(datetime.UTC),
    ready_time=None,
)


def use(pod, act):
    return pod.run(lambda container: act(Program(container, 'plex')))


def test_runs_and_stops_its_service(pod):
    assert use(pod, lambda program: program.is_running()) is False
    assert use(pod, lambda program: program.replan(LAYER)) is True
    assert use(pod, lambda program: program.replan(LAYER)) is False
    assert pod.fake.running() == ['plex']
    use(pod, lambda program: program.stop())
    assert pod.fake.running() == []
    use(pod, lambda program: program.start())
    assert use(pod, lambda program: program.is_running()) is True


def test_stopping_what_does_not_run_is_nothing(pod):
    use(pod, lambda program: program.stop())
    assert pod.fake.running() == []


def test_starting_what_is_not_in_the_plan_is_named(pod):
    def act(program):
        with pytest.raises(NotDone, match='service "plex" does not exist'):
            program.start()

    use(pod, act)


def test_tells_whether_a_check_passes(pod):
    use(pod, lambda program: program.replan(LAYER))
    assert use(pod, lambda program: program.is_up('up')) is True
    pod.fake.tick()
    assert use(pod, lambda program: program.is_up('up')) is False
    assert use(pod, lambda program: program.is_up('unknown')) is False


def test_writes_a_file_with_owner_and_mode(pod, volume):
    use(pod, lambda program: program.write('/config/a/b', b'x', OWNER, 0o600))
    assert (volume / 'a' / 'b').read_bytes() == b'x'
    assert (volume / 'a' / 'b').stat().st_mode & 0o777 == 0o600
    entry = use(pod, lambda program: program.entries('/config/a'))['b']
    assert entry == pebble.Entry(1, 0o600, *OWNER)


def test_writes_from_an_open_file(pod, volume):
    use(pod, lambda program: program.write('/config/f', io.BytesIO(b'from a file'), OWNER, 0o644))
    assert (volume / 'f').read_bytes() == b'from a file'


def test_reads_a_file_or_none(pod, volume):
    (volume / 'f').write_bytes(b'\xff')
    assert use(pod, lambda program: program.read('/config/f')) == b'\xff'
    assert use(pod, lambda program: program.open('/config/f').read()) == b'\xff'
    assert use(pod, lambda program: program.read('/config/missing')) is None


def test_a_folder_is_no_file(pod):
    def act(program):
        with pytest.raises(NotDone, match=r'^/config: '):
            program.read('/config')

    use(pod, act)


def test_to_open_what_is_not_there_is_an_error(pod):
    def act(program):
        with pytest.raises(NotDone, match='no such file'):
            program.open('/config/missing')

    use(pod, act)


def test_a_folder_that_is_not_there_has_no_entries(pod):
    assert use(pod, lambda program: program.entries('/config/missing')) == {}


def test_makes_and_removes(pod, volume):
    use(pod, lambda program: program.make_folder('/config/a/b', OWNER, 0o700))
    assert (volume / 'a' / 'b').stat().st_mode & 0o777 == 0o700
    use(pod, lambda program: program.make_folder('/config/a/b', OWNER, 0o700))
    use(pod, lambda program: program.remove('/config/a'))
    use(pod, lambda program: program.remove('/config/a'))
    assert not (volume / 'a').exists()


def test_gives_a_folder_away_once(pod):
    assert use(pod, lambda program: program.give('/config', OWNER)) is True
    assert use(pod, lambda program: program.give('/config', OWNER)) is False


def test_gives_single_files_away(pod, volume):
    (volume / 'f').write_text('x')
    use(pod, lambda program: program.change_owner(['/config/f'], OWNER))
    entry = use(pod, lambda program: program.entries('/config'))['f']
    assert (entry.user_id, entry.group_id) == OWNER


def test_giving_away_what_is_not_there_is_named(pod):
    def act(program):
        with pytest.raises(NotDone, match='/config/missing: a command in the container failed'):
            program.change_owner(['/config/missing'], OWNER)

    use(pod, act)


@pytest.mark.parametrize(
    ('error', 'kind', 'message'),
    [
        (ops.pebble.ConnectionError('no socket'), Disconnected, 'waiting for Pebble'),
        (ops.pebble.TimeoutError('too long'), Disconnected, 'waiting for Pebble'),
        (ops.pebble.ProtocolError('half an answer'), Disconnected, 'waiting for Pebble'),
        (ConnectionResetError('gone'), Disconnected, 'waiting for Pebble'),
        (http.client.IncompleteRead(b''), Disconnected, 'waiting for Pebble'),
        (
            ops.pebble.ChangeError('exited with 1\nits log\nmore', CHANGE),
            Exited,
            'plex does not stay up: look at its log',
        ),
        (
            ops.pebble.APIError({}, 500, 'Internal Server Error', 'cannot\nbecause'),
            NotDone,
            'plex: cannot',
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_failure_is_one_of_three_and_one_line(pod, monkeypatch, error, kind, message):
    def fail(*_, **__):
        raise error

    def act(program):
        monkeypatch.setattr(ops.Container, 'get_services', fail)
        with pytest.raises(kind) as caught:
            program.is_running()
        assert str(caught.value) == message

    use(pod, act)


@pytest.mark.parametrize(
    'error', [TimeoutError('timed out'), http.client.RemoteDisconnected('no answer')]
)
def test_a_pebble_that_breaks_off_its_first_answer_cannot_be_connected_to(pod, error, monkeypatch):
    def break_off(self):
        raise error

    monkeypatch.setattr(ops.Container, 'can_connect', break_off)
    assert use(pod, lambda program: program.can_connect()) is False
