"""Whose inbox holds which notice: the SQL of the index over all patients."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from careloop.chassis.log.connections import Connections
from careloop.chassis.log.protocol import Statement
from careloop.contracts.notifications import Addressee, Channel, Priority
from careloop.contracts.terms import Role
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import FactId, PatientId
from services.notifications.domain.events import (
    EnteredInError,
    Event,
    NoticeAcknowledged,
    NoticeDecided,
    NoticeEscalated,
    NoticeHandedOver,
    NoticePaused,
    NoticeWithdrawn,
)

URGENCY = {priority: urgency for urgency, priority in enumerate(Priority)}

NEVER = datetime(9999, 12, 31, tzinfo=UTC)

_NOTICE = """insert into notices (notice_id, patient_id, urgency, decided_at, acknowledge_by, is_open)
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing"""
_ENTRIES = "insert into inboxes (person, notice_id) select unnest($1::text[]), $2 on conflict do nothing"
_LEAVE = "delete from inboxes where person = $1 and notice_id = $2"
_STEP = "update notices set step = $2, acknowledge_by = $3, is_open = true where notice_id = $1 and step < $2"
_CLOCK = "update notices set acknowledge_by = $2, is_open = true where notice_id = $1"
_CLOSE = "update notices set is_open = false where notice_id = $1"

# Open first, then by urgency, by whose clock ends first, and the newest first.
_PAGE = """
    select * from (
        select n.notice_id, n.patient_id, not n.is_open as closed, n.urgency,
            coalesce(n.acknowledge_by, $4) as clock,
            (-extract(epoch from n.decided_at) * 1000000)::bigint as newest
        from inboxes i join notices n using (notice_id) where i.person = $1 and (n.is_open or not $2)
    ) entry
    where $5::boolean is null
        or (closed, urgency, clock, newest, notice_id) > ($5, $6::smallint, $7::timestamptz, $8::bigint, $9::uuid)
    order by closed, urgency, clock, newest, notice_id limit $3"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the order of an inbox."""

    closed: bool
    urgency: int
    clock: datetime
    newest: int
    notice_id: UUID

    def encode(self) -> str:
        parts = (int(self.closed), self.urgency, self.clock.isoformat(), self.newest, self.notice_id)
        return urlsafe_b64encode("|".join(map(str, parts)).encode()).decode()

    @classmethod
    def parse(cls, text: str, field: str = "page_token") -> Self:
        """The place that `encode` wrote. Raises InvalidInput naming `field` for anything else."""
        try:
            place = cls._parsed(text)
        except (ValueError, binascii.Error):
            place = None
        if place is None or place.encode() != text:
            raise InvalidInput("page-token-malformed", f"{field} is not a page token.", field=field)
        return place

    @classmethod
    def _parsed(cls, text: str) -> Self:
        closed, urgency, clock, newest, notice = urlsafe_b64decode(text.encode("ascii")).decode("ascii").split("|")
        moment = datetime.fromisoformat(clock)
        if moment.tzinfo is None or int(urgency) not in URGENCY.values() or abs(int(newest)) >= 2**63:
            raise ValueError("not a place")
        return cls(bool(int(closed)), int(urgency), moment, int(newest), UUID(notice))


@dataclass(frozen=True, slots=True)
class Entry:
    """One notice in somebody's inbox, and its place there."""

    patient_id: PatientId
    notice_id: FactId
    place: Place


def inbox_statements(event: Event, stream_id: UUID) -> Iterable[Statement]:
    """What the index must show of an event. Suppressed notices are shown, as closed ones."""
    match event:
        case NoticeDecided():
            yield Statement(sql=_NOTICE, args=_notice(event, stream_id))
            now = (it for it in event.addressees if it.step == 0 and Channel.INBOX in it.channels)
            yield Statement(sql=_ENTRIES, args=([_inbox(it, stream_id) for it in now], event.fact_id))
        case NoticeEscalated():
            yield Statement(sql=_STEP, args=(event.notice, event.step, event.acknowledge_by))
            if Channel.INBOX in event.channels:
                yield Statement(sql=_ENTRIES, args=(list(event.persons), event.notice))
        case NoticePaused():
            yield Statement(sql=_CLOCK, args=(event.notice, event.until))
        case NoticeHandedOver():
            yield Statement(sql=_LEAVE, args=(event.left, event.notice))
            if Channel.INBOX in event.channels:
                yield Statement(sql=_ENTRIES, args=(list(event.persons), event.notice))
        case NoticeAcknowledged() | NoticeWithdrawn():
            yield Statement(sql=_CLOSE, args=(event.notice,))
        case EnteredInError():
            yield Statement(sql=_CLOSE, args=(event.fact_id,))


def client_inbox(patient_id: UUID) -> str:
    """The name of the inbox of this client. No person has it: neither a token nor a request may hold this separator."""
    return f"client\x1f{patient_id}"


def _inbox(addressee: Addressee, patient_id: UUID) -> str:
    return client_inbox(patient_id) if addressee.role is Role.CLIENT else addressee.person


def _notice(event: NoticeDecided, stream_id: UUID) -> tuple[object, ...]:
    is_open = not event.suppressed
    return (event.fact_id, stream_id, URGENCY[event.priority], event.occurred_at, event.acknowledge_by, is_open)


class InboxIndex:
    """Reads the index. An entry is found as soon as the event that put it there is stored."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def page(self, person: str, after: Place | None, limit: int, *, open_only: bool) -> Sequence[Entry]:
        """Up to `limit` entries of a person's inbox behind `after`, in its order."""
        key = (after.closed, after.urgency, after.clock, after.newest, after.notice_id) if after else (None,) * 5
        rows = await self._connections.fetch(_PAGE, person, open_only, limit, NEVER, *key)
        return [_entry(row) for row in rows]


def _entry(row: Mapping[str, object]) -> Entry:
    place = Place(row["closed"], row["urgency"], row["clock"], row["newest"], row["notice_id"])  # type: ignore[arg-type]
    return Entry(PatientId(row["patient_id"]), FactId(row["notice_id"]), place)  # type: ignore[arg-type]
