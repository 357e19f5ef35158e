# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub keeps in DuckDB: the library index, lists as they were, plays and their counts."""
