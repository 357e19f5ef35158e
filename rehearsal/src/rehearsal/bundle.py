# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A bundle as ``juju deploy ./bundle.yaml`` takes it.

The schema is Juju's (``internal/charm/bundledata.go``). A bundle is refused before anything is
deployed, in one line that names the file, the line and the key.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing
from collections.abc import Iterator, Mapping, Sequence

import pydantic

from . import errors, located

Finite = typing.Annotated[float, pydantic.Field(allow_inf_nan=False)]
Option = bool | int | Finite | str
OVERLAY_ONLY = ('offers', 'exposed-endpoints')


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra='forbid', frozen=True, strict=True)


class BundleApplication(_Model):
    """One entry of ``applications``; the keys mean what they mean to Juju."""

    charm: str
    channel: str | None = None
    revision: int | None = pydantic.Field(default=None, ge=0)
    base: str | None = None
    series: str | None = None
    resources: dict[str, int | str] = {}
    scale: int | None = pydantic.Field(default=None, ge=0)
    num_units: int | None = pydantic.Field(default=None, ge=0)
    to: str | list[str] | None = None
    placement: str | None = None
    expose: bool = False
    options: dict[str, Option] = {}
    annotations: dict[str, str] = {}
    constraints: str | None = None
    storage: dict[str, str] = {}
    devices: dict[str, str] = {}
    bindings: dict[str, str] = {}
    plan: str | None = None
    trust: bool = False
    offers: dict[str, typing.Any] = {}
    exposed_endpoints: dict[str, typing.Any] = pydantic.Field(
        default={}, alias='exposed-endpoints'
    )

    @property
    def units(self) -> int:
        """How many units to deploy; one when the bundle does not say."""
        counts = [count for count in (self.scale, self.num_units) if count is not None]
        return counts[0] if counts else 1


class Saas(_Model):
    """An application of another model, named by the URL of its offer."""

    url: str | None = None


