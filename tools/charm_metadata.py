# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What charmcraft's schema lets pass in a `charmcraft.yaml` and a charm should not.

Each check takes the parsed file and answers one line for each fault. charmcraft itself accepts an
endpoint without an interface, an option of type `strng`, a container that names no resource, and
names that the store refuses.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Metadata = Mapping[str, Any]
Check = Callable[[Metadata], Iterator[str]]

NAME = re.compile(r'[a-z][a-z0-9]*(-[a-z0-9]+)*')
SECRETIVE = re.compile(r'(token|password|passphrase|api-key|credentials?)$')

# The types of Juju's options, and the Python types of their defaults.
OPTION_TYPES: Mapping[str, tuple[type, ...]] = {
    'string': (str,),
    'int': (int,),
    'float': (int, float),
    'boolean': (bool,),
    'secret': (),
}

# The types of JSON Schema that Juju's command line can give a value to.
PARAM_TYPES: Mapping[str, tuple[type, ...]] = {
    'string': (str,),
    'integer': (int,),
    'number': (int, float),
    'boolean': (bool,),
}

ROLES = ('provides', 'requires', 'peers')


def section(metadata: Metadata, *keys: str) -> Mapping[str, Any]:
    """The mapping under these keys; YAML's nothing counts as empty."""
    found: Any = metadata
    for key in keys:
        found = found.get(key) or {}
    return found


def options(metadata: Metadata) -> Mapping[str, Metadata]:
    """The charm's configuration options."""
    return section(metadata, 'config', 'options')


def actions(metadata: Metadata) -> Mapping[str, Metadata]:
    """The charm's actions."""
    return section(metadata, 'actions')


def params(action: Metadata) -> Mapping[str, Metadata]:
    """An action's parameters."""
    return section(action, 'params')


def names(metadata: Metadata) -> Iterator[tuple[str, str]]:
    """Everything that has a name an operator types: what it is, and the name."""
    yield 'charm', metadata['name']
    for role in (*ROLES, 'containers', 'resources', 'storage'):
        yield from ((f'{role} entry', name) for name in section(metadata, role))
    yield from (('option', name) for name in options(metadata))
    for name, action in actions(metadata).items():
        yield 'action', name
        yield from ((f'parameter of {name}', param) for param in params(action))


def name_faults(metadata: Metadata) -> Iterator[str]:
    """Names are lowercase words joined by single dashes."""
    for what, name in names(metadata):
        if not NAME.fullmatch(name):
            yield f'{what} {name!r}: use lowercase letters, digits and single dashes'


def endpoint_faults(metadata: Metadata) -> Iterator[str]:
    """Endpoints name their interface and say whether a charm can do without them."""
    for role in ROLES:
        for name, endpoint in section(metadata, role).items():
            if not endpoint.get('interface'):
                yield f'{role} {name}: interface is missing'
            # A peer relation is always there, so the question does not arise.
            if role != 'peers' and not isinstance(endpoint.get('optional'), bool):
                yield f'{role} {name}: say optional: true or optional: false'


def container_faults(metadata: Metadata) -> Iterator[str]:
    """Containers run an image resource that exists and mount storage that exists."""
    resources = section(metadata, 'resources')
    for name, container in section(metadata, 'containers').items():
        resource = container.get('resource')
        if resource not in resources:
            yield f'container {name}: its resource {resource!r} is not declared'
        elif resources[resource].get('type') != 'oci-image':
            yield f'container {name}: its resource {resource!r} is no oci-image'
        mounts: list[Metadata] = container.get('mounts') or []
        for mount in mounts:
            if mount.get('storage') not in section(metadata, 'storage'):
                yield f'container {name}: its storage {mount.get("storage")!r} is not declared'


def resource_faults(metadata: Metadata) -> Iterator[str]:
    """Images are pinned: what was tested is what a bundle deploys."""
    for name, resource in section(metadata, 'resources').items():
        if resource.get('type') == 'oci-image' and not is_pinned(resource.get('upstream-source')):
            yield f'resource {name}: upstream-source needs a version tag or a digest, not latest'


