"""Where the traces of a process go, by its settings."""

from collections.abc import Callable
from functools import partial

from careloop.chassis.operations.build import VERSION
from careloop.chassis.process.settings import ServiceSettings
from careloop.chassis.tracing.spans import export_to

LAST_SPANS_SECONDS = 1.0


def collect_traces(settings: ServiceSettings) -> Callable[[], None]:
    """From now on spans go to the collector that is set; the answer sends the last of them.

    What sends them is not even imported where none is set.
    """
    if settings.otlp_endpoint is None:
        return lambda: None
    from careloop.chassis.tracing.otlp import Collector  # noqa: PLC0415

    resource = {
        "service.namespace": "careloop",
        "service.name": settings.service,
        "service.instance.id": settings.instance,
        "service.version": VERSION,
    }
    collector = Collector(settings.otlp_endpoint, resource)
    export_to(collector.export, settings.trace_ratio)
    return partial(collector.close, LAST_SPANS_SECONDS)