class Contents(_Model):
    """The keys of a bundle."""

    bundle: typing.Literal['kubernetes'] | None = None
    name: str | None = None
    description: str | None = None
    tags: list[str] = []
    default_base: str | None = pydantic.Field(default=None, alias='default-base')
    series: str | None = None
    applications: dict[str, BundleApplication] = {}
    relations: list[typing.Annotated[list[str], pydantic.Field(min_length=2, max_length=2)]] = []
    saas: dict[str, Saas] = {}
    machines: dict[str, typing.Any] = {}


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle whose keys and types are right; charms are checked by :mod:`.bundlecheck`.

    Attributes:
        contents: The merged documents.
        source: The same as data, with the line of every key.
        folder: What relative paths in the bundle start from.
    """

    contents: Contents
    source: located.Located
    folder: pathlib.Path

    @property
    def applications(self) -> Mapping[str, BundleApplication]:
        """The applications by name."""
        return self.contents.applications

    def refuse(self, path: located.Path, reason: str) -> errors.InputError:
        """Return the error that says why the value at ``path`` will not do."""
        return _error(self.source, path, reason)


def load(file: pathlib.Path, overlays: Sequence[pathlib.Path] = ()) -> Bundle:
    """Read a bundle, its further documents and its overlay files.

    Raises:
        errors.InputError: A file cannot be read, or its keys are not those of a bundle.
    """
    documents = located.read(file)
    if not documents:
        raise errors.InputError(f'{file}: the bundle is empty')
    for overlay in overlays:
        documents += located.read(overlay)
    return merge(documents, file.parent)


def parse(text: str, name: str = 'bundle.yaml', folder: pathlib.Path | None = None) -> Bundle:
    """Read a bundle from text, as :func:`load` does from a file."""
    documents = located.parse(text, name)
    if not documents:
        raise errors.InputError(f'{name}: the bundle is empty')
    return merge(documents, folder or pathlib.Path())


def merge(documents: Sequence[located.Located], folder: pathlib.Path) -> Bundle:
    """Lay overlays over a bundle and validate the outcome.

    Raises:
        errors.InputError: The keys are not those of a bundle.
    """
    for document in documents:
        _check_shape(document)
    base, *overlays = documents
    _check_base(base)
    for overlay in overlays:
        _overlay(base, overlay)
    bundle = Bundle(_validate(base), base, folder)
    for problem in _contradictions(bundle):
        raise problem
    return bundle


def _check_shape(document: located.Located) -> None:
    """Refuse what cannot be merged, because merging walks into these."""
    data: object = document.data
    if not _is_mapping(data):
        raise _error(document, (), 'a bundle is a mapping')
    for key, kind, wanted in (('applications', dict, 'a mapping'), ('relations', list, 'a list')):
        value: object = data.get(key)
        if key in data and not isinstance(value, kind):
            raise _error(document, (key,), f'expected {wanted}, got {_quoted(value)}')


def _is_mapping(value: object) -> typing.TypeGuard[dict[str, typing.Any]]:
    return isinstance(value, dict)


def _check_base(base: located.Located) -> None:
    for name, body in base.data.get('applications', {}).items():
        if not isinstance(body, dict):
            raise _error(base, ('applications', name), 'expected a mapping with "charm"')
        for key in OVERLAY_ONLY:
            if key in body:
                raise _error(base, ('applications', name, key), 'is allowed in an overlay only')


def _overlay(base: located.Located, overlay: located.Located) -> None:
    _append_relations(base, overlay)
    for name, body in list(overlay.data.get('applications', {}).items()):
        if body is None:
            del overlay.data['applications'][name]
            _drop(base, name)
    overlay.data.pop('relations', None)
    _merge(base.data, overlay.data, (), base.places, overlay.places)


def _append_relations(base: located.Located, overlay: located.Located) -> None:
    added = overlay.data.get('relations', [])
    kept = base.data.setdefault('relations', [])
    for path, place in overlay.places.items():
        if path[:1] == ('relations',) and len(path) > 1:
            number = int(path[1]) + len(kept)
            base.places['relations', number, *path[2:]] = place
    kept.extend(added)


def _drop(base: located.Located, name: str) -> None:
    """Take an application out, and the relations it is in."""
    base.data.get('applications', {}).pop(name, None)
    relations = base.data['relations']
    kept = [i for i, pair in enumerate(relations) if name not in _applications_of(pair)]
    moved = {old: new for new, old in enumerate(kept)}
    base.data['relations'] = [relations[i] for i in kept]
    places = {p: place for p, place in base.places.items() if p[:1] == ('relations',) and p[1:]}
    for path in places:
        del base.places[path]
    for path, place in places.items():
        if path[1] in moved:
            base.places['relations', moved[int(path[1])], *path[2:]] = place


def _applications_of(pair: object) -> set[str]:
    ends = typing.cast('list[object]', pair) if isinstance(pair, list) else []
    return {end.partition(':')[0] for end in ends if isinstance(end, str)}


def _merge(
    base: dict[str, typing.Any],
    overlay: Mapping[str, typing.Any],
    path: located.Path,
    places: dict[located.Path, located.Place],
    from_places: Mapping[located.Path, located.Place],
) -> None:
    for key, value in overlay.items():
        here = (*path, key)
        if _is_mapping(value) and _is_mapping(base.get(key)):
            _merge(base[key], value, here, places, from_places)
            continue
        base[key] = value
        places.update({p: at for p, at in from_places.items() if p[: len(here)] == here})


def _validate(source: located.Located) -> Contents:
    try:
        return Contents.model_validate(source.data)
    except pydantic.ValidationError as exc:
        problems = [_problem(source, detail) for detail in exc.errors(include_url=False)]
    first = min(problems, key=lambda problem: problem[0])
    raise first[1] from None


def _problem(
    source: located.Located, detail: typing.Any
) -> tuple[tuple[int, int], errors.InputError]:
    path = _known(source, detail['loc'])
    order = (source.place(path).line, -len(path))
    return order, _error(source, path, _reason(detail))


def _known(source: located.Located, loc: located.Path) -> located.Path:
    """Cut off what pydantic adds to a path: the members of a union, ``[key]``."""
    path = loc
    while path and path not in source.places:
        path = path[:-1]
    return path


_WANTED = {
    'int_type': 'a whole number',
    'string_type': 'text',
    'bool_type': 'true or false',
    'dict_type': 'a mapping',
    'model_type': 'a mapping',
    'list_type': 'a list',
    'greater_than_equal': 'a number of at least 0',
}


def _reason(detail: typing.Any) -> str:
    kind, value, loc = detail['type'], detail['input'], detail['loc']
    if kind == 'extra_forbidden':
        return 'unknown key'
    if kind == 'missing':
        return f'"{loc[-1]}" is missing'
    if kind == 'literal_error':
        return f'expected {detail["ctx"]["expected"]}, got {_quoted(value)}'
    if kind in ('too_short', 'too_long'):
        return 'a relation is a list of two endpoints'
    wanted = _WANTED.get(kind, 'another kind of value')
    if loc[:1] == ('applications',) and loc[2:3] in (('options',), ('resources',), ('to',)):
        wanted = _union_wanted(typing.cast('str', loc[2]), loc)
    return f'expected {wanted}, got {_quoted(value)}'


def _union_wanted(key: str, loc: located.Path) -> str:
    # A mapping of the wrong type has a path that ends at its own key.
    if len(loc) == 3 and key != 'to':
        return 'a mapping'
    values = {'options': 'text, a number or true or false', 'resources': 'a revision or text'}
    return values.get(key, 'text or a list of text')


def _quoted(value: object) -> str:
    if value is None:
        return 'nothing'
    if isinstance(value, dict):
        return 'a mapping'
    if isinstance(value, list):
        return 'a list'
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"'


def _error(source: located.Located, path: located.Path, reason: str) -> errors.InputError:
    where = f'{source.place(path)}: '
    if path:
        where += '.'.join(str(part) for part in path) + ': '
    return errors.InputError(where + ' '.join(reason.split()))


def _contradictions(bundle: Bundle) -> Iterator[errors.InputError]:
    """Find what Juju refuses in a bundle without looking at charms."""
    if bundle.contents.machines:
        yield bundle.refuse(('machines',), 'a Kubernetes bundle has no machines')
    if bundle.contents.saas:
        reason = 'a rehearsal has one model; relations across models cannot be rehearsed'
        yield bundle.refuse(('saas',), reason)
    for name, application in bundle.applications.items():
        path = ('applications', name)
        if application.scale is not None and application.num_units is not None:
            text = f'cannot specify both scale and num_units for application "{name}"'
            yield bundle.refuse((*path, 'num_units'), text)
        if application.offers:
            text = 'a rehearsal has one model; offers cannot be rehearsed'
            yield bundle.refuse((*path, 'offers'), text)
