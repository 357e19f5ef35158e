# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib
import re

import pytest

from mediahub import settings

ROOT = pathlib.Path(__file__).parents[3]
PAGE = ROOT / 'docs/reference/mediahub-settings.md'
SEED = ROOT.parent / 'shared/seeds/adr-plex-direct-integration.md'


def test_reference_says_what_the_settings_are():
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r'\| `[A-Z_]+`', line)]
    assert rows == settings.reference()


def test_every_setting_has_a_variable_of_its_own():
    names = [name for variable in settings.variables().values() for name in variable.names]
    assert len(names) == len(set(names))
    computed = {'servers', 'others', 'warnings'}
    assert set(settings.variables()) == set(settings.Settings.model_fields) - computed


@pytest.mark.skipif(not SEED.is_file(), reason='the seed is not beside the checkout')
def test_names_and_defaults_are_those_of_the_seed():
    seed = re.findall(r'^\| `([A-Z_]+)` \| (\S+) \|', SEED.read_text(), re.MULTILINE)
    assert len(seed) == 9
    ours = {row.split('`')[1]: row.split(' | ')[2] for row in settings.reference()}
    assert {name: ours[name].strip('`') for name, _ in seed} == {
        name: default.strip('`()') for name, default in seed
    }
