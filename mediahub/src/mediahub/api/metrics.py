# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What Prometheus is told. No label is of a viewer, a title or an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import prometheus_client
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector, CollectorRegistry

CONTENT_TYPE = CONTENT_TYPE_LATEST

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 10)

Labels = tuple[str, ...]


class Metrics:
    """The counters of one hub, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self.registry)
        self.webhooks = prometheus_client.Counter(
            'mediahub_webhooks',
            'Webhooks by event and by what became of them.',
            ['event', 'outcome'],
            registry=self.registry,
        )
        self.requests = prometheus_client.Histogram(
            'mediahub_request_seconds',
            'Time to answer a request, by route.',
            ['method', 'route', 'status'],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.cut_off = prometheus_client.Counter(
            'mediahub_live_cut_off',
            'Listeners of live events that were too slow and had to start again.',
            registry=self.registry,
        )

    def exposed(self, gauges: Sequence[Gauge]) -> bytes:
        """Everything, in the text format: the counters and what is true at the moment."""
        momentary = CollectorRegistry()
        momentary.register(_Momentary(gauges))
        counted = prometheus_client.generate_latest(self.registry)
        return counted + prometheus_client.generate_latest(momentary)


class Gauge:
    """A value of the moment, or one for each combination of labels."""

    def __init__(self, name: str, text: str, labels: Labels = ()):
        self.name = name
        self.text = text
        self.labels = labels
        self.values: dict[Labels, float] = {}

    def set(self, value: float | None, *labels: str) -> Gauge:
        """Give it a value; None leaves it out."""
        if value is not None:
            self.values[labels] = float(value)
        return self

    def add(self, value: float, *labels: str) -> None:
        """Add to a value."""
        self.values[labels] = self.values.get(labels, 0.0) + value

    def fill(self, values: Mapping[Labels, float]) -> Gauge:
        """Give it several values."""
        self.values.update(values)
        return self


class _Momentary(Collector):
    def __init__(self, gauges: Sequence[Gauge]):
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels)
            for labels, value in gauge.values.items():
                family.add_metric(labels, value)
            yield family
