# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The engine: the contract of a media server, server selection, dispatch and fan-out.

Nothing in this package knows a protocol; those live in :mod:`mediahub.servers`.
"""
