# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Doubles of media servers, for tests, benchmarks and the demo.

Each is held to a public API description or to somebody else's client; what it does not model it
refuses (:class:`mediahub.testing.http.NotModelled`).
"""
