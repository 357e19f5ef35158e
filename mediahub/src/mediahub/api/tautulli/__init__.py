# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""So much of Tautulli's API (``/api/v2``) as tools that speak to Tautulli need."""
