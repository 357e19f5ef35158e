# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The conformance kit: what every dialect has to keep, ours and those of others.

Install ``charmarr-mediahub[conformance]``, write a :class:`~mediahub.conformance.harness.Harness`
around a server whose content you know, and subclass the suite in a test module::

    from mediahub.conformance.suite import DialectConformance

    class TestMyServer(DialectConformance):
        def make_harness(self):
            return MyHarness()

The kit calls every method, holds the declared capabilities to what works, and repeats each call
with a fault at every single request.
"""
