# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An embedded model of Juju and Kubernetes that runs the real code of charms."""
