# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The way of playback events from the outbox into the database, in this process or by a broker."""
