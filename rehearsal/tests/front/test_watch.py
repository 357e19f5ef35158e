# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Progress on a terminal and elsewhere."""

import io

import rich.console

from rehearsal import model, watch

DONE = model.HookRun('plex/0', 'start', 0.0123, 1, 2, 1, model.Outcome.DONE)
FAILED = model.HookRun('plex/0', 'start', 0.0123, 1, 1, 0, model.Outcome.FAILED)


def test_lines_tell_each_hook_with_its_time_and_writes():
    stream = io.StringIO()
    lines = watch.Lines(stream)
    lines.hook_started('plex/0', 'start')
    lines.hook_finished(DONE)
    lines.hook_finished(FAILED)
    lines.rollout('plex')
    lines.note('10 s pass')
    assert stream.getvalue().splitlines() == [
        'plex/0: start  12 ms, 2 writes',
        'plex/0: start  12 ms, 1 write  failed',
        'plex: Kubernetes replaces its pods',
        '10 s pass',
    ]


def test_lines_drop_the_charms_log_unless_it_is_wanted():
    stream, logs = io.StringIO(), io.StringIO()
    watch.Lines(stream).log('plex/0', 'INFO', 'hello')
    watch.Lines(stream, logs).log('plex/0', 'INFO', 'hello')
    assert not stream.getvalue()
    assert logs.getvalue().startswith('unit-plex-0: ')
    assert logs.getvalue().endswith(' INFO unit.plex/0.juju-log hello\n')


def test_a_live_line_keeps_what_matters_and_takes_markup_for_text():
    stream = io.StringIO()
    console = rich.console.Console(file=stream, force_terminal=True, width=80)
    with watch.Live(console) as live:
        live.hook_started('plex/0', 'start')
        live.hook_finished(DONE)
        live.hook_finished(FAILED)
        live.note('[/bold] is not markup')
        live.log('plex/0', 'INFO', 'dropped')
        live.pause()
    shown = stream.getvalue()
    assert 'plex/0: start  12 ms, 1 write  failed' in shown
    assert '[/bold] is not markup' in shown
    assert 'dropped' not in shown


def test_a_live_line_shows_the_charms_log_when_wanted():
    stream = io.StringIO()
    with watch.Live(rich.console.Console(file=stream, force_terminal=True), logs=True) as live:
        live.log('plex/0', 'INFO', 'hello')
    assert 'INFO unit.plex/0.juju-log hello' in stream.getvalue()
