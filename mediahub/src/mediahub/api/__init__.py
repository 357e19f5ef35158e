# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub says over HTTP: the API, its metrics and its health."""
