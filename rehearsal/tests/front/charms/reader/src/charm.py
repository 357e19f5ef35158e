# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Shows what a teller published."""

import ops


class Reader(ops.CharmBase):
    """A charm without a workload."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        news = self.on['news']
        for event in (self.on.start, news.relation_changed, news.relation_broken):
            framework.observe(event, self._show)

    def _show(self, _: ops.EventBase) -> None:
        self.unit.status = ops.BlockedStatus('relate me to a teller')
        for relation in self.model.relations['news']:
            if relation.active:
                text = relation.data[relation.app].get('text', 'nothing yet')
                self.unit.status = ops.ActiveStatus(f'read: {text}')


if __name__ == '__main__':
    ops.main(Reader)
