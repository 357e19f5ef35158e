# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plex in its container: look at it, bring it up, stop it, change its settings."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any, Final

import plex
import plex_layer
import plex_plan
import plex_preferences
from charmarr_lib import pebble

logger = logging.getLogger(__name__)

Edit = Callable[[plex_preferences.Preferences], plex_preferences.Preferences]

UNREACHABLE: Final = 'the Plex container cannot be reached; try again in a minute'
# A restart, a busy disk or a migration of the database is a blip: five minutes.
_BLIP: Final = 300 // plex_layer.CHECK_PERIOD
# Tries after 0, 0.5, 1, 2... seconds for a Plex that was started a moment ago: about 8 s. If it
# takes longer, its check has failed once by then, and Juju says when it recovers.
_PATIENCE: Final = 5


class OwnerError(pebble.NotDone):
    """The folder of Plex cannot be given to its user."""


@dataclasses.dataclass(frozen=True)
class Health:
    """How Plex is.

    Attributes:
        identity: What it says of itself, None while it does not answer.
        notes: What is not as the operator wants it, though it runs.
    """

    identity: plex.Identity | None = None
    notes: tuple[str, ...] = ()


class PlexContainer:
    """The container that Plex runs in.

    Args:
        program: Its service ``plex``.
    """

    def __init__(self, program: pebble.Program):
        self._program = program

    def room(self, *, wants_gpu: bool) -> plex_plan.Room | None:
        """Look at the container from inside; None while Pebble cannot be reached.

        Args:
            wants_gpu: Whether to look for a GPU.
        """
        if not self._program.can_connect():
            return None
        try:
            return plex_plan.Room(
                mounts=self._program.mounts(),
                devices=self._devices() if wants_gpu else (),
            )
        except pebble.ProgramError as error:
            logger.info('Pebble went away: %s', error)
            return None

    def _devices(self) -> tuple[plex_layer.Device, ...]:
        found = self._program.entries(plex_layer.DEVICES)
        return tuple(
            plex_layer.Device(name, each.group_id, each.permissions)
            for name, each in found.items()
        )

    def work(self, course: plex_plan.Course) -> Health:
        """Bring Plex to what was decided, and look how it is.

        Raises:
            pebble.ProgramError: if the container does not do it.
        """
        if course is plex_plan.Rest.STOP:
            self._program.stop()
            return Health()
        patience = 0
        if isinstance(course, plex_plan.Run) and self._run(course):
            patience = _PATIENCE
        identity = self.identity(patience=patience)
        if identity is None or not isinstance(course, plex_plan.Run):
            return Health(identity)
        return Health(identity, self._tune(course))

    def _run(self, course: plex_plan.Run) -> bool:
        """Start Plex, or restart it where its plan has changed; return whether that was so."""
        self._own_config((course.launch.user_id, course.launch.group_id))
        if not self._program.is_running():
            self._program.stop()  # one that is on its way out would write over the settings
            self._edit(lambda found: found.replaced(_changes(found, course)))
        layer: Any = plex_layer.layer(course.launch)
        return self._program.replan(layer)

    def _own_config(self, owner: tuple[int, int]) -> None:
        top = self._program.entry(plex_layer.CONFIG)
        if top is not None and (top.user_id, top.group_id) == owner:
            return
        # What Plex still writes would belong to its old user.
        self._program.stop()
        try:
            self._program.give(plex_layer.CONFIG, owner)
        except pebble.NotDone as error:
            raise OwnerError(
                f'cannot change the owner of {plex_layer.CONFIG}; check the storage "config"'
            ) from error

    def identity(self, *, patience: int = 0) -> plex.Identity | None:
        """Return who the server is, None if it does not answer.

        Args:
            patience: As :meth:`plex.Server.identity` has it.

        Raises:
            pebble.ProgramError: if Pebble cannot be asked whether it runs.
        """
        if not self._program.is_running():
            return None
        try:
            return plex.Server().identity(patience=patience)
        except plex.PlexError as error:
            logger.info('%s', error)
            return None

    def _tune(self, course: plex_plan.Run) -> tuple[str, ...]:
        """Change what differs in the settings of a running Plex."""
        found = self._settings()
        wanted = _changes(found, course) if found is not None else {}
        if found is None or not wanted:
            return ()
        try:
            plex.Server(found.token).set_preferences(wanted)
        except plex.PlexError as error:
            logger.warning('cannot set %s: %s', ', '.join(wanted), error)
            return (f'{", ".join(wanted)} not set yet: {error}',)
        return ()

    def is_down(self) -> bool:
        """Tell whether Plex has been silent for longer than a blip."""
        try:
            return self._program.failures(plex_layer.READY_CHECK) >= _BLIP
        except pebble.ProgramError:
            return False

    def stop(self) -> None:
        """Let Plex close its database, if it runs and can be reached. Never raises."""
        if not self._program.can_connect():
            return
        try:
            self._program.stop()
        except pebble.ProgramError as error:
            logger.warning('Plex could not be stopped: %s', error)

    # Settings.

    def _settings(self) -> plex_preferences.Preferences | None:
        content = self._program.read(plex_layer.PREFERENCES)
        if content is None:
            return None
        try:
            return plex_preferences.Preferences.parse(content.decode())
        except (plex_preferences.MalformedPreferencesError, UnicodeDecodeError) as error:
            logger.warning('leaving the preferences alone: %s', error)
            return None

    def _edit(self, edit: Edit) -> None:
        """Change the file of a Plex that is stopped; owner and mode stay."""
        found, file = self._settings(), self._program.entry(plex_layer.PREFERENCES)
        if found is None or file is None:
            return
        text = edit(found).to_xml()
        if text != found.to_xml():
            self._program.write(
                plex_layer.PREFERENCES,
                text.encode(),
                (file.user_id, file.group_id),
                file.permissions,
            )

    # For actions.

    def check_running(self) -> None:
        """Check that there is a Plex here for an action to talk to.

        Raises:
            plex.PlexError: if there is none.
        """
        try:
            running = self._program.is_running()
        except pebble.ProgramError:
            raise plex.SilentError(UNREACHABLE) from None
        if not running:
            raise plex.SilentError('Plex does not run on this unit; juju status says why')

    def preferences(self) -> plex_preferences.Preferences | None:
        """Return Plex's settings, None if there are none yet or they cannot be read.

        Raises:
            plex.PlexError: if the container cannot be reached.
        """
        try:
            return self._settings()
        except pebble.ProgramError:
            raise plex.SilentError(UNREACHABLE) from None

    def restart_with(self, edit: Edit) -> None:
        """Change the settings while Plex is stopped, and start it again in any case.

        Raises:
            plex.PlexError: if that could not be done.
        """
        try:
            self._program.stop()
            try:
                self._edit(edit)
            finally:
                self._program.start()
        except pebble.ProgramError as error:
            logger.warning('Plex could not be restarted: %s', error)
            raise plex.SilentError('Plex could not be restarted; see juju debug-log') from None


def _changes(found: plex_preferences.Preferences, course: plex_plan.Run) -> dict[str, str]:
    return plex_preferences.changes(
        found, course.log_level, plex_layer.TRANSCODE, has_scratch=course.has_scratch
    )
