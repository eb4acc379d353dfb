"""The numbers of all processes as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from app.monitor.numbers import ALL, Counter, Gauge, Histogram, Labels, Number
from app.monitor.slots import Values


class _Collector:
    def __init__(self, processes: Iterable[Values], shared: Mapping[str, Mapping[Labels, float]]) -> None:
        self._values: dict[str, dict[Labels, list[float]]] = {
            name: {labels: [value] for labels, value in values.items()} for name, values in shared.items()
        }
        for values in processes:
            for name, each in values.items():
                for labels, numbers in each:
                    self._add(name, labels, numbers)

    def _add(self, name: str, labels: Labels, numbers: list[float]) -> None:
        number = ALL.get(name)
        found = self._values.setdefault(name, {})
        before = found.get(labels)
        if before is None or len(before) != len(numbers):
            found[labels] = numbers
        elif isinstance(number, Gauge) and number.combine == "max":
            found[labels] = [max(before[0], numbers[0])]
        else:
            found[labels] = [one + other for one, other in zip(before, numbers, strict=True)]

    def collect(self) -> Iterator[Metric]:
        """Each number that has a value; counters without labels begin at 0."""
        for number in ALL.values():
            values = self._values.get(number.name, {})
            if isinstance(number, Counter) and not number.labels:
                values = values or {(): [0]}
            yield _family(number, values)


def _family(number: Number, values: Mapping[Labels, list[float]]) -> Metric:
    family: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
    if isinstance(number, Histogram):
        family = HistogramMetricFamily(number.name, number.help, labels=number.labels)
        names = [*(str(bound) for bound in number.bounds), "+Inf"]
        for labels, (*counts, total) in values.items():
            family.add_metric(labels, list(zip(names, accumulate(counts), strict=True)), sum_value=total)
        return family
    kind = CounterMetricFamily if isinstance(number, Counter) else GaugeMetricFamily
    family = kind(number.name, number.help, labels=number.labels)
    for labels, (value, *_) in values.items():
        family.add_metric(labels, value)
    return family


def exposition(
    processes: Iterable[Values], shared: Mapping[str, Mapping[Labels, float]], accept: str
) -> tuple[bytes, str]:
    """The body and the media type that a scraper asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(processes, shared))
    encode: Callable[[CollectorRegistry], bytes]
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type
