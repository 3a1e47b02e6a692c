"""The care view's sections as the pure fold makes them of the journal; decoded and encoded here, not by the service."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from careloop.demo.raw_data import CONTRACTS, JournalValue, StoredSection
from services.coordination.domain.view.dated_fact import EventContext
from services.coordination.domain.view.section_fold import evolve
from services.coordination.domain.view.sections import SECTIONS

_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(contract) for types in CONTRACTS.values() for name, contract in types.items()
}


Place = tuple[UUID, str]
"""A patient and a source."""


def folded(journal: Sequence[JournalValue]) -> dict[Place, bytes]:
    """The bytes of every section after its journaled events, in the journal's order."""
    return _folded_on({}, journal)


def shown(stored: Mapping[Place, StoredSection], journal: Sequence[JournalValue]) -> dict[Place, bytes]:
    """The bytes of every section as it is shown: its stored state, and what came onto it since, up to its head."""
    states = {place: _state(place, one) for place, one in stored.items()}
    since = [entry for entry in journal if _is_since(stored.get((entry.row.patient, entry.row.source)), entry)]
    return _folded_on(states, since)


def _state(place: Place, stored: StoredSection) -> Any:
    _patient, source = place
    return msgspec.json.decode(stored.state, type=SECTIONS[source]) if stored.state else SECTIONS[source]()


def _is_since(stored: StoredSection | None, entry: JournalValue) -> bool:
    return stored is not None and stored.state_at < entry.row.position <= stored.through


def _folded_on(sections: dict[Place, Any], entries: Sequence[JournalValue]) -> dict[Place, bytes]:
    for entry in entries:
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
