# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The dialects: one module a protocol, each registered as an entry point of `mediahub.servers`."""
