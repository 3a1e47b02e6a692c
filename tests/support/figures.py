"""The figures that a service's process shows, by their names and labels."""

from collections.abc import Mapping

from prometheus_client.metrics import MetricWrapperBase

from careloop.chassis.operations.metrics import Metrics

OF_SCRAPING = frozenset({"service", "instance", "job"})
"""Labels that Prometheus adds to every sample."""


def figures() -> Mapping[str, frozenset[str]]:
    """Every sample's name, those of histograms included, with the labels that it may have."""
    metrics = Metrics()
    own = {
        one._name: frozenset(one._labelnames) for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)
    }
    shown = {}
    for family in metrics.registry.collect():
        labels = own.get(family.name, frozenset()) | OF_SCRAPING | {"version"}
        for name in (family.name, f"{family.name}_total", *(f"{family.name}_{part}" for part in ("count", "sum"))):
            shown[name] = labels
        shown[f"{family.name}_bucket"] = labels | {"le"}
    return shown
