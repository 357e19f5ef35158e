# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Deploying: one charm, or a bundle change by change."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping

from . import bundle, bundlecheck, errors, flags, model, options, session, settings

# Parts of a bundle that Juju acts on and that have no counterpart in the model.
_NOT_REHEARSED = ('constraints', 'devices', 'to', 'placement', 'bindings', 'plan', 'annotations')


@dataclasses.dataclass(frozen=True)
class Change:
    """One step of deploying a bundle.

    Attributes:
        text: Juju's line for it.
        make: Does it; None where the model has nothing to do, such as uploading a charm.
    """

    text: str
    make: Callable[[], object] | None = None


def deploy(at: session.Session, parsed: flags.Parsed) -> None:
    """Carry out ``juju deploy``, for a charm or for a bundle.

    Raises:
        errors.RehearsalError: What is named cannot be read, or Juju would refuse it.
    """
    what, *rest = parsed.arguments
    file = bundle_file(at.folder, what)
    if file is None:
        deploy_charm(at, parsed, what, rest[0] if rest else None)
        return
    overlays = [at.folder / name for name in parsed.texts('overlay')]
    deploy_bundle(
        at,
        bundlecheck.check(bundle.load(file, overlays), at.rehearsal.catalogue),
        trust=parsed.switch('trust'),
        dry_run=parsed.switch('dry-run'),
    )


def bundle_file(folder: pathlib.Path, what: str) -> pathlib.Path | None:
    """Return the file of a bundle that an argument of ``deploy`` names; None for a charm."""
    path = folder / what
    if what.endswith(('.yaml', '.yml')):
        return path
    if what.startswith(('.', '/')) and (path / 'bundle.yaml').is_file():
        return path / 'bundle.yaml'
    return None


def deploy_charm(
    at: session.Session, parsed: flags.Parsed, what: str, application: str | None
) -> None:
    """Deploy one charm with the flags given.

    Raises:
        errors.RehearsalError: As :func:`deploy`.
    """
    charm = bundlecheck.find_charm(what, at.folder, at.rehearsal.catalogue)
    name = application or charm.name
    config = _config(at.folder, name, parsed.texts('config'))
    trust = _trust(config) or parsed.switch('trust')
    units = parsed.number('num-units')
    deployed = at.rehearsal.deploy(
        charm.name,
        name,
        units=1 if units is None else units,
        trust=trust,
        config=config,
        resources=settings.pairs(parsed.texts('resource'), 'name=image'),
        storage=settings.pairs(parsed.texts('storage'), 'name=size'),
    )
    revision = deployed.revision
    at.tell(f'Located local charm "{charm.name}", revision {revision}')
    at.tell(
        f'Deploying "{name}" from local charm "{charm.name}", revision {revision} '
        f'on {base(charm)}/stable'
    )


def _config(
    folder: pathlib.Path, application: str, given: tuple[str, ...]
) -> dict[str, options.Value]:
    """Read the values of ``--config``: ``option=value``, or a file of options."""
    config: dict[str, options.Value] = {}
    for each in given:
        if '=' in each:
            config.update(settings.with_files(settings.pairs([each]), folder))
        else:
            config.update(settings.option_file(folder, each, application))
    return config


def _trust(config: dict[str, options.Value]) -> bool:
    """Take ``trust=true`` out of the options: to Juju it is one, to the charm it is not."""
    return options.boolean('trust', config.pop('trust', False))


def deploy_bundle(
    at: session.Session, checked: bundlecheck.Checked, *, trust: bool, dry_run: bool = False
) -> None:
    """Deploy a bundle that was checked, or say what that would change.

    Args:
        at: Where to.
        checked: The bundle.
        trust: Whether the operator gave ``--trust``.
        dry_run: Only say what would change.

    Raises:
        errors.JujuError: The bundle wants trust and the operator gave none, or Juju would refuse
            a change.
    """
    _require_trust(checked, trust)
    for name in sorted({charm.name for charm in checked.charms.values()}):
        at.tell(f'Located local charm "{name}"')
    _tell_what_is_left_out(at, checked)
    changes = list(plan(at, checked))
    if not changes:
        at.tell('No changes to apply.')
        return
    at.say('Changes to deploy bundle:' if dry_run else 'Executing changes:')
    for change in changes:
        at.say(f'- {change.text}')
        if change.make is not None and not dry_run:
            _make(change.make)
    if not dry_run:
        at.tell('Deploy of bundle completed.')


def _make(make: Callable[[], object]) -> None:
    try:
        make()
    except errors.JujuError as error:
        raise errors.JujuError(f'cannot deploy bundle: {error}') from None


def _require_trust(checked: bundlecheck.Checked, trust: bool) -> None:
    wanting = [name for name, each in checked.bundle.applications.items() if each.trust]
    if wanting and not trust:
        raise errors.JujuError(
            'Bundle cannot be deployed without trusting applications with your cloud '
            'credentials.\n'
            'Please repeat the deploy command with the --trust argument if you consent to trust '
            'the following application(s):\n' + '\n'.join(f'  - {name}' for name in wanting)
        )


