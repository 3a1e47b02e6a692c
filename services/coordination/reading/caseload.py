"""The caseload over all patients, page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from uuid import UUID

import asyncpg
import msgspec

from careloop.chassis.events.codec import ENCODER
from careloop.chassis.log.connections import Connections
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.caseload import CaseloadEntry, Headline
from services.coordination.domain.view.urgency import LEVELS, Urgency

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
"""When a concern without a clock counts as due."""

# The active slot as a scalar: with a join the planner walks whole tables instead of an index.
_CASELOAD = """
    select c.patient_id, c.rank, c.due_at, c.reason, c.fact_id,
        (select array_agg(s.headline) from sections s
            where s.slot = c.slot and s.patient_id = c.patient_id) as headlines
    from caseload c
    where c.slot = (select active from view_slots) and (c.rank, c.due_at, c.patient_id) > ($1, $2, $3)
    order by c.rank, c.due_at, c.patient_id limit $4"""

_HEADLINE = msgspec.json.Decoder(Headline)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseloadPlace:
    """Where a page ended; `encode` makes the opaque token that asks for the next one."""

    rank: int
    due_at: datetime
    patient_id: PatientId

    @classmethod
    def of(cls, entry: CaseloadEntry) -> "CaseloadPlace":
        urgency = entry.urgency
        return cls(rank=urgency.rank, due_at=urgency.due_at or END_OF_TIME, patient_id=entry.patient_id)

    def encode(self) -> str:
        return urlsafe_b64encode(ENCODER.encode(self)).decode()

    @classmethod
    def parse(cls, token: str) -> "CaseloadPlace | None":
        """What `encode` made; None for no token. Raises InvalidInput for anything else."""
        if not token:
            return None
        try:
            place = _PLACE.decode(urlsafe_b64decode(token))
            if place.due_at.tzinfo is None or not 0 <= place.rank < len(LEVELS):
                raise ValueError("no place of ours")
        except (ValueError, msgspec.MsgspecError):
            raise InvalidInput("page-token-malformed", "This is no page token.", field="page_token") from None
        return place


_PLACE = msgspec.json.Decoder(CaseloadPlace)
_BEGINNING = CaseloadPlace(rank=-1, due_at=END_OF_TIME, patient_id=PatientId(UUID(int=0)))


async def caseload_page(sessions: Connections, after: CaseloadPlace | None, limit: int) -> list[CaseloadEntry]:
    """The next `limit` patients, the most urgent first, then the soonest due."""
    place = after or _BEGINNING
    rows = await sessions.fetch(_CASELOAD, place.rank, place.due_at, place.patient_id, limit)
    return [CaseloadEntry(patient_id=row["patient_id"], urgency=_urgency(row), headline=_headline(row)) for row in rows]


def _headline(row: asyncpg.Record) -> Headline:
    return reduce(Headline.joined, map(_HEADLINE.decode, row["headlines"] or ()), Headline())


def _urgency(row: asyncpg.Record) -> Urgency:
    due_at = row["due_at"]
    return Urgency(
        rank=row["rank"],
        level=LEVELS[row["rank"]],
        reason=row["reason"],
        fact_id=row["fact_id"],
        due_at=None if due_at == END_OF_TIME else due_at,
    )
