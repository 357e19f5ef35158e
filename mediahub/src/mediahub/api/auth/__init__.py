# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Who may use the hub: sign-in with Plex, sessions, API tokens, and links where plex.tv is down.

:class:`~mediahub.api.auth.service.Auth` is all of it, and the
:class:`~mediahub.api.access.Doorkeeper` of the routes.
"""
