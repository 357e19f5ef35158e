# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How a command line is sorted into flags and arguments."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import errors, flags

KNOWN = (
    flags.Flag('trust'),
    flags.Flag('num-units', 'n', flags.Takes.NUMBER),
    flags.Flag('config', takes=flags.Takes.TEXT, repeats=True),
    flags.Flag('format', takes=flags.Takes.TEXT),
    flags.Flag('interactive', 'i'),
)


def test_flags_and_arguments_mix_freely():
    parsed = flags.parse(['plex-k8s', '--trust', 'plex', '--format=json'], KNOWN)
    assert parsed.arguments == ('plex-k8s', 'plex')
    assert parsed.switch('trust')
    assert parsed.text('format') == 'json'


@pytest.mark.parametrize('words', [['-n', '3'], ['-n3'], ['-n=3'], ['--num-units=3'], ['-in3']])
def test_a_number_is_read_in_every_form_juju_takes(words: list[str]):
    assert flags.parse(words, KNOWN).number('num-units') == 3


def test_a_flag_that_repeats_keeps_every_value_and_others_the_last():
    words = ['--config', 'a=1', '--config', 'b=2', '--format', 'json', '--format', 'yaml']
    parsed = flags.parse(words, KNOWN)
    assert parsed.texts('config') == ('a=1', 'b=2')
    assert parsed.text('format') == 'yaml'


def test_a_value_may_contain_an_equals_sign():
    assert flags.parse(['--config=a=b=c'], KNOWN).texts('config') == ('a=b=c',)


def test_two_dashes_end_the_flags():
    assert flags.parse(['a', '--', '--trust', '-n'], KNOWN).arguments == ('a', '--trust', '-n')


def test_one_dash_alone_is_an_argument():
    assert flags.parse(['-'], KNOWN).arguments == ('-',)


def test_a_switch_can_be_turned_off_by_value():
    assert not flags.parse(['--trust=false'], KNOWN).switch('trust')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--nope'], 'option provided but not defined: --nope'),
        (['-x'], 'option provided but not defined: -x'),
        (['--config'], 'option needs an argument: --config'),
        (['-n', 'two'], 'invalid value "two" for option -n: expected a whole number'),
        (['-n', '1_0'], 'invalid value "1_0" for option -n: expected a whole number'),
        (
            ['-n', '9' * 5000],
            f'invalid value "{"9" * 5000}" for option -n: expected a whole number',
        ),
        (['--trust=yes'], 'invalid value "yes" for option --trust: expected true or false'),
    ],
)
def test_refuses_in_jujus_words(words: list[str], message: str):
    with pytest.raises(errors.InputError) as caught:
        flags.parse(words, KNOWN)
    assert str(caught.value) == message


PIECES = st.sampled_from(
    ['-', '--', '--trust', '-n', '--num-units', '=', '--config', '-i', '-in', 'x', '²', '3']
)


@given(st.lists(st.one_of(st.text(max_size=6), PIECES, st.builds(str.__add__, PIECES, PIECES))))
def test_no_words_make_anything_but_a_result_or_a_refusal(words: list[str]):
    with contextlib.suppress(errors.InputError):
        parsed = flags.parse(words, KNOWN)
        parsed.number('num-units')
        assert set(parsed.arguments) <= set(words)
