# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What tests of a charm need: relations in full, and doubles for what stands around a charm.

- :func:`relation_for_provider` and :func:`relation_for_requirer` build relations, so that no test
  spells a databag.
- :mod:`.kubernetes` is an in-memory Kubernetes API.
- :mod:`.pebble` is a model of Pebble for use with ``ops.testing``.
- :mod:`.workload` says what a double of a workload program offers; the doubles stand beside it.

It needs the extra ``charmarr-lib[testing]``. No charm imports it.
"""

from .relations import relation_for_provider, relation_for_requirer

__all__ = ['relation_for_provider', 'relation_for_requirer']
