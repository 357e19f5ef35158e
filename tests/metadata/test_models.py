# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The comparison of pydantic models with charmcraft.yaml finds each kind of difference."""

import enum
import pathlib
import sys
from typing import Annotated, Any, Literal

import ops
import pydantic
import pytest

import charm_models


class Level(enum.Enum):
    INFO = 'info'
    DEBUG = 'debug'


class Config(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)

    log_level: Level = Level.INFO
    replicas: Annotated[int, pydantic.Field(ge=1)] = 1
    ratio: float = 0.5
    fast: bool = False
    folder: pathlib.PurePosixPath | None = None
    claim_token: ops.Secret | None = None


class Scan(pydantic.BaseModel):
    where: str = pydantic.Field(alias='section')
    depth: int = 3
    mode: Literal['quick', 'full'] = 'quick'


def options(sample: dict[str, Any], **changes: Any) -> list[str]:
    """Faults of the sample against the model with other fields; None takes one away."""
    definitions: dict[str, Any] = {
        name: (info.annotation, info) for name, info in Config.model_fields.items()
    }
    definitions |= changes
    kept = {name: field for name, field in definitions.items() if field is not None}
    model = pydantic.create_model('Changed', __config__=Config.model_config, **kept)
    return list(charm_models.option_faults(sample, model))


def actions(sample: dict[str, Any], **changes: Any) -> list[str]:
    """Faults of the sample's actions against models with other fields in `scan`."""
    definitions: dict[str, Any] = {
        name: (info.annotation, info) for name, info in Scan.model_fields.items()
    }
    definitions |= changes
    kept = {name: field for name, field in definitions.items() if field is not None}
    model = pydantic.create_model('Changed', **kept)
    return list(charm_models.action_faults(sample, {'scan': model}))


def test_models_that_match_have_no_fault(sample: dict[str, Any]):
    assert options(sample) == []
    assert actions(sample) == []


def test_a_charm_without_options_needs_no_model():
    assert list(charm_models.option_faults({'name': 'a'}, None)) == []


def test_options_without_a_model_are_found(sample: dict[str, Any]):
    faults = list(charm_models.option_faults(sample, None))
    assert 'option ratio: in charmcraft.yaml, not in the model' in faults
    assert len(faults) == 6


@pytest.mark.parametrize(
    ('changes', 'fault'),
    [
        ({'ratio': None}, 'option ratio: in charmcraft.yaml, not in the model'),
        ({'extra': (str, '')}, 'option extra: in the model, not in charmcraft.yaml'),
        (
            {'replicas': (str, 1)},
            'option replicas: the model takes string, charmcraft.yaml says integer',
        ),
        (
            {'replicas': (int | str, 1)},
            'option replicas: the model takes None, charmcraft.yaml says integer',
        ),
        (
            {'replicas': (int, 2)},
            'option replicas: the default is 2 in the model, 1 in charmcraft.yaml',
        ),
        (
            {'log_level': (Level, Level.DEBUG)},
            "option log-level: the default is 'debug' in the model, 'info' in charmcraft.yaml",
        ),
        (
            {'folder': (str, '')},
            "option folder: the default is '' in the model, None in charmcraft.yaml",
        ),
        (
            {'ratio': (float, ...)},
            'option ratio: the default is None in the model, 0.5 in charmcraft.yaml',
        ),
        ({'claim_token': (str | None, None)}, 'option claim-token: a secret on one side only'),
        ({'folder': (ops.Secret | None, None)}, 'option folder: a secret on one side only'),
    ],
)
def test_a_different_option_is_found(sample: dict[str, Any], changes: Any, fault: str):
    assert options(sample, **changes) == [fault]


def test_an_option_without_default_may_be_required(sample: dict[str, Any]):
    assert options(sample, folder=(str, ...)) == []


def test_a_boolean_is_no_number(sample: dict[str, Any]):
    sample['config']['options']['replicas']['default'] = True
    assert options(sample) == [
        'option replicas: the default is 1 in the model, True in charmcraft.yaml'
    ]


@pytest.mark.parametrize(
    ('changes', 'fault'),
    [
        ({'depth': None}, 'action scan, parameter depth: in charmcraft.yaml, not in the model'),
        (
            {'extra': (str, '')},
            'action scan, parameter extra: in the model, not in charmcraft.yaml',
        ),
        (
            {'depth': (float, 3)},
            'action scan, parameter depth: the model takes number, charmcraft.yaml says integer',
        ),
        (
            {'mode': (Literal['quick'], 'quick')},
            'action scan, parameter mode: the two sides allow different values',
        ),
        (
            {'where': (str | None, pydantic.Field(None, alias='section'))},
            'action scan, parameter section: required on one side only',
        ),
    ],
)
def test_a_different_parameter_is_found(sample: dict[str, Any], changes: Any, fault: str):
    assert fault in actions(sample, **changes)


def test_a_parameter_of_one_value_only_is_compared(sample: dict[str, Any]):
    sample['actions']['scan']['params']['mode']['enum'] = ['quick']
    assert actions(sample, mode=(Literal['quick'], 'quick')) == []


def test_a_model_for_an_action_that_is_not_there_is_found(sample: dict[str, Any]):
    faults = list(charm_models.action_faults(sample, {'scan': Scan, 'other': Scan}))
    assert faults == ['action other: has a model, is not in charmcraft.yaml']


def test_an_action_without_parameters_may_have_an_empty_model(sample: dict[str, Any]):
    class Nothing(pydantic.BaseModel):
        pass

    assert list(charm_models.action_faults(sample, {'scan': Scan, 'show': Nothing})) == []


CHARM = """
import ops
import workload_of_the_sample

class {name}(ops.CharmBase):
    config_type = None
"""


def write_charm(folder: pathlib.Path, source: str) -> pathlib.Path:
    (folder / 'src').mkdir(parents=True)
    (folder / 'src' / 'charm.py').write_text(source)
    (folder / 'src' / 'workload_of_the_sample.py').write_text('')
    return folder


def test_charms_load_side_by_side(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    first = write_charm(tmp_path / 'first-k8s', CHARM.format(name='First'))
    second = write_charm(tmp_path / 'second-k8s', CHARM.format(name='Second'))
    monkeypatch.setattr(sys, 'path', [*sys.path, str(first / 'src')])
    classes = [charm_models.charm_class(charm_models.load(item)) for item in (first, second)]
    assert [item.__name__ for item in classes] == ['First', 'Second']


@pytest.mark.parametrize('source', ['import ops', 'from ops import CharmBase'])
def test_a_module_without_a_charm_is_refused(tmp_path: pathlib.Path, source: str):
    module = charm_models.load(write_charm(tmp_path / 'none-k8s', source))
    with pytest.raises(LookupError, match='0 charm classes'):
        charm_models.charm_class(module)
