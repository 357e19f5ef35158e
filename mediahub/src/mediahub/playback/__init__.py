# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Who plays what, from first frame to last, on servers that tell it in pieces."""