def is_pinned(image: object) -> bool:
    """Whether an image reference always means the same release."""
    if not isinstance(image, str) or not image:
        return False
    if '@sha256:' in image:
        return True
    _, colon, tag = image.rpartition('/')[2].partition(':')
    return bool(colon) and tag not in ('', 'latest')


def option_faults(metadata: Metadata) -> Iterator[str]:
    """Options have a known type, a description and a default of that type; secrets are secrets."""
    for name, option in options(metadata).items():
        kind = str(option.get('type'))
        if kind not in OPTION_TYPES:
            yield f'option {name}: type {kind} is not one of {", ".join(OPTION_TYPES)}'
        elif 'default' in option and not is_of(option['default'], OPTION_TYPES[kind]):
            yield f'option {name}: default {option["default"]!r} is no {kind}'
        if not option.get('description'):
            yield f'option {name}: description is missing'
        if SECRETIVE.search(name) and kind != 'secret':
            yield f'option {name}: what must not be read belongs into an option of type secret'


def is_of(value: object, types: tuple[type, ...]) -> bool:
    """Whether a value has one of the types, a boolean never being a number."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def action_faults(metadata: Metadata) -> Iterator[str]:
    """Actions refuse what they do not know, and describe themselves and their parameters."""
    for name, action in actions(metadata).items():
        if action.get('additionalProperties') is not False:
            # Juju 3 and 4 differ in what they do where this is absent.
            yield f'action {name}: say additionalProperties: false'
        if not action.get('description'):
            yield f'action {name}: description is missing'
        required: list[str] = action.get('required') or []
        for param in required:
            if param not in params(action):
                yield f'action {name}: required {param!r} is no parameter'
        for param, schema in params(action).items():
            yield from (f'action {name}, {param}: {fault}' for fault in param_faults(schema))


def param_faults(schema: Metadata) -> Iterator[str]:
    """A parameter has a known type, a description and a default of that type."""
    kind = str(schema.get('type'))
    if kind not in PARAM_TYPES:
        yield f'type {kind} is not one of {", ".join(PARAM_TYPES)}'
    elif 'default' in schema and not is_of(schema['default'], PARAM_TYPES[kind]):
        yield f'default {schema["default"]!r} is no {kind}'
    if not schema.get('description'):
        yield 'description is missing'


def listing_faults(metadata: Metadata) -> Iterator[str]:
    """What the store shows and what Juju has to be for the charm to work."""
    for key in ('title', 'summary', 'description'):
        if not metadata.get(key):
            yield f'{key} is missing'
    for link in ('documentation', 'source', 'issues'):
        if not section(metadata, 'links').get(link):
            yield f'links: {link} is missing'
    for need in ('k8s-api', 'juju >= 3.6'):
        if need not in (metadata.get('assumes') or []):
            yield f'assumes: {need} is missing'
    if 'charm-libs' in metadata:
        yield 'charm-libs: libraries come from the lock, not from Charmhub'


def part_faults(metadata: Metadata) -> Iterator[str]:
    """The parts build from the workspace and its lock; docs/decisions/0002-packing.md."""
    charm = section(metadata, 'parts', 'charm')
    wanted = {
        'plugin': 'python',
        'source': '../..',
        'source-subdir': f'charms/{metadata["name"]}',
        'python-requirements': ['requirements.txt'],
    }
    for key, value in wanted.items():
        if charm.get(key) != value:
            yield f'parts, charm: {key} has to be {value!r}'
    build = str(charm.get('override-build') or '')
    for command in ('tools/install_library.py', 'craftctl default', 'cp LICENSE'):
        if command not in build:
            yield f'parts, charm: override-build lacks {command!r}'
    staged: list[str] = section(metadata, 'parts', 'files').get('stage') or []
    for file in ('icon.svg', 'README.md'):
        if file not in staged:
            yield f'parts, files: {file} is not staged'
    if metadata.get('base') != 'ubuntu@24.04' or 'amd64' not in section(metadata, 'platforms'):
        yield 'base has to be ubuntu@24.04 and platforms have to hold amd64'


CHECKS: tuple[Check, ...] = (
    name_faults,
    endpoint_faults,
    container_faults,
    resource_faults,
    option_faults,
    action_faults,
    listing_faults,
    part_faults,
)
