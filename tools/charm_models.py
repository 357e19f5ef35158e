# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Holds a charm's pydantic models to the options and actions in its `charmcraft.yaml`.

By convention the charm class in `src/charm.py` has `config_type`, the model of all options, and
`action_types`, which gives the model of each action's parameters by the action's name; an action
without parameters may be absent there.
"""

import enum
import importlib.util
import inspect
import pathlib
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import ops
import pydantic
from pydantic.fields import FieldInfo

import charm_metadata

Model = type[pydantic.BaseModel]

# JSON Schema's names for the types of Juju's options.
JSON_TYPES = {'string': 'string', 'int': 'integer', 'float': 'number', 'boolean': 'boolean'}


def load(folder: pathlib.Path) -> ModuleType:
    """Load a charm's `charm.py` under a name of its own, so that several fit into one process.

    The charm's other modules have names that differ between charms; the caller puts `src` on
    `sys.path` for as long as it needs them.
    """
    name = f'charm_of_{folder.name.replace("-", "_")}'
    spec = importlib.util.spec_from_file_location(name, folder / 'src' / 'charm.py')
    if spec is None or spec.loader is None:
        raise ImportError(f'{folder.name}: src/charm.py cannot be loaded')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def charm_class(module: ModuleType) -> type[ops.CharmBase]:
    """The one charm class that the module itself defines.

    Raises:
        LookupError: There is none, or more than one.
    """
    found = [
        item
        for _, item in inspect.getmembers(module, inspect.isclass)
        if issubclass(item, ops.CharmBase) and item.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise LookupError(f'{module.__file__} has {len(found)} charm classes; it needs one')
    return found[0]


def juju_name(field: str, info: FieldInfo) -> str:
    """The option or parameter that a model's field is for."""
    return info.validation_alias if isinstance(info.validation_alias, str) else dashed(field)


def dashed(field: str) -> str:
    """A Python name as Juju spells it."""
    return field.replace('_', '-')


def fields(model: Model | None) -> Mapping[str, FieldInfo]:
    """A model's fields by Juju's names."""
    if model is None:
        return {}
    return {juju_name(field, info): info for field, info in model.model_fields.items()}


def is_secret(info: FieldInfo) -> bool:
    """Whether the field takes a Juju secret, required or not."""
    annotation = info.annotation
    return annotation is ops.Secret or ops.Secret in getattr(annotation, '__args__', ())


def schema(info: FieldInfo) -> Mapping[str, Any]:
    """The field's JSON Schema, references resolved and "or null" left away."""
    annotation: Any = info.annotation
    holder = pydantic.create_model('Holder', field=(annotation, info))
    whole = holder.model_json_schema()
    (found,) = whole['properties'].values()
    choices = [item for item in found.get('anyOf', [found]) if item.get('type') != 'null']
    choice: dict[str, Any] = choices[0] if len(choices) == 1 else {}
    if '$ref' in choice:
        choice = whole['$defs'][choice['$ref'].rpartition('/')[2]]
    return choice


def allowed(info: FieldInfo) -> list[Any]:
    """The values that the field is limited to, none where it is not limited."""
    found = schema(info)
    return [found['const']] if 'const' in found else sorted(found.get('enum') or [])


def default(info: FieldInfo) -> object:
    """The field's default as YAML would hold it; None also where there is none."""
    if info.is_required():
        return None
    value: object = info.get_default(call_default_factory=True, validated_data={})
    return value.value if isinstance(value, enum.Enum) else value


def name_faults(declared: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Both sides hold the same names."""
    for name in sorted(declared.keys() - found.keys()):
        yield f'{name}: in charmcraft.yaml, not in the model'
    for name in sorted(found.keys() - declared.keys()):
        yield f'{name}: in the model, not in charmcraft.yaml'


def type_fault(kind: str, info: FieldInfo) -> str | None:
    """Say so where the model takes another JSON type than the declared one."""
    found = schema(info).get('type')
    return None if found == kind else f'the model takes {found}, charmcraft.yaml says {kind}'


def default_faults(declared: Mapping[str, Any], info: FieldInfo) -> Iterator[str]:
    """Both sides have the same default, or none."""
    wanted, found = declared.get('default'), default(info)
    if wanted != found or isinstance(wanted, bool) != isinstance(found, bool):
        yield f'the default is {found!r} in the model, {wanted!r} in charmcraft.yaml'
    elif wanted is not None and info.is_required():
        yield 'the model requires what charmcraft.yaml has a default for'


def option_faults(metadata: charm_metadata.Metadata, model: Model | None) -> Iterator[str]:
    """Differences between the declared options and the model of the configuration."""
    declared, found = charm_metadata.options(metadata), fields(model)
    yield from (f'option {fault}' for fault in name_faults(declared, found))
    for name in sorted(declared.keys() & found.keys()):
        for fault in one_option_faults(declared[name], found[name]):
            yield f'option {name}: {fault}'


def one_option_faults(declared: Mapping[str, Any], info: FieldInfo) -> Iterator[str]:
    """Differences in one option."""
    if (declared['type'] == 'secret') is not is_secret(info):
        yield 'a secret on one side only'
    elif declared['type'] != 'secret':
        fault = type_fault(JSON_TYPES[declared['type']], info)
        yield from [fault] if fault else []
    yield from default_faults(declared, info)


def action_faults(metadata: charm_metadata.Metadata, models: Mapping[str, Model]) -> Iterator[str]:
    """Differences between the declared actions and the models of their parameters."""
    declared = charm_metadata.actions(metadata)
    for name in sorted(models.keys() - declared.keys()):
        yield f'action {name}: has a model, is not in charmcraft.yaml'
    for name, action in sorted(declared.items()):
        for fault in one_action_faults(action, models.get(name)):
            yield f'action {name}, parameter {fault}'


def one_action_faults(action: Mapping[str, Any], model: Model | None) -> Iterator[str]:
    """Differences in one action's parameters."""
    declared, found = charm_metadata.params(action), fields(model)
    yield from name_faults(declared, found)
    for name in sorted(declared.keys() & found.keys()):
        required = name in (action.get('required') or [])
        for fault in param_faults(declared[name], found[name], required=required):
            yield f'{name}: {fault}'


def param_faults(declared: Mapping[str, Any], info: FieldInfo, *, required: bool) -> Iterator[str]:
    """Differences in one parameter."""
    fault = type_fault(declared['type'], info)
    yield from [fault] if fault else []
    if required is not info.is_required():
        yield 'required on one side only'
    if sorted(declared.get('enum') or []) != allowed(info):
        yield 'the two sides allow different values'
    yield from default_faults(declared, info)
