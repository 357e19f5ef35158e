# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import plex_preferences
from plex_options import LogLevel
from plex_preferences import MalformedPreferencesError, Preferences

TEXT = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<Preferences OldestPreviousVersion="legacy" logDebug="1" LogVerbose="0" '
    'FriendlyName="R&amp;D &lt;3 &quot;films&quot;" PlexOnlineToken="secret"/>\n'
)
# XML 1.0 has no way to write other control characters, nor surrogates.
VALUES = st.text(
    st.characters(
        codec='utf-8', exclude_categories=['Cs', 'Cc'], exclude_characters='\ufffe\uffff'
    )
)
NAMES = st.from_regex(r'[A-Za-z][A-Za-z0-9]{0,20}', fullmatch=True)


def changes(
    text: str, level: LogLevel = LogLevel.INFO, *, has_scratch: bool = False
) -> dict[str, str]:
    return plex_preferences.changes(
        Preferences.parse(text), level, '/transcode', has_scratch=has_scratch
    )


def test_names_are_the_same_in_any_case():
    found = Preferences.parse(TEXT)
    assert found.get('LOGDEBUG') == '1'
    assert found.get('logverbose') == '0'


def test_a_setting_keeps_its_spelling():
    changed = Preferences.parse(TEXT).replaced({'logVerbose': '1'})
    assert 'LogVerbose="1"' in changed.to_xml()
    assert 'logVerbose' not in changed.to_xml()


def test_unknown_settings_stay_as_they_are():
    changed = Preferences.parse(TEXT).replaced({'logDebug': '0', 'New': 'x'})
    assert changed.get('FriendlyName') == 'R&D <3 "films"'
    assert changed.get('OldestPreviousVersion') == 'legacy'
    assert changed.get('New') == 'x'


def test_changing_a_copy_leaves_the_original():
    found = Preferences.parse(TEXT)
    found.replaced({'logDebug': '0'})
    found.without(['PlexOnlineToken'])
    assert found.get('logDebug') == '1'
    assert found.token == 'secret'


def test_a_claim_is_taken_out_and_put_back():
    found = Preferences.parse(TEXT)
    before = found.only(plex_preferences.ACCOUNT)
    assert before == {'PlexOnlineToken': 'secret'}
    without = found.without(plex_preferences.ACCOUNT)
    assert without.token is None
    assert without.replaced(before).token == 'secret'


def test_an_empty_token_is_none():
    assert Preferences.parse('<Preferences PlexOnlineToken=""/>').token is None


@pytest.mark.parametrize(
    'text', ['', 'not xml', '<Preferences', '<Preferences a="1" a="2"/>', '<Other/>', '<a><b></a>']
)
def test_what_plex_would_not_write_is_refused(text: str):
    with pytest.raises(MalformedPreferencesError, match=r'^Preferences\.xml '):
        Preferences.parse(text)


@given(st.dictionaries(NAMES, VALUES, max_size=8), NAMES, VALUES)
@example({'S': '0', 's': ''}, 'A', '')
def test_every_value_survives_the_file(values: dict[str, str], name: str, value: str):
    shell = Preferences.parse('<Preferences/>').replaced(values).replaced({name: value})
    again = Preferences.parse(shell.to_xml())
    assert again.get(name) == value
    others = {k: v for k, v in values.items() if k.lower() != name.lower()}
    spelled = {k.lower(): v for k, v in others.items()}
    assert {k: again.get(k) for k in spelled} == spelled
    assert again.to_xml() == shell.to_xml()


@pytest.mark.parametrize(
    ('level', 'debug', 'verbose'),
    [
        (LogLevel.ERROR, '0', '0'),
        (LogLevel.WARNING, '0', '0'),
        (LogLevel.INFO, '0', '0'),
        (LogLevel.DEBUG, '1', '0'),
        (LogLevel.TRACE, '1', '1'),
    ],
)
def test_each_level_sets_both_switches(level: LogLevel, debug: str, verbose: str):
    opposite = f'<Preferences logDebug="{1 - int(debug)}" logVerbose="{1 - int(verbose)}"/>'
    assert changes(opposite, level) == {'logDebug': debug, 'logVerbose': verbose}


def test_what_plex_does_by_default_is_not_written():
    assert changes('<Preferences/>', LogLevel.DEBUG) == {}
    assert changes('<Preferences/>', LogLevel.INFO) == {'logDebug': '0'}


@pytest.mark.parametrize(
    ('folder', 'has_scratch', 'expected'),
    [
        ('', True, {'TranscoderTempDirectory': '/transcode'}),
        ('/fast', True, {}),
        ('/transcode', True, {}),
        ('/transcode', False, {'TranscoderTempDirectory': ''}),
        ('/fast', False, {}),
        ('', False, {}),
    ],
)
def test_the_transcoder_folder(folder: str, has_scratch: bool, expected: dict[str, str]):
    text = f'<Preferences logDebug="0" transcoderTempDirectory="{folder}"/>'
    assert changes(text, has_scratch=has_scratch) == expected


@given(st.sampled_from(LogLevel), st.booleans(), st.sampled_from(['', '/transcode', '/fast']))
def test_changes_settle(level: LogLevel, has_scratch: bool, folder: str):
    found = Preferences.parse(f'<Preferences TranscoderTempDirectory="{folder}"/>')
    wanted = plex_preferences.changes(found, level, '/transcode', has_scratch=has_scratch)
    again = found.replaced(wanted)
    assert plex_preferences.changes(again, level, '/transcode', has_scratch=has_scratch) == {}
