"""The care view's sections as the pure fold makes them of the journal; decoded and encoded here, not by the service."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from careloop.demo.raw_data import CONTRACTS, JournalValue
from services.coordination.domain.view.dated_fact import EventContext
from services.coordination.domain.view.section_fold import evolve
from services.coordination.domain.view.sections import SECTIONS

_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(contract) for types in CONTRACTS.values() for name, contract in types.items()
}


def folded(journal: Sequence[JournalValue]) -> dict[tuple[UUID, str], bytes]:
    """The bytes of every (patient, source)'s section after its journaled events, in the journal's order."""
    sections: dict[tuple[UUID, str], Any] = {}
    for entry in journal:
        row = entry.row
        place = (row.patient, row.source)
        before = sections.get(place) or SECTIONS[row.source]()
        sections[place] = evolve(before, _context(entry), _event(entry))
    return {place: _ENCODER.encode(section) for place, section in sections.items()}


def _event(entry: JournalValue) -> Any:
    decoder = _DECODERS.get(entry.row.type)
    return None if decoder is None else decoder.decode(entry.value)


def _context(entry: JournalValue) -> EventContext:
    return EventContext(
        event_id=entry.row.event_id,  # type: ignore[arg-type]
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        actor=entry.actor,
        position=entry.row.source_position,
    )