def _tell_what_is_left_out(at: session.Session, checked: bundlecheck.Checked) -> None:
    for name, application in checked.bundle.applications.items():
        for key in _NOT_REHEARSED:
            if getattr(application, key):
                at.tell(f'WARNING {key} of application "{name}" have no effect in a rehearsal')


def plan(at: session.Session, checked: bundlecheck.Checked) -> Iterator[Change]:
    """Yield what has to change to make the model what the bundle says, in Juju's order."""
    uploaded: set[str] = set()
    for name in sorted(checked.charms):
        charm = checked.charms[name]
        present = at.rehearsal.applications.get(name)
        if present is not None:
            yield from _updates(at, checked, present)
            continue
        if charm.name not in uploaded:
            uploaded.add(charm.name)
            where = f'for base {base(charm)}/stable with architecture=amd64'
            yield Change(f'upload charm {charm.name} {where}')
        yield _deployment(at, checked, name)
        yield from _exposure(at, checked, name)
    yield from _relations(at, checked)


def _deployment(at: session.Session, checked: bundlecheck.Checked, name: str) -> Change:
    charm, application = checked.charms[name], checked.bundle.applications[name]
    # A number is a revision in the store; without the store, the charm's own image stands.
    images = {key: each for key, each in application.resources.items() if isinstance(each, str)}
    units = f'{application.units} unit' + ('' if application.units == 1 else 's')
    using = '' if name == charm.name else f' using {charm.name}'
    return Change(
        f'deploy application {name} with {units} on {base(charm)}/stable{using}',
        lambda: at.rehearsal.deploy(
            charm.name,
            name,
            units=application.units,
            trust=application.trust,
            config=checked.options[name],
            resources=images,
            storage=application.storage,
        ),
    )


def _updates(
    at: session.Session, checked: bundlecheck.Checked, present: model.Application
) -> Iterator[Change]:
    name, application = present.name, checked.bundle.applications[present.name]
    if present.charm.name != checked.charms[name].name:
        wanted = checked.charms[name].name
        raise errors.JujuError(
            f'cannot deploy bundle: application "{name}" runs charm "{present.charm.name}", '
            f'not "{wanted}"; a rehearsal cannot switch charms'
        )
    changed = _changed_options(present, checked.options[name])
    if changed:
        yield Change(
            f'set application options for {name}', lambda: at.rehearsal.configure(name, changed)
        )
    counted = (application.scale, application.num_units) != (None, None)
    if counted and application.units != present.scale:
        yield Change(
            f'scale {name} to {application.units} units',
            lambda: at.rehearsal.scale(name, application.units),
        )


def _changed_options(
    present: model.Application, wanted: Mapping[str, options.Value]
) -> dict[str, options.Value]:
    return {
        key: value
        for key, value in wanted.items()
        if present.config.get(key, present.charm.options[key].get('default')) != value
    }


def _exposure(at: session.Session, checked: bundlecheck.Checked, name: str) -> Iterator[Change]:
    def expose() -> None:
        # On Kubernetes that is all there is to it: Juju's firewaller does nothing (a TODO of its).
        at.rehearsal.applications[name].exposed = True

    if checked.bundle.applications[name].expose:
        cidrs = 'CIDRs 0.0.0.0/0 and ::/0'
        yield Change(f'expose all endpoints of {name} and allow access from {cidrs}', expose)


def _relations(at: session.Session, checked: bundlecheck.Checked) -> Iterator[Change]:
    made = {(relation.provider, relation.requirer) for relation in at.rehearsal.relations}
    for number, pair in enumerate(checked.relations):
        if pair in made:
            continue
        first, second = _as_written(checked, number)
        yield Change(f'add relation {first} - {second}', lambda pair=pair: _integrate(at, pair))


def _as_written(checked: bundlecheck.Checked, number: int) -> tuple[str, str]:
    """Return both endpoints in full, in the order the bundle has them."""
    provider, requirer = checked.relations[number]
    first = checked.bundle.contents.relations[number][0].partition(':')[0]
    ends = (provider, requirer) if provider.application == first else (requirer, provider)
    return str(ends[0]), str(ends[1])


def _integrate(at: session.Session, pair: tuple[model.EndpointRef, model.EndpointRef]) -> None:
    at.rehearsal.integrate(str(pair[0]), str(pair[1]))


def base(charm: model.Charm) -> str:
    """Return the base a charm is built for, such as ``ubuntu@24.04``."""
    declared = charm.metadata.get('base')
    platforms: Mapping[str, object] = charm.metadata.get('platforms') or {}
    names = [name.partition(':')[0] for name in platforms if '@' in name]
    return str(declared or (names[0] if names else 'ubuntu@24.04'))
