# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One engine over Plex, Jellyfin, Subsonic servers and plain files."""
