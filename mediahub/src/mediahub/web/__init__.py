# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The page that people look at: files that are served as they are, no step between."""
