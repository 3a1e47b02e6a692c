"""The figures of one process for Prometheus, over HTTP on the loopback side: /metrics, /livez, /readyz.

Label values come from fixed sets: methods of the contracts, statuses, consumers, sources. No patient's data.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from careloop.chassis.operations.build import VERSION
from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus

TIMES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_PROGRESS = ("consumer", "source", "partition")


class Metrics:
    """One registry per process. `call` and `batch` are called as things happen, `show` from time to time."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        given: dict[str, Any] = {"registry": self.registry}
        self._calls = Histogram(
            "careloop_rpc_seconds", "Time to answer a call.", ("method", "code"), buckets=TIMES, **given
        )
        self._batches = Histogram(
            "careloop_batch_seconds", "Time to apply a batch.", ("consumer", "source"), buckets=TIMES, **given
        )
        self._records = Counter(
            "careloop_batch_records", "Records in applied batches.", ("consumer", "source"), **given
        )
        self._head = Gauge("careloop_head_position", "Newest position of the log.", **given)
        self._relayed = Gauge("careloop_relayed_position", "Position up to which the log was sent.", **given)
        self._relay_lag = Gauge("careloop_relay_lag_seconds", "Age of the oldest event not yet sent.", **given)
        self._broker = Gauge("careloop_broker_connected", "1 when the broker answers.", **given)
        self._parked = Gauge("careloop_parked", "Parked patients, counted per consumer and source.", **given)
        self._due = Gauge("careloop_due", "What is due now, and what later.", ("when",), **given)
        self._consumed = Gauge("careloop_consumed_position", "Last position applied.", _PROGRESS, **given)
        self._lag = Gauge("careloop_lag_positions", "Positions behind the source's head.", _PROGRESS, **given)
        self._age = Gauge("careloop_lag_seconds", "Seconds since all was known.", _PROGRESS, **given)
        self._overdue = Gauge("careloop_overdue_seconds", "For how long the first due thing has been due.", **given)
        self._pool = Gauge("careloop_pool_connections", "Database connections of the pool.", ("state",), **given)
        self._ready = Gauge("careloop_ready", "1 when calls are taken.", **given)
        self._late = Gauge("careloop_event_loop_lag_seconds", "How late the event loop came to its work.", **given)
        self._ends = Gauge(
            "careloop_certificate_ends_timestamp_seconds", "When a certificate ends.", ("certificate",), **given
        )
        self._published = Counter(
            "careloop_published", "Events handed to the broker, those sent again included.", ("type",), **given
        )
        Gauge("careloop_build_info", "1, and which release it is.", ("version",), **given).labels(VERSION).set(1)
        Gauge("careloop_clock_timestamp_seconds", "This process's clock.", **given).set_function(time.time)
        ProcessCollector(**given)

    def call(self, method: str, code: str, seconds: float) -> None:
        self._calls.labels(method, code).observe(seconds)

    def batch(self, consumer: str, source: str, records: int, seconds: float) -> None:
        self._batches.labels(consumer, source).observe(seconds)
        self._records.labels(consumer, source).inc(records)

    def published(self, type_name: str) -> None:
        self._published.labels(type_name).inc()

    def ready(self, *, ready: bool) -> None:
        self._ready.set(ready)

    def late(self, seconds: float) -> None:
        self._late.set(max(0.0, seconds))

    def certificates(self, ends: Mapping[str, datetime]) -> None:
        """By what each is for."""
        for name, moment in ends.items():
            self._ends.labels(name).set(moment.timestamp())

    def show(self, status: ServiceStatus, now: datetime) -> None:
        self._head.set(status.head_position)
        self._relayed.set(status.relayed_position)
        self._relay_lag.set(status.relay_lag_seconds(now))
        self._broker.set(status.broker_connected)
        self._parked.set(status.parked)
        self._due.labels("now").set(status.due_now)
        self._due.labels("later").set(status.due_later)
        self._overdue.set(status.overdue_seconds(now))
        if status.pool is not None:
            for state in ("used", "idle", "free"):
                self._pool.labels(state).set(getattr(status.pool, state))
        for progress in status.consumers:
            self._show_progress(progress, now)

    def _show_progress(self, progress: ConsumerProgress, now: datetime) -> None:
        labels = (progress.consumer, progress.source, str(progress.partition))
        self._consumed.labels(*labels).set(progress.consumed_position)
        self._lag.labels(*labels).set(progress.lag_positions)
        age = progress.lag_seconds(now)
        if age is not None:
            self._age.labels(*labels).set(age)


READING = ("GET", "HEAD")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerOverIPv6(_Server):
    address_family = socket.AF_INET6


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Requests for figures are not logged."""


Page = tuple[str, bytes]


class MetricsServer:
    """Answers on its own thread, so that it answers while the event loop is busy. Port 0 takes a free one."""

    def __init__(self, metrics: Metrics, host: str, port: int, ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._ready = ready
        self._server = make_server(host, port, self._answer, _ServerOverIPv6 if ":" in host else _Server, _Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")]
        method = environ.get("REQUEST_METHOD", "")
        if method not in READING:
            start_response("405 Method Not Allowed", [*headers, ("Allow", ", ".join(READING))])
            return [b"only reading is allowed\n"]
        status, body = self._page(environ.get("PATH_INFO", ""))
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if method == "HEAD" else [body]

    def _page(self, path: str) -> Page:
        if path == "/metrics":
            return "200 OK", generate_latest(self._metrics.registry)
        if path == "/livez":
            return "200 OK", b"alive\n"
        if path == "/readyz":
            return ("200 OK", b"ready\n") if self._ready() else ("503 Service Unavailable", b"not ready\n")
        return "404 Not Found", b"not found\n"
