"""What a consumer makes of one record before it handles it: decoded, skipped, or not understood."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from careloop.chassis.consuming.handler import Handler, Received, Unknown
from careloop.chassis.consuming.parked_records import Failed
from careloop.chassis.events.envelope import Record

QUEUED = "queued"
"""Why a record waits that is not itself at fault."""


class UnknownVersion(Exception):
    """A type the consumer wants, in a version that this build does not know."""


class UndecodableValue(Exception):
    """The value is not what its type promises."""


@dataclass(slots=True)
class Sorted:
    """One run of records: what is handled, what is parked now, and what queues behind patients parked before."""

    ready: list[Received] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    queued: list[Record] = field(default_factory=list)


class RecordDecoder:
    """Decodes what `handler` wants and knows."""

    def __init__(self, handler: Handler) -> None:
        self._decoders: dict[str, msgspec.json.Decoder[object]] = {
            name: msgspec.json.Decoder(cls) for name, cls in handler.contracts.items()
        }
        self._wanted = {without_version(name) for name in handler.contracts}
        self._wants_unknown = handler.wants_unknown

    def decode(self, record: Record) -> Received | None:
        """The decoded record, or None when it is to be skipped. Raises UnknownVersion, UndecodableValue."""
        wire_type = record.envelope.type
        decoder = self._decoders.get(wire_type)
        if decoder is not None:
            return Received(envelope=record.envelope, event=_decoded(decoder, record.value), value=record.value)
        if without_version(wire_type) in self._wanted:
            raise UnknownVersion
        return Received(envelope=record.envelope, event=Unknown(), value=record.value) if self._wants_unknown else None

    def sort(self, run: Iterable[Record], parked: frozenset[UUID], failing: Failed | None = None) -> Sorted:
        """Sort a run whose patients `parked` already wait; `failing` is a record of it that could not be handled."""
        result = Sorted()
        newly_parked: set[UUID] = set()
        for record in run:
            patient = record.envelope.patient_id
            if patient in parked:
                result.queued.append(record)
            elif patient in newly_parked:
                result.failed.append(Failed(record, QUEUED))
            elif failing is not None and record is failing.record:
                result.failed.append(failing)
                newly_parked.add(patient)
            else:
                self._place(record, result, newly_parked)
        return result

    def _place(self, record: Record, result: Sorted, newly_parked: set[UUID]) -> None:
        try:
            received = self.decode(record)
        except (UnknownVersion, UndecodableValue) as failure:
            result.failed.append(Failed(record, type(failure).__name__))
            newly_parked.add(record.envelope.patient_id)
            return
        if received is not None:
            result.ready.append(received)


def _decoded(decoder: msgspec.json.Decoder[object], value: bytes) -> object:
    try:
        return decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise UndecodableValue from None


def without_version(wire_type: str) -> str:
    """The type of events in whatever version."""
    return wire_type.rpartition(".v")[0]
