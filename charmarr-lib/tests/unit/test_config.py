# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from typing import Literal

import ops
import pydantic
import pytest
from ops import testing

from charmarr_lib import config

META = {
    'name': 'sample',
    'config': {
        'options': {
            'log-level': {'type': 'string', 'default': 'info'},
            'puid': {'type': 'int', 'default': 1000},
        }
    },
    'actions': {'claim': {'params': {'token': {'type': 'string'}}}},
}


class SampleOptions(config.Options):
    log_level: Literal['info', 'debug']
    puid: int = pydantic.Field(ge=0)


class ClaimParams(config.Options):
    token: str = pydantic.Field(pattern='^claim-')


class Sample(ops.CharmBase):
    found: object = None

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._load)
        framework.observe(self.on.claim_action, self._claim)

    def _load(self, _: ops.EventBase):
        Sample.found = config.load(self, SampleOptions)

    def _claim(self, event: ops.ActionEvent):
        params = config.load_params(event, ClaimParams)
        Sample.found = params
        if isinstance(params, config.Invalid):
            event.fail(str(params))


@pytest.fixture
def context():
    Sample.found = None
    with testing.Context(Sample, meta=META) as context:
        yield context


def load(context, **options):
    given = {name.replace('_', '-'): value for name, value in options.items()}
    context.run(context.on.config_changed(), testing.State(config=given))
    return Sample.found


def test_defaults_are_valid(context):
    assert load(context) == SampleOptions(log_level='info', puid=1000)


def test_a_mistake_names_the_option_as_the_operator_spells_it(context):
    found = load(context, log_level='loud')
    assert isinstance(found, config.Invalid)
    assert str(found) == "log-level: input should be 'info' or 'debug'"


def test_all_mistakes_are_told_at_once_in_one_line(context):
    found = load(context, log_level='loud\n', puid=-1)
    assert isinstance(found, config.Invalid)
    assert [name for name, _ in found.problems] == ['log-level', 'puid']
    assert '\n' not in str(found)


def test_the_value_given_is_not_repeated(context):
    assert 'sesame' not in str(load(context, log_level='sesame'))
    assert not any('sesame' in line.message for line in context.juju_log)


def test_parameters_are_checked_and_not_repeated(context):
    with pytest.raises(testing.ActionFailed) as failure:
        context.run(context.on.action('claim', {'token': 'sesame'}), testing.State())
    assert failure.value.message.startswith('token: ')
    assert 'sesame' not in failure.value.message


def test_valid_parameters_are_typed(context):
    context.run(context.on.action('claim', {'token': 'claim-1'}), testing.State())
    assert Sample.found == ClaimParams(token='claim-1')
