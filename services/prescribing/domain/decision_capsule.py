"""Why a decision was taken: the answer of the safety check, the overrides, and the evidence of that moment."""

from dataclasses import dataclass
from datetime import date

from msgspec import UNSET, UnsetType

from careloop.contracts.prescribing import Override, RefusedOverride, SourcePosition
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.findings import Screening


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCapsule:
    """Why it was decided so: the answer of the check, what answered its alerts, and what all of it stood on.

    `stream_version` is the version of this stream that was decided on; folding that many events and running the
    check of the named knowledge as of `as_of`, less the prescription whose dose was `changing`, gives the same answer
    by the same `reading` of the chart. Decisions of builds that did not store these leave them out; the reading is then
    the first. `missing` is what the initial assessment lacked, absent where it was complete or was not asked for.
    `refused_overrides` are answers that did not count, absent where there were none.
    """

    screening: Screening
    overrides: tuple[Override, ...]
    evidence: tuple[EventId, ...]
    stream_version: int
    source_positions: tuple[SourcePosition, ...]
    as_of: date | UnsetType = UNSET
    changing: FactId | UnsetType = UNSET
    reading: int | UnsetType = UNSET
    missing: tuple[str, ...] | UnsetType = UNSET
    refused_overrides: tuple[RefusedOverride, ...] | UnsetType = UNSET
