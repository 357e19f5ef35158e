# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What holds for the tests of every package.

The packages ``rehearsal`` and ``mediahub`` are kept apart from the folders of the same names:
pytest names a test module after its path, ``rehearsal.tests...``, and makes up the packages on the
way to it. It takes the real package for the first of them only when that is loaded already.

Hypothesis gets no deadline: an example that is the first to import something takes as long as that
takes, and a test says nothing about time. In CI its examples are the same in every run, so that a
run says something about the change at hand.
"""

import contextlib
import importlib
import os

import hypothesis

hypothesis.settings.register_profile(
    'untimed', deadline=None, derandomize=bool(os.environ.get('CI'))
)
hypothesis.settings.load_profile('untimed')

for package in ('mediahub', 'rehearsal'):
    with contextlib.suppress(ImportError):  # the environment of a single charm has neither
        importlib.import_module(package)
